"""A pair of pseudo-terminals: a serial wire that exists only in this machine.

Not on Windows; `sensorkit.wire.links` imports this module where it can.
"""

from __future__ import annotations

import contextlib
import fcntl
import os
import select
import struct
import termios
import time
from pathlib import Path

from sensorkit.errors import LinkError, LinkLost
from sensorkit.wire.closing import Closing
from sensorkit.wire.posix import FdLink, make_raw

LOOKS = 20
"""How often a pseudo-terminal is found empty, 5 ms apart, before it is taken to be."""


class PtyPair(Closing):
    """Two ends of a wire that exists only in this machine.

    The emulator writes to `master`; whoever opens `port` reads it. The kernel keeps what nobody
    reads, up to some 13 kB, and then blocks the writer: a pseudo-terminal loses nothing.

    Attributes
    ----------
    port : str
        Path to open: the symbolic link if there is one, else the device.
    device : str
    master : FdLink
    """

    def __init__(self, link: Path | None = None) -> None:
        master, slave = os.openpty()
        try:
            self.device = os.ttyname(slave)
            # The settings stay while the master is open. The slave is closed again: only then
            # can the master see whether somebody else has it open.
            make_raw(slave, 115200)
            os.set_blocking(master, False)
            self._link = None if link is None else _point(link, self.device)
        except BaseException:
            os.close(master)
            raise
        finally:
            os.close(slave)
        self.port = self.device if link is None else str(link)
        self.master = PtyMaster(master, f"pty:{self.port}")

    def has_reader(self) -> bool:
        """Return whether some program has the port open."""
        return self.master.has_reader()

    def drain(self, timeout: float) -> bool:
        """Wait until the reader has taken everything; return whether it has.

        Closing the master throws away what has not been read.
        """
        end = time.monotonic() + timeout
        fd = os.open(self.device, os.O_RDWR | os.O_NOCTTY | os.O_NONBLOCK | os.O_CLOEXEC)
        try:
            empty = 0
            # Bytes on their way from one end to the other are not counted, and a busy kernel
            # takes its time.
            while empty < LOOKS and time.monotonic() < end:
                empty = 0 if _waiting(fd) else empty + 1
                time.sleep(0.005)
            return empty == LOOKS
        finally:
            os.close(fd)

    def close(self) -> None:
        """Close the master and take the symbolic link away."""
        if self._link is not None:
            with contextlib.suppress(OSError):
                if str(self._link.readlink()) == self.device:
                    self._link.unlink()
            self._link = None
        self.master.close()


class PtyMaster(FdLink):
    """The emulator's end; that nobody has opened the other one is no loss but a wait."""

    waits = True

    def read(self, timeout: float) -> bytes | None:
        """Return what has come, b"" if nothing does within *timeout* seconds."""
        try:
            data = super().read(timeout)
        except LinkLost:
            data = None
        if data is None:
            self._at_end = False
            time.sleep(timeout)  # select says "ready" at once while the port is closed
            return b""
        return data

    def has_reader(self) -> bool:
        """Return whether some program has the port open."""
        poll = select.poll()
        poll.register(self.fd, select.POLLHUP)
        return not any(event & select.POLLHUP for _, event in poll.poll(0))


def _waiting(fd: int) -> int:
    answer = fcntl.ioctl(fd, termios.FIONREAD, b"\0" * 4)
    count: int = struct.unpack("i", answer)[0]
    return count


def _point(link: Path, device: str) -> Path:
    """Make *link* point to *device*; replace one that leads nowhere."""
    if link.is_symlink() and (not link.exists() or str(link.readlink()) == device):
        link.unlink()
    try:
        link.symlink_to(device)
    except FileExistsError as error:
        held = f" (it leads to {link.readlink()})" if link.is_symlink() else ""
        raise LinkError(
            f"{link}: is already there{held}; stop what uses it and remove it, or choose another "
            "path"
        ) from error
    except OSError as error:
        raise LinkError(f"{link}: cannot be made: {error.strerror}; choose another path") from error
    return link
