"""Every registered detector keeps every promise, or says on its class which not, and why."""

import copy
import functools
import subprocess
import sys

import checks
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays

from sensorkit import detect
from sensorkit.profile import Profile
from sensorkit.readings import Readings, Words

PROFILE = Profile.load("serial_monitor")


@functools.cache
def fitted(name: str):
    return detect.make(name, profile=PROFILE).fit(checks.healthy(500, seed=99))


def ready(name: str):
    return lambda: copy.deepcopy(fitted(name))


@pytest.mark.parametrize("check", checks.CHECKS, ids=lambda check: check.__name__)
@pytest.mark.parametrize("name", detect.names())
def test_every_detector_keeps(name, check):
    reason = fitted(name).contract_exceptions.get(check.__name__)
    if reason is not None:
        pytest.skip(f"{name}: {reason}")
    check(ready(name))


@pytest.mark.parametrize("name", detect.names())
def test_an_exception_names_a_promise_and_a_reason(name):
    known = {check.__name__ for check in checks.CHECKS}
    for check, reason in fitted(name).contract_exceptions.items():
        assert check in known
        assert reason


def test_every_promise_is_a_sentence():
    for check in checks.CHECKS:
        assert check.__doc__.splitlines()[0].endswith("."), check.__name__


IN_ANOTHER_PROCESS = """
import sys
import numpy as np
from sensorkit import detect
from sensorkit.readings import Readings

data = np.load(sys.argv[1])
readings = Readings.build(data["time"], data["values"], ("temperature", "voltage"))
for path in sys.argv[2:]:
    print(detect.load(path).score(readings).tobytes().hex())
"""


def test_detectors_loaded_in_another_process_score_the_same_to_the_last_bit(tmp_path):
    data, readings = tmp_path / "data.npz", checks.faulty(device="device")
    np.savez(data, time=readings.time, values=readings.values)
    models = [detect.save(ready(name)(), tmp_path / name) for name in detect.names()]
    run = [sys.executable, "-c", IN_ANOTHER_PROCESS, data, *models]
    printed = subprocess.run(run, check=True, capture_output=True, text=True).stdout
    for name, scores in zip(detect.names(), printed.split(), strict=True):
        assert scores == ready(name)().score(readings).tobytes().hex(), name


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


@pytest.mark.parametrize("name", detect.names())
@settings(max_examples=40, deadline=None, derandomize=True)
@given(stream=streams())
def test_no_cut_of_any_stream_changes_anything(name, stream):
    readings, at = stream
    checks.check_scores_do_not_depend_on_the_cut(ready(name), readings, at)
    checks.check_alerts_do_not_depend_on_the_cut(ready(name), readings, at)
