"""Every number of results.json comes out of cases.csv and scores.npz again."""

import json
import math

import numpy as np
import pandas as pd
import pytest

from sensorkit.evaluate import Settings, benchmark
from sensorkit.evaluate.blocks import bootstrap
from sensorkit.evaluate.metrics import average_precision, point_scores, roc_auc, vus
from sensorkit.evaluate.statistics import (
    censored_median,
    median_delay_interval,
    poisson_interval,
    wilson_interval,
)

FAULTS = (
    ("bias", 2000, 20, 4.0),
    ("bias", 2200, 20, 6.0),
    ("spike", 2400, 1, 9.0),
    ("silence", 2600, 12, None),
    ("spike", 2620, 1, 5.0),  # its window and that of the silence meet
    ("bias", 2990, 8, 2.0),  # the recording ends before its window does
)


@pytest.fixture(scope="module")
def written(tmp_path_factory, recording_maker, threshold_detector):
    make = recording_maker(tmp_path_factory.mktemp("recordings"))
    recordings = [
        make("one", faults=FAULTS),
        make("two", faults=FAULTS[:3], seed=3, devices=("a", "b")),
    ]
    out = tmp_path_factory.mktemp("results")
    settings = Settings(detectors={"sigma": {"k": 2.5}}, resamples=100, buffer=30, tolerance=8)
    eager = threshold_detector(0.8)  # often in alarm already when a fault begins
    benchmark(recordings, settings, own={"eager": eager}).write(out)
    results = json.loads((out / "results.json").read_text())
    cases = pd.read_csv(out / "cases.csv", keep_default_na=False, na_values=[""])
    with np.load(out / "scores.npz") as arrays:
        scores = {key: arrays[key] for key in arrays.files}
    return results, cases, scores


def same(found, stated):
    if stated is None:
        return found is None or not math.isfinite(found)
    return found == pytest.approx(stated, abs=1e-12)


def test_event_numbers_come_from_the_cases_alone(written):
    results, cases, _ = written
    assert len(results["results"]) == 6 * (4 + 3)
    assert set(cases["case"]) == {"fault", "touching", "false_alarm"}
    for row in results["results"]:
        mine = cases[
            (cases["recording"] == row["recording"]) & (cases["detector"] == row["detector"])
        ]
        of_kind = mine["kind"].eq(row["fault_kind"]) if row["fault_kind"] else mine["kind"].notna()
        faults = mine[(mine["case"] == "fault") & of_kind]
        touching = mine[(mine["case"] == "touching") & of_kind]
        false_alarms = int((mine["case"] == "false_alarm").sum())
        hits = faults[faults["hit"]]
        found = hits["episode"].nunique()
        episodes = found + len(touching) + false_alarms
        days = faults["clean_hours"].iloc[0] / 24

        assert row["faults"] == len(faults)
        assert row["faults_hit"] == len(hits)
        assert row["episodes"] == episodes
        assert row["false_alarms"] == false_alarms
        assert same(faults["clean_hours"].iloc[0], row["clean_hours"])
        assert same(len(hits) / len(faults), row["event_recall"])
        assert same(wilson_interval(len(hits), len(faults)), row["event_recall_ci"])
        assert same(found / episodes if episodes else None, row["event_precision"])
        assert same(false_alarms / days, row["false_alarms_per_day"])
        assert same(poisson_interval(false_alarms, days), row["false_alarms_per_day_ci"])
        delays, watched = faults["delay_s"].to_numpy(), faults["watched_s"].to_numpy()
        assert same(censored_median(delays, watched)[0], row["delay_median_s"])


def test_score_numbers_come_from_the_scores_and_the_windows_in_the_cases(written):
    results, cases, scores = written
    settings = results["settings"]
    for row in results["results"]:
        name, detector, kind = row["recording"], row["detector"], row["fault_kind"]
        time, device = scores[f"{name}/time"], scores[f"{name}/device"]
        values = scores[f"{name}/{detector}"]
        faults = cases[
            (cases["case"] == "fault")
            & (cases["recording"] == name)
            & (cases["detector"] == detector)
        ]
        label, kept = np.zeros(len(time), dtype=bool), np.ones(len(time), dtype=bool)
        for fault in faults.itertuples():
            at = [pd.Timestamp(getattr(fault, k)).value for k in ("start", "end", "window_end")]
            here = device == fault.device
            if kind in {None, fault.kind}:
                inside = here & (time >= at[0]) & (time <= at[1])
                if not inside.any():
                    inside[np.flatnonzero(here & (time > at[1]))[0]] = True
                label |= inside
            else:
                kept &= ~(here & (time >= at[0]) & (time <= at[2]))
        if kind is None:
            assert (label == scores[f"{name}/label"].astype(bool)).all()
        kept |= label
        label, values = label[kept], values[kept]
        volume = vus(label, values, buffer=settings["buffer"])
        precision = average_precision(label, values)
        flags = values >= faults["threshold"].iloc[0]
        points = point_scores(label, flags)
        assert same(volume.pr, row["vus_pr"])
        assert same(volume.roc, row["vus_roc"])
        assert same(precision, row["average_precision"])
        assert same(roc_auc(label, values), row["roc_auc"])
        assert same(points.precision, row["point_precision"])
        assert same(points.recall, row["point_recall"])
        assert same(points.f1, row["point_f1"])

        mine = faults if kind is None else faults[faults["kind"] == kind]
        kinds = [None, *sorted(faults["kind"].unique())]
        rng = np.random.default_rng([settings["seed"], kinds.index(kind), *name.encode()])
        interval = median_delay_interval(
            mine["delay_s"].to_numpy(),
            mine["watched_s"].to_numpy(),
            resamples=settings["resamples"],
            rng=rng,
        )
        stated = row["delay_median_s_ci"]
        assert (interval is None) == (stated is None)
        if interval is not None:
            assert all(same(*pair) for pair in zip(interval, stated, strict=True))
        draws = bootstrap(
            label,
            values,
            buffer=settings["buffer"],
            vus_pr=volume.pr,
            average_precision=precision,
            resamples=settings["resamples"],
            rng=rng,
        )
        for interval, key in zip(
            draws.intervals(), ("vus_pr_ci", "average_precision_ci"), strict=True
        ):
            assert same(interval, row[key])


def test_the_peak_of_a_case_is_the_highest_score_in_its_window(written):
    _, cases, scores = written
    for case in cases[(cases["recording"] == "one") & (cases["case"] != "touching")].itertuples():
        time, values = scores["one/time"], scores[f"one/{case.detector}"]
        end = case.window_end if case.case == "fault" else case.end
        inside = (time >= pd.Timestamp(case.start).value) & (time <= pd.Timestamp(end).value)
        assert case.peak_score == pytest.approx(values[inside].max(), abs=1e-12)
