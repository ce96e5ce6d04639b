"""An evaluation as it is asked for and as it runs: `--set`, and how far it is."""

from __future__ import annotations

import sys
import time
from typing import Any

from sensorkit.cli.app import err, printable
from sensorkit.errors import UsageError


def from_options(pairs: list[str]) -> dict[str, str]:
    """Return what `--set KEY=VALUE` gives.

    >>> from_options(["seed=2", "plan=a=b"])
    {'seed': '2', 'plan': 'a=b'}

    Raises
    ------
    UsageError
        If one is no KEY=VALUE.
    """
    found = {}
    for pair in pairs:
        key, equals, value = pair.partition("=")
        if not equals or not key:
            raise UsageError(f"--set {pair}: KEY=VALUE is wanted, as seed=2")
        found[key.strip()] = value
    return found


class Progress:
    """Says which notebook runs, and which detectors are tried; on a terminal only."""

    def __init__(self) -> None:
        self._began = time.monotonic()
        self._last = ""
        self._bar: Any = None

    def __call__(self, notebook: str, _cell: int, of: int) -> None:
        """Be told that a cell begins."""
        if not err.is_terminal or notebook == self._last:
            return
        self._last = notebook
        self.close()
        err.print(f"{time.monotonic() - self._began:5.1f} s  {notebook} ({of} cells)")

    def follow(self, _notebook: str, done: int, of: int, now: str) -> None:
        """Be told how far the benchmark is."""
        if not err.is_terminal:
            return
        if self._bar is None:
            from tqdm import tqdm

            self._bar = tqdm(total=of, file=sys.stderr, leave=False, unit=" cells")
        self._bar.set_postfix_str(printable(now), refresh=False)
        self._bar.n = done
        self._bar.refresh()
        if done == of:
            self.close()

    def close(self) -> None:
        """Take the bar away."""
        if self._bar is not None:
            self._bar.close()
            self._bar = None
