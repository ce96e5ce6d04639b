import itertools
import json
import math

import numpy as np
import pandas as pd
import pytest

from sensorkit.evaluate.metrics import (
    PROFILES,
    Sheet,
    Swept,
    best_threshold,
    nab_score,
    nab_score_optimised,
    score_at,
)


def files(seed, count=3):
    """Labels and scores of some files of different lengths; the last has no window."""
    rng = np.random.default_rng(seed)
    labels, scores = [], []
    for number in range(count):
        n = int(rng.integers(60, 300))
        windows = np.zeros(n, dtype=bool)
        for start in rng.integers(n // 4, n - 20, 2) if number < count - 1 else ():
            windows[start : start + int(rng.integers(1, 15))] = True
        labels.append(windows)
        scores.append(rng.integers(0, 9, n).astype(float))
    return labels, scores


def sheets_of(labels):
    """Write the windows out one by one."""
    sheets = []
    for ones in labels:
        rows = np.flatnonzero(ones).tolist()
        groups = itertools.groupby(enumerate(rows), lambda pair: pair[1] - pair[0])
        blocks = [[row for _, row in block] for _, block in groups]
        sheets.append(Sheet.of(len(ones), [(block[0], block[-1]) for block in blocks]))
    return sheets


@pytest.mark.parametrize("profile", PROFILES)
@pytest.mark.parametrize("seed", range(5))
def test_runs_of_labels_are_the_windows_of_each_file(seed, profile):
    labels, scores = files(seed)
    sheets = sheets_of(labels)
    for threshold in (2.0, 7.0, math.inf):
        found = nab_score(labels, scores, threshold=threshold, profile=profile)
        assert found == score_at(sheets, scores, threshold, PROFILES[profile])
    swept = nab_score_optimised(labels, scores, profile=profile)
    assert swept == best_threshold(sheets, scores, PROFILES[profile])


def test_no_given_threshold_beats_the_optimised_one():
    labels, scores = files(7)
    best = nab_score_optimised(labels, scores)
    given = [nab_score(labels, scores, threshold=t) for t in [*range(9), math.inf]]
    assert max(given) == pytest.approx(best.score)
    assert min(given) < best.score
    assert nab_score(labels, scores, threshold=best.threshold) == pytest.approx(best.score)


def test_one_file_needs_no_list():
    labels, scores = files(3, count=2)
    alone = nab_score(labels[0].astype(int).tolist(), scores[0].tolist(), threshold=8.0)
    assert alone == nab_score(labels[:1], scores[:1], threshold=8.0)
    assert alone == nab_score(pd.Series(labels[0], index=labels[0]), scores[0], threshold=8.0)


def test_detecting_nothing_is_0_and_the_first_row_of_each_window_100():
    labels, scores = np.zeros(400), np.zeros(400)
    labels[200:220] = labels[300] = 1
    assert nab_score(labels, scores, threshold=1.0) == 0.0
    scores[[200, 300]] = 1.0
    assert [nab_score(labels, scores, threshold=1.0, profile=name) for name in PROFILES] == [
        pytest.approx(100.0)
    ] * 3


def test_profiles_punish_what_their_names_say():
    labels, scores = np.zeros(1000), np.zeros(1000)
    labels[500:520] = labels[700:720] = 1
    scores[[300, 500]] = 1.0  # one false alarm, one hit, one miss
    standard, fewer_false, fewer_missed = (
        nab_score(labels, scores, threshold=1.0, profile=name) for name in PROFILES
    )
    assert standard == pytest.approx(100 * (1 + 1 - 0.11) / 4)
    assert fewer_false == pytest.approx(100 * (1 + 1 - 0.22) / 4)
    assert fewer_missed == pytest.approx(100 * (1 + 2 - 0.11) / 6)


def test_a_detection_far_past_a_narrow_window_does_not_overflow():
    labels, scores = np.zeros(20_000), np.zeros(20_000)
    labels[3000:3002] = 1
    scores[[3000, 19_999]] = 1.0
    assert nab_score(labels, scores, threshold=1.0) == pytest.approx(100 * (2 - 0.11) / 2)


def test_a_row_is_past_the_last_window_before_it():
    first, second = Sheet.of(1000, [(300, 319)]), Sheet.of(1000, [(330, 349)])
    both = Sheet.of(1000, [(300, 319), (330, 349)])
    assert both.worth[:330].tolist() == first.worth[:330].tolist()
    assert both.worth[330:].tolist() == second.worth[330:].tolist()
    assert -1 < both.worth[329] < 0


@pytest.mark.data
@pytest.mark.parametrize("detector", ["windowedGaussian", "null"])
def test_published_rows_come_out_of_labels_and_scores(sensorkit_data, detector):
    folder = sensorkit_data / "nab"
    published = np.load(folder / "results" / "published_scores.npz")
    windows = json.loads((folder / "labels" / "combined_windows.json").read_text())
    table = json.loads((folder / "results" / "final_results.json").read_text())[detector]
    labels = []
    for name in published["files"].tolist():
        time = pd.to_datetime(pd.read_csv(folder / "data" / name)["timestamp"])
        inside = [time.between(pd.Timestamp(a), pd.Timestamp(b)) for a, b in windows[name]]
        labels.append(np.any(inside, axis=0) if inside else np.zeros(len(time), dtype=bool))
    scores = np.split(published[detector], np.cumsum(published["lengths"])[:-1])
    for profile in PROFILES:
        found = nab_score_optimised(labels, scores, profile=profile)
        assert found.score == pytest.approx(table[profile], abs=5e-5), profile


@pytest.mark.parametrize(
    "metric", [lambda y, s: nab_score(y, s, threshold=1.0), nab_score_optimised]
)
@pytest.mark.parametrize(
    ("labels", "scores", "message"),
    [
        ([0, 0, 0], [0, 1, 2], "files without a window have no NAB score"),
        ([], [], "files without a window have no NAB score"),
        ([0, 1], [0, np.nan], "1 of 2 scores are NaN, the first at 1"),
        ([0, 1], [0, 1, 2], r"labels has shape \(2,\) and scores \(3,\)"),
        ([0, 3], [0, 1], r"labels\[1\] is .*3"),
        ([[0, 1], [0, 2]], [[0, 1], [0, 1]], r"labels\[1\]\[1\] is .*2"),
        ([[0, 1], [0, 1]], [[0, 1]], "labels of 2 files and scores of 1"),
    ],
)
def test_input_that_makes_no_sense_is_refused(metric, labels, scores, message):
    with pytest.raises(ValueError, match=message):
        metric(labels, scores)


def test_an_unknown_profile_or_threshold_is_refused():
    with pytest.raises(ValueError, match="profile is 'best', one of standard, reward_low_FP_rate"):
        nab_score([0, 1], [0, 1], threshold=1.0, profile="best")
    for wrong in (math.nan, "high", [1.0, 2.0], True):
        with pytest.raises(ValueError, match=r"threshold is .* a score is wanted, or None"):
            nab_score([0, 1], [0, 1], threshold=wrong)


@pytest.mark.parametrize("profile", PROFILES)
def test_the_optimised_threshold_gives_the_optimised_score(profile):
    labels, scores = np.zeros(400), np.zeros(400)
    labels[200:220] = 1
    scores[[100, 300]] = math.inf
    best = nab_score_optimised(labels, scores, profile=profile)
    assert best == Swept(None, 0.0)
    assert nab_score(labels, scores, threshold=best.threshold, profile=profile) == 0.0
    assert nab_score(labels, scores, threshold=math.inf, profile=profile) < 0.0
    scores[200] = 3.0
    scores[[100, 300]] = -math.inf
    best = nab_score_optimised(labels, scores, profile=profile)
    assert best == (3.0, pytest.approx(100.0))
    assert nab_score(labels, scores, threshold=best.threshold, profile=profile) == best.score
