"""The weather stations: days, fronts, and what is physically possible."""

import numpy as np
import pytest

from sensorkit.profile import Profile
from sensorkit.signals import Waveforms

PROFILE = Profile.load("weather")
DAY = 144
"""Readings: one every ten minutes."""
CALM = PROFILE.model_copy(update={"disturbances": ()})


def column(values, name):
    return values[:, PROFILE.channel_names.index(name)]


def stations(days, seed=0, profile=PROFILE, units=3):
    return [Waveforms(profile, seed, unit=unit).block(days * DAY) for unit in range(1, units + 1)]


@pytest.fixture(scope="module")
def years():
    """Three stations, two years."""
    return stations(730, seed=9)


def test_nothing_impossible_is_ever_said(years):
    for values in years:
        for channel, own in zip(PROFILE.channels, values.T, strict=True):
            low, high = channel.plausible
            assert low <= own.min()
            assert own.max() <= high
        assert column(values, "wind").min() > 0
        assert column(values, "humidity").max() < 100


def test_it_is_warmest_in_the_afternoon_and_driest_then():
    for values in stations(365, profile=CALM):
        hours = np.arange(len(values)) % DAY / 6
        by_hour = {
            name: [column(values, name)[hours == hour].mean() for hour in np.unique(hours)]
            for name in ("temperature", "humidity")
        }
        warmest = np.unique(hours)[int(np.argmax(by_hour["temperature"]))]
        driest = np.unique(hours)[int(np.argmin(by_hour["humidity"]))]
        assert 13 <= warmest <= 17
        assert 13 <= driest <= 17
        assert np.ptp(by_hour["temperature"]) == pytest.approx(10.0, abs=1.5)
        assert np.ptp(by_hour["humidity"]) == pytest.approx(28.0, abs=2.5)
        assert np.corrcoef(column(values, "temperature"), column(values, "humidity"))[0, 1] < -0.8


def test_a_front_passes_all_stations_within_half_an_hour(years):
    pressures = [column(values, "pressure") for values in years]
    for one in pressures[1:]:
        assert np.corrcoef(pressures[0], one)[0, 1] > 0.9
    # Without fronts the stations have little in common but the tide of the atmosphere.
    calm = [column(values, "pressure") for values in stations(730, seed=9, profile=CALM)]
    assert np.corrcoef(calm[0], calm[1])[0, 1] < 0.7


def test_fronts_come_as_often_as_the_profile_says(years):
    (front,) = PROFILE.disturbances
    # Of each front the mean offset remains: rate times the area of its pulse, flanks counting half.
    share = (front.lasts_s + (front.rises_s + front.relaxes_s) / 2) / front.every_s
    for name in ("pressure", "temperature", "wind"):
        offset = np.mean([
            column(values, name).mean() - column(calm, name).mean()
            for values, calm in zip(years, stations(730, 9, CALM), strict=True)
        ])  # fmt: skip
        # 243 fronts are expected, give or take 16: 20 % are three sigmas.
        assert offset == pytest.approx(share * front.shift[name], rel=0.2)


def test_stations_differ_in_level_as_the_profile_says():
    calm = stations(60, profile=CALM, units=40)
    for channel in PROFILE.channels:
        levels = [column(values, channel.name).mean() for values in calm]
        drift, days = channel.waveform.drift, 60 * 86_400
        # What the drift leaves in the mean of 60 days comes on top.
        left = drift.sigma * np.sqrt(2 * drift.time_constant_s / days)
        wanted = np.hypot(channel.waveform.unit_sigma, left)
        assert np.std(levels, ddof=1) == pytest.approx(wanted, rel=0.4)
