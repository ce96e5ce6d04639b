"""The figures of docs/public-benchmarks.md are those that benchmarks/public_figures.py found."""

import json
from pathlib import Path

import pytest

from sensorkit.evaluate.public import loop
from sensorkit.report.files import project_root
from sensorkit.report.parameters import declared

FIGURES = json.loads(
    (Path(__file__).parent / "reference" / "figures.json").read_text(encoding="utf-8")
)
PAGE = (project_root() / "docs" / "public-benchmarks.md").read_text(encoding="utf-8")
ROWS = [
    ("NAB, own frozen threshold", "nab", "frozen", ".1f"),
    ("NAB, threshold from other files", "nab", "other_files", ".1f"),
    ("NAB, optimised on the labels", "nab", "optimised_alerts", ".1f"),
    ("SKAB, F1", "skab", "f1", ".3f"),
    ("UCR, located", "ucr", "hit", ".3f"),
    ("SMAP/MSL, VUS-PR", "smap_msl", "vus_pr", ".3f"),
    ("de Bruijn, average precision", "debruijn", "average_precision", ".3f"),
    ("asnx, sensors alone", "asnx", "average_precision", ".3f"),
    ("C-MAPSS, warned in time", "cmapss", "in_time", ".2f"),
    ("Suthaharan, VUS-PR", "suthaharan", "vus_pr", ".3f"),
]


def line(label, name, key, style):
    """Return the first cells of a row of the table, as the figures have it."""
    found = FIGURES[name]["rows"]
    whole = {who: row for who, row in found.items() if row["status"] == "ok" and key in row}
    ours = sorted((w for w in whole if whole[w]["role"] == "ours"), key=lambda w: -whole[w][key])
    best, second = ours[:2]
    first = f"`{best}` {whole[best][key]:{style}}"
    if f"{key}_ci" in whole[best]:
        low, high = whole[best][f"{key}_ci"]
        first += f" ({low:{style}} to {high:{style}})"
    if "rank" in whole[best] and key in ("f1", "optimised_alerts"):
        first += f", {whole[best]['rank']} of {whole[best]['rank_of']}"
        if "rank_ci" in whole[best]:
            first += " ({} to {})".format(*whole[best]["rank_ci"])
    behind = f"`{second}` {whole[second][key]:{style}}"
    compared = FIGURES[name]["comparison"]
    if (compared["first"], compared["second"], compared["metric"]) == (best, second, key):
        p = compared["p_value"]
        if p is not None:
            behind += f", {'a tie' if p >= 0.05 else 'behind'} (p = {p:.2g})"
    chance = max(row[key] for row in whole.values() if row["role"] == "chance")
    return f"| {label} | {first} | {behind} | {chance if chance == 0 else format(chance, style):} |"


@pytest.mark.parametrize("row", ROWS, ids=lambda row: row[0])
def test_a_row_of_the_page_has_the_figures_that_were_found(row):
    assert line(*row).replace("| 0.0 |", "| 0 |") in PAGE


def test_the_page_has_no_other_row():
    table = PAGE.split("| set | best of ours |")[1].split("\n\n")[0]
    assert len(table.splitlines()) - 2 == len(ROWS)


def test_the_command_draws_as_often_as_python_does():
    notebook = declared(project_root() / "notebooks" / "05_public_benchmarks.ipynb")
    assert notebook["resamples"].default == loop.RESAMPLES
