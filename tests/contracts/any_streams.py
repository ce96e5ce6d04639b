"""Any readings at all, for hypothesis."""

import checks
import numpy as np
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays

from sensorkit.readings import Readings, Words


@st.composite
def streams(draw):
    """Any readings of one or two devices, and where to cut them."""
    n = draw(st.integers(1, 80))
    elements = st.one_of(
        st.sampled_from([np.nan, np.inf, -np.inf, 0.0, 25.0, 25.01, 95.5]),
        st.floats(-1e3, 1e3, width=32),
    )
    values = draw(arrays.arrays(np.float64, (n, 2), elements=elements, fill=st.just(25.0)))
    steps = draw(arrays.arrays(np.int64, n, elements=st.sampled_from([0, 1, 7]), fill=st.just(1)))
    names = draw(st.lists(st.sampled_from(["a", "b", None]), min_size=n, max_size=n))
    readings = Readings.build(
        np.cumsum(steps) * checks.SECOND, values, checks.CHANNELS, device=Words.of(names)
    )
    return readings, draw(st.lists(st.integers(0, n), max_size=10))
