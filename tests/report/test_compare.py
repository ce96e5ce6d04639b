"""What changed between two runs: exactly 0 where nothing did, in words no stronger than that."""

import json
import shutil
import sys
from pathlib import Path

import numpy as np
import pytest

from sensorkit.errors import UsageError
from sensorkit.evaluate.settings import DetectabilityGrid
from sensorkit.report.changes import changed_figures, compare_page
from sensorkit.report.changes.change import ALIKE, BETTER, NOT_COMPARED, SAME, WORSE
from sensorkit.report.changes.compare import compare, overall, worse
from sensorkit.report.files import read_json, write_json

sys.path.insert(0, str(Path(__file__).parent))
import made_curves
from made_runs import Limit, Runs, recording

ELSE = ("vus_pr", "event_recall", "false_alarms_per_day", "delay_median_s")


@pytest.fixture(autouse=True)
def few_draws(monkeypatch):
    monkeypatch.setattr(changed_figures, "RESAMPLES", 120)


@pytest.fixture
def runs(tmp_path):
    return Runs(tmp_path / "reports")


@pytest.fixture(scope="module")
def pump(tmp_path_factory):
    return recording(tmp_path_factory.mktemp("pump"))


@pytest.fixture(scope="module")
def made(tmp_path_factory, pump):
    """Return runs that are only looked at: twice the same, a lower threshold, a noisy score."""
    runs = Runs(tmp_path_factory.mktemp("made") / "reports")
    return {
        "plain": runs(pump),
        "again": runs(pump),
        "low": runs(pump, detectors={"limit": Limit(2.5)}),
        "noisy": runs(pump, detectors={"limit": Limit(4.0, noise=1.0)}),
    }


@pytest.fixture
def copies(made, tmp_path):
    """Return two runs of the same that a test may change."""
    return [
        Path(shutil.copytree(made[name], tmp_path / "reports" / "runs" / made[name].name))
        for name in ("plain", "again")
    ]


def figures(comparison, detector="limit"):
    """Return the figures of a detector by their key."""
    row = next(row for row in comparison["detectors"] if row["detector"] == detector)
    return {figure["figure"]: figure for figure in row["figures"]}


def words(comparison, detector="limit"):
    return {key: figures(comparison, detector)[key]["word"] for key in ELSE}


def edited(folder, change):
    """Change report.json and the results it was made of."""
    for name in ("report.json", "results.json"):
        values = read_json(folder / name)
        change(values)
        write_json(folder / name, values)


def test_two_runs_of_one_thing_differ_by_exactly_nothing(made):
    found = compare(made["plain"], made["again"])

    for row in found["detectors"]:
        by_key = figures(found, row["detector"])
        assert {by_key[key]["word"] for key in ELSE} == {SAME}
        for key in ELSE:
            assert by_key[key]["change"] in (0.0, None)
            assert by_key[key]["ci"] in ((0.0, 0.0), None)
    assert found["sentence"].startswith("limit: every figure is the same to the last digit")
    assert (found["settings"], found["provenance"], worse(found)) == ([], [], [])


def test_a_lower_threshold_finds_more_and_costs_more_and_both_are_said(made):
    found = compare(made["plain"], made["low"])

    assert words(found) == {
        "vus_pr": SAME,  # the scores have not moved, only where they are cut
        "event_recall": BETTER,
        "false_alarms_per_day": WORSE,
        "delay_median_s": BETTER,
    }
    recall = figures(found)["event_recall"]
    assert recall["change"] == pytest.approx(recall["after"] - recall["before"])
    assert 0 < recall["ci"][0] < recall["change"] < recall["ci"][1]
    assert found["parameters"] == [{"name": "limit.threshold", "before": 4.0, "after": 2.5}]
    assert "false alarms a day (was 0, is 1,100) worse" in found["sentence"]
    assert worse(found) == ["limit: false alarms a day"]


def test_a_change_turned_round_has_its_interval_turned_round(made):
    one, other = made["plain"], made["noisy"]
    there, back = figures(compare(one, other)), figures(compare(other, one))

    for key in ("vus_pr", "event_recall", "false_alarms_per_day"):
        low, high = there[key]["ci"]
        assert back[key]["ci"] == pytest.approx((-high, -low), abs=0.012)
        assert {there[key]["word"], back[key]["word"]} in ({BETTER, WORSE}, {ALIKE})


def test_a_little_noise_cannot_be_told_apart(made, runs, pump):
    found = compare(made["plain"], runs(pump, detectors={"limit": Limit(4.0, noise=0.02)}))

    assert words(found)["event_recall"] == ALIKE
    assert words(found)["false_alarms_per_day"] == ALIKE
    low, high = figures(found)["event_recall"]["ci"]
    assert low < 0 < high
    assert worse(found) == []


def test_few_faults_give_no_interval_and_no_verdict(runs, tmp_path):
    few = recording(tmp_path, faults=3)
    found = figures(compare(runs(few), runs(few, detectors={"limit": Limit(4.0, noise=2.0)})))

    for key in ("vus_pr", "delay_median_s"):
        assert found[key]["ci"] is None
        assert found[key]["word"] in (ALIKE, NOT_COMPARED)
        assert "fewer than 5 faults" in found[key]["note"]


def test_a_median_delay_that_neither_reaches_has_no_interval(made):
    found = figures(compare(made["plain"], made["noisy"]), "random")["delay_median_s"]
    assert (found["before"], found["after"], found["ci"]) == (None, None, None)


def test_alarms_that_both_runs_raise_cancel(made, runs, pump):
    """99 alarms in common must not widen the interval of the one that is new."""
    paired = figures(
        compare(
            made["low"],
            runs(pump, detectors={"limit": Limit(2.49)}),
        )
    )["false_alarms_per_day"]
    low, high = paired["ci"]

    assert paired["before"] > 1000
    alone = 2 * 1.96 * np.sqrt(2 * paired["before"] / 0.055)  # of two Poisson counts in the time
    assert high - low < alone / 2


def test_other_data_are_not_compared_and_named(made, runs, tmp_path):
    other = recording(tmp_path, "boiler", seed=5)
    found = compare(made["plain"], runs(other))

    assert not found["comparable"]
    assert found["detectors"] == []
    assert found["sentence"].startswith("Different data: not comparable. Only the base has pump")
    assert [r["name"] for r in found["data"]["only_in_run"]] == ["boiler"]
    hashed = {
        side: found["data"][side][0]["data_sha256"] for side in ("only_in_base", "only_in_run")
    }
    assert hashed["only_in_base"] != hashed["only_in_run"]


def test_the_same_readings_under_another_name_are_the_same_data(made, runs, tmp_path):
    again = recording(tmp_path, "captured-again")

    found = compare(made["plain"], runs(again))

    assert found["comparable"]
    assert set(words(found).values()) == {SAME}


def test_recordings_are_paired_by_their_data_not_by_their_place(runs, tmp_path):
    one, other = recording(tmp_path, "a", seed=1), recording(tmp_path, "b", seed=2)

    found = compare(runs(one, other), runs(other, one))

    assert set(words(found).values()) == {SAME}


def test_a_recording_more_is_other_data(made, runs, pump, tmp_path):
    more = recording(tmp_path, "more", seed=2)
    found = compare(made["plain"], runs(pump, more))

    assert not found["comparable"]
    assert (found["data"]["only_in_base"], len(found["data"]["only_in_run"])) == ([], 1)


def test_several_recordings_are_compared_with_wider_intervals(runs, tmp_path):
    three = [recording(tmp_path, f"r{seed}", n=6000, faults=15, seed=seed) for seed in range(3)]
    noisy = {"limit": Limit(4.0, noise=1.0)}
    found = figures(compare(runs(*three), runs(*three, detectors=noisy)))

    assert found["vus_pr"]["word"] == WORSE
    assert all(found[key]["ci"][0] < found[key]["change"] < found[key]["ci"][1] for key in ELSE[:3])


def test_what_was_measured_otherwise_is_not_compared(made, runs, pump):
    found = figures(compare(made["plain"], runs(pump, tolerance=3, buffer=50)))

    assert {found[key]["word"] for key in ELSE} == {NOT_COMPARED}
    assert found["vus_pr"]["note"] == "measured otherwise: buffer changed"
    assert found["event_recall"]["note"] == "measured otherwise: tolerance changed"


def test_settings_that_changed_are_named_and_figures_still_compared(made, runs, pump):
    found = compare(made["plain"], runs(pump, false_alarms_per_day=5.0))

    assert found["settings"] == [{"name": "false_alarms_per_day", "before": 1.0, "after": 5.0}]
    assert set(words(found).values()) == {SAME}
    assert "What was asked for differs, too: false_alarms_per_day." in found["sentence"]


def test_a_group_of_settings_that_went_is_named_without_an_empty_row(made, copies):
    grid = DetectabilityGrid(kinds=("drift",)).model_dump(mode="json")
    edited(copies[0], lambda values: values["settings"].update(detectability=grid))

    names = [row["name"] for row in compare(copies[0], made["again"])["settings"]]

    assert "detectability.kinds" in names
    assert "detectability" not in names


def test_a_test_cut_elsewhere_is_compared_unpaired(made, runs, pump):
    found = figures(compare(made["plain"], runs(pump, fit=0.25)))

    for key in ("vus_pr", "false_alarms_per_day"):
        assert not found[key]["paired"]
        assert found[key]["note"] == "unpaired, so the interval is wide"
    assert found["event_recall"]["paired"]  # the faults are the same


def test_without_the_scores_vus_pr_is_compared_unpaired(made, copies):
    one, other = copies[0], made["noisy"]
    (one / "scores.npz").unlink()

    assert not figures(compare(one, other))["vus_pr"]["paired"]


def test_a_speed_is_shown_and_never_judged(copies):
    one, other = copies
    for folder, speed in ((one, 1.0), (other, 50.0)):
        edited(folder, lambda v, s=speed: v["detectors"][0].update(microseconds_per_reading=s))

    found = compare(one, other)

    speed = figures(found, read_json(one / "report.json")["detectors"][0]["name"])
    assert speed["microseconds_per_reading"]["change"] == 50.0
    assert speed["microseconds_per_reading"]["word"] == NOT_COMPARED
    assert worse(found) == []


def test_a_speed_of_another_machine_says_so(made, runs, pump):
    found = compare(made["plain"], runs(pump, machine={"system": "Linux", "cpus": 64}))

    assert figures(found)["microseconds_per_reading"]["note"] == "another machine"
    assert {"name": "machine: cpus", "before": 2, "after": 64} in found["provenance"]


def test_detectors_come_and_go(runs, pump):
    found = compare(
        runs(pump, detectors={"limit": Limit(), "old": Limit(3.9)}),
        runs(pump, detectors={"limit": Limit(), "new": Limit(3.9)}),
    )

    assert (found["came"], found["went"]) == (["new"], ["old"])


def test_a_recommended_detector_that_is_gone_is_worse(runs, pump):
    found = compare(
        runs(pump, detectors={"limit": Limit()}), runs(pump, detectors={"other": Limit()})
    )

    assert worse(found) == ["limit is gone"]
    assert "The recommendation changed from limit to other." in found["sentence"]


class Broken(Limit):
    def score(self, readings):
        raise ValueError("no more")


def test_a_detector_that_fails_now_is_worse_and_not_compared(runs, pump):
    sound = {"limit": Limit(), "other": Limit(3.9)}
    found = compare(runs(pump, detectors=sound), runs(pump, detectors=sound | {"limit": Broken()}))

    assert set(words(found).values()) == {NOT_COMPARED}
    assert any(line.startswith("limit failed on pump-faults") for line in worse(found))


def test_a_worse_detector_that_nobody_recommends_does_not_fail(runs, pump):
    found = compare(
        runs(pump, detectors={"limit": Limit(), "spare": Limit(4.0)}),
        runs(pump, detectors={"limit": Limit(), "spare": Limit(4.0, noise=3.0)}),
    )

    assert words(found, "spare")["vus_pr"] == WORSE
    assert worse(found) == []


POINTS = [
    {"size": size, "size_sigma": size, "faults": 20, "hits": hits, "excluded": 0}
    | {"delay_median_s": None}
    for size, hits in ((0.5, 1), (2.0, 18), (8.0, 20))
]


def curve(**facts):
    """Return an entry of `detectability`: a drift found 9 times in 10 from 2 bar on."""
    entry = made_curves.detectability()[0]
    return entry | {
        "recording": "pump-faults",
        "detector": "limit",
        "kind": "drift",
        "channel": "pressure",
        "device": "pump-1",
        "unit": "bar",
        "status": "ok",
        "reason": None,
        "a90": 2.0,
        "a90_ci": [1.7, 2.6],
        "a90_95": 2.4,
        "points": POINTS,
        **facts,
    }


def with_curves(folder, *entries):
    edited(folder, lambda values: values.update(detectability=list(entries)))
    return folder


@pytest.mark.parametrize(
    ("a90", "ci", "word"),
    [(2.0, [1.7, 2.6], SAME), (6.0, [5.0, 7.5], WORSE), (2.4, [1.9, 3.1], ALIKE)],
)
def test_a_smallest_fault_is_worse_only_beyond_both_intervals(copies, a90, ci, word):
    one = with_curves(copies[0], curve())
    other = with_curves(copies[1], curve(a90=a90, a90_ci=ci, a90_95=a90 * 1.2))

    found = figures(compare(one, other))["a90_95_drift"]

    assert found["name"] == "Smallest drift found on pressure"
    assert found["word"] == word
    assert found["change"] == pytest.approx(a90 / 2.0)


def test_a_curve_that_gives_no_size_any_more_is_compared_by_what_was_found(copies):
    points = [{**point, "hits": 0} for point in POINTS]
    lost = curve(status="not_reached", reason="no size", a90=None, a90_ci=None, points=points)
    one = with_curves(copies[0], curve())
    other = with_curves(copies[1], lost | {"a90_95": None, "a90_95_sigma": None})

    found = figures(compare(one, other))["a90_95_drift"]

    assert (found["word"], found["said"]) == (WORSE, ("2.4 bar", "not reached"))
    assert "found 39 of 60, now 0 of 60" in found["note"]


def test_a_run_of_a_public_set_is_refused(copies):
    one, other = copies
    write_json(other / "run.json", {"kind": "public", "dataset": "nab", "status": "passed"})

    with pytest.raises(UsageError, match=r"public benchmark 'nab'.*open the report\.html of both"):
        compare(one, other)


def test_a_run_of_an_older_version_is_refused(copies):
    one, other = copies
    edited(one, lambda values: values.update(schema_version=2))

    with pytest.raises(UsageError, match="made by an older version"):
        compare(one, other)


def test_words_of_several_figures_come_to_one():
    assert overall([SAME, NOT_COMPARED]) == SAME
    assert overall([SAME, ALIKE, BETTER, WORSE]) == "better and worse"
    assert overall([]) == NOT_COMPARED


def test_a_page_is_red_only_where_a_watched_detector_is_worse(made):
    assert compare_page.view(compare(made["plain"], made["low"]))["worse"]
    assert not compare_page.view(compare(made["plain"], made["again"]))["worse"]


def test_a_comparison_is_json(made):
    found = compare(made["plain"], made["low"])
    json.dumps(found, allow_nan=False)


def test_the_text_for_a_terminal_obeys_no_device(made):
    found = compare(made["plain"], made["again"])
    found["settings"] = [{"name": "\x1b[2Jhacked", "before": "a\nb", "after": "c\u2028d"}]

    text = compare_page.text(found)

    assert "\\x1b[2Jhacked  a\\nb -> c\\u2028d" in text
    assert "\x1b" not in text


def test_the_text_names_figures_change_and_word(made):
    text = compare_page.text(compare(made["plain"], made["low"]))

    line = next(line for line in text.splitlines() if "Faults found" in line)
    assert line.split("  ")[1] == "Faults found"
    assert "56 % -> 100 %" in line
    assert line.endswith("points  better (14 more found, 0 no longer)")


@pytest.mark.parametrize(
    ("figure", "change", "ci", "said"),
    [
        ("vus_pr", 0.0312, (-0.01, 0.07), "+0.031 [\N{MINUS SIGN}0.010, +0.070]"),
        ("vus_pr", 0.00002, (0.00001, 0.00003), "+2e-05 [+1e-05, +3e-05]"),
        ("event_recall", 0.2, (None, 0.3), "+20 [open, +30] points"),
        ("delay_median_s", -90.0, None, "\N{MINUS SIGN}1.5 min"),
        ("microseconds_per_reading", 0.25, None, "\N{MULTIPLICATION SIGN}0.25"),
    ],
)
def test_a_change_is_said_with_its_sign_and_interval(figure, change, ci, said):
    row = {"figure": figure, "change": change, "ci": ci, "word": ALIKE, "note": ""}
    assert compare_page.cell({**row, "before": 1.0, "after": 1.0})["change"] == said
