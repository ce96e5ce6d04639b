"""What a profile says of its device's faults, its detector and its evaluation."""

import pytest

from sensorkit.errors import ProfileError
from sensorkit.profile import Anomaly, Campaign, Profile, UsualDetector

CHANNELS = """
name: boiler
rate_hz: 1
channels:
  - {name: temperature, unit: "°C"}
  - {name: pressure}
"""


def load(tmp_path, text):
    path = tmp_path / "boiler.yaml"
    path.write_text(CHANNELS + text, encoding="utf-8")
    return Profile.load(path)


def test_a_profile_without_them_has_none():
    profile = Profile.load("serial_monitor")
    assert (profile.anomalies, profile.detector, profile.campaign) == ({}, None, None)


def test_they_are_read_and_written_again(tmp_path):
    profile = load(
        tmp_path,
        "anomalies:\n  surge: {kind: bias, channels: [temperature, pressure], "
        "magnitude: {temperature: 5, pressure: -1}, duration_s: 10, weight: 2}\n"
        "detector: {name: sigma, parameters: {k: 4, window: 30}}\n"
        "campaign: {channels: [pressure], kinds: [spike], hours: 2}\n",
    )
    assert profile.anomalies["surge"].fault() == {
        "kind": "bias",
        "channels": ("temperature", "pressure"),
        "magnitude": {"temperature": 5.0, "pressure": -1.0},
        "duration_s": 10.0,
    }
    assert profile.detector == UsualDetector(name="sigma", parameters={"k": 4, "window": 30})
    assert profile.campaign == Campaign(channels=("pressure",), kinds=("spike",), hours=2.0)
    assert Profile.from_dict(profile.to_dict(), "test") == profile


@pytest.mark.parametrize(
    ("text", "complaint"),
    [
        ("anomalies: {hot: {kind: drift, channel: temprature, magnitude: 3, duration_s: 9}}",
         ":7: anomalies.hot.channel: no channel 'temprature'; did you mean 'temperature'?"),
        ("anomalies: {hot: {kind: bias, channels: [pressure, temprature], duration_s: 9}}",
         ":7: anomalies.hot.channels.1: no channel 'temprature'"),
        ("anomalies: {hot: {kind: bias, channels: [pressure], magnitude: {x: 1}, duration_s: 9}}",
         ":7: anomalies.hot.magnitude.x: no channel 'x'"),
        ("anomalies: {hot: {kind: bias, magnitude: 1, magnitude_sigma: 1}}",
         "anomalies.hot.magnitude_sigma: give either magnitude or magnitude_sigma, not both"),
        ("anomalies: {hot: {kind: bias, channel: pressure, channels: [pressure]}}",
         "anomalies.hot.channels: give either channel or channels, not both"),
        ("anomalies: {hot: {kind: bias, magnitude: .nan}}", "anomalies.hot.magnitude"),
        ("anomalies: {hot: {kind: bias, magnitude: yes}}", "anomalies.hot.magnitude"),
        ("anomalies: {hot: {kind: bias, weight: 0}}", "anomalies.hot.weight"),
        ("anomalies: {hot: {kind: bias, duration_s: -1}}", "anomalies.hot.duration_s"),
        ("anomalies: {'<b>': {kind: bias}}", "anomalies.<b>"),
        ("anomalies: {hot: {knd: bias}}", "anomalies.hot.knd: unknown key; did you mean 'kind'?"),
        ("anomalies: [hot]", "anomalies"),
        ("detector: sigma", "detector"),
        ("detector: {name: sigma, parameters: {profile: x}}",
         "detector.parameters: the profile is the one that this stands in"),
        ("detector: {name: sigma, parameters: {k: .nan}}",
         "detector.parameters: only texts, finite numbers, lists and mappings"),
        ("detector: {name: sigma, parameters: {k: 2020-01-01}}", "detector.parameters: only texts"),
        ("detector: {name: sigma, parameters: {members: {1: {}}}}", "detector.parameters: only"),
        ("detector: {nme: sigma}", "detector.nme: unknown key; did you mean 'name'?"),
        ("campaign: {channels: [presure]}",
         ":7: campaign.channels.0: no channel 'presure'; did you mean 'pressure'?"),
        ("campaign: {channels: [pressure, pressure]}",
         "campaign.channels.1: 'pressure' stands here a second time"),
        ("campaign: {hours: 0}", "campaign.hours"),
        ("campaign: {hours: .inf}", "campaign.hours"),
        ("campaign: {hours: 1e99}", "campaign.hours"),
    ],
)  # fmt: skip
def test_a_mistake_is_told_with_its_place(tmp_path, text, complaint):
    with pytest.raises(ProfileError) as told:
        load(tmp_path, text + "\n")
    assert complaint in str(told.value)


def test_what_stands_for_one_channel_is_a_fault_of_a_plan():
    spike = Anomaly(kind="spike", channel="temperature", magnitude=9.0, weight=3, description="x")
    assert spike.fault() == {"kind": "spike", "channel": "temperature", "magnitude": 9.0}
