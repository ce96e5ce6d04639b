"""`sensorkit emulate` and `sensorkit inject`: devices and faults made to order."""

from __future__ import annotations

import os
import sys
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import closing, contextmanager
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from sensorkit.cli.app import command, err, out, print_json, printable, stop_on_signal
from sensorkit.errors import LinkLost, UsageError

if TYPE_CHECKING:
    from sensorkit.emulator import Emulator
    from sensorkit.wire.links import Link

# A reader that is alive takes what a pseudo-terminal holds (13 kB) in far less.
DRAIN_S = 5.0


class Checksum(StrEnum):
    """The checksums a frame can end with."""

    none = "none"
    xor = "xor"
    crc16 = "crc16"


@command("emulate")
def emulate(
    profile: Annotated[str, typer.Argument(help="A shipped profile, or the path of a .yaml file.")],
    link: Annotated[
        Path | None, typer.Option(help="Make this symbolic link to the pseudo-terminal.")
    ] = None,
    port: Annotated[
        str | None,
        typer.Option(
            help="Send there instead of to a new pseudo-terminal: a device or COM name, "
            "socket://HOST:PORT (listens there), file:PATH, - (standard output)."
        ),
    ] = None,
    baud: Annotated[int, typer.Option(min=1, help="Speed of a real port.")] = 115200,
    rate: Annotated[
        float | None, typer.Option(help="Frames a second; the profile's by default.")
    ] = None,
    speed: Annotated[
        str, typer.Option(help="How many times faster than the device, or max.")
    ] = "1",
    duration: Annotated[
        float | None, typer.Option(help="Stop after these seconds of the device's time.")
    ] = None,
    frames: Annotated[
        int | None, typer.Option(min=1, help="Stop after this many frames, silent ones included.")
    ] = None,
    faults: Annotated[
        str | None, typer.Option(help="A shipped fault plan, or the path of a .yaml file.")
    ] = None,
    labels: Annotated[
        Path | None, typer.Option(help="Write what went wrong, and when, to this new file.")
    ] = None,
    seed: Annotated[int, typer.Option(min=0, help="Same seed, same bytes.")] = 0,
    hold: Annotated[
        str | None, typer.Option(help="Stay in this state of the profile, such as NORMAL.")
    ] = None,
    checksum: Annotated[
        Checksum | None, typer.Option(help="What frames end with; the profile's by default.")
    ] = None,
    sequence: Annotated[
        bool, typer.Option("--sequence/--no-sequence", help="Count the frames.")
    ] = True,
    uptime: Annotated[
        bool, typer.Option("--uptime/--no-uptime", help="Say the seconds since the start.")
    ] = True,
) -> None:
    """Emulate a device on a pseudo-terminal, a port, a socket or a file.

    Prints the port to open. Ctrl+C stops it.

    Example: sensorkit emulate serial_monitor --link /tmp/monitor --faults forced_failure
    """
    from sensorkit.capture.tables import label_lines
    from sensorkit.emulator import Emulator
    from sensorkit.faults import FaultPlan
    from sensorkit.profile import Profile

    pace = _pace(speed)
    known_s = duration
    device = Profile.load(profile)
    if frames is not None:
        at_s = frames / rate if rate else frames / device.rate_hz
        known_s = at_s if duration is None else min(duration, at_s)
    emulator = Emulator(
        device,
        plan=None if faults is None else FaultPlan.load(faults),
        seed=seed,
        rate_hz=rate,
        hold=hold,
        duration_s=known_s,
        checksum=None if checksum is None else checksum.value,
        sequence=sequence,
        uptime=uptime,
    )
    if labels is not None:
        _check_free(labels)
    with stop_on_signal() as stop, _open(port, link, baud) as (target, name):
        _announce(name, emulator, waits=hasattr(target, "has_reader"))
        try:
            served = emulator.serve(
                target,
                speed=pace,
                duration_s=duration,
                frames=frames,
                stop=stop,
                wall_clock=time.time_ns,
            )
        except LinkLost:
            if port != "-":
                raise
            # `sensorkit emulate ... --port - | head`: the reader has seen enough.
            sys.stderr.close()
            raise typer.Exit from None
        finally:
            if labels is not None:
                labels.write_text(label_lines(emulator.labels), encoding="utf-8", newline="\n")
    lost = f", {served.lost} lost because nobody read them" if served.lost else ""
    err.print(f"sensorkit: sent {served.frames} frames, {served.bytes} bytes{lost}")


def _pace(speed: str) -> float | None:
    """Return the factor, None for max."""
    if speed == "max":
        return None
    try:
        pace = float(speed)
    except ValueError:
        pace = 0.0
    if not 0 < pace < float("inf"):
        raise UsageError(f"--speed {speed}: a number above 0 is wanted, or max")
    return pace


def _check_free(labels: Path) -> None:
    """Refuse a file that cannot be written: after hours of running it would be too late."""
    if labels.exists():
        raise UsageError(f"{labels}: is already there; choose another name")
    if not os.access(labels.parent, os.W_OK):
        raise UsageError(f"{labels}: its folder is not there or cannot be written; check the path")


@contextmanager
def _open(port: str | None, link: Path | None, baud: int) -> Iterator[tuple[Link, str]]:
    """Open what frames are sent to; give it and the name a reader opens."""
    from sensorkit.wire.links import PtyLink, open_link

    if port is None:
        # Windows has no pseudo-terminals.
        port = "listen://127.0.0.1:0" if sys.platform == "win32" else f"pty:{link or ''}"
    elif link is not None:
        raise UsageError(f"--link {link}: names a pseudo-terminal; leave --port {port} out")
    if port.startswith("socket://"):
        # The emulator is the device: the reader comes to it.
        port = port.replace("socket://", "listen://", 1)
    with closing(open_link(port, baud=baud, writing=True)) as target:
        yield target, target.name.removeprefix("pty:")
        # Closing this end throws away what the reader has not taken yet.
        if isinstance(target, PtyLink) and target.has_reader() and not target.pair.drain(DRAIN_S):
            err.print("sensorkit: the reader did not take the last frames")


def _announce(name: str, emulator: Emulator, *, waits: bool) -> None:
    """Say where to read: the name alone on stdout, for scripts; the rest on stderr."""
    if name != "-":
        out.print(printable(name))
    sys.stdout.flush()
    waiting = "; waiting for a reader" if waits else ""
    err.print(
        f"sensorkit: {printable(emulator.profile.name)} at {emulator.rate_hz:g} Hz on "
        f"{printable(name)}{waiting}; Ctrl+C stops it"
    )


@command("inject")
def inject(
    recording: Annotated[Path, typer.Argument(help="The folder of a healthy recording.")],
    faults: Annotated[str, typer.Option(help="A shipped fault plan, or the path of a .yaml file.")],
    out_dir: Annotated[Path, typer.Option("--out", help="The new folder.")],
    seed: Annotated[int, typer.Option(min=0, help="Same seed, same faults.")] = 0,
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON.")] = False,
) -> None:
    """Copy a recording and put labelled faults into the copy.

    Example: sensorkit inject healthy --faults mixed --out faulted --seed 1
    """
    from sensorkit.capture import Recording
    from sensorkit.capture.injected import inject_recording
    from sensorkit.faults import FaultPlan

    plan = FaultPlan.load(faults)
    if not plan.faults:
        raise UsageError(f"{faults}: has no faults; list some under `faults:`")
    made = inject_recording(Recording.open(recording), plan, out_dir, seed=seed)
    placed = Counter(fault.kind for fault in plan.faults)
    if as_json:
        print_json({"recording": str(made.dir), "seed": seed, "faults": dict(placed)})
        return
    kinds = ", ".join(f"{count} {kind}" for kind, count in sorted(placed.items()))
    out.print(f"{made.dir}: {len(plan.faults)} faults placed: {kinds}")
