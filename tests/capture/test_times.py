import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from sensorkit.capture.times import NO_TIME, read_times
from sensorkit.errors import UsageError

NOON = pd.Timestamp("2024-02-13T12:00:05Z").value


@pytest.mark.parametrize(
    ("text", "form"),
    [
        ("2024-02-13T12:00:05Z", "ISO8601"),
        ("2024-02-13 12:00:05", "ISO8601"),
        ("2024-02-13T13:00:05.000+01:00", "ISO8601"),
        ("20240213_120005", "%Y%m%d_%H%M%S"),
        ("20240213120005", "%Y%m%d%H%M%S"),
        ("24-02-13T12:00:05", "%y-%m-%dT%H:%M:%S"),
        ("2024/02/13 12:00:05", None),
        ("13.02.2024 12:00:05", "%d.%m.%Y %H:%M:%S"),
        ("13/02/2024 12:00:05", "%d/%m/%Y %H:%M:%S"),
        ("02/13/2024 12:00:05", "%m/%d/%Y %H:%M:%S"),
        ("1707825605", "s"),
        ("1707825605.0", "s"),
        ("1707825605000", "ms"),
        ("1707825605000000", "us"),
        ("1707825605000000000", "ns"),
    ],
)
def test_a_time_is_read_in_the_form_it_is_written_in(text, form):
    times, found = read_times([text])
    assert times.tolist() == [NOON]
    assert form in {None, found}


def test_small_numbers_are_seconds_since_some_start():
    assert read_times(["0", "0.5", "1"])[0].tolist() == [0, 500_000_000, 1_000_000_000]


def test_a_date_in_numbers_is_no_count():
    times, form = read_times(["20240213", "20240214"])
    assert form == "%Y%m%d"
    assert times[0] == pd.Timestamp("2024-02-13").value


def test_digits_are_not_rounded():
    assert read_times(["1707825605.123456"])[0].tolist() == [NOON + 123_456_000]
    assert read_times(["1707825605123.4567"])[0].tolist() == [NOON + 123_456_000]


def test_a_text_that_is_no_time_among_others_stays_out():
    times, _ = read_times(["2024-02-13T12:00:05Z"] * 3 + ["soon", "", "2024-13-01T00:00:00Z"])
    assert times.tolist() == [NOON] * 3 + [NO_TIME] * 3
    times, _ = read_times(["1", "2", "x", "3"])
    assert times.tolist()[2] == NO_TIME


def test_the_form_is_the_one_that_fits_every_row():
    """The first ten could be either; the last says which."""
    texts = [f"{day:02}/02/2024 12:00:00" for day in range(1, 14)]
    assert read_times(texts)[1] == "%d/%m/%Y %H:%M:%S"


def test_a_date_that_may_mean_two_days_is_asked_about():
    with pytest.raises(UsageError, match=r"may mean %d/%m/%Y.* or %m/%d/%Y.*--time-format"):
        read_times(["01/02/2024 12:00:00", "03/04/2024 12:00:00"])
    times, _ = read_times(["01/02/2024 12:00:00"], form="%m/%d/%Y %H:%M:%S")
    assert times[0] == pd.Timestamp("2024-01-02T12:00:00").value


def test_the_same_day_and_month_are_no_question():
    assert read_times(["02/02/2024 12:00:00"])[0][0] == pd.Timestamp("2024-02-02T12:00").value


@pytest.mark.parametrize("texts", [[], ["", ""], ["soon", "later"]])
def test_no_times_are_an_error_that_says_what_to_do(texts):
    with pytest.raises(UsageError, match="the time column: holds no times that are known"):
        read_times(texts)


def test_a_format_that_is_none_is_an_error():
    with pytest.raises(UsageError, match="is no format"):
        read_times(["2024"], form="%Q")


def test_times_beyond_what_can_be_written_stay_out():
    times, _ = read_times(["2024-02-13T12:00:05Z"] * 3 + ["9999-12-31T00:00:00Z"])
    assert times.tolist()[-1] == NO_TIME
    assert read_times(["99999999999999999999"], form="s")[0].tolist() == [NO_TIME]


@given(st.lists(st.text(max_size=12), max_size=12))
def test_no_text_raises_anything_else(texts):
    try:
        times, _ = read_times(texts)
    except UsageError:
        return
    assert len(times) == len(texts)
