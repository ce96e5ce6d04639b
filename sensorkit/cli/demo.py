"""`sensorkit demo`: emulator, capture, alerts and report in 20 seconds, without hardware."""

from __future__ import annotations

import json
import shlex
import subprocess
import sys
import tempfile
from datetime import UTC, datetime
from pathlib import Path
from typing import IO, Annotated

import typer

from sensorkit.cli.app import command, err, out, printable
from sensorkit.errors import RunError

# The device sends for 18 s; then its end of the line closes and the capture is complete.
DURATION_S = 18


@command("demo")
def demo(
    out_dir: Annotated[
        Path | None,
        typer.Option("--out", help="The new recording; recordings/demo-<time> by default."),
    ] = None,
    speed: Annotated[float, typer.Option(min=0.1, max=10, help="Times real time.")] = 1.0,
) -> None:
    """Watch an emulated device overheat, lose its supply, jump and fall silent.

    Runs `sensorkit emulate` and `sensorkit capture` as you would in two terminals: the four
    alerts appear as they happen, and the recording and its report are yours to look at.

    Example: sensorkit demo
    """
    if out_dir is None:
        out_dir = Path("recordings") / f"demo-{datetime.now(UTC):%Y%m%dT%H%M%SZ}"
    with tempfile.TemporaryDirectory(prefix="sensorkit-demo-") as folder:
        log = Path(folder, "emulator.log")
        where = [] if sys.platform == "win32" else ["--link", str(Path(folder, "device"))]
        with log.open("w", encoding="utf-8") as emulator_log:
            pace = ["--duration", str(DURATION_S), "--speed", f"{speed:g}"]
            emulator = start(
                ["emulate", "serial_monitor", *where, "--faults", "forced_failure", *pace],
                stdout=subprocess.PIPE,
                stderr=emulator_log,
            )
            try:
                port = emulator.stdout.readline().strip() if emulator.stdout else ""
                if not port:
                    emulator.wait()
                    raise RunError(
                        f"the emulator did not start: {log.read_text(encoding='utf-8').strip()}"
                    )
                capture = start(["capture", port, "--out", str(out_dir)])
                status = wait(capture)
            finally:
                emulator.terminate()
                emulator.wait()
                if emulator.stdout is not None:
                    emulator.stdout.close()
    if status != 0:
        raise typer.Exit(status)
    show(out_dir)


def start(
    arguments: list[str],
    *,
    stdout: int | None = None,
    stderr: IO[str] | None = None,
) -> subprocess.Popen[str]:
    """Start a command of our own and say so, as a person would type it."""
    err.print(f"$ sensorkit {printable(shlex.join(arguments))}")
    return subprocess.Popen(
        [sys.executable, "-m", "sensorkit", *arguments],
        stdout=stdout,
        stderr=stderr,
        text=True,
        encoding="utf-8",
    )


def wait(process: subprocess.Popen[str]) -> int:
    """Return the exit status; Ctrl+C reaches the process too, so let it finish what it does."""
    while True:
        try:
            return process.wait()
        except KeyboardInterrupt:
            continue


def show(recording: Path) -> None:
    """Print the alerts of the report, and what to type next."""
    report = recording / "derived" / "anomaly_report.json"
    alerts = json.loads(report.read_text(encoding="utf-8"))
    out.print(f"\n{report} holds {len(alerts)} alert{'' if len(alerts) == 1 else 's'}:")
    for alert in alerts:
        out.print(
            printable(
                f"  {alert['timestamp']}  {alert['severity']:<8}  {alert['type']:<24}  "
                f"{alert['description']}"
            )
        )
    out.print(f"\nNow look at the recording:  sensorkit show {shlex.quote(str(recording))}")
    out.print(f"and that it is untouched:   sensorkit verify {shlex.quote(str(recording))}")
    out.print("and which detector to trust: sensorkit evaluate")
