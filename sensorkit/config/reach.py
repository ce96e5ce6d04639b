"""Which options of which commands a setting of a preset becomes the default of."""

from __future__ import annotations

from collections.abc import Mapping
from typing import NamedTuple


class Reach(NamedTuple):
    """The options that one setting reaches."""

    names: tuple[str, ...]
    """How an option is called that takes it, without dashes."""
    commands: tuple[str, ...]
    """Those in which an option of such a name means this setting."""
    elsewhere: Mapping[str, str] = {}
    """Commands in which an option of such a name means something else, and what."""


RECORDED = "of a recording, which knows its own"
MADE = "of files that are made or read now, whatever the device of the preset is"

REACHES: Mapping[str, Reach] = {
    "profile": Reach(
        ("profile",),
        ("emulate", "capture", "evaluate"),
        {
            "import": MADE,
            "learn": MADE,
            "new-notebook": MADE,
            "quality": RECORDED,
            "replay": RECORDED,
            "detect": RECORDED,
        },
    ),
    "units": Reach(("units",), ("emulate",)),
    "rate_hz": Reach(("rate", "rate-hz"), ("emulate",), {"import": MADE, "learn": MADE}),
    "anomalies": Reach(("anomalies",), ("emulate",)),
    "window": Reach(
        ("window", "quality-window"),
        ("capture", "quality"),
        {"rul": "of the cycles of an engine's life, not of readings that come in"},
    ),
    "quality_interval_s": Reach(("quality-interval",), ("capture",)),
    "thresholds.quality_below": Reach(("quality-below",), ("capture",)),
    "thresholds.error_rate_above": Reach(("error-rate-above",), ("capture",)),
    "thresholds.anomalies_above": Reach(("anomalies-above",), ("capture",)),
    "thresholds.memory_mb_above": Reach(("memory-mb-above",), ("capture",)),
    "thresholds.false_alarms_per_day": Reach(
        ("false-alarms-per-day",), (), {"detect": "only with --calibrate-on, and typed there"}
    ),
}
"""Setting -> the options it becomes the default of. A test looks for options that are missing."""

QUALITY = frozenset(name for name in REACHES if REACHES[name].commands == ("capture",))
"""Settings that mean nothing while the data quality is not judged."""

JUDGED_TOGETHER = 100
"""Readings: the window of the data quality where thresholds are given and no window is."""


def options_of(setting: str, command: str, options: Mapping[str, object]) -> list[str]:
    """Return which *options* of *command* a setting is the default of.

    >>> options_of("window", "capture", {"quality-window": None, "baud": None})
    ['quality-window']
    """
    reach = REACHES.get(setting)
    if reach is None or command not in reach.commands:
        return []
    return [name for name in reach.names if name in options]
