"""The truth of an emulated line, as a file: what was sent, lost and injected."""

from __future__ import annotations

import json
import zlib
from collections.abc import Iterable
from json.encoder import encode_basestring_ascii
from pathlib import Path
from typing import Any, NamedTuple, Self

import numpy as np
from numpy.typing import NDArray

from sensorkit.emulator.frames import EmulatedFrame, Served
from sensorkit.errors import UsageError
from sensorkit.readings import FaultLabel

VERSION = 1

# Written to the disk in pieces of this size, so that 40 000 frames a second cost little.
BUFFER_BYTES = 1 << 18


class Drop(NamedTuple):
    """Bytes that the line lost, one after the other and for one reason."""

    at: int
    bytes: int
    time_ns: int
    until_ns: int
    why: str
    """overrun, no_reader or unplugged."""


class TruthWriter:
    r"""Writes down what an emulated device did, one JSON object a line; see docs/emulator.md.

    Positions count the bytes that the device has put on the line, from 0, those that the line
    then lost among them.

    Parameters
    ----------
    path : Path
        A new file.
    facts : dict, optional
        What the first record says besides the time: profile, seed, baud rate, ...

    Raises
    ------
    UsageError
        If the file is already there or cannot be made.
    """

    def __init__(self, path: Path, facts: dict[str, Any] | None = None) -> None:
        self._facts = facts or {}
        self._started_ns = 0
        self._drop: Drop | None = None
        try:
            self._file = path.open("x", BUFFER_BYTES, encoding="ascii", newline="\n")
        except FileExistsError as error:
            raise UsageError(f"{path}: is already there; choose another name") from error
        except OSError as error:
            raise UsageError(f"{path}: cannot be made: {error.strerror}; check the path") from error

    def start(self, started_ns: int) -> None:
        """Begin: the seconds of what follows count from *started_ns*, nanoseconds UTC."""
        self._started_ns = started_ns
        self._note("start", version=VERSION, started_ns=started_ns, **self._facts)

    def frame(self, frame: EmulatedFrame, at: int, due_s: float | None, written_s: float) -> None:
        """Note a frame that begins at position *at* and whose last byte left at *written_s*."""
        line = frame.data
        sent = line if frame.made is None else frame.made
        # By hand: three times as fast as json.dumps of a dict.
        self._file.write(
            f'{{"record":"frame","sequence":{_number(frame.sequence)},"at":{at},'
            f'"due_ns":{"null" if due_s is None else self._ns(due_s)},'
            f'"written_ns":{self._ns(written_s)},"crc32":"{zlib.crc32(sent):08x}",'
            f'"sent":{encode_basestring_ascii(sent.decode("latin-1"))}'
            + (
                "}\n"
                if sent is line
                else f',"line":{encode_basestring_ascii(line.decode("latin-1"))}}}\n'
            )
        )

    def dropped(self, at: int, count: int, seconds: float, why: str) -> None:
        """Note that *count* bytes from position *at* on were lost on the line.

        Bytes that follow each other and were lost for one reason are one record.
        """
        now = self._ns(seconds)
        last = self._drop
        if last is not None and last.at + last.bytes == at and last.why == why:
            self._drop = last._replace(bytes=last.bytes + count, until_ns=now)
            return
        self._note_drop()
        self._drop = Drop(at, count, now, now, why)

    def held(self, seconds: float, lasted_s: float) -> None:
        """Note that the line stood still, for the emulator itself was held up."""
        self._note("held", time_ns=self._ns(seconds), seconds=round(lasted_s, 6))

    def plug(self, seconds: float, *, plugged: bool, port: str) -> None:
        """Note that the port went away or came back."""
        self._note_drop()
        what = "plugged" if plugged else "unplugged"
        self._note("plug", time_ns=self._ns(seconds), what=what, port=port)

    def fault(self, label: FaultLabel) -> None:
        """Note an injected fault, as labels.csv has it."""
        self._note("fault", **vars(label))

    def end(self, served: Served) -> None:
        """Note the end and what was counted."""
        self._note_drop()
        self._note("end", **served._asdict())

    def flush(self) -> None:
        """Hand over to the system what is buffered."""
        self._file.flush()

    def close(self) -> None:
        """Close the file."""
        if not self._file.closed:
            self._note_drop()
        self._file.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def _note_drop(self) -> None:
        drop, self._drop = self._drop, None
        if drop is not None:
            self._note("drop", **drop._asdict())

    def _note(self, record: str, **facts: Any) -> None:
        self._file.write(json.dumps({"record": record, **facts}, separators=(",", ":")) + "\n")

    def _ns(self, seconds: float) -> int:
        return self._started_ns + round(seconds * 1e9)


def _text(data: bytes) -> str:
    return encode_basestring_ascii(data.decode("latin-1"))


def _number(value: int | None) -> str:
    return "null" if value is None else str(value)


class Truth(NamedTuple):
    """What a truth file says.

    Attributes
    ----------
    sent : list of bytes
        Each frame as the device made it.
    line : list of bytes
        Each frame as it went over the line.
    at : array of int64, shape (n_frames,)
        Position of each frame on the line.
    drops : list of Drop
        In order of position.
    faults : list of dict
    facts : dict
        What the first record says.
    ended : bool
        Whether the last record is there: the emulator came to its end.
    """

    sent: list[bytes]
    line: list[bytes]
    at: NDArray[np.int64]
    drops: list[Drop]
    faults: list[dict[str, Any]]
    facts: dict[str, Any]
    ended: bool

    @classmethod
    def load(cls, path: Path) -> Self:
        """Read a truth file; one that was cut off ends with its last whole line.

        Raises
        ------
        UsageError
            If it cannot be read or is no truth file; the line is named.
        """
        try:
            with path.open(encoding="ascii") as lines:
                return cls._of(lines, path)
        except (OSError, UnicodeDecodeError) as error:
            raise UsageError(
                f"{path}: cannot be read ({error}); give the file that "
                "`sensorkit emulate --truth` wrote"
            ) from error

    @classmethod
    def _of(cls, lines: Iterable[str], path: Path) -> Self:
        sent: list[bytes] = []
        line: list[bytes] = []
        at: list[int] = []
        drops: list[Drop] = []
        faults: list[dict[str, Any]] = []
        facts: dict[str, Any] = {}
        ended = False
        for number, text in enumerate(lines, start=1):
            if not text.endswith("\n"):
                break  # cut off while it was written
            try:
                record = json.loads(text)
                match record.pop("record"):
                    case "frame":
                        made = record["sent"].encode("latin-1")
                        sent.append(made)
                        line.append(record["line"].encode("latin-1") if "line" in record else made)
                        at.append(record["at"])
                    case "drop":
                        drops.append(Drop(**record))
                    case "fault":
                        faults.append(record)
                    case "start":
                        facts = record
                    case "end":
                        ended = True
            except (ValueError, KeyError, TypeError, AttributeError) as error:
                raise UsageError(
                    f"{path}, line {number}: is no record of a truth file ({error!r}); give the "
                    "file that `sensorkit emulate --truth` wrote"
                ) from error
        if facts.get("version") != VERSION:
            raise UsageError(
                f"{path}: has no start record of version {VERSION}; give the file that "
                "`sensorkit emulate --truth` wrote"
            )
        drops.sort(key=lambda drop: drop.at)
        return cls(sent, line, np.array(at, dtype=np.int64), drops, faults, facts, ended)
