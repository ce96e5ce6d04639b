"""docs/images/profile-*.svg: the sample recording of each shipped profile, faults shaded."""

from __future__ import annotations

import math
from html import escape
from pathlib import Path
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from sensorkit.capture import Recording

DATASETS = Path(__file__).parents[2] / "datasets"

WIDTH, ROW, GAP, LEFT, RIGHT, TOP, BOTTOM = 760, 74, 16, 186, 14, 46, 46
COLUMNS = 300
"""Columns of a line; of each the smallest and the largest value are drawn."""

# Dark lines on white, whatever the page around the picture is; told apart without colour too.
LINES = (("#0b6e63", ""), ("#b3470c", "5 2"), ("#4b3fa7", "2 2"))
FAULT, INK, FRAME = "#f2b8a0", "#1d2b2b", "#9aa7a7"


class Sample(NamedTuple):
    """A recording that is drawn, and which of its channels."""

    recording: str
    title: str
    channels: tuple[str, ...] = ()

    @property
    def file(self) -> str:
        """Return the name of the picture."""
        return f"profile-{self.recording.replace('_', '-')}.svg"


SAMPLES = (
    Sample("serial_monitor_faulted", "serial_monitor with the plan mixed"),
    Sample("fermenter_faulted", "fermenter with the plan fermenter"),
    Sample("weather_faulted", "weather with the plan weather: three stations, five days"),
    Sample(
        "turbofan_faulted",
        "turbofan with the plan turbofan: two engines",
        ("sensor_3", "sensor_4", "sensor_7", "sensor_9"),
    ),
    Sample(
        "turbofan_worn",
        "turbofan: three engines wear out and fail",
        ("sensor_4", "sensor_7", "sensor_11", "sensor_12"),
    ),
)


class Span(NamedTuple):
    """A stretch that is shaded: from and to in seconds, on which channel, and what it is."""

    start: float
    stop: float
    channel: str | None
    kind: str


def pictures() -> dict[str, str]:
    """Return each picture as SVG, by its place in docs/."""
    return {f"images/{sample.file}": picture(sample) for sample in SAMPLES}


def picture(sample: Sample) -> str:
    """Return the recording as SVG: a row a channel, a line a device."""
    recording = Recording.open(DATASETS / sample.recording)
    readings = recording.readings()
    names = sample.channels or readings.channels
    origin = int(readings.time.min())
    seconds = (readings.time - origin) / 1e9
    end = float(seconds.max())
    unit_s, unit = scale(end)
    devices = readings.device.to_array()
    known = sorted({str(name) for name in devices})
    spans = shaded(recording, origin)
    height = TOP + len(names) * (ROW + GAP) + BOTTOM
    parts = [
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {height}" role="img" '
        'font-family="system-ui, sans-serif" font-size="13">',
        f"<title>{escape(sample.title)}</title>",
        f'<rect width="{WIDTH}" height="{height}" rx="8" fill="#ffffff"/>',
        text(12, 20, sample.title, weight=600),
    ]
    for row, name in enumerate(names):
        y = TOP + row * (ROW + GAP)
        channel = recording.profile.channel(name)
        values = readings.channel(name)
        low, high = float(np.nanmin(values)), float(np.nanmax(values))
        pad = 0.06 * (high - low) or 1.0
        axis = Axis(y, low - pad, high + pad, end)
        parts += shades(spans, name, axis, titled=row == 0)
        parts.append(
            f'<rect x="{LEFT}" y="{y}" width="{WIDTH - LEFT - RIGHT}" height="{ROW}" '
            f'fill="none" stroke="{FRAME}"/>'
        )
        for device in known:
            colour, dashes = LINES[known.index(device) % len(LINES)]
            own = devices == device
            dashed = f' stroke-dasharray="{dashes}"' if dashes else ""
            for points in lines(seconds[own], values[own], axis):
                parts.append(
                    f'<polyline points="{points}" fill="none" stroke="{colour}" '
                    f'stroke-width="1"{dashed}/>'
                )
        parts += [
            text(12, y + 20, channel.title, weight=600),
            text(12, y + 38, channel.unit or ""),
            text(LEFT - 6, y + 12, f"{high:.{channel.decimals}f}", size=11, anchor="end"),
            text(LEFT - 6, y + ROW - 3, f"{low:.{channel.decimals}f}", size=11, anchor="end"),
        ]
    y = TOP + len(names) * (ROW + GAP)
    parts += ticks(end, unit_s, unit, y)
    if len(known) > 1:
        parts += legend(known, y + 36)
    return "\n".join([*parts, "</svg>", ""])


class Axis(NamedTuple):
    """Where values and times stand in a row."""

    y: int
    low: float
    high: float
    end: float

    def across(self, second: float) -> float:
        """Return the place of a time."""
        return LEFT + second / self.end * (WIDTH - LEFT - RIGHT)

    def down(self, value: float) -> float:
        """Return the place of a value."""
        return self.y + ROW * (self.high - value) / (self.high - self.low)


def shaded(recording: Recording, origin: int) -> list[Span]:
    """Return the faults of a recording; of wear, which is in all channels, the failures."""
    found = []
    for label in recording.labels().itertuples():
        start, stop = ((edge.value - origin) / 1e9 for edge in (label.start, label.end))
        if label.kind == "repair":
            found.append(Span(start, stop, None, f"{label.device} fails"))
        elif label.layer != "state":
            channel = label.channel if isinstance(label.channel, str) else None
            found.append(Span(start, stop, channel, label.kind))
    return sorted(found)


def shades(spans: list[Span], name: str, axis: Axis, *, titled: bool) -> list[str]:
    """Return what is shaded in a row, named below it, and above the first for whole frames."""
    found: list[str] = []
    free: dict[float, float] = {}
    for span in spans:
        if span.channel not in (None, name):
            continue
        x = axis.across(span.start)
        width = min(axis.across(span.stop), WIDTH - RIGHT) - x
        found.append(
            f'<rect x="{x:.1f}" y="{axis.y}" width="{max(width, 2.0):.1f}" height="{ROW}" '
            f'fill="{FAULT}"><title>{escape(span.kind)}</title></rect>'
        )
        if span.channel is None and not titled:
            continue
        # Where the name before still stands, the next one goes a line up.
        rows = (axis.y - 3, axis.y - 13) if span.channel is None else (axis.y + ROW + 10,)
        rows = (*rows, axis.y + 11, axis.y + 22)
        needed = 6.2 * len(span.kind) + 4
        place = min(max(x, LEFT), WIDTH - RIGHT - needed)
        y = next((y for y in rows if free.get(y, 0.0) <= place), rows[-1])
        free[y] = place + needed
        found.append(text(place, y, span.kind, size=10))
    return found


def lines(seconds: NDArray[np.float64], values: NDArray[np.float64], axis: Axis) -> list[str]:
    """Return the points of the line of one device, a new line after a gap."""
    usual = float(np.median(np.diff(seconds))) if len(seconds) > 1 else 1.0
    broken = np.isnan(values) | (np.diff(seconds, prepend=seconds[0]) > 4 * usual)
    pieces = np.split(np.arange(len(values)), np.flatnonzero(broken))
    found = []
    for piece in pieces:
        piece = piece[~np.isnan(values[piece])]
        step = max(len(values) // COLUMNS, 1)
        kept: list[int] = []
        for first in range(0, len(piece), step):
            part = piece[first : first + step]
            kept += sorted({int(part[values[part].argmin()]), int(part[values[part].argmax()])})
        if kept:
            found.append(
                " ".join(f"{axis.across(seconds[k]):.1f},{axis.down(values[k]):.1f}" for k in kept)
            )
    return found


def scale(end: float) -> tuple[float, str]:
    """Return the unit of the time axis in seconds, and its name."""
    for unit_s, unit in ((86_400.0, "days"), (3600.0, "h"), (60.0, "min")):
        if end >= 2 * unit_s:
            return unit_s, unit
    return 1.0, "s"


def ticks(end: float, unit_s: float, unit: str, y: int) -> list[str]:
    """Return the time axis."""
    step = 10 ** math.floor(math.log10(end / unit_s))
    step = next(s for s in (step / 5, step / 2, step, 2 * step) if end / unit_s / s <= 8)
    axis = Axis(y, 0.0, 1.0, end)
    found = []
    for k in range(math.floor(end / unit_s / step) + 1):
        x = axis.across(k * step * unit_s)
        said = f"{k * step:g}" + (f" {unit}" if k == 0 else "")
        found.append(text(x, y + 12, said, size=11, anchor="start" if k == 0 else "middle"))
    return found


def legend(devices: list[str], y: float) -> list[str]:
    """Return which line is which device."""
    found = []
    for number_of, device in enumerate(devices):
        x = LEFT + number_of * 140
        colour, dashes = LINES[number_of % len(LINES)]
        found.append(
            f'<line x1="{x}" y1="{y - 4}" x2="{x + 30}" y2="{y - 4}" stroke="{colour}" '
            f'stroke-width="2" stroke-dasharray="{dashes}"/>'
        )
        found.append(text(x + 36, y, device, size=12))
    return found


def text(
    x: float, y: float, words: str, *, size: int = 13, weight: int = 400, anchor: str = "start"
) -> str:
    """Return a line of text."""
    return (
        f'<text x="{x:.0f}" y="{y:.0f}" font-size="{size}" font-weight="{weight}" '
        f'text-anchor="{anchor}" fill="{INK}">{escape(words)}</text>'
    )
