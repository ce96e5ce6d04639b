"""A CSV file that somebody opens with a spreadsheet runs nothing and comes back as it was."""

import csv
import io

import numpy as np
import pandas as pd
from hypothesis import given
from hypothesis import strategies as st

from sensorkit.evaluate.evaluation import cases_frame, read_cases
from sensorkit.evaluate.rows import CASE_COLUMNS
from sensorkit.evaluate.spreadsheet import as_it_was, as_text, to_csv

HOSTILE = [
    *("=cmd()", "+1", "-1", "@SUM(A1)", "\t=1", "\r=1", "'=1", "''=1", "it's", "'", "\\", "\\r"),
    *('a,b"c\nd', "a\0b", "\x1b[2J", "\u2028", "\u202e", "\ufeff=1", "plain", " =1"),
]


@given(st.text())
def test_every_text_comes_back(text):
    assert as_it_was(as_text(text)) == text


@given(st.text())
def test_no_text_begins_a_formula_or_another_row(text):
    written = as_text(text)

    assert written[:1] not in {"=", "+", "-", "@", "\t", "\r"}
    assert written.isprintable() or not written


def test_numbers_stay_numbers():
    frame = pd.DataFrame({"text": ["-1"], "value": [-1.5], "count": [-2]})
    frame["missing"] = pd.array([pd.NA], dtype="string")

    assert to_csv(frame) == "text,value,count,missing\n'-1,-1.5,-2,\n"


def test_cases_of_hostile_names_are_read_back_as_they_were(tmp_path):
    rows = [
        dict.fromkeys(CASE_COLUMNS)
        | {"case": "fault", "device": text, "recording": text, "magnitude": -1.5, "fault": i}
        for i, text in enumerate(HOSTILE)
    ]
    frame = cases_frame(rows)
    path = tmp_path / "cases.csv"
    path.write_bytes(to_csv(frame).encode())

    pd.testing.assert_frame_equal(read_cases(path), frame)
    text = path.read_text(encoding="utf-8")
    fields = [field for row in csv.reader(io.StringIO(text)) for field in row]
    formulas = [f for f in fields if f[:1] in {"=", "+", "-", "@"} and not _is_number(f)]
    assert formulas == []


def _is_number(text):
    try:
        return np.isfinite(float(text))
    except ValueError:
        return False


def test_pandas_alone_would_write_formulas_and_break_rows():
    frame = pd.DataFrame({"device": ["=cmd()", "a\rb"], "size": [1, 2]})

    written = frame.to_csv(index=False, lineterminator="\n")

    assert "\n=cmd()," in written
    assert len(pd.read_csv(io.StringIO(written, newline=""))) == 3
