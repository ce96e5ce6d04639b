"""Captures that start at once: a process that has imported everything, and forks one for each line.

A line of standard input is JSON: port, out, fsync, rotate. The answer is the process id.
"""

import json
import os
import signal
import sys

from sensorkit.capture.clock import AnchoredClock
from sensorkit.capture.pump_process import PumpProcess
from sensorkit.capture.raw_log import Rotate
from sensorkit.capture.recorder import record
from sensorkit.capture.writer import RecordingWriter
from sensorkit.errors import LinkLost
from sensorkit.profile import Profile
from sensorkit.wire.links import open_link
from sensorkit.wire.stream import FrameStream

PROFILE = Profile.load("serial_monitor")


def capture(port, out, fsync, rotate):
    clock, pump = AnchoredClock(), PumpProcess()
    link = open_link(port)
    writer = RecordingWriter(
        out,
        PROFILE,
        link={"url": port},
        started_ns=clock(),
        fsync=fsync,
        rotate=rotate and Rotate(*rotate),
    )
    try:
        for _ in record(link, writer, clock=clock, pump=pump):
            pass
    except LinkLost:
        sys.exit(1)


def main():
    # What the first frames compile or load is here before any capture is.
    FrameStream(PROFILE).feed(0, b"T:21.5,V:5.0,S:NORMAL\nT:21.5\n")
    signal.signal(signal.SIGCHLD, signal.SIG_IGN)  # nobody waits for the dead
    for line in sys.stdin:
        pid = os.fork()
        if pid == 0:
            signal.signal(signal.SIGCHLD, signal.SIG_DFL)
            capture(**json.loads(line))
            os._exit(0)
        sys.stdout.write(f"{pid}\n")
        sys.stdout.flush()


if __name__ == "__main__":
    main()
