"""The sections of a profile on what units go through, and what is wrong with them."""

import pytest

from sensorkit.errors import ProfileError
from sensorkit.profile import Disturbance, Life, Profile

ENGINE = """
name: engine
rate_hz: 1
channels:
  - {name: fan, waveform: {level: 2388, unit_sigma: 0.5}}
  - {name: egt, waveform: {level: 600}}
"""
FRONT = "disturbances:\n  - {name: front, every_s: 100, lasts_s: 5, shift: {egt: -9}}\n"


def load(tmp_path, more):
    path = tmp_path / "engine.yaml"
    path.write_text(ENGINE + more, encoding="utf-8")
    return Profile.load(path)


def test_they_are_read_and_written_again(tmp_path):
    profile = load(
        tmp_path,
        FRONT
        + "conditions:\n  - {name: climb, dwell_s: [60, 300], weight: 2, shift: {fan: 120.0}}\n"
        "life: {mean_s: 3600, spread: 0.2, onset: [0.3, 0.6], shift: {fan: -40.0}, repair_s: 60}\n",
    )
    assert profile.channels[0].waveform.unit_sigma == 0.5
    assert profile.disturbances[0].shift == {"egt": -9.0}
    assert profile.conditions[0].dwell_s == (60.0, 300.0)
    assert profile.life.shape == 5.0
    assert Profile.from_dict(profile.to_dict(), "test") == profile


@pytest.mark.parametrize(
    ("more", "wanted"),
    [
        (FRONT.replace("egt", "etg"), r":8: disturbances.0.shift.etg: no channel 'etg'; did you"),
        (FRONT.replace("lasts_s: 5, ", ""), r":8: disturbances.0.lasts_s: .*is over at once"),
        (FRONT.replace("100", "0.001"), r"every_s: .* more than 1000 would be under way at once"),
        (FRONT.replace("100", "0"), "every_s: Input should be greater than 0"),
        (FRONT.replace("100", ".nan"), "every_s: Input should be a finite number"),
        (FRONT.replace("lasts_s: 5", "lasts_s: yes"), "lasts_s: a number is wanted"),
        (FRONT.replace("{egt: -9}", "{}"), "shift: Dictionary should have at least 1 item"),
        (FRONT.replace("every_s", "evry_s"), "evry_s: unknown key; did you mean 'every_s'"),
        (FRONT.replace("front", "<b>"), "name: String should match pattern"),
        (FRONT + FRONT.splitlines()[1], r":9: disturbances.1.name: two disturbances are called"),
        (
            "conditions:\n  - {name: climb, dwell_s: [300, 60]}\n",
            r":8: conditions.0.dwell_s: shortest \(300 s\) is above mean \(60 s\)",
        ),
        (
            "conditions:\n  - {name: x, dwell_s: [1, 2]}\n  - {name: x, dwell_s: [1, 2]}\n",
            r":9: conditions.1.name: two conditions are called 'x'",
        ),
        (
            "life: {mean_s: 9, onset: [0.6, 0.3], shift: {fan: 1}}",
            r":7: life.onset: is from 0.6 to 0.3; two shares",
        ),
        ("life: {mean_s: 9, onset: [0.6, 1], shift: {fan: 1}}", "life.onset: is from 0.6 to 1"),
        ("life: {mean_s: 9, shape: 1000, shift: {fan: 1}}", "life.shape: .*less than or equal"),
        ("life: {mean_s: 9, spread: 3, shift: {fan: 1}}", "life.spread: .*less than or equal"),
        ("life: {mean_s: 9, shift: {fam: 1}}", "life.shift.fam: no channel 'fam'; did you mean"),
        ("life: {mean_s: .inf, shift: {fan: 1}}", "life.mean_s: Input should be a finite number"),
    ],
)
def test_a_mistake_is_told_with_its_place(tmp_path, more, wanted):
    with pytest.raises(ProfileError, match=wanted):
        load(tmp_path, more)


def test_the_variance_of_a_disturbance_is_the_integral_of_its_pulse():
    square = Disturbance(name="x", every_s=100, lasts_s=25, shift={"a": 1})
    flanks = Disturbance(name="x", every_s=100, rises_s=40, relaxes_s=40, shift={"a": 1})
    assert square.variance == 0.25
    assert flanks.variance == pytest.approx(0.375 * 0.8)


def test_a_life_needs_nothing_but_its_mean_and_what_wears():
    life = Life(mean_s=100, shift={"a": 1})
    assert (life.spread, life.onset, life.shape, life.repair_s) == (0.0, (0.0, 0.0), 5.0, 0.0)
