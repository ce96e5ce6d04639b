"""Detectability: windows equal the long way, curves their formula, and what is not claimed."""

import json
import math
import threading
from dataclasses import replace

import numpy as np
import pytest
from scipy.optimize import brentq
from scipy.special import ndtr
from scipy.stats import binomtest

from sensorkit import detect
from sensorkit.errors import UsageError
from sensorkit.evaluate.detectability import detectability, measure
from sensorkit.evaluate.detectability.hit_miss import Status
from sensorkit.evaluate.detectability.single_faults import Ground
from sensorkit.evaluate.events import match
from sensorkit.evaluate.settings import DetectabilityGrid, Settings
from sensorkit.evaluate.trial import prepare
from sensorkit.evaluate.watching import Watch, watch
from sensorkit.faults import Fault, FaultPlan, inject
from sensorkit.faults.base import KINDS, Magnitude, SignalKind
from sensorkit.faults.plan import GAP_READINGS
from sensorkit.profile import Profile
from sensorkit.readings import Readings

SECOND = 1_000_000_000
PROFILE = Profile.load("serial_monitor")
DECIMALS = {channel.name: channel.decimals for channel in PROFILE.channels}
KIND_NAMES = ("spike", "bias", "drift", "noise", "rapid_change", "stuck", "dropout", "silence")
BASELINES = ("always", "never", "random", "last_value")
WAITS_FOR_THE_END = "remaining_life"


def noise(n, seed, offset=0, time=None):
    rng = np.random.default_rng(seed)
    values = rng.normal(size=(n, 2)) * [1.0, 0.05] + [25.0, 5.0]
    time = (offset + np.arange(n)) * SECOND if time is None else time
    return Readings.build(time, values, ["temperature", "voltage"], device=PROFILE.device)


FIT, BEFORE, HEALTHY = noise(1000, 1), noise(1000, 2, 1000), noise(1500, 3, 2000)


def made(name, **options):
    # Many alarms, so that some windows have one without a fault.
    return detect.make(name, profile=PROFILE, **options).fit(FIT).calibrate(BEFORE, 400.0)


def tried(detector, kind, healthy=HEALTHY, **options):
    by_duration = KINDS[kind].magnitude is None
    given = {
        "magnitudes": [1.0, 6.0, 40.0] if by_duration else [1.0, 5.0, 60.0],
        "repeats": 4,
        "channel": None if kind == "silence" else "temperature",
        "duration": 30,
        "before": BEFORE,
        "profile": PROFILE,
        **options,
    }
    return detectability(detector, healthy, kind, **given)


def ran(detector, readings):
    detector.reset()
    passing = watch(detector, [BEFORE, readings], PROFILE.heartbeat_s)
    return [alert for begun in passing for alert in begun]


def as_plan(case, kind, healthy):
    def given(value):
        return None if value is None or math.isnan(value) else float(value)

    fault = Fault(
        kind=kind,
        channel=None if kind == "silence" else "temperature",
        start_s=(case.start - int(healthy.time[0])) / SECOND,
        duration_s=given(case.duration_s),
        magnitude=given(case.magnitude),
    )
    return FaultPlan(faults=(fault,))


def assert_equals_the_long_way(detector, kind, healthy=HEALTHY, **options):
    """Inject each fault into the whole recording, run over all of it, match; return the hits."""
    found = tried(detector, kind, healthy, **options)
    hits, plain = 0, ran(detector, healthy)
    for case in found.cases.itertuples():
        faulty, labels = inject(
            healthy, as_plan(case, kind, healthy), int(case.seed), decimals=DECIMALS
        )
        # A fault that lasts has to be found while it does.
        tolerance = 10 if kind in ("spike", "silence") else 0
        table = match(ran(detector, faulty), labels, faulty.time, tolerance=tolerance)
        start, end = table.window[0].tolist()
        # With `refractory_s`, an episode may go on for a minute after its last flagged reading.
        anyway = [a for a in plain if a.start <= end and (a.end or end) >= start - 75 * SECOND]
        if not case.counts:
            assert anyway
            continue
        assert not any(start <= a.start or (a.end or end) >= start for a in anyway)
        assert (case.hit, case.delay_s) == (table.hit[0], table.delay_s[0])
        hits += case.hit
    return hits


# Windows equal the long way


@pytest.mark.parametrize(
    ("name", "options"),
    [
        *((name, {}) for name in detect.names()),
        ("guard", {"hold": 100}),
        ("sigma", {"tail": 500, "smooth": 3, "refractory_s": 60.0}),
    ],
)
def test_a_window_tells_what_the_whole_recording_would(name, options):
    detector = made(name, **options)
    repeats = 2 if name == "novelty" or options else 3  # these take the longest
    hits = [assert_equals_the_long_way(detector, kind, repeats=repeats) for kind in KIND_NAMES]
    assert sum(hits) >= (5 if name not in (*BASELINES, WAITS_FOR_THE_END) else 0)


@pytest.mark.parametrize("name", ["rules", "sigma", "last_value", "guard"])
def test_so_it_does_with_uneven_times_and_missing_values(name):
    rng = np.random.default_rng(5)
    steps = SECOND + rng.integers(-SECOND // 5, SECOND // 5, 1500)
    steps[rng.random(1500) < 0.1] = 0  # frames of one read share a time
    healthy = noise(1500, 6, time=2000 * SECOND + np.cumsum(steps))
    healthy.values[rng.random(1500) < 0.1, 0] = np.nan
    detector = made(name)
    for kind in KIND_NAMES:
        assert_equals_the_long_way(detector, kind, healthy)


def test_a_detector_of_somebody_else_is_measured_as_well(threshold_detector):
    class Hot(threshold_detector):
        def score(self, readings):
            return np.abs(np.nan_to_num(readings.channel("temperature"), nan=25.0) - 25.0)

    detector = Hot(3.0)
    hits = [assert_equals_the_long_way(detector, kind) for kind in ("spike", "bias", "drift")]
    assert min(hits) >= 4


def test_a_window_from_a_cold_start_would_not_tell_it(monkeypatch):
    """The check above can fail: without the state at the onset, other faults are found."""

    def cold(self):
        twin = Watch(made("sigma"), None)
        twin.detector.reset()
        return twin

    monkeypatch.setattr(Watch, "fork", cold)
    with pytest.raises(AssertionError):
        assert_equals_the_long_way(made("sigma"), "spike")


def test_heartbeats_are_found_when_the_deadline_passes():
    found = tried(made("rules"), "silence")
    assert found.points[0]["hits"] == 0  # a second without a reading
    assert [point["delay_median_s"] for point in found.points[1:]] == [4.0, 4.0]
    assert found.unit == "s"
    assert [point["size"] for point in found.points] == [1.0, 6.0, 40.0]


# Curves that are known


LIMIT = 3.0
WHITE = np.random.default_rng(11).normal(size=40_000)


def white():
    time = np.arange(len(WHITE)) * SECOND
    return Readings.build(time, WHITE[:, np.newaxis], ["pressure"], device="pump-1")


def probability(size, readings):
    """Of |x + size| >= LIMIT in one of so many readings that are all below it without the fault."""
    inside = ndtr(LIMIT) - ndtr(-LIMIT)
    low, high = max(-LIMIT, -LIMIT - size), min(LIMIT, LIMIT - size)
    quiet = max(ndtr(high) - ndtr(low), 0.0) / inside
    return 1.0 - quiet**readings


@pytest.mark.parametrize(("kind", "readings"), [("spike", 1), ("bias", 20)])
def test_a_threshold_in_white_noise_has_the_curve_of_its_formula(
    kind, readings, threshold_detector
):
    sizes = np.geomspace(0.5, 8.0, 8)
    options = {"duration": readings, "seed": 3}
    many = detectability(threshold_detector(LIMIT), white(), kind, sizes, 80, **options)
    for point in many.points:
        truth = probability(point["size"], readings)
        p = binomtest(point["hits"], point["faults"], truth).pvalue
        assert p > 0.001, (point, truth)
    # A normal distribution over sizes is no logistic one over their logarithms: 80 faults of each
    # size can tell, and 20 cannot.
    found = detectability(threshold_detector(LIMIT), white(), kind, sizes, 20, **options)
    curve = found.curve
    for share, (low, high) in ((0.5, curve.a50_ci), (0.9, curve.a90_ci)):
        truth = brentq(lambda a, share=share: probability(a, readings) - share, 0.01, 10.0)
        assert low < truth < high
    assert curve.a90_95 > curve.a90
    assert 0.0 < found.chance < 0.2


def test_sizes_are_given_in_sigmas_as_well(threshold_detector):
    found = detectability(threshold_detector(3.0), white(), "spike", repeats=20, sigma=0.5)
    row = found.to_dict()
    assert row["a90_sigma"] == pytest.approx(row["a90"] / 0.5)
    assert row["points"][0]["size_sigma"] == pytest.approx(0.5)
    assert row["points"][-1]["size_sigma"] == pytest.approx(20.0)
    assert row["duration_s"] is None
    assert row["delay_at_a90_s"] == 0.0


def test_a_larger_drift_is_found_sooner(threshold_detector):
    sizes = [6.0, 12.0, 50.0]
    found = detectability(threshold_detector(4.5), white(), "drift", sizes, 30, duration=60)
    delays = [point["delay_median_s"] for point in found.points]
    assert delays[0] > delays[1] > delays[2] > 0
    assert found.duration_s == 60.0


def test_a_detector_that_looks_one_way_finds_half_and_has_no_a90(threshold_detector):
    class Above(threshold_detector):
        def score(self, readings):
            return np.maximum(readings.channel("pressure"), 0.0)

    found = detectability(Above(4.0), white(), "bias", [1, 2, 4, 8, 16, 32])
    assert found.status is Status.NOT_REACHED
    assert found.curve.a90 is None
    assert [point["hits"] for point in found.points[-2:]] == [10, 10]


# What is not claimed


@pytest.mark.parametrize("kind", KIND_NAMES)
def test_always_is_not_testable(kind):
    found = tried(made("always"), kind)
    assert found.status is Status.NOT_TESTABLE
    assert found.curve.a90 is None
    assert "0 of 12 faults count" in found.reason


@pytest.mark.parametrize("kind", KIND_NAMES)
@pytest.mark.parametrize("name", ["never", "random"])
def test_what_does_not_look_at_readings_finds_nothing(name, kind):
    found = tried(made(name), kind, repeats=10)
    assert found.status is Status.NOT_REACHED
    assert sum(point["hits"] for point in found.points) == 0


def test_chance_is_no_detection_though_it_would_hit_most_windows(threshold_detector):
    # One reading in 5 is above 1.28: nearly every window of 41 readings is hit without a fault.
    found = detectability(threshold_detector(1.28), white(), "bias", [0.1, 0.2, 0.4], duration=30)
    assert found.status is Status.NOT_TESTABLE
    assert "without any fault" in found.reason


def test_excluded_faults_are_counted():
    found = tried(made("sigma"), "bias", repeats=20)
    assert sum(point["excluded"] for point in found.points) > 0
    for point in found.points:
        assert point["faults"] + point["excluded"] == 20
        assert point["hits"] <= point["faults"]


def test_a_detector_that_cannot_be_copied_is_not_testable(threshold_detector):
    detector = threshold_detector(4.0)
    detector.lock = threading.Lock()
    found = detectability(detector, white(), "spike")
    assert found.status is Status.NOT_TESTABLE
    assert "cannot be copied" in found.reason


def test_too_short_readings_are_not_testable(threshold_detector):
    found = detectability(threshold_detector(4.0), white()[:200], "stuck")
    assert found.status is Status.NOT_TESTABLE
    assert "room for 240 readings" in found.reason


def test_faults_that_share_readings_are_said_to(threshold_detector):
    found = detectability(threshold_detector(4.0), white()[:2000], "stuck")
    assert "room for 6 windows" in found.reason
    assert found.onsets > 0


# Onsets


def test_all_detectors_and_kinds_are_tried_at_the_same_onsets():
    starts = [
        tried(made(name), kind).cases["start"].tolist()
        for name in ("sigma", "mewma")
        for kind in ("bias", "drift", "noise")
    ]
    assert all(each == starts[0] for each in starts)
    assert len(set(starts[0])) == 12


def test_the_seed_fixes_everything_and_another_moves_the_onsets():
    one, again, other = (tried(made("sigma"), "noise", seed=seed) for seed in (1, 1, 2))
    assert one.to_dict() == again.to_dict()
    assert one.cases.equals(again.cases)
    assert one.cases["start"].tolist() != other.cases["start"].tolist()


def test_faults_with_a_sign_go_up_and_down_in_turns():
    cases = tried(made("sigma"), "bias").cases
    assert np.sign(cases["magnitude"]).tolist() == [1, -1, 1, -1] * 3
    assert (tried(made("sigma"), "noise").cases["magnitude"] > 0).all()


def test_onsets_keep_away_from_labelled_faults_pauses_and_a_clock_set_back():
    time = np.arange(2000) * SECOND
    time[1000:] += 300 * SECOND  # a pause
    time[1500:] -= 100 * SECOND  # set back
    taken = np.array([[400 * SECOND, 450 * SECOND]])
    starts = Ground(noise(2000, 1, time=time), first=100, taken=taken).starts(None, 30, 10)
    for first, stop in ((0, 100), (361, 451 + GAP_READINGS), (961, 1001 + GAP_READINGS)):
        assert not ((starts >= first) & (starts < stop)).any()
    back = starts[starts > 1060]
    # From 1400 on, readings share their times with those after the clock was set back.
    assert not ((back > 1400 - 40) & (back < 1599 + GAP_READINGS)).any()
    assert len(back) > 300
    assert {100, 360, 511, 960, 1061} <= set(starts.tolist())


def test_a_constant_device_has_no_onset_beyond_its_last_window():
    starts = Ground(noise(500, 1)).starts(None, 30, 10)
    assert (starts[0], starts[-1]) == (1, 500 - 40)


# Kinds


class Tilt(SignalKind):
    """For tests: every value is multiplied."""

    magnitude = Magnitude("how steep", "seconds", signed=False)

    def distort(self, stretch):
        return stretch.values * stretch.magnitude


def test_a_kind_that_is_new_needs_no_change_here(monkeypatch, threshold_detector):
    monkeypatch.setattr(Tilt, "name", "tilt", raising=False)
    monkeypatch.setitem(KINDS, "tilt", Tilt())
    found = detectability(threshold_detector(4.5), white(), "tilt", [1, 2, 3, 8], duration=40)
    assert found.unit == "s"
    assert found.sigma is None
    assert [point["hits"] for point in found.points][-1] == 20
    assert found.points[0]["hits"] == 0


@pytest.mark.parametrize("kind", ["disconnect", "power_cycle"])
def test_a_port_that_is_gone_is_a_silence_to_readings(kind):
    silent, gone = tried(made("rules"), "silence"), tried(made("rules"), kind, channel=None)
    assert [p["hits"] for p in gone.points] == [p["hits"] for p in silent.points]


@pytest.mark.parametrize(
    ("kind", "options", "said"),
    [
        ("corrupt", {}, "acts on the bytes of frames"),
        ("bais", {}, "bias"),
        ("bias", {"channel": "presure"}, "pressure"),
        ("bias", {"magnitudes": [1.0, -1.0]}, "numbers above 0"),
        ("bias", {"magnitudes": []}, "numbers above 0"),
        ("bias", {"magnitudes": ["a"]}, "numbers above 0"),
        ("bias", {"magnitudes": [1.0, math.inf]}, "numbers above 0"),
        ("bias", {"repeats": 0}, "repeats is 0"),
        ("bias", {"repeats": 2.5}, "repeats is 2.5"),
        ("bias", {"duration": 0}, "duration is 0"),
        ("bias", {"tolerance": -1}, "tolerance is -1"),
        ("bias", {"tolerance": 10**30}, "tolerance is 1000"),
        ("bias", {"seed": -1}, "seed is -1"),
        ("bias", {"sigma": -1.0}, "sigma is -1.0"),
        ("bias", {"sigma": math.nan}, "sigma is nan"),
        ("bias", {"sigma": "1"}, "sigma is '1'"),
        ("silence", {"channel": "nope"}, "unknown channel 'nope'"),
        ("silence", {"channel": "pressure"}, "leave channel out"),
        ("stuck", {"magnitudes": [0.1, 5.0]}, "lasts 0.1 s, and there is a reading every 1 s"),
        ("bias", {"sigma": 0.0}, "robust sigma of 'pressure' is 0"),
    ],
)
def test_wrong_use_is_refused(kind, options, said, threshold_detector):
    with pytest.raises(UsageError, match=said):
        detectability(threshold_detector(4.0), white(), kind, **options)


def test_magnitudes_that_are_equal_but_for_rounding_are_one(threshold_detector):
    given = [1.0, 1.00000000001, 30.0]
    found = detectability(threshold_detector(6.0), white(), "bias", given, 5)
    assert [point["size"] for point in found.points] == [1.0, 30.0]
    lasts = detectability(threshold_detector(6.0), white(), "stuck", [1.2, 1.4, 5.0], 5)
    assert [point["size"] for point in lasts.points] == [1.0, 5.0]


@pytest.mark.parametrize("longest", [1e9, 1e300])
def test_a_fault_longer_than_all_readings_is_not_testable(longest, threshold_detector):
    found = detectability(threshold_detector(4.0), white()[:5000], "stuck", [1.0, longest])
    assert found.status is Status.NOT_TESTABLE
    assert "nowhere do the readings have room" in found.reason
    wide = detectability(threshold_detector(4.0), white()[:5000], "bias", [1.0], duration=2**31 - 1)
    assert wide.status is Status.NOT_TESTABLE


def test_a_channel_without_values_is_told_from_one_that_does_not_vary(threshold_detector):
    time = np.arange(100) * SECOND
    empty, still = (
        Readings.build(time, np.full((100, 1), value), ["pressure"]) for value in (np.nan, 2.0)
    )
    with pytest.raises(UsageError, match="it has no value"):
        detectability(threshold_detector(4.0), empty, "bias")
    with pytest.raises(UsageError, match="half of its values are equal"):
        detectability(threshold_detector(4.0), still, "bias")


def test_readings_of_none_are_said_to_be_empty(threshold_detector):
    with pytest.raises(UsageError, match="readings are empty"):
        detectability(threshold_detector(4.0), white()[:0], "bias")


def test_several_channels_or_devices_have_to_be_chosen_from():
    with pytest.raises(UsageError, match="say which one is faulty"):
        detectability(made("sigma"), HEALTHY, "bias")
    two = Readings.concat([HEALTHY, white_named("other")])
    with pytest.raises(UsageError, match="2 devices"):
        detectability(made("sigma"), two, "silence")


def white_named(device):
    return Readings.build(HEALTHY.time, HEALTHY.values, HEALTHY.channels, device=device)


# In the benchmark


GRID = DetectabilityGrid(
    kinds=("spike", "bias", "stuck", "silence"), sizes=4, repeats=10, duration=10, longest=20
)
KEYS = {
    "recording", "detector", "kind", "channel", "device", "unit", "sigma", "status", "reason",
    "a50", "a90", "a90_95", "a50_sigma", "a90_sigma", "a90_95_sigma", "a50_ci", "a90_ci", "fit",
    "chance", "onsets", "repeats", "duration_s", "tolerance", "smallest", "largest",
    "delay_at_a90_s", "points", "band",
}  # fmt: skip


@pytest.fixture
def trial(make_recording):
    faults = [("bias", 3800 + 200 * i, 40, 50.0) for i in range(10)]
    return prepare(make_recording(n=6000, faults=faults), Settings())


def rows_of(detector, trial, **options):
    settings = Settings(detectability=GRID.model_copy(update=options))
    parts = trial.stretches
    detector.fit(parts["fit"]).calibrate(parts["calibrate"], 1.0)
    return measure(detector, trial, settings)


def test_a_trial_has_a_row_for_each_kind_and_channel_that_varies(make_recording):
    trial = prepare(make_recording(n=6000), Settings())
    rows = rows_of(detect.make("sigma", k=5.0), trial)
    assert [(row["kind"], row["channel"]) for row in rows] == [
        ("spike", "pressure"), ("spike", "flow"), ("bias", "pressure"), ("bias", "flow"),
        ("stuck", "pressure"), ("stuck", "flow"), ("silence", None),
    ]  # fmt: skip
    for row in rows:
        assert set(row) == KEYS
        json.dumps(row, allow_nan=False)
        assert row["recording"] == "rig"
    assert [row["unit"] for row in rows] == ["bar", "l/min", "bar", "l/min", "s", "s", "s"]
    spike = rows[0]
    assert spike["status"] == "ok"
    assert 3.0 < spike["a50"] < 8.0
    assert spike["a50_sigma"] == pytest.approx(spike["a50"] / spike["sigma"])
    assert len(spike["points"]) == 4
    assert set(spike["band"][0]) == {"size", "low", "probability", "high"}
    assert set(spike["fit"]) == {"intercept", "slope", "deviance_p"}


def test_faults_that_are_there_are_kept_away_from(trial, threshold_detector):
    for row in rows_of(threshold_detector(6.0), trial):
        assert row["status"] != "not_testable"
        assert sum(point["excluded"] for point in row["points"]) == 0


def test_without_keeping_away_some_would_be_excluded(trial, threshold_detector):
    unaware = replace(trial, window=np.zeros_like(trial.window))
    rows = rows_of(threshold_detector(6.0), unaware)
    assert sum(point["excluded"] for row in rows for point in row["points"]) > 0


def test_every_device_is_measured_by_itself(make_recording):
    devices = ("pump-1", "pump-2")
    trial = prepare(make_recording(n=8000, devices=devices), Settings())
    rows = rows_of(detect.make("sigma", k=5.0), trial, kinds=("spike",))
    assert [(row["device"], row["channel"]) for row in rows] == [
        (device, channel) for device in devices for channel in ("pressure", "flow")
    ]
    assert all(row["status"] == "ok" for row in rows)


def test_a_channel_without_a_sigma_is_not_testable(make_recording):
    trial = prepare(make_recording(n=3000), Settings())
    for part in trial.stretches.values():
        part.values[:, 1] = 2.0
        part.values[::100, 1] = 3.0
    rows = rows_of(detect.make("never"), trial, kinds=("bias", "stuck"), channels=("flow",))
    assert [row["status"] for row in rows] == ["not_testable", "not_reached"]
    assert "sigma is 0" in rows[0]["reason"]
    assert set(rows[0]) == KEYS


@pytest.mark.parametrize(("name", "status"), [("always", "not_testable"), ("never", "not_reached")])
def test_baselines_are_measured_like_any_other(name, status, trial):
    assert {row["status"] for row in rows_of(detect.make(name), trial)} == {status}


def test_nothing_is_measured_unless_it_is_asked_for(trial):
    assert measure(detect.make("never"), trial, Settings()) == []


def test_an_unknown_channel_of_the_grid_is_refused(trial):
    with pytest.raises(UsageError, match="pressure"):
        rows_of(detect.make("never"), trial, channels=("presure",))


def test_the_stream_is_forgotten_afterwards(trial):
    used, fresh = detect.make("sigma", k=5.0), detect.make("sigma", k=5.0)
    rows_of(used, trial)
    fresh.fit(trial.stretches["fit"]).calibrate(trial.stretches["calibrate"], 1.0)
    test = trial.stretches["test"]
    np.testing.assert_array_equal(used.score(test), fresh.score(test))


def test_the_clock_may_end_it_between_onsets(trial):
    said = []

    def check_time(done):
        said.append(done)
        if len(said) == 5:
            raise TimeoutError(done)

    detector = detect.make("sigma").fit(trial.stretches["fit"])
    with pytest.raises(TimeoutError, match="measured detectability at"):
        measure(detector, trial, Settings(detectability=GRID), check_time=check_time)


def test_a_drift_that_is_seen_by_its_jump_back_alone_is_not_found():
    detector = detect.make("last_value").fit(FIT).calibrate(BEFORE, 1.0)

    found = tried(detector, "drift", magnitudes=[30.0, 40.0, 50.0], duration=400)

    # The jump back is seen: with its tolerance, the rule for events takes it for a hit.
    case = found.cases.iloc[0]
    faulty, labels = inject(
        HEALTHY, as_plan(case, "drift", HEALTHY), int(case.seed), decimals=DECIMALS
    )
    assert match(ran(detector, faulty), labels, faulty.time, tolerance=10).hit.all()
    assert [point["hits"] for point in found.points] == [0, 0, 0]
