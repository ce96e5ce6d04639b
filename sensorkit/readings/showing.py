"""Readings at a glance: how many, from when to when, and what each channel holds."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from sensorkit.display.cards import Card, Table, shortened
from sensorkit.display.formats import NONE, count, second, seconds
from sensorkit.display.labelling import cut
from sensorkit.display.lines import GAP_STEPS
from sensorkit.readings.times import isoformat
from sensorkit.readings.words import Words

if TYPE_CHECKING:
    from sensorkit.readings.batch import Readings

MOST_WORDS = 6


def card(readings: Readings) -> Card:
    """Return what is shown of *readings*; the same readings, the same card."""
    return Card(
        "Readings",
        f"{count(len(readings))} of {count(len(readings.channels))} "
        f"{'channel' if len(readings.channels) == 1 else 'channels'}",
        [*when(readings), ("device", tally(readings.device)), ("status", status(readings))],
        [channels(readings)],
    )


def when(readings: Readings) -> list[tuple[str, str]]:
    """Say from when to when readings came, how often from a device, and how often there were none.

    Devices are looked at one by one: their clocks may differ, and they speak by turns.
    """
    time_ns, codes = readings.time, readings.device.codes
    if not len(time_ns):
        return []
    steps = np.concatenate([np.diff(time_ns[codes == code]) for code in np.unique(codes)])
    forward = steps[steps > 0]
    usual = float(np.median(forward)) if len(forward) else 0.0
    start, end = int(time_ns.min()), int(time_ns.max())
    silences, back = int((steps > GAP_STEPS * usual).sum()), int((steps < 0).sum())
    return [
        ("from", f"{second(isoformat(start))} UTC"),
        ("to", f"{second(isoformat(end))} UTC ({seconds((end - start) / 1e9)})"),
        ("every", seconds(usual / 1e9) if usual else ""),
        ("gaps", f"{count(silences)}, longest {seconds(steps.max() / 1e9)}" if silences else ""),
        ("time goes back", f"{count(back)} times" if back else ""),
    ]


def tally(words: Words) -> str:
    """Return each word with how often it stands there, the most frequent first.

    >>> tally(Words.of(["a", "b", "a", None])), tally(Words.of(["a", "a"]))
    ('a 2, b 1, none 1', 'a')
    """
    codes, often = np.unique(words.codes, return_counts=True)
    names = [*words.vocabulary, "none"]
    if len(codes) == 1:
        return cut(names[codes[0]])
    order = np.lexsort((codes < 0, -often))
    said = [f"{cut(names[codes[k]], 24)} {count(int(often[k]))}" for k in order[:MOST_WORDS]]
    rest = f", {len(codes) - MOST_WORDS} more" if len(codes) > MOST_WORDS else ""
    return ", ".join(said) + rest


def channels(readings: Readings, units: dict[str, str] | None = None) -> Table:
    """Return a table of the channels: first and last value, least, mean, greatest, missing."""
    rows = []
    for name in readings.channels:
        values = readings.channel(name)
        known = values[np.isfinite(values)]
        told: list[float | None] = [None] * 5
        if len(known):
            ends = float(known[0]), float(known[-1])
            told = [float(known.min()), float(known.mean()), float(known.max()), *ends]
        missing = count(len(values) - len(known))
        rows.append(
            (
                cut(name),
                *([] if units is None else [cut(units.get(name, ""), 16)]),
                *(NONE if value is None else f"{value:,.5g}" for value in told),
                missing,
            )
        )
    unit = () if units is None else ("unit",)
    head = ("channel", *unit, "least", "mean", "greatest", "first", "last", "missing")
    return Table("channels", head, shortened(rows, 60), words=1 + len(unit))


def status(readings: Readings) -> str:
    """Return the tally of the status words; "" where the device sends none."""
    return tally(readings.status) if (readings.status.codes >= 0).any() else ""
