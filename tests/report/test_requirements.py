"""What a run was required to find is looked at before it runs, and judged when it has."""

import pytest

from sensorkit.errors import UsageError
from sensorkit.evaluate.requirement import parsed
from sensorkit.evaluate.settings import DetectabilityGrid
from sensorkit.report.document import problem
from sensorkit.report.verdict.requirement_words import (
    had,
    outcome,
    range_of,
    sentence,
    title,
    wanted,
)
from sensorkit.report.verdict.requirements import judge, look_at, unmet

UNITS = {"temperature": {"°C"}, "voltage": {"V"}}


def only(report, text):
    (row,) = judge(report, [text])
    return row


def look(*texts, grid=None, units=UNITS, detectors=("guard", "sigma")):
    look_at(
        parsed(texts),
        detectors=detectors,
        kinds={"bias", "drift"},
        units=units,
        detectability=grid,
    )


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("gaurd.vus_pr>=0.5", "unknown detector 'gaurd'; there are best, guard, sigma; did you"),
        ("guard.vus_pr.drft>=0.5", "unknown kind of fault in this run 'drft'; .* 'drift'"),
        ("guard.vus_pr.spike>=0.5", "unknown kind of fault in this run 'spike'; there are bias"),
        ("guard.a90_95.drift<=5", "measures no smallest faults, so there will be no a90_95; set"),
    ],
)
def test_what_a_run_will_not_find_out_is_refused_before_it(text, told):
    with pytest.raises(UsageError, match=told):
        look(text)


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("guard.a90_95.correlation_break<=5", "unknown kind in detectability 'correlation_break'"),
        ("guard.a90_95.drift.temp<=5", "unknown channel 'temp'; there are temperature, voltage"),
        (
            "guard.a90_95.drift<=5",
            r"different units \(V and °C\), .* as guard.a90_95.drift.temperature, or use a90_95_si",
        ),
    ],
)
def test_a_size_that_will_not_be_measured_is_refused_before_the_run(text, told):
    with pytest.raises(UsageError, match=told):
        look(text, grid=DetectabilityGrid())


def test_what_a_run_will_find_out_is_taken():
    look("best.vus_pr>=0.5", "guard.event_recall.drift>=0.5", "sigma.delay_median_s<=5")
    look(
        *("guard.a90_95.drift.voltage<=5", "guard.a90_95.stuck<=30", "guard.a90_95_sigma.spike<=5"),
        grid=DetectabilityGrid(),
    )
    look("guard.a90.drift<=5", grid=DetectabilityGrid(), units={"a": {"V"}, "b": {"V"}})
    look("guard.a90.drift<=5", grid=DetectabilityGrid(channels=("voltage",)))


def test_a_detector_called_best_cannot_be_told_from_the_recommended_one():
    with pytest.raises(UsageError, match="stands for the recommended detector, and one of yours"):
        look("best.vus_pr>=0.5", detectors=["best"])


def test_a_figure_of_the_ranking_is_held_against_its_limit_with_its_interval(report):
    (row,) = [row for row in report["ranking"] if row["detector"] == "forest"]
    value, (low, high) = row["event_recall"], row["event_recall_ci"]

    kept = only(report, f"forest.event_recall>={low - 0.01:.3f}")
    assert (kept["met"], kept["shown"], kept["value"], kept["ci"]) == (
        True,
        True,
        value,
        [low, high],
    )
    beyond = only(report, f"forest.event_recall>={(low + value) / 2:.3f}")
    assert (beyond["met"], beyond["shown"]) == (True, False)
    assert outcome(beyond) == "✓ met, but the interval goes beyond"
    short = only(report, f"forest.event_recall>={(value + high) / 2:.3f}")
    assert (short["met"], short["shown"]) == (False, False)
    assert unmet([kept, beyond, short]) == [short]


def test_the_upper_end_counts_where_less_is_better(report):
    (row,) = [row for row in report["ranking"] if row["detector"] == "sigma"]
    row |= {"false_alarms_per_day": 1.0, "false_alarms_per_day_ci": [0.0, 3.0]}

    assert only(report, "sigma.false_alarms_per_day<=3")["shown"]
    assert only(report, "sigma.false_alarms_per_day<=2")["shown"] is False
    assert not only(report, "sigma.false_alarms_per_day<1")["met"]


def test_best_is_the_recommended_detector_and_without_one_nothing_is_met(report):
    assert only(report, "best.vus_pr>=0.1")["detector"] == "forest"
    report["verdict"]["detector"] = None

    row = only(report, "best.vus_pr>=0")

    assert (row["detector"], row["value"], row["met"]) == (None, None, False)
    assert title(row) == "best.vus_pr"
    assert sentence(row) == (
        "best.vus_pr>=0: not met: no detector can be recommended, wanted at least 0.000"
    )


@pytest.mark.parametrize(
    ("text", "note"),
    [
        ("mewma.vus_pr>=0", "failed on bench-faults"),
        ("mewma.event_recall.drift<=1", "failed on bench-faults"),
        ("mewma.microseconds_per_reading<=1e9", "it did not finish"),
        ("never.delay_median_s<=1e9", "not reached"),
        ("never.event_precision<=1", "not defined"),
        ("always.a90_95.drift.voltage<=1e9", "could not be tried"),
        ("forest.a90_95.noise.voltage<=1e9", "not measured"),
        ("forest.event_recall.silence>=0", "no such fault was tried"),
        ("nobody.vus_pr>=0", "it is not among the detectors of this run"),
    ],
)
def test_a_figure_that_there_is_not_meets_nothing_and_says_why(report, text, note):
    row = only(report, text)

    assert (row["value"], row["met"], row["shown"]) == (None, False, False)
    assert row["note"] == had(row) == note


@pytest.mark.parametrize(
    ("value", "limit", "said", "asked"),
    [
        (2 / 3, 0.5, "67 %", "at least 50 %"),
        (0.8967, 0.9, "89.67 %", "at least 90 %"),
        (0.905, 0.904, "90.5 %", "at least 90.4 %"),
        (0.99, 0.995, "99 %", "at least 99.5 %"),
        (0.999, 0.99999, "99.9 %", "at least 99.999 %"),
    ],
)
def test_a_share_is_said_as_in_the_report_unless_it_would_seem_to_be_the_limit(
    value, limit, said, asked
):
    row = {"metric": "event_recall", "operator": ">=", "unit": "", "note": ""}
    row |= {"value": value, "limit": limit, "ci": [0.4171, 0.8482]}

    assert (had(row), wanted(row), range_of(row)) == (said, asked, "[42 %, 85 %]")


def test_figures_by_kind_are_those_of_the_kind(report):
    (drift,) = [
        row
        for row in report["results"]
        if (row["detector"], row["fault_kind"]) == ("sigma", "drift")
    ]
    row = only(report, "sigma.event_recall.drift>=0")

    assert (row["value"], row["ci"]) == (drift["event_recall"], drift["event_recall_ci"])


def test_on_several_recordings_each_has_to_meet_what_the_ranking_does_not_pool(report):
    mine = [r for r in report["results"] if (r["detector"], r["fault_kind"]) == ("sigma", "drift")]
    others = [dict(row, recording="other", vus_roc=row["vus_roc"] - 0.2) for row in mine]
    report["results"] += others

    row = only(report, "sigma.vus_roc.drift>=0.5")
    assert (row["value"], row["where"]) == (others[0]["vus_roc"], "other, the worst of 2")
    assert only(report, "sigma.vus_roc.drift<=1")["value"] == mine[0]["vus_roc"]
    others[0]["vus_roc"] = None
    assert only(report, "sigma.vus_roc.drift>=0")["note"] == "not defined on other"


def entries_of(report, detector, kind):
    return [e for e in report["detectability"] if (e["detector"], e["kind"]) == (detector, kind)]


def test_a_size_without_a_channel_is_that_of_the_hardest_one(report):
    temperature, voltage = entries_of(report, "forest", "drift")
    voltage["a90_95"] *= 2
    voltage["a90_95_sigma"] = temperature["a90_95_sigma"] * 2

    row = only(report, "forest.a90_95_sigma.drift<=1000")
    assert (row["value"], row["unit"]) == (voltage["a90_95_sigma"], "sigma")
    assert row["where"] == "voltage, the hardest of 2"
    assert only(report, "forest.a90_95.drift.temperature<=1000")["value"] == temperature["a90_95"]
    assert not only(report, f"forest.a90_95.drift.voltage<={temperature['a90_95'] / 9:.6f}")["met"]
    stuck = [entry["a90_95"] for entry in entries_of(report, "forest", "stuck")]
    assert only(report, "forest.a90_95.stuck<=240s")["value"] == max(stuck)


def test_a_channel_where_no_size_was_reached_is_one_that_fails(report):
    temperature, _ = entries_of(report, "forest", "drift")
    temperature |= {"status": "not_reached", "a90": None, "a90_95": None, "a90_95_sigma": None}

    row = only(report, "forest.a90_95_sigma.drift<=1000")
    assert (row["met"], row["note"]) == (False, "not reached on temperature")
    temperature |= {"status": "ok", "a90": 1.0}
    row = only(report, "forest.a90_95_sigma.drift<=1000")
    assert (row["met"], row["note"]) == (False, "not proven at any size tried on temperature")


def test_a_proven_size_is_shown_and_the_estimate_has_its_interval(report):
    _, entry = entries_of(report, "forest", "drift")

    proven = only(report, "forest.a90_95.drift.voltage<=100")
    assert (proven["met"], proven["shown"], proven["ci"]) == (True, True, None)
    estimate = only(report, f"forest.a90.drift.voltage<={entry['a90'] * 1.1}")
    assert (estimate["met"], estimate["shown"]) == (True, False)
    assert estimate["ci"] == entry["a90_ci"]
    in_sigmas = only(report, "forest.a90_sigma.drift.voltage<=100")
    assert in_sigmas["ci"] == pytest.approx([end / entry["sigma"] for end in entry["a90_ci"]])


def test_where_every_fault_was_found_the_smallest_tried_bounds_the_size_from_above_only(report):
    (entry,) = entries_of(report, "forest", "silence")
    assert entry["status"] == "all_found"

    row = only(report, "forest.a50.silence<=2")
    assert (row["met"], row["shown"], had(row)) == (True, True, "at most 1 s")
    assert not only(report, "forest.a50.silence>=0.5")["met"]


def test_time_a_reading_has_no_interval_so_nothing_is_said_to_be_shown(report):
    row = only(report, "forest.microseconds_per_reading<=1us")

    assert (row["value"], row["met"], row["shown"], range_of(row)) == (0.25, True, None, "")
    assert outcome(row) == "✓ met"


def test_a_figure_that_would_round_to_its_limit_is_written_out(report):
    report["detectors"][0]["microseconds_per_reading"] = 1.00001

    row = only(report, "forest.microseconds_per_reading<=1")

    assert sentence(row).endswith("not met: had 1.00001, wanted at most 1 µs")


def test_what_is_judged_fits_the_schema(report):
    texts = ("best.vus_pr>=0.5", "mewma.vus_pr>=0", "forest.a90.drift.voltage<=3")
    report["requirements"] = judge(report, texts)

    assert problem(report) is None
    assert wanted(report["requirements"][2]) == "at most 3 V"
    report["verdict"]["detector"] = None
    report["requirements"] = judge(report, texts)
    assert problem(report) is None
    report["requirements"][0]["met"] = None
    assert ".met" in problem(report)
