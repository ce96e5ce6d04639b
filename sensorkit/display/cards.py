"""What an object says of itself in a notebook: a heading, facts and small tables.

As text for terminals and tests, the same every time; as HTML without any colour of its own, so
that it looks right in a light and in a dark JupyterLab. Everything is escaped: it may come from a
device.
"""

from __future__ import annotations

import html
import textwrap
from collections.abc import Sequence
from dataclasses import dataclass, field

from sensorkit.display.labelling import cut

LONGEST = 240
"""Characters of a cell of a table."""
LONGEST_FACT = 1200
WIDTH = 96
"""Of the text, where a fact is wrapped."""


@dataclass(frozen=True)
class Table:
    """A small table.

    Attributes
    ----------
    caption : str
    columns : sequence of str
    rows : sequence of sequence of str
        The first cell names the row.
    words : int
        So many columns, from the left, are text; the others are numbers.
    """

    caption: str
    columns: Sequence[str]
    rows: Sequence[Sequence[str]]
    words: int = 1

    def text(self) -> str:
        """Return the table as lines, the columns one below the other."""
        cells = [[cut(cell, LONGEST) for cell in row] for row in (self.columns, *self.rows)]
        widths = [max(map(len, column)) for column in zip(*cells, strict=True)]
        lines = [
            "  ".join(
                cell.ljust(width) if k < self.words else cell.rjust(width)
                for k, (cell, width) in enumerate(zip(row, widths, strict=True))
            ).rstrip()
            for row in cells
        ]
        return "\n".join([f"{self.caption}:", *(f"  {line}" for line in lines)])

    def html(self) -> str:
        """Return the table as HTML."""
        head = "".join(self._cell("th", k, name, "col") for k, name in enumerate(self.columns))
        body = "".join(
            "<tr>"
            + "".join(
                self._cell("td" if k else "th", k, cell, "" if k else "row")
                for k, cell in enumerate(row)
            )
            + "</tr>"
            for row in self.rows
        )
        caption = f'<caption style="{LEFT}">{_escaped(self.caption)}</caption>'
        return f"<table>{caption}<thead><tr>{head}</tr></thead><tbody>{body}</tbody></table>"

    def _cell(self, tag: str, column: int, cell: str, scope: str) -> str:
        scoped = f' scope="{scope}"' if scope else ""
        style = LEFT if column < self.words else "text-align:right"
        return f'<{tag}{scoped} style="{style}">{_escaped(cell)}</{tag}>'


LEFT = "text-align:left"
NO_MATHS = "tex2jax_ignore mathjax_ignore"
"""JupyterLab would take `$...$` in what a device says for mathematics and typeset it."""


@dataclass(frozen=True)
class Card:
    """What is shown of an object.

    Attributes
    ----------
    kind, name : str
        Its heading: what it is, and which.
    facts : sequence of (str, str)
        Those that are "" are left out.
    tables : sequence of Table
        Those without rows are left out.
    """

    kind: str
    name: str = ""
    facts: Sequence[tuple[str, str]] = ()
    tables: Sequence[Table] = field(default_factory=tuple)

    def text(self) -> str:
        """Return the card as lines of text.

        >>> faults = Table("faults", ("", "n"), [("a", "2")])
        >>> print(Card("Plan", "monday", [("seed", "1")], [faults]))
        Plan monday
          seed  1
        faults:
             n
          a  2
        """
        said = [(name, cut(value, LONGEST_FACT)) for name, value in self.facts if value]
        width = max((len(name) for name, _ in said), default=0)
        lines = [f"{self.kind} {cut(self.name)}".rstrip()]
        for name, value in said:
            head = f"  {name.ljust(width)}  "
            lines += textwrap.wrap(
                value, WIDTH, initial_indent=head, subsequent_indent=" " * len(head)
            )
        return "\n".join([*lines, *(table.text() for table in self.tables if table.rows)])

    def html(self) -> str:
        """Return the card as HTML: a heading, and tables with headers that a screen reader says."""
        facts = "".join(
            f'<tr><th scope="row" style="{LEFT}">{_escaped(name)}</th>'
            f'<td style="{LEFT}">{_escaped(value, LONGEST_FACT)}</td></tr>'
            for name, value in self.facts
            if value
        )
        heading = f"<p><strong>{_escaped(self.kind)}</strong> {_escaped(self.name)}</p>"
        tables = "".join(table.html() for table in self.tables if table.rows)
        shown = f"<table><tbody>{facts}</tbody></table>" if facts else ""
        return f'<div class="sensorkit-card {NO_MATHS}">{heading}{shown}{tables}</div>'

    def __str__(self) -> str:
        return self.text()


def shortened(rows: Sequence[Sequence[str]], most: int = 30) -> list[Sequence[str]]:
    """Return *rows*; of more than *most* the first, and a last one that says how many are missing.

    >>> shortened([("a", "1"), ("b", "2"), ("c", "3")], 2)
    [('a', '1'), ('2 more', '')]
    """
    if len(rows) <= most:
        return list(rows)
    kept = list(rows[: most - 1])
    return [*kept, (f"{len(rows) - len(kept):,} more", *[""] * (len(rows[0]) - 1))]


def _escaped(text: str, longest: int = LONGEST) -> str:
    return html.escape(cut(text, longest))
