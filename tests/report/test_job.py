"""What a run is asked for is looked at as a whole, before anything runs."""

import pytest

from sensorkit.errors import UsageError
from sensorkit.report.files import project_root
from sensorkit.report.running.job import Config, in_force, look_at_input, plan_parameters

NOTEBOOKS = project_root() / "notebooks"


def look(**settings):
    config = Config(settings=settings, quick=True)
    look_at_input(config, in_force(plan_parameters(config, NOTEBOOKS), NOTEBOOKS))


@pytest.mark.parametrize(
    ("settings", "told"),
    [
        ({"seeds": "[0, 0]"}, "02_inject_faults: seeds: one stands there twice; delete it"),
        ({"seeds": "[-1]"}, "02_inject_faults: seeds.0: .*greater than or equal to 0"),
        ({"workers": "-3"}, "03_benchmark: workers: .*greater than or equal to 0 .had -3"),
        ({"hours": "-1"}, "01_capture: hours: .*greater than 0"),
        ({"profiles": "{serial_monitor: -2}"}, "01_capture: profiles.serial_monitor: -2 hours"),
        ({"repeats": "0"}, "02_inject_faults: repeats: .*greater than or equal to 1"),
        ({"sizes_sigma": "[2, -1]"}, r"02_inject_faults: sizes_sigma.1: .*greater than 0"),
        ({"plan": "a", "plans": "[b]"}, "02_inject_faults: plans: stands beside plan"),
        ({"03_benchmark.workers": "-1"}, "03_benchmark: workers: "),
        ({"detectability": "{sizes: 1}"}, "03_benchmark: detectability.sizes: "),
    ],
    ids=str,
)
def test_a_value_that_no_file_may_have_is_refused_from_the_command_line_too(settings, told):
    with pytest.raises(UsageError, match=told):
        look(**settings)


@pytest.mark.parametrize(
    "settings",
    [
        {},
        {"seeds": "[0, 1]", "workers": "0", "thresholds": "0", "memory_mb": "0"},
        {"profiles": "{serial_monitor: 2}"},
        {"detectability": "{}", "detectors": "{}"},
    ],
    ids=str,
)
def test_a_value_that_a_file_may_have_is_taken(settings):
    look(**settings)
