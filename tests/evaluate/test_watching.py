"""Readings pass under a detector as the recorder passes them, and copies go on alone."""

import copy

import numpy as np
import pytest

from sensorkit import detect
from sensorkit.evaluate.watching import Watch, fork, watch
from sensorkit.profile import Profile
from sensorkit.readings import Readings, Words

SECOND = 1_000_000_000
PROFILE = Profile.load("serial_monitor")


class Log:
    """A detector that writes down what it is told."""

    name = "log"

    def __init__(self):
        self.said = []

    def alerts(self, readings):
        self.said += [("reading", int(time) // SECOND) for time in readings.time]
        return []

    def advance(self, time_ns):
        self.said.append(("advance", time_ns / SECOND))
        return []

    def finish(self):
        self.said.append(("finish",))
        return []


def at(*seconds):
    time = np.array(seconds, dtype=np.int64) * SECOND
    return Readings.build(time, np.zeros((len(time), 1)), ["T"])


def told(batches, heartbeat_s=5.0):
    log = Log()
    list(watch(log, batches, heartbeat_s))
    return log.said


def naive(readings, limit):
    """What the recorder does, one reading at a time."""
    said, last = [], None
    for time in (readings.time // SECOND).tolist():
        if last is not None and time - last > limit:
            said.append(("advance", last + limit))
        said.append(("reading", time))
        last = time
    return [*said, ("finish",)]


def test_a_deadline_is_told_once_a_gap_and_before_the_reading_that_ends_it():
    assert told([at(0, 1, 20)]) == [
        ("reading", 0), ("reading", 1), ("advance", 6.0), ("reading", 20), ("finish",),
    ]  # fmt: skip


def test_a_gap_of_exactly_the_heartbeat_is_no_deadline():
    assert ("advance", 5.0) not in told([at(0, 5)])


def test_without_a_heartbeat_nothing_is_told():
    assert [what[0] for what in told([at(0, 100)], None)] == ["reading", "reading", "finish"]


@pytest.mark.parametrize("seed", range(5))
def test_every_cut_tells_the_same_as_one_reading_at_a_time(seed):
    rng = np.random.default_rng(seed)
    readings = at(*np.cumsum(rng.choice([0, 1, 2, 5, 6, 30], size=60)))
    cuts = np.sort(rng.integers(0, 61, size=8))
    pieces = [readings[slice(a, b)] for a, b in zip([0, *cuts], [*cuts, 60], strict=True)]
    assert any(len(piece) == 0 for piece in [*pieces, at()])
    assert told([at(), *pieces]) == naive(readings, 5.0)


def test_nothing_is_done_before_it_is_asked_for():
    log = Log()
    passing = Watch(log, 5.0).feed(at(0, 20, 40))
    assert log.said == []
    next(passing)
    assert log.said == [("reading", 0)]


def test_a_fork_knows_when_the_last_reading_came():
    passing = Watch(Log(), 5.0)
    list(passing.feed(at(0, 1)))
    alone = passing.fork()
    list(alone.feed(at(50)))
    assert alone.detector.said[2:] == [("advance", 6.0), ("reading", 50)]
    assert passing.detector.said == [("reading", 0), ("reading", 1)]
    list(passing.feed(at(2)))
    assert passing.detector.said[2:] == [("reading", 2)]


class DeviceLog(Log):
    """A detector that writes down of whom it is told."""

    def alerts(self, readings):
        names = readings.device.to_array()
        self.said += [(str(d), int(t) // SECOND) for d, t in zip(names, readings.time, strict=True)]
        return []

    def advance(self, time_ns, device=None):
        self.said.append(("advance", time_ns // SECOND, device))
        return []


def of(*rows):
    """Return readings of (device, second), in this order."""
    vocabulary = tuple(dict.fromkeys(name for name, _ in rows))
    codes = np.array([vocabulary.index(name) for name, _ in rows], dtype=np.int32)
    time = np.array([second for _, second in rows], dtype=np.int64) * SECOND
    return Readings.build(time, np.zeros((len(rows), 1)), ["T"], device=Words(codes, vocabulary))


def told_of(batches, heartbeat_s=5.0):
    log = DeviceLog()
    list(watch(log, batches, heartbeat_s))
    assert log.said.pop() == ("finish",)
    return [what for what in log.said if what[0] == "advance"], log.said


def test_a_device_that_never_returns_is_missed_while_others_speak():
    rows = [("a", 0), ("b", 0), *[("a", second) for second in range(1, 12)]]
    advanced, said = told_of([of(*rows)])
    assert advanced == [("advance", 5, "b")]
    assert said.index(("advance", 5, "b")) == said.index(("a", 6)) - 1


def test_each_device_is_missed_once_a_gap_and_by_the_last_of_its_own_readings():
    gone_twice = [("b", 0), ("b", 9), ("b", 20)]
    always = [("a", second) for second in range(22)]
    rows = sorted([*always, *gone_twice], key=lambda row: row[1])
    expected = [("advance", 5, "b"), ("advance", 14, "b")]
    assert told_of([of(*rows)])[0] == expected


def test_two_that_fall_silent_together_are_both_missed_by_the_one_that_goes_on():
    advanced, _ = told_of([of(("a", 0), ("b", 1), ("c", 2), ("c", 30))])
    assert advanced == [("advance", 5, "a"), ("advance", 6, "b"), ("advance", 7, "c")]


def test_a_device_whose_clock_is_an_hour_behind_is_not_missed_while_it_speaks():
    rows = [row for s in range(20) for row in (("a", 3600 + s), ("b", s), ("c", 1800 + s))]
    assert told_of([of(*rows)])[0] == []
    fell_silent = [row for row in rows if row[0] != "b" or row[1] < 8]
    assert told_of([of(*fell_silent)])[0] == [("advance", 12, "b")]


@pytest.mark.parametrize("seed", range(8))
def test_every_cut_of_several_devices_tells_the_same(seed):
    rng = np.random.default_rng(seed)
    seconds = np.cumsum(rng.choice([0, 0, 1, 2, 6], size=80))
    if seed % 2:  # clocks that differ
        seconds += rng.integers(-3, 4, size=80)
    readings = of(*zip(rng.choice(["a", "b", "c", "d"], size=80), seconds.tolist(), strict=True))
    cuts = np.sort(rng.integers(0, 81, size=10))
    pieces = [readings[slice(a, b)] for a, b in zip([0, *cuts], [*cuts, 80], strict=True)]
    whole = told_of([readings])
    assert told_of(pieces) == whole
    assert told_of([readings[i : i + 1] for i in range(80)]) == whole
    assert {name for _, _, name in whole[0]} >= {"a", "b", "c"}


def test_a_fork_does_not_share_the_deadlines_of_several_devices():
    passing = Watch(DeviceLog(), 5.0)
    list(passing.feed(of(("a", 0), ("b", 0))))
    alone = passing.fork()
    list(alone.feed(of(("a", 7), ("b", 8))))
    list(passing.feed(of(("a", 3), ("b", 4), ("a", 9), ("b", 10))))
    assert [what for what in passing.detector.said if what[0] == "advance"] == [
        ("advance", 8, "a"),
        ("advance", 9, "b"),
    ]


def test_the_benchmark_hears_of_a_lost_device_what_a_capture_said():
    healthy = [(name, second) for second in range(40) for name in ("a", "b")]
    lost = of(*[row for row in healthy if row[0] == "a" or row[1] < 20])
    rules = detect.make("rules", profile=PROFILE)
    values = np.tile([25.0, 5.0], (len(lost), 1))
    values[:, 0] += np.arange(len(lost)) % 7  # not stuck
    readings = Readings.build(lost.time, values, PROFILE.channel_names, device=lost.device)
    begun = [alert for found in watch(rules, [readings], PROFILE.heartbeat_s) for alert in found]
    (alert,) = [alert for alert in begun if alert.type == "HEARTBEAT_LOSS"]
    assert (alert.device, alert.start) == ("b", 24 * SECOND)


def noise(n, seed, offset=0):
    rng = np.random.default_rng(seed)
    values = rng.normal(size=(n, 2)) * [1.0, 0.05] + [25.0, 5.0]
    values[rng.random((n, 2)) < 0.01] = np.nan
    time = (offset + np.arange(n)) * SECOND
    return Readings.build(time, values, ["temperature", "voltage"], device=PROFILE.device)


HEALTHY = noise(3000, 1)


def wild(n, offset):
    readings = noise(n, 2, offset)
    readings.values[:, 0] += 40.0
    return readings


@pytest.mark.parametrize(
    ("name", "options"),
    [
        *((name, {}) for name in detect.names() if name != "novelty"),
        ("novelty", {}),
        ("guard", {"hold": 200}),
        ("sigma", {"tail": 500, "smooth": 5, "refractory_s": 30.0}),
    ],
)
def test_what_a_fork_is_fed_does_not_reach_the_detector(name, options):
    def ready():
        made = detect.make(name, profile=PROFILE, **options)
        made.fit(HEALTHY[:1000]).calibrate(HEALTHY[1000:2000])
        made.reset()
        made.alerts(HEALTHY[2000:2500])
        return made

    untouched, forked = ready(), ready()
    alone = fork(forked)
    alone.alerts(wild(100, 2500))
    alone.advance(10_000 * SECOND)
    alone.finish()
    rest = HEALTHY[2500:]
    expected = [(a.start, a.type) for a in untouched.alerts(rest)]
    assert [(a.start, a.type) for a in forked.alerts(rest)] == expected
    np.testing.assert_array_equal(forked.score(wild(50, 3000)), untouched.score(wild(50, 3000)))


@pytest.mark.parametrize("name", detect.names())
def test_a_fork_goes_on_as_the_detector_would_have(name):
    made = detect.make(name, profile=PROFILE).fit(HEALTHY[:1000]).calibrate(HEALTHY[1000:2000])
    made.reset()
    made.alerts(HEALTHY[2000:2500])
    alone = fork(made)
    np.testing.assert_array_equal(alone.score(wild(80, 2500)), made.score(wild(80, 2500)))


def test_a_fork_of_a_forest_shares_the_trees_and_not_the_windows():
    made = detect.make("forest").fit(HEALTHY[:1000])
    made.score(HEALTHY[1000:1100])
    alone = fork(made)
    assert alone._trees is made._trees
    mine, its = (one._devices[PROFILE.device].stream for one in (alone, made))
    assert mine is not its
    assert mine._features is not its._features


def test_a_detector_of_somebody_else_is_copied_as_a_whole():
    log = Log()
    assert fork(log).said is not log.said
    assert copy.deepcopy(log).said == log.said
