import copy
import math
from itertools import pairwise

import naive
import numpy as np
import pytest

from sensorkit.detect.kernels import phases, subsequences
from sensorkit.detect.novelty import DELAY, Novelty, _once
from sensorkit.detect.streams import Judged
from sensorkit.detect.tails import LARGEST, RunningTail
from sensorkit.readings import Readings

HOUR = 3_600 * 10**9
SMALL = {"recent": 200, "days": 3, "memory": 300}


def noise(n, seed=1):
    return np.random.default_rng(seed).normal(size=n)


def readings_of(values, step_ns=HOUR, channels=("level",)):
    values = np.asarray(values, dtype=float).reshape(len(values), -1)
    return Readings.build(np.arange(len(values)) * step_ns, values, list(channels))


def day_and_night(n=3000, seed=1, per_day=96):
    """A cycle a day, with noise."""
    return np.sin(2 * np.pi * np.arange(n) / per_day) + 0.05 * noise(n, seed)


QUARTER = HOUR // 4


def mean_unusual(distances, memory):
    """Mean over the lengths of the improbabilities beyond the start of their tails."""
    total = np.zeros(len(distances))
    for column in distances.T:
        improbable = RunningTail(memory, delay=DELAY).judge(column)
        known = np.cumsum(np.isfinite(column)) - np.isfinite(column) - DELAY
        n = np.clip(known, 50, memory)
        start = np.log10(n / np.maximum(10, n * 2 // 100))
        total += np.where(improbable > start, improbable, 0.0)
    return total / len(distances.T)


def test_scores_are_the_two_questions_put_together():
    values = np.round(day_and_night(1200, per_day=24), 2)
    values[700:703] += 2.0
    readings = readings_of(values)
    recent = np.column_stack(
        [
            naive.nearest_in_a_row(
                values.tolist(), length=m, longest=subsequences.LONGEST, recent=200
            )
            for m in subsequences.LENGTHS
        ]
    )
    twin, daily = naive.Days(3), []
    for time, value in zip(readings.time.tolist(), values.tolist(), strict=True):
        twin.put(time, value)
        daily.append(twin.distances(phases.LENGTHS) or 3 * [np.nan])
    both = np.cbrt(mean_unusual(recent, 300) ** 3 + mean_unusual(np.array(daily), 300) ** 3)
    seen = np.cumsum(np.isfinite(recent[:, 0])) - np.isfinite(recent[:, 0])
    expected = np.where(both > 0, both + np.log10(300 / np.clip(seen, 50, 300)), 0.0)
    np.testing.assert_allclose(Novelty(**SMALL).score(readings), expected, rtol=1e-6)
    assert (expected > 0).sum() > 20


@pytest.mark.parametrize("seed", [1, 2, 3])
def test_the_cut_of_the_stream_changes_no_bit(seed):
    readings = readings_of(day_and_night(1500), QUARTER)
    readings.values[200:220] = np.nan
    whole = Novelty(**SMALL).score(readings)
    cuts = np.sort(np.random.default_rng(seed).integers(0, 1501, 30))
    detector = Novelty(**SMALL)
    edges = [0, *cuts.tolist(), 1500]
    parts = [detector.score(readings[a:b]) for a, b in pairwise(edges)]
    assert np.concatenate(parts).tobytes() == whole.tobytes()


def test_one_reading_at_a_time_scores_the_same_bits():
    readings = readings_of(np.column_stack([day_and_night(800), noise(800)]), QUARTER, "ab")
    readings.values[100:103, 1] = np.nan, np.inf, -np.inf
    detector = Novelty(**SMALL)
    assert detector.score(readings[:1]).tolist() == [0.0]
    ones = [
        detector.score_one(time, values)
        for time, values in zip(readings.time[1:].tolist(), readings.values[1:], strict=True)
    ]
    assert np.array(ones).tobytes() == Novelty(**SMALL).score(readings)[1:].tobytes()


def test_a_shape_never_seen_raises_an_alert_that_says_so():
    values = day_and_night()
    values[2500:2510] = [2.0, -2.0] * 5
    alerts = Novelty().alerts(readings_of(values, QUARTER))
    alert = next(alert for alert in alerts if 2500 <= alert.start // QUARTER < 2503)
    assert alert.channel == "level"
    assert alert.type == "ANOMALY_NOVELTY"
    assert "unlike the last 2500 readings (once in " in alert.description


def test_it_is_said_how_many_readings_there_were_to_compare_with():
    values = day_and_night(700)
    values[600], values[690] = np.nan, 9.0
    readings, detector = readings_of(values, QUARTER), Novelty()
    (alert,) = (a for a in detector.alerts(readings) if a.start == 690 * QUARTER)
    assert "unlike the last 689 readings" in alert.description
    cut = Novelty()
    cut.score(readings[:650])
    assert alert.description in [a.description for a in cut.alerts(readings[650:])]
    small = Novelty(recent=200).alerts(readings)
    assert any("unlike the last 200 readings" in a.description for a in small)


@pytest.mark.parametrize("cut", [0, 50, 500])
def test_it_is_said_how_many_days_there_were_to_compare_with(cut):
    readings = readings_of(noise(1000), QUARTER)  # 96 a day
    stream = _stream(readings[:cut])
    stream.explaining = True
    days = stream.judge(readings[cut:]).facts["days"][:, 0]
    at = np.arange(cut, 1000)
    np.testing.assert_array_equal(days[at >= 96], np.clip(at[at >= 96] // 96, 1, 14))


def test_one_day_is_called_the_day_before():
    detector, one = Novelty(), readings_of([1.0])
    facts = {"recent": 0.0, "daily": 3.0, "compared": 400.0, "days": 1.0}
    judged = Judged(np.ones((1, 1)), {name: np.array([[fact]]) for name, fact in facts.items()})
    assert detector.explain(one, judged, 0, 0).description == (
        "Level 1 is, with those before it, unlike the same time the day before (once in 1000)."
    )


def test_what_hardly_ever_comes_up_is_not_given_a_number_that_is_only_the_cap():
    assert _once(3.02) == "once in 1000"
    assert _once(9.9) == "once in 7.9e+09"
    assert _once(10.0) == _once(30.0) == "less than once in 1e+10"


def test_a_usual_shape_at_the_wrong_hour_is_found_by_the_daily_question():
    values = day_and_night()
    values[2500:2600] = values[2460:2560].copy()  # the cycle jumps back by 10 hours
    readings = readings_of(values, QUARTER)
    stream = _stream(readings[:2500])
    stream.explaining = True
    judged = stream.judge(readings[2500:2600])
    daily, recent = judged.facts["daily"][20:, 0], judged.facts["recent"][20:, 0]
    assert daily.min() > 2.6 > np.median(recent)
    detector = Novelty()
    detector.score(readings[:2520])
    alert = detector.alerts(readings[2520:2600])[0]
    assert "unlike the same time on the last 14 days (" in alert.description


def test_the_channel_at_fault_is_named():
    values = np.column_stack([noise(2000, 1), noise(2000, 2)])
    values[1500, 1] = 40.0
    alerts = Novelty().alerts(readings_of(values, QUARTER, ("a", "b")))
    assert [a.channel for a in alerts if a.start == 1500 * QUARTER] == ["b"]


def test_healthy_noise_raises_few_alerts():
    found = [len(Novelty().alerts(readings_of(noise(10_000, seed), HOUR // 12))) for seed in (1, 2)]
    assert max(found) < 40, found


@pytest.mark.parametrize("value", [0.0, 0.1, 1e9, -1e300])
def test_a_constant_channel_scores_0_and_its_first_change_as_high_as_can_be(value):
    values = np.full(500, value)
    values[400] = np.nextafter(value, 1.0) if value == 0.1 else value + abs(value) + 1.0
    score = Novelty().score(readings_of(values))
    assert not score[:400].any()
    assert score[400] >= 30.0


def test_an_infinite_value_is_an_alarm_at_once_and_is_not_learned():
    values, time = noise(600), np.arange(600) * HOUR
    clean = Novelty().score(readings_of(values))
    for infinite in (np.inf, -np.inf):
        with_it = np.insert(values, 10, infinite)[:, np.newaxis]
        readings = Readings.build(np.insert(time, 10, time[10]), with_it, ["level"])
        score = Novelty().score(readings)
        assert score[10] == LARGEST
        assert np.delete(score, 10).tobytes() == clean.tobytes()
    alerts = Novelty().alerts(readings_of([1.0, np.inf]))
    assert [alert.description for alert in alerts] == ["Level inf is not a finite value."]


def test_missing_values_take_no_place():
    values = np.round(noise(900), 2)
    readings = readings_of(values)
    gappy = readings_of(np.insert(values, [200, 500, 501], np.nan))
    score = Novelty(days=1).score(gappy)
    assert not score[[200, 501, 503]].any()
    recent = np.delete(score, [200, 501, 503])
    # The same up to the first hole; after it the daily question lies an hour off.
    assert recent[:200].tobytes() == Novelty(days=1).score(readings)[:200].tobytes()


def test_while_told_not_to_learn_a_stream_stays_as_it_was():
    readings = readings_of(day_and_night(1500), QUARTER)
    stream = _stream(readings[:1000])
    held = copy.deepcopy(stream)
    held.learning = False
    for _ in range(3):
        held.judge(readings_of(np.full(30, 9.0), QUARTER))
    # Nothing of it is compared with: the same comes as a surprise again and again.
    assert held.judge(readings_of(np.full(30, 9.0), QUARTER)).scores.min() > 2.6
    stream.judge(readings_of(np.full(30, 9.0), QUARTER))
    assert stream.judge(readings_of(np.full(30, 9.0), QUARTER)).scores.min() == 0.0


def _stream(readings):
    detector = Novelty()
    detector.watch_channels(readings.channels)
    stream = detector.open_stream("device")
    stream.judge(readings)
    return stream


def test_a_copied_stream_goes_its_own_way():
    readings = readings_of(day_and_night(1500), QUARTER)
    stream = _stream(readings[:1000])
    other = copy.deepcopy(stream)
    other.judge(readings_of(noise(500), QUARTER))
    expected = Novelty().score(readings)[1000:]
    np.testing.assert_array_equal(stream.judge(readings[1000:]).scores[:, 0], expected)


def test_times_in_any_order_and_equal_ones_are_scored():
    values = noise(2000)
    for time in (
        np.zeros(2000, dtype=np.int64),
        np.arange(2000)[::-1] * HOUR,
        np.random.default_rng(1).permutation(2000) * HOUR,
        np.cumsum(np.where(np.arange(2000) % 400, HOUR, 10**16)),
    ):
        readings = Readings.build(time.astype(np.int64), values[:, np.newaxis], ["level"])
        assert np.isfinite(Novelty(**SMALL).score(readings)).all()


def test_memory_is_what_the_docstring_says():
    stream = _stream(readings_of(noise(3000), QUARTER))
    size = sum(array.nbytes for channel in stream._of for array in channel)
    assert 0.5e6 < size < 1.0e6


def test_one_reading_scores_nothing():
    assert Novelty().score(readings_of([5.0])).tolist() == [0.0]
    assert math.isfinite(Novelty().threshold_)


def test_after_a_fit_streams_begin_with_what_it_saw():
    readings = readings_of(day_and_night(3000), QUARTER)
    fitted = Novelty().fit(readings[:2000])
    whole = Novelty().score(readings)[2000:]
    assert fitted.score(readings[2000:]).tobytes() == whole.tobytes()
    fitted.reset()
    assert fitted.score(readings[2000:]).tobytes() == whole.tobytes()


def test_of_several_devices_the_fit_takes_the_longest():
    long, short = readings_of(day_and_night(900), QUARTER), readings_of(noise(300), QUARTER)
    both = Readings.concat(
        [
            Readings.build(part.time, part.values, ["level"], device=name)
            for name, part in (("long", long), ("short", short))
        ]
    )
    alone = Novelty().fit(long).score(short)
    assert Novelty().fit(both).score(short).tobytes() == alone.tobytes()


def _arrays():
    return Novelty(**SMALL).fit(readings_of(noise(600))).state()


def _place(name, index, value):
    def change(arrays):
        arrays[name] = arrays[name].copy()
        arrays[name][index] = value

    return change


@pytest.mark.parametrize(
    ("change", "message"),
    [
        pytest.param(lambda a: a.pop("0_kept"), "it knows no 0_kept", id="missing"),
        pytest.param(lambda a: a.update(more=np.zeros(1)), "it knows no more", id="foreign"),
        pytest.param(
            lambda a: a.update({"0_end": np.zeros(1)}), "0_end is float64 of shape", id="type"
        ),
        pytest.param(_place("0_end", 0, 10**6), "outside them", id="end"),
        pytest.param(_place("0_kept", 0, np.inf), "not finite", id="infinite value"),
        pytest.param(_place("0_slot_at", phases.WAITING, 257), "readings that wait", id="waiting"),
        pytest.param(_place("0_slot_at", phases.STEPS, -1), "readings that wait", id="steps"),
        pytest.param(_place("0_slot_at", phases.A_DAY, 10**6), "are not a day", id="slots a day"),
        pytest.param(_place("0_slot_at", phases.READINGS, -1), "below 0", id="readings"),
        pytest.param(_place("0_slots", (0, 0), np.inf), "is infinite", id="slot"),
        pytest.param(_place("0_at", (0, 0), 301), "outside a tail", id="count"),
        pytest.param(_place("0_at", (0, 1), -1), "outside a tail", id="next"),
        pytest.param(_place("0_at", (0, 3), DELAY), "outside a tail", id="latest"),
        pytest.param(_place("0_at", (0, 0), 7), "a hole", id="hole"),
        pytest.param(_place("0_ordered", (0, 5), 1e9), "not in order", id="order"),
        pytest.param(_place("0_recent", (0, 5), np.nan), "not finite", id="nan"),
        pytest.param(_place("0_slot_over", 3, np.nan), "from 0 on", id="slot over"),
    ],
)
def test_a_memory_that_could_lead_a_kernel_astray_is_refused(change, message):
    arrays = _arrays()
    change(arrays)
    detector = Novelty(**SMALL)
    detector.watch_channels(("level",))
    with pytest.raises(ValueError, match=message):
        detector.restore(arrays)
