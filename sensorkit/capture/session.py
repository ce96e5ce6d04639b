"""A session: recordings of several links that one command made, and the file that joins them."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, Self

import numpy as np
import pandas as pd

from sensorkit.capture import layout, session_showing
from sensorkit.capture.reader import Recording
from sensorkit.capture.session_file import FILE, closed, read_session, write_session
from sensorkit.display.formats import count
from sensorkit.errors import RecordingError
from sensorkit.readings import Alert, Readings, Words
from sensorkit.readings.batch import NO_OFFSET
from sensorkit.readings.times import Time

if TYPE_CHECKING:  # plotly takes half a second, which most commands need not wait
    import plotly.graph_objects as go


class Session:
    """A folder with a recording for each device, and session.json.

    Attributes
    ----------
    dir : Path
    meta : dict
        What session.json holds; see docs/formats.md.
    """

    def __init__(self, folder: Path, meta: dict[str, Any]) -> None:
        self.dir = folder
        self.meta = meta

    @classmethod
    def open(cls, folder: str | Path) -> Self:
        """Open a session; one that was cut off opens too.

        Raises
        ------
        RecordingError
            If *folder* is no session, or its session.json cannot be read.
        """
        return cls(Path(folder), read_session(Path(folder)))

    @property
    def name(self) -> str:
        """Return the session's own name."""
        return str(self.meta["name"])

    @property
    def status(self) -> str:
        """Return "recording", "complete", "aborted" or "failed"."""
        return str(self.meta["status"])

    @property
    def devices(self) -> list[dict[str, Any]]:
        """Return what session.json says of each device: name, link, profile, status, ..."""
        return [dict(device) for device in self.meta["devices"]]

    @property
    def names(self) -> tuple[str, ...]:
        """Return the names of the devices, those without a recording too."""
        return tuple(device["name"] for device in self.meta["devices"])

    @property
    def derived(self) -> Path:
        """Return the folder of later results, made if it is not there."""
        return derived(self.dir)

    def folders(self) -> dict[str, Path]:
        """Return the folder of each recording there is, by the name of its device."""
        folders = {device["name"]: self.dir / device["folder"] for device in self.meta["devices"]}
        return {name: path for name, path in folders.items() if path.exists()}

    def recordings(self) -> list[Recording]:
        """Return the recordings, in the order in which the links were named.

        A device whose link could not be opened has none.
        """
        return [Recording.open(folder) for folder in self.folders().values()]

    def recording(self, name: str) -> Recording:
        """Return the recording of one device.

        Raises
        ------
        RecordingError
            If the session has none of that name.
        """
        folders = self.folders()
        if name not in folders:
            there = ", ".join(folders) or "none at all"
            raise RecordingError(f"{self.dir}: has no recording of {name!r}; there are {there}")
        return Recording.open(folders[name])

    def readings(self) -> Readings:
        """Return the readings of all devices in the order of their times.

        A channel that a device has not is missing in its rows. Where two links carry devices of
        the same name, that of the link stands before it: `line-2.pump-1`.

        Raises
        ------
        RecordingError
            If there is no recording, or one was cut off.
        """
        parts = self._parts()
        channels = tuple(dict.fromkeys(name for part in parts.values() for name in part.channels))
        doubled = _doubled(parts.values())
        joined = Readings.concat(
            [
                _widened(part, channels, recording.dir.name if doubled else "")
                for recording, part in parts.items()
            ]
        )
        return joined[np.argsort(joined.time, kind="stable")]

    def labels(self) -> pd.DataFrame:
        """Return the faults of all recordings, their devices called as in `readings`.

        See `Recording.labels`.

        Raises
        ------
        RecordingError
            As `readings`.
        """
        tables = {recording: recording.labels() for recording in self.recordings()}
        if not tables:
            raise self._nothing()
        kept = {one: table for one, table in tables.items() if len(table)}
        if not kept:
            return next(iter(tables.values()))
        if _doubled(self._parts().values()):
            kept = {
                one: table.assign(device=f"{one.dir.name}." + table["device"].astype(str))
                for one, table in kept.items()
            }
        return pd.concat(kept.values(), ignore_index=True)

    def _parts(self) -> dict[Recording, Readings]:
        """Return the readings of each recording there is."""
        parts = {recording: recording.readings() for recording in self.recordings()}
        if not parts:
            raise self._nothing()
        return parts

    def _nothing(self) -> RecordingError:
        return RecordingError(f"{self.dir}: no link of this session was recorded; {self.reason}")

    def plot(
        self,
        channels: str | Sequence[str] | None = None,
        *,
        alerts: pd.DataFrame | Iterable[Alert] = (),
        start: Time | None = None,
        end: Time | None = None,
        height: int | None = None,
        interactive: bool | None = None,
    ) -> go.Figure | go.FigureWidget:
        """Return a figure: a row a channel, a line a device; the arguments are `Readings.plot`'s.

        Raises
        ------
        RecordingError
            If there is no recording, or one was cut off.
        """
        readings = self.readings()
        units = {
            channel.name: channel.unit
            for recording in self.recordings()
            for channel in recording.profile.channels
        }
        many = "device" if len(self.names) == 1 else "devices"
        return readings.plot(
            channels,
            labels=self.labels(),
            alerts=alerts,
            units=units,
            start=start,
            end=end,
            title=f"{self.name}: {count(len(readings))} readings of {len(self.names)} {many}",
            height=height,
            interactive=interactive,
        )

    @property
    def reason(self) -> str:
        """Return how it ended."""
        return str(self.meta["reason"])

    def __repr__(self) -> str:
        return f"Session({self.name!r}, {self.status}, {', '.join(self.names)})"

    def _repr_html_(self) -> str:
        return session_showing.card(self).html()


def is_session(folder: Path) -> bool:
    """Return whether *folder* has a session.json."""
    return (folder / FILE).is_file()


def derived(folder: Path) -> Path:
    """Return the folder of later results of a recording or a session, made if it is not there."""
    path = folder / layout.DERIVED
    path.mkdir(exist_ok=True)
    return path


def taken_from(recording: Recording) -> dict[str, Any]:
    """Return what session.json says of a device whose recording has ended."""
    return {
        "status": recording.status,
        "reason": str(recording.meta["reason"]),
        "counts": recording.counts or None,
    }


def refresh(folder: Path) -> dict[str, Any]:
    """Bring session.json up to date with its recordings; return what it then holds.

    One that ended says how; of a session that was cut off, so that nobody wrote its end, the end
    is that of its last recording.
    """
    session = Session.open(folder)
    meta = session.meta
    there = session.folders()
    for device in meta["devices"]:
        if device["name"] not in there:
            if device["status"] in {"starting", "recording"}:
                device |= {"status": "failed", "reason": "it was not begun"}
            continue
        recording = Recording.open(there[device["name"]])
        if recording.whole:
            device |= taken_from(recording)
    if any(device["status"] in {"starting", "recording"} for device in meta["devices"]):
        return meta  # one is still being written, or could not be recovered
    ends = [recording.meta["ended"] for recording in session.recordings()]
    if not meta.get("ended"):
        meta["ended"] = max(ends, default=meta["started"])
    meta |= closed(meta)
    write_session(folder, meta)
    return meta


def _doubled(parts: Iterable[Readings]) -> bool:
    """Return whether readings of two recordings have a device of the same name."""
    seen: set[str] = set()
    for part in parts:
        there = {part.device.vocabulary[k] for k in np.unique(part.device.codes).tolist() if k >= 0}
        if there & seen:
            return True
        seen |= there
    return False


def _widened(part: Readings, channels: tuple[str, ...], link: str) -> Readings:
    """Return *part* with all *channels*, its devices called by their *link* too."""
    values = np.full((len(part), len(channels)), np.nan, order="F")
    for k, name in enumerate(part.channels):
        values[:, channels.index(name)] = part.values[:, k]
    device = part.device
    if link:
        device = Words(device.codes, tuple(f"{link}.{name}" for name in device.vocabulary))
    # An offset would point into one raw.log of several.
    offset = np.full(len(part), NO_OFFSET, dtype=np.int64)
    return Readings.build(
        part.time,
        values,
        channels,
        device=device,
        status=part.status,
        sequence=part.sequence,
        offset=offset,
    )
