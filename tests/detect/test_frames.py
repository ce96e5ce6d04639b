"""Detectors take a DataFrame where they take Readings, and give one back."""

import numpy as np
import pandas as pd
import pytest

from sensorkit import detect
from sensorkit.profile import Profile
from sensorkit.readings import Readings


@pytest.fixture
def frame():
    rng = np.random.default_rng(1)
    index = pd.date_range("2026-01-01", periods=3000, freq="1s", tz="Europe/Berlin")
    values = rng.normal(size=(3000, 2))
    values[2500] = 40.0
    return pd.DataFrame(values, index=index, columns=["temperature", "voltage"])


def test_a_detector_fitted_on_a_frame_is_the_one_fitted_on_its_readings(frame):
    readings = Readings.from_frame(frame)
    one = detect.make("forest", trees=5).fit(frame[:1000]).calibrate(frame[1000:2000])
    other = detect.make("forest", trees=5).fit(readings[:1000]).calibrate(readings[1000:2000])

    assert one.threshold_ == other.threshold_
    assert one.score(frame[2000:]).tolist() == other.score(readings[2000:]).tolist()


def test_scores_of_a_frame_stand_at_its_index_under_the_name_of_the_detector(frame):
    scores = detect.make("sigma").score(frame)

    assert scores.index is frame.index
    assert scores.name == "sigma"
    assert scores.idxmax() == frame.index[2500]


def test_a_frame_without_a_device_is_of_the_one_in_the_profile(frame):
    profile = Profile.load("serial_monitor")
    alerts = detect.make("sigma", profile=profile).alerts(frame)

    assert {alert.device for alert in alerts} == {profile.device}


@pytest.mark.parametrize("source", ["frame", "readings", "batches"])
def test_watching_takes_a_frame_readings_or_batches(frame, source):
    readings = Readings.from_frame(frame)
    sources = {
        "frame": frame,
        "readings": readings,
        "batches": [readings[:1700], readings[1700:]],
    }

    alerts = list(detect.watch(detect.make("sigma", k=8), sources[source]))

    assert {alert.start for alert in alerts} == {int(readings.time[2500])}


def test_what_is_no_table_of_readings_is_refused():
    with pytest.raises(TypeError, match="a DatetimeIndex is wanted"):
        detect.make("sigma").fit(pd.DataFrame({"T": [1.0]}))
    with pytest.raises(TypeError, match="a ndarray came; Readings or a DataFrame"):
        detect.make("sigma").alerts(np.zeros(3))


@pytest.mark.parametrize("do", ["fit", "calibrate", "score", "alerts"])
@pytest.mark.parametrize("given", [[1.0, 2.0], pd.Series([1.0, 2.0])], ids=["list", "series"])
def test_whatever_a_detector_does_it_says_what_it_takes(do, given):
    with pytest.raises(TypeError, match=r"a (list|Series) came; Readings or a DataFrame"):
        getattr(detect.make("sigma"), do)(given)


def test_the_table_of_alerts_has_their_facts_in_order(frame):
    detector = detect.make("sigma", k=8)
    alerts = detector.alerts(frame)
    table = detect.to_frame(alerts)

    assert table["start"].tolist() == [frame.index[2500]] * 2
    assert table["channel"].tolist() == [alert.channel for alert in alerts]
    assert table["value"].tolist() == [40.0, 40.0]
    assert table["severity"].tolist() == ["CRITICAL", "CRITICAL"]
    assert table["end"].tolist() == [pd.Timestamp(alert.end, tz="UTC") for alert in alerts]


def test_an_alert_that_is_not_over_has_no_end(frame):
    alerts = detect.make("sigma", k=8).alerts(frame[:2501])

    assert detect.to_frame(alerts)["end"].isna().all()


def test_the_table_of_no_alerts_has_the_same_columns():
    none = detect.to_frame([])

    assert list(none.columns)[:3] == ["start", "end", "detector"]
    assert str(none["start"].dtype) == "datetime64[ns, UTC]"
