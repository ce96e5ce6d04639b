"""Which checksum the lines of a device end with, if one is found right."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Any, NamedTuple

from sensorkit.wire import checksum

RIGHT = 0.5
"""Share of the lines with a `*` whose checksum must be right; the others were damaged."""
ALL = 0.9
"""With so many of the lines having one, a line without is damaged, too."""

_TAIL = re.compile(r"\*[0-9A-Fa-f]{2,4}$")
_KINDS: tuple[checksum.Kind, ...] = ("xor", "crc16")


class Found(NamedTuple):
    """A checksum, and what lines are without it."""

    kind: checksum.Kind
    bodies: list[str]
    """The lines without it, as far as it is right; all lines where there is none."""
    remark: str
    settings: dict[str, Any]
    """What a frame section says of it."""


def find(lines: Sequence[str], *, start: str = "") -> Found:
    """Return the checksum that *lines* have; it covers what stands behind a sign of *start*.

    >>> find(["123456789*29B1", "T:21*40"]).kind
    'crc16'
    """
    tailed = [line for line in lines if _TAIL.search(line)]
    best: checksum.Kind = "none"
    right: list[str] = []
    for kind in _KINDS:
        found = []
        for line in tailed:
            inner = line[1:] if start and line.startswith(tuple(start)) else line
            body, is_right = checksum.split(inner.encode("latin-1"), kind)
            if is_right:
                found.append(line[: len(line) - len(inner)] + body.decode("latin-1"))
        if len(found) > len(right):
            best, right = kind, found
    if not tailed or len(right) < RIGHT * len(tailed):
        remark = ""
        if len(tailed) > ALL * len(lines):
            remark = "lines end with * and hex digits, but neither xor nor crc16 is right"
        return Found("none", list(lines), remark, {"checksum": "none"})
    settings: dict[str, Any] = {"checksum": best}
    remark = f"right in {len(right)} of the {len(lines)} lines looked at"
    if len(tailed) < ALL * len(lines):
        settings["checksum_required"] = False
        remark += f"; {len(lines) - len(tailed)} have none"
        bare = [line for line in lines if not _TAIL.search(line)]
        return Found(best, right + bare, remark, settings)
    return Found(best, right, remark, settings)
