import itertools

import numpy as np
import pytest
from scipy import stats

from sensorkit.evaluate.statistics.critical_difference import critical_difference, holm

# J. Demsar, JMLR 7, 2006, table 6: AUC of C4.5 with and without two changes on 14 data sets.
TABLE = """
0.763 0.768 0.771 0.798
0.599 0.591 0.590 0.569
0.954 0.971 0.968 0.967
0.628 0.661 0.654 0.657
0.882 0.888 0.886 0.898
0.936 0.931 0.916 0.931
0.661 0.668 0.609 0.685
0.583 0.583 0.563 0.625
0.775 0.838 0.866 0.875
1.000 1.000 1.000 1.000
0.940 0.962 0.965 0.962
0.619 0.666 0.614 0.669
0.972 0.981 0.9751 0.975
0.957 0.978 0.946 0.970
"""
DEMSAR = dict(
    zip(
        ("C4.5", "C4.5+m", "C4.5+cf", "C4.5+m+cf"),
        np.array(TABLE.split(), dtype=float).reshape(14, 4).T.tolist(),
        strict=True,
    )
)


def rows(values, failed=()):
    """Results of detectors (name -> a value for each recording)."""
    return [
        {
            "recording": f"r{i}",
            "detector": name,
            "fault_kind": kind,
            "vus_pr": None if (i, name) in failed else (value if kind is None else 0.0),
        }
        for name, column in values.items()
        for i, value in enumerate(column)
        for kind in (None, "drift")
    ]


def random_values(seed, detectors=4, recordings=12, spread=0.1):
    rng = np.random.default_rng(seed)
    level = rng.uniform(0.4, 0.7, detectors)
    table = level + rng.normal(0, spread, (recordings, detectors))
    return {f"d{i}": table[:, i].tolist() for i in range(detectors)}


def test_the_published_example_has_its_mean_ranks():
    found = critical_difference(rows(DEMSAR))
    ranks = {row["detector"]: row["mean_rank"] for row in found["ranks"]}
    assert {name: round(rank, 3) for name, rank in ranks.items()} == {
        "C4.5": 3.143,
        "C4.5+m": 2.0,
        "C4.5+cf": 2.893,
        "C4.5+m+cf": 1.964,
    }
    # The paper: chi2 = 9.28 without the correction for ties, p between 0.02 and 0.03.
    assert found["friedman_p"] == pytest.approx(stats.friedmanchisquare(*DEMSAR.values()).pvalue)
    assert 0.01 < found["friedman_p"] < 0.03
    assert [row["detector"] for row in found["ranks"]][:2] == ["C4.5+m+cf", "C4.5+m"]


@pytest.mark.parametrize("seed", range(5))
def test_friedman_and_wilcoxon_equal_scipy(seed):
    values = random_values(seed)
    found = critical_difference(rows(values))
    assert found["friedman_p"] == pytest.approx(stats.friedmanchisquare(*values.values()).pvalue)
    assert len(found["pairs"]) == 6
    for pair in found["pairs"]:
        expected = stats.wilcoxon(values[pair["a"]], values[pair["b"]]).pvalue
        assert pair["p"] == pytest.approx(expected)


def test_holm_by_hand():
    assert holm([0.01, 0.04, 0.03, 0.005]) == pytest.approx([0.03, 0.06, 0.06, 0.02])
    assert holm([0.9, 0.8]) == [1.0, 1.0]


def test_pairs_are_corrected_for_their_number():
    found = critical_difference(rows(random_values(1)))
    assert [p["p_holm"] for p in found["pairs"]] == pytest.approx(
        holm([p["p"] for p in found["pairs"]])
    )


@pytest.mark.parametrize("seed", range(30))
def test_cliques_are_the_largest_runs_of_neighbours_not_told_apart(seed):
    found = critical_difference(rows(random_values(seed, detectors=6, spread=0.06)))
    order = [row["detector"] for row in found["ranks"]]
    apart = {frozenset((p["a"], p["b"])) for p in found["pairs"] if p["p_holm"] < 0.05}
    together = [
        order[i:j]
        for i, j in itertools.combinations(range(len(order) + 1), 2)
        if j - i > 1
        and not any(frozenset(pair) in apart for pair in itertools.combinations(order[i:j], 2))
    ]
    largest = [run for run in together if not any(set(run) < set(other) for other in together)]
    assert found["cliques"] == largest


def test_detectors_far_apart_have_no_clique_and_equal_ones_share_one():
    rng = np.random.default_rng(0)
    base = rng.uniform(0, 0.1, 10)
    found = critical_difference(
        rows({"a": base + 0.8, "b": base + 0.5 + rng.uniform(0, 0.01, 10), "c": base + 0.5})
    )
    assert found["cliques"] == []
    same = critical_difference(rows({"a": base, "b": base, "c": base}))
    assert same["cliques"] == [["a", "b", "c"]]
    assert (same["friedman_p"], [pair["p"] for pair in same["pairs"]]) == (1.0, [1.0] * 3)


def test_five_recordings_are_too_few():
    values = {name: column[:5] for name, column in random_values(0).items()}
    assert critical_difference(rows(values)) is None
    assert critical_difference(rows(random_values(0, recordings=6))) is not None
    assert critical_difference(rows(random_values(0, detectors=1))) is None


def test_a_failed_cell_takes_the_last_rank():
    values = {"a": [0.9] * 8, "b": [0.5 + i / 100 for i in range(8)], "c": [0.1] * 8}
    found = critical_difference(rows(values, failed={(0, "a"), (0, "b")}))
    ranks = {row["detector"]: row["mean_rank"] for row in found["ranks"]}
    assert ranks == {"a": (7 * 1 + 2.5) / 8, "b": (7 * 2 + 2.5) / 8, "c": (7 * 3 + 1) / 8}
    losing = critical_difference(rows(values, failed={(i, "a") for i in range(8)}))
    assert losing["ranks"][-1]["detector"] == "a"
    # Eight losses of eight, all by as much. The normal approximation for ties falls below what
    # eight signs can show.
    assert stats.wilcoxon([-2.0] * 8, method="approx").pvalue < 2 / 2**8
    lost = [pair["p"] for pair in losing["pairs"] if "a" in (pair["a"], pair["b"])]
    assert lost == [2 / 2**8] * 2


def test_ties_have_the_approximation_that_scipy_has():
    one = [0.1, 0.1, 0.2, 0.3, -0.1, 0.1, 0.4, 0.2, -0.2, 0.1]
    pair = critical_difference(rows({"a": one, "b": [0.0] * 10}))["pairs"][0]
    assert pair["p"] == pytest.approx(stats.wilcoxon(one, method="approx").pvalue)


def far_apart(detectors, recordings):
    """Detectors of which each beats the next on every recording, by a little more each time."""
    return {
        f"d{i}": [-i * (1 + (j + 1) / 100) for j in range(recordings)] for i in range(detectors)
    }


@pytest.mark.parametrize(("detectors", "recordings"), [(10, 6), (5, 7), (5, 9), (3, 7), (2, 6)])
def test_no_pair_falls_below_the_least_p_that_is_stated(detectors, recordings):
    found = critical_difference(rows(far_apart(detectors, recordings)))
    least = min(pair["p_holm"] for pair in found["pairs"])
    assert found["least_p_holm"] == pytest.approx(least)


def test_too_few_recordings_for_so_many_detectors_join_nothing():
    few = critical_difference(rows(far_apart(10, 6)))
    assert few["least_p_holm"] == 1.0
    assert few["cliques"] == []
    alike = critical_difference(rows(random_values(0, detectors=10, recordings=6)))
    assert alike["cliques"] == []


def test_baselines_have_a_rank_and_cost_the_others_no_power():
    values = far_apart(6, 8)
    all_tested = critical_difference(rows(values))
    found = critical_difference(rows(values), baselines=("d3", "d4", "d5"))
    assert found["ranks"] == all_tested["ranks"]
    assert {name for pair in found["pairs"] for name in (pair["a"], pair["b"])} == {
        "d0",
        "d1",
        "d2",
    }
    assert (all_tested["least_p_holm"], found["least_p_holm"]) == (15 / 2**7, 3 / 2**7)
    assert max(pair["p_holm"] for pair in found["pairs"]) < 0.05
    alone = critical_difference(rows({n: values[n] for n in ("d0", "d1", "d2")}))
    assert found["friedman_p"] == alone["friedman_p"]


def test_one_detector_and_baselines_have_ranks_only():
    found = critical_difference(rows(far_apart(3, 6)), baselines=("d1", "d2"))
    assert (found["pairs"], found["cliques"], found["least_p_holm"]) == ([], [], 1.0)
    assert len(found["ranks"]) == 3


def test_a_recording_without_faults_does_not_count():
    table = rows(random_values(0, recordings=6))
    quiet = [{**row, "recording": "quiet", "vus_pr": None} for row in table]
    assert critical_difference([*table, *quiet])["recordings"] == 6


def test_two_detectors_have_no_test_of_all():
    assert critical_difference(rows(random_values(0, detectors=2)))["friedman_p"] is None


def test_a_level_that_is_none_is_refused():
    with pytest.raises(ValueError, match="alpha is 1, a level between 0 and 1 is wanted"):
        critical_difference([], alpha=1)


def test_equal_detectors_are_put_apart_in_at_most_1_of_20_tables():
    apart = 0
    for seed in range(200):
        rng = np.random.default_rng([9, seed])
        found = critical_difference(rows({n: rng.normal(size=8).tolist() for n in "abc"}))
        apart += any(pair["p_holm"] < 0.05 for pair in found["pairs"])
    assert apart / 200 <= 0.08
