import signal
from pathlib import Path

import pytest

from sensorkit.errors import DetectorError, NotebookError, PlanError, RunError, UsageError
from sensorkit.report.document import problem
from sensorkit.report.files import project_root, read_json
from sensorkit.report.running import job, notebooks, run_folder
from sensorkit.report.running import run as runs
from sensorkit.report.running.job import Config
from sensorkit.report.running.notebooks import Outcome

HEALTHY = project_root() / "datasets" / "serial_monitor_healthy"
FAULTED = project_root() / "datasets" / "serial_monitor_faulted"
NOTEBOOKS = project_root() / "notebooks"


def passed(name):
    return Outcome(name, "passed", "", 1.0)


def failing_with(monkeypatch, error):
    def execute(chains, *, log_file, tell=None, follow=None):
        next(chains[1])
        if isinstance(error, BaseException):
            raise error
        return [passed("00_quickstart"), error]

    monkeypatch.setattr(notebooks, "execute", execute)


def only_run(out):
    (folder,) = (out / "runs").iterdir()
    return folder, read_json(folder / "run.json")


def test_a_run_that_passed_has_a_valid_report_pages_and_is_the_latest(tmp_path, executed):
    told = Config(arguments=["evaluate", "--set", "seed=2"], settings={"seed": "2"})

    folder = runs.evaluate(told, tmp_path)

    facts = read_json(folder / "run.json")
    assert (facts["status"], facts["reason"]) == ("passed", "")
    found = read_json(folder / "report.json")
    assert problem(found) is None
    assert found["run"]["command"] == "sensorkit evaluate --set seed=2"
    assert found["run"]["seeds"]["03_benchmark"] == 2
    assert found["run"]["parameters"]["03_benchmark"]["tolerance"] == 10
    assert (folder / "report.html").is_file()
    assert (tmp_path / "latest.txt").read_text() == f"{folder.name}\n"
    assert folder.name in (tmp_path / "index.html").read_text(encoding="utf-8")
    assert not list(folder.rglob("*.tmp"))


def test_each_notebook_of_the_chain_is_given_what_the_one_before_wrote(tmp_path, executed):
    folder = runs.evaluate(Config(recordings=(HEALTHY,), quick=True), tmp_path)

    given = {one.name: one.parameters for one in executed}
    assert list(given) == list(job.NOTEBOOKS)
    assert given["01_capture"]["recordings"] == [str(HEALTHY.resolve())]
    assert given["02_inject_faults"]["recordings"] == [str(HEALTHY)]
    assert given["03_benchmark"]["recordings"] == [str(FAULTED)]
    assert given["03_benchmark"]["out_dir"] == given["04_report"]["results"] == str(folder)
    assert given["03_benchmark"]["keep"] == str(tmp_path / "cells")


def test_finished_cells_are_kept_for_the_next_run_unless_it_is_to_be_fresh(tmp_path, executed):
    (tmp_path / "cells").mkdir()
    there = tmp_path / "cells" / "key-check.npz"
    there.touch()

    runs.evaluate(Config(), tmp_path)
    assert there.exists()

    runs.evaluate(Config(fresh=True), tmp_path)
    assert not there.exists()


def test_results_that_do_not_fit_the_schema_are_a_failed_run(tmp_path, executed, report):
    report["ranking"][0]["vus_pr"] = 1.5

    with pytest.raises(RunError, match=r"report.json: does not fit .*vus_pr: 1.5 is greater"):
        runs.evaluate(Config(), tmp_path)

    folder, facts = only_run(tmp_path)
    assert facts["status"] == "failed"
    assert "1.5 is greater" in facts["reason"]
    assert not (folder / "report.json").exists()
    assert not (folder / "report.html").exists()
    assert not (tmp_path / "latest.txt").exists()


def test_a_failed_notebook_is_a_failed_run_with_its_reason(tmp_path, monkeypatch):
    why = "02_inject_faults, cell [4]: ValueError: no"
    failing_with(monkeypatch, Outcome("02_inject_faults", "failed", why, 1.0, "ValueError", "no"))

    with pytest.raises(RunError, match=r"^02_inject_faults, cell \[4\]: ValueError: no$"):
        runs.evaluate(Config(), tmp_path)

    _, facts = only_run(tmp_path)
    assert (facts["status"], facts["reason"]) == ("failed", why)
    assert [n["status"] for n in facts["notebooks"]] == ["passed", "failed"]
    assert why in (tmp_path / "index.html").read_text(encoding="utf-8")


def test_wrong_use_that_only_a_notebook_can_see_stays_wrong_use(tmp_path, monkeypatch):
    failing_with(monkeypatch, Outcome("03_benchmark", "failed", "x", 1.0, "DetectorError", "no"))

    with pytest.raises(DetectorError, match=r"^no \(found by 03_benchmark\)$"):
        runs.evaluate(Config(), tmp_path)


@pytest.mark.parametrize(
    ("error", "status", "reason"),
    [
        (KeyboardInterrupt(), "aborted", "stopped by Ctrl+C"),
        (run_folder.Stopped(), "aborted", "stopped by SIGTERM"),
        (OSError(28, "No space left on device"), "failed", "OSError: [Errno 28] No space left"),
    ],
)
def test_run_json_says_how_a_run_was_stopped(tmp_path, monkeypatch, error, status, reason):
    failing_with(monkeypatch, error)

    with pytest.raises(type(error)):
        runs.evaluate(Config(), tmp_path)

    _, facts = only_run(tmp_path)
    assert facts["status"] == status
    assert facts["reason"].startswith(reason)


def test_sigterm_stops_a_run_as_ctrl_c_does_and_the_old_handler_comes_back(tmp_path, monkeypatch):
    before = signal.getsignal(signal.SIGTERM)

    def execute(chains, *, log_file, tell=None, follow=None):
        assert only_run(tmp_path)[1]["status"] == "running"
        signal.raise_signal(signal.SIGTERM)

    monkeypatch.setattr(notebooks, "execute", execute)
    with pytest.raises(KeyboardInterrupt):
        runs.evaluate(Config(), tmp_path)

    assert only_run(tmp_path)[1]["reason"] == "stopped by SIGTERM"
    assert signal.getsignal(signal.SIGTERM) is before


@pytest.mark.parametrize(
    ("config", "error", "sentence"),
    [
        (Config(settings={"buffr": "3"}), NotebookError, r"'buffr'; did you mean 'buffer'\?"),
        (Config(settings={"03_benchmark.hours": 1}), NotebookError, "has no parameter 'hours'"),
        (Config(settings={"04_repot.x": 1}), NotebookError, r"did you mean '04_report'\?"),
        (Config(settings={"out_dir": "x"}), NotebookError, "'out_dir' cannot be set; use --out"),
        (Config(settings={"durations": (30, "x")}), NotebookError, r"is list\[int\], had"),
        (Config(settings={"kinds": "spikes"}), PlanError, "did you mean 'spike'"),
        (Config(settings={"detectors": "forst"}), DetectorError, "did you mean 'forest'"),
        (Config(settings={"fit": "0.9"}), UsageError, "leave nothing for the test"),
        (Config(settings={"keep": "x"}), NotebookError, "'keep' cannot be set; use --out"),
        (Config(settings={"detectors": {"sigma": {"windw": 3}}}), DetectorError, "'window'"),
        (Config(settings={"detectors": {"forest": {"detector": "sigma"}}}), UsageError, "another"),
        (Config(settings={"detectability": "{size: 3}"}), UsageError, "detectability.size: unkno"),
        (Config(settings={"profiles": {"monitor": 1}}), UsageError, "unknown profile 'monitor'"),
        (Config(settings={"plans": "mixd"}), PlanError, "'mixd'"),
        (
            Config(recordings=(HEALTHY,), settings={"channels": "temp"}),
            UsageError,
            "unknown channel",
        ),
        (Config(settings={"channels": "volt"}), UsageError, "profile 'serial_monitor': unknown ch"),
        (Config(profile="monitor"), UsageError, "unknown profile 'monitor'"),
        (Config(faults="mixd"), PlanError, "'mixd'"),
        (Config(recordings=(Path("nowhere"),)), UsageError, "nowhere: is no recording"),
        (Config(recordings=(HEALTHY, HEALTHY)), UsageError, "two recordings are called"),
        (Config(recordings=(FAULTED,)), UsageError, "lies in the calibrate stretch"),
        (Config(recordings=(HEALTHY,), settings={"fit": 0.6}), UsageError, "need at least"),
    ],
)
def test_wrong_use_is_said_before_anything_is_written(tmp_path, config, error, sentence):
    with pytest.raises(error, match=sentence):
        runs.evaluate(config, tmp_path / "reports")

    assert not (tmp_path / "reports").exists()


def test_a_setting_reaches_every_notebook_that_has_it_unless_one_is_named():
    settings = {"seed": "5", "03_benchmark.seed": "6", "00_quickstart.seconds": 25}

    given = job.plan_parameters(Config(settings=settings), NOTEBOOKS)

    assert given["01_capture"]["seed"] == given["02_inject_faults"]["seed"] == 5
    assert given["03_benchmark"]["seed"] == 6
    assert given["00_quickstart"] == {"seconds": 25.0}


def test_a_file_and_the_same_said_on_the_command_line_are_one(tmp_path):
    (tmp_path / "c.yaml").write_text(
        "detectors: {long: {detector: sigma, window: 500}}\n"
        "seeds: [1, 2]\ndetectability: {sizes: 5}\nmemory_mb: 900\ntimeout_s: null\n"
    )
    said = {
        "detectors": "{long: {detector: sigma, window: 500}}",
        "seeds": "1, 2",
        "detectability": "{sizes: 5}",
        "memory_mb": "900",
        "timeout_s": "0",
    }
    said = {key: f"[{value}]" if key == "seeds" else value for key, value in said.items()}

    file = job.plan_parameters(job.asked_for(tmp_path / "c.yaml"), NOTEBOOKS)
    options = job.plan_parameters(job.asked_for(None, settings=said), NOTEBOOKS)

    assert file["02_inject_faults"] == options["02_inject_faults"]
    both = [
        job.settings_of(job.in_force(given, NOTEBOOKS)["03_benchmark"]) for given in (file, options)
    ]
    assert both[0] == both[1]
    assert both[0].timeout_s is None
    assert both[0].detectors == {"long": {"detector": "sigma", "window": 500}}


@pytest.mark.parametrize("recordings", [(), (HEALTHY,)])
def test_the_config_in_the_run_folder_asks_for_the_same_run_again(tmp_path, executed, recordings):
    asked = Config(
        recordings=recordings,
        settings={"seed": "7", "03_benchmark.buffer": "50", "detectors": "{x: {detector: sigma}}"},
        quick=True,
    )

    folder = runs.evaluate(asked, tmp_path)
    again = job.asked_for(folder / "config.yaml")

    assert again.recordings == tuple(path.resolve() for path in recordings)
    one, other = (
        job.in_force(job.plan_parameters(config, NOTEBOOKS), NOTEBOOKS) for config in (asked, again)
    )
    assert one == other
    assert other["03_benchmark"]["buffer"] == 50


def test_a_yaml_file_is_found_wherever_a_notebook_works(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)

    given = job.plan_parameters(Config(profile="my.yaml", faults="plan.yml"), NOTEBOOKS)

    assert given["01_capture"]["profile"] == str(tmp_path / "my.yaml")
    assert given["02_inject_faults"]["plan"] == str(tmp_path / "plan.yml")
