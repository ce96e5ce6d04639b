"""The recorder's clock: right at the start, and never going back."""

from __future__ import annotations

import time
from collections.abc import Callable

STEP_S = 0.5
"""A wall clock that moves by more than this against the monotonic one was set; NTP slews less."""


def monotonic_ns() -> int:
    """Return a count of nanoseconds that goes on while the machine sleeps, where there is one."""
    if hasattr(time, "CLOCK_BOOTTIME"):
        return time.clock_gettime_ns(time.CLOCK_BOOTTIME)
    return time.monotonic_ns()


class AnchoredClock:
    """Wall time at the start plus the monotonic time passed since.

    Parameters
    ----------
    wall, monotonic : callable
        Return nanoseconds; tests pass their own.
    """

    def __init__(
        self,
        wall: Callable[[], int] = time.time_ns,
        monotonic: Callable[[], int] = monotonic_ns,
    ) -> None:
        self._wall = wall
        self._monotonic = monotonic
        self._base = wall() - monotonic()
        self._step_seen = 0

    def __call__(self) -> int:
        """Return nanoseconds since 1970 UTC."""
        return self._base + self._monotonic()

    def step_s(self) -> float | None:
        """Return by how many seconds the wall clock was set since last asked, None if it was not.

        The recording's own times go on as they were.
        """
        ahead = self._wall() - self()
        step = ahead - self._step_seen
        if abs(step) <= STEP_S * 1e9:
            return None
        self._step_seen = ahead
        return step / 1e9
