"""What offsets, scales, glitches and flat lines do to the scores of the statistical detectors."""

import numpy as np
import pytest

from sensorkit import detect
from sensorkit.detect.base import LARGEST
from sensorkit.readings import Readings

DETECTORS = {
    "sigma": {},
    "sigma, robust": {"centre": "median"},
    "sigma, frozen": {"baseline": "frozen"},
    "sigma, frozen and robust": {"baseline": "frozen", "centre": "median"},
    "volatility": {},
    "mewma": {"alpha": 0.1},
}
ROLLING = ["sigma", "sigma, robust", "volatility"]
FROZEN = [name for name in DETECTORS if name not in ROLLING]
# One reading cannot say much to them: mewma clips it, volatility takes its logarithm.
CALM = ["mewma", "volatility"]

OFFSET = 1e9
# At 1e9 a float64 has steps of 2^-23, so multiples of 2^-20 are exact there.
STEP = 2.0**-20


def of(values):
    return Readings.build(np.arange(len(values)) * 10**9, values[:, np.newaxis], ["level"])


def steps(n, seed=1):
    """Noise of sigma 1e-3 that is exact near 1e9."""
    return np.random.default_rng(seed).normal(0.0, 1e-3 / STEP, n).round() * STEP


def faulty(n=2000, seed=2):
    values = steps(n, seed)
    values[700:720] += 16 * 2**-10
    values[900:920] = values[900]
    values[1500] -= 32 * 2**-10
    return values


def fitted(name, healthy):
    return detect.make(name.split(",")[0], **DETECTORS[name]).fit(of(healthy))


def scores(name, healthy, values):
    return fitted(name, healthy).score(of(values))


@pytest.mark.parametrize("name", DETECTORS)
def test_an_offset_of_1e9_changes_no_score_at_a_sigma_of_1e_3(name):
    near = scores(name, steps(4000), faulty())
    far = scores(name, OFFSET + steps(4000), OFFSET + faulty())
    assert near.max() > 8
    np.testing.assert_allclose(far, near, rtol=1e-9, atol=1e-9)


# Powers of two near 1e-300 and 1e300 (with values of 1e-3), so that scaling alone loses nothing.
@pytest.mark.parametrize("name", DETECTORS)
@pytest.mark.parametrize("power", [-987, -500, 500, 1000])
def test_the_scale_changes_no_score(name, power):
    scale = 2.0**power
    plain = scores(name, steps(4000), faulty())
    scaled = scores(name, scale * steps(4000), scale * faulty())
    np.testing.assert_allclose(scaled, plain, rtol=1e-9, atol=1e-9)


@pytest.mark.parametrize("name", DETECTORS)
@pytest.mark.parametrize("size", [1e9, 1e300, -1.7e308])
def test_a_glitch_that_has_left_the_window_has_left_no_trace(name, size):
    values = faulty()
    clean = scores(name, steps(4000), values)
    values[100] = size
    glitch = scores(name, steps(4000), values)
    assert glitch[100] > 100 or name in CALM
    # A moving average forgets by a tenth a reading.
    gone = 100 + (500 if name == "mewma" else 60)
    np.testing.assert_allclose(glitch[gone:], clean[gone:], rtol=1e-9, atol=1e-9)


@pytest.mark.parametrize("name", [name for name in DETECTORS if name not in CALM])
def test_none_of_240_later_alarms_is_missed_after_one_glitch(name):
    values = steps(10_000, seed=3)
    values[100] = 1e9
    at = np.arange(400, 10_000, 40)
    values[at] += 24 * 2**-10
    detector = fitted(name, steps(4000))
    assert len(at) == 240
    assert (detector.score(of(values))[at] > detector.threshold_).all()


def test_none_of_100_later_standstills_is_missed_after_one_glitch():
    values = steps(10_000, seed=3)
    values[100] = 1e9
    at = np.arange(300, 9_984, 96)
    for row in at:
        values[row : row + 16] = values[row]
    detector = fitted("volatility", steps(4000))
    assert len(at) > 100
    assert (detector.score(of(values))[at + 15] > detector.threshold_).all()


@pytest.mark.parametrize("name", ROLLING)
def test_after_a_jump_from_0_to_1e9_scores_are_as_if_it_had_always_been_there(name):
    values = faulty()
    stayed = scores(name, steps(4000), values)
    values[300:] += OFFSET
    jumped = scores(name, steps(4000), values)
    assert jumped[300] > 100 or name in CALM
    np.testing.assert_allclose(jumped[360:], stayed[360:], rtol=1e-9, atol=1e-9)


@pytest.mark.parametrize("name", FROZEN)
def test_a_jump_from_0_to_1e9_is_far_from_a_frozen_baseline_for_good(name):
    values = faulty()
    values[300:] += OFFSET
    detector = fitted(name, steps(4000))
    assert (detector.score(of(values))[320:] > detector.threshold_).all()


@pytest.mark.parametrize("value", [0.0, 0.1, OFFSET + 0.1, 1e-300, 1e300])
@pytest.mark.parametrize("name", [name for name in DETECTORS if name.startswith("sigma")])
def test_a_flat_line_is_no_distance_from_itself(name, value):
    flat = np.full(1000, value)
    assert scores(name, flat, flat).max() == 0.0


@pytest.mark.parametrize("name", DETECTORS)
@pytest.mark.parametrize("value", [0.0, 0.1, 1e9 + 0.1, 1e-300, 1e300])
def test_a_flat_line_has_a_finite_score_whatever_came_before(name, value):
    values = faulty()
    values[300:1000] = value
    assert np.isfinite(scores(name, steps(4000), values)).all()
    assert np.isfinite(scores(name, np.full(4000, 0.1), values)).all()


def test_a_flat_line_is_unusually_still():
    values = faulty()
    values[300:1000] = values[300]
    assert (scores("volatility", steps(4000), values)[340:1000] > 10).all()


@pytest.mark.parametrize("name", DETECTORS)
def test_missing_and_infinite_values_change_no_other_score(name):
    values = faulty()
    clean = scores(name, steps(4000), values)
    at = [5, 300, 300, 301, 900]
    holes = scores(
        name, steps(4000), np.insert(values, at, [np.nan, np.inf, np.nan, -np.inf, np.nan])
    )
    where = np.array(at) + np.arange(len(at))
    assert np.delete(holes, where).tolist() == clean.tolist()
    assert holes[where[[1, 3]]].tolist() == [LARGEST] * 2
