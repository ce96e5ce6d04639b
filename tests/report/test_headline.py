"""The verdict part of a report: four numbers, and beside each what was required of it."""

import pytest

from sensorkit.report.verdict.headline import headline
from sensorkit.report.verdict.requirements import judge


def tile(report, key):
    (found,) = [tile for tile in headline(report)["tiles"] if tile["key"] == key]
    return found


def smallest(report, kind):
    (found,) = [line for line in tile(report, "smallest")["lines"] if line["name"] == kind]
    return found


def entries_of(report, kind, detector="forest"):
    return [e for e in report["detectability"] if (e["detector"], e["kind"]) == (detector, kind)]


def test_there_are_four_numbers_of_the_recommended_detector(report):
    found = headline(report)
    (row,) = [row for row in report["ranking"] if row["detector"] == "forest"]

    assert [one["label"] for one in found["tiles"]] == [
        *("Smallest faults caught", "Median delay", "False alarms a day", "Cost per reading"),
    ]
    assert (found["mark"], found["tiles_of"]) == ("✓ Recommended: forest", "forest")
    assert tile(report, "delay_median_s")["lines"][0]["value"] == "12 s"
    assert tile(report, "delay_median_s")["lines"][0]["range"] == "[6 s, not reached]"
    assert tile(report, "microseconds_per_reading")["lines"][0]["value"] == "0.25 µs"
    assert "4,000,000 readings a second" in tile(report, "microseconds_per_reading")["note"]
    rate = tile(report, "false_alarms_per_day")["lines"][0]["value"]
    assert float(rate) == pytest.approx(row["false_alarms_per_day"], rel=0.05)


def test_without_a_recommendation_the_numbers_are_called_those_of_the_best_ranked(report):
    report["verdict"]["detector"] = None

    found = headline(report)

    assert found["mark"] == "✗ No detector can be recommended"
    assert found["tiles_of"] == "The best ranked one is forest; its numbers"


def test_a_report_that_ranks_nothing_has_no_numbers(report):
    report["verdict"]["detector"] = None
    report["ranking"] = []

    assert headline(report)["tiles"] == []


def test_a_rate_shown_to_be_above_the_budget_is_called_so(report):
    assert tile(report, "false_alarms_per_day")["note"] == "the budget was 1"
    report["settings"]["false_alarms_per_day"] = 0.01
    (row,) = [row for row in report["ranking"] if row["detector"] == "forest"]
    row["false_alarms_per_day_ci"] = [0.1, 3.0]
    assert tile(report, "false_alarms_per_day")["note"] == "above the budget of 0.01"


def test_the_smallest_fault_is_that_of_the_hardest_channel(report):
    temperature, voltage = entries_of(report, "drift")
    voltage |= {"a90_95": 0.08, "a90_95_sigma": 4.0}
    temperature |= {"a90_95": 0.6, "a90_95_sigma": 3.0}

    found = smallest(report, "drift")
    assert (found["value"], found["detail"]) == (
        "0.08 V",
        "4 sigma, on voltage, the hardest channel",
    )


def test_the_smallest_stuck_is_how_long_it_lasts(report):
    one, other = entries_of(report, "stuck")
    one["a90_95"], other["a90_95"] = 6.0, 24.0

    found = smallest(report, "stuck")
    assert (found["value"], found["detail"]) == ("24 s", "on voltage, the hardest channel")


@pytest.mark.parametrize(
    ("status", "said"),
    [
        ("not_reached", "not reached"),
        ("no_trend", "not reached"),
        ("ok", "not proven"),
        ("not_testable", "not reached"),
    ],
)
def test_a_channel_without_a_number_is_not_hidden_by_another_that_has_one(report, status, said):
    temperature, voltage = entries_of(report, "spike")
    temperature |= {"status": status, "a90_95": None, "a90_95_sigma": None}
    voltage |= {"a90_95": 0.08, "a90_95_sigma": 4.0}
    if status == "not_testable":
        said = "could not be tried"

    found = smallest(report, "spike")
    assert (found["value"], found["detail"]) == (
        said,
        "up to 4 °C on temperature; 0.08 V on voltage",
    )


def test_channels_on_which_no_size_could_be_tried_are_named_once(report):
    none = {"status": "not_testable", "largest": None, "a90_95": None, "a90_95_sigma": None}
    temperature, voltage = entries_of(report, "spike")
    temperature |= none
    voltage |= {"a90_95": 0.08, "a90_95_sigma": 4.0}

    found = smallest(report, "spike")
    assert (found["value"], found["detail"]) == (
        "could not be tried",
        "on temperature; 0.08 V on voltage",
    )

    voltage |= none
    assert smallest(report, "spike")["detail"] == "on temperature and voltage"


def test_what_was_not_measured_is_called_so_and_what_was_always_found_is_a_bound(report):
    temperature, _ = entries_of(report, "drift")
    temperature |= {"status": "all_found", "a90_95": 0.1, "a90_95_sigma": 0.5}
    report["detectability"] = [temperature]

    assert smallest(report, "spike")["value"] == "not measured"
    assert smallest(report, "drift")["value"] == "at most 0.1 °C"


def test_what_was_required_of_a_number_stands_with_it(report):
    report["requirements"] = judge(
        report,
        [
            "forest.delay_median_s<=10s",
            "best.microseconds_per_reading<=1us",
            "forest.a90_95_sigma.drift<=1000",
            "forest.event_recall.drift>=0",
            "sigma.false_alarms_per_day<=100",
        ],
    )

    (delay,) = tile(report, "delay_median_s")["lines"][0]["wanted"]
    assert (delay["met"], delay["text"]) == (False, "wanted at most 10 s: ✗ not met")
    (cost,) = tile(report, "microseconds_per_reading")["lines"][0]["wanted"]
    assert cost["text"] == "wanted at most 1 µs: ✓ met"
    assert smallest(report, "drift")["wanted"][0]["met"]
    assert smallest(report, "spike")["wanted"] == []
    assert tile(report, "false_alarms_per_day")["lines"][0]["wanted"] == []  # of another detector


def test_all_that_was_required_stands_in_a_table(report):
    assert headline(report)["requirements"] is None
    report["requirements"] = judge(report, ["forest.vus_pr>=0.1", "sigma.vus_pr>=0.99"])

    table = headline(report)["requirements"]

    assert (table["met"], table["sentence"]) == (False, "✗ 1 of 2 requirements met")
    assert [(row["title"], row["wanted"], row["outcome"]) for row in table["rows"]] == [
        ("forest.vus_pr", "at least 0.100", "✓ met"),
        ("sigma.vus_pr", "at least 0.990", "✗ not met"),
    ]
    assert not table["cut"]
    report["requirements"] = report["requirements"] * 101
    table = headline(report)["requirements"]
    assert (len(table["rows"]), table["cut"]) == (200, "; the first 200, report.json has all")
