"""Links over TCP: the way where there is no pseudo-terminal, and to a port on another machine."""

from __future__ import annotations

import contextlib
import os
import select
import socket
from urllib.parse import urlsplit

from sensorkit.errors import LinkError, LinkLost
from sensorkit.wire.closing import Closing

READ_BYTES = 65536
CONNECT_TIMEOUT_S = 5.0


class SocketLink(Closing):
    """A TCP connection.

    pyserial's `socket://` says that one byte is waiting whenever any is, so a loop over
    `in_waiting` reads byte by byte; this one reads what is there.
    """

    waits = False
    mid_stream = False

    def __init__(self, connection: socket.socket, name: str) -> None:
        self.name = name
        self._socket = connection
        connection.setblocking(False)
        # A frame is sent when it is written, not when the next one fills the packet.
        connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)

    def read(self, timeout: float) -> bytes | None:
        """Return what has come, b"" if nothing does within *timeout* seconds, None at the end.

        Raises
        ------
        LinkLost
            If the connection broke.
        """
        if not select.select([self._socket], [], [], timeout)[0]:
            return b""
        try:
            return self._socket.recv(READ_BYTES) or None
        except BlockingIOError:
            return b""
        except OSError as error:
            raise self._broken(error.errno or 0) from error

    def fileno(self) -> int:
        """Return the descriptor."""
        return self._socket.fileno()

    def gone(self, error: int) -> LinkLost | None:
        """Return what it means that a read met *error* (an errno, 0: it brought nothing).

        None where that is the orderly end.
        """
        return None if error == 0 else self._broken(error)

    def _broken(self, error: int) -> LinkLost:
        return LinkLost(f"{self.name}: the connection broke: {os.strerror(error)}")

    def write(self, data: bytes) -> int:
        """Send what there is room for within a tenth of a second; return how many bytes that was.

        Raises
        ------
        LinkLost
            If the far end has gone.
        """
        if not select.select([], [self._socket], [], 0.1)[1]:
            return 0
        try:
            return self._socket.send(data)
        except BlockingIOError:
            return 0
        except OSError as error:
            raise LinkLost(f"{self.name}: the far end went away") from error

    def close(self) -> None:
        """Close the connection, having sent everything."""
        with contextlib.suppress(OSError):
            self._socket.shutdown(socket.SHUT_RDWR)
        self._socket.close()


class ListenLink(Closing):
    """The serving end of a TCP link, for one reader at a time.

    Attributes
    ----------
    name : str
        URL to open at the other end: `socket://127.0.0.1:41234`.
    """

    mid_stream = False

    def __init__(self, server: socket.socket) -> None:
        host, port = server.getsockname()[:2]
        self.name = f"socket://{host}:{port}"
        self._server = server
        self._client: SocketLink | None = None

    def has_reader(self) -> bool:
        """Return whether somebody has connected."""
        return self._accept(0)

    def read(self, timeout: float) -> bytes | None:
        """Return what has come from the reader, b"" if nothing does within *timeout* seconds."""
        if not self._accept(timeout) or self._client is None:
            return b""
        try:
            data = self._client.read(timeout)
        except LinkLost:
            data = None
        if data is None:
            self._hang_up()
            return b""
        return data

    def write(self, data: bytes) -> int:
        """Send what there is room for; return how many bytes that was, 0 without a reader.

        Raises
        ------
        LinkLost
            If the reader has gone; the next one may connect.
        """
        if not self._accept(0.1) or self._client is None:
            return 0
        try:
            return self._client.write(data)
        except LinkLost:
            self._hang_up()
            raise

    def close(self) -> None:
        """Hang up and stop listening."""
        self._hang_up()
        self._server.close()

    def _accept(self, timeout: float) -> bool:
        if self._client is None and select.select([self._server], [], [], timeout)[0]:
            connection, _ = self._server.accept()
            self._client = SocketLink(connection, self.name)
        return self._client is not None

    def _hang_up(self) -> None:
        if self._client is not None:
            self._client.close()
            self._client = None


def connect(url: str) -> SocketLink:
    """Open `socket://HOST:PORT`.

    Raises
    ------
    LinkError
        If the URL has no host and port, or nobody listens there.
    """
    address = _address(url)
    try:
        return SocketLink(socket.create_connection(address, CONNECT_TIMEOUT_S), url)
    except OSError as error:
        raise LinkError(
            f"{url}: nobody answers there ({error.strerror or error}); start the sending end "
            "first, or check host and port"
        ) from error


def listen(url: str) -> ListenLink:
    """Open `listen://HOST:PORT` for a reader to connect to; port 0 takes a free one.

    Raises
    ------
    LinkError
        If the URL has no host and port, or the port is taken.
    """
    host, port = _address(url)
    try:
        return ListenLink(socket.create_server((host, port), backlog=1))
    except OSError as error:
        raise LinkError(
            f"{url}: cannot listen there ({error.strerror or error}); choose another port, 0 "
            "takes a free one"
        ) from error


def _address(url: str) -> tuple[str, int]:
    host, port = None, None
    try:
        parts = urlsplit(url)
        host, told = parts.hostname, parts.netloc.rpartition(":")[2]
        lowest = 0 if parts.scheme == "listen" else 1
        if host is not None and told.isdecimal() and not lowest <= int(told) <= 65535:
            raise LinkError(
                f"{url}: the port {told} is out of range; one from {lowest} to 65535 is wanted"
            )
        port = parts.port
    except ValueError:
        pass
    if host is None or port is None:
        raise LinkError(f"{url}: has no host and port; {url.split(':')[0]}://127.0.0.1:5000 has")
    return host, port
