"""A capture that is being watched: what `live` returns, and what keeps its plot moving."""

from __future__ import annotations

import asyncio
import contextlib
import json
import time
from collections import Counter
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pandas as pd
import plotly.graph_objects as go
from IPython.display import display

from sensorkit.capture import Recording, layout
from sensorkit.display import formats
from sensorkit.errors import RecordingError, SensorkitError
from sensorkit.notebook.live_capture import CaptureProcess, Said
from sensorkit.notebook.live_figure import LiveFigure
from sensorkit.notebook.live_panel import SHOWN, Panel
from sensorkit.notebook.live_tail import Points, Tail
from sensorkit.profile import Profile
from sensorkit.readings import parse_time

REDRAW_S = 0.25
"""Between two redraws, at least; and the kernel is left alone four times as long as one took."""

UNCHANGED_S = 1.0
"""Between two redraws while nothing comes: only the seconds since the last frame go on."""

PATIENCE_S = (2.0, 60.0)
"""A page that has not drawn the last picture is sent no other for so long, longer each time: what
is sent to a browser that is closed would pile up in the server's memory. The first may come before
the page has loaded plotly, and is then not drawn at all."""

ANSWERS = ("_js2py_traceDeltas", "_js2py_layoutDelta", "_js2py_relayout")
"""What the page says of a FigureWidget: what it has drawn, and what was done to it by hand."""

BLOCKING_SHARE = 1 / 240
"""While a cell waits, the page cannot say what it has drawn, so pictures become rarer: one a second
after four minutes, one in ten seconds after forty."""

REPORT = "anomaly_report.json"


class Live:
    """A capture that is being watched; `live` makes it.

    Attributes
    ----------
    figure : plotly Figure
        A widget while the plot moves.
    folder : Path
        Of the recording.
    profile : Profile
    """

    def __init__(
        self,
        capture: CaptureProcess,
        folder: Path,
        profile: Profile,
        *,
        window_s: float,
        moving: bool,
        device: contextlib.ExitStack,
    ) -> None:
        self.folder = folder
        self.profile = profile
        self.device = device
        self._capture = capture
        self._tail = Tail(folder, profile, window_s)
        self._alerts: list[Said] = []
        self._drawing = LiveFigure(profile, moving=moving)
        self._panel = Panel(self.figure, str(folder), capture.ask_to_stop) if moving else None
        self._task: asyncio.Task[None] | None = None
        self._drawn = True
        if isinstance(self.figure, go.FigureWidget):
            self.figure.observe(self._page_has_answered, names=list(ANSWERS))
        self._patience = PATIENCE_S[0]
        self._sent = 0.0
        self._over = False
        self._trouble: str | None = None

    @property
    def figure(self) -> go.Figure:
        """Return the figure."""
        return self._drawing.figure

    @property
    def running(self) -> bool:
        """Return whether the capture is still going on."""
        return not self._capture.ended

    @property
    def failure(self) -> SensorkitError | None:
        """Return why the capture failed; None while it runs or if it did not."""
        return self._capture.failure()

    @property
    def recording(self) -> Recording:
        """Return the recording; while the capture runs it does not give its readings."""
        return Recording.open(self.folder)

    @property
    def alerts(self) -> pd.DataFrame:
        """Return what the detector has found, as anomaly_report.json says it in the end.

        Columns: timestamp, end (UTC), type, severity, channel, value, description. While the
        capture runs an alert has neither end, nor channel, nor value.
        """
        columns = ["timestamp", "end", "type", "severity", "channel", "value", "description"]
        rows: list[dict[str, Any]] = [
            {
                "timestamp": pd.Timestamp(alert.time_ns, tz="UTC"),
                "type": alert.type,
                "severity": alert.severity,
                "description": alert.description,
            }
            for alert in self._alerts
        ]
        if not self.running and (reported := self._reported()) is not None:
            rows = reported
        table = pd.DataFrame(rows, columns=columns)
        for name in ("timestamp", "end"):
            table[name] = pd.to_datetime(table[name], format="ISO8601", utc=True)
        return table

    def summary(self) -> dict[str, Any]:
        """Return what came of it so far: the same each time for the same device.

        Returns
        -------
        dict
            `status`, `reason`, `frames`, `rejected`, `lost`, and `alerts`, a count for each type.
        """
        with contextlib.suppress(RecordingError):
            recording = self.recording
            counts = recording.counts
            if not self.running and counts:
                return {
                    "status": recording.status,
                    "reason": str(recording.meta["reason"]),
                    "frames": int(counts["frames"]),
                    "rejected": sum(counts["rejected"].values()),
                    "lost": int(counts["lost"]),
                    "alerts": dict(sorted(Counter(self.alerts["type"]).items())),
                }
        return {
            "status": "recording" if self.running else "interrupted",
            "reason": str(self.failure or ""),
            "frames": self._tail.frames,
            "rejected": self._tail.rejected,
            "lost": self._tail.lost,
            "alerts": dict(sorted(Counter(alert.type for alert in self._alerts).items())),
        }

    def show(self) -> None:
        """Show the plot and keep it moving; nothing happens where nothing can move."""
        if self._panel is None:
            return
        display(self._panel.box)  # type: ignore[no-untyped-call]
        if self._task is None:
            self._task = asyncio.get_running_loop().create_task(self._follow())

    def wait(self) -> Live:
        """Wait until the capture has ended, by itself or by an interrupt, which stops it.

        A cell that waits hears no button; the plot moves on.
        """
        began = time.monotonic()
        try:
            while self.running:
                took = self._take(waiting=True)
                waited = time.monotonic() - began
                time.sleep(max(REDRAW_S, 4 * took, min(10.0, waited * BLOCKING_SHARE)))
        finally:
            self.stop()
        return self

    def stop(self) -> None:
        """End the capture in good order and wait until the recording is closed.

        An interrupt while it waits stops it in the middle; `sensorkit recover` then finishes the
        recording.
        """
        if self._over:
            return
        self._capture.ask_to_stop()
        try:
            self._capture.wait()
        except KeyboardInterrupt:
            self._capture.break_off()
            self._capture.wait()
            raise
        finally:
            if not self.running:
                self._end()

    def __repr__(self) -> str:
        facts = self.summary()
        return f"<Live {str(self.folder)!r}: {facts['status']}, {facts['frames']} frames>"

    def _reported(self) -> list[dict[str, Any]] | None:
        """Return what stands in anomaly_report.json; None if there is none."""
        report = self.folder / layout.DERIVED / REPORT
        if not report.is_file():
            return None
        found: list[dict[str, Any]] = json.loads(report.read_text(encoding="utf-8"))
        return found

    async def _follow(self) -> None:
        """Keep the plot moving until the capture ends."""
        try:
            while self.running:
                took = self._take(waiting=False)
                await asyncio.sleep(max(REDRAW_S, 4 * took))
        except Exception as error:  # the plot has failed; the capture goes on, and it says so
            self._trouble = f"the plot has stopped, the capture goes on: {error}"
            self._tell()
            while self.running:
                await asyncio.sleep(REDRAW_S)
        self._end()

    def _take(self, *, waiting: bool) -> float:
        """Take in what has come, and draw it if it is time; return the seconds that took.

        A cell that is *waiting* does not hear whether the page has drawn the last picture.
        """
        began = time.perf_counter()
        came = self._tail.look()
        self._alerts += self._capture.alerts()
        since = time.monotonic() - self._sent
        due = came or since >= UNCHANGED_S
        if self._panel is not None and due and (waiting or self._page_is_ready(since)):
            self._draw()
        return time.perf_counter() - began

    def _page_is_ready(self, since: float) -> bool:
        """Return whether the page has drawn what it was sent, or may have been opened again."""
        if self._drawn:
            self._patience = PATIENCE_S[0]
            return True
        if since < self._patience:
            return False
        self._patience = min(2 * self._patience, PATIENCE_S[1])
        return True

    def _draw(self) -> None:
        self._sent, self._drawn = time.monotonic(), False
        several = len(self._tail.devices) > 1
        self._drawing.draw(self._tail.points, self._alerts, self._alt(), several=several)
        self._tell()

    def _page_has_answered(self, change: Mapping[str, Any]) -> None:
        # Whatever the page says, it says after it has drawn. `on_edits_completed` is of no use
        # here: a zoom by hand makes edits of its own, and then no answer has the number it wants.
        if change["new"]:
            self._drawn = True

    def _tell(self) -> None:
        """Bring status line and lists up to date."""
        if self._panel is None:
            return
        hints = list(dict.fromkeys(self._capture.complaints()))
        if self._trouble is not None:
            hints.append(self._trouble)
        self._panel.show(*self._standing(), self._alerts[-SHOWN:], hints, of=len(self._alerts))

    def _standing(self) -> tuple[str, list[str]]:
        """Return the state and the facts behind it."""
        tail = self._tail
        facts = [
            formats.count(tail.frames) + " frames",
            f"{formats.count(tail.rejected)} rejected",
            f"{formats.count(tail.lost)} lost",
        ]
        if tail.undrawn:
            facts.append(f"{formats.count(tail.undrawn)} too fast to be drawn")
        if self.running:
            return tail.state, [
                f"last frame {tail.silent_s:.1f} s ago" if tail.frames else "no frame yet",
                f"{tail.rate:,.1f} frames/s",
                *facts,
            ]
        told = self.summary()
        return str(told["status"]), [str(told["reason"]), *facts]

    def _alt(self) -> str:
        names = ", ".join(self.profile.channel_names)
        return (
            f"{names}: {self._tail.frames} frames, {len(self._alerts)} alerts, "
            f"{self._standing()[0]}"
        )

    def _end(self) -> None:
        """Show how it ended, once, and let go of everything."""
        if self._over:
            return
        self._over = True
        try:
            self._alerts += self._capture.alerts()
            if (reported := self._reported()) is not None:
                self._alerts = [_said(entry) for entry in reported]
            self._capture.close()
            self._draw_to_the_end()
        finally:
            self._tail.close()
            self.device.close()

    def _draw_to_the_end(self) -> None:
        """Take in and draw what came last; a picture that fails keeps nobody from stopping."""
        if self._panel is None:
            self._tail.look_to_the_end()
            self._draw_all()
            return
        self._panel.end()
        try:
            self._tail.look_to_the_end()
            self._draw()
        except Exception as error:
            self._trouble = f"the plot has not seen the end of it: {error}"
            self._tell()

    def _draw_all(self) -> None:
        """Draw the whole recording: nothing was seen while it came."""
        points = self._tail.points
        with contextlib.suppress(RecordingError):
            readings = self.recording.readings()
            points = Points(readings.time, readings.values)
        several = len(self._tail.devices) > 1
        self._drawing.draw(points, self._alerts, self._alt(), several=several)


def _said(entry: Mapping[str, Any]) -> Said:
    """Return an entry of anomaly_report.json as it would have been said, with its channel."""
    words = (entry[name] for name in ("severity", "type", "description", "channel"))
    return Said(parse_time(entry["timestamp"]), *words)
