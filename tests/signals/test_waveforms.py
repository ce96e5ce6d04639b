"""Healthy waveforms: seeded, and the same however they are cut."""

import numpy as np
import pytest

from sensorkit.errors import ProfileError
from sensorkit.profile import Channel, Profile, Waveform
from sensorkit.signals import BLOCK, Waveforms, healthy_sigma, quantize

PROFILE = Profile.load("serial_monitor")


def profile_with(*channels: dict, **more) -> Profile:
    data = {"name": "bench", "rate_hz": 1, "channels": list(channels), **more}
    return Profile.from_dict(data, "test")


def blocks(profile: Profile, sizes: list[int], seed: int = 3) -> np.ndarray:
    waveforms = Waveforms(profile, seed)
    return np.concatenate([waveforms.block(n) for n in sizes])


@pytest.mark.parametrize(
    "sizes",
    [[1] * 50 + [9950], [BLOCK, BLOCK, 10000 - 2 * BLOCK], [BLOCK - 1, 2, 9999 - BLOCK], [7, 9993]],
)
def test_waveforms_do_not_depend_on_the_size_of_the_blocks(sizes):
    np.testing.assert_array_equal(blocks(PROFILE, sizes), blocks(PROFILE, [10000]))


def test_another_seed_gives_other_waveforms():
    assert not np.array_equal(blocks(PROFILE, [100], seed=3), blocks(PROFILE, [100], seed=4))


def test_a_channel_added_at_the_end_changes_none_before_it():
    one, two = PROFILE.channels
    extra = Channel(name="current", waveform=Waveform(level=1.0, noise={"sigma": 0.1, "ar1": 0.5}))
    longer = PROFILE.model_copy(update={"channels": (one, two, extra)})
    np.testing.assert_array_equal(blocks(longer, [5000])[:, :2], blocks(PROFILE, [5000]))


def test_noise_of_higher_order_has_the_correlations_of_its_coefficients():
    noise = {"sigma": 2.0, "ar": [0.5, -0.3, 0.2]}
    profile = profile_with({"name": "x", "decimals": 9, "waveform": {"level": 0, "noise": noise}})
    values = blocks(profile, [100_000] * 4)[:, 0]
    assert values.std() == pytest.approx(2.0, rel=0.01)
    correlations = [np.corrcoef(values[:-lag], values[lag:])[0, 1] for lag in (1, 2, 3)]
    # Yule-Walker: r1 = a1 + a2 r1 + a3 r2, r2 = a1 r1 + a2 + a3 r1, r3 = a1 r2 + a2 r1 + a3.
    expected = np.linalg.solve([[1.3, -0.2, 0], [-0.7, 1, 0], [0.3, -0.5, 1]], [0.5, -0.3, 0.2])
    np.testing.assert_allclose(correlations, expected, atol=0.01)
    np.testing.assert_array_equal(blocks(profile, [7, 9993]), blocks(profile, [10_000]))


def test_noise_of_higher_order_is_settled_from_the_first_reading():
    noise = {"sigma": 2.0, "ar": [1.6, -0.7]}
    profile = profile_with({"name": "x", "decimals": 9, "waveform": {"level": 0, "noise": noise}})
    first = np.array([Waveforms(profile, seed).block(1)[0, 0] for seed in range(400)])
    assert first.std() == pytest.approx(2.0, rel=0.1)


def test_noise_that_would_grow_without_end_is_refused():
    noise = {"sigma": 1.0, "ar": [1.2, 0.1]}
    with pytest.raises(ProfileError, match=r"noise\.ar: noise with these coefficients grows"):
        profile_with({"name": "x", "waveform": {"level": 0, "noise": noise}})


def test_drift_and_noise_have_the_spread_and_the_memory_of_the_profile():
    waveform = {
        "level": 10.0,
        "drift": {"sigma": 2.0, "time_constant_s": 50},
        "noise": {"sigma": 0.5, "ar1": 0.6},
    }
    drift_only = profile_with({"name": "x", "decimals": 9, "waveform": waveform | {"noise": None}})
    noise_only = profile_with({"name": "x", "decimals": 9, "waveform": waveform | {"drift": None}})
    drift = blocks(drift_only, [400_000])[:, 0] - 10.0
    noise = blocks(noise_only, [400_000])[:, 0] - 10.0
    # 400 000 readings hold 4 000 independent drifts: 2 % is more than three standard errors.
    assert drift.std() == pytest.approx(2.0, rel=0.05)
    assert noise.std() == pytest.approx(0.5, rel=0.02)
    assert np.corrcoef(drift[:-1], drift[1:])[0, 1] == pytest.approx(np.exp(-1 / 50), abs=0.005)
    assert np.corrcoef(noise[:-1], noise[1:])[0, 1] == pytest.approx(0.6, abs=0.01)


def test_the_first_reading_is_as_spread_as_any_other():
    noise = {"sigma": 1.0, "ar1": 0.9}
    profile = profile_with({"name": "x", "waveform": {"level": 0.0, "noise": noise}})
    firsts = [Waveforms(profile, seed).block(1)[0, 0] for seed in range(500)]
    assert np.std(firsts) == pytest.approx(1.0, rel=0.1)


def test_a_cycle_comes_back_after_its_period_and_starts_at_its_phase():
    cycle = {"amplitude": 3.0, "period_s": 8.0, "phase": np.pi / 2}
    profile = profile_with({"name": "x", "waveform": {"level": 1.0, "cycles": [cycle]}})
    values = blocks(profile, [17])[:, 0]
    assert values[0] == values[8] == values[16] == 4.0
    assert values[4] == -2.0


def test_the_rate_stretches_time_not_the_signal():
    cycle = {"amplitude": 3.0, "period_s": 8.0}
    profile = profile_with({"name": "x", "waveform": {"level": 1.0, "cycles": [cycle]}})
    twice = Waveforms(profile, 0, rate_hz=2.0).block(16)[::2]
    np.testing.assert_array_equal(twice, Waveforms(profile, 0).block(8))


def test_values_stand_on_the_steps_of_the_sensor_and_equal_their_text():
    channel = {"name": "x", "decimals": 2, "waveform": {"level": 1.0, "step": 0.05}}
    channel["waveform"]["noise"] = {"sigma": 1.0}
    values = blocks(profile_with(channel), [1000])[:, 0]
    assert all(float(f"{value:.2f}") == value for value in values.tolist())
    assert set(np.round(values * 100).astype(int) % 5) == {0}
    assert len(np.unique(values)) > 50


def test_zero_has_no_sign():
    assert str(quantize(np.array([-0.001]), Channel(name="x"))[0]) == "0.0"


def test_sigma_of_a_profile_is_that_of_its_signal():
    sigma = [healthy_sigma(channel.waveform) for channel in PROFILE.channels]
    values = np.concatenate([blocks(PROFILE, [20_000], seed) for seed in range(20)])
    np.testing.assert_allclose(values.std(axis=0), sigma, rtol=0.1)


def test_a_channel_without_a_waveform_cannot_be_emulated():
    with pytest.raises(ProfileError, match=r"channel 'x' has no waveform.*waveform: \{level: 0\}"):
        Waveforms(profile_with({"name": "x"}))
