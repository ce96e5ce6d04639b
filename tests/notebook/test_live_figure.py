"""The picture of a live plot, and what stands around it."""

import re

import numpy as np
import plotly.graph_objects as go
import pytest

from sensorkit.notebook.live_capture import Said
from sensorkit.notebook.live_figure import LiveFigure
from sensorkit.notebook.live_panel import Panel
from sensorkit.notebook.live_tail import Points
from sensorkit.profile import Profile

START = 1_767_225_600_000_000_000
SECOND = 1_000_000_000
HOSTILE = "</script><script>alert(1)</script><img src=x onerror=alert(1)>\x1b[2J\u2028\x00=cmd()"


def points(n):
    time = START + np.arange(n) * SECOND
    return Points(time, np.column_stack([np.arange(n, dtype=float), np.ones(n)]))


def said(second, kind="THRESHOLD_BREACH_TEMP", text="hot"):
    return Said(START + second * SECOND, "CRITICAL", kind, text)


@pytest.fixture
def moving():
    return LiveFigure(Profile.load("serial_monitor"), moving=True)


def test_a_picture_is_one_message(moving):
    sent = []
    names = ["_py2js_update", "_py2js_restyle", "_py2js_relayout", "_py2js_addTraces"]
    moving.figure.observe(lambda change: sent.append((change["name"], change["new"])), names)

    moving.draw(points(100), [said(50)], "alt", several=False)

    assert [name for name, new in sent if new is not None] == ["_py2js_update"]


def test_what_a_profile_calls_a_channel_is_no_markup():
    channels = [{"name": "T", "unit": "<i>C"}]
    profile = Profile.from_dict({"name": "odd", "rate_hz": 1.0, "channels": channels}, "test")
    figure = LiveFigure(profile, moving=False).figure

    assert figure.layout.yaxis.title.text == "T<br>(&lt;i&gt;C)"


def test_a_line_has_no_more_points_than_a_screen(moving):
    moving.draw(points(100_000), [], "alt", several=False)

    assert len(moving.figure.data[0].x) <= 2001
    assert max(moving.figure.data[0].y) == 99_999


def test_many_channels_share_what_the_page_is_sent():
    n = 20
    channels = [{"name": f"c{i}"} for i in range(n)]
    profile = Profile.from_dict({"name": "many", "rate_hz": 1.0, "channels": channels}, "test")
    figure = LiveFigure(profile, moving=True)
    time = START + np.arange(10_000) * SECOND
    values = np.random.default_rng(1).normal(size=(10_000, n))
    figure.draw(Points(time, values), [], "alt", several=False)

    assert sum(len(trace.x) for trace in figure.figure.data) <= 8000 + 2 * n


def test_an_alert_is_marked_on_the_line_of_its_channel_where_it_began(moving):
    moving.draw(points(100), [said(50), said(60, "HEARTBEAT_LOSS")], "alt", several=False)
    temperature, voltage = moving.figure.data[1], moving.figure.data[3]

    assert list(temperature.y) == [50.0, 60.0]
    assert temperature.x[0] == "2026-01-01T00:00:50.000000"
    assert len(voltage.x) == 1  # of the heartbeat alone, which is of all channels


def test_alerts_older_than_the_window_are_not_drawn(moving):
    late = Points(points(100).time[50:], points(100).values[50:])
    moving.draw(late, [said(10)], "alt", several=False)

    assert len(moving.figure.data[1].x) == 0


def test_readings_of_several_devices_are_not_joined(moving):
    moving.draw(points(10), [], "alt", several=True)

    assert moving.figure.data[0].mode == "markers"


def test_a_value_that_stands_alone_between_gaps_is_a_dot(moving):
    odd = points(10).values.copy()
    odd[1::2] = np.nan
    moving.draw(Points(points(10).time, odd), [], "alt", several=False)
    assert moving.figure.data[0].mode == "lines+markers"
    assert np.count_nonzero(moving.figure.data[0].marker.size) == 5

    moving.draw(points(10), [], "alt", several=False)
    assert moving.figure.data[0].mode == "lines"


def test_what_a_device_says_runs_neither_in_the_picture_nor_around_it(moving):
    alert = said(5, text=HOSTILE)
    moving.draw(points(10), [alert], "alt", several=False)
    panel = Panel(go.FigureWidget(), HOSTILE, lambda: None)
    panel.show(HOSTILE, [HOSTILE], [alert], [HOSTILE], of=7)

    for text in (moving.figure.data[1].text[0], panel.status.value, panel.said.value):
        assert "&lt;/script&gt;&lt;script&gt;alert(1)" in text
        assert not re.search(r"<(script|img)|[\x00\x1b\u2028]", text)
    assert "the last 1 of 7 alerts" in panel.said.value
