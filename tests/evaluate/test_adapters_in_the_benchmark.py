"""Models of others stand in the benchmark beside sensorkit's own."""

import json

import numpy as np
from river import anomaly
from sklearn.neighbors import LocalOutlierFactor

from sensorkit import detect
from sensorkit.evaluate import Settings, benchmark

FAULTS = (("bias", 2000, 20, 8.0), ("spike", 2500, 1, 9.0))


def of_size(values):
    return np.abs(values).max(axis=1)


def test_adapted_models_are_fitted_calibrated_and_tried_like_the_others(make_recording, tmp_path):
    own = {
        "lof": detect.from_sklearn(LocalOutlierFactor(novelty=True)),
        "gaussian": detect.from_river(anomaly.GaussianScorer()),
        "size": detect.from_function(of_size, name="size"),
    }
    results = benchmark(
        [make_recording(faults=FAULTS)], Settings(detectors={"sigma": {}}, resamples=100), own=own
    )
    rows = {row["detector"]: row for row in results.results if row["fault_kind"] is None}
    assert {rows[name]["status"] for name in own} == {"ok"}
    assert rows["lof"]["event_recall"] == rows["size"]["event_recall"] == 1.0
    described = {detector["name"]: detector for detector in results.detectors}
    assert described["lof"]["parameters"]["features"] == "values"
    results.write(tmp_path / "out")
    written = json.loads((tmp_path / "out" / "results.json").read_text("utf-8"))
    assert "LocalOutlierFactor(novelty=True)" in json.dumps(written)
