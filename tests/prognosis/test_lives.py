"""Lives: cut at the failures that labels tell of, or at the last reading of each device."""

import math

import numpy as np
import pandas as pd
import pytest

from sensorkit.errors import DetectorError
from sensorkit.prognosis import lives
from sensorkit.readings import FaultLabel, Readings

SECOND = 10**9


def readings(device, *seconds):
    time = np.array(seconds) * SECOND
    return Readings.build(time, np.zeros((len(time), 1)), ["heat"], device=device)


def wear(device, start, end, *, layer="state", kind="wear"):
    return FaultLabel(0, device, start * SECOND, end * SECOND, kind, None, layer, None, None, 0)


def test_a_device_without_labels_fails_with_its_last_reading():
    one, other = lives(Readings.concat([readings("a", 0, 1, 2), readings("b", 5, 9)]))
    assert (one.device, one.left.tolist()) == ("a", [2.0, 1.0, 0.0])
    assert (other.device, other.left.tolist()) == ("b", [4.0, 0.0])
    assert one.onset == math.inf


def test_a_device_that_comes_back_has_several_lives():
    both = Readings.concat([readings("a", *range(10)), readings("b", *range(10))])
    told = [wear("a", 2, 4), wear("a", 6, 8), wear("b", 5, 7)]
    found = lives(both, told)
    assert [(life.device, life.left.tolist(), life.onset) for life in found] == [
        ("a", [4, 3, 2, 1, 0], 2.0),
        ("a", [3, 2, 1, 0], 2.0),
        ("b", [7, 6, 5, 4, 3, 2, 1, 0], 2.0),
    ]  # and what comes after the last failure is left out


def test_a_failure_may_come_after_the_last_reading():
    (life,) = lives(readings("a", 0, 1, 2), [wear("a", 1, 60)])
    assert life.left.tolist() == [60.0, 59.0, 58.0]


def test_the_table_of_labels_of_a_recording_says_the_same():
    told = [wear("a", 2, 4), wear("a", 6, 8)]
    table = pd.DataFrame([vars(one) for one in told])
    for column in ("start", "end"):
        table[column] = pd.to_datetime(table[column], utc=True)
    both = readings("a", *range(10))
    for one, other in zip(lives(both, told), lives(both, table), strict=True):
        assert one.left.tolist() == other.left.tolist()
        assert one.onset == other.onset


def test_labels_of_other_kinds_are_no_failures():
    told = [wear("a", 1, 2, kind="WARNING"), wear("a", 1, 3, layer="signal")]
    with pytest.raises(DetectorError, match="no label of layer 'state' and kind 'wear'"):
        lives(readings("a", 0, 1, 2, 3), told)


@pytest.mark.parametrize(
    ("given", "labels", "why"),
    [
        (readings("a", 0), None, "no device has two readings"),
        (readings("a", 3, 3, 3), None, "no device has two readings"),
        (Readings.empty(["heat"]), None, "no device has two readings"),
        (readings("a", 0, 1), [wear("engine-1", 0, 1)], "failures of engine-1, the readings of"),
        (readings("a", 0, 1), [], "no label of layer"),
    ],
)
def test_where_there_is_no_life_it_is_said_why(given, labels, why):
    with pytest.raises(DetectorError, match=why):
        lives(given, labels)


def test_a_clock_that_steps_back_makes_no_life_longer_than_it_was():
    (life,) = lives(readings("a", 0, 5, 3, 4, 6))
    assert life.left.tolist() == [6.0, 1.0, 3.0, 2.0, 0.0]
