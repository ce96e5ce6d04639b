import tracemalloc

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


def test_what_is_made_again_is_compared_in_pieces_and_not_written(recording, monkeypatch, tmp_path):
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path / "nowhere"))
    for size in (1, 40, 100):
        blocks = recording.blocks

        def small(size=size, blocks=blocks):
            return blocks(size)

        monkeypatch.setattr(recording, "blocks", small)
        assert replay(recording) == []
        monkeypatch.undo()


@pytest.mark.parametrize("name", ["structured_metrics.csv", "parser_errors.log", "events.jsonl"])
def test_a_file_that_is_longer_or_shorter_differs(recording, name):
    path = recording.dir / name
    whole = path.read_bytes()
    for other in (whole + b"x", whole[:-1], b""):
        path.write_bytes(other)
        assert name in replay(recording)


def test_what_the_host_saw_between_two_reads_of_a_block_is_told_between_them(
    monitor, frame, list_link, tmp_path
):
    pieces = [(0.0, frame(0)), (0.1, b"T:21"), (0.2, LinkLost("gone"))]
    pieces += [(0.6, frame(2)[4:]), (0.7, frame(3))]
    link = list_link(pieces)
    writer = RecordingWriter(tmp_path / "rec", monitor, started_ns=START, fsync=None)

    def sleep(seconds):
        link.now += round(seconds * S)

    options = {"clock": link.clock, "reopen": lambda: link, "sleep": sleep, "duration_s": 1.0}
    list(record(link, writer, **options))
    recording = Recording.open(tmp_path / "rec")
    assert [len(block.lengths) for block in recording.blocks()] == [4]
    kinds = [event["kind"] for event in recording.events()]
    assert kinds == ["link_opened", "link_lost", "link_back", "sequence_gap"]
    assert recording.counts["rejected"].keys() == {"cut", "checksum"}
    assert replay(recording) == []


def test_a_long_recording_is_replayed_in_a_memory_that_does_not_grow_with_it(capture, frame):
    def peak(n):
        stream = b"".join(frame(i) for i in range(n))
        pieces = [(i / 1e5, stream[i : i + 60000]) for i in range(0, len(stream), 60000)]
        recording = capture(pieces, name=f"of {n}")
        replay(recording)  # what is made once
        tracemalloc.start()
        assert replay(recording) == []
        _, most = tracemalloc.get_traced_memory()
        tracemalloc.stop()
        return most

    assert peak(80_000) < 1.3 * peak(20_000)


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
