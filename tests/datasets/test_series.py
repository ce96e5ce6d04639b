"""A series that contradicts itself cannot be made."""

import numpy as np
import pytest

from sensorkit.datasets import Series
from sensorkit.readings import Readings

READINGS = Readings.build(np.arange(5), np.zeros((5, 1)), ["value"])
NONE = np.zeros(5, dtype=bool)


def made(**more):
    return Series.of("nab", "a", READINGS, NONE, **more)


@pytest.mark.parametrize(
    ("more", "why"),
    [
        ({"windows": np.array([[3, 1]])}, "out of order"),
        ({"windows": np.array([[0, 2], [2, 3]])}, "out of order"),
        ({"windows": np.array([[3, 4], [0, 1]])}, "out of order"),
        ({"windows": np.array([[-1, 1]])}, "outside the 5 rows"),
        ({"windows": np.array([[1, 5]])}, "outside the 5 rows"),
        ({"windows": np.array([1, 2])}, r"shape \(2,\)"),
        ({"fit": 6}, "fit is 6"),
        ({"fit": -1}, "fit is -1"),
        ({"categories": np.array([None], dtype=object)}, r"categories has shape \(1,\)"),
    ],
)
def test_what_contradicts_itself_is_an_error(more, why):
    with pytest.raises(ValueError, match=why):
        made(**more)


def test_labels_of_another_length_are_an_error():
    with pytest.raises(ValueError, match=r"labels has shape \(4,\); 5 readings want \(5,\)"):
        Series.of("nab", "a", READINGS, NONE[:4])


def test_windows_may_touch_and_have_one_row():
    assert made(windows=np.array([[0, 0], [1, 4]])).windows.tolist() == [[0, 0], [1, 4]]


def test_windows_are_the_runs_of_the_labels_unless_given():
    series = Series.of("nab", "a", READINGS, np.array([1, 0, 1, 1, 1], dtype=bool))
    assert series.windows.tolist() == [[0, 0], [2, 4]]
    assert made().windows.shape == (0, 2)
