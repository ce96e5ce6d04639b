"""One fault on several channels: one place, a label for each, counted once."""

import numpy as np
import pytest

from sensorkit.errors import PlanError
from sensorkit.faults import FaultPlan, inject
from sensorkit.faults.labels import channels_of, faults_of
from sensorkit.readings import Readings

NS = 1_000_000_000


def healthy(n: int = 600) -> Readings:
    values = np.random.default_rng(3).normal([20.0, 5.0, 1000.0], [1.0, 0.1, 10.0], (n, 3))
    return Readings.build(np.arange(n) * NS, values, ["T", "V", "p"])


def plan(*faults: dict, **more) -> FaultPlan:
    return FaultPlan.from_dict({"faults": list(faults), **more}, "test")


def bias(**more) -> dict:
    return {"kind": "bias", "channels": "all", "duration_s": 10, "magnitude_sigma": 4, **more}


def test_all_channels_are_hit_at_once_each_by_its_own_sigma():
    clean = healthy()
    faulty, labels = inject(clean, plan(bias()), scales={"T": 1.0, "V": 0.1, "p": 10.0})
    moved = faulty.values - clean.values
    rows = np.flatnonzero(moved.any(axis=1))
    assert len(rows) == 10
    np.testing.assert_allclose(moved[rows], np.tile([4.0, 0.4, 40.0], (10, 1)))
    assert labels["channel"].tolist() == ["T", "V", "p"]
    assert labels["id"].tolist() == [1, 2, 3]
    assert labels["start"].nunique() == labels["end"].nunique() == 1


def test_each_channel_may_have_a_magnitude_of_its_own():
    clean = healthy()
    fault = bias(channels=["p", "T"], magnitude_sigma=None, magnitude={"T": 2.0, "p": -7.0})
    faulty, labels = inject(clean, plan({k: v for k, v in fault.items() if v is not None}))
    moved = faulty.values - clean.values
    np.testing.assert_allclose(moved[moved[:, 0] != 0], [[2.0, 0.0, -7.0]] * 10)
    assert dict(zip(labels["channel"], labels["magnitude"], strict=True)) == {"p": -7.0, "T": 2.0}


def test_ids_go_on_counting_and_faults_before_stay_as_they_are():
    first = {"kind": "noise", "channel": "T", "duration_s": 10, "magnitude": 2.0}
    alone, _ = inject(healthy(), plan(first), 5)
    more, labels = inject(healthy(), plan(first, bias(), {"kind": "silence", "duration_s": 5}), 5)
    assert labels["id"].tolist() == [1, 2, 3, 4, 5]
    at = alone.time[np.flatnonzero(alone.channel("T") != healthy().channel("T"))]
    np.testing.assert_array_equal(
        alone.channel("T")[np.isin(alone.time, at)], more.channel("T")[np.isin(more.time, at)]
    )


def test_what_is_drawn_is_drawn_for_each_channel():
    clean = healthy()
    fault = {"kind": "noise", "channels": ["T", "V"], "duration_s": 30, "magnitude": 1.0}
    moved = inject(clean, plan(fault))[0].values - clean.values
    rows = moved[moved[:, 0] != 0]
    assert abs(np.corrcoef(rows[:, 0], rows[:, 1])[0, 1]) < 0.5


def test_the_labels_of_one_fault_say_the_same_times_though_a_channel_comes_later():
    clean = healthy()
    values = clean.values.copy()
    values[:105, 1] = np.nan
    fault = bias(start_s=100, channels=["T", "V"])
    later = Readings.build(clean.time, values, clean.channels)
    _, labels = inject(later, plan(fault))
    assert [time.second for time in labels["start"]] == [40, 40]
    assert len(faults_of(labels)) == 1


def test_channels_that_come_in_readings_of_their_own_are_hit_together():
    values = np.full((600, 2), np.nan)
    values[::2, 0], values[1::2, 1] = 1.0, 2.0
    readings = Readings.build(np.arange(600) * NS, values, ["T", "V"])
    fault = {"kind": "bias", "channels": "all", "duration_s": 20, "magnitude": 1.0}
    faulty, labels = inject(readings, plan(fault))
    assert np.nansum(faulty.values - readings.values) == 20
    assert len(labels) == 2


@pytest.mark.parametrize(
    ("fault", "wanted"),
    [
        (bias(channel="T"), "give either channel or channels, not both"),
        (bias(channels=["T", "T"]), "'T' stands here twice"),
        (bias(channels=[]), "at least 1 item"),
        (bias(channels="both"), "channels"),
        ({"kind": "silence", "channels": "all", "duration_s": 5}, "leave the channels out"),
        (bias(magnitude={"T": 1.0}), "give either magnitude or magnitude_sigma"),
    ],
)
def test_a_mistake_is_named(fault, wanted):
    with pytest.raises(PlanError, match=wanted):
        plan(fault)


@pytest.mark.parametrize(
    ("magnitude", "wanted"),
    [
        ({"T": 1.0}, "for each of T, V and no other; see 'V'"),
        ({"T": 1.0, "V": 1.0, "x": 1.0}, "see 'x'"),
        ({"T": 1.0, "V": 0}, "a bias of size 0 changes nothing"),
        ({"T": 1.0, "V": "2"}, r"magnitude\.V: Input should be a valid number"),
    ],
)
def test_a_magnitude_for_each_channel_is_checked(magnitude, wanted):
    fault = {"kind": "bias", "channels": ["T", "V"], "duration_s": 5, "magnitude": magnitude}
    with pytest.raises(PlanError, match=wanted):
        plan(fault)


def test_an_unknown_channel_among_several_is_named():
    with pytest.raises(PlanError, match=r"fault 1 \(bias on T and Vv\): .*did you mean 'V'"):
        inject(healthy(), plan(bias(channels=["T", "Vv"])))


def test_faults_with_a_channel_in_common_may_not_overlap():
    one = bias(start_s=100, channels=["T", "V"])
    apart = {"kind": "stuck", "channel": "p", "start_s": 105, "duration_s": 10}
    meeting = {**apart, "channel": "V"}
    inject(healthy(), plan(one, apart, overlap="channels"))
    with pytest.raises(PlanError, match=r"fault 2 \(stuck on V.*overlaps fault 1 \(bias on T and"):
        plan(one, meeting, overlap="channels")
    with pytest.raises(PlanError, match="overlaps"):
        plan(bias(start_s=100), apart, overlap="channels")


def test_one_row_a_fault_is_left_of_its_labels():
    _, labels = inject(healthy(), plan(bias(), {"kind": "silence", "duration_s": 5}), 2)
    faults = faults_of(labels)
    assert faults["channel"].fillna("").tolist() == ["T, V, p", ""]
    assert faults["id"].tolist() == [1, 4]
    assert channels_of(faults["channel"][0]) == ["T", "V", "p"]
    # Its magnitudes differ, its sigmas do not.
    assert np.isnan(faults["magnitude"][0])
    assert faults["magnitude_sigma"][0] == 4.0


def test_labels_of_different_faults_stay_apart():
    two = plan(
        {"kind": "stuck", "channel": "T", "start_s": 100, "duration_s": 10},
        {"kind": "stuck", "channel": "V", "start_s": 105, "duration_s": 10},
        overlap="channels",
    )
    _, labels = inject(healthy(), two)
    assert faults_of(labels) is labels


def test_the_plan_goes_through_json_and_back():
    given = plan(bias(), bias(channels=["T", "V"], start_s=5))
    assert FaultPlan.from_dict(given.to_dict(), "again") == given
