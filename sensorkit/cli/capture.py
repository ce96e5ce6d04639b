"""`sensorkit capture`: from a link to a recording, with alerts as they happen."""

from __future__ import annotations

import json
import sys
import time
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer
from rich.live import Live
from rich.text import Text

from sensorkit.cli.app import command, err, log, out, print_json, printable, stop_on_signal
from sensorkit.errors import LinkLost, RecordingError, RunError, UsageError

if TYPE_CHECKING:
    from sensorkit.capture.recorder import Recorder
    from sensorkit.detect import Detector
    from sensorkit.profile import Profile
    from sensorkit.readings import Alert, Readings
    from sensorkit.wire.links import Link

# The least that may be judged: fewer lines can all be bad luck.
ENOUGH_LINES = 20
GARBAGE_SHARE = 0.1
RATE_WINDOW_S = 3.0


@command("capture")
def capture(
    link: Annotated[
        str,
        typer.Argument(
            help="A device path or COM name, pty:, socket://HOST:PORT, file:PATH, - (standard "
            "input), or any URL of pyserial."
        ),
    ],
    folder: Annotated[Path, typer.Option("--out", help="The new folder of the recording.")],
    profile: Annotated[
        str, typer.Option(help="A shipped profile, or the path of a .yaml file.")
    ] = "serial_monitor",
    baud: Annotated[int, typer.Option(min=1, help="Speed of a serial port.")] = 115200,
    duration: Annotated[float | None, typer.Option(min=0, help="Stop after these seconds.")] = None,
    frames: Annotated[
        int | None, typer.Option(min=1, help="Stop once there are so many valid frames.")
    ] = None,
    detector: Annotated[
        str | None,
        typer.Option(
            help="A saved detector, or the name of one that needs no fit; none for no alerts. "
            "The profile's rules by default, if it has some."
        ),
    ] = None,
    fsync: Annotated[
        str, typer.Option(help="always, never, or the seconds a power cut may cost.")
    ] = "1",
    reconnect: Annotated[
        bool, typer.Option("--reconnect", help="Open the link again when it is lost.")
    ] = False,
    as_json: Annotated[bool, typer.Option("--json", help="Print a summary as JSON.")] = False,
) -> None:
    """Record what a device sends, and say what is wrong with it as it happens.

    Every byte is on disk before it is looked at. Ctrl+C ends the recording in good order.

    Example: sensorkit capture /dev/ttyUSB0 --out recordings/bench --duration 60
    """
    from sensorkit.capture.clock import AnchoredClock
    from sensorkit.capture.recorder import record
    from sensorkit.capture.writer import RecordingWriter
    from sensorkit.profile import Profile
    from sensorkit.wire.links import open_link

    device = Profile.load(profile)
    seconds = _fsync(fsync)
    watcher = _detector(detector, device)
    if reconnect and link.startswith(("file:", "-")):
        raise UsageError(f"--reconnect: {link} is no link that comes back; leave it out")
    if folder.exists():  # before a port is opened: that alone resets some boards
        raise RecordingError(
            f"{folder}: is already there, and a recording is never overwritten; choose another "
            "--out or remove it"
        )

    def open_again() -> Link:
        return open_link(link, baud=baud)

    clock = AnchoredClock()
    opened = open_again()
    try:
        writer = RecordingWriter(
            folder, device, link={"url": link, "baud": baud}, started_ns=clock(), fsync=seconds
        )
    except BaseException:
        opened.close()
        raise
    if opened.name != link:  # a new pseudo-terminal, or a socket that listens
        err.print(f"sensorkit: recording what is sent to {printable(opened.name)}")
    with stop_on_signal() as stop:
        recorder = record(
            opened,
            writer,
            duration_s=duration,
            frames=frames,
            clock=clock,
            stop=stop,
            reopen=open_again if reconnect else None,
        )
        watch = _Watch(recorder, watcher, quiet=as_json)
        try:
            watch.run()
        except LinkLost:
            pass  # the recording is whole; the summary says it
        finally:
            recorder.close()
            recorder.link.close()
            watch.finish()
    _summarize(recorder, watch, as_json=as_json)


def _fsync(text: str) -> float | None:
    """Return the seconds between two fsyncs, 0 for always, None for never."""
    if text in {"always", "never"}:
        return 0.0 if text == "always" else None
    try:
        seconds = float(text)
    except ValueError:
        seconds = 0.0
    if not 0 < seconds < float("inf"):
        raise UsageError(f"--fsync {text}: always, never, or a number of seconds above 0 is wanted")
    return seconds


def _detector(wanted: str | None, profile: Profile) -> Detector | None:
    from sensorkit import detect

    if wanted == "none" or (wanted is None and not profile.rules):
        return None
    if wanted is not None and (Path(wanted).suffix or Path(wanted).exists()):
        return detect.load(wanted)
    return detect.make(wanted or "rules", profile=profile)


class _Watch:
    """A capture as it runs: its status line, and the alerts of a detector."""

    def __init__(self, recorder: Recorder, detector: Detector | None, *, quiet: bool) -> None:
        self.alerts: list[Alert] = []
        self.failure: Exception | None = None
        self._recorder = recorder
        self._detector = detector
        self._wanted = detector is not None
        self._quiet = quiet

    def run(self) -> None:
        """Record to the end."""
        moves = err.is_terminal and not self._quiet
        status = _Status(self._recorder)
        with Live(
            console=err,
            refresh_per_second=4,
            transient=True,
            get_renderable=status.line if moves else Text,
            auto_refresh=moves,
            redirect_stdout=moves and sys.stdout.isatty(),
            redirect_stderr=moves,
        ):
            for readings in self._recorder:
                status.update(readings)
                self._ask(partial(_judge, readings, self._recorder.now))

    def finish(self) -> None:
        """Close the open episodes and write the report, whatever has happened."""
        from sensorkit import detect
        from sensorkit.capture import layout

        if not self._wanted:
            return
        self._ask(lambda detector: detector.finish())
        text = json.dumps(detect.report(self.alerts), indent=2, ensure_ascii=False, allow_nan=False)
        try:
            folder = self._recorder.writer.dir / layout.DERIVED
            folder.mkdir(exist_ok=True)
            layout.write_whole(folder / "anomaly_report.json", text + "\n")
        except OSError as error:  # the disk that the capture has failed on
            log.error("anomaly_report.json could not be written: %s", error)

    def _ask(self, question: Callable[[Detector], list[Alert]]) -> None:
        if self._detector is None:
            return
        try:
            fresh = question(self._detector)
        except Exception as error:  # a detector that fails must not cost a byte
            self.failure = error
            self._detector = None
            log.exception("the detector failed")
            err.print(f"sensorkit: no more alerts, the detector failed: {printable(str(error))}")
            return
        self.alerts += fresh
        if not self._quiet:
            for alert in fresh:
                _say(alert)


def _judge(readings: Readings, now: int, detector: Detector) -> list[Alert]:
    """Return what *detector* makes of a batch, or of the time that passed without one."""
    return detector.alerts(readings) if len(readings) else detector.advance(now)


def _say(alert: Alert) -> None:
    from sensorkit.readings import isoformat

    text = f"{isoformat(alert.start)}  {alert.severity:<8}  {alert.type}  {alert.description}"
    # Not `out.print`: a console looks through what the moving line puts in the place of stdout,
    # and would write into that line instead of above it.
    sys.stdout.write(printable(text) + "\n")
    sys.stdout.flush()  # a pipe reads along


class _Status:
    """The line that moves while a capture runs."""

    def __init__(self, recorder: Recorder) -> None:
        self._recorder = recorder
        self._units = [channel.unit for channel in recorder.writer.profile.channels]
        self._names = recorder.writer.profile.channel_names
        self._values: list[str] = []
        self._seen: list[tuple[float, int]] = [(time.monotonic(), 0)]
        self._started = self._seen[0][0]

    def update(self, readings: Readings) -> None:
        """Take note of the newest values."""
        if len(readings):
            last = readings.values[-1].tolist()
            self._values = [
                f"{name} {value:g}{unit}"
                for name, value, unit in zip(self._names, last, self._units, strict=True)
            ]

    def line(self) -> Text:
        """Return the line as it stands now."""
        now, counts = time.monotonic(), self._recorder.counts
        self._seen.append((now, counts.frames))
        while len(self._seen) > 2 and now - self._seen[0][0] > RATE_WINDOW_S:
            self._seen.pop(0)
        (then, before), elapsed = self._seen[0], now - self._started
        rate = (counts.frames - before) / (now - then) if now > then else 0.0
        parts = [
            f"{elapsed:6.1f} s",
            f"{counts.frames} frames",
            f"{rate:.1f}/s",
            f"{sum(counts.rejected.values())} rejected",
            f"{counts.lost} lost",
            *self._values,
            "SILENT" if self._recorder.stream.silent else "alive",
        ]
        return Text(printable("  ".join(parts)), no_wrap=True, overflow="ellipsis")


def _summarize(recorder: Recorder, watch: _Watch, *, as_json: bool) -> None:
    """Say how it went; a capture that brought nothing, or less than asked, has failed."""
    from sensorkit import detect

    counts = recorder.counts
    folder = recorder.writer.dir
    problem = _problem(recorder, watch.failure)
    if as_json:
        print_json(
            {
                "recording": str(folder),
                "status": recorder.status,
                "reason": recorder.reason,
                "counts": recorder.writer.meta["counts"],
                "alerts": detect.report(watch.alerts),
                "problem": problem,
            }
        )
    else:
        rejected, n = sum(counts.rejected.values()), len(watch.alerts)
        out.print(
            f"{printable(str(folder))}: {counts.frames} frames, {rejected} lines rejected, "
            f"{counts.lost} lost, {n} alert{'' if n == 1 else 's'} ({printable(recorder.reason)})"
        )
    if problem is not None:
        raise RunError(problem)


def _problem(recorder: Recorder, failure: Exception | None) -> str | None:
    """Return what is wrong with the capture, in one sentence."""
    counts, folder = recorder.counts, recorder.writer.dir
    if recorder.status == "failed":
        return f"{recorder.reason}; what came until then is in {folder}"
    if not counts.received_bytes:
        return (
            f"{recorder.link.name}: nothing arrived; check the cable, the device's power, and that "
            "it is the right port (`sensorkit ports`)"
        )
    lines = counts.frames + sum(counts.rejected.values())
    if not counts.frames or (lines >= ENOUGH_LINES and counts.frames < GARBAGE_SHARE * lines):
        rejected = counts.rejected
        why = max(rejected, key=lambda reason: rejected[reason], default="no line end")
        return (
            f"{folder}: only {counts.frames} of {lines} lines could be read (mostly: {why}); the "
            "baud rate (--baud) or the format (--profile) is probably wrong"
        )
    if recorder.status == "aborted":
        return f"{recorder.reason}; what came is in {folder}"
    if failure is not None:
        return f"the detector failed: {failure}; the recording in {folder} is whole"
    return None
