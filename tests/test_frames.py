"""pandas in, pandas out: what a DataFrame holds survives, and what is no table is refused."""

import numpy as np
import pandas as pd
import pytest

from sensorkit.readings import Readings, Words, isoformat

INDEX = pd.date_range("2026-01-01", periods=4, freq="1s", tz="UTC", name="time")


def frame(**columns):
    return pd.DataFrame(columns or {"T": [1.0, 2.0, np.nan, 4.0]}, index=INDEX)


def test_devices_and_words_survive_the_round_trip():
    given = frame(
        T=[1.0, 2.0, np.nan, 4.0], device=["a", "b", "a", "b"], status=["x", None, "x", "y"]
    )

    readings = Readings.from_frame(given)
    again = Readings.from_frame(readings.to_frame(words=True))

    assert again.device.to_array().tolist() == ["a", "b", "a", "b"]
    assert again.status.to_array().tolist() == ["x", None, "x", "y"]
    np.testing.assert_array_equal(again.values, readings.values)
    assert again.time.tolist() == readings.time.tolist()


def test_a_frame_of_several_devices_names_them_and_of_one_does_not():
    assert list(Readings.from_frame(frame()).to_frame().columns) == ["T"]
    several = Readings.from_frame(frame(T=[1.0] * 4, device=list("abab")))
    assert several.to_frame()["device"].tolist() == list("abab")


@pytest.mark.parametrize("zone", [None, "UTC", "Europe/Berlin", "Asia/Kolkata"])
@pytest.mark.parametrize("unit", ["s", "ms", "us", "ns"])
def test_a_moment_is_the_same_in_every_zone_and_unit(zone, unit):
    index = pd.DatetimeIndex(["2026-07-01T12:00:00"], tz="UTC").as_unit(unit)
    moved = index.tz_localize(None) if zone is None else index.tz_convert(zone)

    readings = Readings.from_frame(pd.DataFrame({"T": [1.0]}, index=moved))

    assert isoformat(readings.time[0]) == "2026-07-01T12:00:00.000000Z"


def test_equal_and_falling_times_are_kept_as_they_are():
    index = pd.DatetimeIndex(["2026-01-01T00:00:02", "2026-01-01T00:00:02", "2026-01-01"])
    time = Readings.from_frame(pd.DataFrame({"T": [1, 2, 3]}, index=index)).time

    assert np.diff(time).tolist() == [0, -2_000_000_000]


@pytest.mark.parametrize(
    "column",
    [
        np.array([1, 2, 3, 4], dtype=np.int16),
        pd.array([1, 2, None, 4], dtype="Int64"),
        pd.array([1.0, None, 3.0, 4.0], dtype="Float64"),
        np.array([1, 2.0, None, np.float32(4)], dtype=object),
        np.array([True, False, True, True]),
        pd.array([True, None, True, True], dtype="boolean"),
    ],
    ids=["int16", "Int64", "Float64", "object", "bool", "boolean"],
)
def test_every_kind_of_number_is_a_channel(column):
    values = Readings.from_frame(frame(T=column))["T"]

    wanted = [np.nan if pd.isna(value) else float(value) for value in column]
    np.testing.assert_array_equal(values, wanted)
    assert values.dtype == np.float64


def test_a_name_that_is_a_number_becomes_a_text():
    assert Readings.from_frame(pd.DataFrame([[1.0, 2.0]], index=INDEX[:1])).channels == ("0", "1")


@pytest.mark.parametrize(
    ("given", "error", "wanted"),
    [
        (frame(T=["1", "x", "3", "4"]), TypeError, r"holds '1' in row 0; .*pd.to_numeric"),
        (
            frame(T=np.array([1, "x", 3, 4], dtype=object)),
            TypeError,
            r"column 'T' is object and holds 'x' in row 1; .*pd.to_numeric",
        ),
        (frame(T=pd.Categorical(list("aabb"))), TypeError, "'T' is category; a channel is numeric"),
        (frame(T=INDEX.tz_localize(None)), TypeError, "'T' is datetime64"),
        (frame(T=np.array([1j] * 4)), TypeError, "'T' is complex128"),
        (frame().reset_index(drop=True), TypeError, r"a RangeIndex; .*set_index"),
        (frame().set_index(INDEX.tz_localize(None).to_period("s")), TypeError, "a PeriodIndex"),
        (
            pd.DataFrame({"T": [1.0, 2.0]}, index=pd.DatetimeIndex(["2026-01-01", None])),
            ValueError,
            r"1 of the 2 times of the index are missing \(NaT\)",
        ),
        (
            pd.DataFrame([[1.0, 2.0]], index=INDEX[:1], columns=["T", "T"]),
            ValueError,
            "two columns are called 'T'",
        ),
    ],
    ids=["text", "mixed", "category", "times", "complex", "no times", "period", "NaT", "doubled"],
)
def test_what_is_no_table_of_readings_is_refused_with_the_way_out(given, error, wanted):
    with pytest.raises(error, match=wanted):
        Readings.from_frame(given)


def test_what_is_neither_readings_nor_a_frame_is_refused():
    with pytest.raises(TypeError, match="a list came; Readings or a DataFrame"):
        Readings.of([1.0])


def test_readings_are_taken_as_they_are_without_a_copy():
    readings = Readings.from_frame(frame())

    assert Readings.of(readings) is readings


def test_a_channel_is_had_by_its_name():
    readings = Readings.from_frame(frame())

    assert readings["T"] is not None
    assert np.shares_memory(readings["T"], readings.values)
    assert readings._ipython_key_completions_() == ["T"]
    with pytest.raises(KeyError, match="did you mean 'T'"):
        readings["TT"]


@pytest.mark.parametrize(
    ("start", "end", "left"),
    [
        (None, None, 4),
        ("2026-01-01T00:00:01", None, 3),
        (None, "2026-01-01T00:00:01Z", 2),
        (INDEX[1], INDEX[2].to_pydatetime(), 2),
        (int(INDEX[1].value), int(INDEX[1].value), 1),
        ("2026-01-01T01:00:01+01:00", None, 3),
        ("2027-01-01", None, 0),
    ],
)
def test_a_stretch_has_both_its_ends(start, end, left):
    assert len(Readings.from_frame(frame()).between(start, end)) == left


def test_words_are_shown_without_all_of_them():
    assert repr(Words.of(["b", None, "a"])) == "Words(3 of 'b', 'a')"
    assert repr(Words.constant(None, 3)) == "Words(3 missing)"
