import json
import math

import numpy as np
import pandas as pd
import pytest

from sensorkit.evaluate.metrics.nab import (
    PROFILES,
    Sheet,
    best_threshold,
    normalised,
    raw_score,
    score_at,
)

STANDARD = PROFILES["standard"]


def slow_walk(
    n: int,
    windows: list[tuple[int, int]],
    detected: list[bool],
    *,
    tp: float = 1.0,
    fp: float = 0.11,
    fn: float = 1.0,
) -> float:
    """Walk through one file as the Numenta benchmark does; not normalised."""

    def sigmoid(y: float) -> float:
        return -1.0 if y > 3 else 2.0 / (1.0 + math.exp(5.0 * y)) - 1.0

    score, probation = 0.0, min(math.floor(0.15 * n), 750)
    for first, last in windows:
        width = last - first + 1
        if last < probation:
            continue
        found = [i for i in range(max(first, probation), last + 1) if detected[i]]
        if found:
            score += tp * sigmoid(-(last - found[0] + 1) / width) / sigmoid(-1.0)
        else:
            score -= fn
    for i in range(probation, n):
        if detected[i] and not any(first <= i <= last for first, last in windows):
            before = [(first, last) for first, last in windows if last < i]
            past = math.inf
            if before and before[-1][1] > before[-1][0]:
                first, last = before[-1]
                past = (i - last) / (last - first)
            score += fp * sigmoid(past)
    return score


def random_file(seed):
    """Rows, windows (some narrow, some in the probation) and scores with ties."""
    rng = np.random.default_rng(seed)
    n = int(rng.integers(30, 400))
    edges = np.sort(rng.choice(n, 2 * int(rng.integers(0, 4)), replace=False))
    windows = [(int(a), int(b)) for a, b in edges.reshape(-1, 2)]
    if seed % 3 == 0:
        windows = [(first, first) for first, _ in windows]
    return n, windows, rng.integers(0, 9, n).astype(float)


@pytest.fixture(scope="module")
def benchmark(sensorkit_data):
    """The sheets of the 58 files, in the order of the published scores."""
    folder = sensorkit_data / "nab"
    published = np.load(folder / "results" / "published_scores.npz")
    labels = json.loads((folder / "labels" / "combined_windows.json").read_text())
    sheets = []
    for name in published["files"].tolist():
        time = pd.to_datetime(pd.read_csv(folder / "data" / name)["timestamp"]).tolist()
        windows = [tuple(time.index(pd.Timestamp(t)) for t in ends) for ends in labels[name]]
        sheets.append(Sheet.of(len(time), windows))
    return folder, published, sheets


@pytest.mark.parametrize(
    "detector",
    [
        "ARTime",
        "contextOSE",
        "earthgeckoSkyline",
        "knncad",
        "null",
        "randomCutForest",
        "relativeEntropy",
        "skyline",
        "twitterADVec",
        "windowedGaussian",
    ],
)
def test_the_published_rows_come_out_to_four_decimals(benchmark, detector):
    folder, published, sheets = benchmark
    table = json.loads((folder / "results" / "final_results.json").read_text())[detector]
    scores = np.split(published[detector], np.cumsum(published["lengths"])[:-1])
    for profile, weights in PROFILES.items():
        swept = best_threshold(sheets, scores, weights)
        assert swept.score == pytest.approx(table[profile], abs=5e-5), profile
        assert score_at(sheets, scores, swept.threshold, weights) == pytest.approx(swept.score)


@pytest.mark.parametrize("profile", PROFILES)
@pytest.mark.parametrize("seed", range(30))
def test_a_raw_score_equals_that_of_a_slow_walk(seed, profile):
    n, windows, scores = random_file(seed)
    weights = PROFILES[profile]
    detected = scores >= 7
    assert raw_score(Sheet.of(n, windows), detected, weights) == pytest.approx(
        slow_walk(n, windows, detected.tolist(), **weights._asdict()), abs=1e-12
    )


@pytest.mark.parametrize("profile", PROFILES)
@pytest.mark.parametrize("seed", range(10))
def test_the_sweep_finds_what_trying_every_threshold_finds(seed, profile):
    files = [random_file(10 * seed + i) for i in range(3)]
    sheets = [Sheet.of(n, windows) for n, windows, _ in files]
    if not sum(sheet.windows for sheet in sheets):
        return
    scores = [score for _, _, score in files]
    tried = [score_at(sheets, scores, t, PROFILES[profile]) for t in [*range(9), math.inf]]
    swept = best_threshold(sheets, scores, PROFILES[profile])
    assert swept.score == pytest.approx(max(tried))
    assert score_at(sheets, scores, swept.threshold, PROFILES[profile]) == pytest.approx(max(tried))


def test_the_first_row_of_every_window_and_nothing_else_is_100():
    sheet = Sheet.of(1000, [(300, 349), (700, 700)])
    detected = np.zeros(1000, dtype=bool)
    detected[[300, 700]] = True
    for weights in PROFILES.values():
        assert normalised(raw_score(sheet, detected, weights), 2, weights) == 100.0


def test_no_detection_is_0():
    sheet = Sheet.of(1000, [(300, 349)])
    for weights in PROFILES.values():
        assert score_at([sheet], [np.zeros(1000)], 1.0, weights) == 0.0


def test_a_window_of_one_row_does_not_divide_by_zero():
    sheet = Sheet.of(100, [(50, 50)])
    assert sheet.worth[50] == 1.0
    assert (sheet.worth[51:] == -1.0).all()


def test_the_probation_is_15_percent_and_at_most_750_rows():
    assert (Sheet.of(1000, []).window == -2).sum() == 150
    assert (Sheet.of(20_000, []).window == -2).sum() == 750


def test_a_window_in_the_probation_can_neither_be_found_nor_missed():
    sheet = Sheet.of(1000, [(10, 20), (300, 310)])
    assert sheet.windows == 1
    assert raw_score(sheet, np.zeros(1000, dtype=bool), STANDARD) == -1.0


def test_detecting_nothing_is_an_answer_of_the_sweep():
    scores = np.where(np.arange(1000) < 300, 1.0, 0.0)  # wrong wherever it is high
    swept = best_threshold([Sheet.of(1000, [(900, 909)])], [scores], STANDARD)
    assert swept == (None, 0.0)


def test_the_best_threshold_gives_its_score_though_scores_are_infinite():
    sheet = Sheet.of(100, [(40, 49)])
    for rows, found in (((20, 90), (None, 0.0)), ((40,), (math.inf, 100.0))):
        scores = np.zeros(100)
        scores[list(rows)] = math.inf
        swept = best_threshold([sheet], [scores], STANDARD)
        assert swept == found
        assert score_at([sheet], [scores], swept.threshold, STANDARD) == swept.score


@pytest.mark.parametrize("windows", [[(5, 3)], [(5, 9), (9, 12)], [(90, 100)], [(-1, 3)]])
def test_windows_out_of_order_or_of_the_file_are_refused(windows):
    with pytest.raises(ValueError, match="windows must be in order and inside the file"):
        Sheet.of(100, windows)


def test_files_without_a_window_have_no_score():
    with pytest.raises(ValueError, match="without a window"):
        best_threshold([Sheet.of(100, [])], [np.zeros(100)], STANDARD)


def test_as_many_scores_as_readings_are_wanted():
    with pytest.raises(ValueError, match="99 scores for 100 readings"):
        best_threshold([Sheet.of(100, [(50, 60)])], [np.zeros(99)], STANDARD)
