"""What each kind does to the values of a stretch, to the last digit on small cases."""

import numpy as np
import pytest

from sensorkit.errors import PlanError
from sensorkit.faults import KINDS, Fault, FaultPlan, inject
from sensorkit.faults.base import MOST_HISTORY, SignalKind
from sensorkit.faults.signal import apply_signal, reach
from sensorkit.readings import Readings

NS = 1_000_000_000
NAN = float("nan")
SAID = {
    "spike": {"magnitude": 3.0},
    "bias": {"magnitude": 3.0},
    "drift": {"magnitude": 3.0},
    "noise": {"magnitude": 3.0},
    "rapid_change": {"magnitude": 3.0},
    "saturation": {"magnitude": 0.5},
    "gain": {"magnitude": 1.5},
    "oscillation": {"magnitude": 3.0},
    "lag": {"magnitude": 3.0},
}
SIGNAL = sorted(name for name, kind in KINDS.items() if isinstance(kind, SignalKind))
GRADUAL = sorted(name for name in SIGNAL if KINDS[name].gradual)


def fault(kind: str, **said) -> Fault:
    return Fault(kind=kind, channel="T", duration_s=10, **{**SAID.get(kind, {}), **said})


def applied(kind: str, values, *, history=(), step_s: float = 1.0, seed: int = 0, **said):
    """Return what a fault makes of *values*, a reading every *step_s*."""
    one = fault(kind, **said)
    times = np.round(np.arange(len(values)) * step_s * NS).astype(np.int64)
    return apply_signal(
        np.asarray(values, dtype=np.float64),
        times,
        one,
        before=history[-1] if len(history) else NAN,
        magnitude=one.size,
        rng=np.random.default_rng(seed),
        history=np.asarray(history, dtype=np.float64),
        step_s=step_s,
    ).tolist()


WAVE = [0.0, 2.0, 4.0, 2.0, 0.0, -2.0, -4.0, -2.0]


def test_a_saturation_clips_at_so_much_below_the_highest_value_or_above_the_lowest():
    assert applied("saturation", WAVE, magnitude=1.5) == [0, 2, 2.5, 2, 0, -2, -4, -2]
    assert applied("saturation", WAVE, magnitude=-3.0) == [0, 2, 4, 2, 0, -1, -1, -1]


def test_a_saturation_larger_than_the_swing_leaves_one_value():
    assert applied("saturation", WAVE, magnitude=100.0) == [-96.0] * 8


def test_a_gradual_saturation_closes_in():
    flat = [4.0] * 8
    halves = applied("saturation", flat, magnitude=4.0, onset="gradual")
    assert halves == [3.0, 2.0, 1.0, 0.0, 0.0, 0.0, 0.0, 0.0]


def test_a_gain_is_about_zero():
    assert applied("gain", [10.0, -10.0, 0.0], magnitude=1.5) == [15.0, -15.0, 0.0]
    assert applied("gain", [10.0] * 4, magnitude=2.0, onset="gradual") == [15.0, 20.0, 20.0, 20.0]


def test_a_gain_that_is_not_said_is_a_tenth_and_labelled_so():
    readings = Readings.build(np.arange(200) * NS, np.full((200, 1), 10.0), ["T"])
    bare = Fault(kind="gain", channel="T", start_s=100, duration_s=5)
    faulty, labels = inject(readings, FaultPlan(faults=(bare,)))
    np.testing.assert_allclose(faulty.values[100:105, 0], 11.0)
    assert labels["magnitude"].tolist() == [1.1]
    assert labels["magnitude_sigma"].isna().all()


def test_an_oscillation_is_a_sine_that_starts_from_zero():
    made = applied("oscillation", [5.0] * 8, magnitude=2.0, period_s=8.0)
    expected = 5.0 + 2.0 * np.sin(2 * np.pi * np.arange(1, 9) / 8)
    np.testing.assert_allclose(made, expected)


def test_an_oscillation_has_twenty_readings_to_a_period_whatever_the_rate():
    made = np.array(applied("oscillation", np.zeros(40), magnitude=1.0, step_s=0.01))
    np.testing.assert_allclose(made[[4, 9, 14, 19, 24]], [1, 0, -1, 0, 1], atol=1e-12)


def test_an_oscillation_too_fast_to_be_seen_is_slowed_down():
    made = applied("oscillation", np.zeros(6), magnitude=1.0, period_s=0.001)
    np.testing.assert_allclose(made, np.sin(2 * np.pi * np.arange(1, 7) / 3), atol=1e-12)


def test_a_lag_gives_the_values_of_before():
    assert applied("lag", [4.0, 5.0, 6.0, 7.0], history=[1.0, 2.0, 3.0], magnitude=2.0) == [
        *[2.0, 3.0, 4.0, 5.0]
    ]


def test_a_lag_counts_readings_at_any_rate():
    made = applied("lag", [4.0, 5.0, 6.0], history=[1.0, 2.0, 3.0], magnitude=0.02, step_s=0.01)
    assert made == [2.0, 3.0, 4.0]


def test_a_lag_at_the_beginning_stands_at_the_first_value_known():
    assert applied("lag", [4.0, 5.0, 6.0, 7.0], magnitude=2.0) == [4.0, 4.0, 4.0, 5.0]
    late = applied("lag", [4.0, 5.0, 6.0, 7.0], history=[NAN, 3.0], magnitude=3.0)
    assert late == [3.0, 3.0, 3.0, 4.0]


def test_a_lag_sees_a_missing_value_as_the_last_one_before():
    made = applied("lag", [4.0, 5.0, 6.0], history=[1.0, NAN, 3.0], magnitude=2.0)
    assert made == [1.0, 3.0, 4.0]


def test_a_gradual_lag_slows_the_signal_down_first():
    made = applied("lag", np.arange(8.0), history=[-4, -3, -2, -1], magnitude=4.0, onset="gradual")
    assert made == [-1.0, -1.0, -1.0, -1.0, 0.0, 1.0, 2.0, 3.0]


def test_a_lag_below_half_a_reading_is_one_reading():
    assert applied("lag", [2.0, 3.0], history=[1.0], magnitude=0.001) == [1.0, 2.0]


def test_what_a_lag_wants_to_know_is_bounded():
    assert reach(fault("lag", magnitude=1e9), rate_hz=1e6) == MOST_HISTORY
    assert {reach(fault(kind), 10.0) for kind in SIGNAL if kind != "lag"} == {0}


def test_a_correlation_break_has_the_same_values_in_another_order():
    rng = np.random.default_rng(4)
    wave = np.sin(np.arange(200) / 6) + rng.normal(0, 0.2, 200)
    made = np.array(applied("correlation_break", wave))
    np.testing.assert_array_equal(np.sort(made), np.sort(wave))
    assert abs(np.corrcoef(wave, made)[0, 1]) < 0.4
    # As rough as it was, and no jump where it begins and ends.
    assert 0.7 < np.std(np.diff(made)) / np.std(np.diff(wave)) < 1.4
    assert abs(made[0] - wave[0]) + abs(made[-1] - wave[-1]) < np.std(wave)


def test_a_correlation_break_wants_company():
    readings = Readings.build(np.arange(200) * NS, np.arange(200.0)[:, None], ["T"])
    plan = FaultPlan(faults=(fault("correlation_break"),))
    with pytest.raises(PlanError, match=r"fault 1 .*shows beside other channels only, and 'T'"):
        inject(readings, plan)


@pytest.mark.parametrize("kind", SIGNAL)
def test_what_is_missing_stays_missing(kind):
    values = np.array([1.0, NAN, 3.0, 2.0, NAN, 5.0])
    made = np.array(applied(kind, values, history=[0.0, NAN]))
    assert np.isnan(made[[1, 4]]).all()
    assert np.isnan(made[[0, 2, 3, 5]]).all() == (kind == "dropout")


@pytest.mark.parametrize("kind", SIGNAL)
@pytest.mark.parametrize("values", [[4.0], [NAN], [NAN, NAN, NAN], [4.0, 4.0]])
def test_next_to_nothing_is_no_error(kind, values):
    made = np.array(applied(kind, values))
    assert made.shape == (len(values),)
    assert (np.isnan(made) >= np.isnan(values)).all()
    assert np.isfinite(made[~np.isnan(made)]).all()


@pytest.mark.parametrize("kind", SIGNAL)
def test_huge_values_give_no_nan_and_no_warning(kind):
    made = np.array(applied(kind, [1e300, -1e300, 1e300, 0.0, 1e-300], history=[1e300]))
    assert np.isfinite(made).all() or kind == "dropout"


@pytest.mark.parametrize("kind", GRADUAL)
def test_a_gradual_fault_is_the_abrupt_one_in_its_second_half_and_weaker_at_first(kind):
    wave = 10 + np.sin(np.arange(40) / 3)
    said = {"history": 10 + np.sin(np.arange(-20, 0) / 3)}
    abrupt, gradual = (
        np.array(applied(kind, wave, onset=onset, **said)) for onset in ("abrupt", "gradual")
    )
    np.testing.assert_array_equal(gradual[20:], abrupt[20:])
    assert 0 <= np.abs(gradual[0] - wave[0]) < max(np.abs(abrupt[:20] - wave[:20]).max(), 1e-9)
    assert np.abs(gradual[:20] - wave[:20]).sum() < np.abs(abrupt[:20] - wave[:20]).sum()


@pytest.mark.parametrize("kind", SIGNAL)
def test_readings_after_the_fault_do_not_change_it(kind):
    rng = np.random.default_rng(1)
    values = rng.normal(10, 1, (400, 2))
    readings = Readings.build(np.arange(400) * NS, values, ["T", "V"])
    one = Fault(kind=kind, channel="T", start_s=100, duration_s=10, **SAID.get(kind, {}))
    whole, _ = inject(readings, FaultPlan(faults=(one,)), 3)
    shorter, _ = inject(readings[:200], FaultPlan(faults=(one,)), 3)
    np.testing.assert_array_equal(whole.values[:200], shorter.values)


@pytest.mark.parametrize(
    ("said", "wanted"),
    [
        ({"kind": "gain", "magnitude": 1}, "magnitude: a gain of size 1 changes nothing"),
        ({"kind": "gain", "magnitude": 0}, "must be above 0: what every value is multiplied by"),
        ({"kind": "gain", "magnitude": -2}, "must be above 0"),
        ({"kind": "gain", "magnitude": 1e9}, "1e-06 to 1e\\+06 are possible"),
        ({"kind": "gain", "magnitude_sigma": 2}, "is in factor, not in sigmas"),
        ({"kind": "lag"}, "a lag needs a magnitude: how late the values are"),
        ({"kind": "lag", "magnitude": -1}, "must be above 0"),
        ({"kind": "saturation", "magnitude": 0}, "a saturation of size 0 changes nothing"),
        ({"kind": "bias", "magnitude": 1, "period_s": 3}, "has no period; .* are oscillation"),
        ({"kind": "correlation_break", "magnitude": 1}, "its size is its duration"),
        ({"kind": "correlation_break", "onset": "gradual"}, "cannot begin gradually"),
        ({"kind": "oscillation", "magnitude": 1, "period_s": 0}, "greater than 0"),
    ],
)
def test_a_fault_that_makes_no_sense_is_refused(said, wanted):
    plan = {"faults": [{"channel": "T", "duration_s": 10, **said}]}
    with pytest.raises(PlanError, match=wanted):
        FaultPlan.from_dict(plan, "test")
