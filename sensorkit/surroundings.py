"""Who looks on: a person in a live notebook, or nobody, as in a run and in a test."""

from __future__ import annotations

import os
import sys
from typing import Any


def quiet() -> bool:
    """Return whether nobody looks on: SENSORKIT_QUIET is set, as runs and tests do."""
    return bool(os.environ.get("SENSORKIT_QUIET"))


def in_notebook() -> bool:
    """Return whether this is the kernel of a notebook that somebody has open.

    JupyterLab and Notebook name the notebook in the environment of its kernel, VS Code in its
    namespace. papermill, nbconvert and nbval start kernels without either, and a widget made there
    would put megabytes of script into the file.
    """
    shell: Any = getattr(sys.modules.get("IPython"), "get_ipython", lambda: None)()
    if quiet() or getattr(shell, "kernel", None) is None:
        return False
    return bool(os.environ.get("JPY_SESSION_NAME")) or "__vsc_ipynb_file__" in shell.user_ns
