"""Execute one notebook with papermill in a process of its own: `python -m` with this module.

It answers `{"cell": 3, "of": 12}` when a cell begins, and last `{"status": ...}`, as
`sensorkit.report.running.child` says. What the kernel prints goes to stderr.

A process of its own, because papermill changes the working directory of the whole process.
"""

from __future__ import annotations

import sys
import traceback
from collections.abc import Callable
from pathlib import Path
from typing import Any

import sensorkit.report.schemas  # noqa: F401 - before nbclient

# isort: split
from nbclient.exceptions import CellTimeoutError, DeadKernelError
from papermill.exceptions import PapermillExecutionError
from papermill.execute import execute_notebook
from traitlets.config import Config

from sensorkit.report.running.child import serve

KERNEL_START_S = 60


class _Progress:
    """Follows the code cells, and knows whether one has begun."""

    def __init__(self, tell: Callable[[dict[str, Any]], None], code_cells: int) -> None:
        self._tell = tell
        self._of = code_cells
        self.cell = 0

    def __call__(self, cell: Any, cell_index: int) -> None:  # noqa: ARG002 - nbclient's signature
        """Be told by nbclient that *cell* begins."""
        if cell.cell_type == "code" and cell.source.strip():
            self.cell += 1
            self._tell({"cell": self.cell, "of": self._of})


def execute(job: dict[str, Any], tell: Callable[[dict[str, Any]], None]) -> dict[str, Any]:
    """Execute the notebook of *job* and return how it ended.

    A kernel that does not start is started once more: it takes a free port that another program
    may take first.
    """
    for attempt in (1, 2):
        progress = _Progress(tell, job["code_cells"])
        try:
            _papermill(job, progress)
        except PapermillExecutionError as error:
            return _failed(progress, f"{error.ename}: {error.evalue}", error.ename, error.evalue)
        except CellTimeoutError:
            return _failed(progress, f"took longer than {job['cell_timeout_s']:g} s")
        except DeadKernelError:
            return _failed(progress, "the kernel died (killed, out of memory, or it called exit)")
        except RuntimeError as error:
            if progress.cell or attempt == 2:
                return _failed(progress, f"{type(error).__name__}: {error}")
            sys.stderr.write(f"the kernel did not start ({error}); trying once more\n")
        except Exception as error:  # the border of the process: the driver must hear of it
            traceback.print_exc()
            return _failed(progress, f"{type(error).__name__}: {error}")
        else:
            return {"status": "passed"}
    raise AssertionError("unreachable")


def _failed(progress: _Progress, reason: str, ename: str = "", evalue: str = "") -> dict[str, Any]:
    where = f"cell [{progress.cell}]: " if progress.cell else "before the first cell: "
    return {"status": "failed", "reason": where + reason, "error": ename, "message": evalue}


def _papermill(job: dict[str, Any], progress: _Progress) -> None:
    execute_notebook(
        _literal(job["notebook"]),
        _literal(job["output"]),
        parameters=job["parameters"],
        cwd=str(Path(job["notebook"]).parent),
        kernel_name="python3",
        language="python",
        progress_bar=False,
        start_timeout=KERNEL_START_S,
        execution_timeout=job["cell_timeout_s"],
        coalesce_streams=True,
        record_timing=False,
        shutdown_kernel="immediate",
        on_cell_start=progress,
        # Without it each kernel warns that it talks over TCP without encryption.
        config=Config({"KernelManager": {"transport_encryption": "auto"}}),
    )


def _literal(path: str) -> str:
    """Return *path* for papermill, which formats it: a brace in a folder's name stays one."""
    return path.replace("{", "{{").replace("}", "}}")


if __name__ == "__main__":
    serve(execute, stopped=1)
