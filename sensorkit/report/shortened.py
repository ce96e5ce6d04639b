"""Texts longer than anyone reads, cut where they are read: a device may send a line of 10 MB."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from sensorkit.display.formats import visible

LONGEST = 2000
"""Characters of one text of a report."""

LONGEST_LINE = 5000
LONGEST_OUTPUT = 200_000
"""Characters of a line, and of an output, of an executed notebook."""

KEPT = re.compile(r"(\x1b\[[\d;]*m|\t)")
"""What sets a colour, and what stands for blanks."""

TEXTS = ("text/plain", "text/markdown", "text/latex")
MARKUP = ("text/html", "image/svg+xml")


def cut(text: str, longest: int = LONGEST) -> str:
    """Return *text*, or the beginning of it and how long it is.

    >>> cut("ab" * 5, 4), cut("abcd", 4)
    ('abab … (10 characters)', 'abcd')
    """
    return text if len(text) <= longest else f"{text[:longest]} … ({len(text):,} characters)"


def shortened(value: Any) -> Any:
    """Return what was read from JSON with its texts cut.

    >>> shortened({"a": ["x" * 3000, 1]})["a"][0][-26:]
    'xxxxx … (3,000 characters)'
    """
    match value:
        case str():
            return cut(value)
        case Mapping():
            return {cut(str(key)): shortened(item) for key, item in value.items()}
        case list():
            return [shortened(item) for item in value]
    return value


def tame_outputs(notebook: Any) -> None:
    """Cut what an executed notebook shows, and let no control character of it act.

    Only what sets a colour stays, as in a traceback. The .ipynb beside the page has all.
    """
    for cell in notebook.cells:
        cell.source = _lines(cell.source)
        for output in cell.get("outputs", []):
            if "text" in output:
                output.text = _lines(output.text)
            if "traceback" in output:
                output.traceback = [_lines(line) for line in output.traceback]
            data = output.get("data", {})
            for kind in data.keys() & set(TEXTS):
                data[kind] = _lines(data[kind])
            for kind in data.keys() & set(MARKUP):
                # Cut in two, an element would not end.
                if len(data[kind]) > LONGEST_OUTPUT:
                    length = len(data.pop(kind))
                    data.setdefault("text/plain", f"An output of {length:,} characters: not shown")
                else:
                    data[kind] = _harmless(data[kind])


def _lines(text: str) -> str:
    whole = "\n".join(cut(line, LONGEST_LINE) for line in text.split("\n"))
    return _harmless(cut(whole, LONGEST_OUTPUT))


def _harmless(text: str) -> str:
    if text.isprintable():
        return text
    return "".join(
        part if KEPT.fullmatch(part) else visible(part) for part in KEPT.split(text) if part
    )
