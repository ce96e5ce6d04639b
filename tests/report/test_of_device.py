"""What the profile of a device says about evaluating it, and what goes before it."""

from pathlib import Path

import pytest
import yaml

from sensorkit.profile import Profile, shipped
from sensorkit.report.files import project_root
from sensorkit.report.running.job import Config, in_force, look_at_input, plan_parameters
from sensorkit.report.running.of_device import FULL_HOURS, USUAL, parameters_of

NOTEBOOKS = project_root() / "notebooks"

CAMPAIGN = {"channels": ["voltage"], "kinds": ["spike", "merge", "stuck"], "hours": 3.0}
DETECTOR = {"name": "sigma", "parameters": {"window": 50, "k": 3.0}}


@pytest.fixture
def device(tmp_path):
    """Write the serial monitor with a campaign and a detector, and give the path."""
    profile = Profile.load("serial_monitor").to_dict() | {"name": "mine"}
    path = tmp_path / "mine.yaml"
    path.write_text(yaml.safe_dump(profile | {"campaign": CAMPAIGN, "detector": DETECTOR}))
    return str(path)


def given(config):
    return plan_parameters(config, NOTEBOOKS)


def test_the_campaign_of_a_profile_is_what_is_done_where_nothing_is_said(device):
    found = given(Config(profile=device))

    assert found["01_capture"]["hours"] == 3.0
    assert found["02_inject_faults"]["channels"] == ["voltage"]
    assert found["02_inject_faults"]["kinds"] == CAMPAIGN["kinds"]
    grid = found["03_benchmark"]["detectability"]
    assert grid["channels"] == ["voltage"]
    assert grid["kinds"] == ["spike", "stuck"]  # a merged line has no size that could grow


def test_a_short_campaign_is_divided_as_a_recording_is(device):
    assert given(Config(profile=device))["03_benchmark"]["fit"] == 0.3
    assert given(Config(profile="serial_monitor"))["03_benchmark"]["fit"] == 0.15


def test_the_usual_detector_of_a_device_is_tried_beside_the_others(device):
    detectors = given(Config(profile=device))["03_benchmark"]["detectors"]

    assert detectors[USUAL] == {"detector": "sigma", "window": 50, "k": 3.0}
    assert {"guard", "forest", "rules", "random"} <= set(detectors)


def test_what_is_set_goes_before_the_profile(device):
    config = Config(
        profile=device,
        settings={"hours": "2", "02_inject_faults.kinds": "[bias]", "detectors": "[sigma]"},
    )

    found = given(config)

    assert found["01_capture"]["hours"] == 2.0
    assert found["02_inject_faults"]["kinds"] == ["bias"]
    assert found["03_benchmark"]["detectors"] == {"sigma": {}}


def test_a_quick_run_takes_the_campaign_and_measures_no_detectability(device):
    found = given(Config(profile=device, quick=True))

    assert found["02_inject_faults"]["kinds"] == CAMPAIGN["kinds"]
    assert "detectability" not in found["03_benchmark"]


@pytest.mark.parametrize(("name", "hours"), [("turbofan", 1.0), ("weather", 600.0)])
def test_a_quick_run_takes_3600_readings_however_long_the_campaign_is(name, hours):
    assert given(Config(profile=name, quick=True))["01_capture"]["hours"] == pytest.approx(hours)
    assert given(Config(profile=name))["01_capture"]["hours"] > hours


@pytest.mark.parametrize("name", shipped())
def test_a_shipped_profile_is_evaluated_for_a_day_or_more(name):
    # With less, thresholds are frozen on so few clean hours that none keeps the usual budget.
    found = given(Config(profile=name))

    assert found["01_capture"]["hours"] >= FULL_HOURS
    assert (found["03_benchmark"]["fit"], found["03_benchmark"]["calibrate"]) == (0.15, 0.6)


def test_several_devices_in_one_run_have_no_campaign_in_common(device):
    found = given(Config(settings={"profiles": {"serial_monitor": 1.0, device: 1.0}}))

    assert "kinds" not in found["02_inject_faults"]
    assert "detectors" not in found["03_benchmark"]


def test_profiles_that_differ_say_nothing_together(device):
    both = [Profile.load(device), Profile.load("serial_monitor")]

    assert parameters_of(both, emulated=False, quick=False) == {}
    assert parameters_of([both[0], both[0]], emulated=False, quick=False) != {}


@pytest.mark.parametrize("name", Profile.shipped())
def test_what_a_shipped_profile_says_can_be_run(name):
    config = Config(profile=name)

    look_at_input(config, in_force(given(config), NOTEBOOKS))


def test_a_profile_that_is_not_there_is_told_by_who_looks_at_the_input():
    config = Config(profile=str(Path("none.yaml")))

    assert given(config)["01_capture"]["profile"].endswith("none.yaml")
