"""What is learned from: bytes and when they came, or readings that never were bytes."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from sensorkit.capture import Recording
from sensorkit.capture.blocks import Block
from sensorkit.capture.session import Session, is_session
from sensorkit.errors import RecordingError, UsageError
from sensorkit.learning.sample import SAMPLE_BYTES
from sensorkit.profile import Profile
from sensorkit.readings import Readings

BLOCK = 1 << 20


@dataclass(frozen=True)
class Source:
    """Healthy data of a device."""

    name: str
    where: str
    """As it is called in messages."""
    blocks: Callable[[], Iterator[Block]] | None
    """The bytes of the wire; None where there are only readings."""
    timed: bool
    """Whether the times of the reads say when the bytes came."""
    readings: Readings | None = None
    known: Profile | None = None
    """What is known of readings without bytes: names, units, decimals."""
    baud: int | None = None

    def read(self) -> Iterator[Block]:
        """Return the bytes; none where there are only readings."""
        return iter(()) if self.blocks is None else self.blocks()

    def sample(self) -> bytes:
        """Return the first bytes, enough to tell the format."""
        data = b""
        for block in self.read():
            data += block.data
            if len(data) >= SAMPLE_BYTES:
                break
        return data


def of_recording(recording: Recording) -> Source:
    """Return a recording as a source: its bytes where it has some, whatever its profile read.

    Parameters
    ----------
    recording : Recording

    Examples
    --------
    A recording that was captured with another device's profile will do::

        learn(of_recording(Recording.open("recordings/unknown")))
    """
    where = str(recording.dir)
    if recording.has_raw:
        link = recording.meta.get("link") or {}
        of_file = str(link.get("url", "")).startswith(("file:", "-"))
        return Source(recording.name, where, recording.blocks, not of_file, baud=link.get("baud"))
    return Source(recording.name, where, None, True, recording.readings(), known=recording.profile)


def of_readings(readings: Readings, name: str, known: Profile | None = None) -> Source:
    """Return readings as a source, as those of a public data set.

    Parameters
    ----------
    readings : Readings
    name : str
        What the profile is called.
    known : Profile, optional
        Gives the units and labels of channels it has.
    """
    return Source(name, name, None, True, readings, known)


def of_file(path: Path) -> Source:
    """Return a log of text, as terminals write them; its lines have no times.

    Parameters
    ----------
    path : Path

    Raises
    ------
    UsageError
        If there is no such file.
    """
    if not path.is_file():
        raise UsageError(f"{path}: is no file; give the path of a log or the folder of a recording")

    def blocks() -> Iterator[Block]:
        with path.open("rb") as file:
            while data := file.read(BLOCK):
                yield Block.of(0, data)

    return Source(path.stem, str(path), blocks, False)


def of_bytes(data: bytes, name: str) -> Source:
    """Return bytes as a source; its lines have no times.

    Parameters
    ----------
    data : bytes
        As they came from the device.
    name : str
        What the profile is called.
    """
    return Source(name, name, lambda: iter([Block.of(0, data)]), False)


def of_folder(folder: Path) -> list[Source]:
    """Return the recording in a folder, or each of those of a session.

    Parameters
    ----------
    folder : Path

    Raises
    ------
    RecordingError
        If it is neither, or a session without recordings.
    """
    if is_session(folder):
        recordings = Session.open(folder).recordings()
        if not recordings:
            raise RecordingError(
                f"{folder}: is a session without recordings; capture into it first"
            )
        return [of_recording(recording) for recording in recordings]
    return [of_recording(Recording.open(folder))]


def one_device(readings: Readings) -> tuple[Readings, tuple[str, ...]]:
    """Return the readings of the device that has most of them, and the names of all."""
    codes = readings.device.codes
    names = readings.device.vocabulary
    counts = np.bincount(codes[codes >= 0], minlength=len(names))
    told = tuple(name for name, n in zip(names, counts.tolist(), strict=True) if n)
    if len(told) < 2:
        return readings, told
    return readings[codes == int(counts.argmax())], told
