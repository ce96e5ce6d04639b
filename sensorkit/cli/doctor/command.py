"""`sensorkit doctor`: whether this machine can capture, and what to do where it cannot."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from sensorkit.cli.app import command, log, out, print_json, printable
from sensorkit.errors import RunError, UsageError

if TYPE_CHECKING:
    from sensorkit.cli.doctor.checks import Check


@command("doctor")
def doctor(
    folder: Annotated[
        Path, typer.Option("--out", help="Where recordings will go; its disk is measured.")
    ] = Path(),
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON.")] = False,
) -> None:
    """Check Python, packages, ports, disk, clock and terminal, and say what to do.

    Changes nothing. Exits with 1 if something fails that a capture needs.

    Example: sensorkit doctor --out recordings
    """
    from sensorkit.cli.doctor.checks import State, all_checks

    # The folder need not be there yet; it will be on the disk of the one above it.
    there = next((p for p in (folder.absolute(), *folder.absolute().parents) if p.exists()), None)
    if there is None or not there.is_dir():
        raise UsageError(f"--out {folder}: {there} is a file; give a folder")
    done = []
    for check in all_checks(there):
        done.append(_run(check))
        if not as_json:
            _print(done[-1])
    if as_json:
        print_json([check._asdict() for check in done])
    failed = [check.name for check in done if check.state is State.FAIL]
    if failed:
        raise RunError(f"doctor: {', '.join(failed)} must be mended before you capture")


def _run(check: Callable[[], Check]) -> Check:
    """Run a check; one that breaks is a finding too."""
    from sensorkit.cli.doctor.checks import Check, State

    try:
        return check()
    except Exception as error:
        log.debug("a check failed", exc_info=True)
        name = getattr(check, "__name__", "disk")
        return Check(name, State.WARN, f"could not be looked at: {error}", "-vv shows why")


def _print(check: Check) -> None:
    out.print(printable(f"{check.state:<5} {check.name:<9} {check.found}"))
    if check.advice:
        out.print(printable(f"{'':<15} -> {check.advice}"))
