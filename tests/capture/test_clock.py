import time

from sensorkit.capture.clock import AnchoredClock, monotonic_ns

S = 1_000_000_000


def clock():
    state = {"wall": 1000 * S, "monotonic": 5 * S}
    return state, AnchoredClock(lambda: state["wall"], lambda: state["monotonic"])


def test_it_starts_with_the_wall_clock_and_goes_on_with_the_monotonic_one():
    state, now = clock()
    assert now() == 1000 * S
    state["monotonic"] += 7 * S
    state["wall"] -= 3600 * S
    assert now() == 1007 * S


def test_a_step_is_told_once_and_small_drift_never():
    state, now = clock()
    state["monotonic"] += S
    state["wall"] += S + S // 4
    assert now.step_s() is None
    state["wall"] += 10 * S
    assert now.step_s() == 10.25
    assert now.step_s() is None
    state["wall"] -= 10 * S
    assert now.step_s() == -10


def test_the_real_clocks_agree():
    assert abs(AnchoredClock()() - time.time_ns()) < S
    assert monotonic_ns() <= monotonic_ns()
