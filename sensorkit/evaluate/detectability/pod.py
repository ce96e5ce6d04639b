"""What the single faults of one kind came to: points, the curve through them, and delays."""

from __future__ import annotations

import math
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from sensorkit.display.zooming import drawn
from sensorkit.evaluate.detectability import showing
from sensorkit.evaluate.detectability.fault_sizes import Sizes
from sensorkit.evaluate.detectability.hit_miss import HitMiss, Status, hit_miss
from sensorkit.evaluate.detectability.single_faults import Faulty
from sensorkit.evaluate.detectability.windows import Outcome
from sensorkit.evaluate.statistics import censored_median

if TYPE_CHECKING:  # plotly takes half a second, which most commands need not wait
    import plotly.graph_objects as go

Floats = NDArray[np.float64]

LEAST_SHARE = 0.5
"""Of the faults, that have to count for a curve to be drawn."""


@dataclass(frozen=True)
class Detectability:
    """How large a fault has to be for a detector to find it; see `HitMiss` for the sizes.

    Attributes
    ----------
    detector, kind, channel, device : str
        `channel` is None where whole readings are missing.
    unit : str
        Of the sizes. `factor`: they are above 1, the curve is over how far, and `fit` is over the
        logarithm of that.
    sigma : float or None
        Units in one robust sigma of the healthy channel; None where the size is no value.
    curve : HitMiss
    reason : str or None
        Why a size is missing, and what else has to be known.
    chance : float
        Share of the windows that are hit without the fault.
    onsets, repeats : int
        Different onsets, and faults of each size.
    duration_s : float or None
        How long each fault lasts; None where it is one reading, or that is its size.
    tolerance : int
        Readings after a fault's end in which an episode may still begin; 0 for faults that last.
    points : tuple of dict
        Of each size tried: `size`, `size_sigma`, `faults` that count, `hits`, `excluded` ones,
        `delay_median_s` (misses count as never; None where half or more are missed).
    cases : DataFrame
        A row a fault: `size`, `magnitude`, `start` (nanoseconds UTC), `duration_s`, `seed`,
        `counts`, `hit`, `delay_s`. `inject` with a plan of that one fault and that seed makes it.
    """

    detector: str
    kind: str
    channel: str | None
    device: str
    unit: str
    sigma: float | None
    curve: HitMiss
    reason: str | None = None
    chance: float = 0.0
    onsets: int = 0
    repeats: int = 0
    duration_s: float | None = None
    tolerance: int = 0
    points: tuple[dict[str, Any], ...] = ()
    cases: pd.DataFrame = field(default_factory=pd.DataFrame, compare=False, repr=False)

    @property
    def status(self) -> Status:
        """Return what it came to."""
        return self.curve.status

    @property
    def delay_at_a90_s(self) -> float | None:
        """Return the median delay at the tried size next above a90, or above its upper bound."""
        size = self.curve.a90_95 if self.curve.a90 is None else self.curve.a90
        above = [p for p in self.points if size is not None and p["size"] >= size and p["faults"]]
        return above[0]["delay_median_s"] if above else None

    def plot(self, *, height: int = 420) -> go.Figure:
        """Return the curve with its band, the shares found, and the median delays.

        The dashed line is the size found 9 times in 10 with 95 % confidence; the dotted one marks
        90 %. `layout.meta["alt"]` says it in words.
        """
        return drawn(showing.figure(self, height))

    def to_frame(self) -> pd.DataFrame:
        """Return the sizes tried as a table, a row each."""
        return pd.DataFrame(list(self.points))

    def _repr_html_(self) -> str:
        return showing.card(self).html()

    def __repr__(self) -> str:
        return showing.card(self).text()

    def to_dict(self) -> dict[str, Any]:
        """Return a row of `detectability` of report.json, but for the recording."""
        curve, sigma = self.curve, self.sigma
        sizes = {"a50": curve.a50, "a90": curve.a90, "a90_95": curve.a90_95}
        in_sigmas = {
            f"{name}_sigma": size / sigma if sigma and size is not None else None
            for name, size in sizes.items()
        }
        return {
            "detector": self.detector,
            "kind": self.kind,
            "channel": self.channel,
            "device": self.device,
            "unit": self.unit,
            "sigma": self.sigma,
            "status": str(curve.status),
            "reason": self.reason,
            **sizes,
            **in_sigmas,
            "a50_ci": list(curve.a50_ci),
            "a90_ci": list(curve.a90_ci),
            "fit": None if curve.fit is None else curve.fit._asdict(),
            "chance": self.chance,
            "onsets": self.onsets,
            "repeats": self.repeats,
            "duration_s": self.duration_s,
            "tolerance": self.tolerance,
            "smallest": self.points[0]["size"] if self.points else None,
            "largest": self.points[-1]["size"] if self.points else None,
            "delay_at_a90_s": self.delay_at_a90_s,
            "points": [dict(point) for point in self.points],
            "band": [point._asdict() for point in curve.band],
        }


def untestable(
    detector: str, device: str, kind: str, channel: str | None, unit: str, reason: str
) -> Detectability:
    """Return what is to be said of faults that cannot be tried."""
    curve = HitMiss(Status.NOT_TESTABLE, reason)
    return Detectability(detector, kind, channel, device, unit, None, curve, reason)


def summed_up(
    detector: str, device: str, faulty: Faulty, outcome: Outcome, note: str, seed: int
) -> Detectability:
    """Return what became of the faults of one kind.

    Parameters
    ----------
    detector, device : str
    faulty : Faulty
    outcome : Outcome
    note : str
        What else is to be said of where they were; may be empty.
    seed : int
        Of the counts that the curve's misfit is compared with.
    """
    sizes, counts = faulty.sizes, outcome.counts
    repeats = counts.shape[1]
    hits = outcome.hit & counts
    far = sizes.size - sizes.neutral
    curve = hit_miss(far, counts.sum(axis=1), hits.sum(axis=1), seed=seed).moved(sizes.neutral)
    if counts.mean() < LEAST_SHARE:
        reason = (
            f"{int(counts.sum())} of {counts.size} faults count: in the windows of the others "
            "there is an alarm without any fault"
        )
        curve = HitMiss(Status.NOT_TESTABLE, reason)
    return Detectability(
        detector=detector,
        kind=sizes.kind.name,
        channel=sizes.channel,
        device=device,
        unit=sizes.unit,
        sigma=sizes.sigma,
        curve=curve,
        reason="; ".join(said for said in (curve.reason, note) if said) or None,
        chance=float(outcome.chance.mean()),
        onsets=len(np.unique(faulty.start)),
        repeats=repeats,
        duration_s=sizes.duration_s,
        tolerance=faulty.tolerance,
        points=tuple(_points(sizes, counts, hits, outcome.delay_s)),
        cases=_cases(faulty, outcome),
    )


def _cases(faulty: Faulty, outcome: Outcome) -> pd.DataFrame:
    sizes, (many, repeats) = faulty.sizes, faulty.start.shape
    faults = [sizes.fault(k, repeat) for k in range(many) for repeat in range(repeats)]
    return pd.DataFrame(
        {
            "size": np.repeat(sizes.size, repeats),
            "magnitude": [fault.magnitude for fault in faults],
            "start": faulty.start_ns.ravel(),
            "duration_s": [fault.duration_s for fault in faults],
            "seed": faulty.seed.ravel(),
            "counts": outcome.counts.ravel(),
            "hit": outcome.hit.ravel(),
            "delay_s": outcome.delay_s.ravel(),
        }
    )


def _points(
    sizes: Sizes, counts: NDArray[np.bool_], hits: NDArray[np.bool_], delay_s: Floats
) -> list[dict[str, Any]]:
    points = []
    for k, size in enumerate(sizes.size.tolist()):
        delays = np.where(hits[k], delay_s[k], math.inf)[counts[k]]
        median = float(censored_median(delays, np.full(len(delays), math.inf))[0])
        points.append(
            {
                "size": size,
                "size_sigma": size / sizes.sigma if sizes.sigma else None,
                "faults": int(counts[k].sum()),
                "hits": int(hits[k].sum()),
                "excluded": int((~counts[k]).sum()),
                "delay_median_s": median if math.isfinite(median) else None,
            }
        )
    return points
