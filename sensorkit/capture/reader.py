"""A recording on disk, read."""

from __future__ import annotations

import contextlib
import hashlib
from collections.abc import Iterable, Iterator, Sequence
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any, Self

import numpy as np
import pandas as pd

from sensorkit.capture import layout, showing, tables
from sensorkit.capture.blocks import BLOCK_BYTES, Block, BlockReader
from sensorkit.display.formats import count, seconds
from sensorkit.errors import RecordingError
from sensorkit.profile import Profile
from sensorkit.readings import Alert, Readings
from sensorkit.readings.times import Time
from sensorkit.wire.codec import make_codec
from sensorkit.wire.framing import Line

if TYPE_CHECKING:  # plotly takes half a second, which most commands need not wait
    import plotly.graph_objects as go


class Recording:
    """A folder that a capture, an import or an injection has left.

    Attributes
    ----------
    dir : Path
    meta : dict
        What recording.json holds; see docs/formats.md.
    profile : Profile
        As it was when the recording was made.
    """

    def __init__(self, folder: Path, meta: dict[str, Any], profile: Profile) -> None:
        self.dir = folder
        self.meta = meta
        self.profile = profile

    @classmethod
    def open(cls, folder: str | Path) -> Self:
        """Open a recording; one that was cut off opens too, but does not give its readings.

        Raises
        ------
        RecordingError
            If *folder* is no recording.
        """
        path = Path(folder)
        meta = layout.read_meta(path)
        source = str(path / layout.META)
        return cls(path, meta, Profile.from_dict(meta.get("profile") or {}, source))

    @property
    def name(self) -> str:
        """Return the recording's own name, or that of its folder."""
        return str(self.meta.get("name") or self.dir.resolve().name)

    @property
    def kind(self) -> str:
        """Return "captured", "imported" or "injected"."""
        return str(self.meta["kind"])

    @property
    def status(self) -> str:
        """Return "recording", "complete", "aborted" or "failed"."""
        return str(self.meta["status"])

    @property
    def counts(self) -> dict[str, Any]:
        """Return the counts of recording.json; empty while it is being written."""
        return dict(self.meta.get("counts") or {})

    @property
    def whole(self) -> bool:
        """Return whether the manifest is there: nothing was cut off."""
        return (self.dir / layout.MANIFEST).is_file()

    @property
    def has_raw(self) -> bool:
        """Return whether the bytes of the wire are here."""
        return (self.dir / layout.RAW).is_file()

    @property
    def derived(self) -> Path:
        """Return the folder of later results, made if it is not there."""
        path = self.dir / layout.DERIVED
        path.mkdir(exist_ok=True)
        return path

    @cached_property
    def sha256(self) -> str:
        """Return the hash of the manifest: the identity of the whole recording."""
        self._must_be_whole()
        return hashlib.sha256((self.dir / layout.MANIFEST).read_bytes()).hexdigest()

    def readings(self) -> Readings:
        """Return all accepted frames.

        Raises
        ------
        RecordingError
            If the recording was cut off or its table cannot be read.
        """
        return tables.read_metrics(self._file(layout.METRICS), self.profile.channel_names)

    def plot(
        self,
        channels: str | Sequence[str] | None = None,
        *,
        alerts: pd.DataFrame | Iterable[Alert] = (),
        labels: bool | pd.DataFrame = True,
        start: Time | None = None,
        end: Time | None = None,
        height: int | None = None,
        interactive: bool | None = None,
    ) -> go.Figure | go.FigureWidget:
        """Return a figure: a row a channel on one time axis, with unit, faults and alerts.

        Parameters
        ----------
        channels : str or sequence of str, optional
            All by default.
        alerts : iterable of Alert or DataFrame
            As `detector.alerts` or `detect.to_frame` give them; marked where they begin.
        labels : bool or DataFrame
            The faults of the recording are shaded, or those of a table like `labels`.
        start, end, height, interactive
            As for `Readings.plot`, which says what one can do with the figure.

        Raises
        ------
        RecordingError
            If the recording was cut off or a table cannot be read.
        KeyError
            If there is no such channel.
        ValueError
            If a time is none, or nothing came between the two.

        Examples
        --------
        What the guard says of an hour of one channel::

            recording = Recording.open("recordings/monday-drift")
            alerts = list(detect.watch(guard, recording.readings()))
            hour = {"start": "2026-01-01T01:00", "end": "2026-01-01T02:00"}
            recording.plot("temperature", alerts=alerts, **hour)
        """
        readings = self.readings()
        faults = (self.labels() if labels else None) if isinstance(labels, bool) else labels
        shown = readings.between(start, end)
        n, lasts_s = len(shown), float(np.ptp(shown.time)) / 1e9 if len(shown) else 0.0
        many = "reading" if n == 1 else "readings"
        return readings.plot(
            channels,
            labels=faults,
            alerts=alerts,
            units={one.name: one.unit for one in self.profile.channels},
            start=start,
            end=end,
            title=f"{self.name}: {count(n)} {many} in {seconds(lasts_s)}",
            height=height,
            interactive=interactive,
        )

    def texts(self) -> list[tuple[str, ...]]:
        """Return the values of `readings` as they are written, a tuple a reading."""
        return tables.read_texts(self._file(layout.METRICS), self.profile.channel_names)

    def labels(self) -> pd.DataFrame:
        """Return the injected or marked faults, with the columns `LABEL_COLUMNS`."""
        self._must_be_whole()
        return tables.read_labels(self.dir / layout.LABELS)

    def errors(self) -> pd.DataFrame:
        """Return the rejected lines: time (UTC), offset, reason, line (escaped)."""
        return tables.read_errors(self._file(layout.ERRORS))

    def events(self) -> list[dict[str, Any]]:
        """Return the events: time, kind, offset, details."""
        return tables.read_events(self._file(layout.EVENTS))

    def blocks(self, size: int = BLOCK_BYTES) -> Iterator[Block]:
        """Yield the reads in blocks of about *size* bytes; one larger than that is a block alone.

        Raises
        ------
        RecordingError
            If there is no raw.log, or its index does not fit it.
        """
        if not self.has_raw:
            raise RecordingError(
                f"{self.dir}: has no {layout.RAW}, for it was {self.kind}, not captured; use its "
                "readings, or name a captured recording"
            )
        with contextlib.closing(BlockReader(self.dir)) as reader:
            while (block := reader.take(size)) is not None:
                yield block
            reader.finish()

    def raw(self) -> Iterator[tuple[int, bytes]]:
        """Yield (received_ns, bytes) of each read; raises as `blocks` does."""
        for block in self.blocks():
            yield from block.reads()

    def lines(self) -> Iterator[tuple[int, Line]]:
        """Yield (received_ns, line) of each line of raw.log, frames and noise alike."""
        framer = make_codec(self.profile).framer()
        for received, chunk in self.raw():
            for line in framer.feed(chunk):
                yield received, line

    def changes(self) -> dict[str, str]:
        """Return what differs from the manifest: name -> "changed", "missing" or "added"."""
        return layout.changes(self.dir)

    def verify(self) -> list[str]:
        """Return the names of the files that were changed, are missing, or were added."""
        return list(self.changes())

    def parent(self) -> Recording:
        """Return the recording that this one was made from.

        Raises
        ------
        RecordingError
            If it has none, or that is no longer there or no longer the same.
        """
        told = self.meta.get("parent")
        if not told:
            raise RecordingError(f"{self.dir}: was {self.kind}, not made from another recording")
        folder = self.dir / told["path"]
        parent = Recording.open(folder)
        if parent.sha256 != told["sha256"]:
            raise RecordingError(
                f"{folder}: is not the recording that {self.dir} was made from: its manifest has "
                f"sha256 {parent.sha256[:12]}, wanted is {told['sha256'][:12]}; restore the parent"
            )
        return parent

    def __repr__(self) -> str:
        return f"Recording({self.name!r}, {self.kind}, {self.status}{showing.amount(self)})"

    def _repr_html_(self) -> str:
        return showing.card(self).html()

    def _must_be_whole(self) -> None:
        if not self.whole:
            raise RecordingError(
                f"{self.dir}: was cut off or is still being written (status {self.status}, no "
                f"{layout.MANIFEST}); finish it with `sensorkit recover {self.dir}`"
            )

    def _file(self, name: str) -> Path:
        self._must_be_whole()
        path = self.dir / name
        if not path.is_file():
            raise RecordingError(f"{path}: is missing; restore it from a copy")
        return path
