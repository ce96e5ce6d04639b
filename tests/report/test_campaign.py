import numpy as np
import pytest

from sensorkit.capture import write_recording
from sensorkit.errors import PlanError, UsageError
from sensorkit.faults import inject
from sensorkit.profile import Channel, Profile
from sensorkit.readings import Readings, Words
from sensorkit.report.running.campaign import FILLED, campaign

KINDS = ("bias", "drift", "dropout", "noise", "rapid_change", "silence", "spike", "stuck")
START = 1_767_225_600_000_000_000


@pytest.fixture
def recording(tmp_path):
    """Return a function that makes a recording: readings, seconds a step, channels."""

    def make(n, step_s=1.0, channels=("T", "V"), constant=()):
        rng = np.random.default_rng(5)
        values = rng.normal(20, 1, (n, len(channels)))
        for name in constant:
            values[:, channels.index(name)] = 3.0
        time = START + np.round(np.arange(n) * step_s * 1e9).astype(np.int64)
        profile = Profile(
            name="bench", rate_hz=1 / step_s, channels=tuple(Channel(name=c) for c in channels)
        )
        readings = Readings.build(time, values, channels)
        return write_recording(tmp_path / "bench", profile, readings, kind="imported")

    return make


def planned(recording, kinds=KINDS, repeats=3, clean=0.6):
    return campaign(
        recording,
        clean=clean,
        kinds=kinds,
        sizes_sigma=[2.0, 4.0, 8.0],
        durations=[30, 120],
        repeats=repeats,
        seed=1,
    )


def test_a_long_recording_gets_the_whole_campaign(recording):
    plan = planned(recording(120_000))

    # Per channel: 3 sizes x 2 durations of 4 kinds, 2 durations of 2 kinds, 3 spikes.
    assert len(plan.faults) == 3 * (2 * (4 * 6 + 2 * 2 + 3) + 2)


@pytest.mark.parametrize(("n", "step_s"), [(30_000, 1), (5000, 60), (2500, 0.1), (1500, 300)])
def test_it_shrinks_until_it_fits_and_can_be_placed_in_the_last_part(recording, n, step_s):
    made = recording(n, step_s)
    readings = made.readings()

    plan = planned(made)
    _, labels = inject(readings, plan, seed=1)

    assert len(labels) == len(plan.faults)
    assert {fault.kind for fault in plan.faults} == set(KINDS)
    first = readings.time[int(n * 0.6)]
    assert labels["start"].astype("int64").min() >= first
    touched = sum((fault.duration_s or 0) / step_s for fault in plan.faults)
    assert touched < FILLED * 0.4 * n


def test_a_channel_that_never_moves_gets_no_faults(recording):
    plan = planned(recording(20_000, constant=("V",)))

    assert {fault.channel for fault in plan.faults} == {"T", None}


def test_a_recording_that_is_too_short_is_told_how_many_readings_would_do(recording):
    made = recording(200)

    with pytest.raises(UsageError, match=r"'bench' has 200 readings.*need at least (\d+) ") as said:
        planned(made)

    enough = int(str(said.value).split("at least ")[1].split()[0])
    assert planned(recording_again(made, enough)).faults
    with pytest.raises(UsageError, match="need at least"):
        planned(recording_again(made, enough - 10))


def recording_again(made, n):
    readings = made.readings()
    values = np.random.default_rng(5).normal(20, 1, (n, 2))
    time = START + np.arange(n) * 1_000_000_000
    folder = made.dir.with_name(f"again-{n}")
    longer = Readings.build(time, values, readings.channels)
    return write_recording(folder, made.profile, longer, kind="imported")


def test_an_unknown_kind_is_answered_with_the_nearest_one(recording):
    with pytest.raises(PlanError, match="did you mean 'spike'"):
        planned(recording(1000), kinds=("spikes",))


def test_an_empty_recording_is_too_short_and_no_crash(recording):
    with pytest.raises(UsageError, match="has 0 readings"):
        planned(recording(0))


def test_the_steps_are_those_of_a_device_and_not_of_all_by_turns(tmp_path):
    n = 60_000
    time = START + np.repeat(np.arange(n), 2) * 1_000_000_000 + np.tile([0, 1_000_000], n)
    values = np.random.default_rng(5).normal(20, 1, (2 * n, 1))
    device = Words.of(["a", "b"] * n)
    profile = Profile(name="bench", rate_hz=1.0, channels=(Channel(name="T"),))
    readings = Readings.build(time, values, ["T"], device=device)
    made = write_recording(tmp_path / "bench", profile, readings, kind="imported")

    plan = planned(made, kinds=["bias"])
    _, labels = inject(readings, plan, seed=1)

    assert {fault.duration_s for fault in plan.faults} <= {30.0, 120.0}
    assert set(labels["device"]) == {"a"}
