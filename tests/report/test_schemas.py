"""JSON Schema is loaded without the parser of IRIs."""

import subprocess
import sys

import pytest

SLOW = "rfc3987_syntax"


@pytest.mark.parametrize(
    "module", ["sensorkit.report.running.worker", "sensorkit.report.running.one_of_several"]
)
def test_a_process_of_a_run_builds_no_parser_of_iris(module: str) -> None:
    # Twenty processes a run: it took a second and more of each.
    code = f"import sys, {module}\nprint('jsonschema' in sys.modules, {SLOW!r} in sys.modules)"

    said = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)

    assert said.stdout.split() == ["True", "False"]


def test_the_parser_of_iris_can_still_be_imported() -> None:
    pytest.importorskip(SLOW)
    code = f"import sensorkit.report.schemas\nimport {SLOW}\nprint({SLOW}.__name__)"

    said = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)

    assert said.stdout.strip() == SLOW
