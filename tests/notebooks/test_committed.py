"""Notebooks are committed with their outputs; these tests see to it that they are whole.

nbval compares what is there: a notebook without outputs would pass in silence.
"""

import ast
import copy
import json
import re
import subprocess
import sys
from pathlib import Path

import pytest

from sensorkit.report.files import project_root
from sensorkit.report.parameters import declared, read_notebook
from sensorkit.report.running.job import GIVEN_BY_THE_DRIVER, NOTEBOOKS
from sensorkit.report.running.public import NOTEBOOK as PUBLIC

FOLDER = project_root() / "notebooks"
WRITES_A_DETECTOR = "09_own_detector"
LIFE = "10_remaining_life"
BY_HAND = ("06_own_device", "07_detectability", "08_live_monitor", WRITES_A_DETECTOR, LIFE)
PATHS = [FOLDER / f"{name}.ipynb" for name in (*NOTEBOOKS, PUBLIC, *BY_HAND)]
IGNORED = "nbval-ignore-output"
TAGS = {"parameters", IGNORED}
LINES = 15
BYTES = 100_000

every_notebook = pytest.mark.parametrize("path", PATHS, ids=lambda path: path.stem)


def code_cells(path):
    return [cell for cell in read_notebook(path).cells if cell.cell_type == "code"]


def tags(cell):
    return set(cell.metadata.get("tags", []))


def test_the_folder_holds_the_notebooks_of_the_commands_and_those_for_people_and_no_others():
    assert sorted(FOLDER.glob("*.ipynb")) == PATHS


@every_notebook
def test_every_cell_was_run_in_order(path):
    assert [c.execution_count for c in code_cells(path)] == list(
        range(1, len(code_cells(path)) + 1)
    )


@every_notebook
def test_outputs_are_there_and_none_is_an_error_a_warning_or_a_stored_figure(path):
    kinds = [output for cell in code_cells(path) for output in cell.outputs]

    assert len(kinds) >= 3
    assert {output.output_type for output in kinds} <= {"execute_result", "stream"}
    assert not [output for output in kinds if output.get("name") == "stderr"]
    assert {mime for output in kinds for mime in output.get("data", {})} <= {
        "text/plain",
        "text/html",
    }


@every_notebook
def test_a_cell_that_shows_a_value_has_it_stored_unless_its_output_is_ignored(path):
    for cell in code_cells(path):
        last = ast.parse(cell.source).body[-1]
        if IGNORED in tags(cell):
            assert cell.outputs == []
        elif isinstance(last, ast.Expr) and not _says_nothing(last):
            assert cell.outputs, cell.source


def _says_nothing(last):
    return isinstance(last.value, ast.Call) and ast.unparse(last.value.func).startswith(
        ("work.write", "results.write", "detect.save", "path.write_text")
    )


@every_notebook
def test_a_figure_is_preceded_by_a_printed_line_that_nbval_compares(path):
    cells = code_cells(path)
    shown = [n for n, cell in enumerate(cells) if IGNORED in tags(cell)]

    for n in shown:
        before = [cell for cell in cells[:n] if IGNORED not in tags(cell)][-1]
        assert "print(" in before.source
        assert before.outputs[0].output_type == "stream"


@every_notebook
def test_nothing_of_this_machine_or_run_is_stored(path):
    text = path.read_text(encoding="utf-8")
    notebook = json.loads(text)

    assert len(text) < BYTES
    assert not re.findall(r'(?<![\w.])/(?:home|root|tmp|work|Users|dev|private)/[^"\s]*', text)
    assert not re.findall(r"[A-Z]:\\\\", text)
    assert "0x7f" not in text
    assert set(notebook["metadata"]) == {"kernelspec", "language_info"}
    assert notebook["metadata"]["kernelspec"]["name"] == "python3"
    assert notebook["metadata"]["language_info"] == {"name": "python"}
    stem = path.stem.replace("_", "-")
    assert [c["id"] for c in notebook["cells"]] == [
        f"{stem}-{n:02}" for n in range(len(notebook["cells"]))
    ]


@every_notebook
def test_cells_are_short_and_only_call_the_package(path):
    for cell in code_cells(path):
        assert tags(cell) <= TAGS
        if "parameters" not in tags(cell):
            assert len(cell.source.splitlines()) <= LINES, cell.source
        nodes = list(ast.walk(ast.parse(cell.source)))
        assert "FigureWidget" not in cell.source
        assert not [n for n in nodes if isinstance(n, ast.Try)]
        # A notebook on how to write a detector shows one.
        if path.stem != WRITES_A_DETECTOR:
            assert not [n for n in nodes if isinstance(n, ast.FunctionDef | ast.ClassDef)]


@every_notebook
def test_imports_stand_in_one_cell(path):
    importing = [
        cell
        for cell in code_cells(path)
        if any(
            isinstance(node, ast.Import | ast.ImportFrom)
            for node in ast.walk(ast.parse(cell.source))
        )
    ]

    assert importing == code_cells(path)[1:2]
    assert "from sensorkit.notebook import" in importing[0].source


@every_notebook
def test_it_begins_with_a_question_and_ends_with_a_claim_that_can_fail(path):
    first, second, *_, last = read_notebook(path).cells

    assert re.match(r"# \d\d [A-Z].*\?\n", first.source)
    said = " ".join(first.source.split())
    assert "needs no hardware" in said
    assert re.search(r"\b[Tt]akes? \d+ seconds\b", said)
    assert tags(second) == {"parameters"}
    assert any(isinstance(node, ast.Assert) for node in ast.walk(ast.parse(last.source)))


@every_notebook
def test_every_parameter_is_annotated_and_explained(path):
    assert declared(path)
    for parameter in declared(path).values():
        assert len(parameter.help) >= 8, parameter


def test_parameters_that_the_driver_gives_exist():
    found = {name for path in PATHS for name in declared(path)}

    assert set(GIVEN_BY_THE_DRIVER) <= found


def test_nbval_notices_a_stored_output_that_is_not_what_the_cell_gives(tmp_path):
    notebook = json.loads(PATHS[0].read_text(encoding="utf-8"))
    small = copy.deepcopy(notebook)
    small["cells"] = [c for c in notebook["cells"] if c["cell_type"] == "code"][:1]
    small["cells"][0] |= {
        "source": "print('three frames')",
        "outputs": [{"output_type": "stream", "name": "stdout", "text": "three frames\n"}],
    }
    wrong = copy.deepcopy(small)
    wrong["cells"][0]["outputs"][0]["text"] = "four frames\n"
    for name, content in {"right": small, "wrong": wrong}.items():
        (tmp_path / f"{name}.ipynb").write_text(json.dumps(content))
    sanitize = Path(__file__).parents[1] / "nbval_sanitize.cfg"

    done = subprocess.run(
        [
            *(sys.executable, "-m", "pytest", "--nbval", "--nbval-current-env"),
            *("-p", "no:cacheprovider", f"--nbval-sanitize-with={sanitize}"),
            *("--rootdir", str(tmp_path), str(tmp_path)),
        ],
        capture_output=True,
        text=True,
        cwd=tmp_path,
    )

    assert "1 failed, 1 passed" in done.stdout, done.stdout
    assert "four frames" in done.stdout
