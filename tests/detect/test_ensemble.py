import numpy as np
import pytest

from sensorkit import detect
from sensorkit.detect.base import BaseDetector
from sensorkit.detect.ensemble import Ensemble, Guard
from sensorkit.detect.evidence import AtThreshold, Evidence
from sensorkit.detect.streams import Finding, Judged, Stream, Track
from sensorkit.errors import DetectorError
from sensorkit.profile import Profile
from sensorkit.readings import Readings

SECOND = 10**9
PROFILE = Profile.load("serial_monitor")


def bench(n=4_000, seed=0):
    rng = np.random.default_rng(seed)
    values = np.column_stack([rng.normal(25, 0.2, n), rng.normal(5, 0.02, n)]).round(3)
    return Readings.build(np.arange(n) * SECOND, values, PROFILE.channel_names)


def two(**shared):
    return Ensemble(members={"sigma": {"k": 4}, "last_value": {}}, **shared)


def test_evidence_is_nothing_below_the_tail_and_one_at_the_threshold_of_the_member():
    voice = detect.make("last_value").fit(bench())
    evidence = Evidence.of(voice, [bench(seed=1)])
    at = np.array([0.0, evidence.tail.start, voice.threshold_, 2 * voice.threshold_])
    weighed = evidence.weigh(at)
    assert weighed[:2].tolist() == [0, 0]
    assert weighed[2] == pytest.approx(1.0)
    assert weighed[3] > 1


def test_the_score_is_the_sum_of_the_evidence():
    detector = two().fit(bench())
    spoilt = bench(300, seed=2)
    spoilt.values[100, 0] += 1.0
    sums = detector.score(spoilt)
    parts = [
        evidence.weigh(voice.fit(bench()).score(spoilt))
        for evidence, voice in zip(detector.evidence(), detector.voices, strict=True)
    ]
    np.testing.assert_allclose(sums, np.sum(parts, axis=0))


def test_uncalibrated_what_a_member_flags_alone_is_flagged():
    members = {"sigma": {"k": 6}, "last_value": {}}
    detector = Ensemble(members=members).fit(bench())
    spoilt = bench(500, seed=3)
    spoilt.values[200, 1] += 1.0
    for voice in Ensemble(members=members).fit(bench()).voices:
        flagged = np.flatnonzero(voice.score(spoilt) >= voice.threshold_)
        detector.reset()
        assert 200 in flagged
        assert (detector.score(spoilt)[flagged] >= detector.threshold_).all()


class OfChannel(BaseDetector):
    """The score is the value of one channel."""

    name = "of_channel"

    def __init__(self, *, channel=0, profile=None, **shared):
        super().__init__(profile=profile, **shared)
        self.channel = channel

    def find_tracks(self, channels):
        return [Track("ANOMALY", channels[self.channel])]

    def natural_threshold(self):
        return 10.0

    def open_stream(self, device):
        stream = ValueStream()
        stream.channel = self.channel
        return stream

    def explain(self, part, judged, row, track):
        value = float(part.values[row, self.channel])
        return Finding(f"It is {value:.1f}.", None, part.channels[self.channel], value)


class ValueStream(Stream):
    def judge(self, readings):
        return Judged(readings.values[:, [self.channel]].copy())


@pytest.fixture
def of_two_channels(monkeypatch):
    """An ensemble of the values of two channels, fitted on exponential ones."""
    monkeypatch.setattr(
        "sensorkit.detect.ensemble.make", lambda name, profile=None, **p: OfChannel(**p)
    )
    values = np.random.default_rng(1).exponential(size=(5_000, 2))
    fit = Readings.build(np.arange(5_000) * SECOND, values, ["a", "b"])
    members = {"left": {"channel": 0}, "right": {"channel": 1}}
    return Ensemble(members=members).fit(fit)


def of(rows):
    return Readings.build(np.arange(len(rows)) * SECOND, np.array(rows, dtype=float), ["a", "b"])


def test_two_that_are_half_certain_raise_an_alarm_together(of_two_channels):
    # P(x) = exp(-x); evidence begins at 1 in 50 (x = 3.9) and is 1 at the member's own 10.
    halfway = 8.0
    scores = of_two_channels.score(of([[halfway, 0], [0, halfway], [halfway, halfway]]))
    assert (scores[:2] < of_two_channels.threshold_).all()
    assert scores[2] > of_two_channels.threshold_
    assert scores[2] == pytest.approx(scores[0] + scores[1])
    (alert,) = of_two_channels.alerts(of([[0, 0], [halfway, halfway + 0.1], [0, 0]]))
    assert alert.channel == "b"
    assert alert.description.startswith("It is 8.1. Evidence: right 51%, left 49%.")


def test_one_that_is_certain_raises_an_alarm_alone_and_shouts_nobody_down(of_two_channels):
    scores = of_two_channels.score(of([[9.9, 0], [10.0, 0], [100.0, 0], [10.0, 10.0]]))
    assert scores[0] < 1 <= scores[1]
    assert scores[1] < scores[2] < 2  # ten times as much evidence counts 0.7 more
    assert scores[3] == pytest.approx(2 * scores[1])


def test_clean_readings_that_say_nothing_of_a_member_leave_it_as_it_is(of_two_channels):
    before = of_two_channels.evidence()
    flat = np.random.default_rng(2).exponential(size=(5_000, 2))
    flat[:, 1] = 0.0
    of_two_channels.calibrate(of(flat))
    assert of_two_channels.voices[1].threshold_ == 10.0
    assert of_two_channels.evidence()[1] is before[1]
    assert of_two_channels.evidence()[0] is not before[0]


def test_a_refused_calibration_changes_nothing():
    detector = two(profile=PROFILE).fit(bench())
    expected = two(profile=PROFILE).fit(bench())
    with pytest.raises(DetectorError, match="sigma: 49 readings are too few"):
        detector.calibrate(bench(49, seed=20))
    with pytest.raises(DetectorError, match="watches the channels"):
        detector.calibrate(of(np.ones((100, 2))))
    assert [v.threshold_ for v in detector.voices] == [v.threshold_ for v in expected.voices]
    spoilt = bench(300, seed=21)
    np.testing.assert_array_equal(detector.score(spoilt), expected.score(spoilt))


def test_a_member_comes_twice_under_labels_of_its_own():
    members = {
        "rolling": {"detector": "sigma"},
        "frozen": {"detector": "sigma", "baseline": "frozen"},
    }
    detector = Ensemble(members=members).fit(bench()).calibrate(bench(seed=22))
    assert [voice.baseline for voice in detector.voices] == ["rolling", "frozen"]
    spoilt = bench(300, seed=23)
    spoilt.values[200:, 0] += 2.0
    said = [alert.description for alert in detector.alerts(spoilt)]
    assert any("frozen" in words and "rolling" in words for words in said)
    assert Ensemble(**detector.get_params()).get_params() == detector.get_params()


@pytest.mark.parametrize("shaped", [{"smooth": 5}, {"tail": 500}])
def test_shaping_the_sum_leaves_a_breach_where_it_is(shaped):
    detector = Ensemble(members={"rules": {}, "sigma": {}}, profile=PROFILE, **shaped)
    detector.fit(bench()).calibrate(bench(seed=24))
    hot = bench(1_000, seed=25)
    hot.values[700, 0] = 95.0
    scores = detector.score(hot)
    assert scores[700] >= detector.threshold_


def test_calibrating_splits_one_budget_between_the_members():
    detector = two().fit(bench())
    clean = bench(20_000, seed=4)
    day = 20_000 / 86_400
    detector.calibrate(clean, (6 + 0.5) / day)
    for voice in detector.voices:
        voice.reset()
        assert len(voice.alerts(clean)) <= 3
    detector.reset()
    assert len(detector.alerts(clean)) <= 6
    assert detector.calibration_.alarms <= 6


def test_rules_keep_their_alerts_and_their_limits():
    detector = Ensemble(members={"rules": {}, "sigma": {}}, profile=PROFILE).fit(bench())
    rules = detect.make("rules", profile=PROFILE)
    spoilt = bench(400, seed=5)
    spoilt.values[100, 0] = 95.5
    spoilt.time[200:] += 30 * SECOND
    detector.calibrate(bench(5_000, seed=6))
    expected = rules.alerts(spoilt)
    found = [alert for alert in detector.alerts(spoilt) if alert.detector == "rules"]
    assert {a.type for a in found} >= {"THRESHOLD_BREACH_TEMP", "HEARTBEAT_LOSS"}
    assert [(a.start, a.type, a.severity, a.description) for a in found] == [
        (a.start, a.type, a.severity, a.description) for a in expected
    ]
    detector.reset()
    assert detector.score(spoilt)[100] > detector.threshold_


def test_a_rule_that_is_breached_is_flagged_whatever_the_threshold():
    detector = Ensemble(members={"rules": {}, "sigma": {}}, profile=PROFILE).fit(bench())
    detector.accept_threshold(1e6)
    hot = bench(100, seed=7)
    hot.values[50, 0] = 80.001
    flagged = np.flatnonzero(detector.score(hot) >= detector.threshold_)
    assert flagged.tolist() == [50, 51]  # too hot, and the change back


def test_a_silence_is_raised_by_the_clock_once():
    detector = Ensemble(members={"rules": {}, "sigma": {}}, profile=PROFILE, hold=50).fit(bench())
    part = bench(100, seed=8)
    part.values[50:60, 0] = 40.0  # an alarm: the streams are copied
    detector.alerts(part)
    last = int(part.time[-1])
    assert detector.advance(last + 4 * SECOND) == []
    (lost,) = detector.advance(last + 6 * SECOND)
    assert (lost.type, lost.start, lost.end) == ("HEARTBEAT_LOSS", last + 5 * SECOND, None)
    later = bench(10, seed=9)
    later.time[:] += last + 20 * SECOND
    assert [a.type for a in detector.alerts(later)] == []
    assert lost.end == later.time[0]


def test_a_device_that_never_speaks_is_missed():
    detector = Ensemble(members={"rules": {}, "sigma": {}}, profile=PROFILE).fit(bench())
    detector.listen(0, "monitor-1")
    assert [alert.type for alert in detector.advance(6 * SECOND)] == ["HEARTBEAT_LOSS"]


def test_the_alert_says_whose_evidence_it_is():
    detector = two(profile=PROFILE).fit(bench()).calibrate(bench(seed=13))
    spoilt = bench(300, seed=10)
    spoilt.values[100, 0] += 3.0
    alert = next(a for a in detector.alerts(spoilt) if a.start == 100 * SECOND)
    assert alert.channel == "temperature"
    assert alert.description.startswith("Temperature ")
    assert "Evidence: " in alert.description
    assert "sigma" in alert.description
    assert "last_value" in alert.description
    assert alert.value == spoilt.values[100, 0]


def test_members_are_saved_with_it(tmp_path):
    detector = two(profile=PROFILE).fit(bench()).calibrate(bench(seed=11))
    loaded = detect.load(detect.save(detector, tmp_path / "two"))
    assert [member.name for member in loaded.members] == ["sigma", "last_value"]
    assert loaded.members[1].threshold_ == detector.members[1].threshold_
    spoilt = bench(300, seed=12)
    spoilt.values[100] += 3.0
    np.testing.assert_array_equal(loaded.score(spoilt), detector.score(spoilt))


def test_the_parameters_name_members_and_theirs():
    params = Ensemble(members={"sigma": {"k": 4}, "forest": {}}).get_params()
    assert params["members"] == {"sigma": {"k": 4}, "forest": {}}
    assert Ensemble(**params).members[0].k == 4.0


def test_guard_takes_the_rules_of_the_profile_and_learns_what_it_says_nothing_of():
    assert [m.name for m in Guard(profile=PROFILE).members] == [
        "rules", "sigma", "volatility", "mewma",
    ]  # fmt: skip
    with_profile = Guard(profile=PROFILE).fit(bench()).limits[0].rules
    assert with_profile[: len(PROFILE.rules)] == PROFILE.rules
    more = {(rule.kind, rule.channel) for rule in with_profile[len(PROFILE.rules) :]}
    assert {("rate", "voltage"), ("stuck", "temperature"), ("missing", "voltage")} <= more
    assert not more & {("range", "temperature"), ("rate", "temperature"), ("heartbeat", None)}
    without = {(rule.kind, rule.channel) for rule in Guard().fit(bench()).limits[0].rules}
    assert {("range", "temperature"), ("heartbeat", None)} <= without


@pytest.mark.parametrize(
    ("members", "message"),
    [
        ({}, r"members is \{\}; detectors with their parameters are wanted"),
        (["sigma"], "members is .'sigma'.; detectors with"),
        ({"sigma": 3}, "the parameters of member 'sigma' are 3"),
        ({"sigam": {}}, "unknown detector 'sigam'.*mean 'sigma'"),
        ({"sigma": {"widow": 3}}, "unknown sigma parameter 'widow'"),
        ({"always": {}}, "of always none has a score to add up"),
        (
            {"guard": {}, "sigma": {}},
            "member 'guard' is an ensemble itself; give its members: rules",
        ),
    ],
)
def test_what_is_no_ensemble_is_refused(members, message):
    with pytest.raises(DetectorError, match=message):
        Ensemble(members=members)


def test_the_false_alarms_of_the_sum_keep_the_budget_on_fresh_readings():
    # 10 alarms in 20 000 clean readings; a fresh stretch as long has a Poisson number of them.
    day = 20_000 / 86_400
    found = []
    for seed in range(10):
        detector = two().fit(bench(4_000, seed=100 + seed))
        detector.calibrate(bench(20_000, seed=200 + seed), 10.5 / day)
        found.append(len(detector.alerts(bench(20_000, seed=300 + seed))))
    assert 5 < np.mean(found) < 15


def plain(*, k=3.0, **shared):
    return Ensemble(
        members={"rules": {}, "sigma": {"k": k}, "last_value": {}},
        combine="any",
        profile=PROFILE,
        **shared,
    )


def test_any_flags_what_a_member_flags_at_its_own_threshold_and_nothing_else():
    detector = plain().fit(bench())
    spoilt = bench(3_000, seed=5)
    rng = np.random.default_rng(6)
    for row in rng.choice(len(spoilt), 200, replace=False):
        spoilt.values[row, rng.integers(2)] += rng.normal(0, 1)
    spoilt.values[1000, 0] = 95.0
    alone = np.zeros(len(spoilt), dtype=bool)
    for member in detector.members:
        member.reset()
        alone |= member.score(spoilt) >= member.threshold_
        member.reset()
    flagged = detector.score(spoilt) >= detector.threshold_
    assert 50 < alone.sum() < 300
    np.testing.assert_array_equal(flagged, alone)


def test_any_scores_the_member_that_is_furthest_past_its_threshold():
    detector = Ensemble(members={"sigma": {"k": 4}, "wide": {"detector": "sigma", "k": 8}},
                        combine="any")  # fmt: skip
    spoilt = bench(300)
    spoilt.values[200, 0] += 5.0
    scores = detector.score(spoilt)
    np.testing.assert_allclose(scores, detect.make("sigma").score(spoilt) / 4.0)


def test_any_needs_no_fit_where_no_member_needs_one():
    assert not Ensemble(members={"sigma": {}}, combine="any").must_be_fitted
    assert Ensemble(members={"sigma": {}, "forest": {}}, combine="any").must_be_fitted
    assert Ensemble(members={"sigma": {}}).must_be_fitted


def test_any_says_who_has_flagged_a_reading():
    spoilt = bench(300)
    spoilt.values[200, 0] += 5.0
    alerts = Ensemble(members={"sigma": {}, "calm": {"detector": "sigma", "k": 1e6}},
                      combine="any", profile=PROFILE).alerts(spoilt)  # fmt: skip
    about = [alert.description for alert in alerts if alert.start == 200 * SECOND]
    assert len(about) == 1
    assert about[0].endswith(". Flagged by sigma.")


def test_any_calibrated_keeps_its_budget():
    detector = plain().fit(bench()).calibrate(bench(40_000, seed=7), 24.0)
    assert detector.calibration_.alarms <= 24.0 * 40_000 / 86_400
    assert detector.voices[0].threshold_ > 3.0


def test_a_threshold_that_is_not_positive_is_reached_by_what_reaches_it():
    for threshold in (-2.0, -1e-300, 0.0, 1e-300, 2.0, np.inf):
        at = AtThreshold(threshold)
        scores = np.array([-np.finfo(float).max, np.nextafter(threshold, -np.inf), threshold,
                           np.finfo(float).max])  # fmt: skip
        scores = np.clip(scores, -np.finfo(float).max, np.finfo(float).max)
        assert ((at.weigh(scores) >= 1.0) == (scores >= threshold)).all(), threshold
        assert np.isfinite(at.weigh(scores)).all()


def test_another_way_to_combine_is_refused_by_name():
    with pytest.raises(DetectorError, match="ensemble: combine is 'all'; sum or any is wanted"):
        Ensemble(members={"sigma": {}}, combine="all")
