"""What holds: the file, the preset, and which of them goes first."""

import pytest

from sensorkit.config import Config, Preset
from sensorkit.config.places import FILE, found
from sensorkit.config.site import Site
from sensorkit.errors import UsageError

SHIPPED = {
    "development": {"units": 3, "rate_hz": 2.0, "window": 50},
    "demo": {"units": 2, "rate_hz": 3.0, "anomalies": 0.05, "quality_interval_s": 0.3},
    "production": {"units": 10, "rate_hz": 1.0, "window": 200},
    "testing": {"units": 2, "rate_hz": 5.0, "window": 20},
}


@pytest.mark.parametrize(("name", "wanted"), SHIPPED.items())
def test_a_shipped_preset_has_the_numbers_it_is_known_for(name, wanted):
    preset = Preset.load(name)

    assert wanted.items() <= preset.settings().items()
    assert preset.profile == "turbofan"
    assert preset.thresholds.given() == {
        "quality_below": 70.0,
        "error_rate_above": 0.1,
        "anomalies_above": 10,
        "memory_mb_above": 400.0,
    }


def test_those_are_all_that_are_shipped():
    assert Preset.shipped() == sorted(SHIPPED)


def test_a_preset_goes_before_the_file_and_each_in_its_own_options():
    config = Config.model_validate(
        {
            "preset": "mine",
            "presets": {"mine": {"units": 7, "defaults": {"emulate": {"seed": 5}}}},
            "defaults": {"emulate": {"units": 1, "seed": 1, "speed": 2}},
            "thresholds": {"quality_below": 10, "anomalies_above": 1},
        }
    )

    values = Site(config).defaults("emulate", {"units": None, "seed": None, "speed": None})

    assert {name: own.value for name, own in values.items()} == {"units": 7, "seed": 5, "speed": 2}
    assert values["units"].source == values["seed"].source == "preset mine"
    assert Site(config, preset="production").thresholds()["quality_below"] == 70
    assert Site(config).thresholds() == {"quality_below": 10, "anomalies_above": 1}


def test_an_option_of_the_file_goes_before_a_setting_of_the_file():
    config = Config.model_validate(
        {"thresholds": {"quality_below": 10}, "defaults": {"capture": {"quality_below": 20}}}
    )

    values = Site(config).defaults("capture", {"quality-below": None})

    assert values["quality-below"].value == 20


def test_who_gives_a_threshold_has_the_quality_judged_and_a_window_goes_first():
    options = {"quality-window": None, "quality-below": None}
    site = Config.model_validate({"thresholds": {"quality_below": 60}})
    named = Config.model_validate(
        {"thresholds": {"quality_below": 60}, "defaults": {"capture": {"quality_window": 7}}}
    )

    assert Site(site).defaults("capture", options)["quality-window"].value == 100
    assert Site(named).defaults("capture", options)["quality-window"].value == 7
    assert Site(site, preset="testing").defaults("capture", options)["quality-window"].value == 20
    assert "quality-window" not in Site(Config()).defaults("capture", options)


def test_an_unknown_preset_is_told_with_who_asked_for_it():
    with pytest.raises(UsageError, match=r"SENSORKIT_PRESET: unknown preset 'dmo'.*'demo'"):
        Site(Config(), preset="dmo", asked_by="SENSORKIT_PRESET")


def test_profiles_of_the_file_stand_for_their_paths_and_others_are_told_apart():
    site = Site(Config.model_validate({"profiles": {"boiler": "b/boiler.yaml"}}))

    assert site.profile("boiler") == "b/boiler.yaml"
    assert site.profile("serial_monitor") == "serial_monitor"
    assert site.profile("other.yaml") == "other.yaml"
    with pytest.raises(UsageError, match="did you mean 'boiler'"):
        site.profile("boilr")


@pytest.mark.parametrize(
    ("sinks", "says"),
    [({}, True), ({"a": "console"}, True), ({"a": "file:x"}, False)],
)
def test_alerts_are_said_unless_the_sinks_leave_the_console_out(sinks, says):
    assert Site(Config.model_validate({"sinks": sinks})).says_alerts is says


def test_a_flag_goes_before_the_environment_and_that_before_the_current_folder(tmp_path):
    (tmp_path / FILE).touch()
    there = {"SENSORKIT_CONFIG": "there.yaml"}

    assert found("given.yaml", there, tmp_path).path.name == "given.yaml"
    assert found(None, there, tmp_path).path.name == "there.yaml"
    assert found(None, {"SENSORKIT_CONFIG": ""}, tmp_path).path == tmp_path / FILE
    assert found(None, {"SENSORKIT_CONFIG": "none"}, tmp_path) is None
    assert found(None, {}, tmp_path / "elsewhere") is None


def test_a_broken_link_is_a_file_that_somebody_wanted(tmp_path):
    try:
        (tmp_path / FILE).symlink_to(tmp_path / "gone")
    except OSError:
        return  # links need rights on Windows
    place = found(None, {}, tmp_path)
    with pytest.raises(UsageError, match=r"cannot be read.*because of the current folder"):
        Site.read(place)
