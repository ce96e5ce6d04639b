"""Every fault of a plan gets its place, apart from the others, or the plan is refused."""

import itertools
import math

import numpy as np
import pytest

from sensorkit.errors import PlanError
from sensorkit.faults import Fault, FaultPlan, place
from sensorkit.faults.placing import Taken

NS = 1_000_000_000


def seconds(n: int, *, rate: float = 1.0) -> np.ndarray:
    return np.round(np.arange(n) * NS / rate).astype(np.int64)


def stuck(duration_s: float, start_s: float | None = None, channel: str = "T") -> Fault:
    return Fault(kind="stuck", channel=channel, duration_s=duration_s, start_s=start_s)


def plan_of(*faults: Fault, **more) -> FaultPlan:
    return FaultPlan(faults=faults, **more)


def spans(placed) -> list[tuple[int, int]]:
    return [(one.start_index, one.stop_index) for one in placed]


def test_a_fault_with_a_start_covers_the_readings_from_there_until_before_its_end():
    plan = plan_of(stuck(3, 10), stuck(0.5, 20), stuck(1.5, 29.5))
    assert spans(place(plan, seconds(40))) == [(10, 13), (20, 21), (30, 31)]


def test_the_number_placed_is_the_number_asked_for_and_all_lie_apart():
    plan = FaultPlan.campaign(["bias", "stuck"], ["T", "V"], durations_s=[30, 60], repeats=5)
    placed = place(plan, seconds(10_000), seed=4)
    assert [one.id for one in placed] == list(range(1, 41))
    ordered = sorted(spans(placed))
    gaps = [b[0] - a[1] for a, b in itertools.pairwise(ordered)]
    assert min(gaps) >= 60
    assert {b - a for a, b in ordered} == {30, 60}


def test_adding_a_fault_changes_none_before_it():
    faults = [stuck(30) for _ in range(10)]
    shorter = place(plan_of(*faults), seconds(5000), seed=1)
    longer = place(plan_of(*faults, stuck(100)), seconds(5000), seed=1)
    assert longer[:10] == shorter


@pytest.mark.parametrize("change", [{"seed": 2}, {"plan_seed": 1}])
def test_either_seed_moves_the_faults(change):
    first = place(plan_of(stuck(30)), seconds(5000), seed=1)
    plan = plan_of(stuck(30), seed=change.get("plan_seed", 0))
    assert spans(place(plan, seconds(5000), seed=change.get("seed", 1))) != spans(first)


def test_places_are_spread_over_the_whole_window():
    plan = plan_of(stuck(10), window_s=(100, 200), gap=0)
    starts = {place(plan, seconds(1000), seed=seed)[0].start_index for seed in range(2000)}
    assert starts == set(range(100, 191))


@pytest.mark.parametrize("n", [1, 2, 5, 10, 60])
def test_faults_of_one_length_fit_when_they_fill_five_sixths_of_the_window(n):
    plan = plan_of(*[stuck(30)] * n)
    for seed in range(10):
        assert len(place(plan, seconds(math.ceil((n * 90 - 60) * 6 / 5)), seed=seed)) == n


def test_a_fault_that_no_longer_fits_says_what_it_needs_and_what_there_is():
    plan = plan_of(*[stuck(30)] * 10)
    wanted = (
        r"fault \d+ \(stuck on T, 30 s\) cannot be placed: the longest free stretch left has \d+ s"
        r"; all 10 faults of the plan need 840 s with 60 s between them, and the window from 0 to "
        r"700 s has 700 s; give a longer recording"
    )
    with pytest.raises(PlanError, match=wanted):
        place(plan, seconds(700))


def test_drawn_faults_keep_their_gap_from_fixed_ones():
    plan = plan_of(stuck(100, 450), *[stuck(10)] * 8)
    for seed in range(20):
        ordered = sorted(spans(place(plan, seconds(1000), seed=seed)))
        assert min(b[0] - a[1] for a, b in itertools.pairwise(ordered)) >= 60


def test_a_fixed_fault_over_one_already_drawn_is_refused_with_a_way_out():
    plan = plan_of(stuck(400), stuck(400, 300))
    with pytest.raises(PlanError, match=r"overlaps fault 1 .*faults that say when they start bef"):
        place(plan, seconds(1000))


def test_faults_placed_on_rows_may_overlap_only_on_channels_where_allowed():
    faults = (stuck(10, 0), stuck(10, 5, channel="V"))
    plan = plan_of(*faults, overlap="channels")
    assert spans(place(plan, seconds(100))) == [(0, 10), (5, 15)]


@pytest.mark.parametrize(
    ("fault", "wanted"),
    [
        (stuck(5, 100), "starts at 100 s, but the readings last 100 s"),
        (stuck(20, 90), "lasts until 110 s, but the readings end at 100 s; shorten it"),
        (stuck(0.2, 10.5), "touches no reading: none came from 10.5 s on for 0.2 s"),
    ],
)
def test_a_fixed_fault_beyond_the_readings_is_refused(fault, wanted):
    with pytest.raises(PlanError, match=rf"fault 1 \(stuck on T\) {wanted}"):
        place(plan_of(fault), seconds(100))


def test_a_fault_may_last_until_the_end_of_the_last_reading():
    assert spans(place(plan_of(stuck(10, 90)), seconds(100))) == [(90, 100)]


def test_times_need_not_be_even():
    times = np.cumsum([0, 1, 1, 5, 1, 1, 1, 10, 1]).astype(np.int64) * NS
    # At 0, 1, 2, 7, 8, 9, 10, 20, 21 s.
    assert spans(place(plan_of(stuck(6, 2)), times)) == [(2, 4)]


def test_equal_times_and_a_clock_that_goes_back_are_no_trouble():
    times = np.array([0, 0, 0, 1, 1, 2, 1, 3, 4, 5], dtype=np.int64) * NS
    assert spans(place(plan_of(stuck(1, 1)), times)) == [(3, 5)]


def test_a_drawn_fault_never_stands_over_a_pause():
    # 100 readings, nine hours of nothing, 100 readings.
    times = np.concatenate([np.arange(100), np.arange(32_400, 32_500)]) * NS
    for seed in range(200):
        (one,) = place(plan_of(stuck(20)), times, seed=seed)
        assert one.stop_index - one.start_index >= 10


def test_a_drawn_fault_finds_the_values_of_a_channel_that_is_often_missing():
    present = np.zeros(1000, dtype=bool)
    present[700:730] = True
    for seed in range(50):
        (one,) = place(plan_of(stuck(20)), seconds(1000), seed=seed, present={"T": present})
        assert present[one.start_index]
        assert present[one.start_index : one.stop_index].sum() >= 10


def test_a_fixed_fault_where_the_channel_is_missing_is_refused():
    present = np.zeros(100, dtype=bool)
    with pytest.raises(PlanError, match="touches no value: 'T' is missing in all readings from 5"):
        place(plan_of(stuck(10, 5)), seconds(100), present={"T": present})


def test_rows_that_are_taken_stay_free_and_name_themselves():
    taken = [Taken(0, 80, "the state WARNING")]
    for seed in range(20):
        (one,) = place(plan_of(stuck(10)), seconds(200), seed=seed, taken=taken)
        assert one.start_index >= 140
    with pytest.raises(PlanError, match=r"fault 1 .*overlaps the state WARNING \(0-80 s\)"):
        place(plan_of(stuck(10, 5)), seconds(200), taken=taken)


def test_a_window_may_be_a_share_of_the_whole():
    plan = plan_of(stuck(5), window_share=(0.5, 1.0), gap=0)
    starts = {place(plan, seconds(100), seed=seed)[0].start_index for seed in range(1000)}
    assert starts == set(range(50, 96))


def test_without_readings_there_is_nothing_to_place():
    with pytest.raises(PlanError, match="there is no reading to place a fault on"):
        place(plan_of(stuck(1, 0)), seconds(0))


def test_a_single_reading_can_have_a_spike():
    plan = plan_of(Fault(kind="spike", channel="T", magnitude=1.0))
    assert spans(place(plan, seconds(1))) == [(0, 1)]


@pytest.mark.parametrize("start_s", [10, None])
@pytest.mark.parametrize("kind", ["merge", "splice", "reorder", "endless_line"])
def test_a_fault_of_two_frames_is_no_label_on_a_single_one(kind, start_s):
    fault = {"kind": kind, "start_s": start_s, "duration_s": 1.0}
    with pytest.raises(PlanError, match=rf"fault 1 .*covers 1 reading, and an? {kind} takes 2"):
        place(plan_of(Fault(**fault)), seconds(60), seed=1)
    (placed,) = place(plan_of(Fault(**fault | {"duration_s": 2.0})), seconds(60), seed=1)
    assert placed.stop_index - placed.start_index == 2
