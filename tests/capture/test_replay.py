import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from sensorkit.capture import Recording, RecordingWriter
from sensorkit.capture.recorder import record
from sensorkit.capture.replay import replay
from sensorkit.errors import LinkLost, RecordingError

S = 1_000_000_000
START = 1_700_000_000 * S


@pytest.fixture
def recording(capture, frame):
    return capture(
        [
            (0, frame(1) + b"boot v1.2\n"),
            (1, frame(2)[:9]),
            (2, frame(2)[9:] + b"\xff\xfe\n"),
            (11, frame(12) + b"x" * 700),
            (12, b"\n" + frame(0) + frame(1, temperature="85.5") + b"T:1"),
        ]
    )


def test_what_is_rebuilt_is_byte_for_byte_the_same(recording):
    assert len(recording.events()) >= 5
    assert len(recording.errors()) >= 3
    assert replay(recording) == []


def test_the_rebuilt_files_can_be_kept(recording, tmp_path):
    assert replay(recording, tmp_path / "again") == []
    for name in ("structured_metrics.csv", "parser_errors.log", "events.jsonl"):
        assert (tmp_path / "again" / name).read_bytes() == (recording.dir / name).read_bytes()


def test_a_folder_is_not_overwritten(recording, tmp_path):
    (tmp_path / "again").mkdir()
    with pytest.raises(RecordingError, match="choose another --out"):
        replay(recording, tmp_path / "again")


@pytest.mark.parametrize("name", ["structured_metrics.csv", "parser_errors.log", "events.jsonl"])
def test_a_file_that_was_changed_differs(recording, name):
    path = recording.dir / name
    path.write_bytes(path.read_bytes().replace(b"0", b"1", 1))
    assert name in replay(recording)


def test_a_file_that_is_gone_differs(recording):
    (recording.dir / "parser_errors.log").unlink()
    assert replay(recording) == ["parser_errors.log"]


def test_counts_that_were_changed_differ(recording):
    recording.meta["counts"]["frames"] += 1
    assert replay(recording) == ["recording.json"]


def test_changed_bytes_give_other_readings(recording):
    path = recording.dir / "raw.log"
    path.write_bytes(path.read_bytes().replace(b"T:21.50,V:5.01", b"T:99.99,V:9.99", 1))
    # The checksum says so.
    assert replay(recording) == [
        "structured_metrics.csv",
        "parser_errors.log",
        "events.jsonl",
        "recording.json",
    ]


def test_a_recording_that_was_cut_off_is_not_replayed(recording):
    (recording.dir / "manifest-sha256.txt").unlink()
    with pytest.raises(RecordingError, match="sensorkit recover"):
        replay(recording)


happenings = st.lists(
    st.tuples(
        st.sampled_from([0.0, 0.1, 1.0, 4.9, 5.1, 30.0]),
        st.sampled_from(["frame", "part", "noise", "lost", "reset", "gap", "late", "endless"]),
    ),
    max_size=14,
)


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)
@given(happenings)
def test_whatever_happened_is_rebuilt(tmp_path_factory, monitor, frame, list_link, happened):
    at, n = 0.0, 20
    pieces = []
    for wait, what in happened:
        at, n = at + wait, n + 1
        match what:
            case "frame":
                piece = frame(n)
            case "part":
                piece = frame(n)[:-4]
            case "noise":
                piece = b"\x00\xffnoise\r\n\n"
            case "endless":
                piece = b"y" * 600
            case "reset":
                n = 0
                piece = frame(n)
            case "gap":
                n += 40
                piece = frame(n)
            case "late":
                n -= 3
                piece = frame(n)
            case _:
                piece = LinkLost("gone")
        pieces.append((at, piece))
    link = list_link(pieces)
    folder = tmp_path_factory.mktemp("replay") / "rec"
    writer = RecordingWriter(folder, monitor, started_ns=START, fsync=None)

    def sleep(seconds):
        link.now += round(seconds * S)

    recorder = record(
        link,
        writer,
        clock=link.clock,
        reopen=lambda: link,
        sleep=sleep,
        duration_s=at + 7,
    )
    list(recorder)
    recording = Recording.open(folder)
    assert replay(recording) == []
    counts = recording.counts
    assert counts["received_bytes"] == (recording.dir / "raw.log").stat().st_size
    assert counts["received_bytes"] == sum(
        counts[f"{place}_bytes"] for place in ("accepted", "rejected", "terminator", "tail")
    )
