"""The protocol of C-MAPSS turbofan engines: is there a warning before the failure, how early.

Each engine runs from new to its failure, one reading a cycle. When its fault began is not
labelled, only when it ended, so that only early-warning measures apply. Ours, as the set has
none (it publishes the remaining life for regression):

The fleet learns together: the cycles 1 to 30 of every engine are fitted on, thresholds are frozen
on the cycles 31 to 50, and each engine is then watched from cycle 51 on. Alarms that begin in the
first half of an engine's life are false alarms. The first that begins in the second half is the
warning; the lead time is what is left of the life then.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import ClassVar

import numpy as np

from sensorkit.datasets.series import Series
from sensorkit.detect.base import Detector
from sensorkit.evaluate.public.pooling import Floats, mean, ratio, total
from sensorkit.evaluate.public.protocol import Case, Column, Found, Protocol
from sensorkit.evaluate.public.stretches import watched
from sensorkit.readings import Readings

FITTED, EARLY = 30, 50
USEFUL = 20
"""Cycles ahead of the failure from which on a warning leaves time to act."""


class Cmapss(Protocol):
    """Warnings and lead times of engines that run to failure."""

    name: ClassVar[str] = "cmapss"
    title: ClassVar[str] = "C-MAPSS turbofan engines"
    text: ClassVar[tuple[str, ...]] = (
        f"The fleet learns from the cycles 1 to {FITTED} of every engine, thresholds are frozen "
        f"on the cycles {FITTED + 1} to {EARLY} (the highest that healthy cycles reach), and each "
        f"engine is watched from cycle {EARLY + 1} until it fails.",
        "Alarms that begin in the first half of a life are false alarms. The first that begins in "
        "the second half is the warning; the lead time is the life that is left then, in cycles. "
        "An engine without a warning has a lead time of 0.",
        f"In time: the share of engines with a warning at least {USEFUL} cycles ahead and no false "
        "alarm.",
    )
    warnings: ClassVar[tuple[str, ...]] = (
        "The data are simulated, and where a fault began is not labelled: recall, precision and "
        "delay of a fault do not exist here.",
        "All engines share one fit and one threshold: the intervals say how engines differ, not "
        "how another fleet to learn from would change the figures, and are too narrow for that.",
        "A warning is cheap for a detector that alarms all the time; read it with the false "
        "alarms.",
    )
    columns: ClassVar[tuple[Column, ...]] = (
        Column("in_time", f"Warned {USEFUL} cycles ahead, no false alarm"),
        Column("warned", "Warned at all"),
        Column("lead_median", "Median lead", unit="cycles", share=False),
        Column("false_alarms", "False alarms an engine", better="low", share=False),
        Column("quiet", "Engines without a false alarm"),
        Column("time_flagged", "Early cycles flagged", better="low"),
    )
    headline: ClassVar[str] = "in_time"
    each: ClassVar[str] = "in_time"
    series_are_cases: ClassVar[bool] = True

    def cases(self, series: Iterable[Series]) -> list[Case]:
        """Return one case an engine that runs to its failure; all share what is learned."""
        engines = [one for one in series if fails(one)]
        fleets: dict[str, list[Series]] = {}
        for one in engines:
            fleets.setdefault(fleet_of(one), []).append(one)
        fit = {name: joined(fleet, 0, FITTED) for name, fleet in fleets.items()}
        calibrate = {name: joined(fleet, FITTED, EARLY) for name, fleet in fleets.items()}
        return [
            Case(
                name=one.name,
                unit=one.name,
                fit=fit[fleet_of(one)],
                calibrate=calibrate[fleet_of(one)],
                before=one.readings[:EARLY],
                test=one.readings[EARLY:],
                faulty=np.zeros(len(one.readings) - EARLY, dtype=np.bool_),
                windows=np.zeros((0, 2), dtype=np.int64),
                learned=fleet_of(one),
            )
            for one in engines
        ]

    def judge(self, detector: Detector, case: Case) -> Found:
        """Return the lead of the warning, in cycles, and the false alarms before."""
        threshold = detector.threshold_
        scores, alerts = watched(detector, case)
        life = EARLY + len(case.test)
        # An alarm that is open from the start on is a false one at the first watched cycle.
        begun = np.searchsorted(case.test.time, sorted(alert.start for alert in alerts))
        cycle = EARLY + begun
        early, late = cycle[cycle < life / 2], cycle[cycle >= life / 2]
        lead = float(life - 1 - late[0]) if len(late) else 0.0
        first_half = max(int(np.ceil(life / 2)) - EARLY, 0)
        return Found(
            {
                "engines": 1.0,
                "lead": lead,
                "warned": float(len(late) > 0),
                "false_alarms": float(len(early)),
                "quiet": float(len(early) == 0),
                "in_time": float(lead >= USEFUL and len(early) == 0),
                "flagged": float((scores[:first_half] >= threshold).sum()),
                "early_cycles": float(first_half),
            }
        )

    def pool(self, figures: Mapping[str, Floats], weight: Floats) -> dict[str, Floats]:
        """Return means over engines, and the median lead."""
        return {
            **{
                name: mean(figures[name], weight)
                for name in ("in_time", "warned", "false_alarms", "quiet")
            },
            "lead_median": weighted_median(figures["lead"], weight),
            "time_flagged": ratio(
                total(figures["flagged"], weight), total(figures["early_cycles"], weight)
            ),
        }

    def notes(self, cases: Sequence[Case]) -> list[str]:
        """Say how many engines there are, and that conditions are not taken out."""
        fleets = sorted({case.learned for case in cases})
        return [
            f"{len(cases)} engines of {', '.join(fleets)}. FD002 and FD004 fly in six operating "
            "conditions, which no detector here takes out."
        ]


def fleet_of(one: Series) -> str:
    """Return the engines that learn together: those of one file, as FD001/train."""
    return one.name.rpartition("/")[0]


def fails(one: Series) -> bool:
    """Return whether an engine is seen until it fails, for long enough to be judged."""
    left = one.extra.get("rul")
    return len(one.readings) > EARLY and left is not None and int(np.asarray(left)[-1]) == 0


def joined(fleet: Sequence[Series], first: int, stop: int) -> Readings:
    """Return some cycles of all engines, each a device of its own."""
    return Readings.concat(
        [
            Readings.build(
                one.readings.time[first:stop],
                one.readings.values[first:stop],
                one.readings.channels,
                device=one.name,
            )
            for one in fleet
        ]
    )


def weighted_median(values: Floats, weight: Floats) -> Floats:
    """Return the median of the values, each counted so often.

    >>> weighted_median(np.array([1.0, 2.0, 9.0]), np.array([1.0, 1.0, 3.0]))
    array(9.)
    """
    order = np.argsort(values)
    reached = np.cumsum(weight[..., order], axis=-1)
    half = reached[..., -1:] / 2.0
    low = np.argmax(reached >= half, axis=-1)
    high = np.argmax(reached > half, axis=-1)
    return np.asarray((values[order][low] + values[order][high]) / 2.0)
