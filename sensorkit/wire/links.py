"""Links by name: serial ports, pseudo-terminals, sockets, files, standard input."""

from __future__ import annotations

import contextlib
import os
import select
import sys
from pathlib import Path
from typing import Any, BinaryIO, Protocol, runtime_checkable

import serial

from sensorkit.errors import LinkError, LinkLost, RunError
from sensorkit.wire import identity, sockets
from sensorkit.wire.closing import Closing

if sys.platform != "win32":
    from sensorkit.wire.posix import FdLink, change_speed, open_port
    from sensorkit.wire.pty import PtyPair
else:
    PtyPair = Any

READ_BYTES = 65536

PTY_FOLDERS = ("/dev/pts/", "/dev/ttys")
"""Where Linux and macOS keep the ends of pseudo-terminals."""

WINDOWS_BUFFER_BYTES = 1 << 20
"""What the driver is asked to hold while we parse: 0.9 s at 12 Mbaud. Its own 4096 bytes are 44 ms
at 921 600 baud."""


class Link(Protocol):
    """Carries bytes. Closing it twice is harmless; it is its own context manager."""

    @property
    def name(self) -> str:
        """What the user calls it."""
        ...

    @property
    def mid_stream(self) -> bool:
        """Whether the first bytes may be the middle of a line: the far end has been talking."""
        ...

    def read(self, timeout: float) -> bytes | None:
        """Return what has come, b"" if nothing does within *timeout* seconds, None at the end.

        The end is that of a file, or of a far end that has closed. A device that vanishes raises
        `LinkLost`.
        """
        ...

    def write(self, data: bytes) -> int:
        """Send what there is room for, waiting at most a tenth of a second; return the count."""
        ...

    def close(self) -> None:
        """Let go of the port."""
        ...


@runtime_checkable
class CountsOverruns(Protocol):
    """A link whose driver knows how many bytes it had to drop."""

    def overruns(self) -> int | None:
        """Return the bytes dropped since the port was opened, None if it cannot say."""
        ...


class StreamLink(Closing):
    """A file, read to its end or written; also standard input and output."""

    mid_stream = False

    def __init__(self, name: str, source: BinaryIO | None, target: BinaryIO | None) -> None:
        self.name = name
        self._source = source
        self._target = target
        # On Windows select is for sockets only; there a read from a pipe waits for its bytes.
        self._selects = source is not None and sys.platform != "win32"

    def read(self, timeout: float) -> bytes | None:
        """Return the next bytes, b"" if none come within *timeout* seconds, None at the end."""
        if self._source is None:
            raise LinkError(f"{self.name}: is open for writing; it cannot be read")
        if self._selects and not select.select([self._source], [], [], timeout)[0]:
            return b""
        return os.read(self._source.fileno(), READ_BYTES) or None

    def write(self, data: bytes) -> int:
        """Write all of *data*."""
        if self._target is None:
            raise LinkError(f"{self.name}: is open for reading; it cannot be written")
        try:
            written = self._target.write(data)
            self._target.flush()
        except BrokenPipeError as error:
            raise LinkLost(f"{self.name}: the reader went away") from error
        except OSError as error:
            raise RunError(
                f"{self.name}: cannot be written: {error.strerror}; make room"
            ) from error
        return written

    def close(self) -> None:
        """Close the file; standard input and output stay open."""
        for stream in (self._source, self._target):
            if stream is not None and stream.fileno() > 2:
                stream.close()


class PyserialLink(Closing):
    """Any port or URL that pyserial opens, COM ports among them."""

    # One place for all that pyserial raises when a device goes: it lets OSError (EIO), and from a
    # closed port TypeError, through beside its own exception.
    _GONE = (serial.SerialException, OSError, TypeError)

    mid_stream = True

    def __init__(self, port: serial.Serial, name: str) -> None:
        self.name = name
        self._port = port

    def read(self, timeout: float) -> bytes | None:
        """Return what has come, b"" if nothing does within *timeout* seconds.

        Raises
        ------
        LinkLost
            If the device has gone.
        """
        port = self._port
        try:
            # `read(n)` would throw away what it holds if the device went before n bytes came:
            # never ask for more than is there.
            port.timeout = timeout
            first: bytes = port.read(1)
            if not first:
                return b""
            waiting = port.in_waiting
        except self._GONE as error:
            raise LinkLost(f"{self.name}: the device went away: {error}") from error
        if not waiting:
            return first
        with contextlib.suppress(*self._GONE):  # the next read will say it
            port.timeout = 0
            first += port.read(waiting)
        return first

    def write(self, data: bytes) -> int:
        """Send *data*; return how many bytes were taken."""
        try:
            return self._port.write(data) or 0
        except serial.SerialTimeoutException:
            return 0
        except self._GONE as error:
            raise LinkLost(f"{self.name}: the device went away: {error}") from error

    def set_baud(self, baud: int) -> None:
        """Change the speed; what came at the old one is thrown away."""
        try:
            self._port.baudrate = baud
            self._port.reset_input_buffer()
        except ValueError as error:
            raise LinkError(f"{self.name}: {baud} baud is not known to this system") from error
        except self._GONE as error:
            raise LinkLost(f"{self.name}: the device went away: {error}") from error

    def close(self) -> None:
        """Close the port."""
        self._port.close()


def set_baud(link: Link, baud: int) -> None:
    """Change the speed of an open port; what came at the old one is thrown away.

    Closing and opening it instead would reset a board that listens to DTR, each time.
    """
    if isinstance(link, PyserialLink):
        link.set_baud(baud)
    elif sys.platform != "win32" and isinstance(link, FdLink):
        change_speed(link.fileno(), baud)
    else:
        raise LinkError(f"{link.name}: has no baud rate to change; leave --baud and --probe out")


def open_link(
    url: str, *, baud: int = 115200, exclusive: bool = True, writing: bool = False
) -> Link:
    """Open a link by its name.

    Parameters
    ----------
    url : str
        A device path or COM name; `pty:` or `pty:PATH` (a new pseudo-terminal, for another
        program to write to); `file:PATH`; `-` (standard input or output); `socket://HOST:PORT`;
        `listen://HOST:PORT`; or any other URL of pyserial (`loop://`, `rfc2217://`, `spy://`).
    baud : int
        Speed of a serial port; the others have none.
    exclusive : bool
        Refuse a port that another program has locked.
    writing : bool
        For `file:` and `-`: write it. A file that exists is not overwritten.

    Raises
    ------
    LinkError
        If it cannot be opened; the message says what to do.
    """
    if not url:
        raise LinkError("no link is named; `sensorkit ports` lists the serial ports")
    if url == "-":
        if writing:
            return StreamLink("-", None, sys.stdout.buffer)
        return StreamLink("-", sys.stdin.buffer, None)
    if url.startswith("file:"):
        return _open_file(url, writing=writing)
    if url.startswith("socket://"):
        return sockets.connect(url)
    if url.startswith("listen://"):
        return sockets.listen(url)
    if url.startswith("pty:"):
        return PtyLink(open_pty(Path(url[4:]) if url[4:] else None))
    if "://" in url:
        return _open_pyserial(url, baud=baud, exclusive=exclusive)
    if sys.platform == "win32":
        return _open_pyserial(url, baud=baud, exclusive=exclusive)
    return open_port(url, baud=baud, exclusive=exclusive)


def open_pty(link: Path | None = None) -> PtyPair:
    """Return a new pair of pseudo-terminals, raw at both ends.

    Parameters
    ----------
    link : Path, optional
        Symbolic link to the end that a reader opens, for a name that stays.

    Raises
    ------
    LinkError
        On Windows, which has none, or if *link* is taken.
    """
    if sys.platform == "win32":
        raise LinkError(
            "pty: there are no pseudo-terminals on Windows; use listen://127.0.0.1:0 at one end "
            "and socket://127.0.0.1:PORT at the other"
        )
    return PtyPair(link)


def ports() -> list[identity.Port]:
    """Return the serial ports of this machine, by name."""
    return identity.HERE.ports()


def has_baud(url: str) -> bool:
    """Return whether *url* is a port with a speed: no file, socket or pseudo-terminal."""
    url = url.removeprefix("spy://")  # listens in on the port behind it
    if url == "-" or url.startswith(("file:", "pty:", "socket:", "listen:", "loop:")):
        return False
    return not os.path.realpath(url).startswith(PTY_FOLDERS)


class PtyLink(Closing):
    """`pty:` - this end of a pair whose other end some program will open and write to."""

    mid_stream = True
    waits = True

    def __init__(self, pair: PtyPair) -> None:
        self.pair = pair
        self.name = f"pty:{pair.port}"

    def read(self, timeout: float) -> bytes | None:
        """Return what has come, b"" if nothing does within *timeout* seconds."""
        return self.pair.master.read(timeout)

    def write(self, data: bytes) -> int:
        """Send what there is room for; return how many bytes that was."""
        return self.pair.master.write(data)

    def fileno(self) -> int:
        """Return the descriptor of this end."""
        return self.pair.master.fd

    def gone(self, error: int) -> LinkLost | None:
        """Return what it means that a read met *error*; see `FdLink.gone`."""
        return self.pair.master.gone(error)

    def has_reader(self) -> bool:
        """Return whether some program has the other end open."""
        return self.pair.has_reader()

    def close(self) -> None:
        """Close the pair."""
        self.pair.close()


def _open_file(url: str, *, writing: bool) -> StreamLink:
    path = Path(url[5:])
    try:
        if writing:
            return StreamLink(url, None, path.open("xb", buffering=0))
        return StreamLink(url, path.open("rb", buffering=0), None)
    except FileExistsError as error:
        raise LinkError(f"{url}: is already there; choose another name") from error
    except OSError as error:
        raise LinkError(f"{url}: cannot be opened: {error.strerror}; check the path") from error


def _open_pyserial(url: str, *, baud: int, exclusive: bool) -> PyserialLink:
    try:
        port = serial.serial_for_url(url, do_not_open=True, timeout=0, write_timeout=0.1)
        port.baudrate = baud
        if "://" not in url:
            port.exclusive = exclusive or None
        port.open()
        if hasattr(port, "set_buffer_size"):  # Windows, where we have no process that only reads
            port.set_buffer_size(rx_size=WINDOWS_BUFFER_BYTES)
    except (serial.SerialException, ValueError, OSError) as error:
        raise LinkError(_why_not_open(url, error)) from error
    return PyserialLink(port, url)


def _why_not_open(url: str, error: Exception) -> str:
    text = str(error)
    if "PermissionError" in text or "Access is denied" in text:
        return f"{url}: is in use by another program, or not yours to open; close what uses it"
    if "FileNotFoundError" in text:
        return (
            f"{url}: there is no such port; plug the device in, or choose one that "
            "`sensorkit ports` lists"
        )
    return f"{url}: cannot be opened: {text}; see `sensorkit capture --help` for what a LINK is"
