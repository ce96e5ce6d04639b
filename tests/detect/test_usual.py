"""What watches a device where nobody names a detector."""

import pytest

from sensorkit import detect
from sensorkit.errors import DetectorError
from sensorkit.profile import Profile, UsualDetector

MONITOR = Profile.load("serial_monitor")


def with_detector(name, **parameters):
    chosen = UsualDetector(name=name, parameters=parameters)
    return MONITOR.model_copy(update={"detector": chosen})


def test_it_is_the_rules_where_the_profile_names_none():
    assert detect.usual(MONITOR).name == "rules"
    assert detect.usual(MONITOR.model_copy(update={"rules": ()})) is None


def test_it_is_the_one_that_the_profile_names_with_its_parameters():
    found = detect.usual(with_detector("sigma", k=4.5, window=30))
    assert (found.name, found.k, found.window, found.profile.name) == (
        "sigma", 4.5, 30, "serial_monitor",
    )  # fmt: skip


def test_a_parameter_given_goes_before_that_of_the_profile():
    found = detect.usual(with_detector("sigma", k=4.5, window=30), k=2.0)
    assert (found.k, found.window) == (2.0, 30)


@pytest.mark.parametrize(
    ("profile", "complaint"),
    [
        (with_detector("sigam"), "its detector cannot be made: unknown detector 'sigam'"),
        (with_detector("sigma", windwo=3), "did you mean 'window'?"),
        (with_detector("sigma", k="three"), "cannot be made"),
        (with_detector("ensemble", members=[1]), "cannot be made"),
    ],
)
def test_one_that_cannot_be_made_is_told_with_the_profile(profile, complaint):
    with pytest.raises(DetectorError, match="profile 'serial_monitor': ") as told:
        detect.usual(profile)
    assert complaint in str(told.value)


@pytest.mark.parametrize("name", Profile.shipped())
def test_that_of_a_shipped_profile_watches_a_live_device(name):
    assert not detect.usual(Profile.load(name)).must_be_fitted
