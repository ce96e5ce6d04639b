import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from sensorkit.errors import NotebookError
from sensorkit.report.running.notebooks import Job, execute

PARAMETERS = 'where: str = ""  # a file to be written'


@pytest.fixture
def run(tmp_path):
    """Return a function that executes chains of (notebook, parameters[, seconds])."""

    def run(*chains, tell=None):
        jobs = [
            iter(
                [
                    Job(path, given, tmp_path / "executed" / path.name, *seconds)
                    for path, given, *seconds in chain
                ]
            )
            for chain in chains
        ]
        return execute(jobs, log_file=tmp_path / "log.txt", tell=tell)

    return run


def test_a_chain_waits_for_the_notebook_before_and_runs_in_the_notebooks_folder(
    write_notebook, run, tmp_path
):
    mark = tmp_path / "mark.txt"
    first = write_notebook(
        "first",
        PARAMETERS,
        "import pathlib, os, sys\npathlib.Path(where).write_text(os.getcwd())",
        "print('noise on stderr', file=sys.__stderr__)",
    )
    second = write_notebook(
        "second", PARAMETERS, "import pathlib\nassert pathlib.Path(where).exists()\nprint('done')"
    )
    told = []

    outcomes = run(
        [(first, {"where": str(mark)}), (second, {"where": str(mark)})],
        tell=lambda *news: told.append(news),
    )

    assert [(o.name, o.status, o.reason) for o in outcomes] == [
        ("first", "passed", ""),
        ("second", "passed", ""),
    ]
    assert mark.read_text() == str(tmp_path)
    assert told[0] == ("first", 1, 4)
    assert told[-1] == ("second", 3, 3)
    executed = json.loads((tmp_path / "executed" / "second.ipynb").read_text())
    assert executed["cells"][-1]["outputs"][0]["text"] == "done\n"
    assert "papermill" not in executed["metadata"]
    assert sorted(p.name for p in (tmp_path / "executed").iterdir()) == [
        "first.ipynb",
        "second.ipynb",
    ]


def test_a_cell_that_raises_is_named_with_its_error_and_the_notebook_is_kept(
    write_notebook, run, tmp_path
):
    bad = write_notebook(
        "bad", PARAMETERS, "x = 1", "raise ValueError('the sensor is upside down')"
    )
    after = write_notebook("after", PARAMETERS, "x = 1")

    outcomes = run([(bad, {}), (after, {})])

    assert [o.name for o in outcomes] == ["bad"]
    assert outcomes[0].reason == "bad, cell [3]: ValueError: the sensor is upside down"
    assert (outcomes[0].error, outcomes[0].message) == ("ValueError", "the sensor is upside down")
    assert [p.name for p in (tmp_path / "executed").iterdir()] == ["bad.failed.ipynb"]


def test_a_kernel_that_dies_and_a_cell_without_end_fail_and_stop_the_others(
    write_notebook, run, tmp_path
):
    dead = write_notebook("dead", PARAMETERS, "import os\nos._exit(3)")
    endless = write_notebook(
        "endless",
        PARAMETERS,
        "import os, pathlib, time\npathlib.Path(where).write_text(str(os.getpid()))",
        "time.sleep(60)",
    )
    pid_file = tmp_path / "pid.txt"

    (died,) = run([(dead, {})])
    (late,) = run([(endless, {"where": str(pid_file)}, 4.0)])

    assert died.reason.startswith("dead, cell [2]: the kernel died")
    assert late.reason in {
        "endless, cell [4]: not finished after 4 s",
        "endless, cell [4]: took longer than 4 s",
    }
    assert not is_running(int(pid_file.read_text()))
    assert not (tmp_path / "executed" / "endless.ipynb").exists()


@pytest.mark.parametrize(
    ("given", "sentence"),
    [
        ({"wher": "x"}, r"job.ipynb has no parameter 'wher'; did you mean 'where'\?"),
        ({"where": 7}, r"parameter 'where' \(a file to be written\) is str, had 7"),
        ({"where": ("a", "b")}, r"is str, had \('a', 'b'\)"),
    ],
)
def test_a_parameter_that_the_notebook_does_not_take_is_refused_before_anything_runs(
    write_notebook, run, tmp_path, given, sentence
):
    notebook = write_notebook("job", PARAMETERS, "open('ran.txt', 'w')")

    with pytest.raises(NotebookError, match=sentence):
        run([(notebook, given)])

    assert not (tmp_path / "ran.txt").exists()


def is_running(pid):
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    return "Z" not in Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0]


def wait_until(condition, seconds=20.0):
    end = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < end
        time.sleep(0.02)


DRIVER = """
import sys
from pathlib import Path
from sensorkit.report.running.notebooks import Job, execute
folder = Path(sys.argv[1])
job = Job(folder / "endless.ipynb", {"where": str(folder / "pid.txt")}, folder / "out.ipynb")
execute([iter([job])], log_file=folder / "log.txt")
"""


@pytest.mark.skipif(not Path("/proc").is_dir(), reason="looks at processes in /proc")
@pytest.mark.parametrize("how", [signal.SIGINT, signal.SIGKILL])
def test_no_kernel_outlives_a_driver_that_is_interrupted_or_killed(write_notebook, tmp_path, how):
    write_notebook(
        "endless",
        PARAMETERS,
        "import os, pathlib, time\n"
        "pathlib.Path(where + '.new').write_text(f'{os.getpid()} {os.getppid()}')\n"
        "os.replace(where + '.new', where)\n"
        "time.sleep(60)",
    )
    driver = subprocess.Popen(
        [sys.executable, "-c", DRIVER, str(tmp_path)], stderr=subprocess.DEVNULL
    )
    try:
        wait_until((tmp_path / "pid.txt").exists)
        kernel, worker = map(int, (tmp_path / "pid.txt").read_text().split())
        driver.send_signal(how)
        driver.wait(timeout=20)
        wait_until(lambda: not is_running(kernel) and not is_running(worker))
    finally:
        driver.kill()
        driver.wait()
