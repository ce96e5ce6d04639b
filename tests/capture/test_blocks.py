"""Blocks are whole reads, however the recording was written and whoever cuts them."""

import hashlib
import os
import shutil
import subprocess

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from sensorkit.capture import Recording, RecordingWriter, layout
from sensorkit.capture.blocks import BlockReader, HashRow, ReadRow, parse_row
from sensorkit.capture.raw_log import Rotate
from sensorkit.capture.recorder import record
from sensorkit.capture.recover import recover
from sensorkit.capture.replay import replay
from sensorkit.capture.vouched import vouched
from sensorkit.errors import RecordingError

S = 1_000_000_000
START = 1_700_000_000 * S


@pytest.fixture
def rotated(tmp_path, monitor, frame, list_link):
    """A recording of 40 reads in several raw files."""
    link = list_link([*[(i, frame(i)) for i in range(40)], (40, None)])
    writer = RecordingWriter(
        tmp_path / "rotated", monitor, started_ns=START, fsync=None, rotate=Rotate(max_bytes=300)
    )
    list(record(link, writer, clock=link.clock))
    return Recording.open(writer.dir)


@given(
    pieces=st.lists(st.binary(min_size=1, max_size=300), max_size=40),
    size=st.integers(1, 2000),
    rotate=st.integers(1, 500) | st.none(),
)
@settings(
    max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
def test_blocks_are_the_reads_joined_and_every_byte_is_in_its_place(
    tmp_path, monitor, list_link, pieces, size, rotate
):
    folder = tmp_path / "rec"
    shutil.rmtree(folder, ignore_errors=True)
    link = list_link([*[(i, piece) for i, piece in enumerate(pieces)], (len(pieces), None)])
    writer = RecordingWriter(
        folder, monitor, started_ns=START, fsync=None, rotate=Rotate(max_bytes=rotate)
    )
    list(record(link, writer, clock=link.clock))
    recording = Recording.open(folder)
    reads = [(START + i * S, piece) for i, piece in enumerate(pieces)]
    assert list(recording.raw()) == reads
    blocks = list(recording.blocks(size))
    assert [read for block in blocks for read in block.reads()] == reads
    for block in blocks:
        assert len(block.data) == block.lengths.sum()
        assert len(block.data) <= size or len(block.lengths) == 1
    counts = recording.counts
    places = ("accepted", "rejected", "terminator", "tail")
    assert counts["received_bytes"] == sum(counts[f"{place}_bytes"] for place in places)
    assert counts["received_bytes"] == sum(map(len, pieces))
    assert recording.verify() == replay(recording) == []
    assert vouched(folder).up_to == sum(map(len, pieces))


def test_raw_files_follow_each_other_between_two_reads(rotated, frame):
    names = layout.raw_names(rotated.dir)
    assert names[:3] == ["raw.log", "raw.0002.log", "raw.0003.log"]
    contents = [(rotated.dir / name).read_bytes() for name in names]
    assert b"".join(contents) == b"".join(frame(i) for i in range(40))
    assert all(content.endswith(b"\n") for content in contents)
    assert all(300 <= len(content) < 300 + len(frame(39)) for content in contents[:-1])
    rows = (rotated.dir / "raw.index.csv").read_text().splitlines()[1:]
    assert [row.split(",")[3] for row in rows if ",raw" in row] == names
    digest = hashlib.sha256(b"".join(contents)).hexdigest()
    assert rows[-1].endswith(f",{sum(map(len, contents))},0,,{digest}")


@pytest.mark.skipif(shutil.which("sha256sum") is None, reason="no sha256sum here")
def test_sha256sum_agrees_on_rotated_files_too(rotated):
    check = ["sha256sum", "-c", "--strict", "manifest-sha256.txt"]
    done = subprocess.run(check, cwd=rotated.dir, capture_output=True, text=True, check=False)
    assert done.returncode == 0
    assert "raw.0003.log: OK" in done.stdout
    (rotated.dir / "raw.0003.log").write_bytes(b"x")
    assert rotated.verify() == ["raw.0003.log"]


def test_a_raw_file_of_an_age_is_followed_too(tmp_path, monitor, frame, list_link):
    link = list_link([*[(i, frame(i)) for i in range(1, 10)], (10, None)])
    writer = RecordingWriter(
        tmp_path / "rec", monitor, started_ns=START, fsync=None, rotate=Rotate(seconds=4)
    )
    list(record(link, writer, clock=link.clock))
    sizes = [(writer.dir / name).stat().st_size for name in layout.raw_names(writer.dir)]
    assert sizes == [
        len(b"".join(frame(i) for i in span)) for span in (range(1, 5), range(5, 9), [9])
    ]


@pytest.mark.parametrize("lost", ["raw.0002.log", "raw.index.csv"])
def test_a_missing_file_is_named(rotated, lost):
    (rotated.dir / lost).unlink()
    with pytest.raises(RecordingError, match=rf"{lost}: is missing; restore it"):
        list(rotated.blocks())


def test_a_rotated_recording_is_recovered_without_its_index(rotated, frame):
    for name in (layout.INDEX, layout.MANIFEST):
        (rotated.dir / name).unlink()
    recording = recover(rotated.dir)
    assert b"".join(data for _, data in recording.raw()) == b"".join(frame(i) for i in range(40))
    assert recording.verify() == replay(recording) == []
    assert recording.meta["recovered"]["unindexed_bytes"] == recording.counts["received_bytes"]


@pytest.mark.parametrize("row", range(1, 39))
def test_a_row_that_is_lost_or_garbled_costs_only_its_own_time(rotated, frame, row):
    path = rotated.dir / layout.INDEX
    lines = path.read_bytes().splitlines(keepends=True)
    garbled = lines[row + 1][:-9] + b"\0\n" if row % 2 else b""
    path.write_bytes(b"".join([*lines[: row + 1], garbled, *lines[row + 2 :]]))
    (rotated.dir / layout.MANIFEST).unlink()
    recording = recover(rotated.dir)
    assert recording.meta["recovered"]["unindexed_bytes"] == len(frame(row))
    assert recording.meta["recovered"]["torn_rows"] == row % 2
    times = {received for received, _ in recording.raw()}
    assert times == {START + i * S for i in range(40) if i != row}
    assert recording.verify() == replay(recording) == []


def test_an_index_that_is_ahead_of_raw_log_is_cut_to_it(tmp_path, capture, frame):
    recording = capture([(i, frame(i)) for i in range(1, 9)])
    raw = (recording.dir / "raw.log").read_bytes()
    (recording.dir / "raw.log").write_bytes(raw[:150] + bytes(50))  # as ext4 may leave it
    (recording.dir / "manifest-sha256.txt").unlink()
    found = recover(recording.dir).meta["recovered"]
    assert found["zero_tail_bytes"] == 50
    assert found["rows_without_bytes"] == 8 - 200 // len(frame(1))
    assert found["vouched"]["changed_before"] == len(raw)


def test_a_reader_goes_on_where_it_was_when_more_has_come(tmp_path, monitor):
    writer = RecordingWriter(tmp_path / "rec", monitor, started_ns=START, fsync=None)
    reader = BlockReader(writer.dir)
    assert reader.take() is None
    taken = []
    for i in range(5):
        writer.write_raw(START + i, bytes([65 + i]) * (i + 1))
        taken.append(reader.take().data)
        assert reader.take() is None
        assert reader.lag() == 0
    assert taken == [b"A", b"BB", b"CCC", b"DDDD", b"EEEEE"]
    reader.finish()
    reader.close()
    writer.close()


def test_half_a_row_is_no_row_yet(tmp_path, monitor):
    writer = RecordingWriter(tmp_path / "rec", monitor, started_ns=START, fsync=None)
    writer.write_raw(START, b"abc")
    index = writer.dir / layout.INDEX
    whole = index.read_bytes()
    reader = BlockReader(writer.dir)
    os.truncate(index, len(whole) - 4)
    assert reader.take() is None
    with pytest.raises(RecordingError, match=r"raw\.index\.csv:2: does not continue raw\.log"):
        reader.finish()
    with index.open("r+b") as file:
        file.write(whole)
    assert reader.take().data == b"abc"
    reader.close()
    writer.close()


@given(st.binary(max_size=80))
def test_a_line_that_is_no_row_never_raises(line):
    assert parse_row(line) is None or line.endswith(b"\n")


def test_rows_are_read_as_they_are_written():
    row = HashRow(START, 82, "ab" * 32)
    assert parse_row(row.encode()) == row
    assert parse_row(b"%d,41,7,,\n" % START) == ReadRow(START, 41, 7, "")
    for line in (b"1,2,0,,\n", b"1,2,3,etc,\n", b"1,2,-3,,\n", b"1,2,3,,ab\n", b"1,2,3\n"):
        assert parse_row(line) is None


def test_the_index_of_an_older_version_is_named_as_such(capture, frame):
    recording = capture([(1, frame(1))])
    (recording.dir / "raw.index.csv").write_text("received_ns,offset,length\n1,0,5\n")
    with pytest.raises(
        RecordingError, match=r"raw\.index\.csv:1: has not the columns received_ns,"
    ):
        list(recording.blocks())


def test_a_large_index_is_cut_into_blocks_as_a_small_one(tmp_path, monitor):
    writer = RecordingWriter(tmp_path / "rec", monitor, started_ns=START, fsync=None)
    lengths = np.random.default_rng(1).integers(1, 60, 20_000).tolist()
    for i, length in enumerate(lengths):
        writer.write_raw(START + i, b"x" * length)
    writer.close()
    blocks = list(Recording.open(writer.dir).blocks(10_000))
    assert [n for block in blocks for n in block.lengths.tolist()] == lengths
    assert [t for block in blocks for t in block.received_ns.tolist()] == list(
        range(START, START + len(lengths))
    )
