"""Published rows are data with their sources."""

import json

import pytest

from sensorkit.datasets import leaderboards, names
from sensorkit.datasets.leaderboards import FOLDER, published
from sensorkit.errors import DataError
from sensorkit.evaluate.public import protocol

FILES = sorted(path.stem for path in FOLDER.glob("*.csv"))


@pytest.mark.parametrize("name", FILES)
def test_every_file_belongs_to_a_set_and_every_row_has_its_source(name):
    rows = published(name)
    assert name in names()
    assert rows
    for row in rows:
        assert row["method"]
        assert row["source"].startswith("https://")
        assert row["version"]
        assert row["threshold_from"]


@pytest.mark.parametrize("name", FILES)
def test_the_figures_are_columns_of_the_protocol(name):
    keys = {column.key for column in protocol(name).columns}
    beside = {"series", "cp_missed", "cp_false", "f1_best", "pa_f1_warning"}
    figures = {k for row in published(name) for k, v in row.items() if isinstance(v, float)}
    assert figures - beside <= keys
    assert figures & keys


@pytest.mark.parametrize("name", FILES)
def test_rows_of_the_same_protocol_have_the_figure_that_is_ranked_by(name):
    one = protocol(name)
    rows, _ = one.leaderboard(published(name), [])
    same = [row for row in rows if row["comparable"]]
    # ArimaFD has a score for change points only.
    assert not same or sum(row[one.comparable] is not None for row in same) >= len(same) - 1


def test_a_set_that_publishes_nothing_has_no_rows():
    assert published("cmapss") == []


def test_what_looks_ahead_or_was_tuned_on_the_test_is_said():
    notes = {row["method"]: row["note"] for name in ("nab", "skab") for row in published(name)}
    for method in ("ARTime", "Numenta HTM", "CAD OSE (contextOSE)", "MSET"):
        assert "looks" in notes[method]
    assert "tuned on these files" in notes["Windowed Gaussian"]


@pytest.mark.parametrize(
    ("row", "why"),
    [
        (b"b,half,yes", r"x\.csv:4: f1 is 'half'; a number or nothing"),
        (b"b,nan,yes", r"x\.csv:4: f1 is 'nan'"),
        (b"b,0.5,perhaps", r"x\.csv:4: comparable is 'perhaps'; yes or no"),
        (b"b,0.5", r"x\.csv:4: has 2 fields, line 1 has 3 names"),
        (b"b,0.5,yes,no", r"x\.csv:4: has 4 fields"),
        (b"\xff,0.5,yes", r"x\.csv: cannot be read: .*; install sensorkit again"),
    ],
)
def test_a_damaged_table_is_told_with_its_line(tmp_path, monkeypatch, row, why):
    monkeypatch.setattr(leaderboards, "FOLDER", tmp_path)
    (tmp_path / "x.csv").write_bytes(b"method,f1,comparable\na,0.5,yes\n\n" + row + b"\n")
    with pytest.raises(DataError, match=why):
        published("x")


@pytest.mark.data
def test_the_rows_of_nab_are_those_of_its_results_file(sensorkit_data):
    path = sensorkit_data / "nab" / "results" / "final_results.json"
    table = json.loads(path.read_text(encoding="utf-8"))
    standard = sorted(row["standard"] for row in table.values())
    ours = sorted(
        row["optimised"] for row in published("nab") if "README only" not in (row["note"] or "")
    )
    assert ours == pytest.approx(standard, abs=5e-5)


@pytest.mark.data
def test_the_rows_of_skab_stand_in_its_readme(sensorkit_data):
    text = (sensorkit_data / "skab" / "README.md").read_text(encoding="utf-8")
    lines = [[cell.strip() for cell in line.split("|")] for line in text.splitlines()]
    told = [[cell for cell in cells if cell] for cells in lines if len(cells) > 3]

    def numbers(cells):
        return [float(cell) for cell in cells[1:]]

    for row in published("skab"):
        mine = [cells for cells in told if cells[0] == row["method"]]
        if row["f1"] is not None:
            assert [row["f1"], row["far"], row["mar"]] in [numbers(c) for c in mine], row["method"]
        if row["cp_standard"] is not None:
            keys = ("cp_standard", "cp_low_fp", "cp_low_fn", "cp_missed", "cp_false")
            assert [row[key] for key in keys] in [numbers(c) for c in mine], row["method"]
