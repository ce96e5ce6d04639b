import itertools
import json
import math
from importlib.resources import files

import jsonschema
import numpy as np
import pytest

from sensorkit.errors import DetectorError, UsageError
from sensorkit.evaluate import Settings, benchmark
from sensorkit.evaluate.settings import DEFAULT, DetectabilityGrid
from sensorkit.readings import Alert, Rejection, RejectReason, Severity

FAULTS = (
    ("bias", 2000, 20, 8.0),
    ("bias", 2250, 20, 6.0),
    ("spike", 2500, 1, 9.0),
    ("silence", 2700, 12, None),
)
FEW = Settings(detectors={"sigma": {}}, resamples=100)
BASELINES = ["random", "always", "never", "last_value"]


def row(results, detector, kind=None, recording="rig"):
    for found in results.results:
        if (found["detector"], found["fault_kind"], found["recording"]) == (
            detector,
            kind,
            recording,
        ):
            return found
    raise AssertionError(f"no row for {detector}, {kind}, {recording}")


class Broken:
    """A detector that fails while it scores the test."""

    name = "broken"
    threshold_ = 1.0

    def fit(self, readings):
        return self

    def calibrate(self, clean, false_alarms_per_day=1.0):
        return self

    def reset(self):
        pass

    def score(self, readings):
        raise RuntimeError("no more\nmemory")


def test_the_three_stretches_are_disjoint_and_stated(make_recording, threshold_detector):
    seen = []

    class Nosy(threshold_detector):
        def fit(self, readings):
            seen.append(readings.time)
            return super().fit(readings)

        def calibrate(self, clean, false_alarms_per_day=1.0):
            seen.append(clean.time)
            return super().calibrate(clean, false_alarms_per_day)

    results = benchmark([make_recording(faults=FAULTS)], FEW, own={"mine": Nosy()})
    fit, calibrate = seen
    assert (len(fit), len(calibrate)) == (896, 896)
    assert fit[-1] < calibrate[0]
    stretches = results.recordings[0]["stretches"]
    assert [stretches[name]["readings"] for name in ("fit", "calibrate", "test")] == [
        896,
        896,
        1196,
    ]
    ends = [stretches["fit"]["end"], stretches["calibrate"]["start"]]
    assert ends == sorted(ends)
    assert len(results.scores["rig"]) == 1196


def test_the_numbers_of_a_detector_that_is_known(make_recording, threshold_detector):
    results = benchmark([make_recording(faults=FAULTS)], FEW, own={"mine": threshold_detector(4.5)})
    found = row(results, "mine")
    assert (found["status"], found["faults"], found["faults_hit"]) == ("ok", 4, 3)
    assert found["event_recall"] == 0.75
    assert found["delay_median_s"] == 0.0
    assert found["false_alarms"] == 0
    silence = row(results, "mine", "silence")
    assert (silence["faults_hit"], silence["delay_median_s"]) == (0, None)
    assert silence["vus_pr"] < 0.5 < row(results, "mine", "bias")["vus_pr"]


def test_a_baseline_stands_in_every_table(make_recording):
    results = benchmark([make_recording(faults=FAULTS)], FEW)
    assert [d["name"] for d in results.detectors] == ["sigma", *BASELINES]
    assert {r["detector"] for r in results.ranking} == {"sigma", *BASELINES}
    never = row(results, "never")
    assert (never["faults_hit"], never["false_alarms"], never["event_precision"]) == (0, 0, None)


def test_a_detector_that_raises_stays_a_failed_row_with_its_reason(make_recording):
    results = benchmark([make_recording(faults=FAULTS)], FEW, own={"broken": Broken()})
    rows = [r for r in results.results if r["detector"] == "broken"]
    assert {r["fault_kind"] for r in rows} == {None, "bias", "spike", "silence"}
    for found in rows:
        assert (found["status"], found["reason"]) == ("failed", "RuntimeError: no more memory")
        assert found["vus_pr"] is found["event_recall"] is found["false_alarms"] is None
    last = results.ranking[-1]
    assert (last["detector"], last["vus_pr"], last["group"], last["failed"]) == (
        "broken",
        None,
        None,
        1,
    )
    cases = results.cases[results.cases["detector"] == "broken"]
    assert len(cases) == 4
    assert cases["hit"].isna().all()
    assert "broken" not in results.scores["rig"]


@pytest.mark.parametrize(
    ("scores", "reason"),
    [
        (lambda n: np.full(n, np.nan), "scores are NaN, the first at test reading 0"),
        (lambda n: np.zeros(n - 1), "its scores have shape"),
        (lambda n: np.zeros((n, 1)), "its scores have shape"),
    ],
)
def test_scores_that_are_none_fail_the_cell(make_recording, threshold_detector, scores, reason):
    class Odd(threshold_detector):
        def score(self, readings):
            return scores(len(readings))

    results = benchmark([make_recording(faults=FAULTS)], FEW, own={"odd": Odd()})
    assert row(results, "odd")["status"] == "failed"
    assert reason in row(results, "odd")["reason"]


@pytest.mark.parametrize(
    ("alert", "reason"),
    [
        ("fire!", "TypeError: it raised 'fire!'; an Alert is wanted"),
        (
            Alert(10**9, "A", Severity.WARNING, "", "odd", "pump-1", end=0),
            "ValueError: its alert of 1970-01-01T00:00:01.000000Z ends before it begins",
        ),
    ],
)
def test_alerts_that_are_none_fail_the_cell(make_recording, threshold_detector, alert, reason):
    class Odd(threshold_detector):
        def alerts(self, readings):
            return [alert]

    results = benchmark([make_recording(faults=FAULTS)], FEW, own={"odd": Odd()})
    assert row(results, "odd")["reason"] == reason


def test_a_detector_that_takes_too_long_is_stopped_and_says_where(make_recording):
    ticks = itertools.count(step=40)
    settings = Settings(detectors={}, resamples=100, timeout_s=100)
    results = benchmark([make_recording(faults=FAULTS)], settings, clock=lambda: float(next(ticks)))
    found = row(results, "random")
    assert found["status"] == "timeout"
    assert found["reason"].startswith("stopped after 120.0 s of 100 s, having")
    assert found["vus_pr"] is None


@pytest.mark.parametrize(("first", "stretch"), [(100, "fit"), (1200, "calibrate")])
def test_a_fault_outside_the_test_is_refused_with_what_to_do(make_recording, first, stretch):
    recording = make_recording(faults=[("bias", 2000, 5, 8.0), ("drift", first, 5, 8.0)])
    with pytest.raises(UsageError) as caught:
        benchmark([recording], FEW)
    message = str(caught.value)
    assert f"fault 2 (drift, 2026-01-01T00:{first // 60:02d}:{first % 60:02d}" in message
    assert f"lies in the {stretch} stretch" in message
    assert "place them at least 1800 s after the start" in message


def test_a_recording_without_faults_counts_false_alarms_only(make_recording):
    results = benchmark([make_recording()], FEW)
    found = row(results, "sigma")
    assert (found["status"], found["faults"], found["vus_pr"]) == ("ok", 0, None)
    assert found["event_recall"] is None
    assert found["false_alarms_per_day"] is not None
    assert results.verdict["detector"] is None
    assert "No reading of the test shows a fault" in results.verdict["sentence"]


def test_each_device_is_matched_with_its_own_faults(make_recording, threshold_detector):
    class PerDevice(threshold_detector):
        """Flags the second device only, and says so."""

        def alerts(self, readings):
            words = readings.device.to_array()
            found = super().alerts(readings[words == "b"])
            for alert in found:
                alert.device = "b"
            return found

    faults = [("bias", 2000, 20, 9.0), ("bias", 2400, 20, 9.0)]  # the first on a, the second on b
    recording = make_recording(faults=faults, devices=("a", "b"))
    results = benchmark([recording], FEW, own={"mine": PerDevice(5.0)})
    hits = results.cases[(results.cases["case"] == "fault") & (results.cases["detector"] == "mine")]
    assert dict(zip(hits["device"], hits["hit"], strict=True)) == {"a": False, "b": True}
    assert results.scores["rig"]["device"].tolist() == ["a"] * 600 + ["b"] * 600


def test_a_fault_of_a_device_that_sent_nothing_is_refused(make_recording):
    recording = make_recording(faults=[("bias", 2000, 5, 8.0)])
    labels = recording.labels()
    labels["device"] = "pump-9"
    recording.labels = lambda: labels
    with pytest.raises(UsageError, match=r"fault 1 \(bias\) is of device 'pump-9'"):
        benchmark([recording], FEW)


def test_a_recording_too_short_to_cut_is_refused(make_recording):
    with pytest.raises(UsageError, match="has 4 readings, which leaves 1 for the fit stretch"):
        benchmark([make_recording(n=4)], FEW)


def test_two_recordings_of_one_name_are_refused(make_recording):
    recording = make_recording()
    with pytest.raises(UsageError, match="two recordings are called 'rig'"):
        benchmark([recording, recording], FEW)


def test_no_recording_is_refused():
    with pytest.raises(UsageError, match="no recording"):
        benchmark([], FEW)


@pytest.mark.parametrize(
    ("detectors", "message"),
    [({"sgima": {}}, "sgima"), ({"sigma": {"windw": 3}}, "windw"), ({"rules": {}}, "no rules")],
)
def test_a_detector_that_cannot_be_made_is_said_before_any_work(make_recording, detectors, message):
    with pytest.raises(DetectorError, match=message):
        benchmark(
            [make_recording(faults=FAULTS)],
            Settings(detectors=detectors),
            progress=lambda *_: pytest.fail("work began"),
        )


def test_a_name_given_twice_is_refused(make_recording, threshold_detector):
    with pytest.raises(UsageError, match="'sigma' stands in the settings and among your own"):
        benchmark([make_recording(faults=FAULTS)], FEW, own={"sigma": threshold_detector()})


@pytest.mark.parametrize("name", ["a/b", "label", "", "1st", "=1+1"])
def test_a_name_that_files_cannot_hold_is_refused(make_recording, threshold_detector, name):
    with pytest.raises(UsageError, match="a detector of yours is called"):
        benchmark([make_recording(faults=FAULTS)], FEW, own={name: threshold_detector()})


def test_progress_names_each_cell_and_ends(make_recording):
    calls = []
    benchmark(
        [make_recording(faults=FAULTS)],
        FEW,
        progress=lambda done, total, name: calls.append((done, total, name)),
    )
    assert calls[0] == (0, 5, "sigma on rig")
    assert calls[-1] == (5, 5, "")


def test_the_recording_is_described(make_recording, sequence_gap):
    bad = [Rejection(sequence_gap.time, -1, RejectReason.CHECKSUM, b"x")] * 2
    recording = make_recording(faults=FAULTS, rejections=bad, events=[sequence_gap])
    found = benchmark([recording], FEW).recordings[0]
    assert found["sha256"] == recording.sha256
    assert (found["readings"], found["duration_s"]) == (2988, 2999.0)
    assert (found["gaps"], found["gap_s"], found["step_median_s"]) == (1, 13.0, 1.0)
    assert (found["rejected"], found["lost"]) == ({"checksum": 2}, 3)
    assert found["events"] == {"sequence_gap": 1}
    assert found["missing"] == {"pressure": 0, "flow": 0}
    # 2999 s less the windows: 20 + 10 s twice, 1 + 10 s; the silence's window begins at its first
    # reading, the gap before it does not count, and 10 readings after it end the window.
    assert found["clean_hours"] * 3600 == pytest.approx(2999 - 13 - 29 - 29 - 10 - 9)
    fault = found["faults"][3]
    assert (fault["kind"], fault["channel"], fault["magnitude"]) == ("silence", None, None)
    assert fault["start"] == "2026-01-01T00:45:00.000000Z"


def test_a_heartbeat_is_asked_for_at_its_deadline_as_the_recorder_does(
    make_recording, threshold_detector
):
    asked = []

    class Listening(threshold_detector):
        def advance(self, time_ns):
            asked.append(time_ns)
            return []

    recording = make_recording(faults=FAULTS)
    benchmark([recording], FEW, own={"mine": Listening()})
    time = recording.readings().time
    last = time[np.argmax(np.diff(time))]
    assert asked == [last + 5_000_000_000]


def test_an_alert_raised_while_time_passes_is_counted(make_recording, threshold_detector):
    class Silence(threshold_detector):
        def alerts(self, readings):
            return []

        def advance(self, time_ns):
            return [Alert(time_ns, "S", Severity.CRITICAL, "", "mine", "pump-1", end=time_ns)]

    results = benchmark([make_recording(faults=FAULTS)], FEW, own={"mine": Silence()})
    silence = row(results, "mine", "silence")
    assert (silence["faults_hit"], silence["delay_median_s"]) == (1, 4.0)


def measuring(monkeypatch, measure):
    monkeypatch.setattr("sensorkit.evaluate.cell.measure", measure)
    return FEW.model_copy(update={"detectability": DetectabilityGrid(kinds=("drift",))})


def test_detectability_is_measured_with_the_detector_as_it_was_calibrated(
    make_recording, monkeypatch
):
    seen = []

    def measure(detector, trial, settings):
        seen.append((detector.threshold_, trial.name, settings.detectability.kinds))
        return [{"recording": trial.name, "detector": "sigma", "kind": "drift", "a90": np.nan}]

    settings = measuring(monkeypatch, measure)
    results = benchmark([make_recording(faults=FAULTS)], settings)

    thresholds = [c["threshold"] for d in results.detectors for c in d["calibrations"]]
    assert [threshold for threshold, _, _ in seen][:1] == thresholds[:1]
    assert len(seen) == 5
    assert {(name, kinds) for _, name, kinds in seen} == {("rig", ("drift",))}
    assert results.detectability[0] == {
        "recording": "rig",
        "detector": "sigma",
        "kind": "drift",
        "a90": None,
    }
    assert [row["detector"] for row in results.detectability] == ["sigma", *BASELINES]


@pytest.mark.parametrize("error", [ValueError("no room"), SystemExit(1), MemoryError()])
def test_detectability_that_fails_leaves_the_cell_its_numbers_and_says_why(
    make_recording, monkeypatch, error
):
    def measure(detector, trial, settings):
        raise error

    settings = measuring(monkeypatch, measure)
    results = benchmark([make_recording(faults=FAULTS)], settings)

    assert results.detectability == []
    assert {cell["status"] for cell in results.cells} == {"ok"}
    said = results.cells[0]["reason"]
    assert said.startswith(f"detectability was not measured: {type(error).__name__}")
    assert row(results, "sigma")["reason"] is None


def test_without_a_grid_no_detectability_is_measured(make_recording, monkeypatch):
    measuring(monkeypatch, lambda *_: pytest.fail("measured"))

    assert benchmark([make_recording(faults=FAULTS)], FEW).detectability == []


def test_one_kind_stands_in_the_table_twice_under_names_of_its_own(make_recording):
    detectors = {"sigma": {}, "long": {"detector": "sigma", "window": 300}}
    results = benchmark(
        [make_recording(faults=FAULTS)], Settings(detectors=detectors, resamples=100)
    )

    described = {d["name"]: d["parameters"] for d in results.detectors}
    assert described["long"]["window"] == 300
    assert described["long"]["detector"] == "sigma"
    assert "detector" not in described["sigma"]
    assert row(results, "long")["vus_pr"] != row(results, "sigma")["vus_pr"]
    assert results.settings["detectors"]["long"] == described["long"]


def test_a_detector_that_is_called_like_another_kind_is_refused(make_recording):
    settings = Settings(detectors={"forest": {"detector": "sigma"}})
    with pytest.raises(UsageError, match=r"detectors.forest: .*its kind is 'sigma'"):
        benchmark([make_recording(faults=FAULTS)], settings)


def test_each_cell_says_how_it_ended_and_what_it_took(make_recording):
    results = benchmark([make_recording(faults=FAULTS)], FEW, own={"broken": Broken()})

    broken, sigma, *_ = results.cells
    assert (broken["status"], broken["reason"]) == ("failed", "RuntimeError: no more memory")
    assert {key: sigma[key] for key in ("recording", "detector", "status", "reason")} == {
        "recording": "rig",
        "detector": "sigma",
        "status": "ok",
        "reason": None,
    }
    assert broken["seconds"] > 0 < sigma["seconds"]
    assert {cell["started_from"] for cell in results.cells} == {"run"}


def test_without_rules_in_the_profile_the_default_detectors_leave_rules_out(make_recording):
    results = benchmark([make_recording(faults=FAULTS)], Settings(resamples=100))
    assert [d["name"] for d in results.detectors] == [*DEFAULT, *BASELINES]


def test_the_results_fit_the_schema_even_with_failures(make_recording):
    recordings = [make_recording("a", faults=FAULTS), make_recording("b", seed=1)]
    results = benchmark(recordings, FEW, own={"broken": Broken()}).to_dict()
    text = (files("sensorkit.report") / "report.schema.json").read_text()
    run = {
        "id": "1",
        "created_at": "2026-01-01T00:00:00Z",
        "command": "",
        "git_commit": None,
        "parameters": {},
        "versions": {},
        "duration_s": 0.0,
    }
    validator = jsonschema.Draft202012Validator(json.loads(text))
    report = {**results, "requirements": [], "run": run}
    assert [e.message for e in validator.iter_errors(report)] == []
    assert [*validator.iter_errors(results)] != []  # `run` is what is missing


def test_a_run_can_be_repeated(make_recording):
    recording = make_recording(faults=FAULTS)
    one, two = benchmark([recording], FEW).to_dict(), benchmark([recording], FEW).to_dict()
    for results in (one, two):
        for detector in results["detectors"]:
            assert detector.pop("microseconds_per_reading") > 0
        for cell in results["cells"]:
            assert cell.pop("seconds") > 0
    assert one == two


def test_copies_of_one_recording_do_not_make_recordings_to_test_over(make_recording):
    recordings = [make_recording(f"r{n}", faults=FAULTS[:3], seed=n) for n in range(6)]
    independent = benchmark(recordings, FEW)
    for recording in recordings[:2]:
        recording.meta["parent"] = {"name": "base", "sha256": "0"}

    assert independent.critical_difference["recordings"] == 6
    assert len(independent.critical_difference["ranks"]) == 1 + len(BASELINES)
    assert independent.critical_difference["pairs"] == []  # one detector, no pair of two
    copied = benchmark(recordings, FEW)
    assert copied.critical_difference is None
    assert {(r["recordings"], r["copies"]) for r in copied.ranking} == {(5, 6)}
    assert {(r["recordings"], r["copies"]) for r in independent.ranking} == {(6, 6)}
    assert len(independent.recordings) == 6


def test_a_recording_and_its_copy_are_one(make_recording):
    healthy, copy, other = (
        make_recording("healthy"),
        make_recording("copy", faults=FAULTS[:3], seed=1),
        make_recording("other", faults=FAULTS[:3], seed=2),
    )
    apart = benchmark([healthy, copy, other], FEW).ranking[0]
    copy.meta["parent"] = {"name": "healthy", "sha256": healthy.sha256}
    one = benchmark([healthy, copy, other], FEW).ranking[0]
    assert (one["detector"], one["vus_pr"]) == (apart["detector"], apart["vus_pr"])
    # The clean time of both is the same, so less is known of the rate.
    low, high = one["false_alarms_per_day_ci"]
    assert high - low > 1.2 * np.ptp(apart["false_alarms_per_day_ci"])


def test_ranking_pools_over_recordings(make_recording):
    recordings = [
        make_recording("a", faults=FAULTS),
        make_recording("b", seed=1, faults=FAULTS[:2]),
        make_recording("c", seed=2),
    ]
    results = benchmark(recordings, FEW)
    ranked = next(r for r in results.ranking if r["detector"] == "sigma")
    rows = [row(results, "sigma", recording=name) for name in "abc"]
    assert ranked["recordings"] == 2
    assert ranked["vus_pr"] == pytest.approx((rows[0]["vus_pr"] + rows[1]["vus_pr"]) / 2)
    assert ranked["event_recall"] == sum(r["faults_hit"] or 0 for r in rows) / 6
    hours = math.fsum(r["clean_hours"] for r in rows)
    expected = sum(r["false_alarms"] for r in rows) / hours * 24
    assert ranked["false_alarms_per_day"] == pytest.approx(expected)
    sigma = next(d for d in results.detectors if d["name"] == "sigma")
    assert [c["recording"] for c in sigma["calibrations"]] == ["a", "b", "c"]
