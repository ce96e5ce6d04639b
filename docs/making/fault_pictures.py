"""docs/images/faults/*.svg and the gallery in docs/faults.md: each kind of fault, injected."""

from __future__ import annotations

from collections.abc import Sequence
from html import escape
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from sensorkit.display.formats import sized
from sensorkit.faults import KINDS, Fault, FaultPlan, Placed, inject
from sensorkit.faults.base import SignalKind, TransportKind, size_unit
from sensorkit.faults.transport import distort, distort_times
from sensorkit.readings import Readings
from sensorkit.wire.checksum import append

PAGE = Path(__file__).parents[1] / "faults.md"
BEGIN, END = "<!-- gallery: made by docs/making -->\n", "<!-- end of the gallery -->\n"

READINGS, START, STOP = 120, 40, 80
WIDTH, ROW, LEFT, TOP, BOTTOM = 640, 92, 96, 12, 22
# Dark on light, whatever the page around the picture is.
GROUND, SHADE, GREY, RED, BLUE, INK = (
    *("#ffffff", "#ffe9d6", "#6d7d7d", "#b3261e", "#1f6391", "#1d2b2b"),
)
SEED = 3
UNITS = {"temperature": "degC", "pressure": "hPa"}

SIGNAL: dict[str, dict[str, Any]] = {
    "spike": {"start_s": 60, "duration_s": None, "magnitude": 6.0},
    "bias": {"magnitude": 3.0},
    "drift": {"magnitude": 5.0},
    "stuck": {},
    "noise": {"magnitude": 1.5},
    "dropout": {},
    "rapid_change": {"magnitude": -4.0},
    "saturation": {"magnitude": 1.5},
    "gain": {"magnitude": 1.15},
    "oscillation": {"magnitude": 2.0, "period_s": 8.0},
    "lag": {"magnitude": 9.0},
    "correlation_break": {},
}
"""What the pictured fault of each kind says, beside its place."""

OTHERS: dict[str, tuple[str, dict[str, Any]]] = {
    "gradual": (
        "`onset: gradual`, here of a bias: it grows over the first half of its duration, then "
        "stays.",
        {"kind": "bias", "channel": "temperature", "magnitude": 3.0, "onset": "gradual"},
    ),
    "several_channels": (
        "`channels: all`: one fault on every channel at the same time, here a bias of three sigmas "
        "of each.",
        {"kind": "bias", "channels": "all", "magnitude_sigma": 3.0},
    ),
}

TRANSPORT: dict[str, dict[str, Any]] = {"jitter": {"magnitude": 1.2}, "corrupt": {"magnitude": 3}}
FRAMES, HIT, SHOWN = 8, slice(2, 6), 40
LINE = 17


class Picture(NamedTuple):
    """A picture of the gallery."""

    name: str
    alt: str
    svg: str
    label: str
    """How the labels of the fault read."""


def healthy() -> Readings:
    """Return two minutes of two channels that go together."""
    rng = np.random.default_rng(7)
    second = np.arange(READINGS)
    swing = np.sin(2 * np.pi * second / 34) + 0.5 * np.sin(2 * np.pi * second / 13)
    values = np.column_stack(
        [
            20.0 + 1.2 * swing + rng.normal(0, 0.15, READINGS),
            1000.0 - 2.0 * swing + rng.normal(0, 0.25, READINGS),
        ]
    )
    return Readings.build(second * 1_000_000_000, values, list(UNITS), device="device")


def pictures() -> list[Picture]:
    """Return a picture of every kind, and of what a fault can be beside its kind."""
    made = []
    for name, kind in sorted(KINDS.items(), key=lambda one: one[1].layer):
        if isinstance(kind, SignalKind):
            fault = {"kind": name, "channel": "temperature", **SIGNAL[name]}
            made.append(_signal(name, fault, kind.summary))
        elif isinstance(kind, TransportKind):
            made.append(_transport(name, kind))
    return made + [_signal(name, fault, said) for name, (said, fault) in OTHERS.items()]


def _signal(name: str, said: dict[str, Any], summary: str) -> Picture:
    place = {"start_s": START, "duration_s": STOP - START}
    plan = FaultPlan(faults=(Fault(**place | said),))
    before = healthy()
    after, labels = inject(before, plan, seed=SEED)
    both = said["kind"] == "correlation_break" or "channels" in said
    shown = list(UNITS) if both else ["temperature"]
    start, stop = plan.faults[0].start_s or 0.0, STOP
    if plan.faults[0].duration_s is None:
        stop = start + 1
    rows = [
        _row(k, channel, before.channel(channel), after.channel(channel), (start, stop))
        for k, channel in enumerate(shown)
    ]
    height = TOP + len(rows) * ROW + BOTTOM
    x = [LEFT + (WIDTH - LEFT - 8) * at / (READINGS - 1) for at in (0, start, READINGS - 1)]
    axis = [
        _text(x[0], height - 6, "0 s"),
        _text(x[1], height - 6, f"{start:g} s"),
        _text(x[2], height - 6, f"{READINGS - 1} s", anchor="end"),
    ]
    where = " and ".join(shown)
    alt = f"{where} over two minutes; from {start:g} s on, shaded, with the fault. {summary}"
    return Picture(
        name,
        alt.replace("`", ""),
        _svg(height, alt.replace("`", ""), [*rows, *axis]),
        "; ".join(_label(row) for row in labels.to_dict("records")),
    )


def _label(row: dict[Any, Any]) -> str:
    begin, end = (row[key].value // 1_000_000_000 for key in ("start", "end"))
    on = f" {row['channel']}" if isinstance(row["channel"], str) else ""
    unit = size_unit(row["kind"], UNITS.get(str(row["channel"]), ""))
    size = "" if np.isnan(row["magnitude"]) else f", {sized(row['magnitude'], unit)}"
    sigma = "" if np.isnan(row["magnitude_sigma"]) else f" ({row['magnitude_sigma']:.1f} sigma)"
    return f"{row['kind']}{on}{size}{sigma}, {begin} s to {end} s"


def _row(
    place: int,
    channel: str,
    before: NDArray[np.float64],
    after: NDArray[np.float64],
    fault: tuple[float, float],
) -> str:
    """Return the plot of one channel."""
    both = np.concatenate([before, after])
    low, high = float(np.nanmin(both)), float(np.nanmax(both))
    top, inner = TOP + place * ROW, ROW - 14
    wide = (WIDTH - LEFT - 8) / (READINGS - 1)

    def points(values: NDArray[np.float64], seconds: Sequence[int]) -> str:
        return " ".join(
            f"{LEFT + wide * at:.1f},{top + inner * (high - values[at]) / (high - low):.1f}"
            for at in seconds
        )

    first, last = int(fault[0]), int(fault[1])
    seen = [at for at in range(READINGS) if not np.isnan(after[at])]
    runs = np.split(seen, np.flatnonzero(np.diff(seen) > 1) + 1)
    shade = (
        f'<rect x="{LEFT + wide * (first - 0.5):.1f}" y="{top - 6}" '
        f'width="{wide * (last - first):.1f}" height="{inner + 12}" fill="{SHADE}"/>'
    )
    healthy_line = _line(points(before, range(max(first - 1, 0), min(last + 1, READINGS))), GREY, 1)
    lines = [_line(points(after, run.tolist()), RED if place == 0 else BLUE, 1.6) for run in runs]
    words = _text(LEFT - 8, top + inner / 2, channel, anchor="end") + _text(
        LEFT - 8, top + inner / 2 + 15, UNITS[channel], anchor="end"
    )
    return "\n".join([shade, healthy_line, *lines, words])


def _transport(name: str, kind: TransportKind) -> Picture:
    fault = Fault(kind=name, duration_s=float(HIT.stop - HIT.start), **TRANSPORT.get(name, {}))
    plan = FaultPlan(faults=(fault,))
    placed = Placed(fault, 1, HIT.start, HIT.stop)
    sent = [
        append(f"T:{20 + n / 8:.2f},V:5.0{n},S:NORMAL,N:{n}".encode(), "crc16") + b"\r\n"
        for n in range(1, FRAMES + 1)
    ]
    covered = sent[HIT]
    arrives = [*sent]
    arrives[HIT] = distort(covered, placed, plan, 0)
    summary = kind.summary
    size = fault.size
    said = "" if size is None else f", {sized(size, size_unit(name))}"
    if kind.delays:
        due = np.arange(FRAMES) * 1_000_000_000
        late = due.copy()
        late[HIT] = distort_times(due[HIT], placed, plan, 1)
        late = np.maximum.accumulate(late)
        alt = f"Eight frames, a second apart as sent, and when they arrive. {summary}"
        svg = _svg(124, alt, _delays(due / 1e9, late / 1e9))
    else:
        alt = f"Eight frames as sent, and the lines that arrive. {summary}"
        svg = _svg(TOP + (FRAMES + 1) * LINE + 12, alt, _frames(sent, arrives, kind))
    label = f"{name}{said}, {HIT.start} s to {HIT.stop - 1} s"
    return Picture(name, alt, svg, label)


def _delays(due: NDArray[np.float64], late: NDArray[np.float64]) -> list[str]:
    """Return frames as they were sent above, and as they arrive below."""
    wide = (WIDTH - LEFT - 24) / max(float(late[-1]), float(due[-1]))
    parts = [
        _text(LEFT - 12, 36, "sent", anchor="end"),
        _text(LEFT - 12, 92, "arrives", anchor="end"),
    ]
    for n, (a, b) in enumerate(zip(due.tolist(), late.tolist(), strict=True)):
        colour = RED if HIT.start <= n < HIT.stop else GREY
        x, y = LEFT + wide * a, LEFT + wide * b
        parts.append(
            f'<path d="M{x:.1f} 36L{y:.1f} 84" stroke="{colour}" stroke-width="1.6" fill="none"/>'
            f'<circle cx="{x:.1f}" cy="32" r="5" fill="{GREY}"/>'
            f'<circle cx="{y:.1f}" cy="88" r="5" fill="{colour}"/>'
        )
    seconds = range(int(due[-1]) + 1)
    marks = [_text(LEFT + wide * at, 114, f"{at} s", anchor="middle") for at in seconds]
    return parts + marks


def _frames(sent: list[bytes], arrives: list[bytes], kind: TransportKind) -> list[str]:
    """Return the frames that were sent on the left, and what arrives in their place beside."""
    shade = (
        f'<rect x="4" y="{TOP + LINE * (HIT.start + 1) - 5}" width="{WIDTH - 8}" '
        f'height="{LINE * (HIT.stop - HIT.start)}" fill="{SHADE}"/>'
    )
    parts = [shade, _text(12, TOP + 8, "sent"), _text(WIDTH / 2, TOP + 8, "arrives")]
    for n, (one, other) in enumerate(zip(sent, arrives, strict=True)):
        y = TOP + 8 + LINE * (n + 1)
        parts.append(_text(12, y, _shown(one), mono=True))
        words = _shown(other)
        hit = HIT.start <= n < HIT.stop
        if not words:
            words = "the port is gone" if hit and kind.unplugs else "nothing"
            parts.append(_text(WIDTH / 2, y, words, colour=GREY))
        else:
            parts.append(_text(WIDTH / 2, y, words, mono=True, colour=RED if other != one else INK))
    return parts


def _shown(frame: bytes) -> str:
    """Return bytes as people write them, at most `SHOWN` characters."""
    words = "".join(
        chr(byte) if 32 <= byte < 127 else {13: "\\r", 10: "\\n"}.get(byte, f"\\x{byte:02x}")
        for byte in frame
    )
    return words if len(words) <= SHOWN else words[: SHOWN - 3] + "..."


def _line(points: str, colour: str, width: float) -> str:
    return f'<polyline points="{points}" fill="none" stroke="{colour}" stroke-width="{width}"/>'


def _text(
    x: float,
    y: float,
    words: str,
    *,
    anchor: str = "start",
    mono: bool = False,
    colour: str = INK,
) -> str:
    family = ' font-family="ui-monospace, monospace" font-size="12"' if mono else ""
    return (
        f'<text x="{x:.1f}" y="{y:.1f}" text-anchor="{anchor}" fill="{colour}"{family}'
        f' xml:space="preserve">{escape(words)}</text>'
    )


def _svg(height: float, alt: str, parts: Sequence[str]) -> str:
    head = (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {height:.0f}" role="img" '
        'font-family="system-ui, sans-serif" font-size="13">'
    )
    ground = f'<rect width="{WIDTH}" height="{height:.0f}" rx="8" fill="{GROUND}"/>'
    return "\n".join([head, f"<title>{escape(alt)}</title>", ground, *parts, "</svg>", ""])


def files() -> dict[str, str]:
    """Return the text of each picture by its place in docs/."""
    return {f"images/faults/{one.name}.svg": one.svg for one in pictures()}


def page() -> str:
    """Return docs/faults.md with the gallery as the code has it."""
    text = PAGE.read_text(encoding="utf-8")
    head, _, rest = text.partition(BEGIN)
    _, _, tail = rest.partition(END)
    return f"{head}{BEGIN}{gallery()}{END}{tail}"


def gallery() -> str:
    """Return the gallery: a heading, a picture and the label of each."""
    parts = []
    for one in pictures():
        said = OTHERS[one.name][0] if one.name in OTHERS else KINDS[one.name].summary
        title = one.name.replace("_", " ") if one.name in OTHERS else f"`{one.name}`"
        parts.append(
            f"### {title}\n\n{said} Its label reads: {one.label}.\n\n"
            f"![{one.alt}](images/faults/{one.name}.svg)\n"
        )
    return "\n" + "\n".join(parts) + "\n"
