"""Faults on request, while the device runs: from the next reading on, and nowhere else."""

import math
import threading

import numpy as np
import pytest
from fleets import LIFE, NS, STATES, pump, second, texts, values

from sensorkit.emulator import Emulator
from sensorkit.errors import PlanError, UsageError
from sensorkit.faults import FaultPlan
from sensorkit.faults.base import KINDS, TransportKind
from sensorkit.profile import Profile


def plan_of(*faults: dict) -> FaultPlan:
    return FaultPlan.from_dict({"faults": list(faults)}, "test")


def fields(emulator: Emulator, n: int) -> list[bytes]:
    return [frame.data for frame in emulator.frames(n)]


@pytest.mark.parametrize("before", [0, 1, 10, 63, 64, 65, 200])
def test_a_fault_begins_with_the_next_reading_and_the_rest_is_as_without_it(before):
    plain = texts(Emulator(pump(), seed=1), 300)
    emulator = Emulator(pump(), seed=1)
    got = texts(emulator, before)
    label = emulator.inject_anomaly(1, "bias", channel="a", magnitude=50, duration_s=7)
    got += texts(emulator, 300 - before)
    changed = [i for i, pair in enumerate(zip(got, plain, strict=True)) if pair[0] != pair[1]]
    assert changed == list(range(before, before + 7))
    for i in changed:
        old, new = plain[i].split(","), got[i].split(",")
        assert float(new[3]) == pytest.approx(float(old[3]) + 50, abs=1e-9)
        assert new[:3] + new[4:] == old[:3] + old[4:]
    assert (second(label.start), second(label.end)) == (before, before + 6)
    assert emulator.labels == [label]


def test_what_is_injected_is_what_the_plan_would_do():
    faults = [
        {"kind": "drift", "channel": "b", "magnitude": 9.0, "duration_s": 40},
        {"kind": "rapid_change", "channel": "a", "magnitude": 9.0, "duration_s": 5},
        {"kind": "lag", "channel": "a", "magnitude": 30, "duration_s": 90},
        {"kind": "stuck", "channel": "b", "duration_s": 9},
    ]
    starts = [3, 70, 100, 300]
    planned = [fault | {"start_s": start} for fault, start in zip(faults, starts, strict=True)]
    expected = texts(Emulator(pump(), plan=plan_of(*planned)), 400)
    emulator = Emulator(pump())
    got = []
    for fault, start in zip(faults, starts, strict=True):
        got += texts(emulator, start - len(got))
        emulator.inject_anomaly("pump-1", **fault)
    assert got + texts(emulator, 400 - len(got)) == expected


def test_faults_on_other_channels_may_run_at_the_same_time():
    emulator = Emulator(pump())
    plain = texts(Emulator(pump()), 60)
    got = texts(emulator, 5)
    emulator.inject_anomaly(1, "bias", channel="a", magnitude=50, duration_s=20)
    got += texts(emulator, 5)
    emulator.inject_anomaly(1, "stuck", channel="b", duration_s=30)
    got += texts(emulator, 50)
    a = [i for i in range(60) if got[i].split(",")[3] != plain[i].split(",")[3]]
    assert a == list(range(5, 25))
    b = [line.split(",")[4] for line in got]
    assert len(set(b[10:40])) == 1
    assert b[:10] + b[40:] == [line.split(",")[4] for line in plain[:10] + plain[40:]]


def test_a_long_fault_takes_in_planned_ones_on_other_channels():
    plan = plan_of({"kind": "stuck", "channel": "b", "value": 7, "start_s": 30, "duration_s": 5})
    emulator = Emulator(pump(), plan=plan)
    got = texts(emulator, 10)
    emulator.inject_anomaly(1, "bias", channel="a", magnitude=50, duration_s=40)
    got += texts(emulator, 60)
    assert [i for i, line in enumerate(got) if line.endswith(",7.000")] == list(range(30, 35))
    assert [label.id for label in emulator.labels] == [2, 1]


def test_a_fault_that_meets_a_running_one_is_refused_until_its_end():
    emulator = Emulator(pump())
    texts(emulator, 5)
    emulator.inject_anomaly(1, "bias", channel="a", magnitude=50, duration_s=20)
    texts(emulator, 4)
    expected = (
        r"pump-1: a stuck on a would overlap the bias on a that lasts until 25 s, another 16 s; "
        "wait for its end, shorten the new one, or take another channel or unit"
    )
    with pytest.raises(PlanError, match=expected):
        emulator.inject_anomaly(1, "stuck", channel="a", duration_s=5)
    with pytest.raises(PlanError, match="a silence would overlap the bias on a that lasts until"):
        emulator.inject_anomaly(1, "silence", duration_s=5)
    texts(emulator, 16)
    emulator.inject_anomaly(1, "stuck", channel="a", duration_s=5)


def test_a_fault_that_would_meet_a_planned_one_is_refused():
    plan = plan_of({"kind": "silence", "start_s": 30, "duration_s": 5})
    emulator = Emulator(pump(), plan=plan)
    texts(emulator, 10)
    with pytest.raises(
        PlanError, match="overlap the silence that comes at 30 s, in 20 s, and lasts until 35 s"
    ):
        emulator.inject_anomaly(1, "stuck", channel="a", duration_s=21)
    emulator.inject_anomaly(1, "stuck", channel="a", duration_s=20)


def test_a_fault_in_a_silence_is_refused():
    emulator = Emulator(pump(life=LIFE))
    texts(emulator, 195)
    with pytest.raises(PlanError, match="would fall into the repair of 200 to 220 s, when the dev"):
        emulator.inject_anomaly(1, "bias", channel="a", magnitude=5, duration_s=6)
    emulator.inject_anomaly(1, "bias", channel="a", magnitude=5, duration_s=5)


@pytest.mark.parametrize("kind", sorted(KINDS))
def test_every_kind_of_fault_can_be_asked_for(kind):
    emulator = Emulator(pump(), seed=3)
    got = list(emulator.frames(100))
    label = emulator.inject_anomaly(1, kind)
    got += list(emulator.frames(100))
    plain = list(Emulator(pump(), seed=3).frames(200))
    changed = [i for i in range(200) if got[i] != plain[i]]
    assert changed
    assert changed[0] >= 100
    stop = 100 + (second(label.end) - second(label.start)) + 1
    assert second(label.start) == 100
    if kind == "jitter":  # frames that were held up hold up those behind them
        assert changed[-1] >= stop - 1
    elif KINDS[kind].layer != "transport" or not KINDS[kind].restarts:
        assert changed[-1] < stop
    assert emulator.labels == [label]


def test_a_reset_begins_to_count_again_and_what_comes_after_stays_right():
    emulator = Emulator(pump())
    fields(emulator, 20)
    emulator.inject_anomaly(1, "reset", duration_s=4)
    got = fields(emulator, 12)
    assert got[:3] == [b"", b"", b""]
    assert got[3].startswith(b"boot:")
    assert got[4].startswith(b"pump-1,1,0.000,")
    emulator.inject_anomaly(1, "bias", channel="a", magnitude=5, duration_s=4)
    assert fields(emulator, 1)[0].startswith(b"pump-1,9,8.000,")


def test_the_same_faults_at_the_same_readings_give_the_same_bytes():
    def run() -> tuple[list[str], list]:
        emulator = Emulator(pump(life=LIFE, states=STATES), units=3, seed=9, anomalies=0.05)
        got = texts(emulator, 40)
        emulator.inject_anomaly(2, "noise", channel="b", magnitude=5, duration_s=12)
        got += texts(emulator, 17)
        emulator.inject_anomaly("pump-2", "garbage", duration_s=1, magnitude=3)
        got += texts(emulator, 400)
        return got, emulator.labels

    with pytest.raises(PlanError):  # the garbage meets the noise
        run()

    def other() -> tuple[list[str], list]:
        emulator = Emulator(pump(life=LIFE, states=STATES), units=3, seed=9, anomalies=0.05)
        got = texts(emulator, 40)
        emulator.inject_anomaly(2, "noise", channel="b", magnitude=5, duration_s=3)
        got += texts(emulator, 17)
        emulator.inject_anomaly("pump-3", "corrupt", duration_s=2, magnitude=3)
        got += [frame.data.hex() for frame in emulator.frames(400)]
        return got, emulator.labels

    assert other() == other()


def test_a_fault_hits_its_unit_alone():
    emulator = Emulator(pump(), units=3)
    plain = texts(Emulator(pump(), units=3), 60)
    got = texts(emulator, 30)
    emulator.inject_anomaly("pump-3", "bias", channel="a", magnitude=50, duration_s=4)
    got += texts(emulator, 30)
    changed = [got[i][:6] for i in range(60) if got[i] != plain[i]]
    assert changed == ["pump-3"] * 4


def test_ids_count_on_from_those_of_the_plan():
    plan = plan_of({"kind": "stuck", "channels": ["a", "b"], "start_s": 2, "duration_s": 2})
    emulator = Emulator(pump(), plan=plan)
    texts(emulator, 10)
    label = emulator.inject_anomaly(1, "spike", channel="a", magnitude=5)
    assert label.id == 3
    texts(emulator, 1)
    assert sorted(one.id for one in emulator.labels) == [1, 2, 3]


def test_a_fault_of_the_profile_is_asked_for_by_its_name():
    odd = {
        "hot": {"kind": "drift", "channel": "a", "magnitude": 12.0, "duration_s": 20},
        "surge": {"kind": "bias", "channels": ["a", "b"], "magnitude": {"a": 5.0, "b": -5.0},
                  "duration_s": 4},
    }  # fmt: skip
    emulator = Emulator(pump(anomalies=odd))
    label = emulator.inject_anomaly(1, "hot", duration_s=10)
    assert (label.kind, label.channel, label.magnitude, second(label.end)) == ("drift", "a", 12, 9)
    texts(emulator, 50)
    first = emulator.inject_anomaly(1, "surge")
    texts(emulator, 4)
    two = emulator.labels[1:]
    assert [(one.channel, one.magnitude) for one in two] == [("a", 5.0), ("b", -5.0)]
    assert first == two[0]
    alone = emulator.inject_anomaly(1, "surge", channel="b")
    assert (alone.channel, alone.magnitude) == ("b", -5.0)


@pytest.mark.parametrize(
    ("asked", "wanted"),
    [
        (("1", "spike"), "unknown unit '1'; there are pump-1, pump-2"),
        ((0, "spike"), "no unit 0; there are 1 to 2"),
        ((3, "spike"), "no unit 3; there are 1 to 2"),
        ((1, "spikes"), "unknown kind of fault 'spikes'; there are .*; did you mean 'spike'"),
        ((1, "<script>"), "unknown kind of fault '<script>'"),
        ((1, "bias", "c"), "unknown channel 'c'; there are a, b"),
        ((1, "silence", "a"), "a silence acts on whole frames; leave the channel out"),
        ((1, "bias", "a", math.nan), "bias: magnitude: Input should be a finite number"),
        ((1, "bias", "a", 0.0), "a bias of size 0 changes nothing"),
        ((1, "bias", "a", 1e13), "magnitude: Input should be less than or equal"),
        ((1, "bias", "a", 1.0, -5), "duration_s: Input should be greater than 0"),
        ((1, "bias", "a", 1.0, 1e9), "1000000000 readings is too long to begin while the device"),
    ],
)
def test_what_cannot_be_injected_says_why_and_changes_nothing(asked, wanted):
    emulator = Emulator(pump(), units=2)
    before = texts(emulator, 6)
    unit, kind, *more = asked
    options = dict(zip(("channel", "magnitude", "duration_s"), more, strict=False))
    with pytest.raises(UsageError, match=wanted):
        emulator.inject_anomaly(unit, kind, **options)
    assert before + texts(emulator, 100) == texts(Emulator(pump(), units=2), 106)
    assert emulator.labels == []


def test_a_fault_in_sigmas_on_a_channel_that_does_not_move_is_refused():
    still = [{"name": "a", "waveform": {"level": 1}}, {"name": "b", "waveform": {"level": 1}}]
    emulator = Emulator(pump(channels=still))
    with pytest.raises(PlanError, match="a bias on a of 8 sigmas has no size, for a does not move"):
        emulator.inject_anomaly(1, "bias")


def test_a_fault_may_look_at_what_was_sent_before_it():
    emulator = Emulator(pump(), seed=2)
    frames = list(emulator.frames(5000))
    emulator.inject_anomaly(1, "lag", channel="a", magnitude=40, duration_s=60)
    frames += list(emulator.frames(60))
    plain = values(list(Emulator(pump(), seed=2).frames(5060)), 0)
    assert values(frames, 0)[5000:] == plain[4960:5020]


def test_faults_from_another_thread_neither_tear_nor_lose_a_frame():
    emulator = Emulator(pump(), units=4, seed=1)
    found, stopped = [], threading.Event()

    def bother() -> None:
        while not stopped.is_set():
            for unit in range(1, 5):
                try:
                    found.append(emulator.inject_anomaly(unit, "spike", channel="a", magnitude=9))
                except PlanError:
                    emulator.metrics()

    thread = threading.Thread(target=bother)
    thread.start()
    try:
        frames = list(emulator.frames(8000))
    finally:
        stopped.set()
        thread.join()
    plain = list(Emulator(pump(), units=4, seed=1).frames(8000))
    hit = {
        (new.unit, round(new.at_s)): None
        for new, old in zip(frames, plain, strict=True)
        if new.data != old.data
    }
    assert [frame.data.split(b",")[:3] for frame in frames] == [
        frame.data.split(b",")[:3] for frame in plain
    ]
    labels = [one for one in emulator.labels if one.kind == "spike"]
    assert len(hit) == len(labels) > 50
    assert len({label.id for label in found}) == len(found)


@pytest.mark.parametrize("share", [0.02, 0.05, 0.3, 0.9])
def test_a_share_of_the_readings_is_anomalous(share):
    emulator = Emulator(pump(), seed=4, anomalies=share)
    n = round(600 / share)
    texts(emulator, n)
    labels = emulator.labels
    # Binomial: 4 standard errors.
    assert len(labels) / n == pytest.approx(share, abs=4 * math.sqrt(share * (1 - share) / n))
    sizes = np.array([abs(label.magnitude_sigma) for label in labels])
    assert sizes.min() >= 6
    assert sizes.max() <= 10
    assert {label.channel for label in labels} == {"a", "b"}
    assert {np.sign(label.magnitude) for label in labels} == {-1, 1}


def test_anomalies_that_come_by_themselves_are_where_the_labels_say():
    plain, odd = (texts(Emulator(pump(), seed=4, anomalies=a), 3000) for a in (0.0, 0.05))
    emulator = Emulator(pump(), seed=4, anomalies=0.05)
    texts(emulator, 3000)
    changed = {i for i in range(3000) if plain[i] != odd[i]}
    assert changed == {round(second(label.start)) for label in emulator.labels}


def test_anomalies_are_the_momentary_ones_of_the_profile_by_weight():
    odd = {
        "up": {"kind": "spike", "channel": "a", "magnitude": 40.0, "weight": 3},
        "down": {"kind": "spike", "channel": "b", "magnitude": -40.0},
        "long": {"kind": "bias", "channel": "a", "magnitude": 40.0, "duration_s": 20},
    }
    emulator = Emulator(pump(anomalies=odd), seed=4, anomalies=0.1)
    texts(emulator, 8000)
    sizes = [label.magnitude for label in emulator.labels]
    assert set(sizes) == {40.0, -40.0}
    assert sizes.count(40.0) / len(sizes) == pytest.approx(0.75, abs=0.06)


def test_anomalies_keep_away_from_planned_faults_and_from_silence():
    plan = plan_of({"kind": "stuck", "channel": "b", "start_s": 30, "duration_s": 100})
    emulator = Emulator(pump(life=LIFE), plan=plan, anomalies=0.5)
    texts(emulator, 1000)
    spikes = {second(label.start) for label in emulator.labels if label.kind == "spike"}
    assert len(spikes) > 300
    assert not spikes & set(range(30, 130))
    assert not spikes & set(range(200, 220))


def test_anomalies_do_not_depend_on_how_many_frames_are_asked_for():
    whole = texts(Emulator(pump(), seed=4, anomalies=0.3), 500)
    emulator = Emulator(pump(), seed=4, anomalies=0.3)
    assert [line for n in (1, 7, 92, 400) for line in texts(emulator, n)] == whole


@pytest.mark.parametrize("share", [-0.1, 0.95, math.nan, math.inf])
def test_a_share_that_cannot_be_is_refused(share):
    with pytest.raises(UsageError, match=r"anomalous readings is not possible; 0 to 0.9 is"):
        Emulator(pump(), anomalies=share)


def test_spikes_without_a_size_are_refused():
    still = [{"name": "a", "waveform": {"level": 1}}, {"name": "b", "waveform": {"level": 1}}]
    with pytest.raises(UsageError, match="no channel moves, so that a spike has no size"):
        Emulator(pump(channels=still), anomalies=0.1)


def test_frames_of_every_kind_of_fault_together_are_the_same_however_they_are_cut():
    kinds = [name for name in KINDS if not getattr(KINDS[name], "unplugs", False)]
    faults = []
    for number, name in enumerate(kinds):
        kind = KINDS[name]
        size = {} if kind.magnitude is None else {"magnitude": 2.0}
        channel = {} if isinstance(kind, TransportKind) else {"channel": "ab"[number % 2]}
        start = 10 + 30 * number
        faults.append({"kind": name, "start_s": start, "duration_s": 20, **size, **channel})
    n = 40 + 30 * len(kinds)
    whole = list(Emulator(pump(), plan=plan_of(*faults)).frames(n))
    emulator = Emulator(pump(), plan=plan_of(*faults))
    pieces = [frame for _ in range(n) for frame in emulator.frames(1)]
    assert pieces == whole
    at = [frame.at_s for frame in whole]
    assert at == sorted(at)
    assert whole[-1].at_s < n + 60 * NS


def test_a_named_fault_works_on_every_shipped_profile():
    for name in Profile.shipped():
        profile = Profile.load(name)
        for odd in profile.anomalies:
            emulator = Emulator(profile, hold=next(iter(profile.states), None))
            list(emulator.frames(3))
            assert emulator.inject_anomaly(1, odd).start > 0


def test_a_frame_that_is_held_up_holds_up_those_behind_it_and_no_other_unit():
    emulator = Emulator(pump(), units=3)
    frames = list(emulator.frames(30))
    emulator.inject_anomaly("pump-3", "jitter", magnitude=10.0, duration_s=5)
    frames += list(emulator.frames(300))
    at = [frame.at_s for frame in frames]
    assert at == sorted(at)
    late = [frame.at_s for frame in frames if frame.unit == 3]
    plain = [frame.at_s for frame in Emulator(pump(), units=3).frames(400) if frame.unit == 3]
    delays = np.array(late) - plain[: len(late)]
    assert not delays[:10].any()
    assert delays[14] > 1
    # The first frame after the fault waits for the last one in it; then the delay is made up for.
    assert late[15] == late[14]
    assert delays[15] == pytest.approx(delays[14] - 1)
    assert delays[-1] == pytest.approx(0, abs=1e-9)
    assert not any(
        frame.at_s != other.at_s
        for unit in (1, 2)
        for frame, other in zip(
            (frame for frame in frames if frame.unit == unit),
            (frame for frame in Emulator(pump(), units=3).frames(400) if frame.unit == unit),
            strict=False,
        )
    )


def test_a_fault_soon_after_frames_were_held_up_does_not_hold_up_more():
    calm, emulator = Emulator(pump(), seed=1), Emulator(pump(), seed=1)
    for one in (calm, emulator):
        list(one.frames(5))
        one.inject_anomaly(1, "jitter", magnitude=20.0, duration_s=3)
        list(one.frames(6))
    emulator.inject_anomaly(1, "bias", channel="a", magnitude=9.0, duration_s=5)
    wanted, got = [[frame.at_s for frame in one.frames(150)] for one in (calm, emulator)]
    assert wanted[0] > 12  # they are still held up
    assert got == wanted


def test_a_fault_beside_another_among_held_up_frames_does_not_hold_up_more():
    calm, emulator = Emulator(pump(), seed=1), Emulator(pump(), seed=1)
    for one in (calm, emulator):
        list(one.frames(5))
        one.inject_anomaly(1, "jitter", magnitude=20.0, duration_s=3)
        list(one.frames(4))
        one.inject_anomaly(1, "bias", channel="a", magnitude=9.0, duration_s=90)
        list(one.frames(3))
    emulator.inject_anomaly(1, "bias", channel="b", magnitude=9.0, duration_s=5)
    wanted, got = [[frame.at_s for frame in one.frames(150)] for one in (calm, emulator)]
    assert wanted[0] > 13  # they are still held up
    assert got == wanted


@pytest.mark.parametrize(
    "kind", [name for name, kind in KINDS.items() if isinstance(kind, TransportKind)]
)
def test_the_shortest_fault_of_the_line_there_can_be_is_seen(kind):
    shortest, healthy = KINDS[kind].fewest, list(Emulator(pump()).frames(20))
    emulator = Emulator(pump())
    emulator.inject_anomaly(1, kind, duration_s=shortest)
    assert list(emulator.frames(20)) != healthy
    if shortest > 1:
        with pytest.raises(PlanError, match=rf"{kind} covers 1 reading.* takes {shortest}"):
            emulator.inject_anomaly(1, kind, duration_s=1)
