"""Several units on one emulator: their names, their turns, and that none disturbs another."""

import itertools

import numpy as np
import pytest
from fleets import LIFE, NS, STATES, pump, second, texts

from sensorkit.emulator import VIRTUAL_START, Emulator
from sensorkit.emulator.units import phases, unit_names
from sensorkit.errors import PlanError, UsageError
from sensorkit.faults import FaultPlan
from sensorkit.profile import Profile
from sensorkit.wire.codec import make_codec
from sensorkit.wire.framing import Line


def plan_of(*faults: dict) -> FaultPlan:
    return FaultPlan.from_dict({"faults": list(faults)}, "test")


@pytest.mark.parametrize(
    ("device", "names"),
    [
        ("engine-1", ("engine-1", "engine-2", "engine-3")),
        ("pump", ("pump", "pump-2", "pump-3")),
        ("s098", ("s098", "s099", "s100")),
        ("x9", ("x9", "x10", "x11")),
    ],
)
def test_units_are_called_after_the_device(device, names):
    assert unit_names(pump(device=device), 3) == names


def test_units_are_called_as_the_profile_says():
    profile = pump(devices=["north", "south", "east"])
    assert Emulator(profile).units == ("north", "south", "east")
    assert Emulator(profile, units=2).units == ("north", "south")
    with pytest.raises(UsageError, match=r"names 3 devices \(north, south, east\), not 4"):
        Emulator(profile, units=4)


@pytest.mark.parametrize("units", [0, -1, 10_001, 1.5, True, "two"])
def test_a_number_of_units_that_cannot_be_is_refused(units):
    with pytest.raises(UsageError, match="units are not possible; a whole number to 10000 is"):
        Emulator("serial_monitor", units=units)


def test_a_name_that_becomes_too_long_is_refused():
    with pytest.raises(UsageError, match=r"the name of unit 2, .* is longer than 64 letters"):
        Emulator(pump(device="x" * 64), units=2)


def test_phases_are_apart_and_one_more_moves_none():
    ten = phases(10)
    assert phases(4) == ten[:4]
    gaps = np.diff([*sorted(ten), 1.0])
    assert gaps.min() > 0.05
    assert gaps.max() < 0.16


def test_frames_come_in_turn_and_say_whose_they_are():
    frames = list(Emulator(pump(), units=3).frames(9))
    said = [frame.data.decode().split(",")[:3] for frame in frames]
    assert said == [
        [f"pump-{unit}", f"{row + 1}", f"{row}.000"] for row in range(3) for unit in (1, 3, 2)
    ]
    at = [frame.at_s for frame in frames]
    assert at == sorted(at)
    assert at[:3] == pytest.approx([0.0, 0.236, 0.618], abs=1e-3)
    decoded = make_codec(pump()).decode([Line(0, frame.data.rstrip()) for frame in frames])
    assert [frame.device for frame in decoded.frames] == ["pump-1", "pump-3", "pump-2"] * 3
    assert not decoded.rejections


def test_one_unit_is_what_a_device_is_without_units():
    assert texts(Emulator("serial_monitor", seed=4), 500) == texts(
        Emulator("serial_monitor", units=1, seed=4), 500
    )


def test_another_unit_changes_nothing_of_those_before_it():
    profile = pump(life=LIFE, states=STATES)
    two = texts(Emulator(profile, units=2, seed=3, anomalies=0.1), 1000)
    three = texts(Emulator(profile, units=3, seed=3, anomalies=0.1), 1500)
    for name in ("pump-1", "pump-2"):
        assert [line for line in two if line.startswith(name)] == [
            line for line in three if line.startswith(name)
        ]


def test_units_are_not_copies_of_each_other():
    lines = texts(Emulator(pump(), units=2, seed=3), 200)
    one, two = ([line.split(",")[3] for line in lines[k::2]] for k in (0, 1))
    assert one != two
    assert abs(np.corrcoef(np.array(one, float), np.array(two, float))[0, 1]) < 0.3


def test_frames_do_not_depend_on_how_many_are_asked_for_at_once():
    def make() -> Emulator:
        return Emulator(pump(life=LIFE, states=STATES), units=3, seed=5, anomalies=0.05)

    emulator = make()
    pieces = [texts(emulator, n) for n in (1, 2, 500, 96, 901)]
    assert list(itertools.chain(*pieces)) == texts(make(), 1500)


def test_a_fault_of_the_plan_hits_the_unit_it_names():
    faults = [
        {"kind": "stuck", "channel": "a", "value": 99.0, "start_s": 2, "duration_s": 3,
         "device": "pump-2"},
        {"kind": "stuck", "channel": "b", "value": 77.0, "start_s": 2, "duration_s": 2},
    ]  # fmt: skip
    emulator = Emulator(pump(), units=2, plan=plan_of(*faults))
    lines = texts(emulator, 14)
    assert [line.split(",")[0] for line in lines if ",99.000," in line] == ["pump-2"] * 3
    assert [line.split(",")[0] for line in lines if line.endswith(",77.000")] == ["pump-1"] * 2
    labels = {label.id: label for label in emulator.labels}
    assert [labels[k].device for k in (1, 2)] == ["pump-2", "pump-1"]
    phase = round(phases(2)[1] * NS)
    assert labels[1].start == VIRTUAL_START + 2 * NS + phase
    assert labels[1].end == VIRTUAL_START + 4 * NS + phase


def test_a_fault_of_a_unit_that_is_not_there_is_refused():
    fault = {"kind": "silence", "device": "pump-3", "start_s": 0, "duration_s": 1}
    with pytest.raises(PlanError, match="unknown device 'pump-3'; there are pump-1, pump-2"):
        Emulator(pump(), units=2, plan=plan_of(fault))


def test_drawn_faults_of_several_units_are_each_placed_on_their_own():
    faults = [
        {"kind": "bias", "channel": "a", "magnitude": 5, "duration_s": 10, "device": f"pump-{k}"}
        for k in (1, 2, 1, 2)
    ]
    emulator = Emulator(pump(), units=2, plan=plan_of(*faults), duration_s=400)
    texts(emulator, 800)
    assert [label.device for label in sorted(emulator.labels, key=lambda one: one.id)] == [
        "pump-1", "pump-2", "pump-1", "pump-2",
    ]  # fmt: skip


def test_units_cannot_be_unplugged_together():
    fault = {"kind": "disconnect", "start_s": 0, "duration_s": 1}
    with pytest.raises(PlanError, match="a disconnect pulls the plug, and 2 units share it"):
        Emulator(pump(), units=2, plan=plan_of(fault))


def test_units_that_cannot_be_told_apart_do_not_share_a_link(port):
    emulator = Emulator("serial_monitor", units=2)
    with pytest.raises(UsageError, match=r"2 units cannot share a link, .* add `device` to its"):
        emulator.serve(port)
    with pytest.raises(UsageError, match="2 units cannot share a link"):
        emulator.start(link=port)


def test_units_go_over_one_link_in_time(port, clock):
    emulator = Emulator(pump(), units=3)
    served = emulator.serve(port, duration_s=4, clock=clock, sleep=clock.sleep)
    assert served.passed == served.frames == 12
    at, sent = zip(*port.got, strict=True)
    assert [line.split(b",")[0] for line in sent] == [b"pump-1", b"pump-3", b"pump-2"] * 4
    due = [row + phase for row in range(4) for phase in sorted(phases(3))]
    assert np.diff(at) == pytest.approx(np.diff(due))


def test_labels_keep_their_numbers_however_often_they_are_asked_for():
    def make() -> Emulator:
        return Emulator(pump(life=LIFE, states=STATES), units=3, seed=5, anomalies=0.02)

    emulator, seen = make(), {}
    for _ in range(100):
        list(emulator.frames(20))
        for label in emulator.labels:
            known = seen.setdefault(label.id, (label.device, label.kind, label.start))
            assert known == (label.device, label.kind, label.start)
    once = make()
    list(once.frames(2000))
    assert once.labels == emulator.labels
    assert sorted(seen) == list(range(1, len(seen) + 1))
    assert {label.kind for label in once.labels} == {"wear", "repair", "offline", "spike"}


def test_wear_is_labelled_up_to_the_failure_and_tells_what_remains():
    emulator = Emulator(pump(life=LIFE | {"spread": 0.3}), units=3, seed=2)
    frames = list(emulator.frames(3 * 130))
    for label in emulator.labels:
        if label.kind == "wear":
            assert second(label.end) > second(label.start)
    wear = [label for label in emulator.labels if label.kind == "wear"]
    assert any(label.end > VIRTUAL_START + 130 * NS for label in wear)
    for label in wear:
        left = emulator.remaining_life(label.device, np.array([label.start, label.end]))
        assert left == pytest.approx([(label.end - label.start) / NS, 0.0], abs=1e-6)
    # The failure comes when it was foretold: the last frame before the silence.
    frames += list(emulator.frames(3 * 200))
    assert len(wear) >= 2
    for first in wear:
        number = emulator.units.index(first.device) + 1
        silent = next(f.at_s for f in frames if f.unit == number and not f.data)
        assert second(first.end) == pytest.approx(silent - 1)


def test_a_repair_is_silent_and_labelled_and_the_unit_counts_on():
    emulator = Emulator(pump(life=LIFE))
    frames = list(emulator.frames(250))
    silent = [i for i, frame in enumerate(frames) if not frame.data]
    assert silent == list(range(200, 220))
    (repair,) = [label for label in emulator.labels if label.kind == "repair"]
    assert (second(repair.start), second(repair.end), repair.layer) == (200, 219, "state")
    assert frames[220].data.startswith(b"pump-1,201,220.000,")
    left = emulator.remaining_life(1, VIRTUAL_START + 210 * NS)
    assert np.isnan(left)


def test_a_unit_without_a_life_lasts_for_ever():
    assert Emulator(pump()).remaining_life(1, VIRTUAL_START) == np.inf
    assert Emulator(pump(life=LIFE, states=STATES), hold="NORMAL").remaining_life(1, 0) == np.inf


def test_a_fault_over_a_repair_is_refused_and_drawn_ones_keep_away():
    stuck = {"kind": "stuck", "channel": "b", "duration_s": 5}
    with pytest.raises(
        PlanError, match=r"overlaps the repair .200-204 s.; move it, .*hold the device"
    ):
        Emulator(pump(life=LIFE), plan=plan_of(stuck | {"start_s": 198}))
    emulator = Emulator(pump(life=LIFE), plan=plan_of(*[stuck] * 5), duration_s=2000)
    list(emulator.frames(2000))
    faults = [label for label in emulator.labels if label.kind == "stuck"]
    repairs = [label for label in emulator.labels if label.kind == "repair"]
    assert len(faults) == 5
    assert all(f.end < r.start or f.start > r.end for f in faults for r in repairs)


def test_a_fault_may_hit_a_unit_that_wears_out():
    stuck = {"kind": "stuck", "channel": "b", "duration_s": 5, "start_s": 150}
    emulator = Emulator(pump(life=LIFE), plan=plan_of(stuck))
    list(emulator.frames(160))
    assert [label.kind for label in emulator.labels] == ["wear", "stuck"]


def test_a_profile_may_be_named_or_a_file(tmp_path):
    path = tmp_path / "pump.yaml"
    path.write_text(
        "{name: pump, rate_hz: 1, channels: [{name: a, waveform: {level: 1}}], "
        "frame: {format: csv, columns: [a]}}",
        encoding="utf-8",
    )
    assert texts(Emulator(path), 1) == texts(Emulator(str(path)), 1) == ["1.00"]
    assert Emulator("serial_monitor").profile == Profile.load("serial_monitor")
