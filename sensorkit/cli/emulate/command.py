"""`sensorkit emulate` and `sensorkit inject`: devices and faults made to order."""

from __future__ import annotations

import gc
import os
import sys
from collections import Counter
from collections.abc import Callable
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from sensorkit.cli.app import command, counted, err, out, print_json, printable, stop_on_signal
from sensorkit.errors import LinkLost, UsageError

if TYPE_CHECKING:
    from sensorkit.cli.emulate.lines import Line
    from sensorkit.emulator import Emulator, Served
    from sensorkit.profile import Profile

MOST_FRAMES = 10**15
"""As many as the fastest rate and the longest time that are possible."""

SLOW_HZ = 0.1
"""Below it one may think that nothing comes."""


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
    units: Annotated[
        int | None,
        typer.Option(
            min=1,
            help="So many devices, 1 by default: on one line where frames say which one they are "
            "of, else on a line each.",
        ),
    ] = None,
    anomalies: Annotated[
        float,
        typer.Option(
            metavar="SHARE",
            help="Share of the readings that are anomalous, such as 0.05: momentary faults, those "
            "of the profile where it names some.",
        ),
    ] = 0.0,
    control: Annotated[
        bool,
        typer.Option(
            "--control",
            help="Read commands while frames go out: inject UNIT KIND ..., status, list, help.",
        ),
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
    from sensorkit.cli.emulate.lines import open_lines, serve_lines
    from sensorkit.cli.emulate.truth import check_free, truth_file, write_labels
    from sensorkit.faults import FaultPlan
    from sensorkit.profile import Profile

    pace = _pace(speed)
    if packet is not None and baud is None:
        raise UsageError(f"--packet {packet:g}: bytes arrive in packets on a line with --baud only")
    listening = _listening(port) if control else None
    known_s = duration
    device = Profile.load(profile)
    if frames is not None:
        at_s = frames / rate if rate else frames / device.rate_hz
        known_s = at_s if duration is None else min(duration, at_s)
    plan = None if faults is None else FaultPlan.load(faults)
    emulators = _emulators(
        device,
        units,
        plan=plan,
        seed=seed,
        rate_hz=rate,
        hold=hold,
        duration_s=known_s,
        checksum=None if checksum is None else checksum.value,
        sequence=sequence,
        uptime=uptime,
        anomalies=anomalies,
    )
    if truth is not None and len(emulators) > 1:
        raise UsageError(
            f"--truth {truth}: tells of one line, and {len(emulators)} units of {device.name} have "
            "one each; ask for --units 1"
        )
    for path in (labels, truth):
        if path is not None:
            check_free(path)
    # A full collection looks at all that was ever imported, and the line waits meanwhile.
    gc.collect()
    gc.freeze()
    with (
        stop_on_signal() as stop,
        open_lines(emulators, port, link, baud, plan) as lines,
        truth_file(truth, emulators[0], baud, packet, faults) as writer,
    ):
        _announce(lines)
        if listening is not None:
            stop = _controlled(emulators, listening, stop)
        try:
            serve_lines(
                lines,
                stop,
                speed=pace,
                baud=baud,
                packet_ms=packet or 1.0,
                once=once,
                truth=writer,
                duration_s=duration,
                frames=frames,
            )
        except LinkLost:
            if port != "-":
                raise
            # `sensorkit emulate ... --port - | head`: the reader has seen enough.
            sys.stderr.close()
            raise typer.Exit from None
        finally:
            if labels is not None:
                write_labels(emulators, labels)
    for line in lines:
        of_one = "" if len(lines) == 1 else f"{printable(line.name)}: "
        if line.served is not None:
            err.print(f"sensorkit: {of_one}{_told(line.served, baud)}")


def _emulators(device: Profile, units: int | None, **options: Any) -> list[Emulator]:
    """Return one emulator of all units, or one of each where frames do not say whose they are."""
    from sensorkit.emulator import Emulator
    from sensorkit.emulator.units import unit_names

    names = unit_names(device, units)
    if len(names) == 1 or (device.frame is not None and device.frame.names_device):
        return [Emulator(device, units=units, **options)]
    seed = options.pop("seed")
    return [
        Emulator(
            device.model_copy(update={"device": name, "devices": ()}), seed=seed + k, **options
        )
        for k, name in enumerate(names)
    ]


def _listening(port: str | None) -> int:
    """Return the descriptor that commands come on."""
    if port == "-":
        raise UsageError(
            "--control: answers would stand between the frames on standard output; send the frames "
            "elsewhere, or leave --control out"
        )
    try:
        return sys.stdin.fileno()
    except (AttributeError, OSError, ValueError) as problem:
        raise UsageError(
            "--control: standard input is closed, so no command can come; leave it out"
        ) from problem


def _controlled(
    emulators: list[Emulator], descriptor: int, stop: Callable[[], bool]
) -> Callable[[], bool]:
    """Listen for commands; return what says whether to stop, as they may ask for it."""
    from sensorkit.cli.emulate.control import Control, listen

    control = Control(emulators)
    listen(control, descriptor, lambda answer: out.print(printable(answer)))
    if os.isatty(descriptor):
        err.print("sensorkit: commands are read here; `help` says which")
    return lambda: stop() or control.ended.is_set()


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


def _announce(lines: list[Line]) -> None:
    """Say where to read: the names alone on stdout, for scripts; the rest on stderr."""
    for line in lines:
        if line.name != "-":
            out.print(printable(line.name))
    sys.stdout.flush()
    for line in lines:
        emulator = line.emulator
        waiting = "; waiting for a reader" if hasattr(line.target, "has_reader") else ""
        who = printable(emulator.profile.name if len(lines) == 1 else emulator.profile.device)
        err.print(
            f"sensorkit: {who} at {emulator.rate_hz:g} Hz on {printable(line.name)}{waiting}; "
            "Ctrl+C stops it"
        )
    emulator = lines[0].emulator
    if emulator.rate_hz < SLOW_HZ:
        period = 1.0 / emulator.rate_hz
        err.print(
            f"sensorkit: that is a frame every {period:g} s; --speed {period:g} sends one a second"
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
    out.print(f"{made.dir}: {counted(len(plan.faults), 'fault')} placed: {kinds}")
