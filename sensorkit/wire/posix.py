"""Serial ports of POSIX systems: opened raw, read by one `os.read` a wake-up.

Nothing here exists on Windows; `sensorkit.wire.links` imports this module where it can.
"""

from __future__ import annotations

import array
import errno
import fcntl
import os
import select
import sys
import termios
import time
from typing import Any

import serial

from sensorkit.errors import LinkError, LinkLost
from sensorkit.wire.closing import Closing
from sensorkit.wire.holders import holders, named, permission_advice

READ_BYTES = 65536
"""Asked for in one read. A terminal hands out at most 4095 at once."""

WRITE_S = 0.1
"""Longest wait for room to write."""

# What a read or write says when the far end is gone: a pty whose master has closed says EIO, an
# unplugged adapter ENXIO or ENODEV.
GONE = frozenset({errno.EIO, errno.ENXIO, errno.ENODEV, errno.EPIPE, errno.ECONNRESET})

_TIOCGICOUNT = 0x545D  # Linux, asm-generic/ioctls.h; serial_icounter_struct is 20 ints


class FdLink(Closing):
    """A link over a file descriptor: one `os.read` a wake-up, never more than is there.

    Parameters
    ----------
    fd : int
        Open and non-blocking; the link closes it.
    name : str
    ends : bool
        Whether the far end's going is the end (a pseudo-terminal, a pipe) or a loss (a device).
    mid_stream : bool
        Whether the first bytes may be the middle of a line: a terminal's far end is at it already.

    Attributes
    ----------
    waits : bool
        A far end that goes is waited for.
    """

    waits = False

    def __init__(self, fd: int, name: str, *, ends: bool = False, mid_stream: bool = True) -> None:
        self.fd = fd
        self.name = name
        self.mid_stream = mid_stream
        self._ends = ends
        self._at_end = False

    def read(self, timeout: float) -> bytes | None:
        """Return what has come, b"" if nothing does within *timeout* seconds, None at the end.

        Raises
        ------
        LinkLost
            If the device has gone.
        """
        if self._at_end:
            return None
        if not _events(self.fd, select.POLLIN, timeout):
            return b""
        try:
            data = os.read(self.fd, READ_BYTES)
        except BlockingIOError:
            return b""
        except OSError as error:
            if error.errno not in GONE:
                raise
            data = b""
        if data:
            return data
        self._at_end = True
        loss = self.gone(0)
        if loss is not None:
            raise loss
        return None

    def fileno(self) -> int:
        """Return the descriptor."""
        return self.fd

    def gone(self, error: int) -> LinkLost | None:
        """Return what it means that a read met *error* (an errno, 0: it brought nothing).

        None where that is the orderly end.
        """
        if self._ends and (error == 0 or error in GONE):
            return None
        why = "" if error == 0 or error in GONE else f" ({os.strerror(error)})"
        return LinkLost(f"{self.name}: the device went away{why}; check the cable and its power")

    def write(self, data: bytes) -> int:
        """Send what there is room for within `WRITE_S` seconds; return how many bytes that was.

        Raises
        ------
        LinkLost
            If the far end has gone.
        """
        events = _events(self.fd, select.POLLOUT, WRITE_S)
        if events == select.POLLHUP:  # nobody has the far end open, and there is no room yet
            time.sleep(WRITE_S)
            events = _events(self.fd, select.POLLOUT, 0)
        if not events & ~select.POLLHUP:
            return 0
        try:
            return os.write(self.fd, data)
        except BlockingIOError:
            return 0
        except OSError as error:
            if error.errno not in GONE:
                raise
            raise LinkLost(f"{self.name}: the far end went away") from error

    def overruns(self) -> int | None:
        """Return how many bytes the port has dropped since it was opened, None if it cannot say."""
        if sys.platform != "linux" or self.fd < 0:
            return None
        counters = array.array("i", [0] * 20)
        try:
            fcntl.ioctl(self.fd, _TIOCGICOUNT, counters)
        except OSError:
            return None
        return counters[7] + counters[10]  # overrun and buf_overrun

    def close(self) -> None:
        """Close the descriptor."""
        if self.fd >= 0:
            os.close(self.fd)
            self.fd = -1


def _events(fd: int, wanted: int, timeout: float) -> int:
    """Return what `poll` says of *fd* within *timeout* seconds, 0 if nothing.

    `select` knows no descriptor above 1023.
    """
    poll = select.poll()
    poll.register(fd, wanted)
    found = poll.poll(timeout * 1000)
    return found[0][1] if found else 0


def open_port(path: str, *, baud: int, exclusive: bool) -> FdLink:
    """Open a terminal device raw, without making it the controlling terminal.

    What has already arrived is kept: unlike pyserial, this does not flush the input.

    Raises
    ------
    LinkError
        If it is missing, may not be opened, is in use, or is no terminal.
    """
    try:
        fd = os.open(path, os.O_RDWR | os.O_NOCTTY | os.O_NONBLOCK | os.O_CLOEXEC)
    except OSError as error:
        raise LinkError(_why_not_open(path, error)) from error
    try:
        if exclusive:
            _lock(fd, path)
        try:
            make_raw(fd, baud)
        except termios.error as error:
            raise LinkError(
                f"{path}: is no serial port; give a device such as /dev/ttyUSB0, or file:{path} "
                "to read a file"
            ) from error
        # The far end of a pty may close when it has said all; a device may not.
        ends = os.path.realpath(path).startswith(("/dev/pts/", "/dev/ttys"))
        return FdLink(fd, path, ends=ends)
    except BaseException:
        os.close(fd)
        raise


def _why_not_open(path: str, error: OSError) -> str:
    match error.errno:
        case errno.ENOENT:
            return (
                f"{path}: there is no such port; plug the device in, or choose one that "
                "`sensorkit ports` lists"
            )
        case errno.EACCES | errno.EPERM:
            return permission_advice(path) or (
                f"{path}: no permission to open it; add yourself to its group with "
                "`sudo usermod -aG dialout $USER` (uucp on Arch) and log in again"
            )
        case errno.EBUSY:
            return _in_use(path)
        case errno.EISDIR | errno.ENOTDIR:
            return f"{path}: is no serial port but a folder; give a device such as /dev/ttyUSB0"
        case _:
            return f"{path}: cannot be opened: {error.strerror}; see `sensorkit ports`"


def _lock(fd: int, path: str) -> None:
    # Two readers on one port each get half of the bytes. pyserial, tio and minicom take the same
    # lock; TIOCEXCL would outlive a killed process on a pseudo-terminal.
    try:
        fcntl.flock(fd, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError as error:
        raise LinkError(_in_use(path)) from error
    except OSError:  # a file system without locks
        return


def _in_use(path: str) -> str:
    found = holders(path)
    if found:
        return f"{path}: is in use by {named(found)}; close it"
    return f"{path}: is in use by another program; close it (`sudo fuser -v {path}` names it)"


def make_raw(fd: int, baud: int) -> None:
    """Set *fd* to raw bytes, 8N1, no flow control, and check that it took it."""
    iflag, oflag, cflag, lflag, ispeed, ospeed, characters = termios.tcgetattr(fd)
    iflag = 0
    oflag &= ~termios.OPOST
    lflag = 0
    cflag &= ~(termios.CSIZE | termios.PARENB | termios.CSTOPB | getattr(termios, "CRTSCTS", 0))
    cflag |= termios.CS8 | termios.CREAD | termios.CLOCAL
    speed = getattr(termios, f"B{baud}", None)
    if speed is not None:
        ispeed = ospeed = speed
    characters = list(characters)
    characters[termios.VMIN], characters[termios.VTIME] = 1, 0
    settings = [iflag, oflag, cflag, lflag, ispeed, ospeed, characters]
    termios.tcsetattr(fd, termios.TCSANOW, settings)
    if speed is None:
        _set_odd_speed(fd, baud)


def change_speed(fd: int, baud: int) -> None:
    """Set *fd* to another speed; what came at the old one is thrown away."""
    make_raw(fd, baud)
    termios.tcflush(fd, termios.TCIFLUSH)


def _set_odd_speed(fd: int, baud: int) -> None:
    """Set a speed that has no constant, the way pyserial knows for each system."""
    port: Any = serial.Serial()  # what is set here is not part of its interface
    port.fd = fd
    try:
        port._set_special_baudrate(baud)
    except (AttributeError, ValueError, NotImplementedError) as error:
        raise LinkError(
            f"{baud} baud is not known to this system; 9600 or 115200 are usual"
        ) from error
    finally:
        port.fd = None
