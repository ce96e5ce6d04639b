"""YAML with comments, from values that a device may have said: inert, whatever it said."""

from __future__ import annotations

import re
import textwrap
from collections.abc import Mapping, Sequence
from typing import Any

from sensorkit.display.formats import visible

WIDTH = 98
LONGEST = 300
"""Of a comment: a device may say more than anybody wants to read."""

SHORT = 1e7
"""A larger number of few digits is written with an exponent."""

_PLAIN = re.compile(r"[A-Za-z][A-Za-z0-9_]*")
_WORDS = frozenset({"y", "n", "yes", "no", "on", "off", "true", "false", "null"})
"""YAML 1.1 reads them as something else than texts."""


def scalar(value: Any) -> str:
    r"""Return a value as YAML that reads back as it is.

    >>> scalar("T"), scalar("no"), scalar(": # \x1b"), scalar(1e-7), scalar(2.0), scalar(3e10)
    ('T', '"no"', '": # \\U0000001B"', '1.0e-07', '2.0', '3.0e+10')
    """
    if value is None:
        return "null"
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, int | float):
        text = repr(value)
        if isinstance(value, float) and abs(value) >= SHORT and float(f"{value:.6g}") == value:
            text = f"{value:.6g}"
        mantissa, e, exponent = text.partition("e")
        return f"{mantissa}.0e{exponent}" if e and "." not in mantissa else text
    text = str(value)
    if _PLAIN.fullmatch(text) and text.lower() not in _WORDS:
        return text
    return '"' + "".join(map(_quoted, text)) + '"'


def _quoted(char: str) -> str:
    """Return a character as it stands in double quotes: a degree sign as it is, U+2028 not."""
    if char in '"\\':
        return f"\\{char}"
    return char if char.isprintable() else f"\\U{ord(char):08X}"


def flow(value: Any) -> str:
    """Return a value in one line.

    >>> flow({"sigma": 0.1, "ar": (0.5, 0.1)})
    '{sigma: 0.1, ar: [0.5, 0.1]}'
    """
    if isinstance(value, Mapping):
        return "{" + ", ".join(f"{scalar(k)}: {flow(v)}" for k, v in value.items()) + "}"
    if isinstance(value, Sequence) and not isinstance(value, str):
        return "[" + ", ".join(map(flow, value)) + "]"
    return scalar(value)


def comment(text: str, indent: int = 0) -> list[str]:
    r"""Return lines of comment; nothing in *text* can end them.

    >>> comment("as " + chr(0x2028) + "name: evil")
    ['# as \\u2028name: evil']
    """
    inert = visible(text.replace("\n", " ").replace("\r", " "))
    if len(inert) > LONGEST:
        inert = f"{inert[: LONGEST - 3]}..."
    lead = " " * indent + "# "
    return textwrap.wrap(
        inert,
        WIDTH,
        initial_indent=lead,
        subsequent_indent=lead,
        break_on_hyphens=False,
    )


class Text:
    """A YAML file that is being written: keys with their values, each with what is said of it."""

    def __init__(self) -> None:
        self._lines: list[str] = []

    def say(self, text: str, indent: int = 0) -> None:
        """Write a comment."""
        self._lines += comment(text, indent)

    def blank(self) -> None:
        """Write an empty line."""
        self._lines.append("")

    def line(self, text: str, indent: int = 0, remark: str = "") -> None:
        """Write a line; its remark stands behind it, or above where it is too long."""
        whole = " " * indent + text
        told = comment(remark) if remark else []
        if len(told) == 1 and len(whole) + 2 + len(told[0]) <= WIDTH:
            whole += f"  {told[0]}"
        elif told:
            self._lines += comment(remark, indent)
        self._lines.append(whole)

    def key(self, name: str, value: Any, indent: int = 0, remark: str = "") -> None:
        """Write a key and its value in one line."""
        self.line(f"{scalar(name)}: {flow(value)}", indent, remark)

    def __str__(self) -> str:
        return "\n".join(self._lines) + "\n"
