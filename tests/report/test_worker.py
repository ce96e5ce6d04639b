import pytest

from sensorkit.report.running import worker

JOB = {"code_cells": 2, "cell_timeout_s": 60.0}


class Cell:
    cell_type = "code"
    source = "x = 1"


@pytest.fixture
def attempts(monkeypatch):
    """Let papermill do as a list says: an exception, or a number of cells to begin first."""

    def script(*steps):
        waiting = list(steps)

        def papermill(job, progress):
            cells, error = waiting.pop(0)
            for number in range(cells):
                progress(Cell, number)
            if error is not None:
                raise error

        monkeypatch.setattr(worker, "_papermill", papermill)
        return waiting

    return script


def test_a_kernel_that_does_not_start_is_started_once_more(attempts):
    left = attempts((0, RuntimeError("Kernel died before replying")), (2, None))

    assert worker.execute(JOB, lambda answer: None) == {"status": "passed"}
    assert left == []


def test_a_kernel_that_never_starts_fails_with_its_reason(attempts):
    attempts(*[(0, RuntimeError("no free port"))] * 2)

    answer = worker.execute(JOB, lambda answer: None)

    assert answer["status"] == "failed"
    assert answer["reason"] == "before the first cell: RuntimeError: no free port"


def test_a_notebook_whose_cells_have_begun_is_not_run_again(attempts):
    left = attempts((1, RuntimeError("lost")), (2, None))

    answer = worker.execute(JOB, lambda answer: None)

    assert answer["reason"] == "cell [1]: RuntimeError: lost"
    assert len(left) == 1


def test_an_error_nobody_thought_of_is_told_and_not_swallowed(attempts, capsys):
    attempts((1, KeyError("x")))

    answer = worker.execute(JOB, lambda answer: None)

    assert answer["reason"] == "cell [1]: KeyError: 'x'"
    assert "Traceback" in capsys.readouterr().err


def test_papermill_reads_a_path_with_braces_as_it_stands():
    assert worker._literal("/a/{b}/c").format() == "/a/{b}/c"
