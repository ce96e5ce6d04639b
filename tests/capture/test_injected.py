"""A recording with faults injected says what a capture would have said, and can be made again."""

import shutil

import numpy as np
import pytest

from sensorkit.capture import Recording, write_recording
from sensorkit.capture.injected import inject_recording, reinject
from sensorkit.capture.replay import replay
from sensorkit.emulator import Emulator
from sensorkit.errors import LinkLost, PlanError, RecordingError
from sensorkit.faults import FaultPlan
from sensorkit.readings import Readings

S = 1_000_000_000


def plan_of(*faults: dict, **more) -> FaultPlan:
    return FaultPlan.from_dict({"faults": list(faults), **more}, "test")


def stuck(start_s: float, duration_s: float = 5, **more) -> dict:
    fault = {"kind": "stuck", "channel": "temperature", "value": 50.0}
    return {**fault, "start_s": start_s, "duration_s": duration_s, **more}


def rows(recording: Recording) -> list[list[str]]:
    text = (recording.dir / "structured_metrics.csv").read_text(encoding="utf-8")
    return [line.split(",") for line in text.splitlines()[1:]]


@pytest.fixture
def healthy(capture, frame):
    """Sixty frames, the values as `21.5`: with fewer decimals than the profile has."""
    return capture([(i, frame(i, temperature="21.5")) for i in range(60)], name="healthy")


def test_a_signal_fault_changes_its_values_and_no_other_text(healthy, tmp_path):
    made = inject_recording(healthy, plan_of(stuck(10)), tmp_path / "out")
    before, after = rows(healthy), rows(made)
    changed = [i for i in range(60) if before[i] != after[i]]
    assert changed == [10, 11, 12, 13, 14]
    assert {after[i][3] for i in changed} == {"50.00"}
    assert [row[:3] + row[4:] for row in before] == [row[:3] + row[4:] for row in after]


def test_a_value_that_a_fault_leaves_as_it_is_keeps_its_text(healthy, tmp_path):
    made = inject_recording(healthy, plan_of(stuck(10, value=21.5)), tmp_path / "out")
    assert rows(made) == rows(healthy)
    assert len(made.labels()) == 1


def test_a_dropout_leaves_the_field_empty(healthy, tmp_path):
    fault = {"kind": "dropout", "channel": "voltage", "start_s": 10, "duration_s": 2}
    made = inject_recording(healthy, plan_of(fault), tmp_path / "out")
    assert [row[4] for row in rows(made)[9:13]] == ["5.01", "", "", "5.01"]


def test_the_recording_says_where_it_is_from(healthy, tmp_path):
    plan = plan_of(stuck(10), seed=4)
    made = inject_recording(healthy, plan, tmp_path / "out", seed=3, name="bench 7")
    assert (made.kind, made.status, made.name, made.has_raw) == (
        "injected",
        "complete",
        "bench 7",
        False,
    )
    assert made.meta["parent"] == {
        "name": "healthy",
        "path": "../healthy",
        "sha256": healthy.sha256,
    }
    assert FaultPlan.from_dict(made.meta["plan"], "test") == plan
    assert made.meta["seed"] == 3
    assert made.verify() == []


def test_labels_are_the_first_and_last_reading_touched(healthy, tmp_path):
    faults = [stuck(10), {"kind": "silence", "start_s": 30, "duration_s": 8}]
    made = inject_recording(healthy, plan_of(*faults), tmp_path / "out", seed=3)
    labels, times = made.labels(), healthy.readings().time
    assert [stamp.value for stamp in labels["start"]] == [times[10], times[30]]
    assert [stamp.value for stamp in labels["end"]] == [times[14], times[37]]
    assert labels["kind"].tolist() == ["stuck", "silence"]
    assert labels["seed"].tolist() == [3, 3]


def test_a_silence_takes_frames_and_shows_in_the_events(healthy, tmp_path):
    fault = {"kind": "silence", "start_s": 30, "duration_s": 8}
    made = inject_recording(healthy, plan_of(fault), tmp_path / "out")
    kept = np.r_[0:30, 38:60]
    assert rows(made) == [rows(healthy)[i] for i in kept]
    assert [(event["kind"], event["time"][17:23]) for event in made.events()] == [
        ("link_opened", "20.000"),
        ("heartbeat_lost", "54.000"),  # 5 s after the frame at 29 s
        ("heartbeat_back", "58.000"),
        ("sequence_gap", "58.000"),
    ]


def test_corrupt_and_truncated_lines_are_rejected_where_they_stand_in_the_parent(healthy, tmp_path):
    faults = [
        {"kind": "corrupt", "start_s": 10, "duration_s": 3},
        {"kind": "truncate", "start_s": 40, "duration_s": 2, "magnitude": 20},
    ]
    made = inject_recording(healthy, plan_of(*faults), tmp_path / "out")
    lost = [10, 11, 12, 40, 41]
    errors = made.errors()
    assert errors["offset"].tolist() == healthy.readings().offset[lost].tolist()
    assert [stamp.value for stamp in errors["time"]] == healthy.readings().time[lost].tolist()
    assert rows(made) == [row for i, row in enumerate(rows(healthy)) if i not in lost]


@pytest.mark.parametrize("size", [1, 7, 40, 100, 5000])
def test_it_does_not_matter_how_the_bytes_arrived(capture, frame, healthy, tmp_path, size):
    stream = b"".join(frame(i, temperature="21.5") for i in range(60))
    # All at one time: only the uptime says when each frame was.
    pieces = [(0, stream[i : i + size]) for i in range(0, len(stream), size)]
    parent = capture(pieces, name="pieces")
    plan = plan_of(
        {"kind": "corrupt", "start_s": 10, "duration_s": 3, "magnitude": 2},
        stuck(20),
        {"kind": "silence", "start_s": 30, "duration_s": 8},
        {"kind": "truncate", "start_s": 58, "duration_s": 2, "magnitude": 20},
    )
    cut = inject_recording(parent, plan, tmp_path / "cut", seed=2)
    whole = inject_recording(healthy, plan, tmp_path / "whole", seed=2)
    assert rows(cut) == rows(whole)
    columns = ["offset", "reason", "line"]
    assert cut.errors()[columns].equals(whole.errors()[columns])


def test_it_says_what_a_capture_of_the_faulty_device_says(capture, monitor, tmp_path):
    plan = plan_of(
        {"kind": "noise", "channel": "voltage", "duration_s": 20, "magnitude": 0.05},
        {"kind": "corrupt", "duration_s": 20},
        {"kind": "truncate", "duration_s": 20, "magnitude": 20},
        {"kind": "silence", "duration_s": 20},
        {"kind": "drift", "channel": "temperature", "duration_s": 20, "magnitude": 5},
        hold="NORMAL",
    )

    def recorded(name: str, **options) -> Recording:
        emulator = Emulator(monitor, seed=8, hold="NORMAL", duration_s=800, **options)
        frames = [(f.at_s, f.data) for f in emulator.frames(800) if f.data]
        return capture(frames, name=name)

    live = recorded("live", plan=plan)
    later = inject_recording(recorded("clean"), plan, tmp_path / "later", seed=8)
    assert [row[:-1] for row in rows(later)] == [row[:-1] for row in rows(live)]
    columns = ["time", "reason", "line"]
    assert later.errors()[columns].equals(live.errors()[columns])
    kinds = [[(e["time"], e["kind"]) for e in made.events()] for made in (later, live)]
    assert kinds[0] == kinds[1]


def test_noise_between_frames_stays_and_is_hit_like_any_line(capture, frame, tmp_path):
    pieces = [(i, frame(i) + (b"noise\r\n" if i % 3 == 0 else b"")) for i in range(30)]
    parent = capture(pieces, name="noisy")
    faults = [{"kind": "silence", "start_s": 10, "duration_s": 5}]
    made = inject_recording(parent, plan_of(*faults), tmp_path / "out")
    assert len(parent.errors()) == 10
    # The noise after the frames of 12 s is gone; that after 9 s came before the silence.
    assert len(made.errors()) == 9
    signal = inject_recording(parent, plan_of(stuck(3)), tmp_path / "signal")
    assert signal.errors().equals(parent.errors())


def test_what_only_the_host_saw_is_taken_over(capture, frame, list_link, tmp_path):
    again = list_link([])
    pieces = [(i, frame(i)) for i in range(20)]
    lost = LinkLost("unplugged")
    again.pieces = [(1_700_000_030 * S + i * S, frame(30 + i)) for i in range(20)]
    again.pieces.append((1_700_000_060 * S, None))

    def run(name: str) -> Recording:
        return capture(
            [*pieces, (20, frame(20)[:9]), (21, lost)],
            name=name,
            ends=False,
            reopen=lambda: again,
            stop=lambda: not again.pieces,
            sleep=lambda _: None,
        )

    parent = run("parent")
    kinds = [event["kind"] for event in parent.events()]
    assert {"link_opened", "link_lost", "link_back"} <= set(kinds)
    fault = {"kind": "corrupt", "start_s": 3, "duration_s": 2}
    made = inject_recording(parent, plan_of(fault), tmp_path / "out")
    host = [event for event in parent.events() if event["details"].get("origin") == "host"]
    assert [e for e in made.events() if e["details"].get("origin") == "host"] == host
    cut = parent.errors()
    assert len(cut) == 1  # the frame that the loss tore
    assert made.errors().iloc[-1].equals(cut.iloc[-1])


def test_a_frame_of_another_time_cannot_move_the_labels(capture, frame, tmp_path):
    # Without a checksum a frame whose tail is gone still reads: with an uptime cut to `2`.
    def bare(i: int) -> bytes:
        return frame(i).split(b"*")[0] + b"\r\n"

    parent = capture([(i, bare(i)) for i in range(60)], name="bare")
    fault = {"kind": "truncate", "start_s": 25, "duration_s": 2, "magnitude": 5}
    made = inject_recording(parent, plan_of(fault), tmp_path / "out")
    assert np.isin(made.readings().time, parent.readings().time).all()


def imported(folder, monitor, n: int = 100) -> Recording:
    values = np.column_stack([np.full(n, 25.0), np.full(n, 5.0)])
    readings = Readings.build(np.arange(n) * S, values, monitor.channel_names, device="monitor-1")
    return write_recording(folder, monitor, readings, kind="imported")


def test_readings_without_bytes_can_be_silenced(monitor, tmp_path):
    parent = imported(tmp_path / "table", monitor)
    fault = {"kind": "silence", "start_s": 30, "duration_s": 8}
    made = inject_recording(parent, plan_of(fault, stuck(60)), tmp_path / "out")
    kept = np.r_[0:30, 38:100]
    assert made.readings().time.tolist() == parent.readings().time[kept].tolist()
    assert np.flatnonzero(made.readings().channel("temperature") == 50).tolist() == list(
        range(52, 57)
    )


@pytest.mark.parametrize("kind", ["corrupt", "truncate"])
def test_readings_without_bytes_cannot_be_corrupted(monitor, tmp_path, kind):
    parent = imported(tmp_path / "table", monitor)
    fault = {"kind": kind, "start_s": 30, "duration_s": 8}
    with pytest.raises(PlanError, match=rf"fault 1 \({kind}\) acts on the bytes .* no raw\.log"):
        inject_recording(parent, plan_of(fault), tmp_path / "out")
    assert not (tmp_path / "out").exists()


def test_faults_can_be_added_to_a_recording_that_has_some(healthy, tmp_path):
    first = inject_recording(healthy, plan_of(stuck(10)), tmp_path / "first")
    second = inject_recording(first, plan_of(stuck(40, value=60.0)), tmp_path / "second")
    labels = second.labels()
    assert labels["id"].tolist() == [1, 2]
    assert labels.iloc[0].equals(first.labels().iloc[0])
    with pytest.raises(PlanError, match="overlaps the stuck that the recording already has"):
        inject_recording(first, plan_of(stuck(12)), tmp_path / "third")
    assert replay(second) == []


@pytest.mark.parametrize("name", ["mixed", "forced_failure"])
def test_it_can_be_made_again_byte_for_byte(capture, monitor, tmp_path, name):
    emulator = Emulator(monitor, seed=8, hold="NORMAL")
    parent = capture([(f.at_s, f.data) for f in emulator.frames(2700)], name="clean")
    made = inject_recording(parent, FaultPlan.load(name), tmp_path / "made", seed=5)
    again = reinject(made, tmp_path / "again")
    for file in ("structured_metrics.csv", "parser_errors.log", "events.jsonl", "labels.csv"):
        assert (made.dir / file).read_bytes() == (again.dir / file).read_bytes()
    assert replay(made) == []


def test_it_is_not_made_again_from_another_parent(healthy, capture, frame, tmp_path):
    made = inject_recording(healthy, plan_of(stuck(10)), tmp_path / "out")
    shutil.move(healthy.dir, tmp_path / "elsewhere")
    with pytest.raises(RecordingError, match="healthy: is no recording: it does not exist"):
        reinject(made, tmp_path / "again")
    capture([(i, frame(i)) for i in range(60)], name="healthy")
    with pytest.raises(RecordingError, match=r"healthy: is not the recording that .*out was made"):
        reinject(made, tmp_path / "again")
    assert not (tmp_path / "again").exists()


def test_a_recording_that_was_changed_is_refused(healthy, tmp_path):
    with (healthy.dir / "structured_metrics.csv").open("a") as file:
        file.write("\n")
    with pytest.raises(RecordingError, match=r"not as it was recorded \(structured_metrics.csv ch"):
        inject_recording(healthy, plan_of(stuck(10)), tmp_path / "out")


def test_an_empty_recording_is_refused(capture, tmp_path):
    with pytest.raises(RecordingError, match="empty: holds no reading to inject a fault into"):
        inject_recording(capture([], name="empty"), plan_of(stuck(10)), tmp_path / "out")


def test_a_recording_that_was_cut_off_is_refused(healthy, tmp_path):
    (healthy.dir / "manifest-sha256.txt").unlink()
    with pytest.raises(RecordingError, match="sensorkit recover"):
        inject_recording(healthy, plan_of(stuck(10)), tmp_path / "out")


def test_nothing_is_written_over(healthy, tmp_path):
    with pytest.raises(RecordingError, match="is already there"):
        inject_recording(healthy, plan_of(stuck(10)), healthy.dir)
    assert healthy.verify() == []


def test_a_silence_of_everything_is_refused(healthy, tmp_path):
    fault = {"kind": "silence", "start_s": 0, "duration_s": 60}
    with pytest.raises(PlanError, match=r"no reading of .*healthy is left by the plan"):
        inject_recording(healthy, plan_of(fault), tmp_path / "out")


def jitter(start_s: float = 20, duration_s: float = 10, magnitude: float = 2.0) -> dict:
    return {
        "kind": "jitter",
        "start_s": start_s,
        "duration_s": duration_s,
        "magnitude": magnitude,
    }


def test_frames_without_a_clock_of_their_own_are_as_late_as_they_come(capture, frame, tmp_path):
    parent = capture([(i, frame(i, uptime=False)) for i in range(60)], name="no-uptime")
    made = inject_recording(parent, plan_of(jitter()), tmp_path / "out")
    late = (made.readings().time - parent.readings().time) / S
    assert (late[:20] == 0).all()
    assert (late[20:30] > 0).all()
    assert (np.diff(made.readings().time) >= 0).all()
    assert late[40:].max() == 0
    label = made.labels().iloc[0]
    assert label["start"].value == made.readings().time[20]
    assert label["end"].value == made.readings().time[29]


def test_a_device_with_a_clock_says_when_it_measured_however_late_the_line(healthy, tmp_path):
    made = inject_recording(healthy, plan_of(jitter()), tmp_path / "out")
    np.testing.assert_array_equal(made.readings().time, healthy.readings().time)
    assert rows(made) == rows(healthy)


def test_a_delay_longer_than_the_heartbeat_is_a_silence_in_the_events(capture, frame, tmp_path):
    parent = capture([(i, frame(i, uptime=False)) for i in range(60)], name="no-uptime")
    made = inject_recording(parent, plan_of(jitter(magnitude=30.0)), tmp_path / "out")
    kinds = [event["kind"] for event in made.events()]
    assert kinds[:3] == ["link_opened", "heartbeat_lost", "heartbeat_back"]


def test_readings_without_bytes_can_be_late_too(capture, frame, monitor, tmp_path):
    parent = capture([(i, frame(i, uptime=False)) for i in range(60)], name="no-uptime")
    imported = write_recording(tmp_path / "imported", monitor, parent.readings(), kind="imported")
    made = inject_recording(imported, plan_of(jitter()), tmp_path / "out")
    line = inject_recording(parent, plan_of(jitter()), tmp_path / "line")
    np.testing.assert_array_equal(made.readings().time, line.readings().time)


def test_a_line_read_at_another_speed_is_noise_in_the_parent_s_place(healthy, tmp_path):
    fault = {"kind": "baud_mismatch", "start_s": 20, "duration_s": 10}
    made = inject_recording(healthy, plan_of(fault), tmp_path / "out")
    kept = len(rows(made))
    # The first frame after it may be lost with what has no line end.
    assert kept in {49, 50}
    assert rows(made)[:20] == rows(healthy)[:20]
    assert rows(made)[-29:] == rows(healthy)[-29:]
    offsets = healthy.readings().offset
    assert made.errors()["offset"].between(offsets[20], offsets[30]).all()


HIDDEN = [
    {"kind": "saturation", "magnitude": 0.5},
    {"kind": "gain", "magnitude": 1.05, "onset": "gradual"},
    {"kind": "oscillation", "magnitude": 1.0, "period_s": 7},
    {"kind": "lag", "magnitude": 6},
    {"kind": "correlation_break"},
]


@pytest.mark.parametrize("fault", HIDDEN, ids=lambda fault: fault["kind"])
def test_every_kind_is_injected_again_byte_for_byte(capture, frame, tmp_path, fault):
    parent = capture(
        [(i, frame(i, temperature=f"{20 + 3 * np.sin(i / 7):.2f}")) for i in range(80)]
    )
    plan = plan_of({"channel": "temperature", "start_s": 30, "duration_s": 30, **fault})
    made = inject_recording(parent, plan, tmp_path / "out", seed=5)
    changed = made.readings().channel("temperature") != parent.readings().channel("temperature")
    assert changed[30:60].sum() > 5
    assert not changed[:30].any()
    assert not changed[60:].any()
    again = reinject(made, tmp_path / "again")
    for name in ("structured_metrics.csv", "labels.csv", "events.jsonl"):
        assert (again.dir / name).read_bytes() == (made.dir / name).read_bytes()


def test_a_fault_on_all_channels_has_a_label_for_each(healthy, tmp_path):
    fault = {"kind": "bias", "channels": "all", "magnitude": 0.5, "start_s": 10, "duration_s": 5}
    made = inject_recording(healthy, plan_of(fault), tmp_path / "out")
    assert made.labels()["channel"].tolist() == ["temperature", "voltage"]
    assert [row[3:5] for row in rows(made)[9:11]] == [["21.5", "5.01"], ["22.00", "5.51"]]
    assert FaultPlan.from_dict(made.meta["plan"], "test") == plan_of(fault)
    more = inject_recording(made, plan_of({**fault, "start_s": 30}), tmp_path / "more")
    assert more.labels()["id"].tolist() == [1, 2, 3, 4]
