"""What a report says of the runs before it: its base, what changed, and the trend."""

import json
import shutil
import sys
from pathlib import Path

import pytest

from sensorkit.errors import UsageError
from sensorkit.report.changes import changed_figures
from sensorkit.report.changes.history import changes, look_at_base, name_base, named_run, summary
from sensorkit.report.changes.trend import TREND_RUNS
from sensorkit.report.files import read_json, write_json
from sensorkit.report.pages import page

sys.path.insert(0, str(Path(__file__).parent))
from made_runs import Limit, Runs, recording


@pytest.fixture(scope="module")
def made(tmp_path_factory):
    """Return a folder of four runs: of these data, of others, of these, and of these but noisy."""
    folder = tmp_path_factory.mktemp("made")
    pump, boiler = recording(folder), recording(folder, "boiler", seed=4)
    runs = Runs(folder / "reports", compared=True)
    runs(pump)
    runs(boiler)
    runs(pump)
    runs(pump, detectors={"limit": Limit(2.5)}, false_alarms_per_day=2000.0)
    return folder / "reports"


@pytest.fixture(autouse=True)
def few_draws(monkeypatch):
    monkeypatch.setattr(changed_figures, "RESAMPLES", 120)


@pytest.fixture
def reports(made, tmp_path):
    """Return a copy of the four runs."""
    return Path(shutil.copytree(made, tmp_path / "reports"))


def runs_of(reports):
    return sorted((reports / "runs").iterdir())


def of(run_dir):
    return changes(run_dir, read_json(run_dir / "report.json"))


def test_the_first_run_of_its_data_has_no_base(reports):
    first, other, *_ = runs_of(reports)

    assert of(first) is None
    assert of(other) is None


def test_the_base_is_the_newest_earlier_run_of_the_same_data(reports):
    first, _, third, fourth = runs_of(reports)

    assert of(third)["base"] == first.name
    assert of(fourth)["base"] == third.name
    assert of(fourth)["why"] == "the newest earlier run of the same data"


@pytest.mark.parametrize("status", ["failed", "running", "aborted"])
def test_a_run_that_did_not_pass_is_no_base(reports, status):
    first, _, third, fourth = runs_of(reports)
    write_json(third / "run.json", read_json(third / "run.json") | {"status": status})

    assert of(fourth)["base"] == first.name


@pytest.mark.parametrize("name", ["report.json", "cases.csv"])
def test_an_earlier_run_that_is_damaged_is_passed_over(reports, name):
    first, _, third, fourth = runs_of(reports)
    (third / name).write_text("{")

    assert of(fourth)["base"] == first.name


def test_without_any_readable_earlier_run_the_report_says_so(reports):
    first, _, third, _ = runs_of(reports)
    (first / "report.json").write_text("{")

    found = of(third)

    assert found["state"] == "unreadable"
    assert "none of the earlier runs of these data can be read" in found["sentence"]


def test_what_changed_is_said_in_the_report(reports):
    found = of(runs_of(reports)[3])

    assert found["state"] == "compared"
    assert found["word"] == "better and worse"
    assert "false alarms a day (was 0, is 1,100) worse" in found["sentence"]


def test_a_named_base_goes_before_the_newest(reports):
    first, *_, fourth = runs_of(reports)
    name_base(fourth, look_at_base(first.name[:17], reports))

    found = of(fourth)

    assert (found["base"], found["why"]) == (first.name, "named with --base")


def test_a_named_base_is_what_the_index_says_as_well(reports):
    _, boiler, third, fourth = runs_of(reports)
    name_base(third, look_at_base(fourth.name, reports))
    name_base(fourth, look_at_base(boiler.name, reports))

    assert read_json(third / "run.json")["summary"]["change"]["base"] == fourth.name
    told = read_json(fourth / "run.json")["summary"]
    assert "change" not in told
    assert told["detector"] == "limit"


def test_a_named_base_of_other_data_is_said_not_to_compare(reports):
    _, boiler, _, fourth = runs_of(reports)
    name_base(fourth, look_at_base(boiler.name, reports))

    found = of(fourth)

    assert found["state"] == "different"
    assert found["sentence"].startswith("Different data: not comparable.")
    assert tuple(
        row[0]
        for table in found["view"]["changed"]
        for row in table["rows"]
        if "data" not in row[0]
    )[-2:] == ("boiler", "pump-faults")
    assert found["trend"] is not None


def test_a_named_base_that_is_gone_is_said_and_breaks_nothing(reports):
    first, *_, fourth = runs_of(reports)
    name_base(fourth, look_at_base(first.name, reports))
    shutil.rmtree(first)

    found = of(fourth)

    assert found["state"] == "unreadable"
    assert f"no run {first.name!r}" in found["sentence"]


def test_a_base_in_another_folder_is_kept_by_its_place_and_not_linked(reports, tmp_path):
    first, *_, fourth = runs_of(reports)
    elsewhere = Path(shutil.copytree(first, tmp_path / "main" / "runs" / first.name))
    name_base(fourth, look_at_base(str(elsewhere), reports))

    assert read_json(fourth / "run.json")["base"] == str(elsewhere.resolve())
    assert (of(fourth)["base"], of(fourth)["href"]) == (first.name, "")


def test_a_run_is_no_base_of_itself(reports):
    fourth = runs_of(reports)[3]

    with pytest.raises(UsageError, match="is the run itself; name an earlier one"):
        name_base(fourth, look_at_base(fourth.name, reports))


def test_a_run_is_found_by_the_beginning_of_its_id(reports):
    first = runs_of(reports)[0]

    assert named_run("20260201T000000", reports) == first
    with pytest.raises(UsageError, match=r"4 runs begin with '20260201' .*give more of the id"):
        named_run("20260201", reports)
    with pytest.raises(UsageError, match="no run '2027'"):
        named_run("2027", reports)


def test_the_summary_has_what_index_and_trend_need(reports):
    report = read_json(runs_of(reports)[3] / "report.json")
    found = summary(report)

    row = report["ranking"][0]
    assert found["detector"] == row["detector"] == "limit"
    for key in ("event_recall", "false_alarms_per_day", "delay_median_s", "vus_pr"):
        assert (found[key], found[f"{key}_ci"]) == (row[key], row[f"{key}_ci"])
    assert found["data"] == [report["recordings"][0]["data_sha256"]]
    assert found["requirements"] == {"met": 0, "of": 0}


def test_the_summary_counts_requirements(report):
    report["requirements"] = [{"met": True}, {"met": False}, {"met": True}]
    assert summary(report)["requirements"] == {"met": 2, "of": 3}


def test_the_summary_of_a_run_says_what_changed(reports):
    first, _, third, fourth = runs_of(reports)

    assert "change" not in read_json(first / "run.json")["summary"]
    assert (
        read_json(third / "run.json")["summary"]["change"]["word"] == "the same to the last digit"
    )
    assert read_json(fourth / "run.json")["summary"]["change"] == {
        "base": third.name,
        "word": "better and worse",
        "before": None,
    }


def test_a_trend_runs_over_the_runs_of_the_same_data_up_to_this_one(reports):
    first, _, third, fourth = runs_of(reports)

    assert [row["id"] for row in of(fourth)["trend"]["rows"]] == [
        r.name for r in (first, third, fourth)
    ]
    assert [row["id"] for row in of(third)["trend"]["rows"]] == [first.name, third.name]


def test_a_trend_draws_each_figure_with_its_interval_and_names_its_runs(reports):
    fourth = runs_of(reports)[3]
    report = read_json(fourth / "report.json")

    figures = {figure.name: figure for figure in of(fourth)["trend"]["figures"]}

    assert list(figures) == [
        "trend-event-recall",
        "trend-false-alarms-per-day",
        "trend-delay-median-s",
        "trend-vus-pr",
        "trend-microseconds-per-reading",
    ]
    row, (trace,) = report["ranking"][0], figures["trend-event-recall"].spec["data"]
    assert trace["y"][-1] == row["event_recall"]
    low, high = row["event_recall_ci"]
    assert trace["error_y"]["array"][-1] == pytest.approx(high - row["event_recall"])
    assert trace["error_y"]["arrayminus"][-1] == pytest.approx(row["event_recall"] - low)
    assert trace["text"][-1].endswith(fourth.name)
    assert len(figures["trend-event-recall"].rows) == 3
    assert "over 3 runs, from 56 %" in figures["trend-event-recall"].alt


def test_a_trend_shows_the_last_runs_only_and_stays_quick(reports):
    first, *_, fourth = runs_of(reports)
    facts = read_json(first / "run.json")
    for number in range(40):
        other = reports / "runs" / f"20260131T0000{number:02}Z-000000"
        other.mkdir()
        told = facts | {"id": other.name, "created_at": f"2026-01-31T00:00:{number:02}.000000Z"}
        write_json(other / "run.json", told)

    rows = of(fourth)["trend"]["rows"]

    assert len(rows) == TREND_RUNS
    assert rows[-1]["id"] == fourth.name
    assert rows[0]["id"] == "20260131T000023Z-000000"


def test_a_trend_says_where_another_detector_takes_over(reports):
    third = runs_of(reports)[2]
    facts = read_json(third / "run.json")
    facts["summary"]["detector"] = "other"
    write_json(third / "run.json", facts)

    note = of(runs_of(reports)[3])["trend"]["note"]

    assert "limit first, from run 2 on of other, from run 3 on of limit" in note


def partial(values, **others):
    return page("_changes.html.j2", title="", plotly="", changes=values, **others)


def test_the_part_of_the_page_says_first_run(reports):
    assert "First run of these data" in partial(None)


def test_the_part_of_the_page_escapes_what_other_runs_say(reports):
    third, fourth = runs_of(reports)[2:]
    hostile = "<script>hacked=1</script>"
    for name in ("report.json", "results.json"):
        values = read_json(third / name)
        values["settings"]["tolerance"] = 10
        if "run" in values:
            values["run"]["versions"] = {hostile: hostile}
        write_json(third / name, values)
    facts = read_json(third / "run.json")
    facts["summary"]["detector"] = hostile
    write_json(third / "run.json", facts)

    text = partial(of(fourth))

    assert hostile not in text
    assert "&lt;script&gt;hacked=1&lt;/script&gt;" in text


def test_the_part_of_the_page_links_to_nothing_where_it_stands_alone(reports):
    found = of(runs_of(reports)[3])
    for run in runs_of(reports):
        (run / "report.html").write_text("a report")
    linked = of(runs_of(reports)[3])

    assert "href" not in partial(found, plotly_code="code")
    assert f'href="../{linked["base"]}/report.html"' in partial(linked)
    assert "href" not in partial(linked, plotly_code="code")


def test_what_a_report_says_is_never_changed_by_looking(reports):
    before = {path: path.read_bytes() for path in reports.rglob("*.json")}
    of(runs_of(reports)[3])
    assert {path: path.read_bytes() for path in reports.rglob("*.json")} == before
    json.dumps(read_json(runs_of(reports)[3] / "run.json"), allow_nan=False)
