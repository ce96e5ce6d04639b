"""`sensorkit emulate` and `sensorkit inject`: devices and faults made to order."""

from __future__ import annotations

import gc
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
    from sensorkit.emulator import Emulator, Served
    from sensorkit.emulator.truth_file import TruthWriter
    from sensorkit.faults import FaultPlan
    from sensorkit.wire.links import Link

MOST_FRAMES = 10**15
"""As many as the fastest rate and the longest time that are possible."""

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
    baud: Annotated[
        int | None,
        typer.Option(
            min=1,
            help="Speed of the line: bytes leave at it, and those that nobody takes in time are "
            "lost. A real port is set to it (115200 by default).",
        ),
    ] = None,
    packet: Annotated[
        float | None,
        typer.Option(
            help="With --baud: bytes arrive every so many ms; 1 (USB) by default, 16 as FTDI."
        ),
    ] = None,
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
        int | None,
        typer.Option(
            min=1, max=MOST_FRAMES, help="Stop after this many frames, silent ones included."
        ),
    ] = None,
    faults: Annotated[
        str | None, typer.Option(help="A shipped fault plan, or the path of a .yaml file.")
    ] = None,
    labels: Annotated[
        Path | None, typer.Option(help="Write what went wrong, and when, to this new file.")
    ] = None,
    truth: Annotated[
        Path | None,
        typer.Option(
            help="Write each frame sent, each byte lost and each fault to this new file, for "
            "`sensorkit verify --truth`."
        ),
    ] = None,
    once: Annotated[
        bool, typer.Option("--once", help="End when the reader leaves; wait for the next if not.")
    ] = False,
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
    if packet is not None and baud is None:
        raise UsageError(f"--packet {packet:g}: bytes arrive in packets on a line with --baud only")
    known_s = duration
    device = Profile.load(profile)
    if frames is not None:
        at_s = frames / rate if rate else frames / device.rate_hz
        known_s = at_s if duration is None else min(duration, at_s)
    plan = None if faults is None else FaultPlan.load(faults)
    emulator = Emulator(
        device,
        plan=plan,
        seed=seed,
        rate_hz=rate,
        hold=hold,
        duration_s=known_s,
        checksum=None if checksum is None else checksum.value,
        sequence=sequence,
        uptime=uptime,
    )
    for path in (labels, truth):
        if path is not None:
            _check_free(path)
    # A full collection looks at all that was ever imported, and the line waits meanwhile.
    gc.collect()
    gc.freeze()
    with (
        stop_on_signal() as stop,
        _open(port, link, baud, _unplugs(plan)) as (target, name),
        _truth(truth, emulator, baud, packet, faults) as writer,
    ):
        _announce(name, emulator, waits=hasattr(target, "has_reader"))
        try:
            served = emulator.serve(
                target,
                speed=pace,
                baud=None if _has_own_uart(target) else baud,
                packet_ms=packet or 1.0,
                once=once,
                truth=writer,
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
    err.print(f"sensorkit: {_told(served, baud)}")


def _told(served: Served, baud: int | None) -> str:
    """Return what was sent and what was lost."""
    text = f"sent {served.frames} frames, {served.bytes} bytes"
    if served.lost and baud is None:
        text += f", {served.lost} lost because nobody read them"
    elif served.lost:
        text += f"; {served.lost} frames lost some or all of their bytes ({served.dropped})"
    if served.held_s >= 0.001:
        text += f"; the line stood still for {served.held_s:.3f} s, this machine was too busy"
    return text


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


def _unplugs(plan: FaultPlan | None) -> bool:
    """Return whether a fault of *plan* takes the port away."""
    from sensorkit.faults.base import TransportKind

    kinds = [fault.of for fault in plan.faults] if plan is not None else []
    return any(isinstance(kind, TransportKind) and kind.unplugs for kind in kinds)


def _has_own_uart(target: Link) -> bool:
    """Return whether *target* is a real port, which sends at its speed by itself."""
    from sensorkit.wire.links import PyserialLink

    if isinstance(target, PyserialLink):
        return True
    # A device path that is no pseudo-terminal.
    path = os.path.realpath(target.name)
    return path.startswith("/dev/") and not path.startswith(("/dev/pts/", "/dev/ttys"))


@contextmanager
def _truth(
    path: Path | None, emulator: Emulator, baud: int | None, packet: float | None, plan: str | None
) -> Iterator[TruthWriter | None]:
    """Open the truth file, if one is wanted."""
    from sensorkit.emulator.truth_file import TruthWriter

    if path is None:
        yield None
        return
    facts = {
        "profile": emulator.profile.name,
        "device": emulator.profile.device,
        "rate_hz": emulator.rate_hz,
        "seed": emulator.seed,
        "baud": baud,
        "packet_ms": packet,
        "plan": plan,
    }
    with TruthWriter(path, facts) as writer:
        yield writer


@contextmanager
def _open(
    port: str | None, link: Path | None, baud: int | None, unplugs: bool
) -> Iterator[tuple[Link, str]]:
    """Open what frames are sent to; give it and the name a reader opens."""
    from sensorkit.emulator.plug import Plug, here, plug_pty, plug_socket
    from sensorkit.wire.links import PtyLink, open_link

    if port is None:
        # Windows has no pseudo-terminals.
        port = "listen://127.0.0.1:0" if sys.platform == "win32" else f"pty:{link or ''}"
    elif link is not None:
        raise UsageError(f"--link {link}: names a pseudo-terminal; leave --port {port} out")
    if port.startswith("socket://"):
        # The emulator is the device: the reader comes to it.
        port = port.replace("socket://", "listen://", 1)
    opened: Link
    if unplugs and link is not None and port.startswith("pty:"):
        opened = plug_pty(link)
    elif unplugs and port.startswith("listen://"):
        opened = plug_socket(port)
    elif unplugs:
        raise UsageError(
            "--faults: the plan unplugs the device, and the port must come back under a name that "
            "stays; add --link PATH, or send to a --port socket://HOST:PORT"
        )
    else:
        opened = open_link(port, baud=baud or 115200, writing=True)
    with closing(opened) as target:
        yield target, target.name.removeprefix("pty:")
        last = target.link if isinstance(target, Plug) else target
        # Closing this end throws away what the reader has not taken yet.
        if isinstance(last, PtyLink) and here(target) and not last.pair.drain(DRAIN_S):
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
