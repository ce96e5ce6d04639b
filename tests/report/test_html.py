import json
import re
from html.parser import HTMLParser

import nbformat
import pytest
from nbformat.v4 import new_code_cell, new_markdown_cell, new_notebook, new_output

from sensorkit.display.formats import fixed, number, percent
from sensorkit.errors import UsageError
from sensorkit.report import tables
from sensorkit.report.files import write_json
from sensorkit.report.views import html
from sensorkit.report.views.executed import render_notebooks

HOSTILE = (
    "</script><script>hacked=1</script><img src=http://127.0.0.1/x onerror=hacked=1>"
    "\x1b[2J\x00\u2028\u202e'\"=cmd()&amp;{{7*7}}"
)


class Elements(HTMLParser):
    """The elements of a page, each with its attributes, and the text that is shown."""

    def __init__(self, text):
        super().__init__()
        self.found = []
        self.text = ""
        self._hidden = False
        self.feed(text)

    def handle_starttag(self, tag, attrs):
        self.found.append((tag, dict(attrs)))
        self._hidden = tag in {"script", "style"}

    def handle_endtag(self, tag):
        self._hidden = False

    def handle_data(self, data):
        if not self._hidden:
            self.text += data

    def of(self, tag):
        return [attrs for name, attrs in self.found if name == tag]


def poisoned(value, keep=()):
    """Return *value* with every free text in it made hostile."""
    if isinstance(value, dict):
        return {k: v if k in keep else poisoned(v, keep) for k, v in value.items()}
    if isinstance(value, list):
        return [poisoned(item, keep) for item in value]
    return f"{value}{HOSTILE}" if isinstance(value, str) else value


# The schema fixes these; a report with other text in them is refused.
FIXED = ("start", "end", "sha256", "status", "created_at", "settings", "id", "metric")
FIXED += ("started_from", "data_sha256")
DRAWING = ("start", "end", "case", "type", "mode", "xref", "yref", "layer", "color", "symbol")
DRAWING += ("fillcolor", "inside", "path")
FIGURES = 3 + 1 + 11 + 7 + 6 + 1
"""Of all detectors, of ranks over recordings, of smallest faults, examples, worst, capture."""
OPEN_ALL = "document.querySelectorAll('details').forEach(e => e.open = true)"
ALL_DRAWN = """new Promise(done => {
  const look = () => {
    const {drawn, figures} = document.documentElement.dataset;
    drawn === figures ? done(drawn) : setTimeout(look, 50);
  };
  setTimeout(look, 100);
})"""


@pytest.fixture
def hostile_run(run_dir, report, cases, over_recordings):
    report["critical_difference"] = over_recordings
    poison = poisoned(report, FIXED)
    poison["run"]["id"] = report["run"]["id"]
    for result in poison["results"]:
        result["fault_kind"] = result["fault_kind"] and f"{result['fault_kind']}"
    write_json(run_dir / "report.json", poison)
    texts = ("recording", "detector", "kind", "channel", "alert_type", "alert_channel", "device")
    for name in texts:
        cases[name] = cases[name] + HOSTILE.replace("\0", "")
    (run_dir / "cases.csv").write_text(cases.to_csv(index=False))
    examples = json.loads((run_dir / "examples.json").read_text())
    write_json(run_dir / "examples.json", poisoned(examples, DRAWING))
    (run_dir / "executed" / "01_capture.ipynb").write_text(nbformat.writes(hostile_notebook()))
    return run_dir


@pytest.fixture
def small_run(run_dir, report):
    """A run with few figures, for what does not depend on how many there are."""
    write_json(run_dir / "report.json", report | {"detectability": []})
    return run_dir


def hostile_notebook():
    plot = {"data": [{"type": "scatter", "name": HOSTILE, "x": [1, 2], "y": [1, 2]}]}
    plot["layout"] = {"title": {"text": HOSTILE}, "meta": {"alt": f'"{HOSTILE}'}}
    shown = [
        {"text/html": f"<style>{HOSTILE}</style><table><tr><td>{HOSTILE}</td></tr></table>"},
        {"text/markdown": f"# {HOSTILE}"},
        {"text/plain": HOSTILE},
        {"application/javascript": "hacked=1"},
        {"image/svg+xml": f"<svg onload=hacked=1>{HOSTILE}</svg>"},
        {"application/vnd.plotly.v1+json": plot},
    ]
    outputs = [new_output("display_data", data=data) for data in shown]
    outputs.append(new_output("stream", name="stdout", text=HOSTILE))
    outputs.append(new_output("stream", name="stderr", text=HOSTILE))
    outputs.append(
        new_output("error", ename="ValueError", evalue=HOSTILE, traceback=[f"\x1b[31m{HOSTILE}"])
    )
    cells = [new_markdown_cell("# Title"), new_code_cell(f"x = {HOSTILE!r}", outputs=outputs)]
    return new_notebook(cells=cells)


def test_every_main_number_of_the_page_stands_in_report_json(run_dir, report):
    page = Elements(html.render(run_dir).read_text(encoding="utf-8"))

    for row in report["ranking"]:
        for shown in (
            row["detector"],
            fixed(row["vus_pr"]),
            percent(row["event_recall"]),
            number(row["false_alarms_per_day"], 2),
        ):
            assert shown in page.text
    assert report["verdict"]["sentence"].split(";")[0] in page.text
    assert report["run"]["command"] in page.text
    assert report["run"]["git_commit"] in page.text
    assert report["recordings"][0]["sha256"] in page.text


def test_the_share_in_each_cell_of_the_heat_table_comes_from_its_cases(report, cases):
    heat = tables.heat(report)
    faults = cases[cases["case"] == "fault"]

    for row in heat["rows"]:
        for kind, cell in zip(heat["kinds"][:-1], row["cells"], strict=False):
            mine = faults[(faults["detector"] == row["detector"]) & (faults["kind"] == kind)]
            if cell["text"] == "✗":
                assert mine.empty
            else:
                assert cell["detail"] == f"{mine['hit'].sum()}/{len(mine)}"


def test_a_failed_cell_is_marked_and_its_reason_shown_as_text(run_dir):
    text = html.render(run_dir).read_text(encoding="utf-8")

    assert "ValueError: &lt;b&gt;it broke&lt;/b&gt;" in text
    assert "<b>it broke" not in text


def test_a_page_allows_only_its_own_two_scripts_and_no_network(run_dir):
    text = html.render(run_dir).read_text(encoding="utf-8")
    page = Elements(text)

    (policy,) = [a["content"] for a in page.of("meta") if "http-equiv" in a]
    nonce = re.search(r"'nonce-([\w-]{20,})'", policy)[1]
    assert policy.startswith(f"default-src 'none'; script-src 'nonce-{nonce}'; style-src")
    running = [a for a in page.of("script") if a.get("type") != "application/json"]
    assert [a["nonce"] for a in running] == [nonce, nonce]
    assert not [v for _, a in page.found for k, v in a.items() if k in {"src", "href"} and ":" in v]
    assert nonce not in html.render(run_dir).read_text(encoding="utf-8")


def test_figures_and_tables_can_be_read_without_seeing_them(run_dir, report, over_recordings):
    write_json(run_dir / "report.json", report | {"critical_difference": over_recordings})
    page = Elements(html.render(run_dir).read_text(encoding="utf-8"))

    plots = [a for a in page.of("div") if a.get("class") == "plot"]
    assert len(plots) == len(page.of("figure")) == FIGURES
    assert all(a["role"] == "img" and len(a["aria-label"]) > 20 for a in plots)
    assert all(a.get("scope") in {"col", "row"} for a in page.of("th"))
    assert len(page.of("caption")) == len(page.of("table"))


def test_hostile_text_makes_no_element_and_is_shown_escaped(hostile_run):
    page = Elements(html.render(hostile_run).read_text(encoding="utf-8"))

    assert not page.of("img")
    running = [a for a in page.of("script") if a.get("type") != "application/json"]
    assert len(running) == 2
    assert "<script>hacked=1</script>" in page.text
    assert "\\x1b[2J\\x00\\u2028\\u202e" in page.text
    assert "\x1b" not in page.text
    assert "{{7*7}}" in page.text


def test_a_notebook_page_keeps_tables_and_drops_what_could_run(hostile_run):
    html.render(hostile_run)

    page = Elements((hostile_run / "executed" / "01_capture.html").read_text(encoding="utf-8"))
    assert not [a for _, a in page.found if any(name.startswith("on") for name in a)]
    assert not [a for a in page.of("img") if not a["src"].startswith("data:")]
    running = [a for a in page.of("script") if a.get("type") != "application/json"]
    assert len(running) == 2
    assert page.of("table")
    assert len(page.of("figure")) == 1


def test_a_run_without_a_report_or_with_another_schema_is_one_sentence(run_dir, report):
    for version, made in ((1, "an older"), (99, "a newer")):
        write_json(run_dir / "report.json", report | {"schema_version": version})
        with pytest.raises(
            UsageError, match=rf"was made by {made} version .*schema_version {version}"
        ):
            html.render(run_dir)
    write_json(run_dir / "report.json", report | {"verdict": {}})
    with pytest.raises(UsageError, match=r"report.json: does not fit .*\$.verdict: 'detector' is"):
        html.render(run_dir)
    (run_dir / "report.json").unlink()
    with pytest.raises(UsageError, match=r"has no report.json, so the run did not pass"):
        html.render(run_dir)


@pytest.mark.browser
def test_the_report_draws_every_figure_offline_and_runs_nothing_hostile(hostile_run, browser):
    page = html.render(hostile_run)

    for width, dark in ((1200, False), (390, True)):
        browser.open(page, width=width, dark=dark)
        assert browser.evaluate("document.querySelectorAll('.plot .main-svg').length > 0")
        browser.evaluate(OPEN_ALL)
        assert browser.evaluate(ALL_DRAWN) == str(FIGURES)
        data = browser.evaluate("({...document.documentElement.dataset})")
        assert browser.evaluate("typeof hacked") == "undefined"
        assert browser.evaluate("document.documentElement.scrollWidth") <= width
        assert browser.complaints() == []
        assert {url.split("/")[-1] for url in browser.requests()} == {
            "report.html",
            data["plotly"].split("/")[-1],
        }


@pytest.mark.browser
@pytest.mark.parametrize("dark", [False, True])
def test_a_table_that_goes_on_beyond_its_place_shows_it_until_its_end_is_reached(
    small_run, browser, dark
):
    page = html.render(small_run)
    two_frames = "new Promise(done => requestAnimationFrame(() => requestAnimationFrame(done)))"
    hints = """[...document.querySelectorAll('.scroll')].filter(e => e.checkVisibility()).map(e => [
      e.scrollWidth > e.clientWidth + 1, Number(getComputedStyle(e, '::after').opacity)])"""

    for width, wide in ((1200, False), (390, True)):
        browser.open(page, width=width, dark=dark)
        browser.evaluate(
            f"(document.querySelectorAll('details').forEach(e => e.open = true), {two_frames})"
        )
        found = browser.evaluate(hints)
        assert found[0][0] == wide  # the table of detectors
        assert all(shown == more for more, shown in found)
    to_the_end = "document.querySelectorAll('.scroll').forEach(e => e.scrollLeft = e.scrollWidth)"
    browser.evaluate(f"({to_the_end}, {two_frames})")
    assert all(shown == 0 for _, shown in browser.evaluate(hints))


@pytest.mark.browser
def test_every_trace_is_drawn_as_what_it_is(run_dir, browser):
    browser.open(html.render(run_dir))
    browser.evaluate(OPEN_ALL)
    browser.evaluate(ALL_DRAWN)

    traces = browser.evaluate(
        "[...document.querySelectorAll('.plot')].map("
        "p => [p.data.map(t => t.type + t.mode), p.querySelectorAll('.trace').length])"
    )
    assert all(len(kinds) == drawn for kinds, drawn in traces)
    assert {kind for kinds, _ in traces for kind in kinds} == {
        *("scatterlines", "scattermarkers", "scatterlines+markers"),
    }


@pytest.mark.browser
def test_an_executed_notebook_draws_offline_and_runs_nothing_hostile(hostile_run, browser):
    html.render(hostile_run)
    page = hostile_run / "executed" / "01_capture.html"

    browser.open(page, width=390)

    data = browser.evaluate("({...document.documentElement.dataset})")
    assert data["drawn"] == data["figures"] == "1"
    assert browser.evaluate("typeof hacked") == "undefined"
    assert browser.evaluate("document.documentElement.scrollWidth") <= 390
    assert {url.split("/")[-1] for url in browser.requests() if not url.startswith("data:")} == {
        "01_capture.html",
        data["plotly"].split("/")[-1],
    }


@pytest.mark.browser
def test_the_policy_stops_a_script_that_got_into_the_page(small_run, browser):
    page = html.render(small_run)
    text = page.read_text(encoding="utf-8")
    page.write_text(
        text.replace(
            '<main id="main">',
            '<main id="main"><script>hacked=1</script><img src=x onerror=hacked=1>',
        ),
        encoding="utf-8",
    )

    browser.open(page)

    assert browser.evaluate("typeof hacked") == "undefined"
    assert len(browser.complaints()) >= 2


@pytest.mark.browser
def test_the_standalone_page_needs_nothing_beside_it(run_dir, browser, tmp_path):
    page = html.render_standalone(run_dir).rename(tmp_path / "sent.html")

    browser.open(page)

    browser.evaluate(OPEN_ALL)
    assert browser.evaluate(ALL_DRAWN) == str(FIGURES - 1)
    assert [url.split("/")[-1] for url in browser.requests()] == ["sent.html"]
    assert browser.evaluate("[...document.links].every(a => a.getAttribute('href')[0] == '#')")


@pytest.mark.browser
def test_without_plotly_the_page_says_which_file_is_missing(run_dir, browser):
    page = html.render(run_dir)
    for asset in (run_dir.parent.parent / "assets").iterdir():
        asset.unlink()

    browser.open(page)

    shown = browser.evaluate("document.body.innerText")
    assert "Not drawn: ../../assets/plotly-" in shown


@pytest.mark.browser
def test_what_is_printed_from_a_dark_screen_has_dark_text(small_run, browser):
    browser.open(html.render(small_run), dark=True)
    colour = "getComputedStyle(document.querySelector('.plot .xtick text')).fill"

    assert browser.evaluate(colour) == "rgb(229, 234, 241)"
    assert (
        browser.evaluate(f"(dispatchEvent(new Event('beforeprint')), {colour})") == "rgb(0, 0, 0)"
    )
    assert (
        browser.evaluate(f"(dispatchEvent(new Event('afterprint')), {colour})")
        == "rgb(229, 234, 241)"
    )


def test_headings_of_a_notebook_have_no_links_that_lead_nowhere(tmp_path):
    notebook = nbformat.v4.new_notebook(cells=[nbformat.v4.new_markdown_cell("## Which detector")])
    nbformat.write(notebook, tmp_path / "one.ipynb")
    (page,) = render_notebooks(tmp_path, plotly="plotly.js", back="")
    body = page.read_text(encoding="utf-8").split("<main")[1]
    assert "Which detector" in body
    assert "href=" not in body.split("<script")[0]
