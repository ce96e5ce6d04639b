import errno
import hashlib
import json
import os
import shutil
import subprocess
import threading

import numpy as np
import pytest

from sensorkit.capture import (
    Recording,
    RecordingWriter,
    layout,
    pump,
    raw_log,
    write_recording,
)
from sensorkit.capture.raw_log import Rotate
from sensorkit.errors import ProfileError, RecordingError, RunError
from sensorkit.profile import Profile
from sensorkit.readings import Event, FaultLabel, Readings, Rejection, RejectReason

S = 1_000_000_000
START = 1_700_000_000 * S
META = {
    "schema_version": 1,
    "kind": "captured",
    "status": "complete",
    "reason": "",
    "device": "d",
    "started": "2026-11-21T03:26:47Z",
    "ended": None,
    "profile": {},
}


@pytest.fixture
def readings(monitor):
    return Readings.build(
        START + np.arange(3) * S, [[21.5, 5.0], [22.0, 5.0], [22.5, 5.1]], monitor.channel_names
    )


def test_a_recording_has_the_files_of_the_design(capture, frame):
    recording = capture([(1, frame(1))])
    assert sorted(path.name for path in recording.dir.iterdir()) == sorted(
        [
            "recording.json",
            "raw.log",
            "raw.index.csv",
            "structured_metrics.csv",
            "parser_errors.log",
            "events.jsonl",
            "manifest-sha256.txt",
        ]
    )
    digest = hashlib.sha256(frame(1)).hexdigest()
    assert (recording.dir / "raw.index.csv").read_text() == (
        "received_ns,offset,length,file,sha256\n"
        f"{START + S},0,{len(frame(1))},raw.log,\n"
        f"{START + S},{len(frame(1))},0,,{digest}\n"
    )


def test_a_folder_is_never_overwritten(tmp_path, monitor):
    (tmp_path / "rec").mkdir()
    with pytest.raises(RecordingError, match="is already there, and a recording is never"):
        RecordingWriter(tmp_path / "rec", monitor)
    assert list((tmp_path / "rec").iterdir()) == []


def test_a_folder_that_cannot_be_made_says_why(tmp_path, monitor):
    (tmp_path / "file").write_text("")
    with pytest.raises(RecordingError, match="is a file; choose another --out"):
        RecordingWriter(tmp_path / "file" / "rec", monitor)


def test_while_it_is_written_it_says_so_and_gives_no_readings(tmp_path, monitor):
    writer = RecordingWriter(tmp_path / "rec", monitor)
    recording = Recording.open(tmp_path / "rec")
    assert (recording.status, recording.whole, recording.counts) == ("recording", False, {})
    for read in (recording.readings, recording.labels, recording.events, recording.errors):
        with pytest.raises(RecordingError, match="cut off or is still being written"):
            read()
    with pytest.raises(RecordingError, match="sensorkit recover"):
        recording.verify()
    writer.close()
    assert Recording.open(tmp_path / "rec").status == "complete"


def test_closing_twice_changes_nothing(tmp_path, monitor):
    writer = RecordingWriter(tmp_path / "rec", monitor)
    writer.close("aborted", "first")
    writer.close("complete", "second")
    assert Recording.open(tmp_path / "rec").meta["reason"] == "first"


def test_a_channel_cannot_be_called_like_a_column(tmp_path):
    profile = Profile.from_dict(
        {"name": "p", "rate_hz": 1, "channels": [{"name": "status"}]}, "test"
    )
    with pytest.raises(ProfileError, match="channel 'status' has the name of a column"):
        RecordingWriter(tmp_path / "rec", profile)
    assert not (tmp_path / "rec").exists()


@pytest.mark.skipif(shutil.which("sha256sum") is None, reason="no sha256sum here")
def test_sha256sum_agrees(capture, frame):
    folder = capture([(1, frame(1))]).dir
    check = ["sha256sum", "-c", "--strict", "manifest-sha256.txt"]
    assert subprocess.run(check, cwd=folder, capture_output=True, check=False).returncode == 0
    with (folder / "raw.log").open("ab") as file:
        file.write(b"x")
    assert subprocess.run(check, cwd=folder, capture_output=True, check=False).returncode == 1


@pytest.mark.parametrize("name", layout.HASHED[:-1])
def test_verify_names_the_file_in_which_one_byte_was_changed(capture, frame, name):
    recording = capture([(1, frame(1) + b"noise\n")])
    path = recording.dir / name
    data = bytearray(path.read_bytes())
    data[len(data) // 2] ^= 1
    path.write_bytes(bytes(data))
    assert recording.changes() == {name: "changed"}


def test_verify_names_what_is_missing_and_what_was_added(capture, frame):
    recording = capture([(1, frame(1))])
    (recording.dir / "events.jsonl").unlink()
    (recording.dir / "labels.csv").write_text("")
    (recording.dir / "notes").mkdir()
    assert recording.changes() == {
        "events.jsonl": "missing",
        "labels.csv": "added",
        "notes/": "added",
    }
    assert recording.verify() == ["events.jsonl", "labels.csv", "notes/"]


def test_later_results_do_not_change_what_verify_says(capture, frame):
    recording = capture([(1, frame(1))])
    before = recording.sha256
    (recording.derived / "anomaly_report.json").write_text("[]")
    assert Recording.open(recording.dir).verify() == []
    assert Recording.open(recording.dir).sha256 == before


@pytest.mark.parametrize("line", ["junk", f"{'0' * 64}  ../secret", f"{'0' * 64}  other.txt"])
def test_a_manifest_that_is_not_ours_is_refused(capture, frame, line):
    recording = capture([(1, frame(1))])
    (recording.dir / "manifest-sha256.txt").write_text(line + "\n")
    with pytest.raises(RecordingError, match=r"manifest-sha256\.txt:1: is no hash of a file"):
        recording.verify()


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("{", "cannot be read as JSON"),
        ("[]", "has schema_version None, this sensorkit reads 1"),
        ('{"schema_version": 99}', "has schema_version 99"),
        ('{"schema_version": 1, "kind": "captured"}', "does not say its 'status'"),
        (json.dumps(META | {"started": "yesterday"}), "has no time in 'started'"),
        (json.dumps(META | {"ended": 5.5e300}), "has no time in 'ended'"),
        (json.dumps({k: v for k, v in META.items() if k != "ended"}), "has no time in 'ended'"),
        (json.dumps(META), "recording.json: name"),
    ],
)
def test_a_folder_with_another_json_says_what_is_wrong(tmp_path, text, message):
    (tmp_path / "recording.json").write_text(text)
    with pytest.raises((RecordingError, ProfileError), match=message):
        Recording.open(tmp_path)


def test_no_recording_says_what_is_missing(tmp_path):
    with pytest.raises(RecordingError, match=r"has no recording\.json; give a folder"):
        Recording.open(tmp_path)
    with pytest.raises(RecordingError, match="does not exist"):
        Recording.open(tmp_path / "nowhere")
    (tmp_path / "file").touch()
    with pytest.raises(RecordingError, match="is a file, not a folder"):
        Recording.open(tmp_path / "file")


@pytest.mark.parametrize("kind", ["captured", "imported"])
def test_a_disk_that_is_full_at_once_leaves_no_folder(tmp_path, monitor, monkeypatch, kind):
    def full(*_):
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    monkeypatch.setattr(layout, "sync_folder", full)
    with pytest.raises(RunError, match="No space left on device; nothing is recorded: make room"):
        RecordingWriter(tmp_path / "rec", monitor, kind=kind)
    assert not (tmp_path / "rec").exists()


def test_a_disk_full_in_an_import_does_not_advise_to_recover_it(tmp_path, monitor, monkeypatch):
    def full(*_):
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    monkeypatch.setattr(layout, "write_manifest", full)
    writer = RecordingWriter(tmp_path / "rec", monitor, kind="imported")
    with pytest.raises(RunError, match=r"make room, remove .*rec and make it again"):
        writer.close()


def test_readings_are_written_and_read_back(tmp_path, monitor, readings):
    label = FaultLabel(1, "d", START, START + S, "spike", "temperature", "signal", 1.0, 6.0, 3)
    recording = write_recording(
        tmp_path / "rec",
        monitor,
        readings,
        kind="injected",
        texts=[("21.50", "5.0"), (None, "5.0"), ("22.5", None)],
        labels=[label],
        rejections=[Rejection(START, 4, RejectReason.SYNTAX, b"x")],
        events=[Event(START, "device_reset", 0, {})],
        plan={"seed": 3},
        seed=3,
    )
    assert recording.readings().values.tolist() == readings.values.tolist()
    assert recording.texts() == [("21.50", "5.0"), ("22.0", "5.0"), ("22.5", "5.1")]
    assert recording.labels()["kind"].tolist() == ["spike"]
    assert recording.counts["rejected"] == {"syntax": 1}
    assert recording.counts["events"] == {"device_reset": 1}
    assert not recording.has_raw
    assert recording.verify() == []
    assert (recording.meta["started"], recording.meta["ended"]) == (
        "2023-11-14T22:13:20.000000Z",
        "2023-11-14T22:13:22.000000Z",
    )
    with pytest.raises(RecordingError, match=r"has no raw\.log, for it was injected"):
        next(recording.raw())


def test_the_same_readings_give_the_same_bytes(tmp_path, monitor, readings):
    manifests = [
        (write_recording(tmp_path / name / "rec", monitor, readings, kind="imported").dir
         / "manifest-sha256.txt").read_bytes()
        for name in ("a", "b")
    ]  # fmt: skip
    assert manifests[0] == manifests[1]


def test_no_readings_make_a_recording_too(tmp_path, monitor):
    empty = Readings.empty(monitor.channel_names)
    recording = write_recording(tmp_path / "rec", monitor, empty, kind="imported")
    assert len(recording.readings()) == 0


def test_a_parent_is_found_again_when_both_have_moved(tmp_path, capture, frame, readings, monitor):
    parent = capture([(1, frame(1))], name="old/parent")
    write_recording(tmp_path / "old" / "child", monitor, readings, kind="injected", parent=parent)
    (tmp_path / "old").rename(tmp_path / "new")
    child = Recording.open(tmp_path / "new" / "child")
    assert child.meta["parent"]["name"] == "parent"
    assert child.parent().sha256 == parent.sha256


def test_a_parent_that_is_another_one_now_is_refused(tmp_path, capture, frame, readings, monitor):
    parent = capture([(1, frame(1))], name="parent")
    child = write_recording(tmp_path / "child", monitor, readings, kind="injected", parent=parent)
    shutil.rmtree(parent.dir)
    with pytest.raises(RecordingError, match="parent: is no recording: it does not exist"):
        child.parent()
    capture([(1, frame(2))], name="parent")
    with pytest.raises(RecordingError, match="is not the recording that"):
        child.parent()
    with pytest.raises(RecordingError, match="not made from another recording"):
        parent.parent()


def test_an_index_that_does_not_fit_is_named_with_its_line(capture, frame):
    recording = capture([(1, frame(1)), (2, frame(2))])
    index = recording.dir / "raw.index.csv"
    good = index.read_text().splitlines()
    for rows, line in (
        ([good[0], good[2]], 2),
        ([*good[:2], "junk"], 3),
        ([good[0], good[1].replace(f",{len(frame(1))}", ",9999")], 2),
        ([good[0], good[1].replace(f",{len(frame(1))}", "," + "9" * 30)], 2),
        ([*good[:2], "\N{DEGREE SIGN}"], 3),
    ):
        index.write_text("\n".join(rows) + "\n")
        with pytest.raises(RecordingError, match=rf"raw\.index\.csv:{line}: does not continue"):
            list(recording.raw())
    index.write_text("\n".join(good[:2]) + "\n")
    with pytest.raises(RecordingError, match=r"raw\.log goes on"):
        list(recording.raw())
    index.unlink()
    with pytest.raises(RecordingError, match=r"raw\.index\.csv: is missing; restore it"):
        list(recording.raw())


def test_lines_are_those_of_the_wire_with_the_time_of_their_read(capture, frame):
    recording = capture([(1, b"noise\nT:"), (2, b"1\r\n")])
    assert [(t - START, line.offset, line.data) for t, line in recording.lines()] == [
        (S, 0, b"noise"),
        (2 * S, 6, b"T:1"),
    ]


def test_html_is_escaped(capture, frame, monitor):
    recording = capture([(1, frame(1))], name="<script>alert(1)</script>".replace("/", "_"))
    html = recording._repr_html_()
    assert "<script>" not in html
    assert "&lt;script&gt;" in html


def test_a_write_the_disk_takes_half_of_is_finished(tmp_path, monkeypatch):
    log = raw_log.RawLog(tmp_path, None)
    real = raw_log.os.write
    monkeypatch.setattr(raw_log.os, "write", lambda fd, data: real(fd, data[:3]))
    log.write(START, b"0123456789")
    monkeypatch.undo()
    log.close()
    assert (tmp_path / "raw.log").read_bytes() == b"0123456789"


def test_a_failed_fsync_in_the_background_stops_the_recording(tmp_path, monitor, monkeypatch):
    failed = threading.Event()

    def fsync(_fd):
        if threading.current_thread().name == "sensorkit-fsync":
            failed.set()
            raise OSError(5, "Input/output error")

    monkeypatch.setattr(raw_log.os, "fsync", fsync)
    writer = RecordingWriter(tmp_path / "rec", monitor, fsync=0.001)
    writer.write_raw(START, b"x")
    assert failed.wait(5)
    while writer._raw._failure is None:  # set right after the event
        pass
    with pytest.raises(RunError, match="Input/output error"):
        writer.write_raw(START, b"x")


def test_fsync_always_is_done_for_each_read(tmp_path, monitor, monkeypatch):
    writer = RecordingWriter(tmp_path / "rec", monitor, fsync=0)
    synced = []
    monkeypatch.setattr(pump, "fdatasync", synced.append)
    writer.write_raw(START, b"x")
    assert len(synced) == 2  # raw.log and its index
    monkeypatch.undo()
    writer.close()


def test_meta_is_whole_or_not_there(tmp_path):
    layout.write_meta(tmp_path, {"a": 1})
    with pytest.raises(ValueError, match="JSON"):
        layout.write_meta(tmp_path, {"a": float("nan")})
    assert json.loads((tmp_path / "recording.json").read_text()) == {"a": 1}
    assert [path.name for path in tmp_path.iterdir()] == ["recording.json"]


CAPTURED = [name for name in layout.HASHED if name != layout.LABELS]


@pytest.mark.parametrize("name", CAPTURED)
@pytest.mark.parametrize("call", ["check", "close"])
def test_a_file_that_is_removed_while_it_is_written_ends_the_capture(tmp_path, monitor, name, call):
    writer = RecordingWriter(tmp_path / "rec", monitor, fsync=None)
    writer.write_raw(START, b"noise\n")
    writer.check()
    (writer.dir / name).unlink()
    with pytest.raises(RunError, match=rf"rec: {name} was removed, moved or replaced while it was"):
        getattr(writer, call)()
    assert not Recording.open(writer.dir).whole
    assert Recording.open(writer.dir).status == "failed"
    assert name in Recording.open(writer.dir).meta["reason"]


def test_a_file_that_is_replaced_while_it_is_written_ends_the_capture(tmp_path, monitor):
    writer = RecordingWriter(tmp_path / "rec", monitor, fsync=None)
    path = writer.dir / layout.METRICS
    (writer.dir / "other").write_bytes(path.read_bytes())
    (writer.dir / "other").replace(path)
    with pytest.raises(RunError, match=r"structured_metrics\.csv was removed, moved or replaced"):
        writer.check()


def test_a_rotated_file_that_is_removed_ends_the_capture(tmp_path, monitor):
    writer = RecordingWriter(tmp_path / "rec", monitor, fsync=None, rotate=Rotate(max_bytes=4))
    for i in range(3):
        writer.write_raw(START + i, b"noise\n")
    writer.check()
    (writer.dir / "raw.0002.log").unlink()
    with pytest.raises(RunError, match=r"raw\.0002\.log was removed, moved or replaced"):
        writer.check()


@pytest.mark.parametrize("name", [layout.METRICS, layout.META])
def test_an_import_from_which_a_file_is_removed_is_not_finished(tmp_path, monitor, name):
    writer = RecordingWriter(tmp_path / "rec", monitor, kind="imported")
    (writer.dir / name).unlink()
    with pytest.raises(RunError, match=rf"{name} was removed.* remove it and make it again"):
        writer.close()
    assert not Recording.open(writer.dir).whole


@pytest.mark.parametrize("name", CAPTURED[1:])
def test_no_manifest_is_written_for_a_recording_without_one_of_its_files(tmp_path, monitor, name):
    writer = RecordingWriter(tmp_path / "rec", monitor, fsync=None)
    writer.close()
    for gone in (name, layout.MANIFEST):
        (writer.dir / gone).unlink()
    with pytest.raises(RecordingError, match=rf"has lost its {name}, and gets no manifest"):
        layout.write_manifest(writer.dir)
    assert not (writer.dir / layout.MANIFEST).exists()
