"""C-MAPSS judged by its protocol: one prediction an engine, beside trivial guesses."""

import numpy as np
import pytest

from sensorkit import prognosis
from sensorkit.prognosis.trial import CAP, METHODS, trial


def test_every_method_predicts_once_for_each_engine(files):
    found = trial(prognosis.load("FD001", files()))
    assert found.methods == list(METHODS)
    assert found.engines["true"].tolist() == [20, 45]
    # The median life is 70 cycles; the engines were cut off after 40 and 31.
    assert found.engines["median_life"].tolist() == [30, 39]
    assert found.engines["constant"].nunique() == 1
    table = found.table()
    assert table.index.tolist() == list(METHODS)
    assert table.loc["median_life", "rmse"] == pytest.approx(np.sqrt((100 + 36) / 2))


def test_the_lives_of_the_test_change_no_prediction(files):
    folder = files()
    before = trial(prognosis.load("FD001", folder)).engines
    (folder / "RUL_FD001.txt").write_text("1\n120\n")
    after = trial(prognosis.load("FD001", folder)).engines
    assert after["true"].tolist() == [1, 120]
    columns = [*METHODS, "low", "high"]
    assert after[columns].equals(before[columns])


def test_the_cap_makes_the_error_no_larger(files):
    folder = files()
    (folder / "RUL_FD001.txt").write_text("140\n130\n")
    table = trial(prognosis.load("FD001", folder)).table()
    assert (table["rmse_capped"] < table["rmse"]).all()


@pytest.mark.data
@pytest.mark.slow
def test_fd001_is_predicted_better_than_by_trivial_guesses(sensorkit_data):
    fleet = prognosis.load("FD001")
    found = trial(fleet)
    table = found.table()
    assert table.loc["boosted_trees", "rmse"] < 15.0
    assert table.loc["boosted_trees", "rmse_high"] < table.loc["constant", "rmse_low"]
    assert table["rmse"].idxmin() == table["score"].idxmin() == "boosted_trees"
    assert 0.84 <= found.covered <= 0.97  # of 100 engines, 90 % promised
    assert (found.engines["boosted_trees"] <= CAP).all()
