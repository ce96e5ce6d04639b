"""What one capture of a session tells the command that has started it: a JSON object a line."""

from __future__ import annotations

import json
import sys
import time
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from sensorkit.cli.capture.status import Status
    from sensorkit.readings import Alert

EVERY_S = 0.5
"""How often the line of a device is told anew."""


class Feed:
    """Writes to standard output, where the session reads; nothing it does stops a capture.

    Parameters
    ----------
    clock : callable
        Seconds that never go back.
    """

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._next = clock()

    def tell(self, what: str, value: Any) -> None:
        """Write one line; whoever should read it may be gone."""
        try:
            sys.stdout.write(json.dumps({what: value}, allow_nan=False) + "\n")
            sys.stdout.flush()
        except (OSError, ValueError):  # the lifeline ends this capture in good order
            pass

    def alert(self, alert: Alert) -> None:
        """Tell of an episode that has begun."""
        from sensorkit.detect import report

        self.tell("alert", report([alert])[0])

    def status(self, status: Status) -> None:
        """Tell how the capture goes, if it is time to."""
        now = self._clock()
        if now >= self._next:
            self._next = now + EVERY_S
            must, may = status.parts()
            self.tell("status", {"must": must, "may": may, "lost": status.lost_since is not None})
