import re

import numpy as np
import pytest

from sensorkit.display.formats import percent, rate, seconds
from sensorkit.evaluate.ranking import rank
from sensorkit.evaluate.rows import Scored
from sensorkit.evaluate.statistics.blocks import Draws
from sensorkit.evaluate.verdict import judge
from sensorkit.evaluate.words import p_words

N = 20


def scored(
    vus_pr,
    *,
    hits=18,
    alarms=1,
    spread=0.02,
    seed=0,
    status="ok",
    faults=N,
    hours=24.0,
    stretches=None,
):
    """What a cell comes to that has this VUS-PR; faults all alike for every detector."""
    common = np.random.default_rng(0).normal(0, 0.05, 400)
    row = {
        "fault_kind": None,
        "status": status,
        "reason": None if status == "ok" else "RuntimeError: it broke",
        "faults": faults,
    }
    if status != "ok":
        keys = (
            "vus_pr",
            "average_precision",
            "faults_hit",
            "episodes",
            "event_precision",
            "false_alarms",
            "clean_hours",
        )
        return Scored([row | dict.fromkeys(keys)], [], None, (np.empty(0), np.empty(0)))
    row |= {
        "vus_pr": vus_pr if faults else None,
        "average_precision": vus_pr if faults else None,
        "faults_hit": hits,
        "episodes": hits + alarms,
        "event_precision": hits / (hits + alarms) if hits + alarms else None,
        "false_alarms": alarms,
        "clean_hours": hours,
    }
    delays = np.full(faults, np.inf)
    delays[:hits] = 4.0
    draws = None
    if faults:
        own = np.random.default_rng([1, seed]).normal(0, spread, 400)
        values = vus_pr + common + own
        draws = Draws(values, values, values, values, stretches or faults)
    return Scored([row], [], draws, (delays, np.full(faults, np.inf)))


def verdict(cells, *, extrapolated=False, fixed=False, budget=1.0, detectability=()):
    by_key = {("rig", name): cell for name, cell in cells.items()}
    ranking = rank(by_key, ["rig"], [*cells], resamples=400, seed=0)
    calibrations = [{"clean_hours": 5.0, "extrapolated": extrapolated, "fixed": fixed}]
    detectors = [{"name": name, "calibrations": calibrations} for name in cells]
    results = [
        cell.rows[0] | {"detector": name, "recording": "rig"} for name, cell in cells.items()
    ]
    return judge(ranking, detectors, results, budget, detectability), ranking


def test_a_detector_that_stands_alone_is_recommended_with_its_numbers():
    found, _ = verdict({"sigma": scored(0.8), "forest": scored(0.5, seed=1), "random": scored(0.1)})
    assert found["detector"] == "sigma"
    assert found["sentence"] == (
        "sigma finds 90 % of the faults (70 % to 97 %) at 1 false alarm a day (0.025 to 5.6), with "
        "a median delay of 4 s. By VUS-PR sigma is the best, 0.800 (0.669 to 0.895), ahead of "
        "forest (0.500, p = 0.005). This holds for the one recording tried."
    )


def test_numbers_are_said_as_the_tables_have_them():
    cells = {
        "sigma": scored(0.8, hits=199, faults=200, alarms=302, hours=9.9),
        "random": scored(0.1, faults=200),
    }
    found, ranking = verdict(cells, budget=800.0)
    row = ranking.rows[0]
    first = found["sentence"].partition(". By VUS-PR")[0]
    assert row["false_alarms_per_day"] == pytest.approx(732.1, rel=1e-3)
    shown = (
        percent(row["event_recall"]),
        rate(row["false_alarms_per_day"]),
        *(rate(end) for end in row["false_alarms_per_day_ci"]),
        seconds(row["delay_median_s"]),
    )
    assert shown[:2] == (">99 %", "730")
    assert [one for one in shown if one not in first] == []


def test_detectors_that_cannot_be_told_apart_are_said_so():
    found, ranking = verdict(
        {"sigma": scored(0.80), "forest": scored(0.79, seed=1), "random": scored(0.1)}
    )
    p = ranking.difference("sigma", "forest").p_value
    needed = found["comparison"]["faults_needed"]
    assert p > 0.05
    assert found["sentence"].startswith(
        "sigma finds 90 % of the faults (70 % to 97 %) at 1 false alarm a day (0.025 to 5.6), with "
        "a median delay of 4 s. By VUS-PR sigma and forest cannot be told apart (0.800 and 0.790, "
        f"p = {p:.2g}; about "
    )
    stated = re.search(r"about ([\d,]+) more such faults", found["sentence"])
    assert int(stated[1].replace(",", "")) == pytest.approx(needed, rel=0.05)
    assert "more such faults would tell them apart). This holds" in found["sentence"]
    assert [row["group"] for row in ranking.rows] == [1, 1, 2]


def test_of_several_the_first_is_compared_with_each():
    cells = {name: scored(0.8 - i / 200, seed=i) for i, name in enumerate(("a", "b", "c"))}
    found, _ = verdict({**cells, "random": scored(0.1)})
    assert (
        " By VUS-PR a (0.800) comes first, but b (0.795) and c (0.790) cannot be told apart from "
        "it (p" in found["sentence"]
    )
    assert "would tell a and b apart" in found["sentence"]


def test_of_detectors_not_told_apart_one_that_is_shown_to_find_more_faults_is_recommended():
    cells = {
        "forest": scored(0.80, hits=10),
        "guard": scored(0.79, hits=18, seed=1),
        "random": scored(0.1),
    }
    found, ranking = verdict(cells)
    assert ranking.rows[0]["detector"] == "forest"
    assert found["detector"] == "guard"
    assert (
        "; guard finds more faults at its frozen threshold (18 of 20, forest 10; p = 0.0078). This"
        in found["sentence"]
    )
    assert found["sentence"].startswith("guard finds 90 % of the faults")
    assert (found["comparison"]["first"], found["comparison"]["second"]) == ("forest", "guard")


def test_a_few_faults_more_that_may_be_chance_do_not_decide():
    cells = {
        "forest": scored(0.80, hits=14),
        "guard": scored(0.79, hits=18, seed=1),
        "random": scored(0.1),
    }
    found, ranking = verdict(cells)
    assert ranking.hits_p_value("guard", "forest") == 0.125  # 4 of 4 tosses
    assert found["detector"] == "forest"
    assert "finds more faults" not in found["sentence"]


def test_one_behind_another_that_is_told_apart_may_still_equal_the_best():
    # The draws of c swing so much that nothing is known of it; b is always behind a.
    cells = {
        "a": scored(0.80),
        "b": scored(0.60, seed=1),
        "c": scored(0.55, seed=2, spread=0.4),
        "random": scored(0.0),
    }
    found, ranking = verdict(cells)
    assert ranking.difference("a", "b").told_apart
    assert not ranking.difference("a", "c").told_apart
    assert " By VUS-PR a and c cannot be told apart (0.800 and 0.550, p" in found["sentence"]
    assert found["comparison"]["second"] == "c"
    check_the_sentence(found, ranking, 1.0)


def test_a_detector_of_another_group_is_not_recommended_however_many_faults_it_finds():
    found, _ = verdict(
        {
            "forest": scored(0.80, hits=14),
            "guard": scored(0.5, hits=20, seed=1),
            "random": scored(0),
        }
    )
    assert found["detector"] == "forest"


def test_one_that_breaks_the_budget_is_passed_over():
    cells = {
        "loud": scored(0.80, hits=20, alarms=30),
        "calm": scored(0.79, hits=16, seed=1),
        "random": scored(0.1),
    }
    found, _ = verdict(cells)
    assert found["detector"] == "calm"
    assert "loud raises more false alarms than the budget of 1 a day" in found["sentence"]
    assert verdict(cells, budget=40.0)[0]["detector"] == "loud"


def test_where_none_keeps_the_budget_it_is_said():
    cells = {
        "loud": scored(0.80, hits=20, alarms=30),
        "louder": scored(0.79, hits=20, alarms=60, seed=1),
        "random": scored(0.1),
    }
    found, _ = verdict(cells)
    assert found["detector"] is None
    assert found["sentence"].startswith(
        "None of loud and louder keeps the false-alarm budget of 1 a day, so none is recommended; "
        "loud raises the fewest. At its frozen threshold loud finds 100 % of the faults"
    )
    assert ", above the budget of 1), with a median delay of 4 s. By VUS-PR" in found["sentence"]


def test_the_best_is_not_recommended_if_it_breaks_the_budget_and_who_keeps_it_is_said():
    cells = {
        "loud": scored(0.80, hits=20, alarms=134),
        "calm": scored(0.50, seed=1),
        "random": scored(0.1),
    }
    found, _ = verdict(cells)
    assert found["detector"] is None
    assert found["sentence"].startswith(
        "The first by VUS-PR, loud, breaks the false-alarm budget of 1 a day and is not "
        "recommended; calm (VUS-PR 0.500) would keep it. At its frozen threshold loud finds"
    )
    assert " By VUS-PR loud is the best, 0.800 (" in found["sentence"]


def test_the_comparison_has_the_numbers_of_the_first_two():
    found, ranking = verdict(
        {"sigma": scored(0.8), "forest": scored(0.5, seed=1), "random": scored(0.1)}
    )
    low, high = found["comparison"]["ci"]
    assert found["comparison"] == {
        "first": "sigma",
        "second": "forest",
        "metric": "vus_pr",
        "difference": pytest.approx(0.3),
        "ci": (low, high),
        "p_value": ranking.difference("sigma", "forest").p_value,
        "faults": N,
        "faults_needed": 0,
    }
    assert 0 < low < 0.3 < high


def test_two_that_never_differ_are_not_separated_by_any_number_of_faults():
    same = scored(0.8)
    found, _ = verdict({"a": same, "b": same, "random": scored(0.1, seed=3)})
    assert found["comparison"]["faults_needed"] is None
    assert "p = 1.00; no number of faults in reason would tell them apart" in found["sentence"]


def curve(detector="sigma", kind="drift", **values):
    return {
        "detector": detector,
        "kind": kind,
        "channel": "temperature",
        "unit": "degC",
        "status": "ok",
        "a90_95": 1.75,
        "a90_95_sigma": 3.0,
        "delay_at_a90_s": 40.0,
    } | values


def sentence_of(*curves):
    cells = {"sigma": scored(0.8), "random": scored(0.1)}
    sentence = verdict(cells, detectability=curves)[0]["sentence"]
    return re.search(r" delay of 4 s\.(.*) By VUS-PR sigma", sentence)[1].strip()


def test_the_smallest_faults_caught_are_said_in_their_unit():
    assert sentence_of(curve(), curve("forest", a90_95=9.0)) == (
        "With 95 % confidence it catches 90 % of drifts from 1.75 degC (half of those caught "
        "within 40 s)."
    )


def test_without_curves_of_the_detector_nothing_is_said_of_sizes():
    assert sentence_of(curve("forest")) == ""
    assert sentence_of(curve(status="not_testable", a90_95=None)) == ""


def test_the_channel_that_takes_the_largest_fault_speaks_for_all():
    other = curve(channel="voltage", unit="V", a90_95=0.3, a90_95_sigma=5.0, delay_at_a90_s=None)
    assert sentence_of(curve(), other) == (
        "With 95 % confidence it catches 90 % of drifts from 0.3 V on voltage, the hardest channel."
    )


def test_a_channel_where_it_was_not_reached_is_named():
    other = curve(channel="voltage", unit="V", status="not_reached", a90_95=None)
    assert "from 1.75 degC on temperature (not shown on voltage; half" in sentence_of(
        curve(), other
    )
    again = curve(status="no_trend", a90_95=None)
    assert "from 1.75 degC (not shown in every recording; half" in sentence_of(curve(), again)


def test_kinds_not_reached_are_said_and_three_are_named():
    missed = {"status": "not_reached", "a90_95": None}
    stuck = curve(kind="stuck", unit="s", a90_95=12.0, a90_95_sigma=None, delay_at_a90_s=None)
    curves = [curve(kind="bias"), stuck, curve(kind="spike", **missed), curve(delay_at_a90_s=None)]
    assert sentence_of(*curves) == (
        "With 95 % confidence it catches 90 % of drifts from 1.75 degC and stuck values from 12 s; "
        "for spikes no size tried was shown to reach that."
    )
    assert sentence_of(curve(**missed)) == (
        "It was not shown to catch 90 % of drifts of any size tried."
    )


def test_no_delay_is_said_in_words():
    assert "(half of those caught at once)" in sentence_of(curve(delay_at_a90_s=0.0))


def test_sizes_and_delays_are_said_as_the_tables_have_them():
    said = sentence_of(curve(a90_95=7318.7, delay_at_a90_s=131.0))
    assert "from 7,320 degC (half of those caught within 2.18 min)" in said
    stuck = curve(kind="stuck", unit="s", a90_95=604.6, a90_95_sigma=None, delay_at_a90_s=None)
    assert "stuck values from 10.1 min." in sentence_of(stuck)


def test_a_rate_that_was_not_observed_is_called_extrapolated():
    found, _ = verdict({"sigma": scored(0.8), "random": scored(0.1)}, extrapolated=True, budget=2.0)
    assert found["sentence"].endswith(
        " The false-alarm rate is extrapolated: 5 clean hours of calibration are fewer than the "
        "36 that a budget of 2 a day takes; this holds for the one recording tried."
    )


def test_limits_that_no_calibration_moves_are_not_extrapolated():
    found, _ = verdict({"rules": scored(0.8), "random": scored(0.1)}, extrapolated=True, fixed=True)
    assert "extrapolated" not in found["sentence"]


def test_half_of_the_faults_missed_leaves_no_median_delay():
    found, _ = verdict({"sigma": scored(0.8, hits=10), "random": scored(0.1)})
    assert "misses half of them or more, so there is no median delay" in found["sentence"]


@pytest.mark.parametrize("baseline", [0.81, 0.79])
def test_nothing_is_recommended_that_does_not_beat_the_baselines(baseline):
    found, _ = verdict({"sigma": scored(0.8), "last_value": scored(baseline, seed=2)})
    assert found["detector"] is None
    assert found["sentence"].startswith("No detector beats the baselines: by VUS-PR the best one")
    assert f"last_value ({baseline:.3f})" in found["sentence"]


def test_a_baseline_is_never_recommended_even_when_it_is_best():
    found, ranking = verdict({"sigma": scored(0.3), "last_value": scored(0.9, seed=2)})
    assert ranking.rows[0]["detector"] == "last_value"
    assert found["detector"] is None
    assert "No detector beats the baselines" in found["sentence"]


def test_too_few_faults_tell_nothing_apart():
    found, ranking = verdict(
        {"sigma": scored(0.9, faults=4, hits=4), "random": scored(0.1, faults=4, hits=0)}
    )
    assert found["detector"] is None
    assert found["sentence"].startswith(
        "The test has 4 faults, too few to tell the detectors apart; 5 are"
    )
    assert [row["group"] for row in ranking.rows] == [1, 1]
    assert [row["vus_pr_ci"] for row in ranking.rows] == [None, None]


def test_faults_that_touch_are_counted_as_faults_and_said_to_be_one_stretch():
    found, ranking = verdict(
        {
            "sigma": scored(0.9, faults=6, hits=6, stretches=1),
            "random": scored(0.1, faults=6, hits=0, stretches=1),
        }
    )
    assert found["sentence"].startswith(
        "The test has 6 faults in 1 stretch of faulty readings, too few to tell the detectors "
        "apart; 5 stretches are the least. At its"
    )
    assert (ranking.faults, ranking.stretches) == (6, 1)


def test_faults_needed_are_faults_where_several_are_one_stretch():
    def compared(stretches):
        cells = {
            name: scored(value, seed=seed, stretches=stretches)
            for seed, (name, value) in enumerate((("a", 0.8), ("b", 0.79), ("random", 0.1)))
        }
        return verdict(cells)[0]["comparison"]

    assert (compared(10)["faults"], compared(20)["faults"]) == (20, 20)
    assert compared(10)["faults_needed"] % 2 == 0
    assert compared(10)["faults_needed"] == pytest.approx(compared(20)["faults_needed"], rel=0.15)


def test_a_detector_that_did_not_finish_is_named_with_where():
    cells = {
        (recording, name): scored(value, seed=seed)
        for recording in ("r1", "r2", "r3")
        for seed, (name, value) in enumerate((("sigma", 0.8), ("guard", 0.7), ("random", 0.1)))
    }
    cells["r2", "guard"] = scored(0, status="timeout")
    cells["r3", "guard"] = scored(0, status="failed")
    names = ["sigma", "guard", "random"]
    ranking = rank(cells, ["r1", "r2", "r3"], names, resamples=400, seed=0)
    found = judge(ranking, [{"name": name, "calibrations": []} for name in names], [], 1.0)
    assert found["detector"] == "sigma"
    assert found["sentence"].endswith(
        " guard ran out of time on r2 and failed on r3: not compared."
    )
    assert "one recording" not in found["sentence"]


def test_figures_of_one_recording_and_its_copies_are_said_to_hold_for_it_only():
    cells = {("rig", "sigma"): scored(0.8), ("rig", "random"): scored(0.1)}
    cells |= {("again", name): cell for (_, name), cell in cells.items()}
    names = ["sigma", "random"]
    detectors = [{"name": name, "calibrations": []} for name in names]

    def sentence(bases):
        ranking = rank(cells, ["rig", "again"], names, resamples=400, seed=0, bases=bases)
        return judge(ranking, detectors, [], 1.0)["sentence"]

    assert " This holds for the one recording tried (2 copies)." in sentence(
        {"rig": "x", "again": "x"}
    )
    assert "one recording" not in sentence(None)


def test_the_faults_of_several_recordings_count_together():
    cells = {
        (recording, detector): scored(value, faults=3, hits=3, seed=seed)
        for recording in "ab"
        for seed, (detector, value) in enumerate([("sigma", 0.9), ("random", 0.1)])
    }
    ranking = rank(cells, ["a", "b"], ["sigma", "random"], resamples=400, seed=0)
    assert (ranking.faults, [row["group"] for row in ranking.rows]) == (6, [1, 2])


def test_without_faults_nothing_is_compared():
    found, ranking = verdict(
        {"sigma": scored(0.0, faults=0, hits=0), "random": scored(0.0, faults=0, hits=0)}
    )
    assert found["sentence"].startswith("No reading of the test shows a fault")
    assert ranking.rows[0]["mean_rank"] is None


def test_detectors_that_all_failed_are_named_with_their_reasons():
    found, ranking = verdict({"sigma": scored(0, status="failed"), "random": scored(0.1)})
    assert found == {
        "detector": None,
        "sentence": "No detector finished: sigma: RuntimeError: it broke.",
        "comparison": None,
    }
    assert [row["detector"] for row in ranking.rows] == ["random", "sigma"]
    assert [row["mean_rank"] for row in ranking.rows] == [1.0, 2.0]


def test_only_baselines_leave_nothing_to_recommend():
    found, _ = verdict({"random": scored(0.1), "never": scored(0.1, seed=1)})
    assert found["detector"] is None
    assert "No detector but the baselines was tried" in found["sentence"]


def test_a_detector_that_failed_on_one_recording_is_not_ranked_on_the_others():
    cells = {
        ("a", "sigma"): scored(0.9),
        ("b", "sigma"): scored(0, status="timeout"),
        ("a", "random"): scored(0.1),
        ("b", "random"): scored(0.1),
    }
    rows = rank(cells, ["a", "b"], ["sigma", "random"], resamples=400, seed=0).rows
    assert [row["detector"] for row in rows] == ["random", "sigma"]
    assert (rows[1]["vus_pr"], rows[1]["group"], rows[1]["failed"]) == (None, None, 1)
    assert [row["mean_rank"] for row in rows] == [1.5, 1.5]
    assert rows[1]["note"] == "ran out of time on b"
    # Of another recording than those of the others: nothing to compare.
    pooled = ("event_recall", "event_f1", "false_alarms_per_day", "delay_median_s")
    assert [rows[1][name] for name in pooled] == [None] * 4
    assert rows[0]["note"] is None


def test_recordings_are_resampled_as_well():
    def interval(second):
        cells = {("a", "sigma"): scored(0.9), ("b", "sigma"): scored(second, seed=3)}
        low, high = rank(cells, ["a", "b"], ["sigma"], resamples=400, seed=0).rows[0]["vus_pr_ci"]
        return high - low

    assert interval(0.3) > 2 * interval(0.9)


def any_cells(rng):
    """A table of detectors of random worth; some fail, some are alike."""
    names = [*"abcde"[: rng.integers(1, 6)], "random", "last_value"]
    level = rng.uniform(0.2, 0.9, len(names))
    alike = rng.random(len(names)) < 0.5
    level = np.where(alike, 0.7 + rng.normal(0, 0.01, len(names)), level)
    level[-2:] *= rng.choice([0.1, 1.0])
    return {
        name: scored(
            float(level[i]),
            hits=int(rng.integers(0, N + 1)),
            alarms=int(rng.integers(0, 40)),
            seed=i,
            spread=float(rng.uniform(0.005, 0.1)),
            status="failed" if rng.random() < 0.1 else "ok",
        )
        for i, name in enumerate(names)
    }


def beaten_by_a_baseline(ranking, name):
    return any(
        ranking.difference(name, row["detector"]).interval[0] <= 0
        for row in ranking.rows
        if row["baseline"] and row["vus_pr"] is not None
    )


def check_the_sentence(found, ranking, budget):
    """Compare each claim of a verdict with the figures behind it."""
    rows = {row["detector"]: row for row in ranking.rows}
    text = found["sentence"]
    own = [r for r in ranking.rows if not r["baseline"] and r["vus_pr"] is not None]
    chosen = found["detector"]
    for row in ranking.rows:
        if row["failed"] and not row["baseline"] and own:
            assert re.search(rf"{row['detector']} failed on rig\b.*: not compared\.$", text)
    if chosen is None and "No detector" in text:
        return
    best = own[0]
    equals = [
        r["detector"]
        for r in own[1:]
        if ranking.difference(best["detector"], r["detector"]).p_value >= 0.05
    ]
    if chosen is None:  # none of the best keeps the budget
        assert all(
            rows[name]["false_alarms_per_day_ci"][0] > budget
            for name in (best["detector"], *equals)
            if not beaten_by_a_baseline(ranking, name)
        )
        first = text.partition(". At its frozen threshold ")[0]
        assert "not recommended" in first or "none is recommended" in first
        if would := re.search(r"; (\w+) \(VUS-PR \S+\) would keep it", text):
            assert rows[would[1]]["false_alarms_per_day_ci"][0] <= budget
        return
    assert chosen in (best["detector"], *equals)
    assert not rows[chosen]["baseline"]
    assert ("is the best" in text) == (not equals)
    assert ("cannot be told apart" in text) == bool(equals)
    if equals:
        told = text.partition(" By VUS-PR ")[2]
        for name in equals:
            p = ranking.difference(best["detector"], name).p_value
            assert p >= 0.05
            assert p_words(p) in told
    assert not beaten_by_a_baseline(ranking, chosen)
    assert text.startswith(f"{chosen} finds {percent(rows[chosen]['event_recall'])} of")
    if "finds more faults" in text:
        than = re.search(r"frozen threshold \((\d+) of 20, (\w+) (\d+); p", text)
        assert int(than[1]) == round(20 * rows[chosen]["event_recall"]) > int(than[3])
        assert ranking.hits_p_value(chosen, than[2]) < 0.05
    assert rows[chosen]["false_alarms_per_day_ci"][0] <= budget
    assert "above the budget" not in text
    keeping = [
        name
        for name in (best["detector"], *equals)
        if rows[name]["false_alarms_per_day_ci"][0] <= budget
        and not beaten_by_a_baseline(ranking, name)
    ]
    for name in keeping:
        if rows[name]["event_recall"] > rows[chosen]["event_recall"]:
            assert ranking.hits_p_value(name, keeping[0]) >= 0.05
    stated = re.search(r"at (\S+) false alarm", text)
    assert float(stated[1]) == pytest.approx(rows[chosen]["false_alarms_per_day"], rel=0.05)


def test_every_claim_of_the_sentence_is_backed_by_the_figures():
    rng = np.random.default_rng(8)
    seen = dict.fromkeys(
        (
            "is the best",
            "cannot be told apart",
            "finds more faults",
            "No detector",
            "not recommended",
            "none is recommended",
            "would keep it",
            "not compared",
        ),
        0,
    )
    for _ in range(200):
        found, ranking = verdict(any_cells(rng), budget=10.0)
        check_the_sentence(found, ranking, 10.0)
        for words in seen:
            seen[words] += words in found["sentence"]
    assert min(seen.values()) > 5, seen


@pytest.mark.parametrize(
    ("true", "false"),
    [
        ("By VUS-PR sigma and forest cannot be told apart", "By VUS-PR sigma is the best"),
        ("finds 90 %", "finds 99 %"),
        ("at 1 false", "at 0.1 false"),
        ("p = 0.77", "p = 0.077"),
    ],
)
def test_the_check_of_the_sentence_notices_a_false_claim(true, false):
    found, ranking = verdict(
        {"sigma": scored(0.80), "forest": scored(0.79, seed=1), "random": scored(0.1)}
    )
    check_the_sentence(found, ranking, 1.0)
    assert true in found["sentence"]
    found["sentence"] = found["sentence"].replace(true, false)
    with pytest.raises(AssertionError):
        check_the_sentence(found, ranking, 1.0)
