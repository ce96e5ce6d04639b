"""How the frames of a device are put together: each format guesses, the best one wins."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import NamedTuple

from sensorkit.capture.diagnosis import shape
from sensorkit.display.formats import visible
from sensorkit.learning import pairs, pattern, sentences, table
from sensorkit.learning.draft import Draft
from sensorkit.learning.sample import LearnError, Sample

GUESSES: tuple[tuple[str, Callable[[Sample], Draft | None]], ...] = (
    ("json", pairs.json_lines),
    ("nmea", sentences.nmea),
    ("key_value", pairs.key_value),
    ("csv", table.csv),
    ("whitespace", table.whitespace),
    ("regex", pattern.regex),
)
"""In the order of preference: a format that names its fields before one that counts them."""
LAST_RESORT = "regex"
"""Knows no fields, only what stands between numbers: tried where nothing else reads half."""

FEWEST = 0.5
"""Share of the lines that must be read."""
WELL = 0.9
ENOUGH = {"json": FEWEST, "nmea": FEWEST}
"""With this share the last resort is not tried; objects and sentences are beyond doubt."""
ALMOST = 0.97
"""A format that is preferred may read so much less than the best."""
USUAL_LINE = 512
"""The longest line a frame section takes without saying so."""


_BETWEEN = re.compile(r"[;\t]| +")
_DECIMAL_COMMA = re.compile(r"(?:[A-Za-z_]\w*[:=])?[+-]?\d+,\d+[^\d,.]{0,8}")
_DECIMAL_POINT = re.compile(r"(?:[A-Za-z_]\w*[:=])?[+-]?\d+\.\d+[^\d,.]{0,8}")
_EXPONENT = re.compile(r"(?<![\w.])[+-]?\d+\.\d*[eE][+-]?\d{1,3}(?![\w.])")


class Guess(NamedTuple):
    """The format that was chosen."""

    draft: Draft
    share: float
    """Of the lines looked at that it reads."""
    others: dict[str, float]
    """What the other formats that were tried read."""


def guess(sample: Sample, where: str) -> Guess:
    """Return how the lines of *sample* are read best.

    Raises
    ------
    LearnError
        If no format reads half of them.
    """
    drafts: list[tuple[str, Draft]] = []
    shares: dict[str, float] = {}
    for name, make in GUESSES:
        if name == LAST_RESORT and any(s >= ENOUGH.get(n, WELL) for n, s in shares.items()):
            break
        draft = make(sample)
        if draft is not None:
            _say_common(draft, sample)
            drafts.append((name, draft))
            shares[name] = draft.share(sample.lines, sample.line_end)
    _refuse_other_numbers(sample, where, set(shares))
    best = max(shares.values(), default=0.0)
    if best < FEWEST:
        lines = [line for line in sample.lines if line.strip()]
        example = visible(lines[len(lines) // 2][:80]) if lines else ""
        read = f"; the best guess reads {best:.0%} of the lines" if best else ""
        raise LearnError(
            f"{where}: no frame format found: the lines look like {shape(sample.lines)}, as "
            f"{example!r}{read}; write the frame section by hand, as "
            "docs/attach-a-device.md shows"
        )
    name, draft = next((n, d) for n, d in drafts if shares[n] >= ALMOST * best)
    return Guess(draft, shares[name], {n: s for n, s in shares.items() if n != name})


def _refuse_other_numbers(sample: Sample, where: str, reading: set[str]) -> None:
    """Refuse decimal commas and exponents: what is left of them would pass for other numbers."""
    for told, what, last in (
        (_has_decimal_commas, "decimal commas", "which no frame format reads; let it send points"),
        (_EXPONENT.search, "exponents", "which json alone reads; let it send plain decimals"),
    ):
        if what == "exponents" and "json" in reading:
            continue
        lines = [line for line in sample.lines if told(line)]
        if len(lines) > FEWEST * len(sample.lines):
            raise LearnError(
                f"{where}: the numbers of the device have {what} ({visible(lines[0][:40])!r}), "
                f"{last}, or import the log as a table (`sensorkit import`)"
            )


def _has_decimal_commas(line: str) -> bool:
    """Return whether a comma stands in numbers of *line* and between none of them.

    >>> _has_decimal_commas("01.03.2026 12:00:00;24,43;7"), _has_decimal_commas("24.4,43 1,2")
    (True, False)
    """
    parts = _BETWEEN.split(line.strip())
    commas = sum(_DECIMAL_COMMA.fullmatch(part) is not None for part in parts)
    points = any(_DECIMAL_POINT.fullmatch(part) for part in parts)
    return not points and (commas > 1 or (commas == 1 and (";" in line or "\t" in line)))


def _say_common(draft: Draft, sample: Sample) -> None:
    """Say what all formats have in common: line ends and long lines."""
    if sample.line_end == "cr":
        draft.frame["line_end"] = "cr"
        draft.remarks["line_end"] = "lines end with a lone carriage return"
    longest = max(map(len, sample.lines))
    if longest > USUAL_LINE - 32:
        draft.frame["max_line_bytes"] = 1 << (2 * longest - 1).bit_length()
        draft.remarks["max_line_bytes"] = f"the longest line has {longest} bytes"
