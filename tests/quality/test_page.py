"""The page on data quality says what the code does."""

import re
from pathlib import Path

from sensorkit.profile.expectations import CHECKS
from sensorkit.quality import DIMENSIONS, Thresholds
from sensorkit.quality.thresholds import TYPES

PAGE = (Path(__file__).parents[2] / "docs" / "data-quality.md").read_text(encoding="utf-8")


def rows(heading):
    """The cells of a table, by the heading of its first column."""
    table = PAGE[PAGE.index(f"| {heading} |") :].split("\n\n")[0].splitlines()[2:]
    return [[cell.strip() for cell in re.split(r"(?<!\\)\|", row)[1:-1]] for row in table]


def test_the_page_has_every_dimension():
    assert tuple(row[0] for row in rows("dimension")) == DIMENSIONS


def test_the_page_has_every_check_and_its_dimension():
    named = [row[0].strip("`").split(":")[0] for row in rows("check")]
    assert sorted(named) == sorted(CHECKS)
    told = {row[0]: row[1] for row in rows("dimension")}
    for check, dimension in CHECKS.items():
        assert f"`{check}`" in told[dimension] or check == "not_null", check


def test_the_page_has_every_alert_and_where_it_begins():
    defaults = [f"--{name.replace('_', '-')} {value:g}" for name, value in Thresholds()]
    options = {"--quality-below 70", "--error-rate-above 0.1"}
    assert options < set(defaults)
    assert [(row[0].strip("`"), row[1].strip("`")) for row in rows("alert")] == list(
        zip(TYPES, defaults, strict=True)
    )
