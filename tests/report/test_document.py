"""The schema of report.json takes what a run finds and nothing less."""

import json

import pytest
from jsonschema import Draft202012Validator

from sensorkit.evaluate import Settings
from sensorkit.report.document import SCHEMA, problem, read_report
from sensorkit.report.files import write_json


@pytest.fixture(scope="module")
def schema():
    return json.loads(SCHEMA.read_text(encoding="utf-8"))


def first(report, part, **wanted):
    return next(e for e in report[part] if all(e[k] == v for k, v in wanted.items()))


def test_what_a_run_may_find_fits(report, over_recordings):
    assert problem(report) is None
    assert problem(report | {"critical_difference": over_recordings}) is None
    assert problem(report | {"detectability": [], "cells": []}) is None


def test_a_part_that_is_missing_or_unknown_is_named(report):
    for part in report:
        without = {key: value for key, value in report.items() if key != part}
        assert repr(part) in problem(without)
    assert "'extra' was unexpected" in problem(report | {"extra": 1})


ENTRIES = {
    "cells": "cell",
    "results": "result",
    "detectability": "detectability",
    "ranking": "rank",
}


@pytest.mark.parametrize("part", ENTRIES)
def test_an_entry_without_one_of_its_keys_or_with_another_does_not_fit(report, schema, part):
    """The whole report would be checked sixty times; its entry alone is."""
    entry = report[part][0]
    alone = {"$ref": f"#/$defs/{ENTRIES[part]}", "$defs": schema["$defs"]}
    validator = Draft202012Validator(alone)
    assert schema["properties"][part]["items"] == {"$ref": alone["$ref"]}
    assert validator.is_valid(entry)

    for key in entry:
        without = {name: value for name, value in entry.items() if name != key}
        assert [e.message for e in validator.iter_errors(without)] == [
            f"{key!r} is a required property"
        ]
    assert "'extra' was unexpected" in next(validator.iter_errors({**entry, "extra": 1})).message


@pytest.mark.parametrize(
    ("part", "key", "value"),
    [
        ("cells", "status", "OK"),
        ("cells", "started_from", "cache"),
        ("cells", "seconds", -1.0),
        ("cells", "peak_mb", "300"),
        ("results", "range_f1", 1.2),
        ("results", "affiliation_precision", -0.1),
        ("results", "time_in_false_alarm", 24.0),
        ("results", "event_f1_ci", [0.1]),
        ("results", "vus_roc_ci", [0.1, 0.2, 0.3]),
        ("ranking", "p_value", 1.01),
        ("ranking", "p_value", -0.01),
        ("ranking", "copies", 1.5),
        ("ranking", "note", 3),
        ("results", "faults_hit_after_end", -1),
        ("detectability", "status", "reached"),
        ("detectability", "a50", 0.0),
        ("detectability", "a90_95", -1.0),
        ("detectability", "chance", 20),
        ("detectability", "sigma", 0),
        ("detectability", "fit", {"intercept": 1.0}),
        ("detectability", "points", [{"size": 1.0, "faults": 20, "hits": 3}]),
        ("detectability", "band", [{"size": 1.0, "low": 0, "probability": 0.5, "high": 1.5}]),
    ],
)
def test_a_value_of_another_kind_does_not_fit(report, part, key, value):
    report[part][0][key] = value
    assert problem(report).startswith(f"$.{part}[0].{key}")


def test_ranks_over_recordings_have_all_their_keys(over_recordings, schema):
    alone = {"$ref": "#/$defs/critical_difference", "$defs": schema["$defs"]}
    validator = Draft202012Validator(alone)
    assert validator.is_valid(over_recordings)
    assert validator.is_valid(over_recordings | {"cliques": []})
    for key in over_recordings:
        without = {name: value for name, value in over_recordings.items() if name != key}
        assert not validator.is_valid(without)


def test_a_cell_that_did_not_finish_says_why(report):
    cell = first(report, "cells", status="failed")
    for reason in (None, ""):
        cell["reason"] = reason
        assert ".reason" in problem(report)


@pytest.mark.parametrize(
    ("status", "key", "value"),
    [
        ("ok", "a90", None),
        ("ok", "fit", None),
        ("not_reached", "a90", 1.0),
        ("not_reached", "a90_95", 1.0),
        ("not_reached", "reason", None),
        ("no_trend", "a90_95", 1.0),
        ("not_testable", "reason", ""),
        ("all_found", "a90", 1.0),
    ],
)
def test_a_size_is_given_only_with_the_status_that_allows_it(report, status, key, value):
    first(report, "detectability", status=status)[key] = value
    assert f".{key}: " in problem(report)


def test_ranks_over_fewer_than_six_recordings_do_not_fit(report, over_recordings):
    over_recordings["recordings"] = 5
    assert problem(report | {"critical_difference": over_recordings}) is not None
    over_recordings |= {"recordings": 6, "cliques": [["forest"]]}
    assert problem(report | {"critical_difference": over_recordings}) is not None


@pytest.mark.parametrize(
    "change", [{"metric": "f1"}, {"faults_needed": -3}, {"faults_needed": 1.5}, {"p_value": 2}]
)
def test_a_comparison_is_of_the_ranking_and_in_whole_faults(report, change):
    report["verdict"]["comparison"] |= change
    (key,) = change
    assert problem(report).startswith(f"$.verdict.comparison.{key}")


def test_the_settings_of_the_schema_are_the_settings(schema):
    wanted = schema["$defs"]["settings"]
    given = Settings(detectability={}).to_dict({})

    assert set(given) == set(wanted["properties"]) == set(wanted["required"])
    grid = schema["$defs"]["detectability_grid"]
    assert set(given["detectability"]) == set(grid["properties"]) == set(grid["required"])


def test_every_number_of_the_new_parts_is_described(schema):
    for name in ("detectability", "critical_difference", "cell"):
        for key, value in schema["$defs"][name]["properties"].items():
            said = value.get("description") or key in {"recording", "detector", "kind", "device"}
            assert said or value == {"$ref": "#/$defs/status"} or "items" in value, f"{name}.{key}"


def test_a_report_comes_back_as_it_was_written(report, tmp_path):
    write_json(tmp_path / "report.json", report)
    assert read_report(tmp_path) == report
