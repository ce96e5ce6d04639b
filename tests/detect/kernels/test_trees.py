import copy
import dataclasses

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from sklearn.ensemble import IsolationForest

from sensorkit.detect.kernels import walks
from sensorkit.detect.kernels.trees import Trees

LARGEST = np.finfo(np.float32).max
SMALLEST = np.float32(1e-45)


def noise(n, features, seed=1):
    return np.random.default_rng(seed).normal(size=(n, features)).astype(np.float32)


def grown(fit, **options):
    return IsolationForest(random_state=0, **options).fit(fit)


def around(splits):
    """Numbers on the splits, next to them, and those that are easily mistaken."""
    on = splits.astype(np.float32)
    above, below = (np.nextafter(on, np.float32(sign * np.inf)) for sign in (1, -1))
    special = [0.0, -0.0, SMALLEST, -SMALLEST, 1e-40, 1e9, -1e9, LARGEST, -LARGEST, np.inf, -np.inf]
    return np.concatenate([on, above, below, np.array(special, dtype=np.float32)])


def assert_same(trees, model, rows):
    trees.check()
    np.testing.assert_allclose(trees.score(rows), -model.score_samples(rows), atol=1e-12, rtol=0)


@pytest.mark.parametrize("features", [1, 2, 5, 20])
@pytest.mark.parametrize("samples", [2, 256, 1_000])
@pytest.mark.parametrize("columns", [1.0, 0.5])
def test_scores_are_those_of_scikit_learn(features, samples, columns):
    fit = noise(1_000, features)
    model = grown(fit, max_samples=samples, max_features=columns)
    wild = np.random.default_rng(2).standard_cauchy((1_003, features)).astype(np.float32)
    rows = np.vstack([fit, wild, fit.round(), 1e30 * fit, 1e-40 * fit])
    assert_same(Trees.of(model), model, rows)


@pytest.mark.parametrize("features", [1, 3])
def test_scores_are_those_of_scikit_learn_on_the_splits_and_next_to_them(features):
    model = grown(noise(300, features))
    trees = Trees.of(model)
    edges = around(trees.threshold)
    assert_same(trees, model, np.tile(edges[:, np.newaxis], features))


@pytest.mark.parametrize(
    "fit",
    [
        pytest.param(noise(500, 2).round(), id="ties"),
        pytest.param(np.repeat(noise(20, 2), 30, axis=0), id="duplicates"),
        pytest.param(np.ones((100, 2), dtype=np.float32), id="all equal"),
        pytest.param(noise(500, 2) * np.float32(1e30), id="huge"),
        pytest.param(noise(500, 2) * np.float32(1e-42), id="denormal"),
        pytest.param(np.nextafter(np.float32(1), noise(99, 2)), id="adjacent float32"),
    ],
)
def test_scores_are_those_of_scikit_learn_after_an_unusual_fit(fit):
    model = grown(fit)
    trees = Trees.of(model)
    edges = around(np.concatenate([trees.threshold, fit.ravel()]))
    rows = np.column_stack([edges, np.random.default_rng(3).permutation(edges)])
    assert_same(trees, model, rows)


@pytest.mark.parametrize("trees", [1, 7, 8, 9, 101])
def test_any_number_of_trees_is_scored_as_scikit_learn_does(trees):
    fit = noise(300, 2)
    model = grown(fit, n_estimators=trees)
    assert_same(Trees.of(model), model, fit)


def test_trees_of_one_row_score_as_scikit_learn_says():
    model = grown(noise(10, 2), max_samples=1)
    rows = noise(5, 2, seed=2)
    assert (Trees.of(model).score(rows) == -model.score_samples(rows)).all()


@given(st.lists(st.floats(width=32, allow_nan=False), min_size=1, max_size=60), st.integers(0, 9))
def test_a_row_scores_the_same_in_any_company(numbers, seed):
    model = grown(noise(200, 1, seed), n_estimators=9)
    trees = Trees.of(model)
    rows = np.array(numbers, dtype=np.float32)[:, np.newaxis]
    alone = [trees.score(row[np.newaxis])[0] for row in rows]
    assert trees.score(rows).tolist() == alone
    assert alone == pytest.approx(-model.score_samples(rows), abs=1e-12)


GLITCHY = np.concatenate([noise(2_000, 1), np.float32(1e9) * noise(10, 1)])


@pytest.mark.parametrize(
    "fit",
    [
        pytest.param(noise(2_000, 1), id="noise"),
        pytest.param(noise(2_000, 1).round(1), id="quantized"),
        pytest.param(GLITCHY, id="glitches of 1e9"),
        pytest.param(noise(2_000, 1) * np.float32(1e-42), id="denormal"),
        pytest.param(noise(2_000, 1) + np.float32(1e5), id="far from 0"),
        pytest.param(-np.abs(noise(2_000, 1)), id="negative"),
        pytest.param(np.ones((100, 1), dtype=np.float32), id="no split at all"),
    ],
)
def test_the_table_says_what_the_walk_says_bit_for_bit(fit, monkeypatch):
    trees = Trees.of(grown(fit))
    rows = np.concatenate([around(trees.threshold)[:, np.newaxis], fit, GLITCHY])
    monkeypatch.setattr(walks, "TABLE_PAYS_FROM", len(rows) + 1)
    walked = trees.score(rows)
    assert trees.walker._table is None
    looked_up = trees.score(rows)
    assert trees.walker._table is not None
    assert (walked == looked_up).all()


def test_a_table_is_made_only_for_many_rows_of_one_feature():
    one, two = (Trees.of(grown(noise(300, features), n_estimators=3)) for features in (1, 2))
    one.score(noise(100, 1))
    two.score(noise(walks.TABLE_PAYS_FROM, 2))
    assert one.walker._table is None
    assert two.walker._table is None
    for _ in range(walks.TABLE_PAYS_FROM // 100):
        one.score(noise(100, 1))
    assert one.walker._table is not None


def test_no_rows_have_no_scores():
    assert Trees.of(grown(noise(100, 2))).score(noise(0, 2)).shape == (0,)


def test_rows_that_may_not_be_written_or_lie_otherwise_are_scored():
    trees = Trees.of(grown(noise(100, 3)))
    rows = noise(50, 3)
    expected = trees.score(rows).tolist()
    assert trees.score(np.asfortranarray(rows)).tolist() == expected
    assert trees.score(noise(50, 3).repeat(2, axis=0)[::2]).tolist() == expected
    rows.flags.writeable = False
    assert trees.score(rows).tolist() == expected


@pytest.mark.parametrize("rows", [3, 5_000])
def test_a_row_with_nan_is_refused(rows):
    for features in (1, 2):
        holed = noise(rows, features)
        holed[2, -1] = np.nan
        with pytest.raises(ValueError, match="holds NaN"):
            Trees.of(grown(noise(100, features))).score(holed)


@pytest.mark.parametrize("shape", [(4,), (4, 3)])
def test_rows_of_another_shape_are_refused(shape):
    trees = Trees.of(grown(noise(100, 2)))
    with pytest.raises(ValueError, match="grown on 2 features"):
        trees.score(np.zeros(shape, dtype=np.float32))


def test_a_copy_shares_the_trees():
    trees = Trees.of(grown(noise(100, 2)))
    assert copy.deepcopy([trees])[0] is trees


@pytest.fixture(scope="module")
def sound():
    return Trees.of(grown(noise(300, 8), n_estimators=5))


@pytest.mark.parametrize(
    ("array", "node", "value", "message"),
    [
        ("left", 0, 0, "does not come behind its parent"),
        ("right", 0, 10**6, "does not come behind its parent"),
        ("left", 0, -1, "has one child"),
        ("left", 0, 2, "not the child of one other"),
        ("feature", 0, 8, "beyond the 8"),
        ("feature", 0, -2, "beyond the 8"),
        ("threshold", 0, np.nan, "threshold is not a number"),
        ("roots", 0, -1, "outside the nodes"),
        ("roots", 1, 1, "not the child of one other"),
        ("length", 0, np.nan, "not a number above 0"),
        ("length", 0, -1.0, "not a number above 0"),
    ],
)
def test_trees_that_lead_nowhere_are_refused(sound, array, node, value, message):
    changed = getattr(sound, array).copy()
    changed[node] = value
    with pytest.raises(ValueError, match=message):
        dataclasses.replace(sound, **{array: changed}).check()


def test_trees_whose_arrays_differ_in_length_are_refused(sound):
    with pytest.raises(ValueError, match=r"length has \d+ nodes, feature \d+"):
        dataclasses.replace(sound, length=sound.length[:-1]).check()
