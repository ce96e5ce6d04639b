"""The page says what the benchmark measured, and cites what is kept as published."""

import json
import re
from pathlib import Path

import pytest

from sensorkit.prognosis import published

ROOT = Path(__file__).resolve().parents[2]
PAGE = (ROOT / "docs" / "remaining-life.md").read_text(encoding="utf-8")
FIGURES = json.loads(
    (Path(__file__).parent / "reference" / "figures.json").read_text(encoding="utf-8")
)


def rows(mark):
    """Return the cells of the table below a mark of the page, without bold and code."""
    table = PAGE.split(f"<!-- figures: {mark} -->")[1].split("\n\n")[0]
    lines = [line for line in table.splitlines() if line.startswith("|")][2:]
    return [
        [re.sub(r"[*`]", "", cell).strip() for cell in line.strip("|").split("|")] for line in lines
    ]


def test_the_figures_of_fd001_are_those_of_the_benchmark():
    methods = FIGURES["subsets"]["FD001"]["methods"]
    expected = [
        [
            f"{row['rmse']:.2f} ({row['rmse_low']:.1f} to {row['rmse_high']:.1f})",
            f"{row['score']:.0f} ({row['score_low']:.0f} to {row['score_high']:.0f})",
            f"{row['rmse_capped']:.2f}",
        ]
        for row in methods.values()
    ]
    assert [cells[1:] for cells in rows("fd001")] == expected
    covered = FIGURES["subsets"]["FD001"]["covered"]
    assert f"The 90 % interval holds {round(100 * covered)} of the 100 engines" in PAGE


@pytest.mark.parametrize(
    ("mark", "found"),
    [
        ("leads_fd001", FIGURES["leads_fd001"]),
        ("leads_emulated", FIGURES["emulated"]["leads"]),
    ],
)
def test_the_lead_times_are_those_of_the_benchmark(mark, found):
    expected = [
        [
            f"{100 * row['in_time']:.0f} %",
            f"{row['lead_s']:g}",
            f"{row['stays_s']:g}",
            f"{row['false_alarms']:.2f}",
        ]
        for row in found.values()
    ]
    assert [cells[1:] for cells in rows(mark)] == expected


def test_what_else_is_said_of_them_was_measured():
    health = FIGURES["subsets"]["FD001"]["health"]
    said = " ".join(PAGE.split())
    assert (
        f"monotonicity {health['monotonicity']:.2f}, trendability {health['trendability']:.2f}, "
        f"prognosability {health['prognosability']:.2f}"
    ) in said
    assert f"{FIGURES['subsets']['FD001']['megabytes']:.1f} MB for FD001" in said
    assert f"off by {FIGURES['emulated']['error_s']:.0f} s (RMSE)" in said


def test_the_published_rows_are_cited_with_their_figures():
    for method, row in published().iterrows():
        cells = next(
            line for line in PAGE.splitlines() if line.startswith(f"| {method.split(' (')[0]}")
        )
        assert f"| {row['rmse']:.2f} |" in cells
        doi = re.search(r"doi:\S+", row["source"])
        assert doi is None or doi.group() in cells
