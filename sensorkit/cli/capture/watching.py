"""A capture as it runs: alerts as they happen, and hints where something is in the way."""

from __future__ import annotations

import json
import os
import sys
import time
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

from rich.live import Live
from rich.text import Text

from sensorkit.cli.app import err, log, printable
from sensorkit.cli.capture.sinking import Sinks
from sensorkit.cli.capture.status import Status

if TYPE_CHECKING:
    from sensorkit.capture.diagnosis import Diagnosis
    from sensorkit.capture.recorder import Recorder
    from sensorkit.cli.capture.feeding import Feed
    from sensorkit.cli.capture.quality_watch import QualityWatch
    from sensorkit.detect import Detector
    from sensorkit.readings import Alert, Readings

# The least that may be judged: fewer lines can all be bad luck.
ENOUGH_LINES = 20
ENOUGH_BYTES = 1500
"""So many without a single frame are garbage, however few line ends are among them."""

GARBAGE_SHARE = 0.1

QUIET_S = 5.0
"""After so long without a byte the user is told what it may be."""


class Watch:
    """A capture as it runs: its status line, and the alerts of a detector."""

    def __init__(
        self,
        recorder: Recorder,
        detector: Detector | None,
        *,
        quiet: bool,
        baud: int | None,
        clock: Callable[[], float] = time.monotonic,
        feed: Feed | None = None,
        quality: QualityWatch | None = None,
    ) -> None:
        self.feed = feed
        self.quality = quality
        self._sinks = Sinks()
        self.alerts: list[Alert] = []
        self.failure: Exception | None = None
        self.status = Status(recorder, clock)
        self._recorder = recorder
        self._detector = detector
        self._wanted = detector is not None or quality is not None
        self._quiet = quiet
        self._hints = Hints(recorder, baud, clock)
        listen = getattr(detector, "listen", None)
        if listen is not None:  # a device that never says anything is missed too
            writer = recorder.writer
            for device in writer.profile.expected_devices(writer.device):
                listen(writer.started_ns, device)

    def run(self) -> None:
        """Record to the end."""
        moves = err.is_terminal and not self._quiet and self.feed is None
        with Live(
            console=err,
            refresh_per_second=4,
            transient=True,
            get_renderable=(lambda: self.status.line(err.width)) if moves else Text,
            auto_refresh=moves,
            redirect_stdout=moves and sys.stdout.isatty(),
            redirect_stderr=moves,
        ):
            for readings in self._recorder:
                self.status.update(readings)
                known = len(self.alerts)
                self._ask(partial(_judge, readings, self._recorder.now_by_device))
                self._judge_quality(readings, self.alerts[known:])
                self._hints.look()
                if self.feed is not None:
                    self.feed.status(self.status)

    def finish(self) -> None:
        """Close the open episodes and write the report, whatever has happened."""
        from sensorkit import detect
        from sensorkit.capture import layout

        if not self._wanted:
            return
        self._ask(self._to_the_end)
        self._ask(lambda detector: detector.finish())
        if self.quality is not None:
            self.quality.finish()
        if len({alert.device for alert in self.alerts}) > 1:
            self.alerts.sort(key=lambda alert: alert.start)  # their clocks may differ
        text = json.dumps(detect.report(self.alerts), indent=2, ensure_ascii=False, allow_nan=False)
        try:
            folder = self._recorder.writer.dir / layout.DERIVED
            folder.mkdir(exist_ok=True)
            layout.write_whole(folder / "anomaly_report.json", text + "\n")
        except OSError as error:  # the disk that the capture has failed on
            log.error("anomaly_report.json could not be written: %s", error)

    def _to_the_end(self, detector: Detector) -> list[Alert]:
        """Return what begins when devices that are silent are told to be so to the end."""
        from sensorkit.detect import advance
        from sensorkit.readings import parse_time

        ended = self._recorder.writer.meta["ended"]
        if ended is None:  # it was cut off
            return []
        silent = self._recorder.stream.silent_devices
        return [alert for one in silent for alert in advance(detector, parse_time(ended), one)]

    def _ask(self, question: Callable[[Detector], list[Alert]]) -> None:
        if self._detector is None:
            return
        try:
            fresh = question(self._detector)
        except Exception as error:  # a detector that fails must not cost a byte
            self.failure = error
            self._detector = None
            log.exception("the detector failed")
            hint(f"no more alerts, the detector failed: {error}")
            return
        self._tell(fresh)

    def _judge_quality(self, readings: Readings, alerts: list[Alert]) -> None:
        """Look how good the data are, and tell what is beyond a threshold."""
        if self.quality is None:
            return
        try:
            fresh = self.quality.take(readings, self._recorder.now_by_device(), alerts)
        except Exception as error:  # nor may this cost a byte
            self.quality = None
            self.status.notes = []
            log.exception("judging the data quality failed")
            hint(f"the data quality is not judged any more: {error}")
            return
        self.status.notes = self.quality.parts()
        self._tell(fresh)

    def _tell(self, fresh: list[Alert]) -> None:
        self.alerts += fresh
        for problem in self._sinks.add(fresh):
            hint(problem)
        if self.feed is not None:
            for alert in fresh:
                self.feed.alert(alert)
        elif not self._quiet and self._sinks.says:
            frame = self._recorder.writer.profile.frame
            for alert in fresh:
                _say(alert, named=frame is not None and frame.names_device)


def _judge(
    readings: Readings, times: Callable[[], dict[str, int]], detector: Detector
) -> list[Alert]:
    """Return what *detector* makes of a batch, and of the time that passed without one.

    While one device speaks another may be silent: where there are several, the time passes for
    each with every batch.
    """
    from sensorkit.detect import advance

    begun = detector.alerts(readings) if len(readings) else []
    now = times()
    if len(now) > 1 or not len(readings):
        for device, time_ns in now.items():
            begun += advance(detector, time_ns, device)
    return begun


def _say(alert: Alert, *, named: bool) -> None:
    from sensorkit.readings import isoformat

    # Lines that nobody can read are of no device.
    said = f"{alert.device}: {alert.description}" if named and alert.device else alert.description
    text = f"{isoformat(alert.start)}  {alert.severity:<8}  {alert.type}  {said}"
    # Not `out.print`: a console looks through what the moving line puts in the place of stdout,
    # and would write into that line instead of above it.
    sys.stdout.write(printable(text) + "\n")
    sys.stdout.flush()  # a pipe reads along


def hint(text: str) -> None:
    """Tell the user, above the moving line."""
    log.info("%s", text)
    err.print(f"sensorkit: {printable(text)}")


class Hints:
    """Notices what keeps a capture from going well, and says it once."""

    def __init__(
        self, recorder: Recorder, baud: int | None, clock: Callable[[], float] = time.monotonic
    ) -> None:
        self._recorder = recorder
        self._baud = baud
        self._clock = clock
        self._started = clock()
        self._profile = recorder.writer.profile.name
        self._quiet = self._garbage = False
        self._judged = (0, 0, 0)
        """Frames, rejected lines and bytes when last looked at."""

    def look(self) -> None:
        """Look at the counts now."""
        counts = self._recorder.counts
        if not counts.received_bytes:
            waited = self._clock() - self._started
            if waited >= QUIET_S and not self._quiet and not self._recorder.lag_bytes:
                self._quiet = True
                self._say_nothing_comes()
            return
        if self._garbage:
            return
        now = counts.frames, sum(counts.rejected.values()), counts.received_bytes
        frames, rejected, size = (a - b for a, b in zip(now, self._judged, strict=True))
        if frames + rejected < ENOUGH_LINES and (frames or size < ENOUGH_BYTES):
            return
        self._judged = now
        if is_garbage(frames, rejected):
            self._garbage = True
            lines = frames + rejected
            self._say_garbage(
                f"{frames} of the last {lines} lines could be read"
                if lines
                else f"{size} bytes and no line end"
            )

    def _say_nothing_comes(self) -> None:
        name, seconds = self._recorder.link.name, round(QUIET_S)
        if name.startswith("socket://"):
            hint(
                f"{name}: connected, but nothing has come for {seconds} s; a sender that serves "
                "one reader at a time may be busy with another: end that one first"
            )
        elif not name.startswith(("pty:", "file:", "listen:", "-")):
            hint(
                f"{name}: nothing has come for {seconds} s; check the cable, the device's power "
                "and that it speaks by itself (sensorkit only listens); `sensorkit ports` lists "
                "the other ports"
            )

    def _say_garbage(self, what: str) -> None:
        name = self._recorder.link.name
        if name.startswith(("file:", "-")):
            return  # it is over at once, and the summary says it
        found = look_at(self._recorder.writer.dir, self._baud)
        hint(
            f"{name}: {what}; {found.findings()}; "
            f"{found.advice(main_reason(self._recorder.counts.rejected), self._profile)}"
        )
        warn_of_others(name)


def is_garbage(frames: int, rejected: int) -> bool:
    """Return whether too few of the lines are frames for the speed and format to be right."""
    return frames < GARBAGE_SHARE * (frames + rejected) or not frames


def main_reason(rejected: dict[str, int]) -> str:
    """Return the reason that most lines were rejected for, "" if none was."""
    return max(rejected, key=lambda reason: rejected[reason], default="")


def look_at(folder: Path, baud: int | None) -> Diagnosis:
    """Return what the newest bytes of a recording look like."""
    from sensorkit.capture import layout
    from sensorkit.capture.diagnosis import SAMPLE_BYTES, diagnose

    newest = folder / layout.raw_names(folder)[-1]
    with newest.open("rb") as raw:
        raw.seek(max(newest.stat().st_size - SAMPLE_BYTES, 0))
        return diagnose(raw.read(SAMPLE_BYTES), baud)


def warn_of_others(name: str) -> None:
    """Say who else has the port open: two readers each get half of the bytes."""
    from sensorkit.wire.holders import holders, named

    if "://" in name or name.startswith(("pty:", "file:", "-")):
        return
    others = [holder for holder in holders(name) if holder.parent != os.getpid()]
    if others:
        hint(
            f"{name}: {named(others)} has it open too; two readers each get half of the bytes: "
            "close it"
        )
