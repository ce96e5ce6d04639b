"""An emulated device says what a real one would, and the same every time."""

import itertools
import os
import subprocess
import sys

import numpy as np
import pytest

from sensorkit import detect, signals
from sensorkit.emulator import VIRTUAL_START, Emulator
from sensorkit.errors import PlanError, ProfileError, UsageError
from sensorkit.faults import FaultPlan, inject
from sensorkit.profile import Profile
from sensorkit.readings import Readings
from sensorkit.wire.codec import make_codec
from sensorkit.wire.framing import Line
from sensorkit.wire.stream import FrameStream

NS = 1_000_000_000
PROFILE = Profile.load("serial_monitor")


def sent(n: int, **options) -> list[bytes]:
    return [frame.data for frame in Emulator(PROFILE, **options).frames(n)]


def plan_of(*faults: dict, **more) -> FaultPlan:
    return FaultPlan.from_dict({"faults": list(faults), **more}, "test")


def decode(frames: list[bytes], profile: Profile = PROFILE) -> Readings:
    """Return the readings in *frames*, read at the seconds they were due."""
    stream = FrameStream(profile)
    at = enumerate(frames)
    batches = [stream.feed(VIRTUAL_START + i * NS, frame) for i, frame in at if frame]
    return Readings.concat([batch.readings for batch in batches])


def test_frames_look_like_those_of_the_profile():
    frames = sent(3, hold="NORMAL", seed=1)
    decoded = make_codec(PROFILE).decode([Line(0, frame.rstrip()) for frame in frames])
    assert not decoded.rejections
    assert [frame.sequence for frame in decoded.frames] == [1, 2, 3]
    assert [frame.uptime for frame in decoded.frames] == [0.0, 1.0, 2.0]
    assert frames[0].startswith(b"T:")
    assert all(frame.endswith(b"\n") for frame in frames)


def test_frames_can_go_without_counter_clock_and_checksum():
    (frame,) = sent(1, sequence=False, uptime=False, checksum="none", hold="NORMAL")
    assert frame.count(b":") == 3
    assert b"*" not in frame


def test_the_checksum_can_be_another():
    (frame,) = sent(1, checksum="xor")
    assert frame[-4:-3] == b"*"


@pytest.mark.parametrize("block", [1, 7, 4096])
def test_bytes_do_not_depend_on_the_size_of_the_blocks(monkeypatch, block):
    plan = FaultPlan.load("mixed")
    whole = sent(3000, plan=plan, hold="NORMAL", duration_s=3000, seed=2)
    monkeypatch.setattr("sensorkit.emulator.device.PIECE", block)
    assert sent(3000, plan=plan, hold="NORMAL", duration_s=3000, seed=2) == whole


def test_bytes_do_not_depend_on_how_many_frames_are_asked_for_at_once():
    emulator = Emulator(PROFILE, seed=4)
    pieces = [list(emulator.frames(n)) for n in (1, 2, 4000, 96, 901)]
    assert [frame.data for piece in pieces for frame in piece] == sent(5000, seed=4)


def test_another_process_sends_the_same_bytes():
    script = (
        "import sys; from sensorkit.emulator import Emulator; "
        "from sensorkit.profile import Profile; "
        "frames = Emulator(Profile.load('serial_monitor'), seed=4).frames(1000); "
        "sys.stdout.buffer.write(b''.join(frame.data for frame in frames))"
    )
    there = subprocess.run(
        [sys.executable, "-c", script],
        capture_output=True,
        check=True,
        env={**os.environ, "PYTHONHASHSEED": "1"},
    )
    assert there.stdout == b"".join(sent(1000, seed=4))


def test_another_seed_sends_other_bytes():
    assert sent(10, seed=1) != sent(10, seed=2)


def test_frames_are_due_at_the_rate():
    frames = list(Emulator(PROFILE, rate_hz=4.0).frames(5))
    assert [frame.at_s for frame in frames] == [0.0, 0.25, 0.5, 0.75, 1.0]
    assert b"U:0.250" in frames[1].data


def test_the_uptime_keeps_its_digits_at_rates_that_do_not_divide_a_millisecond():
    assert b"U:0.333333" in sent(2, rate_hz=3.0)[1]


def test_every_state_shows_in_the_status_word_and_in_the_labels():
    emulator = Emulator(PROFILE, seed=1)
    frames = list(emulator.frames(20_000))
    words = {frame.data.split(b",S:")[1].split(b",")[0] for frame in frames if frame.data}
    assert {b"NORMAL", b"WARNING_TEMP", b"CRITICAL_TEMP"} <= words
    labels = emulator.labels
    assert {label.kind for label in labels} == {"warning", "critical", "offline"}
    assert {label.layer for label in labels} == {"state"}
    assert len({label.id for label in labels}) == len(labels)
    # The offline labels are exactly where nothing was sent.
    silent = {i for i, frame in enumerate(frames) if not frame.data}
    offline = {
        i
        for label in labels
        if label.kind == "offline"
        for i in range((label.start - VIRTUAL_START) // NS, (label.end - VIRTUAL_START) // NS + 1)
    }
    assert silent == offline != set()


def test_a_device_that_was_offline_has_not_counted():
    readings = decode(sent(20_000, seed=1))
    assert (np.diff(readings.sequence) == 1).all()
    assert np.diff(readings.time).max() > 5 * NS


def test_labels_cover_only_what_has_been_sent():
    emulator = Emulator(PROFILE, plan=FaultPlan.load("forced_failure"))
    assert emulator.labels == []
    next(emulator.frames())
    (label,) = emulator.labels
    assert (label.start, label.end) == (VIRTUAL_START, VIRTUAL_START)


def test_a_state_that_is_held_is_labelled_unless_it_is_the_first():
    normal, warning = (Emulator(PROFILE, hold=state) for state in ("NORMAL", "WARNING"))
    for emulator in (normal, warning):
        list(emulator.frames(100))
    assert normal.labels == []
    assert [(label.kind, label.end - label.start) for label in warning.labels] == [
        ("warning", 99 * NS)
    ]


def test_forced_failure_is_exactly_what_the_alerts_need():
    emulator = Emulator(PROFILE, plan=FaultPlan.load("forced_failure"))
    frames = [frame.data for frame in emulator.frames(20)]
    assert [bool(frame) for frame in frames] == [True] * 8 + [False] * 5 + [True] * 7
    readings = decode(frames)
    temperature, voltage = readings.channel("temperature"), readings.channel("voltage")
    assert temperature[:5].tolist() == [95.5, 95.5, 95.5, 95.5, 25.0]
    assert voltage[2:4].tolist() == [6.1, 6.1]
    healthy = np.r_[0:2, 4:15]
    assert np.abs(voltage[healthy] - 5.0).max() < 0.2
    # The one change beyond 15 degC is that of -70.50.
    assert np.flatnonzero(np.abs(np.diff(temperature)) > 15).tolist() == [3]
    assert np.diff(readings.time).max() == 6 * NS
    assert readings.status.to_array()[:5].tolist() == ["CRITICAL_TEMP"] * 4 + ["NORMAL"]
    assert [label.kind for label in emulator.labels] == [
        "stuck",
        "stuck",
        "rapid_change",
        "silence",
    ]


@pytest.mark.parametrize("seed", range(20))
def test_forced_failure_works_with_every_seed(seed):
    temperature = decode(sent(20, plan=FaultPlan.load("forced_failure"), seed=seed)).channel(
        "temperature"
    )
    steps = np.diff(temperature)
    assert np.flatnonzero(np.abs(steps) > 15).tolist() == [3]
    assert steps[3] == -70.5
    assert (temperature > 80).sum() == 4


def test_what_the_device_sends_is_what_inject_does_to_its_healthy_readings():
    faults = [
        {"kind": "bias", "channel": "temperature", "duration_s": 30, "magnitude_sigma": 4},
        {"kind": "noise", "channel": "voltage", "duration_s": 30, "magnitude": 0.5},
        {"kind": "drift", "channel": "temperature", "duration_s": 30, "magnitude": -9},
        {"kind": "rapid_change", "channel": "voltage", "duration_s": 5, "magnitude": 1.0},
        {"kind": "dropout", "channel": "voltage", "duration_s": 5},
        {"kind": "spike", "channel": "temperature", "magnitude": 11},
        {"kind": "silence", "duration_s": 5},
    ]
    plan = plan_of(*faults, hold="NORMAL")
    emulator = Emulator(PROFILE, plan=plan, seed=6, duration_s=2000)
    live = decode([frame.data for frame in emulator.frames(2000)])
    healthy = decode(sent(2000, seed=6, hold="NORMAL"))
    sigmas = [signals.healthy_sigma(channel.waveform) for channel in PROFILE.channels]
    later, labels = inject(
        healthy,
        plan,
        seed=6,
        scales=dict(zip(PROFILE.channel_names, sigmas, strict=True)),
        decimals={"temperature": 2, "voltage": 2},
    )
    np.testing.assert_array_equal(live.values, later.values)
    np.testing.assert_array_equal(live.time, later.time)
    by_id = sorted(emulator.labels, key=lambda label: label.id)
    assert [label.start for label in by_id] == [stamp.value for stamp in labels["start"]]
    assert [label.end for label in by_id] == [stamp.value for stamp in labels["end"]]


def test_a_missing_value_is_sent_empty():
    fault = {"kind": "dropout", "channel": "voltage", "start_s": 0, "duration_s": 1}
    (frame,) = sent(1, plan=plan_of(fault), hold="NORMAL")
    assert b",V:,S:NORMAL," in frame


def test_a_silence_of_the_line_shows_as_a_gap_in_the_sequence():
    fault = {"kind": "silence", "start_s": 2, "duration_s": 3}
    readings = decode(sent(8, plan=plan_of(fault), hold="NORMAL"))
    assert readings.sequence.tolist() == [1, 2, 6, 7, 8]


def test_corrupt_frames_are_rejected_and_truncated_ones_are_short():
    faults = [
        {"kind": "corrupt", "start_s": 2, "duration_s": 3},
        {"kind": "truncate", "start_s": 10, "duration_s": 3, "magnitude": 20},
    ]
    clean = sent(20, hold="NORMAL")
    frames = sent(20, plan=plan_of(*faults), hold="NORMAL")
    changed = [i for i, pair in enumerate(zip(clean, frames, strict=True)) if pair[0] != pair[1]]
    assert changed == [2, 3, 4, 10, 11, 12]
    assert [len(clean[i]) - len(frames[i]) for i in changed] == [0, 0, 0, 20, 20, 20]
    lines = [Line(0, frames[i].rstrip(b"\n")) for i in changed]
    assert len(make_codec(PROFILE).decode(lines).rejections) == 6


def test_the_status_word_follows_the_first_rule_that_applies_to_the_faulty_values():
    faults = [
        {"kind": "stuck", "channel": "temperature", "start_s": i, "duration_s": 1, "value": value}
        for i, value in enumerate((80.0, 80.01, 90.0, 90.01))
    ]
    voltages = [
        {"kind": "stuck", "channel": "voltage", "start_s": i, "duration_s": 1, "value": value}
        for i, value in ((1, 5.51), (3, 6.5), (4, 6.5), (5, 5.51), (6, 5.5), (7, 3.99))
    ]
    frames = sent(8, plan=plan_of(*faults, *voltages, overlap="channels"), hold="NORMAL")
    assert [frame.split(b",S:")[1].split(b",")[0].decode() for frame in frames] == [
        "NORMAL",
        "WARNING_TEMP",
        "WARNING_TEMP",
        "CRITICAL_TEMP",
        "CRITICAL_VOLTAGE",
        "WARNING_VOLTAGE",
        "NORMAL",
        "CRITICAL_VOLTAGE",
    ]


def test_faults_left_to_the_seed_need_to_know_how_long_the_device_runs():
    fault = {"kind": "stuck", "channel": "voltage", "duration_s": 5}
    with pytest.raises(PlanError, match=r"fault 1 \(stuck on voltage\) has no start, and it is no"):
        Emulator(PROFILE, plan=plan_of(fault), hold="NORMAL")
    Emulator(PROFILE, plan=plan_of(fault, window_s=[0, 100]), hold="NORMAL")


def test_a_fault_over_an_unhealthy_state_is_refused_and_drawn_ones_keep_away():
    emulator = Emulator(PROFILE, seed=1)
    list(emulator.frames(3000))
    state = emulator.labels[0]
    at_s = (state.start - VIRTUAL_START) / NS
    fault = {"kind": "stuck", "channel": "voltage", "duration_s": 5}
    with pytest.raises(PlanError, match=rf"overlaps the state {state.kind.upper()} .*hold the dev"):
        Emulator(PROFILE, seed=1, plan=plan_of({**fault, "start_s": at_s}))
    drawn = Emulator(PROFILE, seed=1, plan=plan_of(*[fault] * 5, gap=10), duration_s=3000)
    list(drawn.frames(3000))
    ordered = drawn.labels
    assert sum(label.layer == "signal" for label in ordered) == 5
    assert all(
        a.end + 10 * NS < b.start
        for a, b in itertools.pairwise(ordered)
        if "signal" in (a.layer, b.layer)
    )


@pytest.mark.parametrize(
    ("options", "wanted"),
    [
        ({"hold": "NORML"}, r"profile 'serial_monitor': unknown state 'NORML'.*mean 'NORMAL'"),
        ({"rate_hz": 0.0}, "a rate of 0 Hz is not possible"),
        ({"rate_hz": float("nan")}, "a rate of nan Hz is not possible"),
        ({"rate_hz": 1e300}, r"a rate of 1e\+300 Hz is not possible; 0.000001 to 1000000 are"),
        (
            {"plan": plan_of({"kind": "stuck", "channel": "volts", "start_s": 0, "duration_s": 1})},
            "fault 1 .*unknown channel 'volts'; there are temperature, voltage",
        ),
        (
            {"plan": plan_of({"kind": "silence", "device": "x", "start_s": 0, "duration_s": 1})},
            "fault 1 .*unknown device 'x'; there are monitor-1",
        ),
        (
            {
                "plan": plan_of({"kind": "silence", "start_s": 0, "duration_s": 1e9}),
                "rate_hz": 1000.0,
            },
            "the plan reaches over 1000000000001 readings; it can be placed on 50000000 at most",
        ),
    ],
)
def test_what_cannot_be_emulated_says_why(options, wanted):
    with pytest.raises(UsageError, match=wanted):
        Emulator(PROFILE, **options)


@pytest.mark.parametrize(
    ("frame", "said"),
    [
        ({"format": "key_value", "status": "S"}, b"x:1.00,S:OK\n"),
        ({"format": "key_value", "checksum": "xor"}, b"x:1.00*5D\n"),
        (
            {"format": "csv", "columns": ["@sequence", "x", "@status", "@uptime"]},
            b"1,1.00,OK,0.000\n",
        ),
        ({"format": "csv", "columns": ["x"]}, b"1.00\n"),
        ({"format": "nmea", "sentences": {"MTW": {"x": 1}}}, b"$GPMTW,1.00*"),
    ],
)
def test_every_frame_format_can_be_emulated(frame, said):
    channels = [{"name": "x", "waveform": {"level": 1}}]
    data = {"name": "bench", "rate_hz": 1, "channels": channels, "frame": frame}
    (sent,) = Emulator(Profile.from_dict(data, "test")).frames(1)
    assert sent.data.startswith(said)


def test_a_profile_without_a_frame_format_cannot_be_emulated():
    with pytest.raises(ProfileError, match="has no frame format"):
        Emulator(PROFILE.model_copy(update={"frame": None}))


def test_sigmas_of_a_waveform_that_does_not_move_are_refused():
    profile = Profile.from_dict(
        {
            "name": "still",
            "rate_hz": 1,
            "frame": {"format": "csv", "columns": ["x"]},
            "channels": [{"name": "x", "waveform": {"level": 1}}],
        },
        "test",
    )
    fault = {"kind": "bias", "channel": "x", "start_s": 0, "duration_s": 1, "magnitude_sigma": 3}
    with pytest.raises(
        PlanError, match=r"the channel's sigma is 0 .half of its values are equal, or its waveform"
    ):
        Emulator(profile, plan=plan_of(fault))
    assert [frame.data for frame in Emulator(profile).frames(2)] == [b"1.00\n"] * 2


def test_forced_failure_raises_exactly_the_four_alerts_in_their_order():
    stream = FrameStream(PROFILE)
    rules = detect.make("rules", profile=PROFILE)
    alerts = []
    for frame in Emulator(PROFILE, plan=FaultPlan.load("forced_failure")).frames(20):
        now = VIRTUAL_START + round(frame.at_s * NS)
        alerts += rules.advance(now)
        if frame.data:
            alerts += rules.alerts(stream.feed(now, frame.data).readings)
    alerts += rules.finish()
    assert [((alert.start - VIRTUAL_START) / NS, alert.description) for alert in alerts] == [
        (0, "Temperature 95.50°C exceeded threshold of 80.0°C."),
        (2, "Voltage 6.10V was outside the normal range of 4.5V-5.5V."),
        (
            4,
            "Temperature changed by -70.50°C, exceeding the rate-of-change threshold of 15.0°C.",
        ),
        (12, "No data received for 5.0 seconds. Device may be offline."),
    ]


def test_a_device_that_ends_its_lines_with_a_return_does_so():
    frame = PROFILE.frame.model_copy(update={"line_end": "cr"})
    profile = PROFILE.model_copy(update={"frame": frame})
    lines = [frame.data for frame in Emulator(profile).frames(20)]
    assert [line[:-1] + b"\n" for line in lines] == [f.data for f in Emulator(PROFILE).frames(20)]
    assert {line[-1:] for line in lines} == {b"\r"}
