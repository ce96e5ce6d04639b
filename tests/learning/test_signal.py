"""Values of a known process -> its parameters, over several seeds."""

import numpy as np
import pytest

from sensorkit.emulator import Emulator
from sensorkit.learning import learn, of_bytes, signal, steps
from sensorkit.learning.limits import plausible
from sensorkit.learning.signal import Signal
from sensorkit.learning.timing import timing
from sensorkit.profile import Channel, Profile, Waveform, shipped
from sensorkit.signals import Waveforms

SEEDS = (1, 2, 3)


def readings(waveform, n=20_000, seed=1, decimals=3):
    """Values that a waveform makes, once a second."""
    channel = Channel(name="x", decimals=decimals, waveform=Waveform(**waveform))
    profile = Profile(name="x", rate_hz=1.0, channels=(channel,))
    return Waveforms(profile, seed).block(n)[:, 0]


def found(values, decimals=3, rate_hz=1.0):
    return signal.learn(values, np.arange(len(values)), rate_hz=rate_hz, decimals=decimals)


@pytest.mark.parametrize("seed", SEEDS)
@pytest.mark.parametrize("ar1", [0.0, 0.3, 0.6, 0.9, -0.4])
def test_noise_of_first_order_is_recovered(seed, ar1):
    learned = found(readings({"level": 5, "noise": {"sigma": 0.2, "ar1": ar1}}, seed=seed))
    noise = learned.waveform.noise
    assert learned.waveform.level == pytest.approx(5.0, abs=0.03)
    assert noise.sigma == pytest.approx(0.2, rel=0.1)
    assert (noise.coefficients[0] if ar1 else sum(noise.coefficients)) == pytest.approx(
        ar1, abs=0.06
    )
    assert not learned.waveform.cycles
    assert learned.waveform.drift is None


@pytest.mark.parametrize("seed", SEEDS)
def test_noise_of_second_order_is_recovered(seed):
    ar = (1.2, -0.6)
    learned = found(readings({"level": 5, "noise": {"sigma": 0.2, "ar": ar}}, seed=seed))
    assert learned.waveform.noise.sigma == pytest.approx(0.2, rel=0.1)
    assert learned.waveform.noise.coefficients[:2] == pytest.approx(ar, abs=0.05)
    assert not learned.waveform.cycles  # a resonance is no cycle


@pytest.mark.parametrize("seed", SEEDS)
def test_drift_is_told_from_noise(seed):
    drift = {"sigma": 0.5, "time_constant_s": 300}
    waveform = {"level": 5, "drift": drift, "noise": {"sigma": 0.2, "ar1": 0.5}}
    learned = found(readings(waveform, seed=seed)).waveform
    assert learned.drift.sigma == pytest.approx(0.5, rel=0.3)
    assert learned.drift.time_constant_s == pytest.approx(300, rel=0.5)
    assert learned.noise.sigma == pytest.approx(0.2, rel=0.1)
    assert learned.noise.ar1 == pytest.approx(0.5, abs=0.06)


@pytest.mark.parametrize("seed", SEEDS)
def test_cycles_are_recovered_with_period_amplitude_and_phase(seed):
    cycles = [
        {"amplitude": 1.0, "period_s": 900, "phase": 0.7},
        {"amplitude": 0.3, "period_s": 61.5, "phase": -1.0},
    ]
    waveform = {"level": 5, "cycles": cycles, "noise": {"sigma": 0.5, "ar1": 0.6}}
    learned = found(readings(waveform, seed=seed)).waveform
    assert len(learned.cycles) == 2
    for one, wanted in zip(learned.cycles, cycles, strict=True):
        assert one.amplitude == pytest.approx(wanted["amplitude"], rel=0.1)
        assert one.period_s == pytest.approx(wanted["period_s"], rel=0.002)
        assert one.phase == pytest.approx(wanted["phase"], abs=0.2)


def test_a_cycle_that_was_seen_twice_is_none():
    cycle = {"amplitude": 1.0, "period_s": 10_000}
    learned = found(readings({"level": 5, "cycles": [cycle], "noise": {"sigma": 0.2}}))
    assert not learned.waveform.cycles
    assert any("seen less than 3 times" in remark for remark in learned.remarks)


@pytest.mark.parametrize("seed", range(20))
def test_noise_alone_has_no_cycle(seed):
    rng = np.random.default_rng(seed)
    walk = np.cumsum(rng.standard_normal(2000)) * 0.01
    for values in (rng.standard_normal(2000), walk):
        assert not found(np.round(values, 3)).waveform.cycles


@pytest.mark.parametrize(("step", "decimals"), [(0.0625, 2), (0.5, 1), (0.1, 2), (5.0, 0)])
def test_a_step_is_found_even_where_the_last_digit_hides_it(step, decimals):
    rng = np.random.default_rng(1)
    values = np.round(np.rint(rng.normal(400, 30, 3000)) * step, decimals)
    assert steps.find(values, decimals) == pytest.approx(step, rel=1e-9)


def test_values_on_every_digit_have_no_step():
    assert steps.find(np.round(np.random.default_rng(1).normal(25, 1, 3000), 2), 2) is None


def test_rounding_that_is_coarser_than_the_noise_is_undone():
    waveform = {"level": 21.609, "noise": {"sigma": 0.003}}
    learned = found(readings(waveform, decimals=2), decimals=2)
    assert learned.waveform.level == pytest.approx(21.609, abs=0.0005)
    assert learned.waveform.noise.sigma == pytest.approx(0.003, rel=0.1)


@pytest.mark.parametrize(
    ("values", "kind"),
    [
        (np.full(100, 3.0), "constant"),
        (np.arange(200.0), "counter"),
        (np.full(100, np.nan), "empty"),
        (np.array([1.0, 2.0]), "short"),
        (np.repeat([0.0, 1.0, 0.0, 1.0], 100), "levels"),
        (np.random.default_rng(1).standard_normal(200), "steady"),
    ],
)
def test_what_a_waveform_cannot_say_is_named(values, kind):
    learned = found(values)
    assert learned.kind == kind
    assert (kind == "steady") == (not learned.remarks)


def test_one_infinite_value_is_left_out():
    values = readings({"level": 5, "noise": {"sigma": 0.2}}, n=2000)
    values[100] = np.inf
    from sensorkit.learning import of_readings
    from sensorkit.readings import Readings

    batch = Readings.build(np.arange(2000) * 10**9, values[:, None], ("x",))
    assert learn(of_readings(batch, "x")).profile.channels[0].waveform.level == pytest.approx(
        5.0, abs=0.02
    )


@pytest.mark.parametrize("scale", [1e-300, 1e-9, 1e9, 1e200])
def test_values_of_any_size_are_taken(scale):
    values = readings({"level": 5, "noise": {"sigma": 0.2, "ar1": 0.5}}) * scale
    noise = found(values, decimals=0).waveform.noise
    if scale >= 1:
        assert noise.sigma == pytest.approx(0.2 * scale, rel=0.1)


def test_a_channel_in_every_fifth_frame_is_learned_at_its_own_pace():
    dense = readings({"level": 5, "noise": {"sigma": 0.2, "ar1": 0.9}}, n=50_000)
    sparse = np.full(len(dense), np.nan)
    sparse[2::5] = dense[2::5]
    noise = found(sparse).waveform.noise
    assert noise.sigma == pytest.approx(0.2, rel=0.1)
    assert noise.ar1 == pytest.approx(0.9, abs=0.03)


def test_times_that_repeat_and_step_back_do_not_matter():
    times = np.arange(1000) * 10**9
    times[100:110] = times[100]
    times[500] -= 3 * 10**9
    times[700:] += 10**13  # a break of three hours
    when = timing(times)
    assert when.rate_hz == 1.0
    assert when.breaks == 1
    assert when.longest_s < 20
    assert (np.diff(when.positions) >= 1).all()


def test_equal_times_tell_no_rate():
    assert timing(np.zeros(100, dtype=np.int64)).rate_hz is None


def test_frames_that_come_several_a_read_are_counted():
    times = np.repeat(np.arange(100), 10) * 10**9
    when = timing(times)
    assert when.batched
    assert when.rate_hz == pytest.approx(10.0, rel=0.02)


@pytest.mark.slow
@pytest.mark.parametrize(
    ("name", "seed"),
    [*((name, 1) for name in shipped()), ("serial_monitor", 2), ("fermenter", 2)],
)
def test_a_shipped_profile_is_recovered_from_what_its_device_sends(name, seed):
    profile = Profile.load(name)
    hold = next(iter(profile.states), None)
    frames = Emulator(profile, hold=hold, seed=seed).frames(3000)
    learned = learn(of_bytes(b"".join(frame.data for frame in frames), name))
    assert learned.share == 1.0
    assert learned.profile.rate_hz == pytest.approx(profile.rate_hz)
    assert len(learned.profile.channels) == len(profile.channels)
    # A weather front is no noise: what it does is in no waveform.
    if profile.disturbances:
        return
    for channel, again in zip(profile.channels, learned.profile.channels, strict=True):
        wanted, got = channel.waveform, again.waveform
        for cycle in wanted.cycles:
            near = min(got.cycles, key=lambda c, cycle=cycle: abs(c.period_s - cycle.period_s))
            assert near.period_s == pytest.approx(cycle.period_s, rel=0.03)
            assert near.amplitude == pytest.approx(cycle.amplitude, rel=0.15)
        if wanted.noise is not None:
            assert got.noise.sigma == pytest.approx(wanted.noise.sigma, rel=0.15)
            assert got.noise.ar1 == pytest.approx(wanted.noise.ar1, abs=0.1)


def test_what_a_sensor_has_said_is_plausible_whatever_physics_has_against_it():
    found = Signal(Waveform(level=0), "steady", 100, -3.0, 3.0, 1, 50.0)
    assert plausible(found, "K") == (-3.0, 700.0)
