"""A line on which every byte is known: what a device made, what arrived, what was recorded."""

from __future__ import annotations

import functools
import importlib.util
import itertools
import os
import shutil
import signal
import subprocess
import sys
import threading
import time
import zipfile
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
import pytest

from sensorkit.capture import Recording
from sensorkit.capture.replay import replay
from sensorkit.emulator import Emulator
from sensorkit.emulator.truth import Score, compare
from sensorkit.emulator.truth_file import Drop, Truth
from sensorkit.profile import Profile

EXAMPLES = Path(__file__).parents[2] / "examples"

PATIENCE_S = 60.0
"""A test fails after this; none waits so long when all is well."""


def made(n: int, **options: object) -> list[bytes]:
    """The first *n* frames of the serial monitor."""
    emulator = Emulator(Profile.load("serial_monitor"), hold="NORMAL", **options)
    return [frame.data for frame in emulator.frames(n)]


def truth_of(sent: list[bytes], line: list[bytes], drops: list[Drop] = ()) -> Truth:
    """What an emulator would have written down of these frames."""
    at = [0, *itertools.accumulate(map(len, line))][:-1]
    return Truth(sent, line, np.array(at, dtype=np.int64), list(drops), [], {}, True)


def until(reached, process: subprocess.Popen | None = None) -> None:
    """Wait for something to become true, looking again and again."""
    end = time.monotonic() + PATIENCE_S
    while not reached():
        assert process is None or process.poll() is None, process.stderr.read()
        assert time.monotonic() < end, "waited in vain"
        time.sleep(0.002)


@dataclass
class Outcome:
    """A finished capture beside the truth."""

    recording: Recording
    score: Score
    code: int
    said: str
    errors: str

    @property
    def reasons(self) -> list[str]:
        """Why lines were rejected, in order."""
        return self.recording.errors()["reason"].tolist()

    @property
    def sequence(self) -> list[int]:
        """The counters of the accepted frames."""
        return self.recording.readings().sequence.tolist()

    @property
    def kinds(self) -> list[str]:
        """The kinds of the events."""
        return [event["kind"] for event in self.recording.events()]

    def check(self) -> None:
        """What must be true whatever came: nothing lost, nothing invented, all bytes counted."""
        counts = self.recording.counts
        assert self.score.ok, self.score
        assert counts["received_bytes"] == sum(
            counts[f"{where}_bytes"] for where in ("accepted", "rejected", "terminator", "tail")
        )
        assert self.recording.verify() == []
        assert replay(self.recording) == []


@pytest.fixture
def heard(tmp_path, monkeypatch, capsys):
    """Capture what arrived of some frames, from a file: where a process would add nothing."""
    from sensorkit.cli import main

    def run(
        sent: list[bytes], line: list[bytes] | None = None, *options: str, name: str = "rec"
    ) -> Outcome:
        line = sent if line is None else line
        source, folder = tmp_path / f"{name}.bytes", tmp_path / name
        source.write_bytes(b"".join(line))
        args = ["capture", f"file:{source}", "--out", folder, "--detector", "none", *options]
        monkeypatch.setattr(sys, "argv", ["sensorkit", *map(str, args)])
        with pytest.raises(SystemExit) as stopped:
            main()
        said, errors = capsys.readouterr()
        recording = Recording.open(folder)
        assert (folder / "raw.log").read_bytes() == b"".join(line)
        score = compare(truth_of(sent, line), recording)
        return Outcome(recording, score, stopped.value.code or 0, said, errors)

    return run


@dataclass
class Capture:
    """`sensorkit capture` on a pseudo-terminal, in a process of its own."""

    folder: Path
    process: subprocess.Popen
    sent: bytearray = field(default_factory=bytearray)

    @property
    def raw(self) -> bytes:
        """What stands in raw.log by now."""
        path = self.folder / "raw.log"
        return path.read_bytes() if path.exists() else b""

    def send(self, pair, data: bytes, *, wait: bool = True) -> None:
        """Write to the far end, and wait until raw.log has it."""
        self.sent += data
        while data:
            data = data[pair.master.write(data) :]
        if wait:
            until(lambda: len(self.raw) >= len(self.sent), self.process)

    def events(self) -> list[str]:
        """The kinds of the events written down so far."""
        import json

        path = self.folder / "events.jsonl"
        whole = path.read_text().rpartition("\n")[0] if path.exists() else ""
        return [json.loads(line)["kind"] for line in whole.splitlines()]

    def stop(self, how: signal.Signals | None = signal.SIGINT) -> tuple[int, str, str]:
        """End it; return exit code, output and errors."""
        if how is not None:
            self.process.send_signal(how)
        said, errors = self.process.communicate(timeout=PATIENCE_S)
        return self.process.returncode, said, errors

    def outcome(
        self, sent: list[bytes], line: list[bytes] | Truth | None = None, *, how=signal.SIGINT
    ) -> Outcome:
        """End it and hold it against what was sent."""
        code, said, errors = self.stop(how)
        recording = Recording.open(self.folder)
        truth = line if isinstance(line, Truth) else truth_of(sent, sent if line is None else line)
        return Outcome(recording, compare(truth, recording), code, said, errors)


@pytest.fixture
def capture(tmp_path):
    """Start `sensorkit capture PORT`, and wait until it has the port open."""
    if sys.platform == "win32":
        pytest.skip("Windows has no pseudo-terminals")
    running: list[Capture] = []

    def start(port: str, has_reader, *options: object, name: str = "rec", **how) -> Capture:
        folder = tmp_path / name
        command = [sys.executable, "-m", "sensorkit", "capture", port, "--out", folder]
        if "--detector" not in options:
            command += ["--detector", "none"]
        process = subprocess.Popen(
            [str(part) for part in (*command, *options)],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            start_new_session=True,  # so that it can be stopped with all that it has started
            **how,
        )
        running.append(Capture(folder, process))
        until(has_reader, process)
        return running[-1]

    yield start
    for one in running:
        if one.process.poll() is None:
            os.killpg(one.process.pid, signal.SIGKILL)
        one.process.communicate()


def run_python(*arguments: object, **options) -> subprocess.CompletedProcess:
    """Run this Python with *arguments*, to its end."""
    return subprocess.run(
        [sys.executable, *map(str, arguments)],
        capture_output=True,
        text=True,
        check=False,
        **options,
    )


@pytest.fixture(scope="session")
def python():
    """Run this Python in a process of its own."""
    return run_python


@pytest.fixture(scope="session")
def installed(tmp_path_factory):
    """Install a package of examples/; return the environment of a process that has it."""

    @functools.cache
    def install(name: str) -> dict[str, str]:
        folder = tmp_path_factory.mktemp(name)
        source = shutil.copytree(EXAMPLES / name, folder / "source")  # building leaves files behind
        target = folder / "site"
        if importlib.util.find_spec("pip"):
            options = ["--quiet", "--disable-pip-version-check", "--no-deps", "--no-index"]
            options += ["--no-build-isolation", "--target", target]
            done = run_python("-m", "pip", "install", *options, source)
            assert done.returncode == 0, done.stderr
        else:  # uv makes environments without pip; unpacking is what installing a wheel comes to
            build = "import sys, setuptools.build_meta as b; print(b.build_wheel(sys.argv[1]))"
            done = run_python("-c", build, folder, cwd=source)
            assert done.returncode == 0, done.stderr
            with zipfile.ZipFile(next(folder.glob("*.whl"))) as wheel:
                wheel.extractall(target)
        return {**os.environ, "PYTHONPATH": str(target)}

    return install


@pytest.fixture
def pair():
    """Both ends of a pseudo-terminal."""
    if sys.platform == "win32":
        pytest.skip("Windows has no pseudo-terminals")
    from sensorkit.wire.links import open_pty

    with open_pty() as pair:
        yield pair


@pytest.fixture
def patient():
    """What the tests of this folder wait with."""
    return until


@pytest.fixture
def frames():
    """Make frames of the serial monitor."""
    return made


@pytest.fixture
def truth():
    """Say what was sent, as a truth file would."""
    return truth_of


@pytest.fixture
def in_thread():
    """Run something beside the test; it has ended when the test ends."""
    threads: list[threading.Thread] = []

    def run(target, *args) -> threading.Thread:
        threads.append(threading.Thread(target=target, args=args))
        threads[-1].start()
        return threads[-1]

    yield run
    for thread in threads:
        thread.join(PATIENCE_S)
        assert not thread.is_alive()
