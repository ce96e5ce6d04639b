"""Readings are arrays that keep their facts through every cut and join."""

import numpy as np
import pandas as pd
import pytest

from sensorkit.readings import Readings, Words, isoformat, parse_time

SECOND = 1_000_000_000


def some_readings(n: int = 4) -> Readings:
    rng = np.random.default_rng(1)
    return Readings.build(
        np.arange(n) * SECOND,
        rng.normal(size=(n, 2)),
        ["temperature", "voltage"],
        device=Words.of(["a", "b"] * (n // 2)),
        status=Words.of([None, "NORMAL"] * (n // 2)),
        sequence=np.arange(n),
        offset=np.arange(n) * 30,
    )


def test_words_keep_the_order_of_appearance_and_the_missing_ones():
    words = Words.of(["b", None, "a", "b"])
    assert words.vocabulary == ("b", "a")
    assert words.to_array().tolist() == ["b", None, "a", "b"]


def test_words_with_other_vocabularies_join():
    joined = Words.concat([Words.of(["a", None]), Words.of(["b", "a"]), Words.constant(None, 1)])
    assert joined.to_array().tolist() == ["a", None, "b", "a", None]


def test_cutting_and_joining_gives_the_same_readings():
    readings = some_readings()
    joined = Readings.concat([readings[:1], readings[1:3], readings[3:]])
    for name in ("time", "values", "sequence", "offset"):
        np.testing.assert_array_equal(getattr(joined, name), getattr(readings, name))
    assert joined.device.to_array().tolist() == readings.device.to_array().tolist()
    assert joined.status.to_array().tolist() == readings.status.to_array().tolist()


@pytest.mark.parametrize("rows", [slice(1, 3), np.array([False, True, True, False])])
def test_a_channel_stays_contiguous_whatever_rows_are_taken(rows):
    assert some_readings()[rows].channel("voltage").flags.c_contiguous


def test_different_channels_do_not_join():
    with pytest.raises(ValueError, match="cannot join"):
        Readings.concat([some_readings(), Readings.empty(["pressure"])])


def test_columns_of_unequal_length_are_refused():
    with pytest.raises(ValueError, match="sequence has 3 rows, time has 4"):
        Readings.build(np.arange(4), np.zeros((4, 1)), ["x"], sequence=np.arange(3))


def test_values_of_the_wrong_shape_are_refused():
    with pytest.raises(ValueError, match=r"values has shape \(4, 2\)"):
        Readings.build(np.arange(4), np.zeros((4, 2)), ["x"])


def test_an_unknown_channel_is_named_with_those_there_are():
    with pytest.raises(KeyError, match="no channel 'humidity'; there are temperature, voltage"):
        some_readings().channel("humidity")


def test_a_data_frame_survives_the_round_trip():
    frame = some_readings().to_frame()
    again = Readings.from_frame(frame).to_frame()
    pd.testing.assert_frame_equal(frame, again)


def test_a_data_frame_without_a_zone_is_utc():
    index = pd.DatetimeIndex(["2026-01-01T00:00:00"])
    readings = Readings.from_frame(pd.DataFrame({"x": [1.5], "status": ["NORMAL"]}, index=index))
    assert isoformat(readings.time[0]) == "2026-01-01T00:00:00.000000Z"
    assert readings.channels == ("x",)
    assert readings.status.to_array().tolist() == ["NORMAL"]


@pytest.mark.parametrize(
    ("frame", "wanted"),
    [
        (pd.DataFrame({"x": [1.0]}), "DatetimeIndex is wanted"),
        (
            pd.DataFrame({"x": ["a"]}, index=pd.DatetimeIndex(["2026-01-01"])),
            "a channel is numeric",
        ),
    ],
)
def test_a_data_frame_that_is_no_table_of_readings_is_refused(frame, wanted):
    with pytest.raises(TypeError, match=wanted):
        Readings.from_frame(frame)


@pytest.mark.parametrize("ns", [0, 999, 1_000, 1_767_225_600_123_456_000, -1_000_000])
def test_a_time_survives_the_round_trip_to_the_microsecond(ns):
    assert parse_time(isoformat(ns)) == ns // 1000 * 1000


@pytest.mark.parametrize("text", ["", "NaT", "yesterdayish"])
def test_a_text_that_is_no_time_is_refused(text):
    with pytest.raises(ValueError, match=f"^{text!r} is no time; ISO 8601 is wanted, as 2026-01"):
        parse_time(text)


def test_a_start_that_is_no_time_is_refused():
    with pytest.raises(ValueError, match="'yesterday-ish' is no time; ISO 8601 is wanted"):
        some_readings().between("yesterday-ish")


def test_how_often_several_devices_speak_is_said_of_each():
    time = np.array([0, 1, 1000, 1001, 2000, 2001, 3000, 3001]) * 1_000_000
    device = Words.of(["a", "b"] * 4)
    shown = repr(Readings.build(time, np.zeros((8, 1)), ["T"], device=device))
    assert "every   1 s" in shown
    assert "gaps" not in shown
