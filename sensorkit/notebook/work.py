"""Where a notebook writes what it found, and how its tables, figures and progress bars look."""

from __future__ import annotations

import contextlib
import os
import shutil
import tempfile
import weakref
from collections.abc import Callable, Iterable, Sequence
from pathlib import Path
from typing import Any, TypeVar

import pandas as pd
import plotly.io as pio
from tqdm.auto import tqdm

from sensorkit.capture import Recording
from sensorkit.report.files import write_json
from sensorkit.surroundings import quiet

Item = TypeVar("Item")


class Work:
    """Where a notebook writes what it found.

    Attributes
    ----------
    dir : Path
        The folder it was given, or a temporary one that goes with the kernel.
    """

    def __init__(self, out_dir: str = "") -> None:
        self.dir = Path(out_dir or tempfile.mkdtemp(prefix="sensorkit-"))
        self.dir.mkdir(parents=True, exist_ok=True)
        if not out_dir:
            weakref.finalize(self, shutil.rmtree, self.dir, ignore_errors=True)

    def write(self, name: str, **values: Any) -> None:
        """Write *values* as JSON to the file *name*; a reader never sees half of it."""
        write_json(self.dir / name, values)

    def write_recordings(self, name: str, recordings: Sequence[Recording]) -> None:
        """Write down the folders of *recordings* for the next notebook."""
        self.write(name, recordings=[str(recording.dir.resolve()) for recording in recordings])


def setup(out_dir: str = "") -> Work:
    """Prepare tables and figures, and return where results go.

    Parameters
    ----------
    out_dir : str
        Folder for the results; "" is a temporary one.

    Returns
    -------
    Work
        The folder, and what writes results into it.
    """
    pd.set_option("display.precision", 3)
    pd.set_option("display.width", 100)
    pd.set_option("display.max_columns", 20)
    pd.set_option("display.max_rows", 40)
    pd.set_option("display.html.use_mathjax", False)  # what a device says is no formula
    # The figure as data: JupyterLab draws it with its own plotly, and nothing is stored twice.
    pio.renderers.default = "plotly_mimetype"
    pio.templates.default = "plotly_white"
    return Work(out_dir)


def progress(items: Iterable[Item], what: str = "", *, total: int | None = None) -> Iterable[Item]:
    """Return *items* with a progress bar; without one where SENSORKIT_QUIET is set.

    *what* stands before the bar; *total* is how many there are, where `len` does not say.

    `TQDM_DISABLE` does not reach tqdm.auto in a kernel, hence the explicit word.
    """
    bar: Iterable[Item] = tqdm(items, desc=what, total=total, disable=quiet(), leave=False)
    return bar


def progress_of(what: str) -> Callable[[int, int, str], None]:
    """Return a callback (done, of, next) that moves a progress bar called *what*.

    It is silent where `progress` is.
    """
    bar = tqdm(desc=what, disable=quiet(), leave=False)
    # The driver of the notebooks shows it on its terminal.
    where = os.environ.get("SENSORKIT_PROGRESS")

    def move(done: int, of: int, next_one: str) -> None:
        if where:
            with contextlib.suppress(OSError):
                Path(where).write_text(f"{done} {of} {next_one}\n", encoding="utf-8")
        bar.total = of
        bar.set_postfix_str(next_one, refresh=False)
        bar.update(done - bar.n)
        if done == of:
            bar.close()

    return move
