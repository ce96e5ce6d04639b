"""The whole of a public benchmark, on the generated set and on stand-ins."""

import json

import numpy as np
import pytest

from sensorkit import datasets, detect
from sensorkit.errors import SensorkitError, UsageError
from sensorkit.evaluate.public import PublicResults, comparison, public_benchmark, sources
from sensorkit.evaluate.public import loop as loop_module
from sensorkit.evaluate.public.generated import KINDS, write
from sensorkit.evaluate.public.skab import Skab


class Broken:
    """Fails on the series of one length."""

    name = "broken"
    threshold_ = 1.0

    def fit(self, readings):
        if np.isclose(readings.values[0, 0], self.hated):
            raise ValueError("this one I cannot learn")
        return self

    def score(self, readings):
        return np.arange(float(len(readings)))


@pytest.fixture(scope="module")
def results():
    return public_benchmark("generated", detectors=["sigma", "rules"], resamples=200)


def test_chance_is_in_every_table_and_ours_follow_best_first(results):
    names = [row["detector"] for row in results.rows]
    assert names == ["always", "never", "random", "rules", "sigma"]
    assert list(results.table().index) == names


def test_every_series_has_a_row_for_every_detector(results):
    assert len(results.per_series) == len(KINDS) * 5
    assert {row["status"] for row in results.per_series} == {"ok"}


def test_the_figure_of_the_table_is_the_mean_of_the_series(results):
    mine = [row["vus_pr"] for row in results.per_series if row["detector"] == "rules"]
    low, high = results.of("rules")["vus_pr_ci"]
    assert results.of("rules")["vus_pr"] == pytest.approx(np.mean(mine))
    assert low < np.mean(mine) < high


@pytest.mark.slow
def test_results_are_the_same_again_and_with_more_workers(results):
    again = public_benchmark("generated", detectors=["sigma", "rules"], resamples=200, workers=2)
    assert again.to_dict() == results.to_dict()


def test_a_series_that_fails_is_a_failed_row_with_its_reason_and_not_a_zero(tmp_path):
    broken = Broken()
    write(tmp_path)
    first = next(iter(datasets.load("tsb_ad", tmp_path)))
    broken.hated = first.readings.values[0, 0]
    found = public_benchmark("generated", detectors={"broken": broken}, resamples=50)
    row = found.of("broken")
    assert (row["status"], row["failed"], row["series"]) == ("partial", 1, len(KINDS) - 1)
    assert row["reason"] == "ValueError: this one I cannot learn"
    assert row["rank"] is None
    failed = [one for one in found.per_series if one["status"] == "failed"]
    assert [one["series"] for one in failed] == [first.name]
    assert "vus_pr" not in failed[0]
    assert "No detector was judged on all series" in found.sentence


def test_a_detector_that_fails_everywhere_is_in_the_table_without_a_figure():
    class Never(Broken):
        def fit(self, readings):
            raise RuntimeError("no")

    found = public_benchmark("generated", detectors={"no": Never()}, limit=2, resamples=5)
    assert found.of("no")["status"] == "failed"
    assert found.of("no")["vus_pr"] is None
    json.dumps(found.to_dict(), allow_nan=False)


def test_what_is_written_is_read_back(results, tmp_path):
    results.write(tmp_path)
    assert PublicResults.read(tmp_path).to_dict() == results.to_dict()
    lines = (tmp_path / "series.csv").read_text().splitlines()
    assert len(lines) == 1 + len(results.per_series)


def test_a_file_of_another_kind_is_refused(tmp_path):
    with pytest.raises(UsageError, match="cannot be read"):
        PublicResults.read(tmp_path)
    (tmp_path / "public.json").write_text('{"schema_version": 99}')
    with pytest.raises(UsageError, match="schema_version is 99, 1 is wanted"):
        PublicResults.read(tmp_path)
    (tmp_path / "public.json").write_text("[]")
    with pytest.raises(UsageError, match="is no result of a public benchmark"):
        PublicResults.read(tmp_path)


def test_a_limit_takes_the_first_series_and_nobody_is_ranked():
    found = public_benchmark("generated", detectors=["sigma"], limit=2, resamples=5)
    assert found.settings["series"] == 2
    assert found.of("sigma")["not_comparable"]
    assert found.of("sigma")["vus_pr_ci"] is None


@pytest.mark.parametrize("what", ["limit", "workers", "resamples"])
def test_a_number_below_one_is_refused(what):
    with pytest.raises(UsageError, match=f"{what} is 0; a whole number from 1 on"):
        public_benchmark("generated", **{what: 0})


def test_the_nearest_set_is_named_for_an_unknown_one():
    with pytest.raises(UsageError, match="skab"):
        public_benchmark("skap")


def test_an_unknown_detector_is_refused_before_anything_runs():
    with pytest.raises(SensorkitError, match="sigma"):
        public_benchmark("generated", detectors=["sigmaa"])


def test_a_set_that_is_not_here_says_how_to_get_it(monkeypatch, tmp_path):
    monkeypatch.delenv("SENSORKIT_DATA", raising=False)
    monkeypatch.setenv("SENSORKIT_CACHE", str(tmp_path))
    with pytest.raises(SensorkitError, match="skab"):
        public_benchmark("skab")


def skab_like(make_series, n):
    change = np.zeros(700, dtype=bool)
    change[[500, 600]] = True
    return [
        make_series(str(i), n=700, windows=((500, 599),), seed=i, extra={"changepoints": change})
        for i in range(n)
    ]


def judged_as_skab(monkeypatch, series, detectors):
    monkeypatch.setattr(loop_module.sources, "series_of", lambda *_: (series, []))
    return public_benchmark("skab", detectors=detectors, resamples=50)


def test_ours_are_ranked_among_published_rows_on_the_whole_set_only(monkeypatch, make_series):
    series = skab_like(make_series, Skab.whole)
    whole = judged_as_skab(monkeypatch, series, ["mewma"]).of("mewma")
    assert whole["f1"] > 0.9
    assert (whole["rank"], whole["rank_of"], whole["not_comparable"]) == (1, 11, None)
    assert whole["rank_ci"][0] == 1
    part = judged_as_skab(monkeypatch, series[:-1], ["mewma"]).of("mewma")
    assert (part["rank"], part["not_comparable"]) == (None, "not all of the set was judged")


def test_the_sentence_says_so_when_two_cannot_be_told_apart(monkeypatch, make_series):
    series = skab_like(make_series, Skab.whole)
    twins = {"one": detect.make("mewma"), "two": detect.make("mewma")}
    found = judged_as_skab(monkeypatch, series, twins)
    assert found.comparison["p_value"] == 1.0
    assert "two with" in found.sentence
    assert "cannot be told apart" in found.sentence
    unlike = judged_as_skab(
        monkeypatch, series, {"one": detect.make("mewma"), "dumb": detect.make("never")}
    )
    assert "dumb with 0.000 (95 % 0.000 to" in unlike.sentence
    assert ") is behind it" in unlike.sentence


def ranked(figure, bounds):
    row = {"detector": "mine", "role": "ours", "status": "ok", "f1": figure, "f1_ci": bounds}
    published = [
        {"method": name, "f1": f1, "comparable": True}
        for name, f1 in (("high", 0.9), ("middle", 0.78), ("low", 0.7))
    ]
    comparison.rank([row], published, Skab(), whole=True)
    return row, comparison.sentence([row], published, None, Skab())


def test_a_place_among_published_rows_has_the_range_that_its_interval_allows():
    row, sentence = ranked(0.811, [0.716, 0.86])
    assert (row["rank"], row["rank_of"], row["rank_ci"]) == (2, 4, [2, 3])
    assert "mine would stand at 2 of 4 (2 to 3 by its interval)" in sentence


def test_a_place_that_the_interval_does_not_move_says_so():
    row, sentence = ranked(0.811, [0.79, 0.86])
    assert row["rank_ci"] == [2, 2]
    assert "2 of 4 (as by all of its interval)" in sentence


def test_a_place_by_a_figure_without_an_interval_says_so():
    row, sentence = ranked(0.811, None)
    assert row["rank_ci"] is None
    assert "2 of 4 (without an interval, so that it may be chance)" in sentence


class Dice(Broken):
    """Its scores are thrown by the dice of the process."""

    def fit(self, readings):
        return self

    def score(self, readings):
        return np.random.rand(len(readings))  # noqa: NPY002


def test_the_dice_of_the_process_decide_no_figure_and_are_left_alone():
    found = []
    for seed in (1, 2):
        np.random.seed(seed)  # noqa: NPY002
        before = np.random.get_state()[1].copy()  # noqa: NPY002
        results = public_benchmark("generated", detectors={"d": Dice()}, limit=2, resamples=5)
        found.append(results.of("d")["vus_pr"])
        assert (np.random.get_state()[1] == before).all()  # noqa: NPY002
    assert found[0] == found[1]


def test_a_detector_that_asks_to_leave_is_a_failed_row():
    class Leaves(Dice):
        def score(self, readings):
            raise SystemExit(3)

    found = public_benchmark("generated", detectors={"x": Leaves()}, limit=2, resamples=5)
    assert found.of("x")["status"] == "failed"
    assert found.of("x")["reason"] == "SystemExit: 3"


def test_figures_that_go_beyond_one_are_not_taken_for_shares():
    for name in sources.names():
        columns = {column.key: column.share for column in sources.protocol(name).columns}
        for key, share in columns.items():
            beyond = ("false_alarms", "lead", "alerts", "frozen", "optimised", "other_files", "cp_")
            assert share == (not key.startswith(beyond) and key not in ("far", "mar")), key


def test_the_generated_set_is_the_same_for_the_same_seed(tmp_path):
    for name, seed in (("a", 1), ("b", 1), ("c", 2)):
        write(tmp_path / name, seed=seed)
    texts = [
        [path.read_bytes() for path in sorted((tmp_path / name).glob("*.csv"))] for name in "abc"
    ]
    assert texts[0] == texts[1] != texts[2]
