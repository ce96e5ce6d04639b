"""What all frame formats share: numbers, status words, and what comes out of a decoder."""

from __future__ import annotations

import math
import re
from collections.abc import Iterable, Sequence
from typing import NamedTuple

from sensorkit.profile import Profile
from sensorkit.readings import RejectReason
from sensorkit.wire.device_names import DeviceNames
from sensorkit.wire.framing import Line

# `float` takes far more than a sensor sends: nan, 1e5, 8_5, full-width digits, blanks around.
# One flipped bit is enough to get there, so a number is a plain decimal and nothing else. The
# digits are limited so that the value stays finite.
NUMBER = r"-?[0-9]{1,18}(?:\.[0-9]{1,18})?"
COUNT = r"[0-9]{1,18}"
# Without a vocabulary any word is taken that a spreadsheet takes for text.
WORD = r"[A-Za-z0-9_][A-Za-z0-9_ .:/#%()-]{0,63}"

MAX_UPTIME_S = 1e9
"""Thirty years; a larger one is no uptime, and its time could not be written down."""

is_number = re.compile(NUMBER).fullmatch
is_count = re.compile(COUNT).fullmatch

NAN = math.nan


class Frame(NamedTuple):
    """What a line said."""

    offset: int
    """Where the line starts in the stream."""
    length: int
    """Bytes of the line, without its line end."""
    texts: tuple[str | None, ...]
    """One a channel of the profile, as it stood on the wire; empty where it is missing, None
    where it did not stand there as a plain decimal."""
    values: tuple[float, ...]
    """The same as numbers; NaN where it is missing."""
    status: str | None
    sequence: int | None
    uptime: float | None
    """Seconds since the device started."""
    checked: bool = False
    """A checksum was there, and right."""
    device: str | None = None
    """Which device it is of; None where the frame does not say it."""


class Decoded(NamedTuple):
    """What a run of lines held; both lists are in the order of the lines."""

    frames: list[Frame]
    rejections: list[tuple[Line, RejectReason]]


class Reject(Exception):  # noqa: N818 - not an error: the way out of the slow path
    """A line is no frame; never leaves the codecs."""

    def __init__(self, reason: RejectReason) -> None:
        super().__init__(reason)
        self.reason = reason


class Grammar:
    """The checks that follow from a profile, whatever the frame format."""

    def __init__(self, profile: Profile, allowed: Iterable[str] = ()) -> None:
        word = "|".join(map(re.escape, profile.status_words)) or WORD
        self.word_pattern = f"(?:{word})"
        self._is_word = re.compile(self.word_pattern).fullmatch
        self.limits = [
            (index, *channel.plausible)
            for index, channel in enumerate(profile.channels)
            if channel.plausible is not None
        ]
        self.devices = DeviceNames(profile)
        extra = re.escape("".join(c for text in allowed for c in text if not " " <= c <= "~"))
        self._has_foreign = re.compile(f"[^ -~{extra}]").search

    def readable(self, line: Line) -> str:
        """Return the text of *line*, or reject it: too long, empty, or not printable ASCII."""
        if line.overlong:
            raise Reject(RejectReason.OVERLONG)
        text = line.data.decode("latin-1")
        if not text or text.isspace():
            raise Reject(RejectReason.EMPTY)
        if self._has_foreign(text):
            raise Reject(RejectReason.ENCODING)
        return text

    def status(self, text: str) -> str:
        """Return *text* if it is a status word."""
        if not self._is_word(text):
            raise Reject(RejectReason.STATUS)
        return text

    def device(self, text: str) -> str:
        """Return *text* if it is a device that may speak here."""
        if text not in self.devices:
            raise Reject(RejectReason.DEVICE)
        return text

    def in_range(self, values: Sequence[float]) -> bool:
        """Return whether each value is what its sensor can say (NaN: nothing was said)."""
        for index, low, high in self.limits:
            value = values[index]
            if value < low or value > high:
                return False
        return True


def number(text: str) -> float:
    """Return the value of a plain decimal, NaN for an empty text, or reject it."""
    if not text:
        return NAN
    if not is_number(text):
        raise Reject(RejectReason.NUMBER)
    return float(text)


def uptime(text: str) -> float | None:
    """Return the seconds of an uptime, None for an empty text, or reject it."""
    if not text:
        return None
    seconds = number(text)
    if not 0 <= seconds <= MAX_UPTIME_S:
        raise Reject(RejectReason.RANGE)
    return seconds


def count(text: str) -> int | None:
    """Return the value of a plain natural number, None for an empty text, or reject it."""
    if not text:
        return None
    if not is_count(text):
        raise Reject(RejectReason.NUMBER)
    return int(text)
