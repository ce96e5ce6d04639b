"""The detector of wear: predictions of engines it has not seen, alerts in time, kept in a file."""

import json
import zipfile
from itertools import pairwise

import numpy as np
import pytest
from wearing import SECOND, detector_of, fleet, machine

from sensorkit import detect
from sensorkit.errors import DetectorError
from sensorkit.prognosis import RemainingLife, lives, rmse
from sensorkit.prognosis.remaining_life import ALERT
from sensorkit.readings import FaultLabel, Readings, Severity

NEW = tuple(range(20, 50))
CAP = 50.0


def true_left(readings):
    return np.concatenate([np.minimum(life.left, CAP) for life in lives(readings)])


def test_it_tells_what_is_left_of_machines_it_has_not_seen(fitted):
    readings = fleet(*NEW)
    predicted, true = fitted.predict(readings), true_left(readings)
    assert rmse(predicted, true) < 0.5 * rmse(np.full(len(true), true.mean()), true)
    near = true < 15
    assert rmse(predicted[near], true[near]) < 5.0


def test_the_interval_holds_as_many_readings_of_new_machines_as_it_says(fitted):
    readings = fleet(*NEW)
    predicted, true = fitted.predict(readings), true_left(readings)
    low, high = fitted.interval(predicted)
    codes = readings.device.codes
    within = (low <= true) & (true <= high)
    share = np.mean([within[codes == k].mean() for k in np.unique(codes)])
    assert 0.85 < share < 0.99  # 90 % of 30 machines


def test_with_few_lives_the_interval_says_that_it_does_not_know():
    detector = RemainingLife(limit_s=15, cap_s=CAP, window=15, trees=20).fit(fleet(*range(5)))
    low, high = detector.interval(np.array([20.0]))
    assert (low[0], high[0]) == (0.0, CAP)


@pytest.mark.parametrize("seed", range(3))
def test_predictions_do_not_depend_on_the_cut(fitted, seed):
    rng = np.random.default_rng(seed)
    readings = fleet(20, 21)[np.argsort(fleet(20, 21).time, kind="stable")]
    readings.values[rng.random(readings.values.shape) < 0.05] = np.nan
    whole = fitted.predict(readings)
    fitted.reset()
    edges = [0, *np.sort(rng.integers(0, len(readings), 9)).tolist(), len(readings)]
    parts = [fitted.predict(readings[a:b]) for a, b in pairwise(edges)]
    np.testing.assert_allclose(np.concatenate(parts), whole, rtol=0, atol=1e-9)


def test_the_alert_comes_before_the_failure_and_says_what_is_left(fitted):
    for k in NEW[:10]:
        fitted.reset()
        readings = machine(k)
        (first, *_) = list(detect.watch(fitted, readings))
        lead = (readings.time[-1] - first.start) / SECOND
        assert 5 <= lead <= 30
        assert (first.type, first.device) == (ALERT, f"machine-{k}")
        assert first.value <= 15.0
        assert f"About {first.value:.3g} s of life are left (90%: " in first.description
        assert first.description.endswith("the limit is 15 s.")


def test_half_the_limit_is_critical(fitted):
    assert fitted.threshold_ == 1 - 15 / CAP
    assert fitted.critical_score() == 1 - 7.5 / CAP
    roomy, begun = detector_of(limit_s=40.0), []
    for k, before_the_end in ((20, 25), (21, 5), (22, 25), (23, 5)):
        roomy.reset()
        readings = machine(k)
        begun += roomy.alerts(readings[len(readings) - before_the_end :])[:1]
    assert [one.severity == Severity.CRITICAL for one in begun] == [False, True, False, True]
    assert [one.value <= 20.0 for one in begun] == [False, True, False, True]


def test_a_device_that_comes_back_begins_as_new(fitted):
    first, again = machine(20), machine(21, first=500)
    again = Readings.build(again.time, again.values, again.channels, device="machine-20")
    fitted.predict(first)
    np.testing.assert_array_equal(fitted.predict(again), detector_alone(again))


def detector_alone(readings):
    detector = detector_of()
    detector.reset()
    return detector.predict(readings)


def test_who_begins_to_watch_in_the_middle_is_not_told_that_it_is_new(fitted):
    errors = []
    for k in NEW:
        readings = machine(k)
        fitted.reset()
        late = readings[len(readings) - 12 :]
        errors.append(fitted.predict(late)[3] - 8.0)
    assert np.median(np.abs(errors)) < 8.0


def test_labels_cut_the_lives_of_a_device_that_fails_and_goes_on():
    parts, labels, start = [], [], 0
    for k in range(12):
        one = machine(k, first=start)
        start += len(one) + 60
        parts.append(Readings.build(one.time, one.values, one.channels, device="press"))
        end = int(one.time[-1])
        label = FaultLabel(k, "press", end - 30 * SECOND, end, "wear", None, "state", None, None, 0)
        labels.append(label)
    detector = RemainingLife(limit_s=15, cap_s=CAP, window=15, trees=60, rows=2000)
    detector.fit(Readings.concat(parts), labels)
    readings = fleet(*NEW)
    assert rmse(detector.predict(readings), true_left(readings)) < 8.0
    with pytest.raises(DetectorError, match="no label of layer"):
        detector.fit(Readings.concat(parts), [])
    assert detector.fitted  # nothing was changed


def test_conditions_are_taken_out():
    rng = np.random.default_rng(3)

    def flown(k):
        one = machine(k)
        at = rng.integers(0, 3, len(one))
        values = np.column_stack([one.values + 40.0 * at[:, None], at])
        return Readings.build(one.time, values, (*one.channels, "load"), device=f"machine-{k}")

    seen = Readings.concat([flown(k) for k in range(20)])
    unseen = Readings.concat([flown(k) for k in NEW])
    given = {"limit_s": 15, "cap_s": CAP, "window": 15, "trees": 60, "rows": 2000}
    aware = RemainingLife(**given, conditions=3, settings="load").fit(seen)
    blind = RemainingLife(**given).fit(seen)
    true = true_left(unseen)
    assert rmse(aware.predict(unseen), true) < 0.8 * rmse(blind.predict(unseen), true)


def test_a_saved_one_predicts_the_same_to_the_last_bit(fitted, tmp_path):
    path = detect.save(fitted, tmp_path / "life")
    loaded = detect.load(path)
    readings = fleet(20, 21)
    np.testing.assert_array_equal(loaded.predict(readings), fitted.predict(readings))
    assert (loaded.limit, loaded.cap) == (15.0, CAP)
    assert [one.tolist() for one in loaded.interval(np.array([3.0, 30.0]))] == [
        one.tolist() for one in fitted.interval(np.array([3.0, 30.0]))
    ]


def arrays_of(path):
    with np.load(path) as archive:
        return {name: archive[name] for name in archive.files if name != "detector.json"}


@pytest.mark.parametrize(
    ("name", "change"),
    [
        ("left", lambda a: np.zeros_like(a)),
        ("feature", lambda a: a + 999),
        ("width", lambda a: a[:2]),
        ("width", lambda a: np.full_like(a, np.nan)),
        ("cap", lambda a: a * 0),
        ("cap", lambda a: np.array([np.inf])),
        ("sigma", lambda a: a * 0),
        ("mean", lambda a: a[:, :1].copy()),
        ("columns", lambda a: a + 5),
        ("value", lambda a: a + np.inf),
        ("times", lambda a: np.array([1e9, 1.0])),
        ("times", lambda a: np.array([15.0, 0.0])),
    ],
)
def test_a_file_that_was_tampered_with_is_refused(fitted, tmp_path, name, change):
    path = detect.save(fitted, tmp_path / "life")
    with zipfile.ZipFile(path) as archive:
        content = {one: archive.read(one) for one in archive.namelist()}
    arrays = {one: np.load(path)[one] for one in [name]}
    with zipfile.ZipFile(tmp_path / "bad", "w") as archive:
        for one, data in content.items():
            if one != f"{name}.npy":
                archive.writestr(one, data)
        with archive.open(f"{name}.npy", "w") as file:
            np.lib.format.write_array(file, change(arrays[name]), version=(1, 0))
    with pytest.raises(DetectorError, match="no detector that sensorkit has saved, or is damaged"):
        detect.load(tmp_path / "bad")


def test_the_file_holds_numbers_and_json_only(fitted, tmp_path):
    path = detect.save(fitted, tmp_path / "life")
    with zipfile.ZipFile(path) as archive:
        names = set(archive.namelist())
        assert json.loads(archive.read("detector.json"))["detector"]["name"] == "remaining_life"
    assert all(one.endswith(".npy") for one in names - {"detector.json"})


@pytest.mark.parametrize(
    ("given", "why"),
    [
        ({"limit_s": 60.0, "cap_s": 50.0}, "more than the cap is never predicted"),
        ({"limit_s": 0.0}, "limit_s"),
        ({"cap_s": float("inf")}, "cap_s"),
        ({"window": 1}, "window"),
        ({"conditions": 6}, "several conditions need the channels"),
        ({"settings": "load"}, "one needs none"),
        ({"coverage": 0.0}, "coverage is 0"),
        ({"smooth": 5}, "never shaped"),
    ],
)
def test_settings_that_cannot_work_are_refused(given, why):
    with pytest.raises(DetectorError, match=why):
        RemainingLife(**given)


def test_a_limit_beyond_the_lives_is_refused_by_the_fit():
    with pytest.raises(DetectorError, match="the lives are so short"):
        RemainingLife(limit_s=10_000.0).fit(fleet(1, 2))


def test_an_unknown_setting_is_told():
    detector = RemainingLife(limit_s=5, cap_s=20, conditions=2, settings="laod")
    with pytest.raises(DetectorError, match="'laod'"):
        detector.fit(fleet(1, 2))


def test_conditions_that_are_not_there_are_told():
    detector = RemainingLife(limit_s=5, cap_s=20, conditions=2, settings="dull")
    with pytest.raises(DetectorError, match="take 1 different values, which are not 2 conditions"):
        detector.fit(fleet(1, 2))


def test_what_is_not_given_is_taken_from_the_lives():
    detector = RemainingLife(trees=5).fit(fleet(1, 2, 3))
    spans = [float(np.ptp(machine(k).time)) / SECOND for k in (1, 2, 3)]
    assert detector.cap == pytest.approx(0.6 * np.median(spans))
    assert detector.limit == pytest.approx(0.25 * detector.cap)


def test_hostile_numbers_give_a_prediction_all_the_same(fitted):
    readings = machine(20)
    values = readings.values
    values[5], values[6], values[7, 0], values[8] = np.nan, np.inf, 1.7e308, -1.7e308
    readings.time[30:] -= 10 * SECOND
    predicted = fitted.predict(readings)
    assert np.isfinite(predicted).all()
    assert ((predicted >= 0) & (predicted <= CAP)).all()
