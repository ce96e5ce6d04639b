"""Data quality while a capture runs: its score for the moving line, and its alerts."""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Iterable
from typing import TYPE_CHECKING, Any

from sensorkit.quality import StreamingValidator, Thresholds, ThresholdWatch
from sensorkit.wire.stream import Batch, FrameStream

if TYPE_CHECKING:
    from sensorkit.capture.writer import RecordingWriter
    from sensorkit.profile import Profile
    from sensorkit.quality import QualityUpdate
    from sensorkit.readings import Alert, Event, Readings, Rejection

INTERVAL_S = 1.0
"""Between two looks at the thresholds, where nobody says how often."""

MOST_KEPT = 100_000
"""Rejected lines that are kept for one who does not ask for them any more."""

ISSUES_TOLD = 20
"""Of the summary: the last ones."""


class HeardStream(FrameStream):
    """A stream that also keeps what was no reading, until it is asked for."""

    def __init__(self, *args: Any, **kw: Any) -> None:
        super().__init__(*args, **kw)
        self._rejections: list[Rejection] = []
        self._events: list[Event] = []

    def feed_reads(self, *args: Any, **kw: Any) -> Batch:
        """See `FrameStream.feed_reads`."""
        return self._kept(super().feed_reads(*args, **kw))

    def host(self, event: Event) -> Batch:
        """See `FrameStream.host`."""
        return self._kept(super().host(event))

    def heard(self) -> tuple[list[Rejection], list[Event]]:
        """Return what was kept since last asked."""
        found = self._rejections, self._events
        self._rejections, self._events = [], []
        return found

    def _kept(self, batch: Batch) -> Batch:
        self._rejections += batch.rejections
        self._events += batch.events
        del self._rejections[:-MOST_KEPT], self._events[:-MOST_KEPT]
        return batch


def rss_mb() -> float:
    """Return the resident memory of this process, in MB."""
    import psutil  # type: ignore[import-untyped]

    return float(psutil.Process().memory_info().rss) / 1e6


class QualityWatch:
    """Judges what a capture brings, and holds it against thresholds.

    Parameters
    ----------
    profile : Profile
    window : int
        Lines.
    interval_s : float
        Seconds between two looks at the thresholds.
    thresholds : Thresholds, optional
    clock : callable
        Seconds that never go back.
    memory : callable
        Returns the memory of the process in MB.
    """

    def __init__(
        self,
        profile: Profile,
        window: int,
        interval_s: float = INTERVAL_S,
        thresholds: Thresholds | None = None,
        *,
        clock: Callable[[], float] = time.monotonic,
        memory: Callable[[], float] = rss_mb,
    ) -> None:
        self._validator = StreamingValidator(profile, window, interval_s)
        self._validator.prepare()  # compiled before a port is opened
        self._watch = ThresholdWatch(thresholds)
        self._interval_s = interval_s
        self._clock = clock
        self._memory = memory
        self._looked: float | None = None
        self._now = 0
        self._stream: HeardStream | None = None
        self.update: QualityUpdate | None = None
        """As of the last look."""

    def listen(self, writer: RecordingWriter) -> HeardStream:
        """Return the stream of the recording that *writer* makes; what it rejects is heard."""
        self._stream = HeardStream(
            writer.profile, device=writer.device, started_ns=writer.started_ns
        )
        return self._stream

    def take(
        self,
        readings: Readings,
        now_by_device: dict[str, int],
        alerts: Iterable[Alert] = (),
    ) -> list[Alert]:
        """Judge what came, and return the alerts of quality that begin.

        Parameters
        ----------
        readings : Readings
            May be none: time has passed.
        now_by_device : dict of str to int
            Nanoseconds UTC, as `Recorder.now_by_device` has them.
        alerts : iterable of Alert
            Those of the detector that began.
        """
        rejections, events = ([], []) if self._stream is None else self._stream.heard()
        _, windows = self._validator.take(readings, rejections=rejections, events=events)
        self._watch.hear(alerts)
        begun: list[Alert] = []
        for one in windows:  # by the time of the readings: a file that is read at once has many
            begun += self._watch.hold(one.device, one.scores, start_ns=one.start, time_ns=one.end)
        self._now = max([self._now, *now_by_device.values()])
        now = self._clock()
        if self._looked is None or now - self._looked >= self._interval_s:
            self._looked = now
            begun += self._look(now_by_device)
        return begun

    def _look(self, now_by_device: dict[str, int]) -> list[Alert]:
        """Look what time has brought, if nothing else has come."""
        self.update = self._validator.update()
        for device, time_ns in now_by_device.items():
            self.update = self._validator.advance(time_ns, device)
        begun = self._watch.look(self.update, time_ns=self._now)
        return begun + self._watch.memory(self._memory(), time_ns=self._now)

    def finish(self) -> None:
        """Close what is open: the capture has ended."""
        self.update = self._validator.finish()
        self._watch.finish(self._now)

    def parts(self) -> list[str]:
        """Return the score for the moving line, and what is wrong most."""
        update = self.update
        if update is None or math.isnan(update.score):
            return []
        told = [f"quality {math.floor(update.score):d}"]
        dimensions = update.dimensions
        worst = min(dimensions, key=lambda name: dimensions[name])
        if dimensions[worst] < 100.0:
            told.append(f"{worst} {math.floor(dimensions[worst]):d}")
        return told

    def facts(self) -> dict[str, Any]:
        """Return how it was at the end, for JSON: the last window and the last issues."""
        if self.update is None:
            return {}
        told = self.update.to_dict()
        return {**told, "window": self._validator.window, "issues": told["issues"][-ISSUES_TOLD:]}
