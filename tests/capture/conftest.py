"""A wire made of a list, with a clock that only it moves: no port, no thread, no sleep."""

import pytest

from sensorkit.capture import Recording, RecordingWriter
from sensorkit.capture.recorder import record
from sensorkit.profile import Profile
from sensorkit.wire.codec import make_codec

S = 1_000_000_000
START = 1_700_000_000 * S


class ListLink:
    """Gives each piece at its second; an exception in place of bytes is raised, None is the end.

    Without a last None or exception it goes on in silence.
    """

    name = "list"

    def __init__(self, pieces):
        self.pieces = [(START + round(at * S), piece) for at, piece in pieces]
        self.now = START
        self.closed = False

    def clock(self):
        return self.now

    def read(self, timeout):
        at = self.pieces[0][0] if self.pieces else float("inf")
        if at > self.now + timeout * S:
            self.now += round(timeout * S)
            return b""
        self.now = max(self.now, at)
        _, piece = self.pieces.pop(0)
        if isinstance(piece, BaseException):
            raise piece
        return piece

    def write(self, data):
        return 0

    def close(self):
        self.closed = True


@pytest.fixture
def monitor():
    return Profile.load("serial_monitor")


@pytest.fixture
def frame(monitor):
    """Make one line of the serial monitor."""
    codec = make_codec(monitor)

    def make(i, *, temperature="21.50", status="NORMAL", uptime=True):
        text = f"{i}.000" if uptime else None
        line = codec.encode([temperature, "5.01"], status=status, sequence=i, uptime=text)
        return line + b"\r\n"

    return make


@pytest.fixture
def list_link():
    return ListLink


@pytest.fixture
def capture(tmp_path, monitor):
    """Record pieces of (second, bytes) to the end; return the recording."""

    def run(pieces, *, name="rec", profile=monitor, ends=True, **options):
        link = ListLink([*pieces, (pieces[-1][0] if pieces else 0, None)] if ends else pieces)
        writer = RecordingWriter(
            tmp_path / name, profile, link={"url": "list", "baud": 1}, started_ns=START, fsync=None
        )
        for _ in record(link, writer, clock=link.clock, **options):
            pass
        return Recording.open(writer.dir)

    return run
