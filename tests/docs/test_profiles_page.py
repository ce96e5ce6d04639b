"""docs/profiles.md says what the shipped profiles say, and its pictures are those of today."""

import re
import sys
from pathlib import Path

import pytest
import yaml

from sensorkit.profile import Profile

ROOT = Path(__file__).parents[2]
PAGE = (ROOT / "docs" / "profiles.md").read_text(encoding="utf-8")

sys.path.insert(0, str(ROOT / "docs" / "making"))
import profile_pictures  # noqa: E402 - docs/making is no package


def part(name: str) -> str:
    """Return what the page says of one profile."""
    return PAGE.split(f"\n## {name}\n")[1].split("\n## ")[0]


def rows(text: str) -> list[list[str]]:
    return [[cell.strip() for cell in line.strip("|").split("|")]
            for line in text.splitlines() if line.startswith("| `")]  # fmt: skip


@pytest.mark.parametrize("name", Profile.shipped())
def test_every_channel_rule_and_anomaly_stands_in_its_tables_and_no_other(name):
    profile = Profile.load(name)
    told = {row[0].strip("`"): row for row in rows(part(name))}
    anomalies = profile.anomalies
    there = [*profile.channel_names, *(rule.type for rule in profile.rules), *anomalies]
    assert sorted(told) == sorted(there)
    for channel in profile.channels:
        assert channel.unit in told[channel.name]
    for rule in profile.rules:
        _, kind, when, severity = told[rule.type]
        assert (kind, severity) == (rule.kind, rule.severity.value)
        for limit in (rule.low, rule.high, rule.limit, rule.readings):
            assert limit is None or f"{limit:g}" in when
    for called, anomaly in anomalies.items():
        assert told[called][1] == anomaly.description
        assert told[called][2].startswith(f"{anomaly.kind} on ")


def test_the_table_of_the_engine_has_its_levels_and_its_wear():
    profile = Profile.load("turbofan")
    told = {row[0].strip("`"): row for row in rows(part("turbofan"))}
    for channel in profile.channels:
        _, symbol, _, _, new, worn = told[channel.name]
        assert float(new) == channel.waveform.level
        if channel.name.startswith("sensor"):
            assert symbol == channel.title
        shift = profile.life.shift.get(channel.name)
        assert shift is None or float(worn) == shift
        assert (worn == "constant") == (channel.waveform.noise is None)


def test_every_shipped_profile_and_every_special_section_is_told():
    for name in Profile.shipped():
        assert f"`{name}`" in PAGE
    for section in ("anomalies", "detector", "campaign"):
        assert f"| `{section}` |" in PAGE


def test_the_detector_of_the_page_is_that_of_the_profile():
    shown = re.search(r"```yaml\n(detector:.*?)```", part("fermenter"), re.DOTALL).group(1)
    profile = Profile.load("fermenter")
    assert yaml.safe_load(shown)["detector"] == profile.detector.model_dump()


def test_the_pictures_are_drawn_from_the_recordings_of_today():
    for name, drawn in profile_pictures.pictures().items():
        assert (ROOT / "docs" / name).read_text(encoding="utf-8") == drawn, name


def test_a_page_of_the_repository_shows_each_picture():
    for name in profile_pictures.pictures():
        assert f"({name})" in PAGE
