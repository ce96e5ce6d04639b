"""`sensorkit capture`: from a link to a recording, with alerts as they happen."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from sensorkit.cli.app import command, printable, stop_on_signal
from sensorkit.cli.capture.feeding import Feed
from sensorkit.cli.capture.probing import probed
from sensorkit.cli.capture.run import Wanted, run
from sensorkit.cli.capture.sinking import Sinks
from sensorkit.cli.capture.watching import hint
from sensorkit.cli.quantities import duration as checked_duration
from sensorkit.cli.quantities import fsync_interval, size, size_or_time
from sensorkit.cli.session.links import checked_speeds, named_links
from sensorkit.errors import RecordingError, UsageError

if TYPE_CHECKING:
    from sensorkit.detect import Detector
    from sensorkit.profile import Profile
    from sensorkit.wire.links import Link


@command("capture")
def capture(
    links: Annotated[
        list[str],
        typer.Argument(
            metavar="[NAME=]LINK...",
            help="A device path or COM name, pty:, socket://HOST:PORT, file:PATH, - (standard "
            "input), or any URL of pyserial. Of several each becomes a recording of its own.",
        ),
    ],
    folder: Annotated[
        Path,
        typer.Option("--out", help="The new folder of the recording; of several links, of all."),
    ],
    profile: Annotated[
        list[str],
        typer.Option(
            metavar="[NAME=]PROFILE",
            help="A shipped profile, or the path of a .yaml file; NAME=... for one of several "
            "links.",
        ),
    ] = ["serial_monitor"],  # noqa: B006 - typer shows it, and hands out a copy
    baud: Annotated[
        list[str],
        typer.Option(
            metavar="[NAME=]BAUD",
            help="Speed of a serial port; NAME=... for one of several.",
            callback=checked_speeds,
        ),
    ] = ["115200"],  # noqa: B006
    device: Annotated[
        str | None,
        typer.Option(
            metavar="NAME",
            help="What the device column says where the frames do not; the profile's by default.",
        ),
    ] = None,
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
    quality_window: Annotated[
        int | None,
        typer.Option(
            min=1, max=1_000_000, help="Judge the data quality of so many lines as they come."
        ),
    ] = None,
    quality_interval: Annotated[
        float, typer.Option(min=0.01, help="Seconds between two looks at the data quality.")
    ] = 1.0,
    quality_below: Annotated[
        float, typer.Option(min=0, max=100, help="A score below that is an alert.")
    ] = 70.0,
    error_rate_above: Annotated[
        float, typer.Option(min=0, max=1, help="A larger share of rejected lines is an alert.")
    ] = 0.1,
    anomalies_above: Annotated[
        int, typer.Option(min=0, help="More alerts of the detector in the window are one.")
    ] = 10,
    memory_mb_above: Annotated[
        float, typer.Option(min=1, metavar="MB", help="More memory than that is an alert.")
    ] = 400.0,
    as_json: Annotated[bool, typer.Option("--json", help="Print a summary as JSON.")] = False,
    feed: Annotated[bool, typer.Option("--feed", hidden=True)] = False,
) -> None:
    """Record what devices send, and say what is wrong with them as it happens.

    Every byte is on disk before it is looked at. Ctrl+C ends the recording in good order. Of
    several links each is recorded by a process of its own, into a folder of its own in --out.

    Example: sensorkit capture /dev/ttyUSB0 --out recordings/bench --duration 60
    Example: sensorkit capture left=/dev/ttyUSB0 right=/dev/ttyUSB1 --out recordings/line
    """
    named = named_links(links, profile, baud, device)
    Sinks().close()  # a file that cannot be written is said now
    duration_s = None if duration is None else checked_duration(duration, "--duration")
    max_bytes = None if max_size is None else size(max_size, "--max-size")
    rotated = None if rotate is None else size_or_time(rotate, "--rotate")
    fsync_s = fsync_interval(fsync)
    # A wrong name is said before a port is opened.
    watchers = [_detector(detector, one.profile) for one in named]
    for one in named:
        if reconnect and one.url.startswith(("file:", "-")):
            raise UsageError(f"--reconnect: {one.url} is no link that comes back; leave it out")
    if folder.exists():  # before a port is opened: that alone resets some boards
        raise RecordingError(
            f"{folder}: is already there, and a recording is never overwritten; choose another "
            "--out or remove it"
        )
    if len(named) > 1:
        from sensorkit.cli.session.capture import capture_all

        capture_all(named, folder, stop_on_signal, as_json=as_json)
        return
    (one,), (watcher,) = named, watchers
    wanted = Wanted(
        link=one.url,
        folder=folder,
        device=one.name,
        profile=one.profile,
        baud=one.baud,
        duration_s=duration_s,
        frames=frames,
        max_bytes=max_bytes,
        rotate=rotated,
        fsync_s=fsync_s,
        reconnect=reconnect,
    )
    looked_at: Link | None = None
    if probe:
        best, looked_at = probed(one.url, one.profile, one.baud)
        if best.profile is not one.profile:
            watcher = _detector(detector, best.profile)
        wanted = replace(wanted, profile=best.profile, baud=best.baud or one.baud)
    told = Feed() if feed else None
    judged = None
    if quality_window is not None:
        from sensorkit.cli.capture.quality_watch import QualityWatch
        from sensorkit.quality import Thresholds

        thresholds = Thresholds(
            quality_below=quality_below,
            error_rate_above=error_rate_above,
            anomalies_above=anomalies_above,
            memory_mb_above=memory_mb_above,
        )
        judged = QualityWatch(wanted.profile, quality_window, quality_interval, thresholds)
    run(wanted, watcher, looked_at, stop_on_signal, as_json=as_json, feed=told, quality=judged)


def _detector(wanted: str | None, profile: Profile) -> Detector | None:
    from sensorkit import detect

    if wanted == "none":
        return None
    if wanted is None:
        return _usual(profile)
    if wanted is not None and (Path(wanted).suffix or Path(wanted).exists()):
        return detect.load(wanted)
    return detect.make(wanted, profile=profile)


def _usual(profile: Profile) -> Detector | None:
    """Return what watches the device where nobody names a detector."""
    from sensorkit import detect

    chosen = detect.usual(profile)
    if profile.detector is None or not getattr(chosen, "must_be_fitted", False):
        return chosen
    hint(
        f"the detector of profile {printable(profile.name)} ({printable(profile.detector.name)}) "
        "has to be fitted first, so the rules watch; fit it with `sensorkit detect --save FILE` "
        "and give that as --detector FILE"
    )
    return detect.make("rules", profile=profile) if profile.rules else None
