"""CSV files that people open with a spreadsheet: text in them stays text."""

from __future__ import annotations

import re
from collections.abc import Callable

import pandas as pd

# A spreadsheet runs a field that begins so as a formula, in quotes or not (OWASP, "CSV Injection").
FORMULA = re.compile(r"'*[=+\-@]")
ESCAPE = re.compile(r"\\(\\|[trn]|x[0-9a-f]{2}|u[0-9a-f]{4}|U[0-9a-f]{8})")


def as_text(field: str) -> str:
    r"""Return *field* so that a spreadsheet takes it for text, on one line.

    A formula gets a `'` in front, and what has one already another, so that `as_it_was` finds the
    way back. Control characters, which end a row or a file for many readers, are written as in
    Python, and a backslash twice.

    >>> print(as_text("=cmd()"), as_text("'-1"), as_text("it's"), as_text("a\rb"))
    '=cmd() ''-1 it's a\rb
    """
    if not field.isprintable() or "\\" in field:
        field = "".join(
            char if char.isprintable() and char != "\\" else char.encode("unicode_escape").decode()
            for char in field
        )
    return f"'{field}" if FORMULA.match(field) else field


def as_it_was(field: str) -> str:
    r"""Return what `as_text` made *field* of.

    >>> [as_it_was(as_text(field)) for field in ("=cmd()", "'-1", "it's", "a\rb", "C:\\new")]
    ['=cmd()', "'-1", "it's", 'a\rb', 'C:\\new']
    """
    if field.startswith("'") and FORMULA.match(field):
        field = field[1:]
    if "\\" not in field:
        return field
    return ESCAPE.sub(lambda found: found[0].encode("ascii").decode("unicode_escape"), field)


def to_csv(frame: pd.DataFrame) -> str:
    r"""Return *frame* as CSV; its texts, and no numbers, pass through `as_text`.

    >>> to_csv(pd.DataFrame({"device": ["=1+1", "a"], "size": [-1.5, 2.0]}))
    "device,size\n'=1+1,-1.5\na,2.0\n"
    """
    return _mapped(frame, as_text).to_csv(index=False, lineterminator="\n")


def restored(frame: pd.DataFrame) -> pd.DataFrame:
    """Return a table that was read from what `to_csv` wrote, with its texts as they were."""
    return _mapped(frame, as_it_was)


def _mapped(frame: pd.DataFrame, change: Callable[[str], str]) -> pd.DataFrame:
    texts = frame.select_dtypes(include=["string", "object"])
    return frame.assign(
        **{
            str(name): column.map(
                lambda field: change(field) if isinstance(field, str) else field
            ).astype(column.dtype)
            for name, column in texts.items()
        }
    )
