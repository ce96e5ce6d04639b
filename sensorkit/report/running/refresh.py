"""Execute the committed notebooks and write them back: `make notebooks`.

The same code gives the same bytes: no times, no widget state, no machine, ids and counts by
place. Cells tagged `nbval-ignore-output` keep no output.
"""

from __future__ import annotations

import json
import os
import sys
from pathlib import Path
from typing import Any

from nbclient import NotebookClient
from nbclient.exceptions import CellExecutionError
from traitlets.config import Config

from sensorkit.errors import RunError, SensorkitError
from sensorkit.report.files import project_root, write_text
from sensorkit.report.parameters import read_notebook
from sensorkit.report.running.notebooks import ENVIRONMENT

IGNORED = "nbval-ignore-output"
CELL_TIMEOUT_S = 120
KERNEL = {"display_name": "Python 3", "language": "python", "name": "python3"}


def clean(notebook: Any, stem: str) -> None:
    """Take out of *notebook* all that differs from run to run, in place."""
    notebook.metadata = {"kernelspec": KERNEL, "language_info": {"name": "python"}}
    notebook.nbformat, notebook.nbformat_minor = 4, 5
    count = 0
    for number, cell in enumerate(notebook.cells):
        cell.id = f"{stem}-{number:02}".replace("_", "-")
        tags = cell.metadata.get("tags", [])
        cell.metadata = {"tags": sorted(tags)} if tags else {}
        if cell.cell_type != "code":
            continue
        count += 1
        cell.execution_count = count
        if IGNORED in tags:
            cell.outputs = []
        for output in cell.outputs:
            if "execution_count" in output:
                output.execution_count = count


def refresh(path: Path) -> None:
    """Execute the notebook at *path* with its defaults and write it back.

    Raises
    ------
    RunError
        If a cell fails; the file stays as it was.
    """
    notebook = read_notebook(path)
    for cell in notebook.cells:
        cell.metadata.pop("execution", None)
    client = NotebookClient(
        notebook,
        timeout=CELL_TIMEOUT_S,
        kernel_name="python3",
        record_timing=False,
        coalesce_streams=True,
        resources={"metadata": {"path": str(path.parent)}},
        config=Config({"KernelManager": {"transport_encryption": "auto"}}),
    )
    try:
        client.execute(env={**os.environ, **ENVIRONMENT})
    except CellExecutionError as error:
        raise RunError(f"{path.name}: {error.ename}: {error.evalue}") from error
    clean(notebook, path.stem)
    write_text(path, json.dumps(notebook, indent=1, sort_keys=True, ensure_ascii=False) + "\n")


def _notebooks(place: Path) -> list[Path]:
    return sorted(place.glob("*.ipynb")) if place.is_dir() else [place]


def main(names: list[str]) -> int:
    """Refresh the notebooks *names*, or those in the folders *names*; return the exit code."""
    try:
        places = [Path(name) for name in names] or [project_root() / "notebooks"]
        for path in [path for place in places for path in _notebooks(place)]:
            sys.stderr.write(f"{path.name}\n")
            refresh(path)
    except SensorkitError as error:
        sys.stderr.write(f"sensorkit: {error}\n")
        return error.exit_code
    except KeyboardInterrupt:
        sys.stderr.write("sensorkit: stopped\n")
        return 130
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
