"""The wire: a pseudo-terminal, and processes that write to it, with a will to wait or without."""

import fcntl
import os
import struct
import termios
import time
import tty
from multiprocessing import get_context

import numpy as np

FORK = get_context("fork")
CATCH_UP = 4096
"""Bytes at once of a writer that is late. More would not fit into a terminal, and a loss would be
the writer's."""


class Wire:
    """A pseudo-terminal in raw mode. Both ends stay open: nothing hangs up, nothing is thrown away.

    Attributes
    ----------
    port : str
        What a reader opens.
    """

    def __init__(self):
        self.master, self.slave = os.openpty()
        tty.setraw(self.slave)
        self.port = os.ttyname(self.slave)

    def waiting(self):
        """Return the bytes that nobody has read yet (4095 at most are told)."""
        return struct.unpack("i", fcntl.ioctl(self.slave, termios.FIONREAD, b"\0" * 4))[0]

    def send(self, data):
        """Write all of *data*; a terminal that is full makes us wait."""
        view = memoryview(data)
        while view:
            view = view[os.write(self.master, view[:65536]) :]

    def close(self):
        os.close(self.slave)
        os.close(self.master)

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.close()


def pin(cores):
    """Keep this process, and what it will start, on *cores*; None: on all."""
    if cores is not None:
        os.sched_setaffinity(0, cores)


def blast(wire, data, cores=None):
    """Start a process that writes *data* as fast as it is taken; bytes or an iterator of bytes."""

    def run():
        pin(cores)
        for block in [data] if isinstance(data, bytes) else data:
            wire.send(block)

    return started(run)


def paced(wire, data, size, per_second, path, *, tick_s=0.001, cores=None):
    """Start a process that writes as a UART does: at its rate, dropping what does not fit.

    Parameters
    ----------
    size : int
        Bytes of a frame.
    path : Path
        Of an .npz that the process leaves: `times`, the nanoseconds (monotonic) at which each frame
        was written, `dropped` bytes, and by how much the writer itself was `late` at most.
    """
    n = len(data) // size

    def run():
        pin(cores)
        os.set_blocking(wire.master, False)
        times = np.zeros(n, np.int64)
        dropped = late = done = 0
        view = memoryview(data)
        start = time.monotonic_ns() + 2_000_000
        while done < n:
            due = min(int((time.monotonic_ns() - start) / 1e9 * per_second), n)
            if due <= done:
                time.sleep(tick_s)
                continue
            to = min(due, done + max(CATCH_UP // size, 1))
            late = max(late, time.monotonic_ns() - start - int(1e9 * done / per_second))
            try:
                taken = os.write(wire.master, view[done * size : to * size])
            except BlockingIOError:
                taken = 0
            times[done:to] = time.monotonic_ns()
            dropped += (to - done) * size - taken
            done = to
            time.sleep(tick_s if to == due else 0.0001)
        np.savez(path, times=times, dropped=dropped, late=late)

    return started(run)


def busy(cores):
    """Start a process that takes all of *cores* it can get."""

    def run():
        pin(cores)
        while True:
            pass

    return started(run)


def started(run):
    process = FORK.Process(target=run, daemon=True)
    process.start()
    return process
