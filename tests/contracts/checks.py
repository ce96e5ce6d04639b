"""The promises of a detector, as functions that fail when one is broken.

Each takes `ready`, which returns the detector anew: fitted, calibrated or not, with no stream.
`test_detectors.py` runs them over every registered detector; `test_checks_can_fail.py` shows
each to catch a detector that breaks just this promise.
"""

import math
import pickle
import tempfile
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import asdict
from itertools import pairwise
from pathlib import Path

import numpy as np

from sensorkit import detect
from sensorkit.detect.base import BaseDetector
from sensorkit.errors import DetectorError
from sensorkit.readings import Alert, Readings, Words

SECOND = 10**9
CHANNELS = ("temperature", "voltage")

Ready = Callable[[], BaseDetector]


def healthy(n: int, seed: int, *, device: str = "monitor-1") -> Readings:
    """A second apart, noise around 25 and 5, quantized as the device does it."""
    rng = np.random.default_rng(seed)
    values = np.column_stack([rng.normal(25.0, 0.2, n), rng.normal(5.0, 0.02, n)]).round(2)
    return Readings.build(np.arange(n) * SECOND, values, CHANNELS, device=device)


def faulty(n: int = 300, seed: int = 1, *, device: str = "monitor-1") -> Readings:
    """Spikes, a shift, missing values and a silence in what was healthy."""
    readings = healthy(n, seed, device=device)
    values, time = readings.values, readings.time
    values[60, 0], values[61, 1] = 95.5, 6.1
    values[90:100, 0] += 3.0
    values[130:140, 1] = np.nan
    values[150, :] = np.nan
    time[160:] += 30 * SECOND
    time[170] = time[171]
    values[n - 3 :, 0] += 5.0  # still on when the readings end
    return readings


def interleaved(n: int = 200) -> Readings:
    """Two devices, by turns; only one has faults."""
    a, b = faulty(n, 2, device="a"), healthy(n, 3, device="b")
    order = np.argsort(np.concatenate([a.time, b.time + 1]), kind="stable")
    return Readings.concat([a, b])[order]


def cut(readings: Readings, at: list[int]) -> Iterator[Readings]:
    edges = [0, *sorted(at), len(readings)]
    for start, stop in pairwise(edges):
        yield readings[start:stop]


def all_alerts(detector: BaseDetector, readings: Readings, at: list[int]) -> list[Alert]:
    return list(detect.watch(detector, cut(readings, at)))


def facts(alerts: list[Alert]) -> list[dict]:
    """What of an alert may not depend on the cut: all but the last digits of its score."""
    known = [asdict(alert) for alert in alerts]
    for alert in known:
        alert["score"] = None if alert["score"] is None else float(f"{alert['score']:.8g}")
    return sorted(known, key=lambda alert: (alert["start"], alert["device"], str(alert)))


CUTS = {
    "one at a time": lambda n: list(range(1, n)),
    "with empty batches": lambda n: [0, 10, 10, 10, n // 2, n],
    "at random": lambda n: np.random.default_rng(5).integers(0, n, 20).tolist(),
}


def check_scores_do_not_depend_on_the_cut(
    ready: Ready, readings: Readings | None = None, at: list[int] | None = None
) -> None:
    """One reading at a time, any cut and all at once give the same scores to 1e-9."""
    readings = interleaved() if readings is None else readings
    whole = ready().score(readings)
    for name, cuts in CUTS.items() if at is None else [("as given", lambda n: at)]:
        detector = ready()
        parts = [detector.score(part) for part in cut(readings, cuts(len(readings)))]
        np.testing.assert_allclose(np.concatenate(parts), whole, rtol=1e-9, atol=1e-9, err_msg=name)


def check_alerts_do_not_depend_on_the_cut(
    ready: Ready, readings: Readings | None = None, at: list[int] | None = None
) -> None:
    """The same episodes begin and end, however the readings are cut."""
    readings = interleaved() if readings is None else readings
    whole = facts(all_alerts(ready(), readings, []))
    for name, cuts in CUTS.items() if at is None else [("as given", lambda n: at)]:
        parts = facts(all_alerts(ready(), readings, cuts(len(readings))))
        assert parts == whole, name


def check_the_future_changes_no_past_score(ready: Ready) -> None:
    """What comes later cannot change a score that has been given."""
    readings = faulty()
    score = ready().score(readings)
    for future in (np.nan, -1e6, 1e6):
        changed = faulty()
        changed.values[150:] = future
        np.testing.assert_array_equal(ready().score(changed)[:150], score[:150])
        np.testing.assert_array_equal(ready().score(readings[:150]), score[:150])


def check_a_reading_is_scored_before_it_is_learned(ready: Ready) -> None:
    """A reading cannot hide itself: an outlier stands out after 10 readings as after 60.

    Learned before it is scored, an outlier is at most (n-1)/sqrt(n) standard deviations from
    a mean of n values that it is one of: 3 after 10 readings, 7 after 50. Averaged over some
    streams, for what came just before has a say in some detectors.
    """
    scores = []
    for n in (10, 60):
        of_n = []
        for seed in range(7, 17):
            readings = healthy(n + 1, seed)
            readings.values[n] = 1e6
            of_n.append(ready().score(readings)[n] / 10)
        scores.append(sum(of_n))
    assert scores[0] >= scores[1] / 2, f"after 10 readings {scores[0]}, after 60 {scores[1]}"


def check_the_same_readings_give_the_same_scores(ready: Ready) -> None:
    """Nothing but parameters, fit and readings decides a score, to the last bit."""
    np.testing.assert_array_equal(ready().score(faulty()), ready().score(faulty()))


def check_reset_forgets_the_stream_but_not_the_fit(ready: Ready) -> None:
    """After `reset`, a detector scores and alerts as if it had seen nothing, with its threshold."""
    detector = ready()
    score, threshold = detector.score(faulty()), detector.threshold_
    detector.reset()
    np.testing.assert_array_equal(detector.score(faulty()), score)
    assert detector.threshold_ == threshold
    detector.reset()
    first = facts(all_alerts(detector, faulty(), []))
    detector.reset()
    assert facts(all_alerts(detector, faulty(), [])) == first


def check_memory_stays_bounded(ready: Ready) -> None:
    """After 10 000 readings a detector is no larger than after 1 000, but for a few bytes."""
    detector, sizes = ready(), []
    for readings in (healthy(1_000, 8), healthy(9_000, 9)):
        for start in range(0, len(readings), 500):
            detector.alerts(readings[start : start + 500])
        sizes.append(len(pickle.dumps(detector)))
    assert sizes[1] - sizes[0] < 1_000, f"{sizes[0]} bytes, then {sizes[1]}"


def check_nothing_that_comes_raises(ready: Ready) -> None:
    """NaN, infinity, gaps, constants, equal and falling times: a finite score for each reading."""
    nothing = healthy(100, 10)
    nothing.values[20:60] = np.nan
    endless = healthy(100, 11)
    endless.values[::7, 0], endless.values[::11, 1] = np.inf, -np.inf
    extreme = healthy(100, 12)
    extreme.values[40:60] *= 1e300
    extreme.values[60:80] *= 1e-300
    extreme.values[80::2] = 1.7e308
    extreme.values[81::2] = -1.7e308
    constant = healthy(100, 13)
    constant.values[:] = 0.1
    equal = healthy(100, 14)
    equal.time[:] = 5
    falling = healthy(100, 15)
    falling.time[:] = falling.time[::-1].copy()
    gaps = healthy(100, 16)
    gaps.time[50:] += 10**17
    nameless = healthy(100, 17)[np.arange(100)]
    object.__setattr__(nameless, "device", Words.constant(None, 100))
    for readings in (nothing, endless, extreme, constant, equal, falling, gaps, nameless):
        score = ready().score(readings)
        assert np.isfinite(score).all()
        assert score.shape == (100,)
        detect.report(all_alerts(ready(), readings, [30, 60]))
    assert ready().score(Readings.empty(CHANNELS)).shape == (0,)
    assert ready().alerts(Readings.empty(CHANNELS)) == []


def check_the_first_reading_can_be_scored(ready: Ready) -> None:
    """One reading, healthy or missing, has a finite score at once."""
    assert np.isfinite(ready().score(healthy(1, 18))).all()
    nothing = healthy(1, 18)
    nothing.values[:] = np.nan
    assert np.isfinite(ready().score(nothing)).all()


def check_saved_and_loaded_it_scores_the_same(ready: Ready) -> None:
    """A loaded detector has the same threshold, parameters and scores, bit by bit."""
    detector = ready()
    with tempfile.TemporaryDirectory() as folder:
        loaded = detect.load(detect.save(detector, Path(folder) / "detector"))
    assert loaded.threshold_ == detector.threshold_
    assert loaded.get_params() == detector.get_params()
    assert loaded.calibration_ == detector.calibration_
    np.testing.assert_array_equal(loaded.score(faulty()), detector.score(faulty()))


def check_a_clone_has_the_parameters_and_nothing_else(ready: Ready) -> None:
    """A clone equals a detector just made; neither changes the other."""
    detector = ready()
    threshold = detector.threshold_
    score = detector.score(faulty())
    clone = detector.clone()
    assert clone.get_params() == detector.get_params()
    assert clone.calibration_ is None
    clone.fit(healthy(500, 19)).calibrate(healthy(500, 20), false_alarms_per_day=10_000)
    clone.alerts(faulty())
    assert detector.threshold_ == threshold
    detector.reset()
    np.testing.assert_array_equal(detector.score(faulty()), score)
    fresh = ready().clone().fit(healthy(500, 19))
    fresh.calibrate(healthy(500, 20), false_alarms_per_day=10_000)
    clone.reset()
    np.testing.assert_array_equal(clone.score(faulty()), fresh.score(faulty()))


def check_parameters_can_be_read_and_set(ready: Ready) -> None:
    """What `get_params` gives, `set_params` takes, and the detector is then as just made."""
    detector = ready()
    params = detector.get_params()
    assert detector.set_params(**params) is detector
    assert detector.get_params() == params
    assert detector.calibration_ is None
    merge = params["merge"] + 1
    assert detector.set_params(merge=merge).get_params() == {**params, "merge": merge}
    for name, value in (("merge", -1), ("no_such_parameter", 1)):
        said = refusal(detector, name, value)
        assert said is not None, f"{name}={value} was taken"
        assert name in said


def refusal(detector: BaseDetector, name: str, value: object) -> str | None:
    try:
        detector.set_params(**{name: value})
    except DetectorError as error:
        return str(error)
    return None


def check_devices_do_not_touch_each_other(ready: Ready) -> None:
    """Two devices by turns are scored as each alone."""
    both = interleaved()
    score = ready().score(both)
    names = both.device.to_array()
    for name in ("a", "b"):
        rows = np.flatnonzero(names == name)
        np.testing.assert_allclose(
            score[rows], ready().score(both[rows]), rtol=1e-9, atol=1e-9, err_msg=name
        )


def of_one_device(ready: Ready, name: str | None) -> list[Alert]:
    """Run two devices by turns as a capture does, or one of them; return what is said of each.

    The clock of b is an hour behind that of a, which falls silent in the middle.
    """
    a, b = faulty(200, 2, device="a")[:100], faulty(200, 3, device="b")
    b.time[:] -= 3600 * SECOND
    streams = {n: r for n, r in (("a", a), ("b", b)) if name in (None, n)}
    detector, begun = ready(), []
    listen = getattr(detector, "listen", None)
    for device, readings in streams.items():
        if listen is not None:
            listen(int(readings.time[0]) - SECOND, device)
    for start in range(0, len(b), 20):
        now = slice(start, start + 20)
        batch = Readings.concat([readings[now] for readings in streams.values()])
        order = np.concatenate([np.arange(len(r[now])) for r in streams.values()])
        begun += detector.alerts(batch[np.argsort(order, kind="stable")])
        for device, readings in streams.items():
            late = max(start + 20 - len(readings), 0)
            last = int(readings[: now.stop].time[-1])
            begun += detect.advance(detector, last + late * SECOND, device)
    return begun + detector.finish()


def check_a_device_is_watched_by_its_own_clock(ready: Ready) -> None:
    """What is said of a device among others, of its silence too, is what is said of it alone."""
    both = of_one_device(ready, None)
    for name in ("a", "b"):
        alone = facts(of_one_device(ready, name))
        assert facts([alert for alert in both if alert.device == name]) == alone, name


def check_the_readings_are_left_as_they_are(ready: Ready) -> None:
    """Nothing writes to the arrays it is given."""
    readings = faulty()
    readings.values.flags.writeable = False
    readings.time.flags.writeable = False
    detector = ready()
    detector.alerts(readings)
    detector.fit(readings)
    detector.calibrate(readings)


def check_calibration_keeps_the_budget(ready: Ready) -> None:
    """On the readings it was calibrated on, it raises as many alarms as it says, in budget."""
    clean = healthy(4_000, 21)
    days = 3_999 / 86_400
    for alarms in (0, 1, 5):
        detector = ready()
        before = detector.threshold_
        detector.calibrate(clean, false_alarms_per_day=(alarms + 0.5) / days)
        result = detector.calibration_
        assert result is not None
        assert math.isclose(result.clean_hours, days * 24)
        assert result.fixed == detector.fixed
        raised = len(all_alerts(detector, clean, [100, 1_000]))
        assert raised == result.alarms
        if detector.fixed:
            assert detector.threshold_ == before
        else:
            assert raised <= alarms, f"{raised} alarms where {alarms} are allowed"


def check_alerts_say_when_they_begin_and_end(ready: Ready) -> None:
    """Handed out in order of time, each within the readings, none open after `finish`."""
    detector, begun = ready(), []
    for part in cut(faulty(), [20, 61, 95, 240]):
        alerts = detector.alerts(part)
        starts = [alert.start for alert in alerts]
        assert starts == sorted(starts)
        begun += alerts
    assert detector.finish() == []
    time = faulty().time
    for alert in begun:
        assert alert.end is not None, alert
        assert time[0] <= alert.start <= alert.end <= time[-1]
        assert alert.detector in {detector.name, *(member.name for member in detector.members)}
        assert alert.device == "monitor-1"
        assert alert.description.endswith(".")
    assert detector.finish() == []


def check_one_reading_is_scored_as_in_a_batch(ready: Ready) -> None:
    """`score_one` gives what `score` gives, to 1e-9, and the two can take turns."""
    readings = faulty()
    one, turns = ready(), ready()
    pairs = list(zip(readings.time.tolist(), readings.values, strict=True))
    whole = ready().score(readings)
    scores = [one.score_one(time, values, "monitor-1") for time, values in pairs]
    np.testing.assert_allclose(scores, whole, rtol=1e-9, atol=1e-9)
    begun = [
        turns.score(readings[:100]),
        *([turns.score_one(*pair, "monitor-1")] for pair in pairs[100:200]),
    ]
    np.testing.assert_allclose(
        np.concatenate([*begun, turns.score(readings[200:])]), whole, rtol=1e-9, atol=1e-9
    )


def check_a_data_frame_is_taken_as_the_same_readings(ready: Ready) -> None:
    """A DataFrame gives the scores and alerts of its readings, to the last digit, at its index."""
    readings = faulty()
    frame = readings.to_frame(words=True)
    scores = ready().calibrate(frame).score(frame)
    assert scores.index is frame.index
    assert scores.tolist() == ready().calibrate(readings).score(readings).tolist()
    assert facts(ready().alerts(frame)) == facts(ready().alerts(readings))


def check_instances_in_threads_do_not_touch_each_other(ready: Ready) -> None:
    """Independent detectors in threads of their own score as each alone."""
    streams = [faulty(600, seed) for seed in range(30, 34)]
    alone = [ready().score(readings) for readings in streams]
    at_once = threading.Barrier(len(streams))

    def run(readings: Readings) -> np.ndarray:
        detector = ready()
        at_once.wait()
        parts = [detector.score(part) for part in cut(readings, list(range(1, len(readings))))]
        return np.concatenate(parts)

    with ThreadPoolExecutor(len(streams)) as pool:
        together = list(pool.map(run, streams))
    for found, expected in zip(together, alone, strict=True):
        np.testing.assert_allclose(found, expected, rtol=1e-9, atol=1e-9)


CHECKS = [check for name, check in list(globals().items()) if name.startswith("check_")]
