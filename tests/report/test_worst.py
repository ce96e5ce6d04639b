"""Which misses and false alarms are the worst, and what the page shows of each."""

import json
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from sensorkit.evaluate.evaluation import cases_frame
from sensorkit.evaluate.rows import CASE_COLUMNS
from sensorkit.readings import Readings, Words
from sensorkit.report.parts import worst
from sensorkit.report.parts.examples import read_kept, write_examples
from sensorkit.report.parts.excerpts import MOST, PARTS, Excerpts, figure

START = pd.Timestamp("2026-01-01", tz="UTC")


def at(seconds):
    return (START + pd.Timedelta(seconds=seconds)).strftime("%Y-%m-%dT%H:%M:%S.%fZ")


def case(kind, start, lasts=30.0, *, what="fault", hit=False, sigma=None, **more):
    row = dict.fromkeys(CASE_COLUMNS) | {
        "case": what,
        "recording": "bench",
        "detector": "guard",
        "status": "ok",
        "device": "monitor-1",
        "start": at(start),
        "end": at(start + lasts),
        "window_end": at(start + lasts + 10),
        "threshold": 2.0,
        "peak_score": 1.0,
    }
    if what == "fault":
        row |= {"fault": int(start), "kind": kind, "channel": "temperature", "hit": hit}
        row |= {"magnitude": sigma, "magnitude_sigma": sigma, "delay_s": 3.0 if hit else np.inf}
    else:
        row |= {"alert_type": "ANOMALY_GUARD", "alert_channel": "temperature"}
    return row | more


def frame(*rows):
    return cases_frame(list(rows))


@pytest.fixture
def readings():
    n = 4000
    values = np.column_stack([np.full(n, 20.0), np.full(n, 5.0)])
    values += np.random.default_rng(3).normal(0, 0.01, values.shape)
    return Readings.build(
        START.value + np.arange(n) * 1_000_000_000, values, ["temperature", "voltage"]
    )


def test_misses_are_ordered_by_size_in_sigmas_then_by_length_and_then_by_time():
    cases = frame(
        case("stuck", 10, 90),
        case("drift", 20, sigma=-8.0),
        case("spike", 30, sigma=4.0),
        case("bias", 40, 60, sigma=4.0),
        case("stuck", 50, 120),
        case("bias", 60, sigma=20.0, hit=True),
        case("spike", 25, sigma=4.0),
        case("drift", 70, sigma=99.0, status="failed"),
        case("drift", 80, sigma=99.0, detector="sigma"),
    )

    assert worst.misses(cases, "guard")["fault"].tolist() == [20, 40, 25, 30, 50, 10]


def test_false_alarms_are_ordered_by_how_far_above_the_threshold_they_go():
    cases = frame(
        case(None, 1, what="false_alarm", peak_score=2.5),
        case(None, 2, what="false_alarm", peak_score=9.0, threshold=8.9),
        case(None, 3, what="false_alarm", peak_score=7.0),
        case(None, 4, 300, what="false_alarm", peak_score=2.5),
        case(None, 5, what="false_alarm", peak_score=None),
        case(None, 6, what="false_alarm", peak_score=2.5, end=None),
        case(None, 7, what="touching", peak_score=99.0),
    )

    order = worst.false_alarms(cases, "guard")["start"].tolist()
    assert order == [at(second) for second in (3, 6, 4, 1, 2, 5)]


def test_at_most_ten_are_kept_and_the_title_says_of_how_many(tmp_path, readings):
    cases = frame(*(case("drift", 100 + 60 * n, sigma=float(n)) for n in range(25)))
    write_examples(tmp_path, cases, "guard", {"bench": readings}, {"temperature": "°C"})

    shown = worst.worst(read_kept(tmp_path), cases, ["guard"], links=True)

    misses, alarms = shown["parts"]
    assert misses["title"] == "The 10 worst of 25 missed faults"
    assert len(misses["shown"]) == len(misses["table"]["rows"]) == 10
    assert misses["shown"][0]["figure"].caption == (
        "Drift on temperature, 24 °C (24 sigma), lasting 30 s: ✗ missed"
    )
    assert misses["shown"][0]["facts"] == (
        "fault 1540, 2026-01-01 00:25:40 UTC, highest score 1, threshold 2"
    )
    assert alarms["shown"] == []
    assert alarms["none"] == "guard raised none in the test."


def test_a_recording_of_the_run_is_linked_and_any_other_named_with_its_command(tmp_path, readings):
    run = tmp_path / "runs" / "one"
    run.mkdir(parents=True)
    cases = frame(case("drift", 100, sigma=3.0))

    def shown(folder, *, links=True):
        units = {"temperature": "°C"}
        write_examples(run, cases, "guard", {"bench": readings}, units, {"bench": folder})
        found = worst.worst(read_kept(run), cases, [], links=links)
        return found["parts"][0]["shown"][0]

    within = shown(run / "recordings" / "b 1")
    assert within["href"] == "recordings/b%201/"
    assert within["command"] == "sensorkit show 'recordings/b 1'"
    elsewhere = shown(Path("/data/my bench"))
    assert (elsewhere["href"], elsewhere["command"]) == ("", "sensorkit show '/data/my bench'")
    alone = shown(run / "recordings" / "b 1", links=False)
    assert (alone["href"], alone["command"]) == ("", "")


def test_other_detectors_are_tables_and_no_more_than_a_few(readings, tmp_path):
    names = [f"d{n}" for n in range(12)]
    cases = frame(*(case("drift", 100, sigma=3.0, detector=name) for name in ("guard", *names)))
    write_examples(tmp_path, cases, "guard", {"bench": readings}, {})

    shown = worst.worst(read_kept(tmp_path), cases, ["guard", *names], links=True)

    assert [other["summary"].split(":")[0] for other in shown["others"]] == names[:8]
    assert shown["others"][0]["summary"] == "d0: 1 of 1 missed, 0 false alarms"
    assert shown["others_cut"] == "8 of 12 other detectors; cases.csv has all."


def test_a_run_that_kept_nothing_shows_nothing(tmp_path):
    assert worst.worst(read_kept(tmp_path), frame(case("drift", 1)), [], links=True) is None


def test_an_excerpt_has_its_fault_its_alerts_and_every_spike(readings):
    values = readings.values
    values[1500, 0] = 99.0
    cases = frame(
        case("drift", 1000, 600, sigma=3.0),
        case("spike", 1400, 1, sigma=3.0, hit=True),
        case(None, 1700, what="false_alarm"),
        case(None, 3900, what="false_alarm"),
    )

    (cut,) = Excerpts(cases, "guard", {"bench": readings}, {"temperature": "°C"}).cut(cases.head(1))

    line, alerts = cut["spec"]["data"]
    assert len(line["x"]) <= 420
    assert max(y for y in line["y"] if y is not None) == 99.0
    assert alerts["x"] == [403.0, 700.0]
    assert [(shape["x0"], shape["x1"]) for shape in cut["spec"]["layout"]["shapes"]] == [
        *((0.0, 600.0), (400.0, 401.0)),
    ]
    assert len(cut["rows"]) == PARTS
    assert [row[6] for row in cut["rows"] if row[6]] == ["at 403.0", "at 700.0"]
    assert max(float(row[3]) for row in cut["rows"]) == 99.0
    assert sum(int(row[4].replace(",", "")) for row in cut["rows"]) == len(readings.time[399:2202])


def test_an_alarm_that_names_no_channel_is_drawn_where_it_is_farthest_out(readings):
    readings.values[2000:2005, 1] = 5.4
    cases = frame(case(None, 2000, 5, what="false_alarm", alert_channel=None))

    (cut,) = Excerpts(cases, "guard", {"bench": readings}, {"voltage": "V"}).cut(cases)

    assert cut["channel"] == "voltage"
    assert figure("alarm-0", "guard", cut).caption == (
        "ANOMALY_GUARD: voltage is farthest out, lasting 5 s"
    )


def test_an_alarm_without_an_end_does_not_bring_the_whole_recording():
    n = 3 * MOST
    time = START.value + np.arange(n) * 1_000_000_000
    readings = Readings.build(time, np.zeros((n, 1)), ["temperature"])
    cases = frame(case(None, 100, what="false_alarm", end=None))

    (cut,) = Excerpts(cases, "guard", {"bench": readings}, {}).cut(cases)

    assert sum(int(row[4].replace(",", "")) for row in cut["rows"]) <= MOST + 200
    assert json.dumps(cut, allow_nan=False)


def test_readings_of_another_device_are_not_drawn():
    n = 400
    time = np.repeat(START.value + np.arange(n // 2) * 1_000_000_000, 2)
    values = np.tile([1.0, 50.0], n // 2)[:, None]
    words = Words.of(["pump", "oven"] * (n // 2))
    readings = Readings.build(time, values, ["temperature"], device=words)
    cases = frame(case("drift", 100, sigma=3.0, device="oven"))

    (cut,) = Excerpts(cases, "guard", {"bench": readings}, {}).cut(cases)

    assert set(cut["spec"]["data"][0]["y"]) == {50.0}
