"""Notebooks small enough to be written down, and a report that fits the schema."""

import sys
from collections.abc import Callable
from pathlib import Path

import nbformat
import numpy as np
import pandas as pd
import pytest
from nbformat.v4 import new_code_cell, new_notebook

from sensorkit.evaluate.evaluation import cases_frame
from sensorkit.evaluate.rows import CASE_COLUMNS
from sensorkit.readings import Readings
from sensorkit.report import measures
from sensorkit.report.changes.history import summary
from sensorkit.report.files import project_root, write_json
from sensorkit.report.parts.examples import write_examples
from sensorkit.report.running import notebooks
from sensorkit.report.running.notebooks import Outcome

sys.path.insert(0, str(Path(__file__).parent))
from made_curves import detectability


@pytest.fixture
def write_notebook(tmp_path: Path) -> Callable[..., Path]:
    """Return a function that writes a notebook: name, parameters cell, further code cells."""

    def write(name: str, parameters: str, *cells: str) -> Path:
        notebook = new_notebook(
            cells=[
                new_code_cell(parameters, metadata={"tags": ["parameters"]}),
                *(new_code_cell(source) for source in cells),
            ],
            metadata={"kernelspec": {"name": "python3", "display_name": "Python 3"}},
        )
        path = tmp_path / f"{name}.ipynb"
        nbformat.write(notebook, path)
        return path

    return write


DETECTORS = ("forest", "sigma", "rules", "last_value", "random", "always", "never", "mewma")
BASELINES = DETECTORS[3:7]
BROKEN = "mewma"
"""The detector whose cell fails."""
KINDS = ("bias", "drift", "dropout", "noise", "rapid_change", "spike", "stuck")
START = pd.Timestamp("2026-01-01", tz="UTC")


def at(seconds: float) -> str:
    return (START + pd.Timedelta(seconds=seconds)).strftime("%Y-%m-%dT%H:%M:%S.%fZ")


MEASURED = tuple(measure.key for measure in measures.MEASURES)
COUNTED = ("faults_hit", "faults_hit_after_end", "episodes", "false_alarms", "clean_hours")


def _around(value: float | None, by: float) -> list[float] | None:
    return None if value is None else [max(0.0, value - by), min(1.0, value + by)]


def _result(rng: np.random.Generator, detector: str, kind: str | None, skill: float) -> dict:
    faults = 8 if kind else 8 * len(KINDS)
    row = {"recording": "bench-faults", "detector": detector, "fault_kind": kind}
    if detector == BROKEN:
        nothing = dict.fromkeys([*COUNTED, *MEASURED, *(f"{name}_ci" for name in MEASURED)])
        return {**row, **nothing, "status": "failed", "reason": REASON, "faults": faults}
    hit = int(rng.binomial(faults, skill))
    recall = hit / faults
    episodes = hit + int(rng.integers(0, 4)) if detector != "never" else 0
    share = None if episodes == 0 else hit / episodes
    values = {
        "vus_pr": round(skill * 0.8, 4),
        "vus_roc": round(0.5 + skill / 2, 4),
        "average_precision": round(skill * 0.7, 4),
        "roc_auc": round(0.5 + skill / 2, 4),
        "event_recall": recall,
        "event_precision": share,
        "event_f1": None if not share else 2 * share * recall / (share + recall),
        "time_in_false_alarm": 1.0 if detector == "always" else 0.004,
        "point_precision": 0.5,
        "point_recall": 0.25,
        "point_f1": 1 / 3,
        "range_precision": None if share is None else 0.61,
        "range_recall": round(skill * 0.5, 3),
        "range_f1": None if share is None else 0.42,
        "affiliation_precision": None if share is None else 0.83,
        "affiliation_recall": None if share is None else 0.77,
        "affiliation_f1": None if share is None else 0.8,
    }
    return {
        **row,
        "status": "ok",
        "reason": None,
        "faults": faults,
        "faults_hit": hit,
        "faults_hit_after_end": min(hit, LATE.get((detector, kind), 0)),
        "episodes": episodes,
        "false_alarms": episodes - hit,
        "clean_hours": 30.5,
        **values,
        **{f"{name}_ci": _around(value, 0.08) for name, value in values.items()},
        "false_alarms_per_day": (episodes - hit) / 30.5 * 24,
        "false_alarms_per_day_ci": [0.0, (episodes - hit + 3) / 30.5 * 24],
        "delay_median_s": 12.0 if recall > 0.5 else None,
        "delay_median_s_ci": [6.0, None] if recall > 0.5 else None,
    }


REASON = "ValueError: <b>it broke</b>"
LATE = {("sigma", "drift"): 3, ("sigma", None): 3}
"""Faults found after their end."""


def _rank(rank: int, name: str, overall: dict) -> dict:
    keys = ("vus_pr", "average_precision", "event_recall", "event_f1", "false_alarms_per_day")
    keys += ("time_in_false_alarm", "delay_median_s")
    broken = name == BROKEN
    return {
        "detector": name,
        "baseline": name in BASELINES,
        **{key: overall[key] for each in keys for key in (each, f"{each}_ci")},
        "p_value": None if rank == 1 or broken else (0.314, 0.012, 0.0)[min(rank - 2, 2)],
        "mean_rank": float(rank),
        "group": None if broken else 1 if rank < 3 else rank - 1,
        "recordings": 1,
        "copies": 1,
        "failed": int(broken),
        "note": "failed on bench-faults" if broken else None,
    }


def _cell(place: int, name: str) -> dict:
    broken = name == BROKEN
    return {
        "recording": "bench-faults",
        "detector": name,
        "status": "failed" if broken else "ok",
        "reason": REASON if broken else None,
        "seconds": 1.25 + place,
        "peak_mb": None if broken else 310.0 + 10 * place,
        "started_from": "kept" if name == "rules" else "run",
    }


@pytest.fixture
def report() -> dict:
    """Return what an evaluation of an emulated device may have found: shape true, numbers made."""
    rng = np.random.default_rng(7)
    skills = dict(zip(DETECTORS, (0.9, 0.75, 0.5, 0.3, 0.05, 0.1, 0.0, 0.0), strict=True))
    results = [
        _result(rng, detector, kind, skill)
        for detector, skill in skills.items()
        for kind in (None, *KINDS)
    ]
    overall = {row["detector"]: row for row in results if row["fault_kind"] is None}
    day = 86400
    stretch = {"start": at(0), "end": at(day - 1), "readings": day, "hours": 24.0}
    return {
        "schema_version": 3,
        "run": {
            "id": "20260131T120000Z-0a1b2c",
            "created_at": "2026-01-31T12:00:00.000000Z",
            "command": "sensorkit evaluate --set seed=1",
            "git_commit": "0123456789abcdef0123456789abcdef01234567",
            "git_dirty": False,
            "parameters": {"01_capture": {"seed": 1, "profile": "serial_monitor"}},
            "versions": {"python": "3.11.7", "sensorkit": "0.1.0", "numpy": "2.4.6"},
            "machine": {"system": "Linux", "cpus": 2},
            "seeds": {"01_capture": 1},
            "duration_s": 41.5,
        },
        "settings": {
            "fit": 0.3,
            "calibrate": 0.3,
            "false_alarms_per_day": 1.0,
            "tolerance": 10,
            "buffer": 100,
            "thresholds": None,
            "detectors": {name: {} for name in DETECTORS},
            "seed": 1,
            "resamples": 200,
            "detectability": {
                "kinds": ["spike", "bias", "drift", "stuck", "dropout", "silence"],
                "channels": [],
                "sizes": 8,
                "repeats": 20,
                "smallest_sigma": 0.5,
                "largest_sigma": 20.0,
                "duration": 60,
                "longest": 240,
            },
            "timeout_s": None,
            "memory_mb": 4000.0,
            "confidence": 0.95,
            "vus_variant": "VUS as TSB-AD defines it, buffer 100 readings, every score a threshold",
        },
        "recordings": [
            {
                "name": "bench-faults",
                "kind": "injected",
                "status": "complete",
                "profile": "serial_monitor",
                "sha256": "ab" * 32,
                "data_sha256": "cd" * 32,
                "parent": "bench",
                "channels": [
                    {"name": "temperature", "unit": "°C", "label": "Temperature"},
                    {"name": "voltage", "unit": "V", "label": "Voltage"},
                ],
                "devices": ["monitor-1"],
                "readings": 3 * day,
                "start": at(0),
                "end": at(3 * day - 1),
                "duration_s": 3.0 * day - 1,
                "clean_hours": 70.5,
                "step_median_s": 1.0,
                "gaps": 2,
                "gap_s": 61.0,
                "rejected": {"checksum": 3, "syntax": 1},
                "lost": 4,
                "events": {"sequence_gap": 2, "heartbeat_lost": 1},
                "missing": {"temperature": 120, "voltage": 0},
                "quality": {
                    "frames": 3 * day + 4,
                    "rejected": {"checksum": 2, "partial_start": 1},
                    "checksum_errors": 2,
                    "lost": 3,
                    "gaps": 1,
                    "gap_s": 41.0,
                    "gap_longest_s": 41.0,
                    "missing": 20,
                    "missing_share": 20 / (6 * day),
                    "step_p5_s": 0.98,
                    "step_p95_s": 1.02,
                    "step_largest_s": 1.4,
                    "jitter": 0.04,
                    "events": {"link_opened": 1, "sequence_gap": 1},
                    "in_faults": {"rejected": 1, "lost": 1, "gaps": 1, "missing": 100},
                    "over_time": [
                        {
                            "start": at(5400 * part),
                            "end": at(5400 * (part + 1)),
                            "rejected": part,
                            "lost": 3 if part == 1 else 0,
                            "gaps": 1 if part == 1 else 0,
                            "missing": 10,
                        }
                        for part in (1, 2)
                    ],
                },
                "stretches": {
                    name: {**stretch, "start": at(i * day), "end": at((i + 1) * day - 1)}
                    for i, name in enumerate(("fit", "calibrate", "test"))
                },
                "faults": [
                    {
                        "id": i,
                        "device": "monitor-1",
                        "kind": kind,
                        "channel": "temperature" if i % 2 else "voltage",
                        "layer": "signal",
                        "start": at(2 * day + 1000 * i),
                        "end": at(2 * day + 1000 * i + 120),
                        "magnitude": 1.5 + i,
                        "magnitude_sigma": 3.0 + i,
                    }
                    for i, kind in enumerate(KINDS * 8)
                ],
            }
        ],
        "cells": [_cell(place, name) for place, name in enumerate(DETECTORS)],
        "detectors": [
            {
                "name": name,
                "baseline": name in BASELINES,
                "parameters": {},
                "threshold": None if name in {"always", "never", BROKEN} else 3.25,
                "microseconds_per_reading": None if name == BROKEN else 0.25,
                "calibrations": []
                if name == BROKEN
                else [
                    {
                        "recording": "bench-faults",
                        "threshold": 3.25,
                        "clean_hours": 24.0,
                        "alarms": 1,
                        "alarms_per_day": 1.0,
                        "upper_95_per_day": 4.744,
                        "extrapolated": True,
                    }
                ],
            }
            for name in DETECTORS
        ],
        "results": results,
        "detectability": detectability(),
        "ranking": [
            _rank(rank, name, overall[name]) for rank, name in enumerate(DETECTORS, start=1)
        ],
        "critical_difference": None,
        "requirements": [],
        "verdict": {
            "detector": "forest",
            "sentence": "forest finds 50 of 56 faults at 0.8 false alarms a day; "
            "sigma cannot be told apart from it.",
            "comparison": {
                "first": "forest",
                "second": "sigma",
                "metric": "vus_pr",
                "difference": 0.031,
                "ci": [-0.052, 0.117],
                "p_value": 0.314,
                "faults": 56,
                "faults_needed": 140,
            },
        },
    }


@pytest.fixture
def over_recordings() -> dict:
    """Return a `critical_difference` of eight recordings."""
    ranks = (1.5, 1.875, 3.0, 4.25, 5.5, 6.0, 6.5, 7.375)
    forest, sigma, rules, *_ = tested = [name for name in DETECTORS if name not in BASELINES]
    return {
        "metric": "vus_pr",
        "alpha": 0.05,
        "recordings": 8,
        "friedman_p": 0.0004,
        "least_p_holm": 6 * 2.0**-7,
        "ranks": [{"detector": n, "mean_rank": r} for n, r in zip(DETECTORS, ranks, strict=True)],
        "pairs": [
            {
                "a": a,
                "b": b,
                "p": 0.0078 * gap,
                "p_holm": 0.2 if gap == 1 and b != BROKEN else 0.047,
            }
            for i, a in enumerate(tested)
            for gap, b in enumerate(tested[i + 1 :], start=1)
        ],
        "cliques": [[forest, sigma], [sigma, rules]],
    }


@pytest.fixture
def cases(report: dict) -> pd.DataFrame:
    """Return cases that agree with the report: as many faults found as it says."""
    rows = []
    for result in report["results"]:
        if result["fault_kind"] is None or result["faults_hit"] is None:
            continue
        of_kind = [
            fault
            for fault in report["recordings"][0]["faults"]
            if fault["kind"] == result["fault_kind"]
        ]
        for n, fault in enumerate(of_kind):
            hit = n < result["faults_hit"]
            rows.append(
                {name: fault[name] for name in ("kind", "channel", "layer", "start", "end")}
                | {name: fault[name] for name in ("device", "magnitude", "magnitude_sigma")}
                | {
                    "case": "fault",
                    "recording": result["recording"],
                    "detector": result["detector"],
                    "status": "ok",
                    "fault": fault["id"],
                    "window_end": fault["end"],
                    "hit": hit,
                    "delay_s": float(n) if hit else float("inf"),
                    "watched_s": float("inf"),
                    "peak_score": 4.5 if hit else 2.5,
                    "threshold": 3.25,
                    "clean_hours": 30.5,
                }
            )
    alarm = {
        "case": "false_alarm",
        "recording": "bench-faults",
        "detector": "forest",
        "status": "ok",
        "device": "monitor-1",
        "start": at(2 * 86400 + 500),
        "end": at(2 * 86400 + 505),
        "alert_type": "ANOMALY_FOREST",
        "alert_channel": "temperature",
        "peak_score": 3.5,
        "threshold": 3.25,
    }
    return cases_frame([dict.fromkeys(CASE_COLUMNS) | row for row in [*rows, alarm]])


@pytest.fixture
def run_dir(tmp_path: Path, report: dict, cases: pd.DataFrame) -> Path:
    """Return the folder of a run that has everything but its pages."""
    folder = tmp_path / "reports" / "runs" / report["run"]["id"]
    (folder / "executed").mkdir(parents=True)
    write_json(folder / "report.json", report)
    (folder / "cases.csv").write_text(cases.to_csv(index=False))
    facts = {"status": "passed", "reason": "", "summary": summary(report)}
    write_json(folder / "run.json", facts | {"created_at": report["run"]["created_at"]})
    n = 3 * 86400
    time = START.value + np.arange(n) * 1_000_000_000
    values = np.random.default_rng(1).normal(25, 0.2, (n, 2))
    readings = Readings.build(time, values, ["temperature", "voltage"])
    units = {"temperature": "°C", "voltage": "V"}
    write_examples(folder, cases, "forest", {"bench-faults": readings}, units)
    return folder


HEALTHY = project_root() / "datasets" / "serial_monitor_healthy"
FAULTED = project_root() / "datasets" / "serial_monitor_faulted"


@pytest.fixture
def executed(monkeypatch, report, cases):
    """Execute nothing: write what the notebooks would have written, and remember the jobs."""
    jobs = []

    def execute(chains, *, log_file, tell=None, follow=None):
        log_file.touch()
        for chain in chains:
            for one in chain:
                jobs.append(one)
                recordings = one.output.parents[1] / "recordings"
                if one.name == "01_capture":
                    write_json(recordings / "captured.json", {"recordings": [str(HEALTHY)]})
                if one.name == "02_inject_faults":
                    write_json(recordings / "injected.json", {"recordings": [str(FAULTED)]})
                if one.name == "03_benchmark":
                    results = {key: value for key, value in report.items() if key != "run"}
                    write_json(one.output.parents[1] / "results.json", results)
                    cases.to_csv(one.output.parents[1] / "cases.csv", index=False)
        return [Outcome(one.name, "passed", "", 1.0) for one in jobs]

    monkeypatch.setattr(notebooks, "execute", execute)
    return jobs
