"""The labels of the test change nothing that a detector is given."""

from dataclasses import replace

import numpy as np
import pytest

from sensorkit.datasets.series import Series, windows_of
from sensorkit.evaluate.public.loop import tried_on
from sensorkit.evaluate.public.sources import protocol

N, TEST = 1500, 700
NAMES = ("nab", "skab", "ucr", "smap_msl", "suthaharan", "gecco", "tsb_ad")


class Given:
    """A detector that writes down all it is given."""

    name = "given"
    threshold_ = 1.0

    def __init__(self, log):
        self.log = log

    def __deepcopy__(self, memo):
        return Given(self.log)

    def _note(self, what, readings):
        self.log.append((what, readings.time.tobytes(), readings.values.tobytes()))

    def fit(self, readings):
        self._note("fit", readings)
        return self

    def calibrate(self, readings, budget=1.0):
        self._note("calibrate", readings)
        return self

    def score(self, readings):
        self._note("score", readings)
        return np.arange(float(len(readings)))

    def alerts(self, readings):
        self._note("alerts", readings)
        return []

    def finish(self):
        return []


def given(name, series):
    one = protocol(name)
    log = []
    (case,) = one.cases([series])
    (outcome,) = tried_on(one, Given(log), [case])
    assert outcome.found is not None, outcome.reason
    return log


def labelled(series, labels):
    extra = {"changepoints": np.zeros(N, dtype=bool)}
    return replace(series, labels=labels, windows=windows_of(labels), extra=extra)


@pytest.fixture
def series(make_series) -> Series:
    return make_series(n=N, windows=((900, 959),), fit=TEST)


@pytest.mark.parametrize("name", NAMES)
def test_other_labels_of_the_test_change_nothing_that_is_given(name, series):
    one, other = np.zeros(N, dtype=bool), np.zeros(N, dtype=bool)
    one[900:960] = True
    other[1200:1210] = True
    assert given(name, labelled(series, one)) == given(name, labelled(series, other))


def test_the_check_sees_a_protocol_that_learns_by_the_labels(series):
    """Labels of the part that is learned from do count: those rows are left out."""
    one = np.zeros(N, dtype=bool)
    one[900:960] = True
    other = one.copy()
    other[100:110] = True
    assert given("suthaharan", labelled(series, one)) != given(
        "suthaharan", labelled(series, other)
    )
