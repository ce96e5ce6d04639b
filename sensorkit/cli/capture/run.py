"""One capture: open the link, record it to the end, and say how it went."""

from __future__ import annotations

import shlex
import sys
import time
from collections.abc import Callable
from contextlib import AbstractContextManager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import typer

from sensorkit.cli.app import err, printable
from sensorkit.cli.capture.summary import summarize
from sensorkit.cli.capture.watching import Watch, hint, warn_of_others
from sensorkit.errors import LinkLost

if TYPE_CHECKING:
    from sensorkit.capture.pump_process import PumpProcess
    from sensorkit.capture.recorder import Recorder
    from sensorkit.cli.capture.feeding import Feed
    from sensorkit.cli.capture.quality_watch import QualityWatch
    from sensorkit.detect import Detector
    from sensorkit.profile import Profile
    from sensorkit.wire.links import Link
    from sensorkit.wire.reopening import Reopening

StopOnSignal = Callable[[], AbstractContextManager[Callable[[], bool]]]

MUCH_LAG_BYTES = 10_000_000
"""With so much still to be decoded, one who pressed Ctrl+C waits for seconds and is told why."""


@dataclass(frozen=True)
class Wanted:
    """What the user asked for, checked."""

    link: str
    folder: Path
    device: str | None
    profile: Profile
    baud: int
    duration_s: float | None
    frames: int | None
    max_bytes: int | None
    rotate: tuple[int | None, float | None] | None
    fsync_s: float | None
    reconnect: bool


def run(
    wanted: Wanted,
    detector: Detector | None,
    looked_at: Link | None,
    stop_on_signal: StopOnSignal,
    *,
    as_json: bool = False,
    feed: Feed | None = None,
    quality: QualityWatch | None = None,
) -> None:
    """Open the link, record, and say how it went."""
    from sensorkit.capture.clock import AnchoredClock
    from sensorkit.capture.recorder import record
    from sensorkit.wire import identity
    from sensorkit.wire.links import has_baud, open_link
    from sensorkit.wire.reopening import Reopening

    clock = AnchoredClock()
    reopening = Reopening(
        wanted.link,
        lambda name: open_link(name, baud=wanted.baud),
        say=hint,
        tree=identity.HERE,
    )
    pump = _pump(wanted.link)
    try:
        opened = looked_at or reopening()
        reopening.remember()
    except BaseException:
        if pump is not None:
            pump.close()
        raise
    # From before the recording is there: whoever sees it may already ask for its end.
    with stop_on_signal() as stop:
        try:
            writer = _writer(wanted, reopening, opened, clock())
        except BaseException:
            if pump is not None:
                pump.close()
            raise
        if opened.name != wanted.link:  # a new pseudo-terminal, or a socket that listens
            err.print(f"sensorkit: recording what is sent to {printable(opened.name)}")

        def reopen() -> Link:
            if watch.status.lost_since is None:
                watch.status.lost_since = time.monotonic()
            again = reopening()
            watch.status.lost_since = None
            return again

        told = False

        def asked_to_stop() -> bool:
            nonlocal told
            if stop() and not told:
                told = True
                if recorder.lag_bytes > MUCH_LAG_BYTES:
                    hint(
                        f"{recorder.lag_bytes / 1e6:.0f} MB are still to be decoded; wait, or "
                        "press Ctrl+C again to leave that to `sensorkit recover`"
                    )
            return stop()

        recorder = record(
            opened,
            writer,
            stream=None if quality is None else quality.listen(writer),
            duration_s=wanted.duration_s,
            frames=wanted.frames,
            max_bytes=wanted.max_bytes,
            clock=clock,
            stop=asked_to_stop,
            reopen=reopen if wanted.reconnect else None,
            pump=pump,
        )
        known_baud = wanted.baud if has_baud(wanted.link) else None
        watch = Watch(
            recorder, detector, quiet=as_json, baud=known_baud, feed=feed, quality=quality
        )
        interrupted = False
        try:
            warn_of_others(opened.name)  # not before the port is read: it takes some milliseconds
            watch.run()
        except LinkLost:
            pass  # the recording is whole; the summary says it
        except KeyboardInterrupt:
            interrupted = True
        finally:
            interrupted = not _close(recorder, watch) or interrupted
    if interrupted:
        err.print(f"sensorkit: {printable(_stopped(wanted.folder))}")
        raise typer.Exit(130)
    summarize(recorder, watch, known_baud, as_json=as_json)


def _close(recorder: Recorder, watch: Watch) -> bool:
    """End the recording; return whether that was not interrupted by another Ctrl+C."""
    try:
        recorder.close()
    except KeyboardInterrupt:
        return False
    finally:
        recorder.link.close()
        watch.finish()
    return True


def _stopped(folder: Path) -> str:
    """Return what a second Ctrl+C leaves, in one sentence."""
    from sensorkit.capture import layout

    if (folder / layout.MANIFEST).exists():
        return f"the recording in {folder} was stopped in the middle; it is closed and can be read"
    return (
        f"the recording in {folder} was stopped in the middle; all that was read is in raw.log: "
        f"finish it with `sensorkit recover {shlex.quote(str(folder))}`"
    )


def _pump(link: str) -> PumpProcess | None:
    """Start the process that reads the port, before that is opened; no byte waits for Python."""
    if sys.platform == "win32" or link.startswith(("file:", "-", "loop:", "spy:", "rfc2217:")):
        return None
    from sensorkit.capture.pump_process import PumpProcess

    return PumpProcess()


def _writer(wanted: Wanted, reopening: Reopening, opened: Link, started_ns: int) -> Any:
    from sensorkit.capture.raw_log import Rotate
    from sensorkit.capture.writer import RecordingWriter

    link: dict[str, Any] = {"url": wanted.link, "baud": wanted.baud}
    port = reopening.port
    if port is not None and port.usb is not None:
        link["device"] = {
            "usb": port.usb,
            "serial_number": port.serial_number,
            "description": port.description,
            "location": port.location,
        }
    try:
        return RecordingWriter(
            wanted.folder,
            wanted.profile,
            link=link,
            device=wanted.device,
            started_ns=started_ns,
            fsync=wanted.fsync_s,
            rotate=None if wanted.rotate is None else Rotate(*wanted.rotate),
        )
    except BaseException:
        opened.close()
        raise
