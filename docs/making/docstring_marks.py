r"""Docstrings are written for `help()`, with a few marks of reStructuredText; a page shows them so.

They are formulas (``.. math::`` and :math:`a`), and notes such as ``[1]_`` with their ``.. [1]``.
"""

from __future__ import annotations

import re

from formulas import mathml
from markdown import Markdown
from markdown.extensions import Extension
from markdown.preprocessors import Preprocessor

BLOCK = re.compile(
    r"^(?P<indent> *)\.\. math::(?P<same> .*)?\n"
    r"(?P<more>(?:(?P=indent) +\S.*\n|\n(?=(?P=indent) {3,}))*)",
    re.MULTILINE,
)
INLINE = re.compile(r":math:`([^`]+)`")
CITED = re.compile(r"(?<=\S)? ?\[(\d+)\]_")
SOURCE = re.compile(r"^( *)\.\. (\[\d+\] .*(?:\n\1 +\S.*)*)", re.MULTILINE)


class Marks(Extension):
    """Add what reads the marks to a Markdown of mkdocstrings."""

    def extendMarkdown(self, md: Markdown) -> None:  # noqa: N802 - the name is Markdown's
        """Put it behind the reader of code blocks, in which nothing is a mark."""
        md.preprocessors.register(_Reader(md), "docstring_marks", 24)


class _Reader(Preprocessor):
    def run(self, lines: list[str]) -> list[str]:
        text = "\n".join(lines)
        if ".. " not in text and ":math:" not in text and "]_" not in text:
            return lines
        text = BLOCK.sub(self._block, f"{text}\n")
        text = INLINE.sub(lambda m: self._kept(mathml(m[1], display=False)), text)
        text = SOURCE.sub(lambda m: f"\n{m[1]}{' '.join(m[2].split())}\n", text)
        return CITED.sub(r" [\1]", text).split("\n")

    def _block(self, match: re.Match[str]) -> str:
        tex = f"{match['same'] or ''} {match['more']}".strip()
        drawn = f'<div class="formula">{mathml(tex, display=True)}</div>'
        return f"\n{match['indent']}{self._kept(drawn)}\n\n"

    def _kept(self, html: str) -> str:
        """Return a mark that is replaced by *html* when all else is done."""
        return str(self.md.htmlStash.store(html))
