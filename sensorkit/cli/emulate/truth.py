"""What an emulated device is asked to leave behind: its labels, and the truth of its line."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

from sensorkit.errors import UsageError

if TYPE_CHECKING:
    from sensorkit.emulator import Emulator
    from sensorkit.emulator.truth_file import TruthWriter


def check_free(labels: Path) -> None:
    """Refuse a file that cannot be written: after hours of running it would be too late."""
    if labels.exists():
        raise UsageError(f"{labels}: is already there; choose another name")
    if not os.access(labels.parent, os.W_OK):
        raise UsageError(f"{labels}: its folder is not there or cannot be written; check the path")


@contextmanager
def truth_file(
    path: Path | None, emulator: Emulator, baud: int | None, packet: float | None, plan: str | None
) -> Iterator[TruthWriter | None]:
    """Open the truth file, if one is wanted."""
    from sensorkit.emulator.truth_file import TruthWriter

    if path is None:
        yield None
        return
    facts = {
        "profile": emulator.profile.name,
        "device": emulator.profile.device,
        "rate_hz": emulator.rate_hz,
        "seed": emulator.seed,
        "baud": baud,
        "packet_ms": packet,
        "plan": plan,
    }
    with TruthWriter(path, facts) as writer:
        yield writer


def write_labels(emulators: list[Emulator], path: Path) -> None:
    """Write what went wrong with all of them; units that have a line each count on."""
    from sensorkit.capture.tables import label_lines

    found = [label for emulator in emulators for label in emulator.labels]
    if len(emulators) > 1:  # each of them has counted from 1
        found.sort(key=lambda label: label.start)
        found = [replace(label, id=number) for number, label in enumerate(found, start=1)]
    path.write_text(label_lines(found), encoding="utf-8", newline="\n")
