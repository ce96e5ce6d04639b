"""A recording on disk, written."""

from __future__ import annotations

import contextlib
import json
import logging
import os
import shutil
import time
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from sensorkit import __version__
from sensorkit.capture import layout, tables
from sensorkit.capture.clock import AnchoredClock
from sensorkit.capture.derived_files import DerivedFiles
from sensorkit.capture.disk import check_room, disk_error
from sensorkit.capture.raw_log import Fsync, RawLog, Rotate
from sensorkit.capture.reader import Recording
from sensorkit.errors import ProfileError, RecordingError, RunError
from sensorkit.profile import Profile
from sensorkit.readings import Event, FaultLabel, Readings, Rejection, isoformat
from sensorkit.wire.stream import Batch, StreamCounts
from sensorkit.wire.texts import Texts

log = logging.getLogger(__name__)

FSYNC_S = 1.0
"""A power cut loses at most what came in this time."""


class RecordingWriter:
    """Writes a new recording; the folder must not exist.

    Parameters
    ----------
    folder : path
    profile : Profile
    kind : "captured", "imported" or "injected"
    link : mapping, optional
        What was captured: `{"url": ..., "baud": ...}`.
    name, device : str, optional
        Stand in recording.json; the folder's name and the profile's device by default.
    parent : Recording, optional
        What this one is made from.
    about : mapping, optional
        More for recording.json (plan, seed, source).
    started_ns : int, optional
        Nanoseconds UTC; now by default.
    fsync : float or None
        Seconds between two fsyncs of raw.log; 0 for each read, None for never.
    rotate : Rotate, optional
        When raw.log is followed by raw.0002.log, and so on.

    Raises
    ------
    RecordingError
        If the folder exists: a recording is never overwritten.
    RunError
        If the disk has no room for it.
    """

    def __init__(
        self,
        folder: str | Path,
        profile: Profile,
        *,
        kind: str = "captured",
        link: Mapping[str, Any] | None = None,
        name: str | None = None,
        device: str | None = None,
        parent: Recording | None = None,
        about: Mapping[str, Any] | None = None,
        started_ns: int | None = None,
        fsync: Fsync = FSYNC_S,
        rotate: Rotate | None = None,
    ) -> None:
        self.dir = Path(folder)
        self.profile = profile
        self.device = device or profile.device
        self.started_ns = time.time_ns() if started_ns is None else started_ns
        self.counts = StreamCounts()
        self.closed = False
        self._reads = 0
        self._events: dict[str, int] = {}
        clash = sorted(tables.FIXED_COLUMNS.intersection(profile.channel_names))
        if clash:
            raise ProfileError(
                f"profile {profile.name!r}: channel {clash[0]!r} has the name of a column of "
                f"{layout.METRICS}; rename the channel"
            )
        self.meta: dict[str, Any] = {
            "schema_version": layout.SCHEMA_VERSION,
            "sensorkit": __version__,
            "name": name or self.dir.resolve().name,
            "kind": kind,
            "status": "recording",
            "reason": "",
            "started": isoformat(self.started_ns),
            "ended": None,
            "clock": None,
            "device": self.device,
            "link": None if link is None else dict(link),
            "parent": None if parent is None else _parent(self.dir, parent),
            **(about or {}),
            "profile": profile.to_dict(),
            "counts": None,
        }
        self._make_folder()
        self._raw: RawLog | None = None
        try:
            if kind == "captured":
                check_room(self.dir)
            layout.write_meta(self.dir, self.meta)
            if kind == "captured":
                self._raw = RawLog(self.dir, fsync, rotate)
            self._derived = DerivedFiles(self.dir, profile.channel_names)
            layout.sync_folder(self.dir)
        except (OSError, RunError) as error:
            for part in (self._raw, getattr(self, "_derived", None)):
                with contextlib.suppress(OSError):
                    if part is not None:
                        part.close()
            shutil.rmtree(self.dir, ignore_errors=True)  # it would only be in the way
            if isinstance(error, RunError):
                raise
            raise RunError(
                f"{self.dir}: cannot be written: {error.strerror or error}; nothing is recorded: "
                "make room, or choose another --out"
            ) from error

    @property
    def raw(self) -> RawLog:
        """Return raw.log; only what was captured has one."""
        if self._raw is None:
            raise ValueError(f"{self.dir}: a recording of kind {self.meta['kind']} has no raw.log")
        return self._raw

    def use_clock(self, clock: Callable[[], int]) -> None:
        """Take the recorder's clock, and write down what its times rest on."""
        self.raw.clock = clock
        if isinstance(clock, AnchoredClock):
            self.meta["clock"] = clock.anchor
            with self.disk():
                layout.write_meta(self.dir, self.meta)

    def write_raw(self, received_ns: int, chunk: bytes) -> None:
        """Append what one read brought, before anything else is done with it."""
        with self.disk():
            self.raw.write(received_ns, chunk)
        self._reads += 1

    def check(self) -> None:
        """Raise a RunError if an fsync has failed, or a file is no longer there."""
        with self.disk():
            self.raw.check()
        self._look_for_missing()

    def count_reads(self, n: int) -> None:
        """Take note of reads that another process has appended."""
        self._reads += n

    def write(self, batch: Batch) -> None:
        """Append what the bytes said."""
        self.append(batch.readings, batch.texts, batch.rejections, batch.events)

    def append(
        self,
        readings: Readings,
        texts: Texts | Sequence[Sequence[str | None]] | None = None,
        rejections: Iterable[Rejection] = (),
        events: Iterable[Event] = (),
    ) -> None:
        """Append readings, rejections and events; see `rows.metrics_rows` for *texts*."""
        events = list(events)
        for event in events:
            self._events[event.kind] = self._events.get(event.kind, 0) + 1
            log.info("%s: %s %s", self.dir, event.kind, json.dumps(event.details))
        with self.disk():
            self._derived.write(readings, texts, rejections, events)
            # raw.log does not tell where a link was lost: a power cut must not take that away.
            if any(event.details.get("origin") == "host" for event in events):
                self._derived.sync_events()

    def write_labels(self, labels: Iterable[FaultLabel]) -> None:
        """Write labels.csv."""
        with self.disk():
            layout.write_whole(self.dir / layout.LABELS, tables.label_lines(labels))

    def close(
        self,
        status: str = "complete",
        reason: str = "",
        *,
        ended_ns: int | None = None,
        counts: StreamCounts | None = None,
    ) -> None:
        """Finish the recording; its manifest is written last. A second call does nothing.

        Raises
        ------
        RunError
            If one of its files is no longer there, or the disk takes no more.
        """
        if self.closed:
            return
        self._look_for_missing()
        self.closed = True
        self.meta |= {
            "status": status,
            "reason": reason,
            "ended": isoformat(time.time_ns() if ended_ns is None else ended_ns),
            "counts": recording_counts(counts or self.counts, self._reads, self._events),
        }
        with self.disk():
            if self._raw is not None:
                self._raw.close(ended_ns)
            self._derived.close()
            layout.write_meta(self.dir, self.meta)
            layout.write_manifest(self.dir)
        log.info("%s: %s %s", self.dir, status, json.dumps(self.meta["counts"]))

    def give_up(self, reason: str) -> None:
        """Close what is open, for the disk takes no more; `recover` finishes the recording."""
        if self.closed:
            return
        self.closed = True
        for part in (self._raw, self._derived):
            with contextlib.suppress(OSError):
                if part is not None:
                    part.close()
        self.meta |= {"status": "failed", "reason": reason}
        with contextlib.suppress(OSError):
            layout.write_meta(self.dir, self.meta)

    def _look_for_missing(self) -> None:
        """Give up if a file was taken away: what is written to it would be kept nowhere."""
        name = None if self._raw is None else self._raw.missing()
        name = name or self._derived.missing()
        if name is None and not (self.dir / layout.META).is_file():
            name = layout.META  # `give_up` writes it again
        if name is None:
            return
        what = f"{name} was removed, moved or replaced while it was being written"
        self.give_up(what)
        rest = (
            "the capture has stopped, for no more would be kept: leave a recording alone until it "
            "is finished"
            if self._raw is not None
            else "leave a recording alone until it is finished: remove it and make it again"
        )
        raise RunError(f"{self.dir}: {what}; {rest}")

    def _make_folder(self) -> None:
        try:
            self.dir.parent.mkdir(parents=True, exist_ok=True)
            self.dir.mkdir()
        except FileExistsError as error:
            if not self.dir.exists():
                raise RecordingError(
                    f"{self.dir}: cannot be made: {self.dir.parent} is a file; choose another --out"
                ) from error
            raise RecordingError(
                f"{self.dir}: is already there, and a recording is never overwritten; choose "
                "another --out or remove it"
            ) from error
        except OSError as error:
            raise RecordingError(
                f"{self.dir}: cannot be made: {error.strerror}; choose another --out"
            ) from error

    @contextlib.contextmanager
    def disk(self) -> Iterator[None]:
        """Give up, and say so in one sentence, if what is done inside meets a disk error."""
        try:
            yield
        except OSError as error:
            self.give_up(f"the disk took no more: {error.strerror or error}")
            raise disk_error(self.dir, error, self.meta["kind"]) from error


def recording_counts(counts: StreamCounts, reads: int, events: Mapping[str, int]) -> dict[str, Any]:
    """Return the `counts` of recording.json."""
    return {**counts.to_dict(), "reads": reads, "events": dict(sorted(events.items()))}


def write_recording(
    folder: str | Path,
    profile: Profile,
    readings: Readings,
    *,
    kind: str,
    texts: Sequence[Sequence[str | None]] | None = None,
    labels: Iterable[FaultLabel] | None = None,
    rejections: Iterable[Rejection] = (),
    events: Iterable[Event] = (),
    parent: Recording | None = None,
    plan: Mapping[str, Any] | None = None,
    seed: int | None = None,
    source: Mapping[str, Any] | None = None,
    name: str | None = None,
    device: str | None = None,
    reason: str = "",
) -> Recording:
    """Write readings that never stood on a wire, or no longer do, as a recording.

    The same arguments give the same bytes: nothing in it is the time of writing.

    Parameters
    ----------
    folder : path
        Must not exist.
    profile : Profile
    readings : Readings of length n
    kind : "imported" or "injected"
    texts : n rows of texts, optional
        How the values are written; None in a row, or no rows, for `repr` of the value.
    labels : iterable of FaultLabel, optional
        None for a recording without labels.csv.
    rejections, events : iterables
    parent : Recording, optional
        What it was made from.
    plan, seed, source : optional
        Stand in recording.json: what was injected, or what was imported.
    name, device : str, optional
        Of the recording and of the device; the folder's name and the profile's where not given.
    reason : str
        How it ended, as recording.json has it.

    Returns
    -------
    Recording
    """
    rejections = list(rejections)
    writer = RecordingWriter(
        folder,
        profile,
        kind=kind,
        name=name,
        device=device,
        parent=parent,
        about={"plan": plan, "seed": seed, "source": source},
        started_ns=int(readings.time.min()) if len(readings) else 0,
    )
    counts = StreamCounts(frames=len(readings))
    for rejection in rejections:
        counts.rejected[rejection.reason.value] = counts.rejected.get(rejection.reason.value, 0) + 1
    writer.append(readings, texts, rejections, events)
    if labels is not None:
        writer.write_labels(labels)
    writer.close(
        "complete",
        reason,
        ended_ns=int(readings.time.max()) if len(readings) else 0,
        counts=counts,
    )
    return Recording.open(writer.dir)


def _parent(folder: Path, parent: Recording) -> dict[str, str]:
    return {"name": parent.name, "path": relative(parent.dir, folder), "sha256": parent.sha256}


def relative(target: Path, folder: Path) -> str:
    """Return the path of *target* as seen from *folder*, so that both may move together."""
    try:
        return Path(os.path.relpath(target.resolve(), folder.resolve())).as_posix()
    except ValueError:  # another drive
        return target.resolve().as_posix()
