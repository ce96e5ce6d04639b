"""The SKAB part of the quality benchmark: the files, the protocol, the published rows."""

import numpy as np
import pandas as pd
import pytest
from judging import skab, skab_changes

from sensorkit import detect
from sensorkit.detect.mewma import Mewma


def experiment(n=600, group="valve1", begin=500, end=560, seed=1):
    """One file whose second channel is off from row *begin* to *end*."""
    rng = np.random.default_rng(seed)
    anomaly, changepoint = np.zeros(n, dtype=bool), np.zeros(n, dtype=bool)
    anomaly[begin:end] = changepoint[[begin, end]] = True
    values = rng.normal(size=(n, 2))
    values[anomaly, 1] += 5.0
    frame = pd.DataFrame(values, columns=["a", "b"])
    frame.index = pd.date_range("2020-03-09", periods=n, freq="s")
    return skab.Experiment(group, str(seed), skab.Readings.from_frame(frame), anomaly, changepoint)


def test_the_factor_of_a_file_comes_from_the_other_files():
    experiments = [experiment(seed=seed) for seed in (1, 2, 3)]
    perfect = [e.truth.astype(float) for e in experiments]
    # The third is scored ten times as high: a factor from the others flags all of it.
    scores = [(perfect[0], 1.0), (perfect[1], 1.0), (10.0 * perfect[2] + 5.0, 1.0)]
    found = skab.cross_validated(experiments, scores)
    assert found["far"] == pytest.approx(100 / 3)
    assert skab.cross_validated(experiments, [(perfect[0], 0.0)] * 3) is None


def test_a_detector_is_run_with_its_own_threshold_and_judged_on_the_test_rows():
    experiments = [experiment(seed=seed) for seed in (1, 2)]
    found = skab.figures(Mewma(), experiments)
    assert found["own"]["f1"] > 0.8
    assert found["by_group"] == {"valve1": found["own"]}
    always = skab.figures(detect.make("always"), experiments)["own"]
    assert (always["far"], always["mar"]) == (100.0, 0.0)


def test_the_perfect_prediction_scores_100_none_0_and_a_late_one_less():
    one = experiment(n=700, begin=500, end=600)
    perfect = one.anomaly[skab.FIT :]

    def scored(flags):
        return skab_changes.score([one], [flags], first=skab.FIT)["standard"]

    assert scored(perfect) == pytest.approx(100.0, abs=0.1)
    assert scored(np.zeros(300, dtype=bool)) == 0.0
    assert 50.0 < scored(np.roll(perfect, 20)) < 95.0
    # One prediction outside of all windows more, and one to end it.
    early = perfect.copy()
    early[10:20] = True
    assert scored(early) == pytest.approx(scored(perfect) - 100 * 2 * 0.11 / 4)


@pytest.fixture(scope="module")
def experiments(sensorkit_data):
    return skab.load(sensorkit_data / "skab")


@pytest.mark.data
def test_the_published_rows_come_out_to_the_last_digit(experiments):
    assert len(experiments) == sum(skab.GROUPS.values())
    for name, flags in skab.made_again(experiments).items():
        found = skab.pooled(experiments, flags)
        if name == "always alarm":
            assert found["f1"] == pytest.approx(0.698, abs=0.0005)
            continue
        f1, far, mar = skab.PUBLISHED[name]
        assert (round(found["f1"], 2), round(found["far"], 2)) == (f1, far)
        assert round(found["mar"], 2) == mar
        changes = skab_changes.score(
            experiments, skab_changes.flags_of(name, flags), first=skab.FIT
        )
        assert [round(v, 2) for v in changes.values()] == list(skab_changes.PUBLISHED[name])


@pytest.mark.data
def test_mewma_without_labels_is_better_than_the_best_published_row(experiments):
    found = skab.figures(Mewma(), experiments)["own"]
    f1, far, mar = skab.PUBLISHED[skab.BEST]
    assert found["f1"] > f1 + 0.02
    assert found["far"] < far
    assert found["mar"] < mar
