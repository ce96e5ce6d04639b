"""`sensorkit capture`: from a link to a recording, with alerts as they happen."""

from __future__ import annotations

import shlex
import sys
import time
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from sensorkit.cli.app import command, counted, err, out, print_json, printable, stop_on_signal
from sensorkit.cli.probing import probed
from sensorkit.cli.quantities import duration as checked_duration
from sensorkit.cli.quantities import fsync_interval, line_speed, size, size_or_time
from sensorkit.cli.watching import (
    ENOUGH_LINES,
    Watch,
    hint,
    is_garbage,
    look_at,
    main_reason,
    warn_of_others,
)
from sensorkit.errors import LinkLost, RecordingError, RunError, UsageError

if TYPE_CHECKING:
    from sensorkit.capture.pump_process import PumpProcess
    from sensorkit.capture.recorder import Recorder
    from sensorkit.detect import Detector
    from sensorkit.profile import Profile
    from sensorkit.wire.links import Link
    from sensorkit.wire.reopening import Reopening

MUCH_LAG_BYTES = 10_000_000
"""With so much still to be decoded, one who pressed Ctrl+C waits for seconds and is told why."""


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
    probe: Annotated[
        bool,
        typer.Option(
            "--probe", help="Try the common speeds and the shipped formats first; use the best."
        ),
    ] = False,
    duration: Annotated[float | None, typer.Option(help="Stop after these seconds.")] = None,
    frames: Annotated[
        int | None, typer.Option(min=1, help="Stop once there are so many valid frames.")
    ] = None,
    max_size: Annotated[
        str | None,
        typer.Option(metavar="SIZE", help="Stop once so many bytes have come: 500kB, 2GB."),
    ] = None,
    rotate: Annotated[
        str | None,
        typer.Option(
            metavar="SIZE|TIME", help="Begin a new raw file at this size or age: 100MB, 1h, 1d."
        ),
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
        bool,
        typer.Option(
            "--reconnect",
            help="Wait for a lost device and open it again, under whatever name it comes back.",
        ),
    ] = False,
    as_json: Annotated[bool, typer.Option("--json", help="Print a summary as JSON.")] = False,
) -> None:
    """Record what a device sends, and say what is wrong with it as it happens.

    Every byte is on disk before it is looked at. Ctrl+C ends the recording in good order.

    Example: sensorkit capture /dev/ttyUSB0 --out recordings/bench --duration 60
    """
    from sensorkit.profile import Profile

    wanted = _Wanted(
        link=link,
        folder=folder,
        profile=Profile.load(profile),
        baud=line_speed(baud, "--baud"),
        duration_s=None if duration is None else checked_duration(duration, "--duration"),
        frames=frames,
        max_bytes=None if max_size is None else size(max_size, "--max-size"),
        rotate=None if rotate is None else size_or_time(rotate, "--rotate"),
        fsync_s=fsync_interval(fsync),
        reconnect=reconnect,
    )
    watcher = _detector(detector, wanted.profile)  # a wrong name is said before a port is opened
    if reconnect and link.startswith(("file:", "-")):
        raise UsageError(f"--reconnect: {link} is no link that comes back; leave it out")
    if folder.exists():  # before a port is opened: that alone resets some boards
        raise RecordingError(
            f"{folder}: is already there, and a recording is never overwritten; choose another "
            "--out or remove it"
        )
    looked_at: Link | None = None
    if probe:
        best, looked_at = probed(link, wanted.profile, baud)
        if best.profile is not wanted.profile:
            watcher = _detector(detector, best.profile)
        wanted = replace(wanted, profile=best.profile, baud=best.baud or baud)
    _run(wanted, watcher, looked_at, as_json=as_json)


@dataclass(frozen=True)
class _Wanted:
    """What the user asked for, checked."""

    link: str
    folder: Path
    profile: Profile
    baud: int
    duration_s: float | None
    frames: int | None
    max_bytes: int | None
    rotate: tuple[int | None, float | None] | None
    fsync_s: float | None
    reconnect: bool


def _run(
    wanted: _Wanted, detector: Detector | None, looked_at: Link | None, *, as_json: bool
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
            duration_s=wanted.duration_s,
            frames=wanted.frames,
            max_bytes=wanted.max_bytes,
            clock=clock,
            stop=asked_to_stop,
            reopen=reopen if wanted.reconnect else None,
            pump=pump,
        )
        known_baud = wanted.baud if has_baud(wanted.link) else None
        watch = Watch(recorder, detector, quiet=as_json, baud=known_baud)
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
    _summarize(recorder, watch, known_baud, as_json=as_json)


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


def _writer(wanted: _Wanted, reopening: Reopening, opened: Link, started_ns: int) -> Any:
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
            started_ns=started_ns,
            fsync=wanted.fsync_s,
            rotate=None if wanted.rotate is None else Rotate(*wanted.rotate),
        )
    except BaseException:
        opened.close()
        raise


def _detector(wanted: str | None, profile: Profile) -> Detector | None:
    from sensorkit import detect

    if wanted == "none" or (wanted is None and not profile.rules):
        return None
    if wanted is not None and (Path(wanted).suffix or Path(wanted).exists()):
        return detect.load(wanted)
    return detect.make(wanted or "rules", profile=profile)


def _summarize(recorder: Recorder, watch: Watch, baud: int | None, *, as_json: bool) -> None:
    """Say how it went; a capture that brought nothing, or less than asked, has failed."""
    from sensorkit import detect

    counts = recorder.counts
    folder = recorder.writer.dir
    problem = _problem(recorder, watch.failure, baud)
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
        rejected = sum(counts.rejected.values())
        out.print(
            f"{printable(str(folder))}: {counted(counts.frames, 'frame')}, "
            f"{counted(rejected, 'line')} rejected, {counts.lost} lost, "
            f"{counted(len(watch.alerts), 'alert')} ({printable(recorder.reason)})"
        )
    if problem is not None:
        raise RunError(problem)


def _nothing(link: str) -> str:
    """Return what to look at when not a byte came."""
    if link.startswith(("file:", "-")):
        return "is empty; check what should be in it"
    if "://" in link:
        return "nothing arrived; check that the far end sends, and is not busy with another reader"
    return (
        "nothing arrived; check the cable, the device's power, and that it is the right port "
        "(`sensorkit ports`)"
    )


def _read_of(frames: int, lines: int) -> str:
    """Return how few of the lines were frames.

    >>> _read_of(0, 1), _read_of(2, 30)
    ('the only line could not be read', 'only 2 of 30 lines could be read')
    """
    if not lines:
        return "bytes came, but no line end"
    if lines == 1:
        return "the only line could not be read"
    return f"{f'only {frames}' if frames else 'none'} of {lines} lines could be read"


def _problem(recorder: Recorder, failure: Exception | None, baud: int | None) -> str | None:
    """Return what is wrong with the capture, in one sentence."""
    counts, folder = recorder.counts, recorder.writer.dir
    if recorder.status == "failed":
        return f"{recorder.reason}; what came until then is in {folder}"
    if not counts.received_bytes:
        return f"{recorder.link.name}: {_nothing(recorder.link.name)}"
    rejected = sum(counts.rejected.values())
    lines = counts.frames + rejected
    if not counts.frames or (lines >= ENOUGH_LINES and is_garbage(counts.frames, rejected)):
        why = main_reason(counts.rejected)
        found = look_at(folder, baud)
        return (
            f"{folder}: {_read_of(counts.frames, lines)}{f' (mostly: {why})' if why else ''}; "
            f"{found.findings()}; {found.advice(why, recorder.writer.profile.name)}"
        )
    if recorder.status == "aborted":
        return f"{recorder.reason}; what came is in {folder}"
    if failure is not None:
        return f"the detector failed: {failure}; the recording in {folder} is whole"
    return None
