"""What others have published on C-MAPSS FD001, with its source: one prediction an engine."""

from __future__ import annotations

from typing import NamedTuple

import pandas as pd


class Published(NamedTuple):
    """A row of somebody else's table."""

    method: str
    rmse: float
    score: float | None
    """PHM08, summed over the 100 engines; None where we could not check it."""
    cap: float | None
    """Cycles at which remaining life was capped to learn; None where we could not check it."""
    source: str


PUBLISHED = (
    Published(
        "CNN",
        18.45,
        1287.0,
        None,
        "G. Sateesh Babu, P. Zhao and X.-L. Li, Deep convolutional neural network based regression "
        "approach for estimation of remaining useful life, DASFAA 2016, "
        "doi:10.1007/978-3-319-32025-0_14",
    ),
    Published(
        "LSTM",
        16.14,
        338.0,
        None,
        "S. Zheng, K. Ristovski, A. Farahat and C. Gupta, Long short-term memory network for "
        "remaining useful life estimation, ICPHM 2017, doi:10.1109/ICPHM.2017.7998311",
    ),
    Published(
        "NN (beside the DCNN)",
        14.80,
        None,
        125.0,
        "X. Li, Q. Ding and J.-Q. Sun, Remaining useful life estimation in prognostics using deep "
        "convolution neural networks, Reliability Engineering and System Safety 172, 2018, "
        "doi:10.1016/j.ress.2017.11.021",
    ),
    Published(
        "DCNN",
        12.61,
        273.7,
        125.0,
        "X. Li, Q. Ding and J.-Q. Sun, 2018, as above; the mean of several trainings",
    ),
)


def published() -> pd.DataFrame:
    """Return the published figures of FD001, the earliest first.

    A choice, not a ranking: those whose figures we could check. Protocols differ in what is not
    told: whether the true lives are capped too, how networks were selected.

    Examples
    --------
    >>> published()["rmse"].tolist()
    [18.45, 16.14, 14.8, 12.61]
    """
    return pd.DataFrame(PUBLISHED).set_index("method")
