"""Emulated devices, heard as a recorder hears them."""

import pytest

from sensorkit.readings import Readings
from sensorkit.wire.stream import FrameStream


@pytest.fixture(scope="session")
def listen():
    """Make a function that gives the readings of the next frames, the counts and the rejections.

    The first frame anchors the clock of the device; all others come in one read.
    """

    def heard(emulator, frames, stream=None):
        stream = stream or FrameStream(emulator.profile, started_ns=emulator.start_ns)
        parts, batches = [], []
        for frame in emulator.frames(frames):
            parts.append(frame)
            if len(parts) == 1:
                at = emulator.start_ns + round(frame.at_s * 1e9)
                batches.append(stream.feed(at, frame.data))
        at = emulator.start_ns + round(parts[-1].at_s * 1e9)
        batches.append(stream.feed(at, b"".join(frame.data for frame in parts[1:])))
        readings = Readings.concat([batch.readings for batch in batches])
        return readings, stream.counts, [one for batch in batches for one in batch.rejections]

    return heard
