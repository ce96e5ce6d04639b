from importlib.metadata import EntryPoint

import numpy as np
import pytest

from sensorkit import detect
from sensorkit.detect import registry
from sensorkit.errors import DetectorError
from sensorkit.profile import Profile


def register(monkeypatch, *entries):
    found = [EntryPoint(name, value, registry.GROUP) for name, value in entries]
    monkeypatch.setattr(registry, "entry_points", lambda group: found)


def test_our_own_detectors_are_registered():
    ours = {"always", "forest", "last_value", "never", "random", "rules", "sigma"}
    assert ours <= set(detect.names())


@pytest.mark.parametrize("name", detect.names())
def test_a_detector_is_made_by_name(name):
    detector = detect.make(name, profile=Profile.load("serial_monitor"))
    assert detector.name == name


def test_parameters_reach_the_detector():
    params = detect.make("sigma", window=20, k=4, smooth=5).get_params()
    assert (params["window"], params["k"], params["smooth"]) == (20, 4.0, 5)


@pytest.mark.parametrize(
    ("name", "params", "message"),
    [
        ("sigam", {}, r"unknown detector 'sigam'; there are always, .*; did you mean 'sigma'\?"),
        ("sigma", {"widow": 1}, r"unknown sigma parameter 'widow'.*mean 'window'\?"),
        ("sigma", {"window": "50"}, "window is '50'; a whole number of at least 2 is wanted"),
        ("sigma", {"window": True}, "window is True; a whole number"),
        ("sigma", {"k": -3}, "k is -3; a number above 0 is wanted"),
        ("forest", {"trees": 0}, "trees is 0; a whole number of at least 1 is wanted"),
        ("rules", {}, "rules needs a profile"),
    ],
)
def test_what_cannot_be_made_is_refused_with_the_way_out(name, params, message):
    with pytest.raises(DetectorError, match=message):
        detect.make(name, **params)


def test_numbers_of_numpy_are_numbers():
    params = detect.make(
        "sigma", window=np.int64(20), k=np.float32(2.5), hold=np.int16(3), refractory_s=np.int8(2)
    ).get_params()
    taken = [params[name] for name in ("window", "k", "hold", "refractory_s")]
    assert taken == [20, 2.5, 3, 2.0]
    assert [type(value) for value in taken] == [int, float, int, float]


def test_a_detector_of_another_package_is_found(monkeypatch):
    register(monkeypatch, ("mine", "collections:Counter"))
    assert detect.names() == ["mine"]
    made = detect.make("mine", profile=Profile.load("serial_monitor"), anything=1)
    assert made == {"anything": 1}


def test_a_package_that_cannot_be_imported_is_named(monkeypatch):
    register(monkeypatch, ("mine", "no_such_package:Mine"))
    with pytest.raises(DetectorError, match="'mine' is registered as no_such_package:Mine"):
        detect.make("mine")


def test_nobody_replaces_our_own_names(monkeypatch):
    ours = ("sigma", "sensorkit.detect.sigma:Sigma")
    register(monkeypatch, ours, ("sigma", "evil:Sigma"))
    assert type(detect.make("sigma")).__module__ == "sensorkit.detect.sigma"
    register(monkeypatch, ("sigma", "evil:Sigma"), ours)
    assert type(detect.make("sigma")).__module__ == "sensorkit.detect.sigma"
