import json

import numpy as np
import pytest

from sensorkit.report.figures import downsample, signal


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

    assert np.isnan(values[rows]).any()
    assert set(np.flatnonzero(np.isnan(values[rows]))) <= set(range(55, 105))


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
