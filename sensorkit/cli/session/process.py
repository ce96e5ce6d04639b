"""One capture of a session, in a process that ends in good order when the session is gone."""

from __future__ import annotations

import json
import queue
import shlex
import subprocess
import sys
import threading
from pathlib import Path
from types import TracebackType
from typing import IO, Any, Self

from sensorkit.errors import RunError, SensorkitError

PREFIX = "sensorkit: "

PATIENCE_S = 10.0
"""How long a capture may take to end that nobody listens to any more."""

Said = queue.SimpleQueue[tuple[str, str, Any]]
"""Name of the device; `status`, `alert`, `hint` or `gone`; and what was said."""


class CaptureProcess:
    """Starts `sensorkit capture` and puts what it says into a queue.

    It has a session of its own, so that Ctrl+C reaches the command alone, which then asks each
    capture to end; and a lifeline: when the command is killed, its end of the pipe closes.

    Parameters
    ----------
    name : str
    arguments : list of str
        Of the command, with `--feed`.
    said : queue
    folder : path
        Of the session.

    Attributes
    ----------
    end : dict or None
        How the capture says it went.
    last_words : str
        The last line of its standard error.
    problem : str or None
        What is wrong, once it has ended.

    Raises
    ------
    RunError
        If no process can be started.
    """

    def __init__(self, name: str, arguments: list[str], said: Said, folder: Path) -> None:
        from sensorkit.cli.session.capture import environment

        self.name = name
        self.end: dict[str, Any] | None = None
        self.problem: str | None = None
        self._folder = folder / name
        self._said = said
        self.last_words = ""
        self._asked = False
        try:
            self._process = subprocess.Popen(
                [sys.executable, "-m", "sensorkit.cli.lifeline", *arguments],
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=subprocess.PIPE,
                env=environment(),
                start_new_session=True,
            )
        except OSError as error:
            raise RunError(
                f"the capture of {name} cannot be started: {error.strerror}; free some memory or "
                "processes"
            ) from error
        assert self._process.stdout is not None  # noqa: S101 - they are pipes
        assert self._process.stderr is not None  # noqa: S101
        pipes = [(self._process.stdout, self._take), (self._process.stderr, self._complain)]
        self._readers = [
            threading.Thread(target=_read, args=(pipe, take), daemon=True) for pipe, take in pipes
        ]
        for reader in self._readers:
            reader.start()
        threading.Thread(target=self._wait, daemon=True).start()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        process = self._process
        if process.poll() is None:
            process.terminate()
            try:
                process.wait(PATIENCE_S)
            except subprocess.TimeoutExpired:
                process.kill()
        process.wait()
        if process.stdin is not None:
            process.stdin.close()

    @property
    def pid(self) -> int:
        """Return the id of the process."""
        return self._process.pid

    def ask_to_stop(self) -> None:
        """Ask it to end: in good order the first time, in the middle the second."""
        self._asked = True
        if self._process.poll() is None:
            self._process.terminate()

    def facts(self) -> dict[str, Any]:
        """Return what session.json says of it once it has ended."""
        from sensorkit.capture.reader import Recording
        from sensorkit.capture.session import taken_from

        try:
            recording = Recording.open(self._folder)
        except SensorkitError:  # the link could not be opened
            return {"status": "failed", "reason": self.problem or "it never began", "counts": None}
        if recording.whole:
            return taken_from(recording)
        return {"status": "failed", "reason": self.problem or "it was cut off", "counts": None}

    def _take(self, line: str) -> None:
        """Pass on what the capture tells."""
        try:
            ((what, value),) = json.loads(line).items()
        except (ValueError, AttributeError):  # a package that prints
            return
        if what == "end":
            self.end = value
        else:
            self._said.put((self.name, what, value))

    def _complain(self, line: str) -> None:
        """Pass on what the capture tells its user; of one that fails the last is why."""
        self.last_words = line.removeprefix(PREFIX)
        self._said.put((self.name, "hint", self.last_words))

    def _wait(self) -> None:
        code = self._process.wait()
        for reader in self._readers:
            reader.join()
        if code > 0 and self.last_words:
            self.problem = self.last_words
        elif code and self._asked and not self._folder.exists():
            self.problem = "was stopped before it began"
        elif code:
            how = f"was killed by signal {-code}" if code < 0 else f"ended with exit status {code}"
            self.problem = f"its capture {how}"
            if self._folder.exists():
                self.problem += (
                    "; all that was read is in raw.log: finish the recording with `sensorkit "
                    f"recover {shlex.quote(str(self._folder))}`"
                )
        self._said.put((self.name, "gone", None))


def _read(pipe: IO[bytes], take: Any) -> None:
    """Hand each line to *take* until the pipe closes."""
    with pipe:
        for line in pipe:
            text = line.decode("utf-8", "replace").rstrip("\r\n")
            if text.strip():
                take(text)
