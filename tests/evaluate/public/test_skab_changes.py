"""The change-point task of SKAB: where its windows are, and what a prediction is worth."""

import numpy as np
import pytest

from sensorkit.evaluate.public import skab_changes

SECOND = 10**9


def test_windows_of_change_points_do_not_overlap():
    assert skab_changes.windows([0, 30 * SECOND, 200 * SECOND]) == [
        [0, 60 * SECOND],
        [60 * SECOND, 90 * SECOND],
        [200 * SECOND, 260 * SECOND],
    ]


def test_a_change_is_predicted_where_flags_turn_on_or_off():
    flags = np.array([True, True, False, False, True])
    assert skab_changes.edges(flags).tolist() == [True, False, True, False, True]


def scored(flags, change=(100, 200), n=400):
    changepoint = np.zeros(n, dtype=bool)
    changepoint[list(change)] = True
    return skab_changes.of_file(np.arange(n) * SECOND, changepoint, flags)["standard"]


def test_the_prediction_at_the_change_is_worth_all_and_one_outside_costs():
    flags = np.zeros(400, dtype=bool)
    flags[100:200] = True
    assert scored(flags) == (2.0, -2.0, 2.0)
    flags[300:310] = True  # on and off again, outside of all windows
    assert scored(flags).got == pytest.approx(2.0 - 2 * 0.11)


def test_no_prediction_gets_what_nothing_is_worth():
    found = scored(np.zeros(400, dtype=bool))
    assert found.got == found.nothing == -2.0


def test_a_late_prediction_is_worth_less_and_only_the_first_of_a_window_counts():
    worth = []
    for late in (0, 10, 30, 59):
        flags = np.zeros(400, dtype=bool)
        flags[100 + late :] = True
        worth.append(scored(flags, change=(100,)).got)
    assert worth == sorted(worth, reverse=True)
    assert worth[0] == 1.0
    flags[155:157] = True
    assert scored(flags, change=(100,)).got == scored(np.arange(400) >= 155, change=(100,)).got
