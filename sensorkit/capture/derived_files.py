"""What the bytes said, on disk beside them: readings, rejections, events."""

from __future__ import annotations

import os
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import TextIO

from sensorkit.capture import layout, tables
from sensorkit.readings import Event, Readings, Rejection


class DerivedFiles:
    """structured_metrics.csv, parser_errors.log and events.jsonl.

    They can be rebuilt from raw.log, so they are buffered; events are written at once, for those
    that only the host saw cannot.
    """

    def __init__(self, folder: Path, channels: Sequence[str]) -> None:
        self._metrics = _open(folder / layout.METRICS)
        self._errors = _open(folder / layout.ERRORS)
        self._events = _open(folder / layout.EVENTS)
        self._metrics.write(tables.metrics_header(channels))

    def write(
        self,
        readings: Readings,
        texts: Sequence[Sequence[str | None]] | None = None,
        rejections: Iterable[Rejection] = (),
        events: Iterable[Event] = (),
    ) -> None:
        """Append to all three."""
        if len(readings):
            self._metrics.write(tables.metrics_rows(readings, texts))
        if rejections:
            self._errors.write(tables.error_lines(rejections))
        for event in events:
            self._events.write(tables.event_line(event))
            self._events.flush()

    def flush(self) -> None:
        """Hand what is buffered to the system."""
        for file in (self._metrics, self._errors):
            file.flush()

    def close(self) -> None:
        """Write everything through to the disk and close."""
        for file in (self._metrics, self._errors, self._events):
            if not file.closed:
                try:
                    file.flush()
                    os.fsync(file.fileno())
                finally:
                    file.close()


def _open(path: Path) -> TextIO:
    return path.open("x", encoding="utf-8", newline="\n", buffering=1 << 16)
