"""Figures of executed notebooks are thinned so that the page opens; nothing else is touched."""

import base64

import nbformat
import numpy as np
import pytest
from nbformat.v4 import new_code_cell, new_notebook, new_output

from sensorkit.report.views.executed import PLOTLY, render_notebooks
from sensorkit.report.views.thinned import BEYOND, summary, thinned

N = 100_000


def packed(array):
    return {
        "dtype": array.dtype.str[1:],
        "bdata": base64.b64encode(array.tobytes()).decode("ascii"),
    }


@pytest.fixture
def spiky():
    values = np.sin(np.arange(N) / 500)
    values[77_777], values[5] = 12.5, -12.5
    return values


@pytest.mark.parametrize("pack", [packed, np.ndarray.tolist])
def test_a_long_line_keeps_its_spikes_and_each_point_its_place(spiky, pack):
    trace = {"type": "scatter", "x": pack(np.arange(N) * 2), "y": pack(spiky), "name": "guard"}

    fewer, had = thinned(trace)

    assert had == N
    assert len(fewer["x"]) == len(fewer["y"]) <= BEYOND
    points = dict(zip(fewer["x"], fewer["y"], strict=True))
    assert points[2 * 77_777] == 12.5
    assert points[10] == -12.5
    assert fewer["name"] == "guard"


def test_what_belongs_to_a_point_goes_with_it(spiky):
    trace = {
        "y": spiky.tolist(),
        "text": [str(i) for i in range(N)],
        "marker": {"size": list(range(N)), "color": "#fff"},
        "customdata": [[i, i] for i in range(N)],
    }

    fewer, _ = thinned(trace)

    assert [int(text) for text in fewer["text"]] == fewer["x"] == fewer["marker"]["size"]
    assert [row[0] for row in fewer["customdata"]] == fewer["x"]
    assert fewer["marker"]["color"] == "#fff"


@pytest.mark.parametrize(
    "trace",
    [
        {"type": "scatter", "y": [1.0, 2.0]},
        {"type": "bar", "y": [1.0] * N},
        {"type": "scatter", "y": ["a"] * N},
        {"type": "scatter", "y": {"dtype": "O", "bdata": "AAAA"}},
        {"type": "scatter", "y": {"dtype": "f8", "bdata": "not base64"}},
        {"type": "scatter", "y": [1.0] * N, "x0": "2026-01-01"},
        {"type": "scatter"},
    ],
)
def test_any_other_trace_stays_as_it_is(trace):
    assert thinned(trace) == (trace, 0)


def test_missing_and_infinite_values_are_left_out_of_the_summary():
    trace = {"x": ["a", "b"], "y": [None, float("inf"), 3.0], "name": "v"}
    assert summary(trace) == ("v", "3", "a", "b", "3", "3")
    assert summary({"y": [None]}) is None


def test_the_page_of_a_notebook_says_how_many_points_are_drawn_and_has_the_numbers(tmp_path, spiky):
    plot = {"data": [{"type": "scatter", "name": "<b>temp", "y": packed(spiky)}], "layout": {}}
    output = new_output("display_data", data={PLOTLY: plot})
    notebook = new_notebook(cells=[new_code_cell("plot()", outputs=[output])])
    nbformat.write(notebook, tmp_path / "long.ipynb")

    (page,) = render_notebooks(tmp_path, plotly="plotly.js", back="")

    text = page.read_text(encoding="utf-8")
    assert "of 100,000 points; the lowest and the highest of each stretch are kept." in text
    assert '<th scope="row">&lt;b&gt;temp</th><td>100,000</td>' in text
    assert "<td>-12.5</td><td>12.5</td>" in text
    assert len(text) < 400_000
