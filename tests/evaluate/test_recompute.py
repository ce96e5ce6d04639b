"""Every number of results.json comes out of cases.csv and scores.npz again."""

import json
import math

import numpy as np
import pandas as pd
import pytest

from sensorkit.evaluate import Settings, benchmark
from sensorkit.evaluate.clean import alarm_places, clean_time, false_alarm_time
from sensorkit.evaluate.flagged import FLAG_FIGURES, flag_intervals
from sensorkit.evaluate.metrics import (
    affiliation,
    average_precision,
    point_scores,
    range_f,
    range_precision,
    range_recall,
    roc_auc,
    vus,
)
from sensorkit.evaluate.statistics import (
    bunching,
    censored_median,
    median_delay_interval,
    poisson_interval,
    resample,
    weighted_poisson_interval,
    wilson_interval,
)
from sensorkit.evaluate.statistics.blocks import FIGURES, bootstrap
from sensorkit.runs import runs

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
    if isinstance(stated, list):
        return all(same(*pair) for pair in zip(found, stated, strict=True))
    return found == pytest.approx(stated, abs=1e-12)


def nanoseconds(column):
    return np.array([pd.Timestamp(text).value for text in column], dtype=np.int64)


def alarms_in_clean_time(mine, faults, scores, name, detector):
    """Bunching of the false alarms, seconds of each run of flags, and clean seconds."""
    device = scores[f"{name}/device"]
    false = mine[mine["case"] == "false_alarm"]
    bunched, seconds, clean = 0.0, [], 0
    for i, unit in enumerate(dict.fromkeys(device.tolist())):
        time = scores[f"{name}/time"][device == unit]
        flags = scores[f"{name}/{detector}"][device == unit] >= faults["threshold"].iloc[0]
        own = faults[faults["device"] == unit]
        window = np.column_stack([nanoseconds(own["start"]), nanoseconds(own["window_end"])])
        # With an unknown device (here: the only one of the detector) alarms are the first one's.
        known = false["device"].isin(device.tolist())
        here = false[(false["device"] == unit) | (~known if i == 0 else False)]
        places = alarm_places(nanoseconds(here["start"]), time, window)
        bunched += len(here) * bunching(places / 1e9, clean_time(time, window) / 1e9)
        seconds.append(false_alarm_time(flags, time, window) / 1e9)
        clean += clean_time(time, window)
    return bunched / len(false) if len(false) else 1.0, np.concatenate(seconds), clean / 1e9


def test_event_numbers_come_from_the_cases_and_the_times_of_readings(written):
    results, cases, scores = written
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
        assert row["faults_hit_after_end"] == hits["after_end"].astype(bool).sum()
        late = nanoseconds(hits["start"]) + hits["delay_s"] * 1e9 > nanoseconds(hits["end"]) + 500
        seen = hits["kind"] != "silence"  # over with the first reading after it, which shows it
        assert hits.loc[seen, "after_end"].astype(bool).equals(late[seen])
        assert faults.loc[~faults["hit"].astype(bool), "after_end"].isna().all()
        assert row["episodes"] == episodes
        assert row["false_alarms"] == false_alarms
        assert same(faults["clean_hours"].iloc[0], row["clean_hours"])
        assert same(len(hits) / len(faults), row["event_recall"])
        assert same(wilson_interval(len(hits), len(faults)), row["event_recall_ci"])
        assert same(found / episodes if episodes else None, row["event_precision"])
        assert same(false_alarms / days, row["false_alarms_per_day"])
        recall, precision = len(hits) / len(faults), found / episodes if episodes else 0.0
        f1 = 2 * precision * recall / (precision + recall) if found else 0.0
        assert same(f1, row["event_f1"])
        low, high = wilson_interval(
            f1 / (2 - f1) * (len(faults) + episodes - found), len(faults) + episodes - found
        )
        assert same((2 * low / (1 + low), 2 * high / (1 + high)), row["event_f1_ci"])
        bunched, seconds, clean = alarms_in_clean_time(
            mine, mine[mine["case"] == "fault"], scores, row["recording"], row["detector"]
        )
        assert clean == pytest.approx(days * 86_400)
        assert same(
            poisson_interval(false_alarms / bunched, days / bunched),
            row["false_alarms_per_day_ci"],
        )
        assert same(seconds.sum() / clean, row["time_in_false_alarm"])
        low, high = weighted_poisson_interval(seconds, clean, bunched)
        assert same((low, min(high, 1.0) if len(seconds) else None), row["time_in_false_alarm_ci"])
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
        exact = {
            "vus_pr": volume.pr,
            "vus_roc": volume.roc,
            "average_precision": precision,
            "roc_auc": roc_auc(label, values),
            **dict(zip(FLAG_FIGURES[:3], point_scores(label, flags), strict=True)),
            "range_precision": range_precision(label, flags),
            "range_recall": range_recall(label, flags),
            "range_f1": range_f(label, flags),
            **dict(zip(FLAG_FIGURES[6:], affiliation(label, flags), strict=True)),
        }
        for figure, value in exact.items():
            assert same(value, row[figure]), figure

        mine = faults if kind is None else faults[faults["kind"] == kind]
        kinds = [None, *sorted(faults["kind"].unique())]
        rng = np.random.default_rng([settings["seed"], kinds.index(kind), *name.encode()])
        delays = [mine[column].to_numpy() for column in ("delay_s", "watched_s")]
        weights = resample(len(mine), settings["resamples"], rng)
        interval = median_delay_interval(*delays, weights=weights)
        stated = row["delay_median_s_ci"]
        assert (interval is None) == (stated is None)
        assert interval is None or same(interval, stated)
        weights = resample(len(runs(label).start), settings["resamples"], rng)
        draws = bootstrap(label, values, buffer=settings["buffer"], exact=exact, weights=weights)
        found = draws.intervals() | flag_intervals(label, flags, exact, weights)
        assert set(found) == {*FIGURES, *FLAG_FIGURES}
        for figure, interval in found.items():
            assert same(interval, row[f"{figure}_ci"]), figure


def test_the_peak_of_a_case_is_the_highest_score_in_its_window(written):
    _, cases, scores = written
    for case in cases[(cases["recording"] == "one") & (cases["case"] != "touching")].itertuples():
        time, values = scores["one/time"], scores[f"one/{case.detector}"]
        end = case.window_end if case.case == "fault" else case.end
        inside = (time >= pd.Timestamp(case.start).value) & (time <= pd.Timestamp(end).value)
        assert case.peak_score == pytest.approx(values[inside].max(), abs=1e-12)
