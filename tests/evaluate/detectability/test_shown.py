"""A detectability curve in a notebook: in words, as a figure, as a table."""

import numpy as np
import pandas as pd
import pytest

from sensorkit import detect
from sensorkit.evaluate import detectability
from sensorkit.evaluate.detectability.hit_miss import Status, hit_miss
from sensorkit.evaluate.detectability.pod import untestable
from sensorkit.readings import Readings


@pytest.fixture(scope="module")
def noise():
    rng = np.random.default_rng(1)
    index = pd.date_range("2026-01-01", periods=20_000, freq="1s", tz="UTC")
    return pd.DataFrame(rng.normal(20, 1, (20_000, 1)), index=index, columns=["T"])


@pytest.fixture(scope="module")
def drift(noise):
    mewma = detect.make("mewma").fit(noise[:5000]).calibrate(noise[5000:10_000])
    return detectability(mewma, noise[10_000:], "drift", repeats=10)


def test_a_frame_is_measured_as_its_readings_are(drift, noise):
    readings = Readings.from_frame(noise)
    mewma = detect.make("mewma").fit(readings[:5000]).calibrate(readings[5000:10_000])

    assert detectability(mewma, readings[10_000:], "drift", repeats=10).to_dict() == drift.to_dict()


def test_what_is_found_is_said_in_words_with_the_sizes_tried(drift):
    text = repr(drift)

    assert text.startswith("Detectability mewma: drift on T\n  status  ")
    assert f"{drift.curve.a90:.3g} [" in text
    assert len(text.split("sizes tried:")[1].splitlines()) == 2 + len(drift.points)
    assert ">mewma: drift on T" in drift._repr_html_().replace("</strong> ", "</strong>>")


def test_the_figure_has_the_shares_the_band_and_the_delays(drift):
    figure = drift.plot()

    by_name = {trace.name: trace for trace in figure.data}
    shares = [point["hits"] / point["faults"] for point in drift.points]
    assert list(by_name["faults found"].y) == shares
    assert len(by_name["curve"].x) == len(by_name["95 % band"].x) == len(drift.curve.band)
    assert figure.layout.shapes[1].x0 == drift.curve.a90_95
    assert "Found 9 times in 10" in figure.layout.meta["alt"]


def test_the_sizes_tried_are_a_table(drift):
    assert drift.to_frame()["size"].tolist() == [point["size"] for point in drift.points]


def test_what_could_not_be_tried_says_why_and_draws_nothing():
    found = untestable("mewma", "a", "drift", "T", "V", "its sigma is 0")

    assert "its sigma is 0" in repr(found)
    assert found.status is Status.NOT_TESTABLE
    assert "no size tried" in found.plot().layout.meta["alt"]


def test_the_band_stays_with_a_curve_that_is_as_good_as_certain():
    curve = hit_miss([0.5, 1, 2, 4, 8, 16, 64, 256, 1024], [20] * 9, [0, 1, 19] + [20] * 6)

    certain = [point for point in curve.band if point.probability > 1 - 1e-9]
    assert certain
    assert all(point.low > 0.9 for point in certain)
    hopeless = [point for point in curve.band if point.probability < 1e-9]
    assert all(point.high < 0.5 for point in hopeless)
