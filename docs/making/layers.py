"""docs/images/layers.svg: the layers of the package, drawn from the import contract."""

from __future__ import annotations

import tomllib
from html import escape
from pathlib import Path

ROOT = Path(__file__).parents[2]

PURPOSES = {
    "cli": "the command",
    "notebook": "what notebooks import",
    "report": "notebooks, report.json, pages",
    "evaluate": "the judge: metrics, statistics, grid",
    "datasets": "public data sets",
    "capture": "recordings on disk",
    "emulator": "the emulated device",
    "detect": "detectors",
    "faults": "labelled faults",
    "wire": "bytes to readings",
    "signals": "healthy waveforms",
    "profile": "what a device sends",
    "readings": "the facts all parts exchange",
    "display": "how things are shown",
    "errors": "the exception tree",
}
"""What stands in the boxes; modules that are not here help one that is, and are not drawn."""

WIDTH, HEIGHT, GAP, SIDE = 760, 46, 12, 10
# Dark text on light boxes, whatever the page around the picture is.
PURE, SHELL = "#d5efe9", "#ffe9d6"
TOUCHES_THE_WORLD = {"cli", "notebook", "report", "evaluate", "datasets", "capture", "emulator"}


def layers(root: Path = ROOT) -> list[list[str]]:
    """Return the layers that are drawn, from the top, each with its packages."""
    settings = tomllib.loads((root / "pyproject.toml").read_text(encoding="utf-8"))
    contract = settings["tool"]["importlinter"]["contracts"][0]["layers"]
    rows = [[name.strip().removeprefix("sensorkit.") for name in r.split("|")] for r in contract]
    drawn = [[name for name in row if name in PURPOSES] for row in rows]
    return [row for row in drawn if row]


def picture(root: Path = ROOT) -> str:
    """Return the picture as SVG."""
    rows = layers(root)
    height = len(rows) * (HEIGHT + GAP) + 44
    parts = [
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {height}" role="img" '
        'font-family="system-ui, sans-serif" font-size="14">',
        "<title>The layers of sensorkit</title>",
        f'<rect width="{WIDTH}" height="{height}" rx="8" fill="#ffffff"/>',
    ]
    for line, row in enumerate(rows):
        width = (WIDTH - 2 * SIDE - (len(row) - 1) * GAP) / len(row)
        y = SIDE + line * (HEIGHT + GAP)
        parts += [
            box(SIDE + n * (width + GAP), y, width, name, across=len(row))
            for n, name in enumerate(row)
        ]
    y = height - 22
    for x, colour, said in (
        (SIDE, SHELL, "meets ports, clocks, files"),
        (WIDTH / 3, PURE, "pure, save for links and YAML files"),
    ):
        parts.append(f'<rect x="{x:.0f}" y="{y - 11}" width="14" height="14" fill="{colour}"/>')
        parts.append(label(x + 20, y, said, size=13))
    parts.append(label(WIDTH - SIDE, y, "imports point down only", size=13, anchor="end"))
    return "\n".join([*parts, "</svg>", ""])


def box(x: float, y: float, width: float, name: str, *, across: int) -> str:
    """Return a package: its name, and what it is for beside or below it."""
    colour = SHELL if name in TOUCHES_THE_WORLD else PURE
    outline = f'<rect x="{x:.0f}" y="{y}" width="{width:.0f}" height="{HEIGHT}" rx="5" '
    middle = x + width / 2
    if across == 1:
        words = label(middle - 8, y + 28, name, bold=True, anchor="end") + label(
            middle + 8, y + 28, PURPOSES[name], anchor="start"
        )
    else:
        words = label(middle, y + 19, name, bold=True, anchor="middle") + label(
            middle, y + 37, PURPOSES[name], size=13, anchor="middle"
        )
    return f'{outline}fill="{colour}" stroke="#5b6b6b" stroke-width="0.8"/>{words}'


def label(
    x: float, y: float, words: str, *, size: int = 14, bold: bool = False, anchor: str = "start"
) -> str:
    """Return a line of text."""
    weight = ' font-weight="600"' if bold else ""
    return (
        f'<text x="{x:.0f}" y="{y}" font-size="{size}" text-anchor="{anchor}" fill="#1d2b2b"'
        f"{weight}>{escape(words)}</text>"
    )
