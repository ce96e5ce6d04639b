"""What notebooks import: set-up, an emulated device to capture, progress, figures."""

from __future__ import annotations

import contextlib
import os
import shutil
import subprocess
import sys
import tempfile
import weakref
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

import numpy as np
import pandas as pd
import plotly.graph_objects as go
import plotly.io as pio
from tqdm.auto import tqdm

from sensorkit.capture import Recording, RecordingWriter
from sensorkit.capture.recorder import record
from sensorkit.errors import RunError
from sensorkit.profile import Profile
from sensorkit.readings import Alert, Readings, parse_time
from sensorkit.report import charts as report_charts
from sensorkit.report import figures
from sensorkit.report.campaign import campaign
from sensorkit.report.files import write_json
from sensorkit.wire.links import open_link

if TYPE_CHECKING:  # its compiled parts take a second to load, and most notebooks need none
    from sensorkit.evaluate import Results

__all__ = [
    "Work",
    "campaign",
    "capture_emulated",
    "charts",
    "emulated",
    "plot",
    "progress",
    "progress_of",
    "setup",
    "summary",
]

STARTED = parse_time("2026-01-01T00:00:00Z")
"""When an emulated device is said to have started. Its frames bring the seconds since then; a
fixed start, and not today's, makes every recording of the same device the same."""

Item = TypeVar("Item")


class Work:
    """Where a notebook writes what it found.

    Attributes
    ----------
    dir : Path
        The folder it was given, or a temporary one that goes with the kernel.
    """

    def __init__(self, out_dir: str = "") -> None:
        self.dir = Path(out_dir or tempfile.mkdtemp(prefix="sensorkit-"))
        self.dir.mkdir(parents=True, exist_ok=True)
        if not out_dir:
            weakref.finalize(self, shutil.rmtree, self.dir, ignore_errors=True)

    def write(self, name: str, **values: Any) -> None:
        """Write *values* as JSON to the file *name*; a reader never sees half of it."""
        write_json(self.dir / name, values)

    def write_recordings(self, name: str, recordings: Sequence[Recording]) -> None:
        """Write down the folders of *recordings* for the next notebook."""
        self.write(name, recordings=[str(recording.dir.resolve()) for recording in recordings])


def setup(out_dir: str = "") -> Work:
    """Prepare tables and figures, and return where results go.

    Parameters
    ----------
    out_dir : str
        Folder for the results; "" is a temporary one.
    """
    pd.set_option("display.precision", 3)
    pd.set_option("display.width", 100)
    pd.set_option("display.max_columns", 20)
    pd.set_option("display.max_rows", 40)
    # The figure as data: JupyterLab draws it with its own plotly, and nothing is stored twice.
    pio.renderers.default = "plotly_mimetype"
    pio.templates.default = "plotly_white"
    return Work(out_dir)


def quiet() -> bool:
    """Return whether progress is kept silent: SENSORKIT_QUIET is set, as in runs and tests."""
    return bool(os.environ.get("SENSORKIT_QUIET"))


def progress(items: Iterable[Item], what: str = "", *, total: int | None = None) -> Iterable[Item]:
    """Return *items* with a progress bar; without one where SENSORKIT_QUIET is set.

    `TQDM_DISABLE` does not reach tqdm.auto in a kernel, hence the explicit word.
    """
    bar: Iterable[Item] = tqdm(items, desc=what, total=total, disable=quiet(), leave=False)
    return bar


@contextlib.contextmanager
def emulated(
    profile: str,
    *,
    seconds: float,
    seed: int = 1,
    hold: str | None = "NORMAL",
    faults: str = "",
) -> Iterator[str]:
    """Start the emulated device in a process of its own and give the port to open.

    It speaks on a pseudo-terminal, or on a socket where there are none, as fast as the port
    takes it; its frames carry their own time.

    Parameters
    ----------
    profile : str
        Name of a shipped profile, or the path of a YAML file.
    seconds : float
        Of the device's time.
    seed : int
        Same seed, same bytes.
    hold : str, optional
        Operating state to stay in; NORMAL is a healthy device. None lets it change.
    faults : str
        Fault plan, by name or path.

    Raises
    ------
    RunError
        If it does not start; the message is the emulator's.
    """
    wanted = ["--duration", f"{seconds:g}", "--seed", str(seed), "--speed", "max"]
    wanted += ["--hold", hold] if hold and hold in Profile.load(profile).states else []
    wanted += ["--faults", faults] if faults else []
    with tempfile.TemporaryFile("w+", encoding="utf-8") as complaints:
        process = subprocess.Popen(
            # It ends when its stdin does, so also when this process is killed.
            [sys.executable, "-m", "sensorkit.cli.lifeline", "emulate", profile, *wanted],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=complaints,
            text=True,
        )
        try:
            port = process.stdout.readline().strip() if process.stdout else ""
            if not port:
                process.wait(timeout=10)
                complaints.seek(0)
                raise RunError(complaints.read().strip() or "the emulator ended without a word")
            yield port
        finally:
            process.terminate()
            process.communicate()


def capture_emulated(
    profile: str, folder: Path, *, seconds: float, seed: int = 1, faults: str = ""
) -> Recording:
    """Capture the emulated device, byte by byte through its port, into a new recording.

    Parameters
    ----------
    profile, seconds, seed, faults
        As for `emulated`.
    folder : Path
        Must not exist.
    """
    device = Profile.load(profile)
    with emulated(profile, seconds=seconds, seed=seed, faults=faults) as port:
        writer = RecordingWriter(folder, device, link={"url": port}, started_ns=STARTED, fsync=None)
        with contextlib.closing(open_link(port)) as link:
            recorder = record(link, writer, clock=lambda: STARTED)
            with tqdm(
                total=round(seconds * device.rate_hz), unit=" frames", disable=quiet(), leave=False
            ) as bar:
                for readings in recorder:
                    bar.update(len(readings))
    return Recording.open(folder)


def progress_of(what: str) -> Callable[[int, int, str], None]:
    """Return a callback (done, of, next) that moves a progress bar; silent as `progress` is."""
    bar = tqdm(desc=what, disable=quiet(), leave=False)
    # The driver of the notebooks shows it on its terminal.
    where = os.environ.get("SENSORKIT_PROGRESS")

    def move(done: int, of: int, next_one: str) -> None:
        if where:
            with contextlib.suppress(OSError):
                Path(where).write_text(f"{done} {of} {next_one}\n", encoding="utf-8")
        bar.total = of
        bar.set_postfix_str(next_one, refresh=False)
        bar.update(done - bar.n)
        if done == of:
            bar.close()

    return move


def charts(results: Results) -> dict[str, go.Figure]:
    """Return the figures of the HTML report by name."""
    made = report_charts.charts(results.to_dict(), results.cases)
    return {one.name: _figure(one.spec, one.alt) for one in made}


def _figure(spec: Mapping[str, Any], alt: str) -> go.Figure:
    # The alternative text goes along where a page can find it; plotly keeps `meta` as it is.
    return go.Figure(data=spec["data"], layout={**spec["layout"], "meta": {"alt": alt}})


def summary(recordings: Sequence[Recording]) -> pd.DataFrame:
    """Return what each recording holds, one row each."""
    rows = []
    for recording in recordings:
        counts = recording.counts
        readings = recording.readings()
        hours = float(np.ptp(readings.time)) / 3.6e12 if len(readings) else 0.0
        rows.append(
            {
                "recording": recording.name,
                "kind": recording.kind,
                "status": recording.status,
                "readings": len(readings),
                "hours": round(hours, 2),
                "rejected": sum(counts.get("rejected", {}).values()),
                "lost": counts.get("lost", 0),
                "faults": len(recording.labels()),
            }
        )
    return pd.DataFrame(rows).set_index("recording")


def plot(
    readings: Readings,
    channel: str,
    *,
    unit: str = "",
    labels: pd.DataFrame | None = None,
    alerts: Iterable[Alert] = (),
    height: int = 320,
) -> go.Figure:
    """Return the figure of one channel: faults shaded, the start of each alert marked.

    Long series are thinned so that every spike is still seen.

    Parameters
    ----------
    readings : Readings
    channel : str
    unit : str
        Stands at the axis.
    labels : DataFrame, optional
        As `Recording.labels` gives; faults on other channels are left out.
    alerts : iterable of Alert
        Those of other channels are left out.
    height : int
        Pixels.
    """
    alert_ns = [alert.start for alert in alerts if alert.channel in (None, channel)]
    spans = np.empty((0, 2), dtype=np.int64)
    if labels is not None:
        shown = labels[labels["channel"].isna() | (labels["channel"] == channel)]
        ends = [shown[end].dt.as_unit("ns").astype("int64") for end in ("start", "end")]
        spans = np.stack(ends, axis=1)
    spec = figures.signal(
        readings.time,
        readings.channel(channel),
        channel=channel,
        unit=unit,
        faults_ns=spans,
        alerts_ns=np.array(alert_ns, dtype=np.int64),
        height=height,
    )
    alt = f"{channel}: {len(readings)} readings, {len(spans)} faults shaded, {len(alert_ns)} alerts"
    return _figure(spec, alt)
