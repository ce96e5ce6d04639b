"""summary.md: a run in short, and device text in it that is text wherever it is rendered."""

import mistune
import pytest
from bs4 import BeautifulSoup
from markdown_it import MarkdownIt

from sensorkit.report.ci.markdown import LONGEST, ROWS, name, summary, text
from sensorkit.report.verdict.requirements import judge

RUN = {
    "id": "20260131T120000Z-0a1b2c",
    "created_at": "2026-01-31T12:00:00.000000Z",
    "command": "sensorkit evaluate --require 'best.vus_pr>=0.5'",
    "git_commit": "0123456789abcdef",
    "git_dirty": True,
    "status": "passed",
    "reason": "",
}
HOSTILE = (
    "a|b\n\n# head\n- item\n1. one\n```\ncode `x` <script>x=1</script><img src=x onerror=x=1>"
    "[link](javascript:x=1) ![i](http://h.example/i.png) http://h.example www.h.example x@h.example"
    " <http://h.example> @someone #12 !13 ~14 GH-15 %16 $x^2$ **b** _e_ ~~s~~ \\| \\ &lt;"
    " \x1b[2J\x00\u2028\u202e =cmd() ---"
)


def rendered(markdown):
    """Return what two renderers of Markdown, with tables, links and all, make of it."""
    ours = MarkdownIt("commonmark", {"html": True}).enable(["table", "strikethrough"])
    other = mistune.create_markdown(
        escape=False, plugins=["table", "strikethrough", "url", "footnotes", "math"]
    )
    return [BeautifulSoup(render(markdown), "html.parser") for render in (ours.render, other)]


def tags(page):
    return [tag.name for tag in page.find_all(True)]


ACTIVE = {"a", "img", "script", "svg", "iframe", "input", "style", "em", "del", "pre", "math"}


@pytest.fixture
def said(report):
    """Return the summary of a run with something required."""
    report["requirements"] = judge(
        report, ["best.vus_pr>=0.5", "forest.delay_median_s<=10s", "sigma.event_recall.drift>=0"]
    )
    return summary(RUN, report)


def test_a_pull_request_shows_verdict_numbers_requirements_and_detectors(said):
    for page in rendered(said):
        assert page.h2.text == "✓ Recommended: forest"
        assert "forest finds 50 of 56 faults" in page.p.text
        tiles, required, detectors = page.find_all("table")
        assert [cell.text for cell in tiles.find_all("th")] == [
            *("Smallest faults caught", "Median delay", "False alarms a day", "Cost per reading"),
        ]
        assert tiles.find_all("td")[1].text == "12 s [6 s, not reached]"
        assert [row.find_all("td")[-1].text for row in required.find_all("tr")[1:]] == [
            *("✓ met", "✗ not met", "✓ met"),
        ]
        assert page.h3.text == "✗ 2 of 3 requirements met"
        ranked = [row.find("td").text for row in detectors.find_all("tr")[1:]]
        assert ranked == ["forest", "sigma", "rules", "mewma"]
        assert "commit 0123456, with changes" in page.find_all("p")[-1].text


def test_a_run_that_failed_says_why_and_where():
    notebooks = [
        {"name": "01_capture", "status": "passed"},
        {"name": "03_benchmark", "status": "failed"},
    ]
    run = RUN | {"status": "failed", "reason": "cell [4]: no", "notebooks": notebooks}

    for page in rendered(summary(run, None)):
        assert page.h2.text == "✗ sensorkit: the run failed"
        assert page.p.text == "Reason: cell [4]: no"
        assert [item.text for item in page.find_all("li")] == ["03_benchmark: failed"]


def test_a_public_benchmark_says_its_verdict():
    run = RUN | {"dataset": "skab", "summary": {"verdict": "By F1 guard has 0.8."}}

    for page in rendered(summary(run, None)):
        assert (page.h2.text, page.p.text) == (
            "sensorkit: skab",
            "Verdict: By F1 guard has 0.8.",
        )


def test_hostile_text_is_text_in_every_renderer(report, said):
    quiet = rendered(said)
    report["verdict"] |= {"detector": HOSTILE, "sentence": f"{HOSTILE} is best. Yes."}
    report["ranking"][0]["detector"] = report["detectors"][0]["name"] = HOSTILE
    report["recordings"][0] |= {"name": HOSTILE, "parent": HOSTILE, "status": HOSTILE}
    report["ranking"][1]["note"] = HOSTILE
    for row in report["requirements"]:
        row |= {"detector": HOSTILE, "unit": HOSTILE, "where": HOSTILE, "kind": HOSTILE}
    for entry in report["detectability"]:
        entry |= {"channel": HOSTILE, "unit": HOSTILE}
        entry["detector"] = HOSTILE if entry["detector"] == "forest" else entry["detector"]
    run = RUN | {"id": HOSTILE, "command": HOSTILE, "git_commit": HOSTILE}

    written = summary(run, report)

    for page, before in zip(rendered(written), quiet, strict=True):
        assert not ACTIVE & set(tags(page))
        # One more: the note on a recording that is not complete. Names are no code any more.
        structure = [tag for tag in tags(page) if tag not in {"code", "strong"}]
        plain = [tag for tag in tags(before) if tag not in {"code", "strong"}]
        assert structure.count("td") == plain.count("td")
        assert structure.count("tr") == plain.count("tr")
        assert [t for t in structure if t[0] == "h"] == [t for t in plain if t[0] == "h"]
        shown = page.text.replace("\u200b", "")
        assert "<script>x=1</script><img src=x onerror=x=1>" in shown
        assert "[link](javascript:x=1)" in shown
        assert "\\x1b[2J\\x00\\u2028\\u202e" in shown
        # What GitHub and GitLab look for in the text itself is broken up.
        for sign in ("@someone", "#12", "!13", "~14", "GH-15", "%16", "$x", "x@h", "www.h", "://"):
            assert sign in shown
            assert sign not in page.text
    assert all(char.isprintable() or char in "\n\u200b" for char in written)


@pytest.mark.parametrize("value", ["#x", "- x", "1. x", "> x", "    x", "***", "```", "=", "|"])
def test_a_cell_begins_nothing(value):
    table = f"| a | b |\n| --- | --- |\n| {text(value)} | {name(value)} |\n"

    for page in rendered(table):
        cells = page.find_all("td")
        shown = [cell.text.replace("\u200b", "").strip() for cell in cells]
        assert shown == [value.strip()] * 2
        assert set(tags(page)) <= {"table", "thead", "tbody", "tr", "th", "td"}


def test_the_renderers_would_show_what_gets_through():
    found = [set(tags(page)) for page in rendered(HOSTILE.replace("```", ""))]

    assert all({"script", "img", "a", "h1", "code", "strong"} <= one for one in found)


def test_a_name_is_code_only_where_nothing_in_it_can_act():
    assert name("guard.a90_95.drift>=2") == "`guard.a90_95.drift>=2`"
    for value in ("a`b", "a|b", "-a", "a b", "ü", "@a", ""):
        assert "`" not in name(value)


def test_long_text_and_long_tables_are_cut_and_said_to_be(report):
    long = text("x" * 10_000_000)
    assert len(long) < LONGEST + 50
    assert long.endswith("… (10,000,000 characters)")
    report["requirements"] = judge(report, ["forest.vus_pr>=0.1"]) * 100

    written = summary(RUN, report)

    assert f"The first {ROWS} of 100; report.html has all." in written
    assert written.count("`forest.vus_pr`") == ROWS
