"""Finished cells on disk, so that a run that was stopped goes on where it was.

A cell is one npz file: arrays, and JSON as bytes; nothing in it could run. Its name is
`<key>-<check>.npz`: what the cell depends on (`sensorkit.evaluate.running.fingerprint`) and the
SHA-256 of the file. It is written under another name and then moved, and one whose check does not
fit is not taken.
"""

from __future__ import annotations

import contextlib
import hashlib
import io
import json
import logging
import os
import secrets
import zipfile
from collections.abc import Iterable
from dataclasses import asdict, fields
from pathlib import Path
from typing import Any

import numpy as np

from sensorkit.detect import CalibrationResult
from sensorkit.evaluate.cell import Cell, Status
from sensorkit.readings import Alert, Severity

LARGEST = 1_000_000_000
"""Bytes of all kept cells; those that were not used for the longest time go first."""

CHECK = 16
"""Hexadecimal digits of the file's SHA-256 in its name."""

log = logging.getLogger(__name__)

_PLAIN = ("threshold", "microseconds_per_reading", "seconds", "peak_mb")


class Kept:
    """A folder of finished cells.

    Only cells that are OK, and miss nothing, are kept: what failed or ran out of time is tried
    again.
    """

    def __init__(self, folder: Path, largest: int = LARGEST) -> None:
        self.folder = folder
        self._largest = largest
        self._told = False

    def find(self, key: str, recording: str, detector: str) -> Cell | None:
        """Return the cell kept under *key* for what is called so here; None if there is none."""
        for path in self.folder.glob(f"{key}-*.npz"):
            try:
                data = path.read_bytes()
                if path.stem.partition("-")[2] != _check(data):
                    continue
                cell = _unpack(data, recording, detector)
                path.touch()
            except (OSError, ValueError, KeyError, TypeError, EOFError, zipfile.BadZipFile):
                continue  # of another hand, or just deleted; it is tried again
            return cell
        return None

    def keep(self, key: str, cell: Cell) -> None:
        """Write *cell* down; a full disk or a folder that cannot be written only loses time.

        That is said once.
        """
        if not cell.ok or cell.note is not None or cell.kept:
            return
        data = _pack(cell)
        part = self.folder / f".{secrets.token_hex(8)}.part"
        try:
            try:
                self.folder.mkdir(parents=True, exist_ok=True)
                with part.open("wb") as file:
                    file.write(data)
                    file.flush()
                    os.fsync(file.fileno())
                part.replace(self.folder / f"{key}-{_check(data)}.npz")
            finally:
                part.unlink(missing_ok=True)
        except OSError as error:
            if not self._told:
                log.warning(
                    "finished cells cannot be kept in %s (%s); the next run will try them again",
                    self.folder,
                    error.strerror or error,
                )
            self._told = True

    def clear(self) -> int:
        """Delete all kept cells; return how many there were."""
        found = list(self.folder.glob("*.npz"))
        _delete([*found, *self.folder.glob(".*.part")])
        return len(found)

    def prune(self) -> None:
        """Delete what was not used for the longest time, until the rest is small enough."""
        found = []
        for path in self.folder.glob("*.npz"):
            with contextlib.suppress(OSError):
                found.append((path.stat().st_mtime_ns, path.stat().st_size, path))
        total, gone = sum(size for _, size, _ in found), []
        for _, size, path in sorted(found):
            if total <= self._largest:
                break
            gone.append(path)
            total -= size
        _delete(gone)


def _pack(cell: Cell) -> bytes:
    facts = {
        **{name: getattr(cell, name) for name in _PLAIN},
        "calibration": None if cell.calibration is None else asdict(cell.calibration),
        "alerts": [_alert(alert) for alert in cell.alerts],
        "detectability": list(cell.detectability),
    }
    text = np.frombuffer(json.dumps(facts, default=_number).encode(), dtype=np.uint8)
    file = io.BytesIO()
    np.savez(file, cell=text, scores=cell.scores, flags=cell.flags)
    return file.getvalue()


def _unpack(data: bytes, recording: str, detector: str) -> Cell:
    with np.load(io.BytesIO(data), allow_pickle=False) as arrays:
        facts = json.loads(arrays["cell"].tobytes())
        scores, flags = arrays["scores"], arrays["flags"]
    calibration = facts["calibration"]
    return Cell(
        recording=recording,
        detector=detector,
        status=Status.OK,
        calibration=None if calibration is None else CalibrationResult(**calibration),
        scores=scores,
        flags=flags,
        alerts=tuple(
            Alert(**{**alert, "severity": Severity(alert["severity"])}) for alert in facts["alerts"]
        ),
        detectability=tuple(facts["detectability"]),
        kept=True,
        **{name: facts[name] for name in _PLAIN},
    )


def _alert(alert: Alert) -> dict[str, Any]:
    return {field.name: getattr(alert, field.name) for field in fields(alert)} | {
        "severity": alert.severity.value
    }


def _number(value: Any) -> Any:
    """Return a number of numpy's as one of Python's."""
    return value.item() if isinstance(value, np.generic) else str(value)


def _check(data: bytes) -> str:
    return hashlib.sha256(data).hexdigest()[:CHECK]


def _delete(paths: Iterable[Path]) -> None:
    for path in paths:
        with contextlib.suppress(OSError):
            path.unlink()
