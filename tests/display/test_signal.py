import itertools
import json

import numpy as np
import pytest

from sensorkit.display.figure import COLOURS
from sensorkit.display.signal import signal
from sensorkit.display.thinning import downsample

CARDS = {"light": "#ffffff", "dark": "#18202a"}
# G. M. Machado et al., IEEE TVCG 15 (2009): how colours look to who lacks a kind of cone.
SEEN = {
    "by most": np.eye(3),
    "without red cones": [
        [0.152286, 1.052583, -0.204868],
        [0.114503, 0.786281, 0.099216],
        [-0.003882, -0.048116, 1.051998],
    ],
    "without green cones": [
        [0.367322, 0.860646, -0.227968],
        [0.280085, 0.672501, 0.047413],
        [-0.011820, 0.042940, 0.968881],
    ],
}


def linear(colour):
    """Return linear sRGB."""
    value = np.array([int(colour[i : i + 2], 16) for i in (1, 3, 5)]) / 255
    return np.where(value <= 0.04045, value / 12.92, ((value + 0.055) / 1.055) ** 2.4)


def contrast(one, other):
    """Return the contrast of WCAG 2."""
    low, high = sorted(linear(colour) @ [0.2126, 0.7152, 0.0722] for colour in (one, other))
    return (high + 0.05) / (low + 0.05)


def oklab(rgb):
    """Return B. Ottosson's OKLab, in which equal distances look about equally large."""
    cones = [
        [0.4122214708, 0.5363325363, 0.0514459929],
        [0.2119034982, 0.6806995451, 0.1073969566],
        [0.0883024619, 0.2817188376, 0.6299787005],
    ]
    lab = [
        [0.2104542553, 0.7936177850, -0.0040720468],
        [1.9779984951, -2.4285922050, 0.4505937099],
        [0.0259040371, 0.7827717662, -0.8086757660],
    ]
    return np.array(lab) @ np.cbrt(np.array(cones) @ np.clip(rgb, 0, 1))


def least_distance(colours, seen):
    places = [oklab(np.array(seen) @ linear(colour)) for colour in colours]
    return min(float(np.linalg.norm(a - b)) for a, b in itertools.combinations(places, 2))


@pytest.mark.parametrize(("who", "least"), [*zip(SEEN, (0.18, 0.08, 0.08), strict=True)])
def test_no_two_colours_of_detectors_look_alike(who, least):
    assert least_distance(COLOURS, SEEN[who]) > least
    # An orange beside an ochre and two blues fall through.
    assert least_distance(("#d1660a", "#a8870a", "#1f77c9", "#3f9fd0"), SEEN[who]) < least


@pytest.mark.parametrize("card", CARDS)
def test_every_colour_stands_out_from_the_page(card):
    assert min(contrast(colour, CARDS[card]) for colour in COLOURS) >= 3


@pytest.mark.parametrize("spike", [0, 1, 4321, 9_998, 9_999])
@pytest.mark.parametrize("size", [9.0, -9.0])
def test_thinning_keeps_every_spike(spike, size):
    values = np.random.default_rng(1).normal(size=10_000)
    values[spike] = size

    rows = downsample(values, 500)

    assert spike in rows
    assert len(rows) <= 502
    assert (np.diff(rows) > 0).all()


def test_thinning_keeps_missing_stretches_missing():
    values = np.zeros(10_000)
    values[3000:5000] = np.nan

    rows = downsample(values, 200)

    missing = rows[np.isnan(values[rows])]
    assert missing.tolist() == list(range(3000, 5000, 100))
    assert {2900, 5000} <= set(rows)


def test_a_short_series_is_drawn_whole():
    assert downsample(np.arange(5.0), 10).tolist() == [0, 1, 2, 3, 4]
    assert downsample(np.empty(0)).tolist() == []


def test_a_line_is_broken_where_readings_are_missing():
    time = np.array([0, 1, 2, 3, 30, 31, 32]) * 1_000_000_000

    spec = signal(time, np.ones(7), channel="T", unit="°C", origin_ns=0)

    assert spec["data"][0]["y"] == [1.0, 1.0, 1.0, 1.0, None, 1.0, 1.0, 1.0]
    assert spec["data"][0]["x"][4:6] == [3.0, 30.0]


def test_faults_are_shaded_and_alerts_stand_above_the_line():
    time = np.arange(10) * 1_000_000_000

    spec = signal(
        time,
        np.arange(10.0),
        channel="T",
        unit="",
        faults_ns=np.array([[2, 4]]) * 1_000_000_000,
        alerts_ns=np.array([3]) * 1_000_000_000,
    )

    (shape,) = spec["layout"]["shapes"]
    assert (shape["x0"], shape["x1"]) == ("1970-01-01T00:00:02.000", "1970-01-01T00:00:04.000")
    line, alerts = spec["data"]
    assert alerts["x"] == ["1970-01-01T00:00:03.000"]
    assert alerts["y"][0] > max(line["y"])
    assert spec["layout"]["yaxis"]["title"]["text"] == "T"


@pytest.mark.parametrize("values", [[], [np.nan, np.nan], [1.0]])
def test_nothing_to_draw_is_no_error_and_valid_json(values):
    time = np.arange(len(values)) * 1_000_000_000

    spec = signal(time, np.array(values, dtype=float), channel="T", unit="V")

    json.dumps(spec, allow_nan=False)
