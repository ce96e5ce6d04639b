"""From a name to the series of a public data set."""

from __future__ import annotations

import csv
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from itertools import islice
from pathlib import Path
from typing import Any

from sensorkit.datasets import places
from sensorkit.datasets.cards import card
from sensorkit.datasets.series import Series
from sensorkit.errors import DataError


def load(name: str, folder: str | Path | None = None, limit: int | None = None) -> Iterator[Series]:
    r"""Read the series of a data set, one after the other.

    Parameters
    ----------
    name : str
        As in `sensorkit.datasets.names()`.
    folder : path, optional
        Where the set lies; if not given, where `sensorkit.datasets.path` finds it. A part of a
        set is read as what it is.
    limit : int, optional
        So many series at most, from the front.

    Returns
    -------
    iterator of Series
        Each file is read when its series is asked for, and in the same order every time.
        What a set has in `extra`, and what its `group` is, stands in its module,
        `sensorkit.datasets.load_<name>`.

    Raises
    ------
    DataError
        At once: an unknown name, a set that is not here, a folder that has none of its files.
        With a series: a file that is not as published, with its line.

    Examples
    --------
    A file in the layout of TSB-AD, with two rows to fit on:

    >>> import tempfile
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     file = Path(folder) / "1_Mine_id_1_Sensor_tr_2_1st_2.csv"
    ...     _ = file.write_text("Data,Label\n20.1,0\n20.2,0\n35.0,1\n20.1,0\n")
    ...     (series,) = load("tsb_ad", folder)
    >>> series.name, series.fit, series.windows.tolist()
    ('1_Mine_id_1_Sensor', 2, [[2, 2]])
    """
    data_set = card(name)
    if limit is not None and limit < 1:
        raise ValueError(f"limit is {limit}; at least one series is wanted, None for all")
    root = places.path(name) if folder is None else Path(folder)
    if not root.is_dir():
        raise DataError(f"{root}: is no folder; give the one that holds the files of {name}")
    module = places.loader(name)
    with _damage(lambda: root):
        found = module.find(root)
    if not found:
        raise DataError(
            f"{root}: holds no file of {name}; {module.LAYOUT} is wanted: {data_set.homepage}"
        )
    return islice(_read(module, root, found), limit)


def _read(module: Any, root: Path, found: Sequence[Any]) -> Iterator[Series]:
    """Yield what a loader reads; where it fails, the error names the file it was at."""
    at = root

    def handed() -> Iterator[Any]:
        nonlocal at
        for item in found:
            at = getattr(item, "path", item)
            yield item

    with _damage(lambda: at):
        yield from module.read(root, handed())


@contextmanager
def _damage(at: Callable[[], Path]) -> Iterator[None]:
    """Make a DataError of whatever a damaged file does to the code that reads it.

    A loader says itself what is wrong with a row, with its line. This is for what it did not think
    of, and for what `Series` and `Readings` refuse.
    """
    try:
        yield
    except (ValueError, TypeError, LookupError, ArithmeticError, OSError, csv.Error) as error:
        told = " ".join(str(error).split()) or type(error).__name__
        raise DataError(f"{at()}: is damaged or another file: {told}") from error
    except RecursionError as error:
        raise DataError(f"{at()}: is damaged or another file: it is nested too deeply") from error
