"""Boosted trees as arrays: the predictions of scikit-learn, and nothing that could run away."""

from dataclasses import replace

import numpy as np
import pytest
from sklearn.ensemble import HistGradientBoostingRegressor

from sensorkit.errors import DetectorError
from sensorkit.prognosis.boosted_trees import LEAF, BoostedTrees


def grown(*, missing=0.1, seed=0):
    rng = np.random.default_rng(seed)
    rows = rng.normal(size=(800, 5))
    target = rows[:, 0] * 3 + np.abs(rows[:, 1]) + rng.normal(0, 0.1, 800)
    rows[rng.random(rows.shape) < missing] = np.nan
    model = HistGradientBoostingRegressor(max_iter=30, max_leaf_nodes=8, random_state=0)
    return model.fit(rows, target), rows


@pytest.mark.parametrize("missing", [0.0, 0.2])
def test_they_predict_what_the_model_predicts(missing):
    model, rows = grown(missing=missing)
    other = np.random.default_rng(9).normal(size=(500, 5)) * 3
    other[::7, 2], other[5] = np.nan, np.nan
    trees = BoostedTrees.of(model, rows)
    np.testing.assert_allclose(trees.predict(other), model.predict(other), rtol=1e-12)


def test_a_model_that_keeps_its_trees_in_another_way_is_refused():
    model, rows = grown()
    model._baseline_prediction = model._baseline_prediction + 1.0
    told = pytest.raises(DetectorError, match="cannot be taken out of their model")
    moved = grown()[0]
    moved._baseline_prediction = model._baseline_prediction

    class Other:
        _predictors = moved._predictors
        _baseline_prediction = moved._baseline_prediction

        def predict(self, rows):
            return np.zeros(len(rows))

    with told:
        BoostedTrees.of(Other(), rows)
    with pytest.raises(DetectorError, match="install a version"):
        BoostedTrees.of(object(), rows)


def one_tree(**changed):
    """x0 <= 0 ? 1 : 2, on top of 10."""
    arrays = {
        "feature": np.array([0, 0, 0], dtype=np.int32),
        "split": np.zeros(3),
        "missing_left": np.array([1, 0, 0], dtype=np.uint8),
        "left": np.array([1, LEAF, LEAF], dtype=np.int32),
        "right": np.array([2, LEAF, LEAF], dtype=np.int32),
        "value": np.array([0.0, 1.0, 2.0]),
        "roots": np.array([0], dtype=np.int64),
        "baseline": np.array([10.0]),
    }
    return BoostedTrees(**{**arrays, **changed})


def test_a_tree_is_walked_by_hand():
    trees = one_tree()
    trees.check(1)
    assert trees.predict(np.array([[-1.0], [0.0], [0.1], [np.nan]])).tolist() == [11, 11, 12, 11]


@pytest.mark.parametrize(
    ("changed", "why"),
    [
        ({"left": np.array([0, LEAF, LEAF], dtype=np.int32)}, "does not come behind"),
        ({"left": np.array([9, LEAF, LEAF], dtype=np.int32)}, "does not come behind"),
        ({"left": np.array([-7, LEAF, LEAF], dtype=np.int32)}, "does not come behind"),
        ({"right": np.array([LEAF, LEAF, LEAF], dtype=np.int32)}, "has one child"),
        ({"feature": np.array([4, 0, 0], dtype=np.int32)}, "beyond the 1"),
        ({"roots": np.array([3], dtype=np.int64)}, "root lies outside"),
        ({"roots": np.array([], dtype=np.int64)}, "root lies outside"),
        ({"value": np.array([0.0, np.inf, 2.0])}, "not finite"),
        ({"baseline": np.array([1.0, 2.0])}, "not finite"),
        ({"split": np.array([np.nan, 0, 0])}, "not a number"),
        ({"value": np.zeros(2)}, "value has 2 nodes, feature 3"),
    ],
)
def test_arrays_that_are_no_trees_are_refused(changed, why):
    with pytest.raises(ValueError, match=why):
        replace(one_tree(), **changed).check(1)
