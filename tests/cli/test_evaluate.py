"""`sensorkit evaluate` and `sensorkit report`, as a user types them."""

import json
import os
import signal
import subprocess
import sys
import time
from dataclasses import asdict
from pathlib import Path

import pytest

from sensorkit.evaluate.requirement import Requirement
from sensorkit.report.ci.for_ci import Copies
from sensorkit.report.files import write_json
from sensorkit.report.running import run as runs


@pytest.fixture
def run(typing, capsys):
    """Run `sensorkit ...`; return exit code, output and errors."""
    return typing(capsys)


def judged(text):
    """Return *text* as judged of a detector that finds 85 % of the faults."""
    one = Requirement.parse(text)
    return {
        **asdict(one),
        "value": 0.85,
        "ci": [0.78, 0.92],
        "unit": "",
        "where": "",
        "note": "",
        "met": one.met_by(0.85),
        "shown": one.met_by(0.78),
    }


@pytest.fixture
def asked(monkeypatch, tmp_path):
    """Evaluate nothing: remember what was asked for and leave a run that passed."""
    configs = []

    def evaluate(config, out, *, tell, follow):
        configs.append(config)
        tell("01_capture", 1, 8)
        follow("03_benchmark", 1, 8, "sigma on rig")
        folder = tmp_path / "20260131T120000Z-abcdef"
        folder.mkdir(exist_ok=True)
        write_json(folder / "run.json", {"duration_s": 41.5})
        sentence = "forest is the best.\x1b[2J"
        verdict = {"detector": "forest", "sentence": sentence}
        required = [judged(text) for text in config.require]
        write_json(folder / "report.json", {"verdict": verdict, "requirements": required})
        return folder

    monkeypatch.setattr(runs, "evaluate", evaluate)
    return configs


def test_the_verdict_and_the_path_of_the_report_are_printed(run, asked, tmp_path):
    code, out, err = run("evaluate")

    assert code == 0
    verdict, path = out.splitlines()
    assert verdict == "forest is the best.\\x1b[2J"
    assert path == f"42 s; report: {tmp_path / '20260131T120000Z-abcdef' / 'report.html'}"
    assert err == ""


def test_requirements_that_are_met_are_no_news(run, asked):
    code, out, err = run("evaluate", "--require", "forest.event_recall>=0.7")

    assert (code, err) == (0, "")
    assert len(out.splitlines()) == 2


def test_one_whose_interval_goes_beyond_is_met_and_said_to_be(run, asked):
    code, _, err = run("evaluate", "--require", "forest.event_recall>=0.8")

    assert code == 0
    assert err == (
        "sensorkit: forest.event_recall>=0.8: met, but the interval goes beyond: "
        "had 85 % [78 %, 92 %], wanted at least 80 %\n"
    )


@pytest.mark.parametrize("extra", [(), ("--json",)])
def test_what_fell_short_is_named_and_the_exit_is_1(run, asked, extra):
    short = "forest.event_recall>=0.9"

    code, out, err = run(
        "evaluate", "--require", short, "--require", "forest.event_recall>=0.7", *extra
    )

    assert code == 1
    assert err.splitlines() == [
        f"sensorkit: {short}: not met: had 85 % [78 %, 92 %], wanted at least 90 %",
        "sensorkit: 1 of 2 requirements not met",
    ]
    assert "report.html" in out
    if extra:
        assert [row["met"] for row in json.loads(out)["requirements"]] == [False, True]


def test_what_a_file_requires_and_what_the_options_require_both_hold(run, asked, tmp_path):
    (tmp_path / "c.yaml").write_text("require: [forest.event_recall>=0.7]\n")
    options = ("--require", "forest.event_recall>=0.8", "--require", "forest.event_recall>=0.7")

    run("evaluate", "--config", tmp_path / "c.yaml", *options)

    (config,) = asked
    assert config.require == ("forest.event_recall>=0.7", "forest.event_recall>=0.8")


def test_the_files_for_ci_are_asked_for_by_name(run, asked):
    run("evaluate", "--junit", "out/j.xml", "--summary", "step.md")

    (config,) = asked
    assert config.copies == Copies(Path("out/j.xml"), Path("step.md"))


def test_a_machine_gets_json(run, asked):
    code, out, _ = run("evaluate", "--json")

    assert code == 0
    assert json.loads(out)["verdict"]["detector"] == "forest"


def test_options_go_before_the_file_and_become_settings(run, asked, tmp_path):
    text = "seed: 1\nkinds: [bias]\nrecordings: [c]\nplans: [x]\nworkers: 3\n"
    (tmp_path / "c.yaml").write_text(text + "03_benchmark:\n  buffer: 50\n")

    code, _, _ = run(
        *("evaluate", "--config", tmp_path / "c.yaml", "--set", "seed=2", "--quick"),
        *("--recording", "a", "--recording", "b", "--faults", "mixed", "--workers", "2"),
    )

    assert code == 0
    (config,) = asked
    assert config.settings == {
        "seed": "2",
        "kinds": ["bias"],
        "03_benchmark.buffer": 50,
        "workers": 2,
    }
    assert config.recordings == (Path("a"), Path("b"))
    assert (config.quick, config.faults) == (True, "mixed")
    assert config.arguments[0] == "evaluate"


def test_a_file_alone_says_recordings_plan_and_devices(run, asked, tmp_path):
    (tmp_path / "c.yaml").write_text("recordings: [c]\nplan: mixed\n")
    (tmp_path / "d.yaml").write_text("profiles: {weather: 2, fermenter: 3}\n")

    run("evaluate", "--config", tmp_path / "c.yaml")
    run("evaluate", "--config", tmp_path / "d.yaml", "--fresh")
    run("evaluate", "--config", tmp_path / "d.yaml", "--profile", "serial_monitor")

    ours, devices, other = asked
    assert (ours.recordings, ours.faults) == ((tmp_path / "c",), "mixed")
    assert devices.settings == {"profiles": {"weather": 2.0, "fermenter": 3.0}}
    assert (ours.fresh, devices.fresh) == (False, True)
    assert (other.profile, other.settings) == ("serial_monitor", {})


@pytest.mark.parametrize(
    ("args", "sentence"),
    [
        (["--set", "seed"], "--set seed: KEY=VALUE is wanted"),
        (["--set", "sed=2"], "did you mean 'seed'?"),
        (["--config", "nowhere.yaml"], "nowhere.yaml: cannot be read: No such file"),
        (["--recording", "nowhere"], "nowhere: is no recording"),
        (["--profile", "serial_monitr"], "did you mean 'serial_monitor'?"),
        (["--require", "gaurd.event_recall>=0.9"], "unknown detector 'gaurd'; there are always"),
        (["--require", "guard.event_recal>=0.9"], "names no metric; did you mean 'event_recall'?"),
        (["--require", "guard.event_recall=0.9"], "'=' is no comparison; >=, <=, > or < is wanted"),
        (["--junit", "/"], "--junit /: cannot be written: Is a directory"),
    ],
)
def test_wrong_use_is_one_line_and_exit_2(run, tmp_path, args, sentence):
    code, out, err = run("evaluate", "--out", tmp_path / "reports", *args)

    assert code == 2
    assert sentence in err
    assert len(err.splitlines()) == 1
    assert out == ""
    assert not (tmp_path / "reports").exists()


@pytest.mark.parametrize("text", ["- 1\n", "a: [\n", "seed: 1\nsede: 2\n"])
def test_a_config_that_holds_a_mistake_is_one_line(run, tmp_path, text):
    (tmp_path / "c.yaml").write_text(text)

    code, _, err = run("evaluate", "--config", tmp_path / "c.yaml")

    assert code == 2
    assert err.startswith(f"sensorkit: {tmp_path / 'c.yaml'}:")
    assert len(err.splitlines()) == 1


def test_a_run_that_is_not_there_or_has_no_report_is_one_line(run, tmp_path):
    assert run("report", "--out", tmp_path)[0] == 2
    failed = tmp_path / "runs" / "20260131T120000Z-abcdef"
    failed.mkdir(parents=True)
    write_json(failed / "run.json", {"status": "failed"})

    code, _, err = run("report", failed)

    assert code == 2
    assert "has no report.json, so the run did not pass; run.json says why" in err


def processes_of(folder: Path) -> list[str]:
    """Return the command lines that name *folder*."""
    found = []
    for path in Path("/proc").glob("[0-9]*/cmdline"):
        try:
            line = path.read_bytes().replace(b"\0", b" ").decode(errors="replace")
        except OSError:
            continue
        if str(folder) in line:
            found.append(line)
    return found


@pytest.mark.slow
@pytest.mark.skipif(not Path("/proc").is_dir(), reason="looks at processes in /proc")
@pytest.mark.parametrize("how", [signal.SIGINT, signal.SIGTERM])
def test_stopping_it_leaves_one_line_no_kernel_and_a_run_marked_aborted(tmp_path, how):
    out = tmp_path / "reports"
    command = [sys.executable, "-m", "sensorkit", "evaluate", "--quick", "--out", str(out)]
    process = subprocess.Popen(
        command,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        # Kernels keep their connection files there: that is how they are found below.
        env=os.environ | {"TMPDIR": str(tmp_path)},
    )
    try:
        deadline = time.monotonic() + 60
        while not any("ipykernel" in line for line in processes_of(tmp_path)):
            assert process.poll() is None
            assert time.monotonic() < deadline
            time.sleep(0.05)
        process.send_signal(how)
        said = process.communicate(timeout=30)
    finally:
        process.kill()
        process.wait()

    assert process.returncode == 130
    assert said == ("", "sensorkit: stopped; the run is marked as aborted\n")
    (facts,) = out.glob("runs/*/run.json")
    assert json.loads(facts.read_text())["status"] == "aborted"
    assert "✗ stopped" in (out / "index.html").read_text(encoding="utf-8")
    deadline = time.monotonic() + 10
    while left := processes_of(tmp_path):
        assert time.monotonic() < deadline, left
        time.sleep(0.05)
