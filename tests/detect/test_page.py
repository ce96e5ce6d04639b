"""docs/detectors.md says what the code does."""

import re
from dataclasses import asdict
from pathlib import Path

from sensorkit import detect
from sensorkit.detect.options import Options
from sensorkit.profile import Profile

PAGE = (Path(__file__).resolve().parents[2] / "docs" / "detectors.md").read_text("utf-8")


ROW = re.compile(r"^\| `(\w+)` \| `(\w+)` \| `?([^|`]+)`? \|", re.MULTILINE)
SHARED = re.compile(r"^\| `(\w+)` \| ([\d.]+) \|", re.MULTILINE)


def test_the_page_lists_every_parameter_with_its_default():
    profile = Profile.load("serial_monitor")
    shared = asdict(Options())
    known = {
        (name, parameter, str(default))
        for name in detect.names()
        for parameter, default in detect.make(name, profile=profile).get_params().items()
        if parameter not in shared or shared[parameter] != default
    }
    assert set(ROW.findall(PAGE)) == known


def test_the_page_lists_the_options_that_all_share():
    table = PAGE.split("## Options of every detector")[1].split("\n## ")[0]
    listed = {name: float(default) for name, default in SHARED.findall(table)}
    assert listed == asdict(Options())


def test_the_page_names_every_detector():
    table = PAGE.split("## Which there are")[1].split("## Alerts")[0]
    assert set(detect.names()) <= set(re.findall(r"`(\w+)`", table))
