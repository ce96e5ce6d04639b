"""What axe-core finds in the pages: nothing, in both themes, with everything unfolded."""

import nbformat
import pytest
from axe_playwright_python.sync_playwright import Axe
from nbformat.v4 import new_code_cell, new_markdown_cell, new_notebook, new_output

from sensorkit.report.files import write_json
from sensorkit.report.views import html
from sensorkit.report.views.executed import PLOTLY

RULES = ["wcag2a", "wcag2aa", "wcag21aa", "wcag22aa", "best-practice"]
# What plotly draws lies in an element of role img: its description speaks for it.
WHERE = {"exclude": [[".plot > *"]]}
# The tables behind the figures are of one form: the first stands for all.
UNFOLD = """document.querySelectorAll('details').forEach(e => {
  e.open = !e.closest('figure') || e === document.querySelector('figure details');
})"""


def violations(browser):
    found = Axe().run(browser.page, context=WHERE, options={"runOnly": RULES}).response
    return [
        (one["id"], node["html"][:120], node["failureSummary"])
        for one in found["violations"]
        for node in one["nodes"]
    ]


@pytest.fixture
def full_run(run_dir, report, over_recordings):
    """A run that shows each kind of part once: few curves, so that axe is soon through."""
    few = [one for one in report["detectability"] if one["kind"] in ("drift", "silence")]
    changed = {"critical_difference": over_recordings, "detectability": few}
    write_json(run_dir / "report.json", report | changed)
    plot = {"data": [{"type": "scatter", "x": [1, 2], "y": [1, 2], "name": "a"}], "layout": {}}
    table = (
        "<table><thead><tr><th></th><th>x</th></tr></thead>"
        "<tbody><tr><th>0</th><td>1</td></tr></tbody></table>"
    )
    outputs = [
        new_output("display_data", data={PLOTLY: plot}),
        new_output("display_data", data={"text/html": table}),
        new_output("stream", name="stdout", text="done " * 60),
    ]
    source = "def double(x: int) -> int:  # a comment\n    return 2 * x\n\n'text', 3.5, None"
    cells = [new_markdown_cell("# Title\n\nA [link](#x)."), new_code_cell(source, outputs=outputs)]
    nbformat.write(new_notebook(cells=cells), run_dir / "executed" / "01_capture.ipynb")
    return run_dir


@pytest.mark.browser
@pytest.mark.parametrize(("width", "dark"), [(1200, False), (390, True)])
def test_axe_finds_nothing_in_the_report(full_run, browser, width, dark):
    browser.open(html.render(full_run), width=width, dark=dark)
    browser.evaluate(UNFOLD)
    assert violations(browser) == []


@pytest.mark.browser
@pytest.mark.parametrize(("width", "dark"), [(1200, False), (390, True)])
def test_axe_finds_nothing_in_an_executed_notebook(full_run, browser, width, dark):
    html.render(full_run)
    browser.open(full_run / "executed" / "01_capture.html", width=width, dark=dark)
    browser.evaluate(UNFOLD)
    assert violations(browser) == []


@pytest.mark.browser
def test_axe_does_find_what_is_wrong(full_run, browser):
    html.render(full_run)
    page = full_run / "executed" / "01_capture.html"
    text = page.read_text(encoding="utf-8")
    page.write_text(text.replace("</main>", "<h6>Deep</h6></main>"), encoding="utf-8")

    browser.open(page)

    assert "heading-order" in {one[0] for one in violations(browser)}


@pytest.mark.browser
def test_the_keyboard_reaches_the_content_first_and_every_part_that_scrolls(full_run, browser):
    browser.open(html.render(full_run), width=390)

    browser.page.keyboard.press("Tab")
    assert browser.evaluate("document.activeElement.hash") == "#main"
    browser.evaluate(UNFOLD)
    unreachable = """[...document.querySelectorAll('*')].filter(e =>
      e.scrollWidth > e.clientWidth + 1 && /auto|scroll/.test(getComputedStyle(e).overflowX) &&
      e.tabIndex < 0 && !e.querySelector('a, button, [tabindex]')).map(e => e.className)"""
    assert browser.evaluate(unreachable) == []


@pytest.mark.browser
def test_what_is_folded_is_drawn_when_it_is_opened_and_a_link_to_it_opens_it(full_run, browser):
    browser.open(html.render(full_run))
    drawn = "document.querySelectorAll('#examples .main-svg').length"

    assert browser.evaluate(drawn) == 0
    browser.evaluate("location.hash = '#figure-example-0'")
    shown = """new Promise(done => {
      const look = () => document.querySelector('#figure-example-0 .main-svg') ?
        done(document.getElementById('examples').open) : setTimeout(look, 50);
      look();
    })"""
    assert browser.evaluate(shown) is True


@pytest.mark.browser
def test_on_paper_the_curves_are_unfolded_and_drawn_and_the_rest_stays_folded(full_run, browser):
    browser.open(html.render(full_run), dark=True)
    state = """({
      curves: document.querySelector('details[data-print]').open,
      drawn: document.querySelectorAll('details[data-print] .main-svg').length > 0,
      numbers: document.querySelectorAll('figure details[open]').length,
    })"""

    printed = browser.evaluate(
        "new Promise(done => { dispatchEvent(new Event('beforeprint'));"
        f" setTimeout(() => done({state}), 1500); }})"
    )
    assert printed == {"curves": True, "drawn": True, "numbers": 0}
    after = browser.evaluate(f"(dispatchEvent(new Event('afterprint')), {state})")
    assert after["curves"] is False
