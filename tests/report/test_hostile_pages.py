"""What a device says runs nowhere: hostile text in every page, opened in Chromium."""

import re

import nbformat
import pytest
from nbformat.v4 import new_code_cell, new_markdown_cell, new_notebook, new_output

from sensorkit.evaluate.public.results import PublicResults
from sensorkit.report import pages
from sensorkit.report.changes import compare as comparing
from sensorkit.report.changes import compare_page
from sensorkit.report.files import read_json, write_json
from sensorkit.report.verdict.requirements import judge
from sensorkit.report.views import html, index_page, public_page

pytestmark = pytest.mark.browser

AWAY = "http://127.0.0.1:9"
ATTACKS = (
    "<script>hacked=1</script>",
    "</script><script>hacked=1</script>",
    "</style></title></textarea></noscript><script>hacked=1</script>",
    "--><script>hacked=1</script>]]><script>hacked=1</script>",
    f"<img src={AWAY}/image onerror=hacked=1>",
    f"<svg onload=hacked=1><script>hacked=1</script><image href={AWAY}/svg /></svg>",
    "<iframe srcdoc='<script>parent.hacked=1</script>'></iframe>",
    f"<iframe src={AWAY}/frame></iframe>",
    f"<object data={AWAY}/object></object><embed src={AWAY}/embed>",
    f"<link rel=stylesheet href={AWAY}/sheet>",
    f"<style>@import '{AWAY}/import'; h1, h2, main {{ display: none }}</style>",
    f"<meta http-equiv=refresh content='60;url={AWAY}/refresh'><base href={AWAY}/>",
    f"<form action={AWAY}/form><input autofocus onfocus=hacked=1></form>",
    "<a href=javascript:hacked=1 id=bait>x</a><a href='java\tscript:hacked=1'>x</a>",
    "<details open ontoggle=hacked=1><summary>x</summary></details>",
    '" onmouseover=hacked=1 autofocus tabindex=0 onfocus=hacked=1 x="',
    "' onmouseover='hacked=1' autofocus onfocus='hacked=1' x='",
    "{{ 7*7 }}{% raw %}${7*7}#{7*7}",
    "\x1b[2J\x1b]8;;javascript:hacked=1\x07x\x1b]8;;\x07\x00\u2028\u2029\u202e\u2066\ufeff\x85",
    "=cmd()",
)
HOSTILE = "".join(ATTACKS)
FEW = "".join(ATTACKS[:5])
"""Of which a page may hold thousands and still load."""

# What a schema or the code that reads a report fixes: other text there is refused.
FIXED = ("start", "end", "sha256", "data_sha256", "status", "created_at", "settings", "id")
FIXED += ("metric", "started_from", "operator", "schema_version")

LOOK = """() => {
  const found = [];
  const here = (what, element) => found.push(what + ": " + element.outerHTML.slice(0, 200));
  const never = ["iframe", "frame", "object", "embed", "form", "input", "base", "link"];
  for (const element of document.querySelectorAll("*")) {
    for (const attribute of element.attributes) {
      if (attribute.name.startsWith("on")) here("handler", element);
      // A browser passes over blanks and control characters there.
      const address = attribute.value.replace(/[\\s\\u0000-\\u0020]/g, "").toLowerCase();
      if (address.startsWith("javascript:")) here("link", element);
    }
    const name = element.localName;
    if (never.includes(name)) here(name, element);
    if (name === "meta" && element.httpEquiv === "refresh") here("refresh", element);
    if (name === "img" && !element.src.startsWith("data:")) here("image", element);
    if (name === "script" && !element.type.endsWith("json") && !element.nonce) here(name, element);
  }
  return found;
}"""
OPEN_ALL = """new Promise(done => {
  document.querySelectorAll("details").forEach(one => one.open = true);
  const data = document.documentElement.dataset;
  const end = Date.now() + 20000;
  const over = () => data.drawn === data.figures || Date.now() > end;
  const look = () => over() ? done() : setTimeout(look, 50);
  setTimeout(look, 50);
})"""
RAN = "typeof hacked !== 'undefined'"


def poisoned(value):
    """Return *value* with every free text in it made hostile."""
    if isinstance(value, dict):
        return {k: v if k in FIXED else poisoned(v) for k, v in value.items()}
    if isinstance(value, list):
        return [poisoned(item) for item in value]
    return f"{value}{HOSTILE}" if isinstance(value, str) else value


def poison(folder, report, cases):
    """Make every text of a run hostile that a device, a user or a file could have put there."""
    own = report["run"]["id"]
    hostile = poisoned(report)
    hostile["run"]["id"] = own
    write_json(folder / "report.json", hostile)
    texts = ("recording", "detector", "kind", "channel", "alert_type", "alert_channel", "device")
    for name in texts:
        cases[name] = cases[name] + HOSTILE.replace("\0", "")
    (folder / "cases.csv").write_text(cases.to_csv(index=False))
    write_json(folder / "examples.json", poisoned(read_json(folder / "examples.json")))
    facts = poisoned(read_json(folder / "run.json"))
    facts["summary"]["schema_version"] = report["schema_version"]
    write_json(folder / "run.json", facts)


@pytest.fixture
def few(monkeypatch):
    """Let texts be hostile in few ways; ask for this before `run`."""
    monkeypatch.setitem(globals(), "HOSTILE", FEW)


@pytest.fixture
def run(run_dir, report, cases):
    """Return the folder of a run whose every text is hostile, an executed notebook with it."""
    report["detectability"] = report["detectability"][:3]
    report["verdict"]["detector"] = None  # none of the names stays what it was
    report["requirements"] = judge(report, ["forest.vus_pr>=0.9", "sigma.delay_median_s<=1"])
    poison(run_dir, report, cases)
    (run_dir / "executed" / "01_capture.ipynb").write_text(nbformat.writes(notebook()))
    return run_dir


def notebook():
    """Return an executed notebook with every kind of output that JupyterLab stores."""
    plot = {"data": [{"type": "scatter", "name": HOSTILE, "text": [HOSTILE], "x": [1], "y": [1]}]}
    plot["layout"] = {"title": {"text": HOSTILE}, "meta": {"alt": HOSTILE}}
    plot["layout"]["annotations"] = [{"x": 1, "y": 1, "text": f"<a href='javascript:1'>{HOSTILE}"}]
    shown = [
        {"text/html": f"<table><caption>{HOSTILE}</caption><tr><td>{HOSTILE}</td></tr></table>"},
        {"text/html": f"<style id=T_1>{HOSTILE}</style><table id=T_1><td>Styler</td></table>"},
        {"text/html": HOSTILE},
        {"text/markdown": f"# {HOSTILE}\n\n[x](javascript:hacked=1) ![x]({AWAY}/image)"},
        {"text/latex": f"$${HOSTILE}$$ $\\href{{javascript:hacked=1}}{{x}}$"},
        {"text/plain": HOSTILE},
        {"application/javascript": "hacked=1", "text/plain": HOSTILE},
        {"application/json": {"x": HOSTILE}, "text/plain": HOSTILE},
        {"image/svg+xml": f"<svg onload=hacked=1>{HOSTILE}</svg>"},
        {"image/png": f"x' onerror=hacked=1 x='{HOSTILE}"},
        {"application/vnd.plotly.v1+json": plot},
        {"application/vnd.jupyter.widget-view+json": {"model_id": "m", "version_major": 2}},
        {
            "application/vnd.jupyter.widget-view+json": {"model_id": HOSTILE},
            "text/plain": HOSTILE,
        },
        {"application/x-other": HOSTILE, "text/plain": HOSTILE},
    ]
    outputs = [new_output("display_data", data=data) for data in shown]
    outputs += [new_output("stream", name=n, text=HOSTILE) for n in ("stdout", "stderr")]
    outputs.append(
        new_output("error", ename=HOSTILE, evalue=HOSTILE, traceback=[f"\x1b[31m{HOSTILE}\x1b[0m"])
    )
    cells = [
        new_markdown_cell(f"# Title {HOSTILE}\n\n{HOSTILE}\n\n[x](javascript:hacked=1)"),
        new_code_cell(f"x = {HOSTILE!r}", outputs=outputs),
    ]
    state = {"m": {"model_name": "HTMLModel", "model_module": HOSTILE, "state": {"value": HOSTILE}}}
    widgets = {"application/vnd.jupyter.widget-state+json": {"state": state, "version_major": 2}}
    return new_notebook(cells=cells, metadata={"title": HOSTILE, "widgets": widgets})


def second_run(run, report, cases):
    """Return a later run of the same hostile data."""
    later = run.parent / "20260201T120000Z-0a1b2d"
    later.mkdir()
    for name in ("cases.csv", "examples.json"):
        (later / name).write_bytes((run / name).read_bytes())
    found = read_json(run / "report.json")
    found["run"] |= {"id": later.name, "created_at": "2026-02-01T12:00:00.000000Z"}
    write_json(later / "report.json", found)
    write_json(later / "run.json", read_json(run / "run.json") | {"status": "passed"})
    return later


def report_page(run, report, cases):
    return html.render(run)


def standalone(run, report, cases):
    return html.render_standalone(run)


def executed(run, report, cases):
    html.render(run)
    return run / "executed" / "01_capture.html"


def compared(run, report, cases):
    later = second_run(run, report, cases)
    return compare_page.write(comparing.compare(run, later), run.parent.parent)


def since_the_base(run, report, cases):
    return html.render(second_run(run, report, cases))


def index(run, report, cases):
    for day, status in (("29", "failed"), ("28", HOSTILE), ("27", "aborted")):
        other = run.parent / f"202601{day}T000000Z-000000"
        other.mkdir()
        facts = {"status": status, "reason": HOSTILE, "command": HOSTILE, "git_commit": HOSTILE}
        write_json(other / "run.json", facts | {"created_at": HOSTILE, "duration_s": HOSTILE})
    second_run(run, report, cases)
    return index_page.index(run.parent.parent)


def public(run, report, cases):
    row = {"detector": "guard", "role": "ours", "status": "ok", "reason": None, "failed": 1}
    row |= {"series": 34, "f1": 0.811, "f1_ci": [0.716, 0.86], "not_comparable": None}
    row |= {"rank": 1, "rank_of": 11, "rank_ci": [1, 4]}
    column = {"key": "f1", "title": "F1", "unit": "x", "labels": True, "better": "higher"}
    failed = {"series": "a", "detector": "guard", "status": "failed", "reason": "it broke"}
    results = PublicResults(
        dataset="skab",
        title=HOSTILE,
        headline="f1",
        comparable="f1",
        columns=[column | {"title": HOSTILE, "unit": HOSTILE}],
        sentence=HOSTILE,
        rows=[row | {"detector": HOSTILE, "reason": HOSTILE}],
        published=[],
        per_series=[failed | {"series": HOSTILE, "detector": HOSTILE, "reason": HOSTILE}],
        comparison=None,
        critical_difference=None,
        protocol=[HOSTILE],
        notes=[HOSTILE],
        warnings=[HOSTILE],
        settings={"series": 34, "whole": True},
    )
    facts = {"id": "x", "created_at": "2026-01-01T00:00:00Z", "duration_s": 1.0}
    facts |= {"command": HOSTILE, "versions": {HOSTILE: HOSTILE}}
    return public_page.render(run, results, facts)


VIEWS = (report_page, standalone, executed, since_the_base, compared, index, public)


@pytest.mark.parametrize("view", VIEWS, ids=lambda view: view.__name__)
def test_hostile_text_is_shown_and_does_nothing(run, report, cases, browser, view):
    page = view(run, report, cases)

    # Of the pages that are much alike, one is looked at in both widths.
    sizes = ((1200, False), (390, True))
    for width, dark in sizes if view in (report_page, executed, index) else sizes[1:]:
        browser.open(page, width=width, dark=dark)
        browser.evaluate(OPEN_ALL)
        assert browser.page.evaluate(LOOK) == []
        assert not browser.evaluate(RAN)
        # A stored picture that is none.
        assert set(browser.complaints()) <= {"Failed to load resource: net::ERR_INVALID_URL"}
        plotly = browser.evaluate("document.documentElement.dataset.plotly")
        own = {page.name, plotly.rsplit("/", 1)[-1]}
        assert {url.rsplit("/", 1)[-1] for url in browser.requests()} <= own
        assert all(url.startswith("file:") for url in browser.requests())
        assert browser.page.url == page.as_uri()
        assert browser.evaluate("document.querySelector('h1, h2').checkVisibility()")
        assert browser.evaluate("document.documentElement.scrollWidth") <= width
        shown = browser.evaluate("document.body.textContent")
        assert "<script>hacked=1</script>" in shown
        assert not set("\x1b\0\u2028\u202e\u2066") & set(shown)


def without_escaping(monkeypatch):
    """Take away what makes text of markup, as a template that forgets it would."""
    bare = pages._environment().overlay(autoescape=False)
    bare.finalize = None
    monkeypatch.setattr(pages, "_environment", lambda: bare)


def without_a_policy(page):
    text = page.read_text(encoding="utf-8")
    bare = re.sub(r'<meta http-equiv="Content-Security-Policy"[^>]*>', "", text)
    assert bare != text
    page.write_text(bare, encoding="utf-8")
    return page


@pytest.mark.parametrize("view", [report_page, index], ids=lambda v: v.__name__)
def test_without_escaping_the_policy_alone_lets_nothing_run_or_leave(
    few, run, report, cases, browser, view, monkeypatch
):
    without_escaping(monkeypatch)
    browser.open(view(run, report, cases))

    assert browser.page.evaluate(LOOK) != []
    assert not browser.evaluate(RAN)
    assert [url for url in browser.requests() if not url.startswith("file:")] == []
    assert any("Content Security Policy" in said for said in browser.complaints())


@pytest.mark.parametrize("view", [report_page, index], ids=lambda v: v.__name__)
def test_without_both_it_would_run_and_leave(few, run, report, cases, browser, view, monkeypatch):
    without_escaping(monkeypatch)
    browser.open(without_a_policy(view(run, report, cases)))

    assert browser.evaluate(RAN)
    assert any(url.startswith(AWAY) for url in browser.requests())


@pytest.mark.filterwarnings("ignore:Your element with mimetype")
def test_a_stored_output_would_run_in_a_notebook_page_that_is_not_cleaned(run, browser, tmp_path):
    from nbconvert.exporters import HTMLExporter

    text, _ = HTMLExporter(template_name="basic").from_notebook_node(notebook())
    page = tmp_path / "stock.html"
    page.write_text(f"<!doctype html>{text}", encoding="utf-8", errors="replace")
    browser.open(page)

    assert browser.evaluate(RAN)
    assert browser.page.evaluate(LOOK) != []


def test_a_line_of_ten_megabytes_is_cut_and_the_page_is_read(run_dir, report, browser):
    line = "x" * 10_000_000
    report["detectability"] = []
    report["recordings"][0]["quality"]["events"] = {line: 1}
    report["cells"][-1]["reason"] = line
    write_json(run_dir / "report.json", report)
    later = run_dir.parent / "20260201T120000Z-0a1b2d"
    later.mkdir()
    write_json(later / "run.json", {"status": "failed", "reason": line})
    outputs = [
        new_output("display_data", data={kind: line})
        for kind in ("text/plain", "text/html", "text/markdown", "text/latex")
    ]
    outputs += [new_output("stream", text=line), new_output("error", traceback=[line])]
    book = new_notebook(cells=[new_markdown_cell(line), new_code_cell(line, outputs=outputs)])
    (run_dir / "executed" / "01_capture.ipynb").write_text(nbformat.writes(book))
    page = html.render(run_dir)
    executed = run_dir / "executed" / "01_capture.html"

    cut = "10,000,000 characters"
    index = index_page.index(run_dir.parent.parent)
    for path, said in ((page, cut), (executed, cut), (index, "1 without a result")):
        assert path.stat().st_size < 1_000_000
        browser.open(path, width=390)
        assert browser.complaints() == []
        assert browser.evaluate("document.documentElement.scrollWidth") <= 390
        assert said in browser.evaluate("document.body.textContent")
