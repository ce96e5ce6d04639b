"""Readings pass under a detector as the recorder passes them, and copies go on alone."""

import copy

import numpy as np
import pytest

from sensorkit import detect
from sensorkit.evaluate.watching import Watch, fork, watch
from sensorkit.profile import Profile
from sensorkit.readings import Readings

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
