"""docs/detectors.md says what the code does."""

import re
from pathlib import Path

from sensorkit import detect
from sensorkit.profile import Profile

PAGE = (Path(__file__).resolve().parents[2] / "docs" / "detectors.md").read_text("utf-8")


def test_the_page_lists_every_parameter_with_its_default():
    row = re.compile(r"^\| `(\w+)` \| `(\w+)` \| ([\d.]+) \|", re.MULTILINE)
    listed = {(name, parameter, default) for name, parameter, default in row.findall(PAGE)}
    profile = Profile.load("serial_monitor")
    known = {
        (name, parameter, str(default))
        for name in detect.names()
        for parameter, default in detect.make(name, profile=profile).get_params().items()
    }
    assert listed == known


def test_the_page_names_every_detector():
    table = PAGE.split("## Which there are")[1].split("## Alerts")[0]
    assert set(detect.names()) <= set(re.findall(r"`(\w+)`", table))
