"""Our kinds of faults against those of de Bruijn et al. (2016): the same values, or as probable.

Each of their faulty series is held against the clean one of the same node: which kind of ours, with
its magnitude fitted, gives what they give. Their names are not ours; docs/faults.md has the table.
"""

from collections.abc import Iterator
from typing import NamedTuple

import numpy as np
import pytest
from numpy.typing import NDArray
from scipy import stats

from sensorkit.datasets import load_debruijn
from sensorkit.faults import Fault, FaultPlan, inject
from sensorkit.readings import Readings

pytestmark = pytest.mark.data

LEAST = 30
"""Readings of a stretch whose distribution is looked at."""

ALPHA = 0.01


class Stretch(NamedTuple):
    """One of their faults."""

    clean: NDArray[np.float64]
    faulty: NDArray[np.float64]

    @property
    def off(self) -> NDArray[np.float64]:
        return self.faulty - self.clean


@pytest.fixture(scope="module")
def stretches(sensorkit_data) -> dict[str, list[Stretch]]:
    """Their faults of each kind. Intel Lab is left out: its faulty files have other rows."""
    items = [
        item
        for item in load_debruijn.find(sensorkit_data / "debruijn_faults")
        if item.site == "santander"
    ]
    series = {
        (one.extra["mote"], one.extra["kind"]): one
        for one in load_debruijn.read(sensorkit_data / "debruijn_faults", items)
    }
    found: dict[str, list[Stretch]] = {}
    for (mote, kind), one in series.items():
        if kind in {"clean", "mixed"}:
            continue
        clean = series[mote, "clean"].readings.values[:, 0]
        faulty = one.readings.values[:, 0]
        for start, stop in _runs(one.labels):
            found.setdefault(kind, []).append(Stretch(clean[start:stop], faulty[start:stop]))
    return found


def _runs(labels: NDArray[np.bool_]) -> Iterator[tuple[int, int]]:
    edges = np.flatnonzero(np.diff(np.concatenate([[0], labels.astype(int), [0]])))
    return zip(edges[::2].tolist(), edges[1::2].tolist(), strict=True)


def ours(clean: NDArray[np.float64], kind: str, seed: int = 0, **said) -> NDArray[np.float64]:
    """Return what a fault of ours makes of the whole of *clean*."""
    n = len(clean)
    readings = Readings.build(np.arange(n) * 10**9, clean[:, None], ["T"])
    lasts = n if n > 1 else None
    fault = Fault(kind=kind, channel="T", start_s=0, duration_s=lasts, **said)
    return inject(readings, FaultPlan(faults=(fault,)), seed)[0].values[:, 0]


def share_as_probable(stretches: list[Stretch], kind: str) -> float:
    """Return the share of stretches that the Kolmogorov-Smirnov test takes for ours."""
    good = [
        stats.ks_2samp(one.off, ours(one.clean, kind, seed, **_fit(kind, one)) - one.clean).pvalue
        > ALPHA
        for seed, one in enumerate(stretches)
    ]
    return float(np.mean(good))


def _fit(kind: str, one: Stretch) -> dict[str, float]:
    match kind:
        case "noise":
            return {"magnitude": float(one.off.std())}
        case "drift":
            return {"magnitude": 2 * float(one.off.mean())}
    return {"magnitude": float(one.off.mean())}


def test_their_random_faults_are_spikes_of_one_reading(stretches):
    readings = [
        Stretch(one.clean[[i]], one.faulty[[i]])
        for one in stretches["random"]
        for i in range(len(one.clean))
    ]
    assert len(readings) > 400
    for one in readings[::10]:
        readings_of_ours = ours(one.clean, "spike", magnitude=float(one.off[0]))
        np.testing.assert_allclose(readings_of_ours, one.faulty, atol=1e-9)
    # How large: one and a half or two and a half times the reading itself.
    sizes = {round(float(one.off[0] / one.clean[0]), 2) for one in readings if one.clean[0]}
    assert sizes == {1.5, 2.5}


def test_their_malfunctions_are_noise(stretches):
    long = [one for one in stretches["malfunction"] if len(one.clean) >= LEAST]
    assert len(long) > 20
    assert share_as_probable(long, "noise") >= 0.95
    # Nor is there anything in their order: white, as ours.
    lag_1 = [
        abs(np.corrcoef(one.off[1:], one.off[:-1])[0, 1]) * np.sqrt(len(one.off)) for one in long
    ]
    assert np.mean(np.array(lag_1) < stats.norm.ppf(1 - ALPHA / 2)) >= 0.95
    # The test can tell: the same noise taken for a bias of its mean is found out every time.
    assert share_as_probable(long, "bias") == 0


def test_their_bias_is_a_sensor_stuck_at_one_and_a_half_times_its_value(stretches):
    long = [one for one in stretches["bias"] if len(one.clean) > 1]
    for one in long:
        stuck = ours(one.clean, "stuck", value=float(one.faulty[0]))
        np.testing.assert_allclose(stuck, one.faulty, atol=1e-9)
    sizes = {round(float(one.faulty[0] / one.clean[0]), 2) for one in long}
    assert sizes == {1.5}


def test_their_drift_is_a_bias_with_noise_and_no_ramp(stretches):
    long = [one for one in stretches["drift"] if len(one.clean) >= LEAST]
    assert len(long) > 20

    def shifted(one: Stretch, seed: int) -> NDArray[np.float64]:
        biased = ours(one.clean, "bias", magnitude=float(one.off.mean()))
        return ours(biased, "noise", seed, magnitude=float(one.off.std())) - one.clean

    as_probable = [
        stats.ks_2samp(one.off, shifted(one, seed)).pvalue > ALPHA for seed, one in enumerate(long)
    ]
    assert np.mean(as_probable) >= 0.95
    # The test can tell: a ramp of the same mean is found out.
    assert share_as_probable(long, "drift") < 0.1


def test_their_polydrift_is_our_drift_of_a_step_a_reading(stretches):
    long = [one for one in stretches["polydrift"] if len(one.clean) >= LEAST]
    assert len(long) > 20
    for one in long:
        # Their first labelled reading is not changed yet.
        ramp = ours(one.clean[1:], "drift", magnitude=float(one.off[-1]))
        np.testing.assert_allclose(ramp, one.faulty[1:], atol=1e-6)
