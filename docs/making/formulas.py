r"""TeX of docstrings as MathML, which browsers draw without a script: the part of TeX that we use.

What is not known here is refused, so that no page shows half a formula.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from html import escape

TOKEN = re.compile(r"\\[a-zA-Z]+|\\.|\\\n|[{}^_&]|\d+(?:\.\d+)?|[a-zA-Z]+|\S", re.DOTALL)

GREEK = "alpha beta gamma delta mu xi pi rho sigma tau phi Sigma"
LETTERS = dict(zip(GREEK.split(), "αβγδμξπρστφΣ", strict=True))
OPERATORS = {
    "sum": "∑",
    "ge": "≥",
    "le": "≤",
    "pm": "±",
    "dots": "…",
    "cdot": "·",
    "top": "\u22a4",
    "infty": "∞",
    "times": "\u00d7",
    "in": "∈",
}
NAMED = ("max", "min", "ln", "log", "exp", "median", "logit")
SPACES = {"quad": "1em", "qquad": "2em", ",": "0.17em", " ": "0.33em", ";": "0.28em"}
PASSED_OVER = ("textstyle", "displaystyle")
STYLED = ("text", "mathrm", "operatorname")


def mathml(tex: str, *, display: bool) -> str:
    r"""Return a formula as MathML.

    >>> mathml(r"\frac x2", display=False)
    '<math><mfrac><mi>x</mi><mn>2</mn></mfrac></math>'

    Raises
    ------
    ValueError
        If it has something in it that is not known here.
    """
    how = ' display="block"' if display else ""
    return f"<math{how}>{_Formula(tex).all()}</math>"


class _Formula:
    """Reads the tokens of a formula from left to right."""

    def __init__(self, tex: str) -> None:
        self._tex = tex
        self._found = list(TOKEN.finditer(tex))
        self._place = 0

    def all(self) -> str:
        rows = self._rows(lambda: self._peek() == "")
        return rows[0][0] if len(rows) == 1 and len(rows[0]) == 1 else _table(rows)

    def _peek(self) -> str:
        return self._found[self._place][0] if self._place < len(self._found) else ""

    def _next(self) -> str:
        token = self._peek()
        self._place += 1
        return token

    def _rows(self, ended: Callable[[], bool]) -> list[list[str]]:
        """Return the cells up to the end: `&` parts them, and a double backslash parts the rows."""
        rows, cell = [[""]], ""
        while not ended():
            if self._peek() == "":
                raise ValueError(f"{self._tex!r}: ends too soon")
            if self._peek() == "&":
                self._next()
                rows[-1].append("")
            elif self._peek() == "\\\\":
                self._next()
                rows.append([""])
            else:
                cell = self._scripted()
                rows[-1][-1] += cell
        return rows

    def _scripted(self) -> str:
        """Return a piece with what stands below and above it, and a gap behind a named function."""
        gap = "<mspace width='0.17em'/>" if self._peek()[1:] in NAMED else ""
        return self._with_scripts() + gap

    def _with_scripts(self) -> str:
        base = self._piece()
        below = above = ""
        while self._peek() in {"_", "^"}:
            if self._next() == "_":
                below = self._piece(single=True)
            else:
                above = self._piece(single=True)
        wide = base == "<mo>∑</mo>"
        if below and above:
            tag = "munderover" if wide else "msubsup"
            return f"<{tag}>{base}{below}{above}</{tag}>"
        if below:
            tag = "munder" if wide else "msub"
            return f"<{tag}>{base}{below}</{tag}>"
        return f"<msup>{base}{above}</msup>" if above else base

    def _piece(self, *, single: bool = False) -> str:
        token = self._next()
        if token == "{":  # noqa: S105 - of TeX
            return self._group()
        if token.startswith("\\"):
            return self._command(token[1:])
        if token[0].isdigit():
            return f"<mn>{token}</mn>"
        if token.isalpha():
            if single and len(token) > 1:  # x^ab is x to the a, times b
                self._found.insert(self._place, TOKEN.match(token[1:]))  # type: ignore[arg-type]
                token = token[0]
            return f"<mi>{escape(token)}</mi>"
        if token == "-":  # noqa: S105
            return "<mo>−</mo>"  # noqa: RUF001 - the minus of mathematics
        return f"<mo>{escape(token)}</mo>"

    def _group(self) -> str:
        rows = self._rows(lambda: self._peek() == "}")
        self._next()
        return f"<mrow>{rows[0][0]}</mrow>"

    def _command(self, name: str) -> str:
        if name in LETTERS:
            return f"<mi>{LETTERS[name]}</mi>"
        if name in OPERATORS:
            return f"<mo>{OPERATORS[name]}</mo>"
        if name in NAMED:
            return f"<mi>{name}</mi>"
        if name in SPACES:
            return f"<mspace width='{SPACES[name]}'/>"
        if name in PASSED_OVER:
            return ""
        if name in STYLED:
            return f"<mtext>{escape(self._words())}</mtext>"
        if name in {"frac", "tfrac"}:
            return f"<mfrac>{self._piece(single=True)}{self._piece(single=True)}</mfrac>"
        if name == "bar":
            return f"<mover>{self._piece(single=True)}<mo>¯</mo></mover>"
        if name == "sqrt":
            return self._root()
        if name == "left":
            opened = f"<mo>{escape(self._next())}</mo>"
            rows = self._rows(lambda: self._peek() == "\\right")
            self._next()
            return f"<mrow>{opened}{rows[0][0]}<mo>{escape(self._next())}</mo></mrow>"
        if name == "begin":
            return self._cases()
        raise ValueError(f"{self._tex!r}: \\{name} is not known in docs/making/formulas.py")

    def _root(self) -> str:
        if self._peek() != "[":
            return f"<msqrt>{self._piece(single=True)}</msqrt>"
        self._next()
        degree = self._piece(single=True)
        self._next()
        return f"<mroot>{self._piece(single=True)}{degree}</mroot>"

    def _words(self) -> str:
        """Return the text of the group that comes next, blanks included."""
        start = self._found[self._place].end()
        while self._next() != "}":
            if self._peek() == "":
                raise ValueError(f"{self._tex!r}: ends too soon")
        return self._tex[start : self._found[self._place - 1].start()].replace(" ", "\u00a0")

    def _cases(self) -> str:
        if self._words() != "cases":
            raise ValueError(f"{self._tex!r}: of environments only cases is known")
        rows = self._rows(lambda: self._peek() == "\\end")
        self._next()
        self._words()
        return f"<mrow><mo>{{</mo>{_table(rows)}</mrow>"


def _table(rows: list[list[str]]) -> str:
    """Return rows of cells, each set to the left of its column."""
    lines = "".join(
        "<mtr>" + "".join(f"<mtd style='text-align:left'>{cell}</mtd>" for cell in row) + "</mtr>"
        for row in rows
    )
    return f"<mtable>{lines}</mtable>"
