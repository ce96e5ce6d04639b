"""An emulated device for a notebook: in a process of its own, captured through its port."""

from __future__ import annotations

import contextlib
import os
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

from tqdm.auto import tqdm

from sensorkit.capture import Recording, RecordingWriter
from sensorkit.capture.recorder import record
from sensorkit.errors import RunError
from sensorkit.profile import Profile
from sensorkit.readings import parse_time
from sensorkit.surroundings import quiet
from sensorkit.wire.links import open_link

STARTED = parse_time("2026-01-01T00:00:00Z")
"""When an emulated device is said to have started. Its frames bring the seconds since then; a
fixed start, and not today's, makes every recording of the same device the same."""


@contextlib.contextmanager
def emulated(
    profile: str,
    *,
    seconds: float,
    seed: int = 1,
    hold: str | None = "NORMAL",
    faults: str = "",
    speed: float | None = None,
) -> Iterator[str]:
    """Start the emulated device in a process of its own and give the port to open.

    It speaks on a pseudo-terminal, or on a socket where there are none; its frames carry their
    own time.

    Parameters
    ----------
    profile : str
        Name of a shipped profile, or the path of a YAML file.
    seconds : float
        Of the device's time.
    seed : int
        Same seed, same bytes.
    hold : str, optional
        Operating state to stay in; NORMAL is a healthy device. None lets it change.
    faults : str
        Fault plan, by name or path.
    speed : float, optional
        How many times faster than the device; by default as fast as the port takes it.

    Yields
    ------
    str
        The port to open.

    Raises
    ------
    RunError
        If it does not start; the message is the emulator's.
    """
    pace = "max" if speed is None else f"{speed:g}"
    wanted = ["--duration", f"{seconds:g}", "--seed", str(seed), "--speed", pace]
    wanted += ["--hold", hold] if hold and hold in Profile.load(profile).states else []
    wanted += ["--faults", faults] if faults else []
    with tempfile.TemporaryFile("w+", encoding="utf-8") as complaints:
        process = subprocess.Popen(
            # It ends when its stdin does, so also when this process is killed.
            [sys.executable, "-m", "sensorkit.cli.lifeline", "emulate", profile, *wanted],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=complaints,
            text=True,
            env={**os.environ, "SENSORKIT_CONFIG": "none", "SENSORKIT_PRESET": ""},
            # An interrupt of some other cell is not meant for it.
            start_new_session=True,
        )
        try:
            port = process.stdout.readline().strip() if process.stdout else ""
            if not port:
                process.wait(timeout=10)
                complaints.seek(0)
                raise RunError(complaints.read().strip() or "the emulator ended without a word")
            yield port
        finally:
            process.terminate()
            process.communicate()


def capture_emulated(
    profile: str, folder: Path, *, seconds: float, seed: int = 1, faults: str = ""
) -> Recording:
    """Capture the emulated device, byte by byte through its port, into a new recording.

    Parameters
    ----------
    profile, seconds, seed, faults
        As for `emulated`.
    folder : Path
        Must not exist.

    Returns
    -------
    Recording
    """
    device = Profile.load(profile)
    with emulated(profile, seconds=seconds, seed=seed, faults=faults) as port:
        writer = RecordingWriter(folder, device, link={"url": port}, started_ns=STARTED, fsync=None)
        with contextlib.closing(open_link(port)) as link:
            recorder = record(link, writer, clock=lambda: STARTED)
            with tqdm(
                total=round(seconds * device.rate_hz), unit=" frames", disable=quiet(), leave=False
            ) as bar:
                for readings in recorder:
                    bar.update(len(readings))
    return Recording.open(folder)
