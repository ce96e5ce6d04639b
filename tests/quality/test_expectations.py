import numpy as np
import pytest
import yaml

from sensorkit.errors import ProfileError
from sensorkit.profile import Expectation, Profile
from sensorkit.profile.expectations import CHECKS
from sensorkit.quality import quality
from sensorkit.quality.expected import longest_run
from sensorkit.readings import Words

BAD = [
    ("{channel: tempe, unique: true}", "expectations.0.channel: no channel 'tempe'; did you mean"),
    ("{relation: temperature >= volt}", "expectations.0.relation: no channel 'volt'"),
    ("{relation: __import__('os')}", "expectations.0.relation: two channels compared are wanted"),
    ("{relation: 'temperature >= 3'}", "expectations.0.relation: two channels compared are"),
    ("{relation: temperature > voltage, channel: voltage}", "expectations.0.channel: a relation"),
    ("{relation: temperature > voltage, channels: [voltage]}", "expectations.0.channels: the"),
    ("{channels: [voltage, temperature], unique: true}", "expectations.0.channels: only a relati"),
    ("{channel: voltage}", "expectations.0: an expectation needs a check; there are between,"),
    ("{between: [1, 2]}", "expectations.0: between needs a channel"),
    ("{channel: voltage, between: [3, 2]}", "expectations.0.between: 'voltage': low (3) is above"),
    ("{channel: voltage, between: [.nan, 2]}", "expectations.0.between.0: Input should be a fini"),
    ("{channel: voltage, max_step: -1}", "expectations.0.max_step: Input should be greater than"),
    ("{channel: voltage, max_step: true}", "expectations.0.max_step: a number is wanted"),
    ("{channel: voltage, max_step: 1, unique: true}", "expectations.0.unique: one expectation has"),
    ("{channel: voltage, one_of: 5}", "expectations.0.one_of: a list is wanted: [5]"),
    ("{channel: voltage, one_of: [NORMAL]}", "expectations.0.one_of.0: a number is wanted for"),
    ("{channel: status, one_of: [NORMA]}", "expectations.0.one_of.0: 'NORMA' is not among status"),
    ("{channel: status, one_of: [5]}", "expectations.0.one_of.0: a word is wanted"),
    ("{channel: status, unique: true}", "expectations.0.unique: status has words; it takes one_of"),
    ("{channel: voltage, unique: true, share: 1.5}", "expectations.0.share: Input should be less"),
    ("{channel: voltage, unike: true}", "expectations.0.unike: unknown key; did you mean 'unique'"),
    ("just words", "expectations.0: an expectation is wanted, such as"),
]


@pytest.mark.parametrize(("told", "complaint"), BAD)
def test_a_mistake_is_told_with_file_line_and_field(monitor, tmp_path, told, complaint):
    path = tmp_path / "mine.yaml"
    head = yaml.safe_dump(monitor.to_dict(), allow_unicode=True)
    path.write_text(f"{head}expectations:\n- {told}\n", encoding="utf-8")
    with pytest.raises(ProfileError) as caught:
        Profile.load(path)
    place, said = str(caught.value).split(": ", 1)
    assert said.startswith(complaint)
    assert place == f"{path}:{len(head.splitlines()) + 2}"


def test_a_profile_with_expectations_is_read_back_from_a_recording(profile_with):
    told = [
        {"channel": "status", "one_of": ["NORMAL"]},
        {"relation": "|temperature - voltage| <= 2"},
    ]
    profile = profile_with(*told)
    assert Profile.from_dict(profile.to_dict(), "again") == profile


# Expectation, the values of (temperature, voltage), and the rows that are not as expected.
NAN = float("nan")
TABLE = [
    ({"channel": "temperature", "between": [20, 30]}, [20, 30, 19.9, 30.1, NAN, 25], [2, 3]),
    ({"channel": "temperature", "one_of": [20, 21.5]}, [20, 21.5, 21, NAN], [2]),
    ({"channel": "temperature", "increasing": True}, [1, 2, 2, 1, 1.5, NAN, 2], [2, 3]),
    ({"channel": "temperature", "not_falling": True}, [1, 2, 2, 1, 1.5, NAN, 1], [3, 6]),
    ({"channel": "temperature", "max_step": 1}, [1, 2, 3.5, NAN, 2.5, 1.4], [2, 5]),
    ({"channel": "temperature", "not_null": True}, [1, NAN, 2], [1]),
    ({"channel": "temperature", "unique": True}, [1, 2, 1, NAN, NAN, 3, 2], [2, 6]),
    ({"channel": "temperature", "changes_within_s": 2}, [1, 1, 1, 1, 2, NAN, 2, 2], [3, 7]),
    ({"relation": "temperature >= voltage"}, [5, 4.9, 6, NAN], [1]),
    ({"relation": "temperature > voltage"}, [5, 4.9, 6], [0, 1]),
    ({"relation": "temperature == voltage"}, [5, 4.9], [1]),
    ({"relation": "temperature != voltage"}, [5, 4.9], [0]),
    ({"relation": "temperature <= voltage + 0.5"}, [5.5, 5.6], [1]),
    ({"relation": "temperature < voltage - 0.5"}, [4.5, 4.4], [0]),
    ({"relation": "|temperature - voltage| <= 1"}, [4, 6, 3.9, 6.1], [2, 3]),
]


@pytest.mark.parametrize(("told", "values", "wrong"), TABLE)
def test_each_check_finds_the_readings_that_are_not_as_expected(
    profile_with, steady, changed, told, values, wrong
):
    readings = steady(len(values))
    table = np.column_stack([values, np.full(len(values), 5.0)])
    found = quality(changed(readings, values=np.asfortranarray(table)), profile_with(told))
    name = Expectation(**told)
    rows = found.expectations.to_dict("records")[0]
    judged = [v for v in values if v == v or name.check == "not_null"]
    first = name.check in {"increasing", "not_falling", "max_step"}
    assert rows["judged"] == len(judged) - first
    assert rows["judged"] - rows["held"] == len(wrong)
    issues = found.issues[found.issues["check"] == f"expected_{name.check}"]
    assert issues["count"].sum() == len(wrong)
    assert issues["first_line"].min() == wrong[0]
    assert issues["last_line"].max() == wrong[-1]
    assert set(issues["dimension"]) == {CHECKS[name.check]}
    assert found.dimensions[CHECKS[name.check]] < 100.0


def test_every_check_is_in_the_table():
    assert {Expectation(**told).check for told, _, _ in TABLE} == set(CHECKS)


def test_a_status_word_that_is_not_expected_flaws_the_whole_frame(profile_with, steady, changed):
    words = Words.of(["NORMAL", "WARNING_TEMP", None, "NORMAL"])
    readings = changed(steady(4), status=words)
    found = quality(readings, profile_with({"channel": "status", "one_of": ["NORMAL"]}))
    assert found.channels == {"temperature": 75.0, "voltage": 75.0}
    assert found.expectations["judged"].tolist() == [3]


def test_an_expectation_is_met_while_its_share_holds(profile_with, steady, changed):
    readings = steady(100)
    values = readings.values.copy()
    values[40:42, 0] = 99
    readings = changed(readings, values=values)
    told = {"channel": "temperature", "between": [20, 30]}
    found = quality(readings, profile_with({**told, "share": 0.98}, {**told, "share": 0.99}))
    assert found.expectations["met"].tolist() == [True, False]
    assert found.dimensions["validity"] == 99.0  # the values are flawed all the same


def test_a_value_that_the_sensor_cannot_say_breaks_no_run(profile_with, steady, changed):
    readings = steady(4)
    values = np.asfortranarray(np.column_stack([[20, 999, 20.5, 21], np.full(4, 5.0)]))
    told = {"channel": "temperature", "max_step": 1}
    found = quality(changed(readings, values=values), profile_with(told))
    assert found.issues["check"].tolist() == ["implausible"]


def test_a_run_that_noise_would_not_make_is_stuck(monitor, steady, changed):
    readings = steady(60)
    values = readings.values.copy()
    values[20:45, 1] = 5.5
    found = quality(changed(readings, values=values), monitor)
    most = longest_run(monitor, monitor.channel("voltage"))
    assert found.issues[["check", "channel", "count"]].values.tolist() == [
        ["stuck", "voltage", 25 - most]
    ]


def test_a_rule_says_how_long_a_run_may_be(profile_with):
    rule = {"kind": "stuck", "channel": "voltage", "readings": 3, "severity": "WARNING"}
    profile = profile_with(rules=[rule])
    assert longest_run(profile, profile.channel("voltage")) == 3


def test_a_channel_without_noise_may_stand_still(profile_with, monitor):
    channels = monitor.to_dict()["channels"]
    del channels[0]["waveform"]["noise"]
    profile = profile_with(channels=channels)
    assert longest_run(profile, profile.channel("temperature")) == 0
