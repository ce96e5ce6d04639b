"""A package that brings a detector: built, installed, and used by name."""

import json
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
EXAMPLE = ROOT / "examples" / "sensorkit-cusum"
HEALTHY = ROOT / "datasets" / "serial_monitor_healthy"
FAULTED = ROOT / "datasets" / "serial_monitor_faulted"

pytestmark = pytest.mark.slow


@pytest.fixture
def with_package(installed):
    return installed(EXAMPLE.name)


def test_without_the_package_the_name_is_unknown(python):
    done = python("-m", "sensorkit", "detect", FAULTED, "--detector", "cusum")
    assert done.returncode == 2
    assert "unknown detector 'cusum'" in done.stderr


CHECK = """
import copy, sys
sys.path.insert(0, sys.argv[1])
import checks
from sensorkit import detect
from sensorkit.profile import Profile

made = detect.make("cusum", profile=Profile.load("serial_monitor"))
detector = made.fit(checks.healthy(500, seed=99))
for check in checks.CHECKS:
    assert check.__name__ not in detector.contract_exceptions
    check(lambda: copy.deepcopy(detector))
    print(check.__name__)
"""


def test_it_keeps_every_promise(with_package, python):
    done = python("-W", "error", "-c", CHECK, ROOT / "tests" / "contracts", env=with_package)
    assert done.returncode == 0, done.stdout + done.stderr
    assert len(done.stdout.split()) > 10


def test_its_own_tests_pass(with_package, python):
    done = python(
        "-m", "pytest", "-q", "-p", "no:cacheprovider", EXAMPLE / "tests", env=with_package
    )
    assert done.returncode == 0, done.stdout + done.stderr


def test_the_command_finds_faults_with_it_and_a_file_of_it_finds_the_same(
    with_package, python, tmp_path
):
    def found(*options):
        done = python("-m", "sensorkit", "detect", FAULTED, *options, "--json", env=with_package)
        assert done.returncode == 0, done.stderr
        return json.loads(done.stdout)

    model = tmp_path / "cusum.detector"
    report = found("--detector", "cusum", "--set", "slack=1", "--fit-on", HEALTHY, "--save", model)
    assert {entry["type"] for entry in report} == {"ANOMALY_CUSUM"}
    assert found("--detector", model) == report


LOAD = """
import sys
import numpy as np
from sensorkit import detect
from sensorkit.readings import Readings

values = np.random.default_rng(3).normal(size=(300, 1)) + np.repeat([0.0, 1.0], 150)[:, None]
readings = Readings.build(np.arange(300) * 10**9, values, ["level"])
if sys.argv[1] == "save":
    detector = detect.make("cusum", slack=0.3).fit(readings[:100]).calibrate(readings[100:150], 1e5)
    detect.save(detector, sys.argv[2])
else:
    detector = detect.load(sys.argv[2])
print(detector, detector.threshold_, detector.score(readings).tobytes().hex())
"""


def test_saved_and_loaded_in_another_process_it_scores_the_same_to_the_last_bit(
    with_package, python, tmp_path
):
    printed = []
    for step in ("save", "load"):
        done = python("-c", LOAD, step, tmp_path / "model", env=with_package)
        assert done.returncode == 0, done.stderr
        printed.append(done.stdout)
    assert printed[0] == printed[1]
