"""`sensorkit evaluate` of several profiles, as a user types it."""

import json
from dataclasses import asdict

import pytest

from sensorkit.cli.config import settling
from sensorkit.cli.evaluate.several import own_arguments
from sensorkit.evaluate.requirement import Requirement
from sensorkit.report.files import write_json
from sensorkit.report.running import several
from sensorkit.report.running.several import Ended

VERDICT = {"detector": "guard", "sentence": "guard is the best.\x1b[2J"}


def judged(text):
    """Return *text* as judged of a detector that finds 85 % of the faults."""
    one = Requirement.parse(text)
    facts = {"value": 0.85, "ci": [0.78, 0.92], "unit": "", "where": "", "note": ""}
    return {**asdict(one), **facts, "met": one.met_by(0.85), "shown": one.met_by(0.78)}


@pytest.fixture
def run(typing, capsys):
    """Run `sensorkit ...`; return exit code, output and errors."""
    yield typing(capsys)
    settling.current().site = None


@pytest.fixture
def asked(monkeypatch, tmp_path):
    """Evaluate nothing: remember what was asked for; weather fails, the others pass."""
    seen = {}

    def evaluate_several(configs, out, *, copies, said):
        seen.update(configs)
        found = []
        for name, config in configs.items():
            said(name, {"notebook": "01_capture", "cell": 1, "of": 3})
            if name == "weather":
                found.append(Ended(name, None, "failed", "no\x1b wind", 1, 3.0))
                continue
            folder = tmp_path / f"run-{name}"
            folder.mkdir(exist_ok=True)
            required = [judged(text) for text in config.require]
            found_sizes = [
                {
                    "detector": "guard",
                    "kind": "rapid_change",
                    "channel": "temperature",
                    "a90_95": size,
                    "a90_95_sigma": size,
                    "unit": "K",
                }
                for size in (2.5, None, 1.5)
            ]
            report = {"verdict": VERDICT, "requirements": required, "detectability": found_sizes}
            write_json(folder / "report.json", report)
            summary = {
                "event_recall": 0.9,
                "event_recall_ci": [0.8, 0.95],
                "false_alarms_per_day": 0.5,
                "false_alarms_per_day_ci": [0.1, 2.0],
            }
            write_json(folder / "run.json", {"summary": summary})
            found.append(Ended(name, folder, "passed", "", 0, 41.4))
        return found

    monkeypatch.setattr(several, "evaluate_several", evaluate_several)
    return seen


def test_each_profile_has_a_row_its_sentence_and_its_report(run, asked, tmp_path):
    code, out, err = run("evaluate", "--profile", "fermenter", "--profile", "turbofan")

    assert (code, err) == (0, "")
    lines = out.splitlines()
    assert lines[0].split() == [
        *("profile", "detector", "found", "false", "alarms/day", "smallest", "fault", "seconds")
    ]
    for line, name in zip(lines[1:3], ("fermenter", "turbofan"), strict=True):
        row = line.split("  ")
        assert [cell.strip() for cell in row if cell.strip()] == [
            *(name, "guard", "90 %", "0.5 [0.1, 2]", "rapid change of 1.5 K on temperature", "41")
        ]
    assert "fermenter: guard is the best.\\x1b[2J" in lines
    assert f"report: {tmp_path / 'run-turbofan' / 'report.html'}" in lines
    assert lines[-1] == "all runs: reports/index.html"


def test_one_that_failed_is_told_with_its_reason_and_the_exit_is_1(run, asked):
    code, out, err = run("evaluate", "--profile", "weather", "--profile", "fermenter")

    assert code == 1
    assert "weather: no\\x1b wind" in out.splitlines()
    assert err == "sensorkit: 1 of 2 runs failed: weather\n"


def test_all_is_every_shipped_profile_and_serial_monitor_is_the_first(run, asked):
    run("evaluate", "--profile", "all", "--quick")

    assert list(asked) == ["serial_monitor", "fermenter", "turbofan", "weather"]
    assert all(config.quick for config in asked.values())
    assert asked["weather"].arguments == ["evaluate", "--quick", "--profile", "weather"]


def test_in_json_it_is_a_list(run, asked):
    code, out, _ = run("evaluate", "--profile", "weather", "--profile", "fermenter", "--json")

    failed, passed = json.loads(out)
    assert code == 1
    assert (failed["profile"], failed["status"], failed["report"]) == ("weather", "failed", None)
    assert (passed["smallest"], passed["verdict"]) == (
        "rapid change of 1.5 K on temperature",
        VERDICT,
    )


def test_what_is_required_is_required_of_each(run, asked):
    two = ("--profile", "fermenter", "--profile", "turbofan")

    code, _, err = run("evaluate", *two, "--require", "guard.event_recall>=0.9")

    assert code == 1
    lines = err.splitlines()
    assert len(lines) == 4
    assert lines[0].startswith("sensorkit: fermenter: guard.event_recall>=0.9: not met: had 85 %")
    assert lines[3] == "sensorkit: turbofan: 1 of 1 requirement not met"
    assert run("evaluate", *two, "--require", "guard.event_recall>=0.7")[0] == 0


def test_one_profile_alone_runs_as_ever(run, asked, monkeypatch):
    from sensorkit.report.running import run as runs

    seen = []

    def evaluate(config, out, *, tell, follow):
        seen.append(config.profile)
        raise KeyboardInterrupt

    monkeypatch.setattr(runs, "evaluate", evaluate)

    assert run("evaluate", "--profile", "fermenter")[0] == 130
    assert (seen, asked) == (["fermenter"], {})


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (("--profile", "fermentor"), "did you mean 'fermenter'?"),
        (("--profile", "weather", "--profile", "fermentor"), "did you mean 'fermenter'?"),
        (("--profile", "weather", "--profile", "weather"), "stands there twice"),
        (("--profile", "all", "--recording", "x"), "--recording is for one run"),
        (("--profile", "all", "--base", "x"), "--base is for one run"),
        (("--profile", "all", "--dataset", "nab"), "--profile does not go with --dataset"),
    ],
)
def test_what_does_not_go_together_is_refused_before_anything_runs(run, asked, words, said):
    code, _, err = run("evaluate", *words)

    assert code == 2
    assert said in err
    assert asked == {}


def test_ctrl_c_is_said_in_a_sentence(run, monkeypatch):
    def interrupted(*_, **__):
        raise KeyboardInterrupt

    monkeypatch.setattr(several, "evaluate_several", interrupted)

    code, _, err = run("evaluate", "--profile", "all")

    assert code == 130
    assert err == "sensorkit: stopped; the runs that were not done are marked as aborted\n"


def test_the_false_alarms_of_the_site_are_those_of_the_run_and_set_goes_first(
    run, asked, tmp_path, monkeypatch
):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "sensorkit.yaml").write_text("thresholds: {false_alarms_per_day: 0.25}\n")
    two = ("--profile", "fermenter", "--profile", "turbofan")

    run("evaluate", *two)
    assert asked["fermenter"].settings == {"false_alarms_per_day": 0.25}

    run("evaluate", *two, "--set", "false_alarms_per_day=2")
    assert asked["fermenter"].settings == {"false_alarms_per_day": "2"}


def test_the_command_line_of_one_run_has_no_other_profile():
    typed = ["evaluate", "--profile=a", "--set", "seed=1", "--profile", "b", "--quick"]

    assert own_arguments(typed, "b") == [
        *("evaluate", "--set", "seed=1", "--quick", "--profile", "b")
    ]
