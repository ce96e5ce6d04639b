"""The capture behind a live plot: `sensorkit capture` in a process that outlives its notebook.

It has a session of its own, so that what interrupts or ends the kernel does not reach it, and the
lifeline that ends it in good order when the kernel is gone. What it says goes into files, for a
kernel that is busy reads no pipe, and a full pipe would stop the detector.
"""

from __future__ import annotations

import contextlib
import os
import re
import shlex
import subprocess
import sys
import tempfile
import time
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import IO, NamedTuple

import yaml

from sensorkit import detect
from sensorkit.capture import layout
from sensorkit.errors import RunError, SensorkitError, UsageError
from sensorkit.profile import Profile
from sensorkit.readings import parse_time

LOOK_S = 0.02
"""How often a start or an end is looked for while somebody waits."""

_SAID = re.compile(r"(\S+Z)  (WARNING|CRITICAL) *  (\S+)  (.*)")


class Said(NamedTuple):
    """An alert as the capture has said it, when it began."""

    time_ns: int
    severity: str
    type: str
    description: str
    channel: str | None = None
    """Known once the report is written; the line does not say it."""


@dataclass(frozen=True)
class Wanted:
    """What is to be captured; see `live` for the meaning of each."""

    link: str
    folder: Path
    profile: str | Path | Profile
    detector: object
    seconds: float | None
    frames: int | None
    baud: int

    def arguments(self, scratch: Path) -> list[str]:
        """Return the command line; what is only in memory is put into files in *scratch*."""
        profile, detector = self.profile, self.detector
        if isinstance(profile, Profile):
            written = scratch / "profile.yaml"
            text = yaml.safe_dump(profile.to_dict(), allow_unicode=True, sort_keys=False)
            written.write_text(text, encoding="utf-8")
            profile = written
        if detector is not None and not isinstance(detector, str | Path):
            saved = scratch / "detector"
            detect.save(detector, saved)  # type: ignore[arg-type]
            detector = saved
        options = {
            "--out": self.folder,
            "--profile": profile,
            "--baud": self.baud,
            "--detector": detector,
            "--duration": self.seconds,
            "--frames": self.frames,
        }
        given = [(name, str(value)) for name, value in options.items() if value is not None]
        # `--`: a link that begins with a dash is none of the options.
        return ["capture", *(word for option in given for word in option), "--", self.link]


class CaptureProcess:
    """Starts the capture and listens to what it says.

    Raises
    ------
    RunError
        If no process can be started.
    """

    def __init__(self, wanted: Wanted) -> None:
        self._folder = wanted.folder
        self._open = contextlib.ExitStack()
        self._scratch = tempfile.TemporaryDirectory(prefix="sensorkit-live-")
        # Appended to by the process and read here, each at its own place; they have no name.
        self._out, self._err = _nameless(self._open), _nameless(self._open)
        self._read = 0
        self._rest = b""
        self._told: list[str] = []
        self._asked = False
        try:
            self._process = subprocess.Popen(
                [
                    *(sys.executable, "-m", "sensorkit.cli.lifeline"),
                    *wanted.arguments(Path(self._scratch.name)),
                ],
                stdin=subprocess.PIPE,
                stdout=self._out,
                stderr=self._err,
                env=_plain(os.environ),
                start_new_session=True,
            )
        except OSError as error:
            self._let_go()
            raise RunError(
                f"the capture cannot be started: {error.strerror}; free some memory or processes"
            ) from error
        except BaseException:
            self._let_go()
            raise

    @property
    def pid(self) -> int:
        """Return the process's id."""
        return self._process.pid

    @property
    def ended(self) -> bool:
        """Return whether it has ended."""
        return self._process.poll() is not None

    def wait_for_start(self) -> None:
        """Wait until the recording is there.

        Raises
        ------
        SensorkitError
            If the capture ended before that; the message is its own.
        """
        while not (self._folder / layout.META).is_file():
            if self.ended and not (self._folder / layout.META).is_file():
                raise self.failure() or RunError("the capture ended without a word")
            time.sleep(LOOK_S)
        self._scratch.cleanup()  # a recording is begun when all else has been read

    def failure(self) -> SensorkitError | None:
        """Return why it failed, in its own words; None while it runs or if it did not."""
        code = self._process.poll()
        if not code:
            return None
        said = self.complaints()
        if said and code > 0:
            return UsageError(said[-1]) if code == UsageError.exit_code else RunError(said[-1])
        ended = f"was killed by signal {-code}" if code < 0 else f"ended with exit status {code}"
        return RunError(
            f"the capture {ended}; all that was read is in raw.log: finish the recording with "
            f"`sensorkit recover {shlex.quote(str(self._folder))}`"
        )

    def complaints(self) -> list[str]:
        """Return what it has told its user so far: hints, and why it failed."""
        if not self._err.closed:
            self._err.seek(0)
            lines = self._err.read().decode("utf-8", "replace").splitlines()
            self._told = [line.removeprefix("sensorkit: ") for line in lines if line.strip()]
        return self._told

    def alerts(self) -> list[Said]:
        """Return the alerts that it has said since this was last asked."""
        if self._out.closed:
            return []
        self._out.seek(self._read)
        data = self._out.read()
        self._read += len(data)
        *lines, self._rest = (self._rest + data).split(b"\n")
        found = (_SAID.fullmatch(line.decode("utf-8", "replace").rstrip("\r")) for line in lines)
        return [Said(parse_time(m[1]), m[2], m[3], m[4]) for m in found if m]

    def ask_to_stop(self) -> None:
        """Ask it to end in good order, however often this is called."""
        if not self._asked:
            self._asked = True
            self.break_off()

    def break_off(self) -> None:
        """Ask it once more, which stops it in the middle if it is closing its recording."""
        if not self.ended:
            self._process.terminate()

    def wait(self) -> None:
        """Wait until it has ended."""
        self._process.wait()

    def close(self) -> None:
        """Let go of a process that has ended; what it said last is kept."""
        self.complaints()
        self._let_go()

    def _let_go(self) -> None:
        self._scratch.cleanup()
        self._open.close()
        process = getattr(self, "_process", None)
        if process is not None and process.stdin is not None:
            process.stdin.close()


def _plain(environment: Mapping[str, str]) -> dict[str, str]:
    """Return the environment without what a kernel has set so that programs colour their output.

    The capture would take its files for a terminal, and move a line in them.
    """
    kept = {name: text for name, text in environment.items() if "COLOR" not in name}
    return kept | {"TERM": "dumb", "TTY_COMPATIBLE": "0"}


def _nameless(stack: contextlib.ExitStack) -> IO[bytes]:
    """Return a file that is gone when *stack* is closed, or this process is."""
    file: IO[bytes] = stack.enter_context(tempfile.TemporaryFile("a+b"))  # noqa: SIM115 - it is
    return file
