"""Docstrings on the site: formulas become MathML, notes are readable, code stays as it is."""

import ast
import doctest
import re
import sys
import textwrap
import xml.etree.ElementTree as ET
from pathlib import Path

import pytest
from markdown import Markdown

ROOT = Path(__file__).parents[2]
sys.path.insert(0, str(ROOT / "docs" / "making"))
import docstring_marks  # noqa: E402
import formulas  # noqa: E402


def docstrings() -> list[tuple[str, str]]:
    found = []
    for path in sorted((ROOT / "sensorkit").rglob("*.py")):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.Module | ast.ClassDef | ast.FunctionDef):
                text = ast.get_docstring(node) or ""
                if "math:" in text:
                    found.append((f"{path.stem}.{getattr(node, 'name', '')}", text))
    return found


def page(text: str) -> str:
    extensions = ["pymdownx.superfences", docstring_marks.Marks()]
    return Markdown(extensions=extensions).convert(textwrap.dedent(text))


WITH_FORMULAS = docstrings()


@pytest.mark.parametrize(("name", "text"), WITH_FORMULAS, ids=[name for name, _ in WITH_FORMULAS])
def test_every_formula_of_a_docstring_is_drawn(name, text):
    html = page(text)
    assert "math:" not in html
    drawn = re.findall(r"<math.*?</math>", html, re.DOTALL)
    assert len(drawn) == text.count("math:")
    for formula in drawn:
        ET.fromstring(formula)
        assert "\\" not in formula


def test_there_are_formulas_to_draw():
    assert len(WITH_FORMULAS) > 10


@pytest.mark.parametrize(
    ("tex", "drawn"),
    [
        ("x^{2}", "<msup><mi>x</mi><mrow><mn>2</mn></mrow></msup>"),
        ("x_i^2", "<msubsup><mi>x</mi><mi>i</mi><mn>2</mn></msubsup>"),
        ("x^ab", "<msup><mi>x</mi><mi>a</mi></msup><mi>b</mi>"),
        (r"\alpha \ge 0.5", "<mi>\u03b1</mi><mo>≥</mo><mn>0.5</mn>"),
        (r"\sqrt[3]{x}", "<mroot><mrow><mi>x</mi></mrow><mn>3</mn></mroot>"),
        (r"\sum_k g", "<munder><mo>∑</mo><mi>k</mi></munder><mi>g</mi>"),
        ("a < b", "<mi>a</mi><mo>&lt;</mo><mi>b</mi>"),
        (
            r"\left(x\right)",
            "<mrow><mo>(</mo><mi>x</mi><mo>)</mo></mrow>",
        ),
    ],
)
def test_a_formula_is_drawn_as_tex_means_it(tex, drawn):
    assert formulas.mathml(tex, display=False) == f"<math>{drawn}</math>"


@pytest.mark.parametrize(
    ("tex", "said"),
    [
        (r"\oint x", r"\\oint is not known"),
        (r"\frac{1}{2", "ends too soon"),
        (r"\begin{matrix}1\end{matrix}", "only cases is known"),
    ],
)
def test_what_is_not_known_is_refused(tex, said):
    with pytest.raises(ValueError, match=said):
        formulas.mathml(tex, display=False)


def test_notes_and_their_sources_are_read_as_such():
    html = page("""
        As in [1]_.

        .. [1] A. Author, "A title that
           goes on", 2024.
        """)
    assert html == '<p>As in [1].</p>\n<p>[1] A. Author, "A title that goes on", 2024.</p>'


def test_what_stands_in_a_code_block_is_no_mark():
    text = "```text\n.. math:: x\n:math:`y` [1]_\n```\n"
    assert ".. math:: x\n:math:`y` [1]_" in re.sub(r"<[^>]+>", "", page(text))


def test_a_formula_of_several_lines_ends_where_the_text_goes_on():
    html = page("""
        .. math::

            a &= 1 \\\\
            b &= 2

        and so on.
        """)
    assert html.count("<mtr>") == 2
    assert html.endswith("<p>and so on.</p>")


@pytest.mark.parametrize("module", [docstring_marks, formulas], ids=lambda module: module.__name__)
def test_the_examples_hold(module):
    assert doctest.testmod(module).failed == 0
