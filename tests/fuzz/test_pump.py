"""Hostile streams through a real terminal and the process that reads it."""

import sys
import threading

import pytest
from hostile import PROFILES, long_stream

from sensorkit.capture import Recording, RecordingWriter
from sensorkit.capture.clock import AnchoredClock
from sensorkit.capture.recorder import record
from sensorkit.capture.replay import replay
from sensorkit.wire.stream import FrameStream

if sys.platform == "win32":
    pytest.skip("no pseudo-terminals on Windows", allow_module_level=True)

from sensorkit.wire.links import open_link, open_pty

pytestmark = pytest.mark.pty
PATIENCE_S = 60


@pytest.mark.parametrize("profile", PROFILES.values(), ids=list(PROFILES))
def test_what_was_sent_is_recorded_and_read_as_if_it_had_come_at_once(profile, tmp_path):
    sent = long_stream(profile, 7, 4000)
    clock = AnchoredClock()
    with open_pty() as pair, open_link(pair.port) as link:
        writer = RecordingWriter(
            tmp_path / "rec", profile, link={"url": pair.port}, started_ns=clock(), fsync=None
        )
        recorder = record(link, writer, clock=clock, max_bytes=len(sent), duration_s=PATIENCE_S)
        sender = threading.Thread(target=send, args=(pair, sent), daemon=True)
        sender.start()
        for _ in recorder:
            pass
        sender.join(PATIENCE_S)
    recording = Recording.open(tmp_path / "rec")
    assert (recording.dir / "raw.log").read_bytes() == sent
    assert recording.verify() == []
    assert replay(recording) == []
    stream = FrameStream(profile)
    stream.joined(mid_stream=True)
    offsets = stream.feed(writer.started_ns, sent).readings.offset
    assert recording.readings().offset.tolist() == offsets.tolist()
    expected = stream.counts.to_dict()
    told = recording.counts
    for name in ("received_bytes", "accepted_bytes", "rejected_bytes", "frames", "rejected"):
        assert told[name] == expected[name], name


def send(pair, data):
    while data:
        data = data[pair.master.write(data[:4096]) :]
