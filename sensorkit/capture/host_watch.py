"""What only the host can see while a capture runs: its clock, the port's driver, the disk."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

from sensorkit.capture import disk
from sensorkit.capture.clock import AnchoredClock
from sensorkit.wire.links import CountsOverruns, Link

CHECK_S = 1.0
"""How often the wall clock, the driver's overrun counter and the files are looked at."""

ROOM_S = 0.1
"""How often the free space is looked at."""


class HostWatch:
    """Looks now and then at what no byte of the device can tell.

    Parameters
    ----------
    clock : callable
        The recorder's; only an `AnchoredClock` can tell of steps.
    folder : Path
        The recording's, for the room on its disk.
    started_ns : int

    Attributes
    ----------
    has_room : bool
        The disk has room for what is still to be written.
    """

    def __init__(self, clock: Callable[[], int], folder: Path, started_ns: int) -> None:
        self.has_room = True
        self._clock = clock
        self._folder = folder
        self._checked = self._room_checked = started_ns
        self._written = 0
        self._overruns = 0

    def is_due(self, now_ns: int) -> bool:
        """Return whether it is time for `events`; so told, once."""
        due = now_ns - self._checked >= CHECK_S * 1e9
        if due:
            self._checked = now_ns
        return due

    def is_room_due(self, now_ns: int) -> bool:
        """Return whether it is time for `look_for_room`; so told, once."""
        due = now_ns - self._room_checked >= ROOM_S * 1e9
        if due:
            self._room_checked = now_ns
        return due

    def events(self, link: Link) -> list[tuple[str, dict[str, Any]]]:
        """Return (kind, details) of what has happened since last asked."""
        found: list[tuple[str, dict[str, Any]]] = []
        if isinstance(self._clock, AnchoredClock) and (step := self._clock.step_s()) is not None:
            found.append(("clock_step", {"step_s": round(step, 6), **self._clock.reading()}))
        total = link.overruns() if isinstance(link, CountsOverruns) else None
        if total is not None and total > self._overruns:
            found.append(("overrun", {"bytes": total - self._overruns}))
            self._overruns = total
        return found

    def reopened(self) -> None:
        """Take note that the driver counts from 0 again."""
        self._overruns = 0

    def look_for_room(self, decoded: int, lag: int) -> None:
        """Look whether the rows of what is on disk, and of what comes until the next look, fit.

        Raises
        ------
        OSError
            If the folder is gone.
        """
        written = decoded + lag
        coming, self._written = written - self._written, written
        free = disk.free_bytes(self._folder)
        self.has_room = self.has_room and free >= disk.needed_bytes(lag, coming)

    def no_room(self) -> str:
        """Return the sentence for a disk that is almost full."""
        free = disk.size_text(disk.free_bytes(self._folder))
        return (
            f"the disk under {self._folder} is almost full: {free} are free, and some are kept to "
            "close the recording; make room"
        )
