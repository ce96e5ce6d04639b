"""The sums are those of the book, and the detector does what its page says."""

import numpy as np
import pytest

from sensorkit import detect
from sensorkit.errors import DetectorError
from sensorkit.readings import Readings

# Montgomery, table 9.1: 30 readings whose mean goes from 10 to 11 after the 20th; sigma is 1.
BOOK = [
    9.45, 7.99, 9.29, 11.66, 12.16, 10.18, 8.04, 11.46, 9.20, 10.34,
    9.03, 11.47, 10.51, 9.40, 10.08, 9.37, 10.62, 10.31, 8.52, 10.84,
    10.90, 9.33, 12.29, 11.50, 10.60, 11.08, 10.38, 11.62, 11.31, 10.52,
]  # fmt: skip


def readings(values):
    time = np.arange(len(values)) * 10**9
    return Readings.build(time, np.reshape(np.array(values, dtype=float), (-1, 1)), ["level"])


def fitted(**params):
    """Usual is 10, one sigma is 1: half of the readings are 0.6745 away."""
    return detect.make("cusum", **params).fit(readings([10 - 0.67449, 10, 10 + 0.67449] * 20))


def test_the_shift_of_the_book_is_found_where_the_book_finds_it():
    scores = fitted().score(readings(BOOK))
    np.testing.assert_allclose(scores[[27, 28, 29]], [4.20, 5.01, 5.03], atol=0.3)
    alert = fitted().alerts(readings(BOOK))[0]
    assert (alert.type, alert.start) == ("ANOMALY_CUSUM", 28 * 10**9)
    assert alert.description.startswith("Level 11.31: has been above its usual 10 for too long")


def test_a_fall_is_found_as_well():
    alert = fitted().alerts(readings([10.0] * 10 + [9.0] * 20))[0]
    assert "has been below its usual 10" in alert.description


def test_the_sums_end_so_that_the_alarm_does():
    scores = fitted().score(readings([1e6] * 1000 + [10.0] * 201))
    assert scores.max() == 100.0
    assert scores[-1] == 0.0


def test_what_is_missing_leaves_the_sums_as_they_are():
    with_hole = fitted().score(readings([12.0, 12.0, np.nan, 12.0]))
    without = fitted().score(readings([12.0, 12.0, 12.0]))
    assert with_hole[2] == 0.0
    np.testing.assert_array_equal(with_hole[[0, 1, 3]], without)


def test_a_limit_that_no_sum_reaches_is_refused():
    with pytest.raises(DetectorError, match="limit is 200, but the sums stop at most=100"):
        detect.make("cusum", limit=200)


def test_a_channel_without_values_is_refused():
    with pytest.raises(DetectorError, match="level has no value in 2 readings to fit on"):
        detect.make("cusum").fit(readings([np.nan, np.nan]))
