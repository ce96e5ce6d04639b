"""The page of a public benchmark: wide tables, places among the published, ranks over series."""

from dataclasses import replace
from pathlib import Path

import pytest

from sensorkit.datasets.leaderboards import published
from sensorkit.evaluate.public.results import PublicResults
from sensorkit.evaluate.public.skab import Skab
from sensorkit.report.views import public_page

ROW = {"detector": "guard", "role": "ours", "status": "ok", "reason": None, "failed": 0}
ROW |= {"series": 34, "f1": 0.811, "f1_ci": [0.716, 0.86], "not_comparable": None}
RUN = {"id": "x", "created_at": "2026-01-01T00:00:00Z", "duration_s": 1.0, "command": "c"}


@pytest.fixture
def skab():
    return PublicResults(
        dataset="skab",
        title=Skab.title,
        headline="f1",
        comparable="f1",
        columns=[column.to_dict() for column in Skab.columns],
        sentence="By F1 guard has 0.811.",
        rows=[ROW | {"rank": 1, "rank_of": 11, "rank_ci": [1, 4]}],
        published=published("skab"),
        per_series=[],
        comparison=None,
        critical_difference=None,
        protocol=[],
        notes=[],
        warnings=[],
        settings={"series": 34, "whole": True},
    )


@pytest.fixture
def page(skab, tmp_path) -> Path:
    folder = tmp_path / "runs" / "x"
    (folder / "executed").mkdir(parents=True)
    return public_page.render(folder, skab, RUN | {"versions": {}})


def test_a_place_stands_with_the_places_that_its_interval_allows(skab, page):
    assert ">1 of 11<small>1 to 4 by its interval</small>" in page.read_text(encoding="utf-8")
    skab.rows[0]["rank_ci"] = None
    assert public_page.ours_rows(skab)[0]["places"] == ""
    skab.rows[0] |= {"rank": None, "rank_ci": [1, 4]}
    assert public_page.ours_rows(skab)[0]["places"] == ""


def test_series_too_few_to_tell_detectors_apart_are_called_so(skab):
    pairs = [{"a": a, "b": b, "p": 0.03, "p_holm": 0.1} for a, b in ("ab", "ac", "bc")]
    found = {"recordings": 6, "alpha": 0.05, "pairs": pairs, "cliques": []}
    found["ranks"] = [{"detector": name, "mean_rank": rank} for rank, name in enumerate("abc", 1)]
    few = replace(skab, critical_difference=found | {"least_p_holm": 3 * 2.0**-5})
    assert public_page.cliques(few)[1:] == [
        "Here 6 independent series cannot separate 3 detectors: 7 or more are needed."
    ]

    found |= {"recordings": 7, "least_p_holm": 3 * 2.0**-6}
    assert len(public_page.cliques(replace(skab, critical_difference=found))) == 1


@pytest.mark.browser
def test_all_columns_of_the_published_rows_are_seen_at_once_on_a_wide_screen(page, browser):
    wide = """[...document.querySelectorAll('.scroll')].filter(e => e.checkVisibility()).map(e =>
      [e.getAttribute('aria-label'), e.scrollWidth > e.clientWidth + 1])"""
    browser.open(page, width=1200)
    assert ["Published rows", False] in browser.evaluate(wide)
    notes = "[...document.querySelectorAll('td')].find(e => e.innerText.includes('30 rows ahead'))"
    assert browser.evaluate(f"{notes}.getBoundingClientRect().right") <= 1200

    browser.open(page, width=390)
    assert ["Published rows", True] in browser.evaluate(wide)
    assert browser.evaluate("document.documentElement.scrollWidth") <= 390


def test_shares_have_as_many_decimals_as_each_other_and_other_figures_three_digits(skab):
    skab.rows[0] |= {"f1": 0.82, "f1_ci": [0.7, None]}
    row = public_page.ours_rows(skab)[0]
    assert row["cells"][0] == {"value": "0.820", "range": "[0.700, not reached]"}
    lead = {"key": "lead", "share": False}
    assert public_page.told({"lead": 1234.5, "lead_ci": [10.0, 2000.0]}, lead) == (
        "1,230 [10, 2,000]"
    )


def test_the_files_for_ci_are_listed_though_they_are_written_after_the_page(page):
    html = page.read_text(encoding="utf-8")
    assert not (page.parent / "junit.xml").exists()
    assert [html.count(f'href="{name}"') for name in ("junit.xml", "summary.md")] == [1, 1]
