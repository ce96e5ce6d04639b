import shutil

import pytest

from sensorkit.capture import Recording, RecordingWriter
from sensorkit.capture.recorder import record
from sensorkit.capture.recover import recover
from sensorkit.capture.replay import replay
from sensorkit.errors import RecordingError

S = 1_000_000_000
START = 1_700_000_000 * S
REBUILT = ("structured_metrics.csv", "parser_errors.log", "events.jsonl")


@pytest.fixture
def pieces(frame):
    return [(i, frame(i) + (b"noise\n" if i % 3 == 0 else b"")) for i in range(1, 10)]


@pytest.fixture
def killed(tmp_path, monitor, list_link, pieces):
    """A folder as a kill leaves it: everything received, nothing closed."""
    link = list_link(pieces)
    writer = RecordingWriter(tmp_path / "live", monitor, started_ns=START, fsync=None)
    recorder = record(link, writer, clock=link.clock)
    for readings in recorder:
        if len(readings) and recorder.counts.frames == len(pieces):
            break
    folder = tmp_path / "rec"
    shutil.copytree(writer.dir, folder)
    recorder.close()
    return folder


@pytest.fixture
def whole(capture, pieces):
    return capture(pieces, name="whole")


def check(folder, whole):
    """The folder must now be a recording of all bytes of its raw.log."""
    raw = (folder / "raw.log").read_bytes()
    recording = recover(folder)
    assert (folder / "raw.log").read_bytes() == raw
    assert recording.verify() == []
    assert replay(recording) == []
    assert b"".join(data for _, data in recording.raw()) == raw
    assert recording.counts["received_bytes"] == len(raw)
    assert (
        recording.readings().sequence.tolist()
        == (whole.readings().sequence.tolist()[: len(recording.readings())])
    )
    return recording


def test_a_killed_recording_is_finished(killed, whole):
    recording = check(killed, whole)
    assert recording.status == "aborted"
    assert recording.meta["reason"] == "interrupted (recovered)"
    assert recording.meta["recovered"] == {
        "unindexed_bytes": 0,
        "rows_without_bytes": 0,
        "torn_rows": 0,
        "zero_tail_bytes": 0,
        "unreadable_events": 0,
        "vouched": {"bytes": 0, "of": 396, "noted": None, "changed_before": None},
    }
    for name in REBUILT[:2]:
        assert (killed / name).read_bytes() == (whole.dir / name).read_bytes()
    assert [e["kind"] for e in recording.events()] == [e["kind"] for e in whole.events()]


@pytest.mark.parametrize("name", [*REBUILT, "raw.index.csv"])
@pytest.mark.parametrize("kept", [0.0, 0.3, 0.77])
def test_a_torn_file_is_rebuilt(killed, whole, name, kept):
    data = (killed / name).read_bytes()
    (killed / name).write_bytes(data[: int(len(data) * kept)])
    recording = check(killed, whole)
    assert len(recording.readings()) == len(whole.readings())


@pytest.mark.parametrize("name", [*REBUILT, "raw.index.csv"])
def test_a_missing_file_is_rebuilt(killed, whole, name):
    (killed / name).unlink()
    check(killed, whole)


def test_without_its_bytes_a_recording_is_not_emptied(killed):
    (killed / "raw.log").unlink()
    with pytest.raises(RecordingError, match=r"has lost its raw\.log"):
        recover(killed)
    assert (killed / "structured_metrics.csv").stat().st_size > 100


def test_a_recording_that_died_at_birth_is_finished_empty(killed):
    for path in killed.iterdir():
        if path.name != "recording.json":
            path.unlink()
    recording = recover(killed)
    assert len(recording.readings()) == 0
    assert recording.verify() == []


def test_bytes_that_the_index_does_not_have_are_kept(killed, whole, frame):
    with (killed / "raw.log").open("ab") as raw:
        raw.write(frame(10))
    recording = recover(killed)
    assert recording.meta["recovered"]["unindexed_bytes"] == len(frame(10))
    assert recording.readings().sequence.tolist() == list(range(1, 11))
    assert replay(recording) == []


def test_every_length_of_raw_log_can_be_recovered(killed, whole, tmp_path):
    size = (killed / "raw.log").stat().st_size
    for length in range(0, size, 7):
        folder = tmp_path / f"cut{length}"
        shutil.copytree(killed, folder)
        with (folder / "raw.log").open("r+b") as raw:
            raw.truncate(length)
        check(folder, whole)


def test_garbage_in_the_index_after_a_power_cut_is_not_taken_for_rows(killed, whole):
    with (killed / "raw.index.csv").open("ab") as index:
        index.write(b"\0" * 50 + b"\n-1,2\n")
    check(killed, whole)


def test_what_only_the_host_saw_survives_a_torn_line(killed, whole):
    events = (killed / "events.jsonl").read_bytes()
    (killed / "events.jsonl").write_bytes(events + b'{"time": "2023')
    recording = recover(killed)
    assert recording.events()[0]["kind"] == "link_opened"
    assert recording.meta["recovered"]["unreadable_events"] == 1


@pytest.mark.parametrize(
    "line",
    [
        b"\0\0\0\0",
        b"[]",
        b'{"time": "2023-11-14T22:13:21Z", "kind": "link_lost", "offset": 0}',
        b'{"time": "2023-11-14T22:13:21Z", "kind": "link_lost", "offset": "0", "details": {}}',
        b'{"time": "soon", "kind": "link_lost", "offset": 0, "details": {"origin": "host"}}',
        b'{"time": "2023-11-14T22:13:21Z", "kind": "\xff", "offset": 0, "details": {}}',
    ],
)
def test_lines_of_the_events_that_cannot_be_read_are_counted(killed, whole, line):
    events = (killed / "events.jsonl").read_bytes()
    (killed / "events.jsonl").write_bytes(line + b"\n" + events + line)
    recording = check(killed, whole)
    assert recording.meta["recovered"]["unreadable_events"] == 2
    assert recording.events()[0]["kind"] == "link_opened"


def test_a_recording_killed_just_before_its_manifest_keeps_its_status(whole):
    (whole.dir / "manifest-sha256.txt").unlink()
    before = {name: (whole.dir / name).read_bytes() for name in REBUILT}
    recording = recover(whole.dir)
    assert (recording.status, recording.meta["reason"]) == (
        "complete",
        "the far end closed the link",
    )
    assert before == {name: (whole.dir / name).read_bytes() for name in REBUILT}


def test_recovering_can_itself_be_interrupted(killed, whole):
    (killed / "recording.json.new").write_text("{")
    (killed / "derived").mkdir(exist_ok=True)
    (killed / "derived" / "recover-left").mkdir()
    check(killed, whole)
    (killed / "manifest-sha256.txt").unlink()
    recording = check(killed, whole)
    assert recording.meta["reason"] == "interrupted (recovered)"


def test_a_whole_recording_is_left_alone(whole):
    before = whole.sha256
    assert recover(whole.dir).sha256 == before


def test_a_recording_that_is_still_being_written_is_left_alone(tmp_path, monitor):
    writer = RecordingWriter(tmp_path / "rec", monitor)
    with pytest.raises(RecordingError, match="is still being written; stop the capture first"):
        recover(tmp_path / "rec")
    writer.close()


def test_an_import_that_was_cut_off_is_to_be_made_again(killed):
    recording = Recording.open(killed)
    text = (killed / "recording.json").read_text()
    (killed / "recording.json").write_text(text.replace('"captured"', '"imported"'))
    with pytest.raises(RecordingError, match="remove it and make it again"):
        recover(recording.dir)
