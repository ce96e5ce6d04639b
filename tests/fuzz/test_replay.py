"""Whatever came over the wire: `replay` says what the capture said, and the files are safe."""

import itertools
import re
import tempfile
from pathlib import Path

import pytest
from hostile import PROFILES, START, S, at, cut, few, places, steps, streams
from hypothesis import given
from hypothesis import strategies as st

from sensorkit.capture import Recording, RecordingWriter
from sensorkit.capture.recorder import record
from sensorkit.capture.replay import replay
from sensorkit.errors import LinkLost

ODD = re.compile(rb"[^\n\t -~]")


class Wire:
    """Gives each piece at its time, is lost where the piece is None, and goes on in silence."""

    name = "wire"
    mid_stream = False

    def __init__(self, pieces):
        self.pieces = list(pieces)
        self.now = START

    def clock(self):
        return self.now

    def read(self, timeout):
        at, piece = self.pieces[0] if self.pieces else (float("inf"), b"")
        if at > self.now + timeout * S:
            self.now += round(timeout * S)
            return b""
        self.now = max(self.now, at)
        del self.pieces[0]
        if piece is None:
            raise LinkLost("the cable was pulled")
        return piece

    def again(self):
        return self

    def sleep(self, seconds):
        self.now += round(seconds * S)

    def write(self, data):
        return 0

    def close(self):
        pass


@pytest.mark.parametrize("profile", PROFILES.values(), ids=list(PROFILES))
@few
@given(st.data())
def test_replay_rebuilds_every_byte_of_a_hostile_capture(profile, data):
    stream = data.draw(streams(profile))
    pieces = cut(stream, data.draw(places))
    # Shorter steps than elsewhere: while nothing comes the recorder looks five times a second.
    times = at(pieces, [step % (9 * S) for step in data.draw(steps)])
    told = [*zip(times, pieces, strict=True)]
    for place in data.draw(st.lists(st.integers(0, 12), max_size=2)):
        told.insert(min(place, len(told)), (START, None))
    with tempfile.TemporaryDirectory() as folder:
        wire = Wire(told)
        writer = RecordingWriter(
            Path(folder) / "rec", profile, link={"url": "wire"}, started_ns=START, fsync=None
        )
        recorder = record(wire, writer, clock=wire.clock, reopen=wire.again, sleep=wire.sleep)
        for _ in itertools.takewhile(lambda _: wire.pieces, recorder):
            pass
        recorder.close()
        recording = Recording.open(writer.dir)
        assert b"".join(chunk for _, chunk in recording.raw()) == stream
        assert replay(recording) == []
        assert recording.verify() == []
        for name in ("structured_metrics.csv", "parser_errors.log", "events.jsonl"):
            assert not ODD.search((recording.dir / name).read_bytes()), name
