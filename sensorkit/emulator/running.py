"""An emulated device at work in a thread of its own: started once, waited for, stopped."""

from __future__ import annotations

import threading
import time
import weakref
from abc import ABC, abstractmethod
from collections.abc import Callable
from types import TracebackType
from typing import Self

from sensorkit.emulator.frames import Served
from sensorkit.emulator.planning import readings_in
from sensorkit.errors import UsageError
from sensorkit.wire.closing import Closing
from sensorkit.wire.links import Link

LAST_WORDS_S = 2.0
"""How long the end of the program waits for it."""


class Nowhere(Closing):
    """A link that nobody is at the other end of, and that takes all."""

    name = "nowhere"
    mid_stream = False

    def read(self, timeout: float) -> bytes:  # noqa: ARG002 - nothing ever comes
        """Return nothing."""
        return b""

    def write(self, data: bytes) -> int:
        """Take *data*."""
        return len(data)

    def close(self) -> None:
        """There is nothing to close."""


class Startable(ABC):
    """What can be served on a link, and so in a thread of its own: started, waited for, stopped.

    The thread ends with the program and never holds it up.

    Parameters
    ----------
    name : str
        As in an error.
    """

    def __init__(self, name: str) -> None:
        self._name = name
        self._stop = threading.Event()
        self._thread: threading.Thread | None = None
        self._served: Served | None = None
        self._error: BaseException | None = None

    @abstractmethod
    def check_link(self, link: Link) -> None:
        """Raise if it cannot be served on *link*."""

    @abstractmethod
    def serve(
        self,
        link: Link,
        *,
        speed: float | None,
        duration_s: float | None,
        stop: Callable[[], bool],
        sleep: Callable[[float], object],
        wall_clock: Callable[[], int] | None,
    ) -> Served:
        """Send until *duration_s* is over or *stop* says so."""

    def start(
        self,
        duration_s: float | None = None,
        *,
        speed: float | None = 1.0,
        link: Link | None = None,
    ) -> None:
        """Run in a thread of its own, and return at once.

        Parameters
        ----------
        duration_s : float, optional
            Seconds of the device's time; it runs until `stop` where not given.
        speed : float, optional
            How many times faster than the device; None: as fast as it can.
        link : Link, optional
            Where the frames go; nowhere if not given, then only listeners hear of it.

        Raises
        ------
        UsageError
            If it has been started before, or cannot be served on *link*.
        """
        target: Link = Nowhere() if link is None else link
        self.check_link(target)
        readings_in(duration_s, 1.0)
        if self._thread is not None:
            how = "is running" if self._thread.is_alive() else "has run"
            raise UsageError(
                f"the emulator of {self._name} {how} already, and starts once; make another one"
            )

        def run() -> None:
            try:
                self._served = self.serve(
                    target,
                    speed=speed,
                    duration_s=duration_s,
                    stop=self._stop.is_set,
                    sleep=self._stop.wait,
                    wall_clock=time.time_ns,
                )
            except BaseException as error:
                self._error = error

        self._thread = threading.Thread(target=run, name=f"emulator of {self._name}", daemon=True)
        # At the end of the program daemon threads are cut off in the middle of whatever they do.
        weakref.finalize(self, _end, self._stop, self._thread)
        self._thread.start()

    def wait(self, timeout_s: float | None = None) -> Served | None:
        """Wait for the end of what `start` began.

        Returns
        -------
        Served or None
            What was sent; None if it goes on after *timeout_s*.

        Raises
        ------
        UsageError
            If it has not been started.
        RunError
            If a listener has raised, or the link was lost; once.
        """
        if self._thread is None:
            raise UsageError(
                f"the emulator of {self._name} has not been started; call start() first"
            )
        if self._thread is not threading.current_thread():
            self._thread.join(timeout_s)
        error, self._error = self._error, None
        if error is not None:
            raise error
        return self._served

    def stop(self) -> Served | None:
        """Stop what `start` began, wait for its end, and return as `wait` does.

        The frame that is being sent is finished. Does nothing if it was never started.
        """
        self._stop.set()
        return None if self._thread is None else self.wait()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        try:
            self.stop()
        except Exception:
            if error is None:
                raise


def _end(stop: threading.Event, thread: threading.Thread) -> None:
    stop.set()
    if thread.is_alive() and thread is not threading.current_thread():
        thread.join(LAST_WORDS_S)
