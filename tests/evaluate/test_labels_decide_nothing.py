"""Whatever is written on the labels of the test, no threshold, score or alert is another one.

The real grid is run with labels that were permuted, inverted, made up or left out.
"""

import time

import numpy as np
import pandas as pd
import pytest

from sensorkit.evaluate import Settings, benchmark
from sensorkit.evaluate.running.grid import Spec, attempt, entries
from sensorkit.evaluate.trial import prepare

FAULTS = (
    ("bias", 2000, 40, 8.0),
    ("drift", 2200, 30, 6.0),
    ("spike", 2500, 1, 9.0),
    ("silence", 2700, 12, None),
)
SETTINGS = Settings(resamples=100)
FIRST = 1800  # of the test stretch, in readings


def permuted(labels, times, rng):
    """Deal kinds, channels and places anew."""
    dealt = labels.copy()
    for columns in (["kind", "layer"], ["channel"], ["magnitude"], ["start", "end"]):
        dealt[columns] = labels[columns].iloc[rng.permutation(len(labels))].to_numpy()
    moved = pd.to_timedelta(rng.integers(0, 200, len(labels)), "s")
    return dealt.assign(start=dealt["start"] + moved, end=dealt["end"] + moved)


def inverted(labels, times, rng):
    """Call faulty what is healthy, and healthy what is faulty."""
    ordered = labels.sort_values("start")
    starts = [times[0], *(ordered["end"] + pd.Timedelta(1, "s"))]
    ends = [*(ordered["start"] - pd.Timedelta(1, "s")), times[-1]]
    healthy = pd.concat([labels.iloc[:1]] * len(starts), ignore_index=True)
    return healthy.assign(id=range(1, len(starts) + 1), start=starts, end=ends)


def made_up(labels, times, rng):
    """Put labels anywhere."""
    chosen = np.sort(rng.choice(len(times) // 10, 20, replace=False)) * 10
    rows = pd.concat([labels.iloc[1:2]] * 20, ignore_index=True)
    kinds = rng.choice(["bias", "stuck", "noise"], 20)
    places = {"start": times[chosen], "end": times[chosen + 5]}
    return rows.assign(id=range(1, 21), kind=kinds, **places)


def left_out(labels, times, rng):
    """Leave all of them out."""
    return labels.iloc[:0]


def ran(recording, settings=SETTINGS, own=None):
    """Return what every detector of the grid did: threshold, scores, flags and alerts."""
    trial = prepare(recording, settings)
    found = {}
    for entry in entries(settings, own or {}, [recording.profile]):
        cell = attempt(Spec(recording.name, entry, settings), trial, clock=time.perf_counter).cell
        assert cell.ok, cell.reason
        found[entry.name] = {
            "threshold": cell.threshold,
            "calibration": repr(cell.calibration),
            "scores": cell.scores.tolist(),
            "flags": cell.flags.tolist(),
            "alerts": [vars(alert) for alert in cell.alerts],
        }
    return found


def differing(one, other):
    return {
        (name, part) for name in one for part in one[name] if one[name][part] != other[name][part]
    }


@pytest.fixture
def recording(make_recording):
    return make_recording(faults=FAULTS)


@pytest.fixture
def relabel(recording):
    """Give the recording other labels; its readings stay."""
    labels = recording.labels()
    times = pd.DatetimeIndex(pd.to_datetime(recording.readings().time, utc=True))[FIRST:]

    def change(how):
        other = how(labels, times, np.random.default_rng(4))
        assert len(other) != len(labels) or not other.equals(labels)
        recording.labels = lambda: other
        return recording

    return change


every_change = pytest.mark.parametrize("how", [permuted, inverted, made_up, left_out])


@every_change
def test_other_labels_change_no_threshold_no_score_and_no_alert(recording, relabel, how):
    before = ran(recording)

    assert differing(before, ran(relabel(how))) == set()
    assert {"forest", "guard", "mewma", "volatility", "sigma", "random"} <= set(before)
    assert sum(len(found["alerts"]) for found in before.values()) > 10


@every_change
def test_a_benchmark_under_other_labels_says_the_same_of_thresholds_and_scores(
    recording, relabel, how
):
    one = benchmark([recording], SETTINGS)
    other = benchmark([relabel(how)], SETTINGS)

    names = [detector["name"] for detector in one.detectors]
    assert [d["calibrations"] for d in one.detectors] == [
        d["calibrations"] for d in other.detectors
    ]
    assert one.scores["rig"][names].equals(other.scores["rig"][names])
    # It is the judgement that follows the labels.
    assert one.table()["vus_pr"].tolist() != other.table()["vus_pr"].tolist()


@every_change
@pytest.mark.parametrize("where", ["calibrate", "score"])
def test_the_check_sees_a_detector_that_looks_at_the_labels(
    recording, relabel, threshold_detector, how, where
):
    class Peeks(threshold_detector):
        """It has the recording in its hands: what no detector of the grid is given."""

        def __deepcopy__(self, memo):
            return type(self)(self.threshold_)

        def calibrate(self, clean, false_alarms_per_day=1.0):
            if where == "calibrate":
                labels = recording.labels()
                seconds = (labels["end"] - labels["start"]).dt.total_seconds().sum()
                first = labels["start"].min().value if len(labels) else 0
                self.threshold_ = 3.0 + 1e-3 * seconds + 1e-20 * first
            return self

        def score(self, readings):
            scores = super().score(readings)
            if where == "score":
                for fault in recording.labels().itertuples():
                    scores[
                        (readings.time >= fault.start.value) & (readings.time <= fault.end.value)
                    ] += 1
            return scores

    few = Settings(resamples=100, detectors={"sigma": {}})
    before = ran(recording, few, {"peeks": Peeks()})
    found = differing(before, ran(relabel(how), few, {"peeks": Peeks()}))

    part = "threshold" if where == "calibrate" else "scores"
    assert ("peeks", part) in found
    assert {name for name, _ in found} == {"peeks"}
