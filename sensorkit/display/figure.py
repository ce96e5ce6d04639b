"""A figure and what stands beside it; the colours, dashes and symbols that figures draw with.

A page sets text, grid and background from its own style (light, dark, print); a notebook from
its template. A figure always brings a sentence for those who cannot see it, and its numbers.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

# Six hues (blue, ochre, rose, green, violet, teal) of 3:1 against both white and near black, chosen
# so that the two most alike lie as far apart as can be (OKLab), seen with and without red or green.
COLOURS = ("#3364db", "#bd871c", "#bb4271", "#317d01", "#b673f3", "#279da8")
SYMBOLS = ("circle", "square", "diamond", "triangle-up", "x", "cross", "star")
DASHES = ("solid", "dash", "dot", "dashdot", "longdash", "longdashdot")
GREY = "#7c7f86"
FAULT = "#d1660a"
ALERT = "#c2255c"
SIGNAL = "#1f77c9"


@dataclass(frozen=True)
class Figure:
    """A figure and what stands beside it."""

    name: str
    caption: str
    alt: str
    """What it shows, in a sentence."""
    spec: Mapping[str, Any]
    """`data` and `layout` for Plotly.newPlot."""
    columns: Sequence[str] = ()
    rows: Sequence[Sequence[str]] = ()
    """Its numbers, for the table beside it."""


@dataclass(frozen=True)
class Style:
    """How one detector is drawn, in every figure of a page: no two differ by colour alone."""

    colour: str
    dash: str
    symbol: str

    def veil(self, opacity: float) -> str:
        """Return the colour as plotly fills with it.

        >>> Style("#1f77c9", "solid", "circle").veil(0.2)
        'rgba(31, 119, 201, 0.2)'
        """
        red, green, blue = (int(self.colour[i : i + 2], 16) for i in (1, 3, 5))
        return f"rgba({red}, {green}, {blue}, {opacity:g})"


def styles(names: Sequence[str]) -> dict[str, Style]:
    """Return the style of each name, by its place; colours come again after six, dashes shifted.

    >>> styles(["guard", "sigma"])["sigma"]
    Style(colour='#bd871c', dash='dash', symbol='square')
    """
    n = len(COLOURS)
    return {
        name: Style(COLOURS[i % n], DASHES[(i + i // n) % len(DASHES)], SYMBOLS[i % len(SYMBOLS)])
        for i, name in enumerate(names)
    }
