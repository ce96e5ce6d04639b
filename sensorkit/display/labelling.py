"""Text inside figures: what plotly would take for markup or mathematics is shown as it stands."""

from __future__ import annotations

import html
import textwrap

from sensorkit.display.formats import visible

LONGEST = 60
"""Characters of a word in a figure or a table; a device may send a megabyte."""


def cut(text: object, longest: int = LONGEST) -> str:
    r"""Return *text* on one line, control characters escaped, no longer than *longest*.

    >>> cut("a\x00b\n" * 3, 9)
    'a\\x00b\\n…'
    """
    # A character becomes one or more: those beyond would be cut off anyway.
    shown = visible(str(text)[: longest + 1]).replace("\n", "\\n")
    return shown if len(shown) <= longest else f"{shown[: longest - 1]}…"


def labelled(text: object, longest: int = LONGEST) -> str:
    """Return *text* for a label of plotly, which reads some HTML, `$...$` and `%{...}`.

    >>> labelled("<b>1</b> $x$")
    '&lt;b&gt;1&lt;/b&gt; &#36;x&#36;'
    """
    shown = html.escape(cut(text, longest), quote=False)
    return shown.replace("$", "&#36;").replace("%{", "&#37;{")


def titled(channel: str, unit: str, between: str = " ") -> str:
    """Return the title of an axis: channel and unit.

    >>> titled("T_1", "°C"), titled("<b>", "")
    ('T_1 (°C)', '&lt;b&gt;')
    """
    return f"{labelled(channel)}{between}({labelled(unit, 12)})" if unit else labelled(channel)


def wrapped(text: object, width: int = 64, longest: int = 400) -> str:
    """Return *text* as the lines of a label that is shown on hovering.

    >>> wrapped("a value that is <too> high", 12)
    'a value that<br>is &lt;too&gt;<br>high'
    """
    lines = textwrap.wrap(cut(text, longest), width)
    return "<br>".join(labelled(line, longest) for line in lines)
