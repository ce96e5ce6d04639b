"""Zooming in draws that part anew; a widget is made only where somebody looks at it."""

import numpy as np
import plotly.graph_objects as go
import pytest

from sensorkit import surroundings
from sensorkit.display.lines import Line, Timeline
from sensorkit.display.zooming import Zoom, nanoseconds
from sensorkit.readings import Readings

SECOND = 1_000_000_000


@pytest.fixture
def noisy():
    rng = np.random.default_rng(3)
    values = rng.normal(size=(50_000, 2))
    values[[12_345, 40_000], [0, 1]] = 25.0, -25.0
    return Readings.build(np.arange(50_000) * SECOND, values, ["T", "V"])


@pytest.fixture
def watched(monkeypatch):
    monkeypatch.delenv("SENSORKIT_QUIET", raising=False)


def drawn(figure, name, start, stop):
    """Return the values drawn of a row from *start* to *stop* in seconds."""
    trace = next(one for one in figure.data if one.meta is not None and one.yaxis == name)
    at = np.array(trace.x, dtype="datetime64[ns]").astype(np.int64) // SECOND
    return np.asarray(trace.y)[(at >= start) & (at <= stop)]


@pytest.mark.usefixtures("watched")
def test_moving_the_time_axis_draws_the_extremes_of_every_row_there(noisy):
    figure = noisy.plot(points=400, interactive=True)
    rng = np.random.default_rng(1)

    for width in (20_000, 3000, 399, 20):
        start = int(rng.integers(0, 50_000 - width))
        figure.layout.xaxis.range = [
            str(np.datetime64((start + edge) * SECOND, "ns")) for edge in (0, width)
        ]
        for row, axis in enumerate(("y", "y2")):
            inside = noisy.values[start : start + width + 1, row]
            there = drawn(figure, axis, start, start + width)
            assert (np.nanmin(there), np.nanmax(there)) == (inside.min(), inside.max())
            assert 25.0 in np.abs(drawn(figure, axis, 0, 50_000))


@pytest.mark.usefixtures("watched")
def test_values_that_stand_alone_are_dots_where_one_looks():
    values = np.where(np.arange(50_000) % 2, np.nan, 1.0)[:, np.newaxis]
    figure = Readings.build(np.arange(50_000) * SECOND, values, ["T"]).plot(
        points=400, interactive=True
    )
    assert figure.data[0].mode == "lines"

    figure.layout.xaxis.range = ["1970-01-01 01:00", "1970-01-01 01:01"]
    trace = figure.data[0]
    assert trace.mode == "lines+markers"
    assert len(trace.marker.size) == len(trace.y)
    assert np.count_nonzero(trace.marker.size) >= 30


@pytest.mark.usefixtures("watched")
def test_going_back_to_the_whole_draws_what_was_there_before(noisy):
    figure = noisy.plot(points=400, interactive=True)
    before = [np.asarray(trace.y) for trace in figure.data]
    whole = list(figure.layout.xaxis.range)

    figure.layout.xaxis.range = ["1970-01-01 01:00", "1970-01-01 02:00"]
    assert any(len(trace.y) != len(y) for trace, y in zip(figure.data, before, strict=True))
    figure.layout.xaxis.range = whole

    for trace, y in zip(figure.data, before, strict=True):
        np.testing.assert_array_equal(np.asarray(trace.y), y)


def test_the_same_window_is_not_drawn_twice():
    values = np.arange(100.0)
    figure = go.Figure(go.Scatter(x=[0], y=[0], meta=[0, 0]))
    zoom = Zoom(figure, [[Line("a", Timeline(np.arange(100) * SECOND), values)]], 10)

    zoom.to(0.0, 50_000.0)
    first = figure.data[0].y
    figure.data[0].y = [1]
    zoom.to(0.0, 50_000.0)

    assert len(first) > 10
    assert figure.data[0].y == (1,)


@pytest.mark.parametrize(
    ("time", "ns"),
    [
        ("1970-01-01 00:00:01.25", 1_250_000_000),
        ("1970-01-01T00:00:01.25Z", 1_250_000_000),
        (1250.0, 1_250_000_000),
        ("1970-01-01", 0),
    ],
)
def test_times_are_taken_as_plotly_says_them(time, ns):
    assert nanoseconds(time) == ns


def test_where_nobody_looks_on_there_is_no_widget(noisy, monkeypatch):
    monkeypatch.setenv("SENSORKIT_QUIET", "1")

    assert type(noisy.plot(interactive=True)) is go.Figure


@pytest.mark.usefixtures("watched")
def test_a_widget_comes_by_itself_only_where_it_is_of_use(noisy, monkeypatch):
    assert type(noisy.plot()) is go.Figure
    monkeypatch.setattr(surroundings, "in_notebook", lambda: True)

    assert isinstance(noisy.plot(), go.FigureWidget)
    assert type(noisy[:100].plot()) is go.Figure
    assert type(noisy.plot(interactive=False)) is go.Figure
