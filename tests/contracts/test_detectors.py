"""Every registered detector keeps every promise, or says on its class which not, and why."""

import copy
import functools
import pickle
import subprocess
import sys

import checks
import numpy as np
import pytest
from any_streams import streams
from hypothesis import given, settings

from sensorkit import detect
from sensorkit.profile import Profile

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


OPTIONS = {
    "merge": {"merge": 0},
    "refractory_s": {"refractory_s": 60.0},
    "smooth": {"smooth": 5},
    "tail": {"tail": 200},
    "hold": {"hold": 40},
}
FIXED = ("always", "never", "remaining_life", "rules")
SHAPED = [name for name in detect.names() if name not in FIXED]
# What shaping could break; a tail says nothing of the first readings, so one check is left out.
AT_RISK = [
    checks.check_scores_do_not_depend_on_the_cut,
    checks.check_alerts_do_not_depend_on_the_cut,
    checks.check_the_future_changes_no_past_score,
    checks.check_nothing_that_comes_raises,
    checks.check_saved_and_loaded_it_scores_the_same,
    checks.check_calibration_keeps_the_budget,
    checks.check_alerts_say_when_they_begin_and_end,
    checks.check_one_reading_is_scored_as_in_a_batch,
]


@functools.cache
def fitted_with(name: str, option: str):
    made = detect.make(name, profile=PROFILE, **OPTIONS[option])
    return made.fit(checks.healthy(500, seed=99))


EITHER = {"members": {"rules": {}, "sigma": {}, "last_value": {}}, "combine": "any"}


@functools.cache
def either():
    return detect.make("ensemble", profile=PROFILE, **EITHER).fit(checks.healthy(500, seed=99))


@pytest.mark.parametrize("check", checks.CHECKS, ids=lambda check: check.__name__)
def test_an_ensemble_of_which_any_member_may_speak_keeps(check):
    check(lambda: copy.deepcopy(either()))


def test_never_fitted_it_keeps_what_shaping_could_break_too():
    for check in AT_RISK:
        check(lambda: detect.make("ensemble", profile=PROFILE,
                                  members={"rules": {}, "sigma": {}}, combine="any"))  # fmt: skip


def test_the_fixed_detectors_are_those_named():
    assert [name for name in detect.names() if fitted(name).fixed] == list(FIXED)


@pytest.mark.parametrize("option", OPTIONS)
@pytest.mark.parametrize("name", SHAPED)
def test_no_shared_option_breaks_a_promise(name, option):
    for check in AT_RISK:
        if check.__name__ not in fitted_with(name, option).contract_exceptions:
            check(lambda: copy.deepcopy(fitted_with(name, option)))


TEN_MILLION = 10_000_000
# With shorter memories, so that it does not take minutes.
SHORTER = {"novelty": {"recent": 50, "days": 1, "memory": 100}}


@pytest.mark.parametrize("name", detect.names())
def test_ten_million_readings_leave_no_trace(name):
    detector = ready(name)().set_params(**SHORTER.get(name, {}))
    detector.fit(checks.healthy(500, seed=99))
    batch, sizes = checks.healthy(250_000, seed=8), []
    for _ in range(TEN_MILLION // len(batch)):
        detector.alerts(batch)
        batch.time[:] += len(batch) * checks.SECOND
        sizes.append(len(pickle.dumps(detector)))
    assert max(sizes[1:]) - sizes[0] < 1_000


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


@pytest.mark.parametrize("name", detect.names())
@settings(max_examples=40, deadline=None, derandomize=True)
@given(stream=streams())
def test_no_cut_of_any_stream_changes_anything(name, stream):
    readings, at = stream
    checks.check_scores_do_not_depend_on_the_cut(ready(name), readings, at)
    checks.check_alerts_do_not_depend_on_the_cut(ready(name), readings, at)
