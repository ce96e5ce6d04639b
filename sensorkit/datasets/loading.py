"""From a name to the series of a public data set."""

from __future__ import annotations

import importlib
from collections.abc import Iterator
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
    module: Any = importlib.import_module(f"sensorkit.datasets.load_{name}")
    found = module.find(root)
    if not found:
        raise DataError(
            f"{root}: holds no file of {name}; {module.LAYOUT} is wanted: {data_set.homepage}"
        )
    return islice(module.read(root, found), limit)
