"""The recorder's clock: right at the start, and never going back."""

from __future__ import annotations

import time
from collections.abc import Callable

from sensorkit.capture.pump import monotonic_ns

STEP_S = 0.5
"""A wall clock that moves by more than this against the monotonic one was set; NTP slews less."""


class AnchoredClock:
    """Wall time at the start plus the monotonic time passed since.

    Parameters
    ----------
    wall, monotonic : callable
        Return nanoseconds; tests pass their own.

    Attributes
    ----------
    base_ns : int
        What is added to the monotonic count.
    anchor : dict
        `wall_ns` and `monotonic_ns` at the start: what every time of the recording rests on.
    """

    def __init__(
        self,
        wall: Callable[[], int] = time.time_ns,
        monotonic: Callable[[], int] = monotonic_ns,
    ) -> None:
        self._wall = wall
        self._monotonic = monotonic
        self.anchor = {"wall_ns": wall(), "monotonic_ns": monotonic()}
        self.base_ns = self.anchor["wall_ns"] - self.anchor["monotonic_ns"]
        self._step_seen = 0

    def __call__(self) -> int:
        """Return nanoseconds since 1970 UTC."""
        return self.base_ns + self._monotonic()

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

    def reading(self) -> dict[str, int]:
        """Return what both clocks say now, as `anchor` has them."""
        return {"wall_ns": self._wall(), "monotonic_ns": self._monotonic()}
