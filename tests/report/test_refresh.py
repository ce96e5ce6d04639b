import json

import pytest

from sensorkit.errors import RunError
from sensorkit.report.running.refresh import main, refresh

PARAMETERS = "n: int = 3  # how many"


@pytest.mark.slow
def test_refreshing_twice_gives_the_same_bytes_without_a_trace_of_the_run(write_notebook):
    path = write_notebook(
        "a_b",
        PARAMETERS,
        "import os\nfor i in range(n):\n    print(i, flush=True)",
        "os.environ['SENSORKIT_QUIET']",
        "import time\ntime.time()",
    )
    notebook = json.loads(path.read_text())
    notebook["cells"][3]["metadata"]["tags"] = ["nbval-ignore-output"]
    path.write_text(json.dumps(notebook))

    refresh(path)
    once = path.read_bytes()
    refresh(path)

    assert path.read_bytes() == once
    cells = json.loads(once)["cells"]
    assert [cell["id"] for cell in cells] == ["a-b-00", "a-b-01", "a-b-02", "a-b-03"]
    assert [cell["execution_count"] for cell in cells] == [1, 2, 3, 4]
    assert cells[1]["outputs"][0]["text"] == "0\n1\n2\n"
    assert cells[2]["outputs"][0]["data"]["text/plain"] == "'1'"
    assert cells[3]["outputs"] == []
    assert cells[3]["metadata"] == {"tags": ["nbval-ignore-output"]}


def test_a_notebook_that_fails_stays_as_it_was(write_notebook, capsys):
    path = write_notebook("bad", PARAMETERS, "1 / 0")
    before = path.read_bytes()

    with pytest.raises(RunError, match=r"bad.ipynb: ZeroDivisionError: division by zero"):
        refresh(path)

    assert path.read_bytes() == before


def test_a_file_that_is_no_notebook_is_one_sentence(tmp_path, capsys):
    (tmp_path / "x.ipynb").write_text("{")

    assert main([str(tmp_path)]) == 2
    assert "sensorkit: " in capsys.readouterr().err
