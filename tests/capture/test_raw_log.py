"""raw.log and its index: what the thread that vouches for them must not do in silence."""

import os
import threading

import pytest

from sensorkit.capture import RecordingWriter, layout, raw_log
from sensorkit.capture.blocks import HashRow, ReadRow
from sensorkit.capture.raw_log import RawLog
from sensorkit.capture.vouched import index_rows, vouched
from sensorkit.errors import RunError

START = 1_700_000_000_000_000_000
PATIENCE_S = 10


@pytest.fixture
def raw(tmp_path):
    """One read, and a background that is not due for an hour."""
    files = RawLog(tmp_path, fsync=3600)
    files.write(START, b"noise\n")
    yield files
    files.close(START)


def append(files, data):
    with (files.folder / layout.INDEX).open("ab") as index:
        index.write(data)


def kinds(files):
    return [type(row) for row in index_rows(files.folder / layout.INDEX)]


@pytest.mark.parametrize("error", [ValueError("a bug"), MemoryError(), OSError(5, "EIO")])
def test_whatever_ends_the_vouching_is_said_in_one_sentence(tmp_path, monitor, monkeypatch, error):
    def fail(*_args, **_options):
        raise error

    monkeypatch.setattr(raw_log._Vouching, "note", fail)
    writer = RecordingWriter(tmp_path / "rec", monitor, fsync=0.001)
    writer.raw._thread.join(PATIENCE_S)
    with pytest.raises(RunError) as caught:
        writer.check()
    said = str(caught.value)
    assert "EIO" in said or f"fsync and hashing have stopped: {error!r}" in said
    assert "sensorkit recover" in said
    assert "\n" not in said
    assert writer.closed


def test_no_hash_is_noted_behind_a_torn_row(raw):
    append(raw, b"17000")
    raw._vouching.note(START)
    assert kinds(raw) == [ReadRow, type(None)]
    raw.resume(covered=6, torn=5, now_ns=START)
    raw._vouching.note(START)
    assert kinds(raw) == [ReadRow, HashRow]
    assert vouched(raw.folder).up_to == 6


def test_a_hash_waits_until_the_torn_row_is_cut_off(raw, monkeypatch):
    append(raw, b"17000")
    real = os.ftruncate
    noting = threading.Thread(target=raw._vouching.note, args=(START,))

    def cut(fd, size):
        noting.start()
        noting.join(0.1)
        assert noting.is_alive()
        real(fd, size)

    monkeypatch.setattr(raw_log.os, "ftruncate", cut)
    raw.resume(covered=6, torn=5, now_ns=START)
    noting.join(PATIENCE_S)
    assert kinds(raw) == [ReadRow, HashRow]
