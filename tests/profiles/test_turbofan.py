"""The turbofan engines: what FD001 of C-MAPSS looks like, without a number copied from it."""

import os
from pathlib import Path

import numpy as np
import pytest

from sensorkit.emulator import Emulator
from sensorkit.profile import Profile
from sensorkit.signals import Waveforms

PROFILE = Profile.load("turbofan")
LIFE = PROFILE.life
CONSTANT = ["setting_3", *(f"sensor_{n}" for n in (1, 5, 10, 16, 18, 19))]
SYMBOLS = [
    "T2",
    "T24",
    "T30",
    "T50",
    "P2",
    "P15",
    "P30",
    "Nf",
    "Nc",
    "epr",
    "Ps30",
    "phi",
    "NRf",
    "NRc",
    "BPR",
    "farB",
    "htBleed",
    "Nf_dmd",
    "PCNfR_dmd",
    "W31",
    "W32",
]


def test_the_channels_are_those_of_c_mapss_in_their_order():
    settings = [f"setting_{n}" for n in (1, 2, 3)]
    assert list(PROFILE.channel_names) == [*settings, *(f"sensor_{n}" for n in range(1, 22))]
    assert [channel.title for channel in PROFILE.channels[3:]] == SYMBOLS


def test_what_is_constant_in_fd001_is_constant():
    values = Waveforms(PROFILE, seed=3).block(20_000)
    still = [name for name, own in zip(PROFILE.channel_names, values.T, strict=True)
             if np.ptp(own) == 0]  # fmt: skip
    assert still == CONSTANT
    assert not set(LIFE.shift) & set(CONSTANT)


@pytest.fixture(scope="module")
def lives(listen):
    """Readings of one engine through several lives, with their times and labels."""
    emulator = Emulator(PROFILE, seed=5)
    readings = listen(emulator, 40_000)[0]
    worn = [label for label in emulator.labels if label.kind == "wear"]
    return readings.values, readings.time, worn


def test_a_life_lasts_as_long_as_the_profile_says(lives):
    _, times, worn = lives
    ends = np.array([label.end for label in worn[:-1]])
    between = np.diff(ends) / 1e9 - LIFE.repair_s
    assert len(between) >= 7
    # The mean of n lives is uncertain by spread / sqrt(n): four times that is allowed.
    margin = 4 * LIFE.spread / np.sqrt(len(between))
    assert between.mean() == pytest.approx(LIFE.mean_s, rel=margin)
    assert times[-1] > ends[-1]


def test_wear_grows_from_nothing_to_the_offsets_at_the_failure(lives):
    values, times, worn = lives
    for label in worn[:-1]:
        healthy = values[(times >= label.start - 300e9) & (times < label.start)]
        last = values[(times > label.end - 30e9) & (times <= label.end)]
        for name, shift in LIFE.shift.items():
            column = PROFILE.channel_names.index(name)
            grown = last[:, column].mean() - np.median(healthy[:, column])
            # The last 30 s of 2000 s: 97 % of it, and states may be under way.
            if abs(grown - shift) > 0.35 * abs(shift):
                break
        else:
            return
    pytest.fail("in no life did all sensors end where the profile says")


def test_the_labels_of_wear_say_how_long_an_engine_still_runs(lives):
    _, times, worn = lives
    label = worn[0]
    after = times[times > label.end]
    # Silent from the failure on, for as long as another engine is put in.
    assert (after[0] - label.end) / 1e9 == pytest.approx(LIFE.repair_s, abs=2.0)
    assert label.device == "engine-1"
    assert label.magnitude is None


def fd001():
    root = os.environ.get("SENSORKIT_DATA")
    path = Path(root or "") / "cmapss" / "train_FD001.txt"
    if root is None or not path.is_file():
        pytest.skip("C-MAPSS is not in SENSORKIT_DATA")
    return np.loadtxt(path)


@pytest.mark.data
def test_levels_noise_and_wear_follow_fd001():
    data = fd001()
    units, cycles = data[:, 0], data[:, 1]
    last = np.array([cycles[units == unit].max() for unit in units])
    for column, channel in enumerate(PROFILE.channels, start=2):
        own, waveform = data[:, column], channel.waveform
        young = own[cycles <= 30]
        noise = np.mean([own[(units == unit) & (cycles <= 30)].std(ddof=1)
                         for unit in np.unique(units)])  # fmt: skip
        sigma = 0.0 if waveform.noise is None else waveform.noise.sigma
        scale = np.hypot(sigma, waveform.unit_sigma)
        assert young.mean() == pytest.approx(waveform.level, abs=0.35 * scale + 1e-9), channel.name
        assert sigma == pytest.approx(noise, rel=0.2, abs=2e-3), channel.name
        worn = own[last - cycles < 5].mean() - young.mean()
        wanted = LIFE.shift.get(channel.name, 0.0)
        assert wanted == pytest.approx(worn, rel=0.15, abs=0.6 * sigma + 1e-9), channel.name
