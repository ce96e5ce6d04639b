"""cases.csv: each fault and each false alarm behind the numbers of a report."""

from __future__ import annotations

from pathlib import Path

import pandas as pd

from sensorkit.errors import UsageError
from sensorkit.evaluate.evaluation import read_cases


def load_cases(run_dir: Path) -> pd.DataFrame:
    """Return the cases of a run.

    Raises
    ------
    UsageError
        If they cannot be read.
    """
    path = run_dir / "cases.csv"
    try:
        return read_cases(path)
    except (OSError, ValueError, KeyError) as error:
        reason = error.strerror if isinstance(error, OSError) else "it is not what a run writes"
        raise UsageError(f"{path}: cannot be read: {reason}") from error
