"""A figure of readings: a row a channel, faults and alerts where they are, text as it stands."""

import json
import re

import numpy as np
import pandas as pd
import pytest

from sensorkit.capture import Recording
from sensorkit.display.figure import ALERT
from sensorkit.display.stack import ALL_POINTS
from sensorkit.readings import Alert, FaultLabel, Readings, Severity, Words
from sensorkit.report.files import project_root

SECOND = 1_000_000_000
START = 1_767_225_600 * SECOND  # 2026-01-01


def readings(n=600, channels=("temperature", "voltage"), **more):
    values = np.random.default_rng(1).normal(size=(n, len(channels)))
    return Readings.build(START + np.arange(n) * SECOND, values, channels, **more)


def label(start, end, kind="stuck", channel="voltage", **more):
    facts = {"layer": "signal", "magnitude": 2.0, "magnitude_sigma": 4.0, "seed": 1, **more}
    return FaultLabel(
        1, "device", START + start * SECOND, START + end * SECOND, kind, channel, **facts
    )


def alert(start, detector="guard", channel="voltage", *, end=None, words="High."):
    severity = Severity.CRITICAL if start % 2 else Severity.WARNING
    last = None if end is None else START + end * SECOND
    at = START + start * SECOND
    return Alert(at, "ANOMALY", severity, words, detector, "device", channel, end=last)


def lines(figure):
    return [trace for trace in figure.data if isinstance(trace.meta, list | tuple)]


def named(figure, name):
    return [trace for trace in figure.data if trace.name == name]


def test_each_channel_has_a_row_and_all_rows_move_together():
    figure = readings().plot()

    assert [(one.xaxis, one.yaxis) for one in lines(figure)] == [("x", "y"), ("x2", "y2")]
    assert figure.layout.xaxis2.matches == "x"
    upper, lower = figure.layout.yaxis.domain, figure.layout.yaxis2.domain
    assert upper[0] > lower[1]
    assert [note.text for note in figure.layout.annotations] == [
        "<b>temperature</b>",
        "<b>voltage</b>",
    ]


def test_the_slider_is_below_the_last_row_and_nowhere_else():
    figure = readings().plot()

    assert figure.layout.xaxis2.rangeslider.visible
    assert figure.layout.xaxis.rangeslider.visible is None


def test_the_slider_shows_as_much_as_the_rows():
    axis = readings().plot().layout.xaxis2

    assert axis.rangeslider.range == axis.range


def test_units_stand_at_the_axes():
    figure = readings().plot(units={"temperature": "°C"})

    assert figure.layout.yaxis.title.text == "°C"
    assert figure.layout.yaxis2.title.text == ""


def test_a_fault_is_shaded_in_the_row_of_its_channel_with_its_kind_in_the_legend():
    figure = readings().plot(labels=[label(100, 200)], units={"voltage": "V"})

    (shade,) = named(figure, "stuck")
    assert (shade.yaxis, shade.fill, shade.showlegend) == ("y2", "toself", True)
    assert (shade.x[0], shade.x[2]) == ("2026-01-01T00:01:40.000000", "2026-01-01T00:03:20.000000")
    assert list(shade.y[:3]) == [*figure.layout.yaxis2.range, figure.layout.yaxis2.range[1]]
    assert shade.text[0] == "fault: stuck, 1.67 min<br>size 2 V, 4 sigma, device device"


def test_a_fault_of_whole_readings_is_shaded_in_every_row_and_named_once():
    figure = readings().plot(labels=[label(10, 20, "silence", None, magnitude=None)])

    shades = named(figure, "silence")
    assert [one.yaxis for one in shades] == ["y", "y2"]
    assert [one.showlegend for one in shades] == [True, False]


def test_no_two_kinds_of_fault_look_alike():
    kinds = ["bias", "drift", "stuck", "noise"]
    figure = readings().plot(
        labels=[label(20 * k, 20 * k + 9, kind) for k, kind in enumerate(kinds)]
    )

    shapes = {named(figure, kind)[0].fillpattern.shape for kind in kinds}
    assert len(shapes) == len(kinds)


def test_an_alert_is_marked_where_it_begins_and_drawn_to_its_end():
    figure = readings().plot(alerts=[alert(31, end=40), alert(50)])

    (mark,) = named(figure, "alert: guard")
    assert mark.yaxis == "y2"
    assert list(mark.x[:2]) == ["2026-01-01T00:00:31.000000", "2026-01-01T00:00:40.000000"]
    assert list(mark.marker.symbol[::3]) == ["triangle-down", "triangle-down-open"]
    assert mark.text[0] == "guard: critical, 9 s<br>High."
    assert mark.marker.color == ALERT


def test_detectors_differ_by_more_than_colour():
    figure = readings().plot(alerts=[alert(31), alert(51, "sigma")])

    guard, sigma = named(figure, "alert: guard")[0], named(figure, "alert: sigma")[0]
    assert guard.marker.symbol[0] != sigma.marker.symbol[0]
    assert guard.y[0] != sigma.y[0]


def test_alerts_may_come_as_the_table_that_detect_makes_of_them():
    from sensorkit import detect

    alerts = [alert(31, end=40), alert(50)]
    one, other = (readings().plot(alerts=each) for each in (alerts, detect.to_frame(alerts)))

    assert one.to_json() == other.to_json()


def test_what_lies_outside_the_time_shown_is_left_out():
    figure = readings().plot(
        labels=[label(10, 20), label(300, 400, "bias")],
        alerts=[alert(11), alert(301)],
        start="2026-01-01T00:04",
        end="2026-01-01T00:06",
    )

    assert not named(figure, "stuck")
    assert "1 fault shaded (bias 1); 1 alert marked (guard 1)" in figure.layout.meta["alt"]
    assert list(figure.layout.xaxis.range) == [
        "2026-01-01T00:04:00.000000",
        "2026-01-01T00:06:00.000000",
    ]


def test_each_device_is_a_line_of_its_own():
    figure = readings(device=Words.of(["a", "b"] * 300)).plot("voltage")

    assert [(one.name, len(one.y)) for one in lines(figure)] == [("a", 300), ("b", 300)]
    assert len({one.line.dash for one in lines(figure)}) == 2
    assert figure.layout.showlegend


def test_a_device_without_a_name_hides_no_other():
    figure = readings(4, device=Words.of(["device", "device", None, None])).plot("voltage")

    assert [(trace.name, len(trace.x)) for trace in lines(figure)] == [
        ("device", 2),
        ("(no name)", 2),
    ]


def test_channels_that_come_in_turn_are_seen():
    odd = readings(60)
    odd.values[::2, 0] = odd.values[1::2, 1] = np.nan

    for trace in lines(odd.plot()):
        assert trace.mode == "lines+markers"
        assert np.count_nonzero(trace.marker.size) == np.isfinite(trace.y).sum() == 30
    assert {trace.mode for trace in lines(readings().plot())} == {"lines"}


@pytest.mark.parametrize("chosen", [["voltage"], ("voltage",), pd.Index(["voltage"])], ids=type)
def test_channels_come_in_any_sequence(chosen):
    assert len(lines(readings().plot(chosen))) == 1


def test_the_words_of_the_status_stand_above_the_channels_if_they_change():
    words = Words.of(["NORMAL"] * 200 + ["HOT"] * 400)
    figure = readings(status=words).plot("voltage")

    strip = figure.data[0]
    assert strip.y == ("NORMAL", "HOT", "HOT")
    assert strip.x[1] == "2026-01-01T00:03:20.000000"
    assert figure.layout.yaxis.domain[0] > figure.layout.yaxis2.domain[1]
    steady = readings(status=Words.constant("NORMAL", 600)).plot("voltage")
    assert len(steady.data) == 1


@pytest.mark.parametrize("n", [1, 2, 24])
def test_every_row_is_high_enough_to_be_read(n):
    figure = readings(channels=[f"s{k}" for k in range(n)]).plot(labels=[label(1, 2, channel="s0")])

    plot = figure.layout.height - figure.layout.margin.t - figure.layout.margin.b - 90
    axes = [axis for name, axis in figure.layout.to_plotly_json().items() if name[:5] == "yaxis"]
    heights = [(axis["domain"][1] - axis["domain"][0]) * plot for axis in axes]
    assert len(heights) == n
    assert min(heights) >= 75
    edges = sorted(edge for axis in axes for edge in axis["domain"])
    assert edges == [edge for axis in reversed(axes) for edge in axis["domain"]]
    assert 0 <= edges[0] <= edges[-1] <= 1


def test_a_million_readings_are_drawn_with_few_points_and_every_spike():
    n = 1_000_000
    values = np.zeros((n, 1))
    spikes = np.random.default_rng(1).choice(n, 50, replace=False)
    values[spikes, 0] = np.arange(1, 51)
    figure = Readings.build(np.arange(n) * SECOND, values, ["x"]).plot()

    (line,) = lines(figure)
    assert len(line.y) <= 2100
    # Two spikes in one part leave the larger one.
    largest = np.zeros(1000)
    np.maximum.at(largest, spikes // 1000, values[spikes, 0])
    assert set(largest[largest > 0]) <= set(line.y)


def test_many_channels_share_the_points():
    figure = readings(10_000, channels=[f"s{k}" for k in range(60)]).plot()

    assert sum(len(one.y) for one in lines(figure)) <= 1.1 * ALL_POINTS


def strings(value):
    """Yield every text in a figure that plotly draws."""
    if isinstance(value, str):
        yield value
    elif isinstance(value, dict):
        for key, item in value.items():
            if key not in ("template", "meta", "bdata"):  # a page escapes what it takes of `meta`
                yield from strings(item)
    elif isinstance(value, list | tuple):
        for item in value:
            yield from strings(item)


HOSTILE = "<script>a()</script><img src=x onerror=a()> $x$ %{hostile} \x1b[2J\x00\u2028</script>"


def test_text_of_a_device_is_shown_as_it_stands():
    figure = readings(
        channels=[HOSTILE], device=HOSTILE, status=Words.of([HOSTILE] * 300 + ["x" * 10**7] * 300)
    ).plot(
        labels=[label(10, 20, HOSTILE, HOSTILE)],
        alerts=[alert(11, HOSTILE, HOSTILE, words=HOSTILE * 1000)],
        units={HOSTILE: HOSTILE},
    )

    said = list(strings(figure.to_plotly_json()))
    tags = {tag for text in said for tag in re.findall(r"</?[a-z]+|<!", text)}
    assert tags <= {"<b", "</b", "<br", "<sub", "</sub", "<extra", "</extra"}
    assert any("&lt;script&gt;" in text for text in said)
    assert not any("$x$" in text or "%{hostile" in text for text in said)
    assert all(text.isprintable() for text in said)
    assert max(map(len, said)) < 2000


def test_the_figure_says_in_words_what_it_shows():
    figure = readings().plot(labels=[label(1, 2)], alerts=[alert(3), alert(5, "sigma")])

    assert figure.layout.meta["alt"] == (
        "device: 600 readings. 2 channels: temperature, voltage; 1 fault shaded (stuck 1); "
        "2 alerts marked (guard 1, sigma 1)."
    )


@pytest.mark.parametrize(
    "odd",
    [
        Readings.empty(["T"]),
        Readings.build(np.array([5]), np.array([[1.0]]), ["T"]),
        Readings.build(np.arange(9), np.full((9, 1), np.nan), ["T"]),
        Readings.build(np.zeros(9, np.int64), np.ones((9, 1)), ["T"]),
    ],
    ids=["none", "one", "missing", "at once"],
)
def test_hardly_anything_to_draw_is_no_error(odd):
    figure = odd.plot(labels=[label(1, 2)], alerts=[alert(1)])

    json.loads(figure.to_json())


def test_an_unknown_channel_is_named_with_the_nearest():
    with pytest.raises(KeyError, match=r"no channel 'voltag'.*did you mean 'voltage'"):
        readings().plot("voltag")


def test_a_table_of_labels_without_their_end_is_refused():
    with pytest.raises(ValueError, match=r"labels has no column 'end'; it has start"):
        readings().plot(labels=pd.DataFrame({"start": [START]}))


def test_a_fault_without_a_time_is_named():
    labels = pd.DataFrame(map(vars, [label(1, 2), label(3, 4)]))
    labels["end"] = [pd.Timestamp(START), pd.NaT]

    with pytest.raises(ValueError, match="the table of labels has no end in row 1"):
        readings().plot(labels=labels)


def test_of_thousands_of_alerts_some_are_drawn_and_the_legend_says_so():
    figure = readings(5000).plot("voltage", alerts=[alert(k) for k in range(5000)])

    (mark,) = [one for one in figure.data if one.name.startswith("alert")]
    assert mark.name == "alert: guard (1,000 of 5,000 drawn)"
    assert len(mark.x) == 3000


@pytest.mark.parametrize(
    ("span", "said"),
    [
        ((START - 9, START - 1), "between 2025-12-31T23:59:59.* and 2025-12-31T23:59:59"),
        (("2027-01-01", None), "from 2027-01-01T00:00:00.000000Z on"),
        ((None, "2025-01-01"), "until 2025-01-01T00:00:00.000000Z"),
        ((START + 1, START + 2), "between 2026-01-01T00:00:00"),  # within one step
    ],
    ids=["before", "after", "open", "in a silence"],
)
def test_a_stretch_without_readings_is_refused_and_theirs_is_named(span, said):
    first, last = "2026-01-01T00:00:00.000000Z", "2026-01-01T00:09:59.000000Z"
    came = f".*; those there are came between {first} and {last}$"
    with pytest.raises(ValueError, match=f"^there are no readings {said}{came}"):
        readings().plot(start=span[0], end=span[1])


def test_the_title_counts_what_is_shown():
    recording = Recording.open(project_root() / "datasets" / "serial_monitor_healthy")
    start = "2026-01-01T00:00:00"
    for end, said in (("2026-01-01T00:00:00.5", "1 reading in 0 s"), (None, "2,700 readings in ")):
        figure = recording.plot("voltage", start=start, end=end)
        assert f"serial_monitor_healthy: {said}" in figure.layout.title.text
    assert "device: 1 reading<br>" in readings(1).plot().layout.title.text
