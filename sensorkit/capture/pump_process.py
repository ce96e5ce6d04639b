"""The pump as the recorder sees it: a process to start, to give orders, and to hear."""

from __future__ import annotations

import contextlib
import os
import select
import signal
import socket
import subprocess
import sys
from collections.abc import Sequence
from dataclasses import dataclass

from sensorkit.capture import pump
from sensorkit.errors import RunError


@dataclass
class Heard:
    """What the pump has said since it was last asked."""

    idle_ns: int | None = None
    """Until then nothing came that is not in the index."""
    gone: tuple[int, int] | None = None
    """(time, errno) of the port's end."""
    disk: OSError | None = None
    full: bool = False
    """The disk is almost full, and the port is read no more."""
    stopped: bool = False
    died: str | None = None
    """How the process ended, if it was not told to."""


class PumpProcess:
    """Starts a pump; it waits for its orders.

    Start it before the port is opened: then no byte waits for Python.

    Raises
    ------
    RunError
        If the process cannot be started.
    """

    def __init__(self) -> None:
        self._control, theirs = socket.socketpair()
        try:
            self._process = subprocess.Popen(
                [sys.executable, "-I", "-S", pump.__file__, str(theirs.fileno())],
                pass_fds=[theirs.fileno()],
                stdin=subprocess.DEVNULL,
                stdout=subprocess.DEVNULL,
                stderr=subprocess.PIPE,
                # Ctrl+C and a closed terminal are the recorder's to deal with.
                start_new_session=True,
            )
        except OSError as error:
            self._control.close()
            raise RunError(
                f"the process that reads the port cannot be started: {error.strerror}; free some "
                "memory or processes"
            ) from error
        finally:
            theirs.close()
        self._control.setblocking(False)
        self._data = b""
        self._kept = Heard()
        self.failed = False
        self._ended = False

    @property
    def alive(self) -> bool:
        """Return whether it takes orders."""
        return not self._ended

    @property
    def pid(self) -> int:
        """Return the process's id."""
        return self._process.pid

    def write_to(self, orders: str, descriptors: Sequence[int]) -> None:
        """Tell it the files, once it is up."""
        self._order(orders, descriptors)

    def read(self, port: int, *, waits: bool) -> None:
        """Hand the port over."""
        self._order(f"port {'wait' if waits else 'end'}", [port])

    def decoded(self, size: int) -> None:
        """Tell it how much of the stream has been decoded."""
        if not self._ended:
            self._order(f"done {size}", [])

    def hear(self, timeout: float) -> Heard:
        """Return what it says within *timeout* seconds, and what was kept for later."""
        heard, self._kept = self._kept, Heard()
        if heard.gone or heard.disk or heard.died or self._ended:
            timeout = 0
        if not self._ended and select.select([self._control], [], [], timeout)[0]:
            self._receive(heard)
        return heard

    def remember(self, heard: Heard) -> None:
        """Keep what cannot be dealt with yet; the next `hear` says it again."""
        self._kept = heard

    def stop(self) -> None:
        """Tell it to stop, and wait until it has: its files are then at rest."""
        if self._ended:
            return
        self._order("stop", [])
        heard = self._kept
        while not (heard.stopped or self._ended):
            select.select([self._control], [], [])
            self._receive(heard)
        if not self._ended:
            self._end()

    def close(self) -> None:
        """End a pump that was started and is not wanted."""
        if not self._ended:
            self._end()

    def _order(self, text: str, descriptors: Sequence[int]) -> None:
        data = f"{text}\n".encode()
        while data:
            select.select([], [self._control], [])
            try:
                sent = socket.send_fds(self._control, [data], descriptors)
            except (BrokenPipeError, ConnectionResetError):
                return  # `hear` will say that it has died
            data, descriptors = data[sent:], []

    def _receive(self, heard: Heard) -> None:
        try:
            data = self._control.recv(1 << 16)
        except BlockingIOError:
            return
        except ConnectionResetError:
            data = b""
        if not data:
            if not heard.stopped:
                self.failed = True
                heard.died = self._last_words()
            self._end()
            return
        self._data += data
        whole = len(self._data) - len(self._data) % pump.MESSAGE.size
        for kind, time_ns, number in pump.MESSAGE.iter_unpack(self._data[:whole]):
            match kind:
                case pump.IDLE:
                    heard.idle_ns = time_ns
                case pump.GONE:
                    heard.gone = (time_ns, number)
                case pump.DISK:
                    heard.disk = OSError(number, os.strerror(number))
                case pump.ROOM:
                    heard.full = True
                case pump.STOPPED:
                    heard.stopped = True
                case _:
                    pass  # it is up, or the index has grown
        self._data = self._data[whole:]

    def _last_words(self) -> str:
        """Return how the process ended."""
        said = self._process.stderr.read().decode(errors="replace") if self._process.stderr else ""
        status = self._process.wait()
        if status < 0:
            with contextlib.suppress(ValueError):
                return signal.Signals(-status).name
        return said.strip().rpartition("\n")[2] or f"exit status {status}"

    def _end(self) -> None:
        """Let go of the process; closing the socket ends it in any case."""
        self._ended = True
        self._control.close()
        self._process.wait()
        if self._process.stderr is not None:
            self._process.stderr.close()
