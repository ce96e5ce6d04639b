"""What holds of every profile that comes with sensorkit."""

from collections import Counter

import numpy as np
import pytest

from sensorkit import detect
from sensorkit.emulator import Emulator
from sensorkit.faults import KINDS
from sensorkit.faults.plan import Fault
from sensorkit.profile import Profile
from sensorkit.wire.stream import FrameStream

NAMES = Profile.shipped()
NEW = ["fermenter", "weather", "turbofan"]


def test_the_four_devices_of_the_manual_are_there():
    assert sorted(NAMES) == sorted(["serial_monitor", *NEW])


@pytest.mark.parametrize("hold", ["NORMAL", None])
@pytest.mark.parametrize("name", NAMES)
def test_no_frame_of_it_is_rejected_in_any_state(listen, name, hold):
    profile = Profile.load(name)
    units = 3 if profile.frame.names_device else 1
    emulator = Emulator(profile, units=units, hold=hold, seed=4)
    readings, counts, rejections = listen(emulator, 12_000)
    assert rejections == []
    assert counts.rejected == {}
    assert counts.lost == 0
    # In any state: all but the silent ones.
    assert counts.frames == 12_000 if hold else 9_000 < counts.frames < 12_000
    assert set(readings.device.to_array()) == set(emulator.units)
    if hold:
        assert np.isfinite(readings.values).all()


@pytest.mark.parametrize("name", NAMES)
def test_all_it_says_of_itself_is_among_its_status_words(listen, name):
    profile = Profile.load(name)
    readings = listen(Emulator(profile, seed=2), 40_000)[0]
    said = set(readings.status.to_array())
    assert said <= set(profile.status_words)
    assert profile.status_words[0] in said
    assert len(said) >= 3


@pytest.mark.parametrize("name", NAMES)
def test_it_has_the_four_states_and_every_other_one_is_labelled(name):
    profile = Profile.load(name)
    assert list(profile.states) == ["NORMAL", "WARNING", "CRITICAL", "OFFLINE"]
    emulator = Emulator(profile, seed=2)
    for _ in emulator.frames(40_000):
        pass
    kinds = {label.kind for label in emulator.labels if label.layer == "state"}
    assert {"warning", "critical", "offline"} <= kinds


@pytest.mark.parametrize("name", NAMES)
def test_its_rules_are_silent_while_it_is_healthy(listen, name):
    profile = Profile.load(name)
    units = 3 if profile.frame.names_device else 1
    readings = listen(Emulator(profile, units=units, hold="NORMAL", seed=6), 30_000)[0]
    rules = detect.make("rules", profile=profile)
    assert rules.alerts(readings) == []


@pytest.mark.parametrize("name", NAMES)
def test_its_rules_speak_when_it_is_critical(listen, name):
    profile = Profile.load(name)
    readings = listen(Emulator(profile, hold="CRITICAL", seed=6), 300)[0]
    types = {alert.type for alert in detect.make("rules", profile=profile).alerts(readings)}
    assert types & {rule.type for rule in profile.rules if rule.kind == "range"}


@pytest.mark.parametrize("name", NEW)
def test_each_of_its_anomalies_is_a_fault_that_an_emulator_injects(name):
    profile = Profile.load(name)
    for called, anomaly in profile.anomalies.items():
        fault = Fault(**anomaly.fault())
        assert anomaly.description
        emulator = Emulator(profile, hold="NORMAL")
        list(emulator.frames(100))
        emulator.inject_anomaly(1, called)
        list(emulator.frames(400))
        assert {label.kind for label in emulator.labels} == {fault.kind}, called


@pytest.mark.parametrize(
    ("name", "called", "type_"),
    [
        ("fermenter", "overheating", "THRESHOLD_BREACH_FERMENTER_TEMP"),
        ("fermenter", "acid_shock", "THRESHOLD_BREACH_FERMENTER_PH"),
        ("fermenter", "agitator_stall", "THRESHOLD_BREACH_AGITATOR_RPM"),
        ("fermenter", "ph_probe_stuck", "STUCK_FERMENTER_PH"),
        ("weather", "anemometer_frozen", "STUCK_WIND"),
        ("weather", "anemometer_frozen", "THRESHOLD_BREACH_WIND"),
        ("weather", "lightning", "RAPID_CHANGE_TEMPERATURE"),
        ("weather", "barometer_bias", "RAPID_CHANGE_PRESSURE"),
        ("weather", "gateway_down", "HEARTBEAT_LOSS"),
        ("turbofan", "egt_probe_drift", "THRESHOLD_BREACH_EGT"),
        ("turbofan", "egt_spike", "RAPID_CHANGE_EGT"),
        ("turbofan", "core_speed_stuck", "STUCK_NC"),
        ("turbofan", "p30_line_leak", "THRESHOLD_BREACH_P30"),
        ("turbofan", "t30_open", "MISSING_T30"),
        ("turbofan", "hpc_surge", "THRESHOLD_BREACH_EGT"),
    ],
)
def test_a_rule_fires_on_the_fault_that_it_is_for(listen, name, called, type_):
    profile = Profile.load(name)
    emulator = Emulator(profile, hold="NORMAL", seed=1)
    stream = FrameStream(profile, started_ns=emulator.start_ns)
    before = listen(emulator, 200, stream)[0]
    emulator.inject_anomaly(1, called)
    rules = detect.make("rules", profile=profile)
    assert rules.alerts(before) == []
    after = listen(emulator, 400, stream)[0]
    found = Counter(alert.type for alert in rules.alerts(after))
    assert found[type_] >= 1


@pytest.mark.parametrize("name", NEW)
def test_its_campaign_names_kinds_that_there_are(name):
    campaign = Profile.load(name).campaign
    assert set(campaign.kinds) <= set(KINDS)
    assert campaign.channels
    assert campaign.hours is None or campaign.hours >= 24  # enough clean time to judge by
