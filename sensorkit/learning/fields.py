"""What a field of a frame is: a measurement, a counter, a clock, a status word, a device."""

from __future__ import annotations

import itertools
import re
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Literal

import numpy as np

from sensorkit.capture.columns import MISSING
from sensorkit.wire.grammar import MAX_UPTIME_S, WORD, is_count, is_number

Role = Literal["number", "sequence", "uptime", "clock", "status", "device", "text", "constant"]

NUMBERS = 0.5
"""A field that is a number in more frames than this is one; what else it says is for "missing"."""
SURELY = 0.95
"""... and more than this with what stands for "missing": else it is a text that may be digits."""
MARKERS = 3
"""Different texts for "missing" at most."""
LONGEST_MARKER = 10
STEADY = 0.9
"""Share of the steps of a counter that are one, and of those of a clock that go on."""
FEWEST_STEPS = 4
WORDS = 16
"""Different status words at most."""
USUAL_WORDS = frozenset({"OK", "NORMAL", "GOOD", "VALID", "READY", "RUN", "RUNNING", "IDLE"})
"""What always says the same is a status if it says one of these."""
EVEN_CLOCK = 0.5
"""Spread of a clock's steps over their median, at most: a measurement that rises is less even."""
EXACT = 0.01
"""A clock that has no name is one if its steps differ by less than this share."""

_SEQUENCE = re.compile(
    r"(?i)n|nr|no|seq|sequence|count|counter|cnt|idx|index|frame|sample|packet|pkt"
)
_UPTIME = re.compile(
    r"(?i)(t|time|ts|timestamp|up|uptime|millis|micros|elapsed|clock|u|tick|ticks)"
)
_UPTIME_UNIT = re.compile(r"(?i)(.*?)[ _]*[\[(]?(ms|millis|us|micros|s|sec|seconds)[\])]?")
_DEVICE = re.compile(r"(?i)(dev|device|id|node|node_?id|station|unit|sensor|src|source|addr|name)")
_STATUS = re.compile(r"(?i)(s|st|stat|status|state|mode|flag|alarm|err|error)")

# As `profile.rules.Name`.
_is_name = re.compile(r"[A-Za-z][A-Za-z0-9_.-]{0,63}").fullmatch
_is_word = re.compile(WORD).fullmatch

_STAMPS = (
    (re.compile(r"\d{8}[_T -]?\d{6}"), "%Y%m%d%H%M%S"),
    (re.compile(r"\d{4}-\d\d-\d\d[T ]\d\d:\d\d:\d\d"), "%Y%m%d%H%M%S"),
    (re.compile(r"\d{4}/\d\d/\d\d[T ]\d\d:\d\d:\d\d"), "%Y%m%d%H%M%S"),
)
_STAMP_TAIL = re.compile(r"(\.\d+)?(Z|[+-]\d\d:?\d\d)?")
_OF_DAY = re.compile(r"(\d{1,2}):(\d\d):(\d\d)([.,]\d+)?")
_DATE = re.compile(r"\d{1,4}[-/.]\d{1,2}[-/.]\d{1,4}")
_EPOCH = (1e9, 2.2e9)
"""Seconds since 1970 between 2001 and 2039."""


@dataclass
class Field:
    """A field, over all lines of a sample."""

    role: Role
    texts: Sequence[str]
    missing: tuple[str, ...] = ()
    """What stands there instead of a number."""
    decimals: int = 0
    seconds: list[float] | None = None
    """What a clock says, where it can be read."""
    unit_s: float = 1.0
    """Seconds that one unit of an uptime is: 1 or 0.001."""
    why: str = ""
    """From what the role follows, in a clause."""
    words: tuple[str, ...] = field(default=())


def classify(texts: Sequence[str], name: str = "") -> Field:
    """Return what a field is that says *texts*, one a frame.

    Parameters
    ----------
    texts : sequence of str
    name : str
        Its key or header, where it has one: it decides where the values leave it open.

    Examples
    --------
    >>> classify(["7", "8", "9", "10", "11"]).role, classify(["7.1", "7.0", "7.2"] * 3).role
    ('sequence', 'number')
    >>> classify(["OK", "OK", "WARN", "OK"]).role, classify(["20170409_191726"] * 5).role
    ('status', 'clock')
    """
    clock = _clock(texts)
    if clock is not None:
        return Field("clock", texts, seconds=clock, why="it reads as date and time")
    numbers = [text for text in texts if is_number(text)]
    others = Counter(text for text in texts if not is_number(text))
    if len(numbers) > NUMBERS * len(texts):
        if len(others) > MARKERS or any(len(text) > LONGEST_MARKER for text in others):
            others = Counter({t: c for t, c in others.items() if t.strip().lower() in MISSING})
            if len(numbers) + others.total() < SURELY * len(texts):
                return _word(texts, name)
        found = _counting(numbers, name) if not others else None
        decimals = max(len(text.partition(".")[2]) for text in numbers)
        if found is not None:
            found.texts, found.decimals = texts, decimals
            return found
        return Field("number", texts, tuple(sorted(others)), min(decimals, 9))
    return _word(texts, name)


def of_each_device(found: Field, devices: Sequence[str] | None, name: str = "") -> Field:
    """Return what a field is if several devices take turns: each counts for itself.

    Parameters
    ----------
    found : Field
        What it is over all of them.
    devices : sequence of str or None
        The device of each text; None where the frames name none.
    name : str
        As for `classify`.

    Examples
    --------
    >>> texts, devices = ["7", "3", "8", "4", "9", "5", "10", "6", "11", "7"], ["a", "b"] * 5
    >>> of_each_device(classify(texts), devices).role
    'sequence'
    """
    if devices is None or found.role != "number" or found.missing:
        return found
    first = Counter(devices).most_common(1)[0][0]
    alone = [text for text, one in zip(found.texts, devices, strict=True) if one == first]
    again = classify(alone, name)
    return again if again.role in ("sequence", "uptime") else found


def _counting(texts: Sequence[str], name: str) -> Field | None:
    """Return the counter or clock that numbers are, None if they are measurements."""
    values = np.array([float(text) for text in texts])
    steps = np.diff(values)
    if len(steps) < FEWEST_STEPS or values.min() < 0:
        return None
    whole = all(is_count(text) for text in texts)
    by_one = float(np.mean(steps == 1))
    on = steps[steps > 0]
    rises = len(on) >= STEADY * len(steps)
    told, factor = _told_unit(name)
    named_clock = _UPTIME.fullmatch(told) is not None
    if _EPOCH[0] < values.min() and values.max() < _EPOCH[1] and rises:
        return Field("clock", texts, seconds=values.tolist(), why="it counts seconds since 1970")
    if 1e3 * _EPOCH[0] < values.min() and values.max() < 1e3 * _EPOCH[1] and rises:
        seconds = (values / 1e3).tolist()
        return Field("clock", texts, seconds=seconds, why="it counts milliseconds since 1970")
    if whole and by_one >= STEADY and not (named_clock and told.lower() not in {"u", "t"}):
        return Field("sequence", texts, why="it rises by one from frame to frame")
    if not rises or not len(on):
        return None
    if whole and _SEQUENCE.fullmatch(name) and np.median(on) == 1:
        return Field("sequence", texts, why="it rises by one, and is called as a counter")
    median = float(np.median(on))
    spread = float(np.percentile(on, 90) - np.percentile(on, 10))
    # A measurement may rise evenly, too; but not to the last digit.
    exact = len(steps) >= 2 * FEWEST_STEPS and spread <= EXACT * median
    if not named_clock and not exact and (spread > EVEN_CLOCK * median or median < 10):
        return None
    if not named_clock and not exact and not (whole and len(steps) >= 2 * FEWEST_STEPS):
        return None
    unit = factor or (1e-3 if whole and median >= 10 else 1.0)
    if values.max() * unit > MAX_UPTIME_S:
        return None
    why = f"it rises evenly, by {median:g} a frame" + (f", and is called {name!r}" if name else "")
    return Field("uptime", texts, seconds=(values * unit).tolist(), unit_s=unit, why=why)


def _told_unit(name: str) -> tuple[str, float | None]:
    """Return a name without a unit of time, and the seconds of that unit."""
    if name.lower() in {"ms", "millis"}:
        return "millis", 1e-3
    match = _UPTIME_UNIT.fullmatch(name)
    if match is None or not match[1]:
        return name, None
    unit = match[2].lower()
    return match[1], {"m": 1e-3, "u": 1e-6}.get(unit[0], 1.0)


def _word(texts: Sequence[str], name: str) -> Field:
    said = Counter(texts)
    words = tuple(word for word, _ in said.most_common())
    usual = len(said) == 1 and words[0].upper() in USUAL_WORDS
    if len(said) == 1 and not usual and not (_DEVICE.fullmatch(name) or _STATUS.fullmatch(name)):
        return Field("constant", texts, words=words)
    if all(map(_is_name, words)) and (_DEVICE.fullmatch(name) or _interleaved(texts)):
        why = f"it is called {name!r}" if _DEVICE.fullmatch(name) else "names take turns in it"
        return Field("device", texts, words=words, why=why)
    if len(said) <= min(WORDS, max(len(texts) // 2, 1)) and all(map(_is_word, words)):
        return Field("status", texts, words=words, why=_said(len(said)))
    return Field("text", texts, words=words[:WORDS])


def _said(words: int) -> str:
    return "it always says the same word" if words == 1 else f"it says one of {words} words"


def _interleaved(texts: Sequence[str]) -> bool:
    """Return whether several names take turns, each about as often, with a number in each."""
    said = Counter(texts)
    if not 2 <= len(said) <= 64 or len(texts) < 2 * len(said):
        return False
    if max(said.values()) > 2 * min(said.values()):
        return False
    changes = sum(a != b for a, b in itertools.pairwise(texts))
    numbered = sum(any(c.isdigit() for c in word) for word in said)
    return changes > 0.5 * len(texts) and numbered == len(said)


def _clock(texts: Sequence[str]) -> list[float] | None:
    """Return the seconds of wall-clock stamps, None if *texts* are none; [] for dates alone."""
    looked_at = [text.strip().strip("[]") for text in texts]
    seconds = [_stamp(text) for text in looked_at]
    known = [s for s in seconds if s is not None]
    if len(known) >= STEADY * len(texts):
        return known
    if sum(_DATE.fullmatch(text) is not None for text in looked_at) >= STEADY * len(texts):
        return []
    return None


def _stamp(text: str) -> float | None:
    match = _OF_DAY.fullmatch(text)
    if match:
        part = float(f"0.{match[4][1:]}") if match[4] else 0.0
        return int(match[1]) * 3600 + int(match[2]) * 60 + int(match[3]) + part
    for pattern, form in _STAMPS:
        found = pattern.match(text)
        if found and _STAMP_TAIL.fullmatch(text, found.end()):
            digits = re.sub(r"\D", "", found[0])
            try:
                whole = datetime.strptime(digits, form).replace(tzinfo=UTC).timestamp()
            except ValueError:
                return None
            tail = re.match(r"\.\d+", text[found.end() :])
            return whole + (float(f"0{tail[0]}") if tail else 0.0)
    return None


def typical_step(seconds: Sequence[float]) -> float | None:
    """Return the usual time between two frames that a clock tells, None where it stands still.

    A clock of whole seconds is read over its span.
    """
    steps = np.diff(np.asarray(seconds, dtype=np.float64))
    on = steps[steps > 0]
    if len(on) < FEWEST_STEPS:
        return None
    median = float(np.median(on))
    if len(on) < STEADY * len(steps):
        usual = on[on <= 5 * median]
        return float(usual.sum()) / max(len(steps) - (len(on) - len(usual)), 1)
    return median
