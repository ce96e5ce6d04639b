"""Commands that run while a page goes on, and how a page that is wrong is told."""

from __future__ import annotations

import itertools
import os
import shlex
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

PATIENCE_S = 120.0
"""A block fails after this; none waits so long when all is well."""


class PageError(AssertionError):
    """A block did not do what its page says."""


def until(reached: Callable[[], bool], what: str) -> None:
    """Wait for something to become true, looking again and again."""
    end = time.monotonic() + PATIENCE_S
    while not reached():
        if time.monotonic() > end:
            raise PageError(f"waited in vain for {what}")
        time.sleep(0.01)


class Beside:
    """A command that runs while the page goes on."""

    def __init__(self, arguments: list[str], cwd: Path, env: dict[str, str], log: Path) -> None:
        self.arguments = shlex.join(arguments)
        self.port = dict(itertools.pairwise(arguments)).get("--link", "")
        self.ends = arguments[0] == "emulate" and bool({"--duration", "--frames"} & set(arguments))
        self._log = log.with_suffix(".said")
        with self._log.open("wb") as to:
            self._process = subprocess.Popen(
                [sys.executable, "-m", "sensorkit", *arguments],
                cwd=cwd,
                env=env,
                stdin=subprocess.DEVNULL,
                stdout=to,
                stderr=subprocess.STDOUT,
                start_new_session=True,  # so that it can be stopped with all that it has started
            )

    def said(self) -> str:
        """Return what it has said so far."""
        return self._log.read_text(encoding="utf-8", errors="replace")

    def ended(self) -> bool:
        """Say whether it has come to its end."""
        return self._process.poll() is not None

    @property
    def code(self) -> int:
        """What it exited with."""
        return self._process.returncode

    def interrupt(self) -> None:
        """Press Ctrl+C."""
        if not self.ended():
            self._process.send_signal(signal.SIGINT)

    def stop(self) -> None:
        """Wait for the end after Ctrl+C; kill what does not end."""
        try:
            self._process.wait(timeout=30)
        except subprocess.TimeoutExpired:
            os.killpg(self._process.pid, signal.SIGKILL)
            self._process.wait()
