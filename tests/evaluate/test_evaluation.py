import dataclasses
import json
import math

import numpy as np
import pandas as pd
import pytest

from sensorkit.errors import UsageError
from sensorkit.evaluate import Evaluation, Settings, benchmark
from sensorkit.evaluate import evaluation as evaluation_module
from sensorkit.evaluate.evaluation import plain

FAULTS = (("bias", 2000, 20, 8.0), ("spike", 2400, 1, 9.0))


@pytest.fixture(scope="module")
def results(recording_maker, tmp_path_factory):
    make = recording_maker(tmp_path_factory.mktemp("recordings"))
    settings = Settings(detectors={"sigma": {}}, resamples=100)
    return benchmark([make(faults=FAULTS)], settings)


def test_what_is_written_is_read_back_the_same(results, tmp_path):
    results.write(tmp_path / "out")
    found = Evaluation.read(tmp_path / "out")
    assert found.to_dict() == results.to_dict()
    pd.testing.assert_frame_equal(found.cases, results.cases)
    assert found.scores.keys() == results.scores.keys()
    for name, frame in results.scores.items():
        assert found.scores[name].columns.tolist() == frame.columns.tolist()
        for column in frame.columns:
            assert (found.scores[name][column].to_numpy() == frame[column].to_numpy()).all()


def test_the_same_results_give_the_same_bytes(results, tmp_path):
    for name in ("one", "two"):
        results.write(tmp_path / name)
    for file in ("results.json", "cases.csv", "scores.npz"):
        assert (tmp_path / "one" / file).read_bytes() == (tmp_path / "two" / file).read_bytes()


def test_results_json_is_strict_json_with_sorted_keys(results, tmp_path):
    results.write(tmp_path)
    text = (tmp_path / "results.json").read_text(encoding="utf-8")
    found = json.loads(text, parse_constant=lambda word: pytest.fail(f"{word} is no JSON"))
    assert [*found] == sorted(found)
    assert [*found["results"][0]] == sorted(found["results"][0])


@pytest.mark.parametrize("file", ["results.json", "cases.csv", "scores.npz"])
def test_a_disk_that_is_full_leaves_no_file_half_written(results, tmp_path, monkeypatch, file):
    class Full:
        """A file that takes some bytes and then no more."""

        def __init__(self, opened):
            self._opened = opened

        def __enter__(self):
            return self

        def __exit__(self, *_):
            self._opened.close()

        def write(self, data):
            self._opened.write(data[:10])
            raise OSError(28, "No space left on device")

        def __getattr__(self, name):
            return getattr(self._opened, name)

    real = evaluation_module.Path.open

    def open_(path, *args, **kwargs):
        opened = real(path, *args, **kwargs)
        return Full(opened) if path.name == f"{file}.part" else opened

    monkeypatch.setattr(evaluation_module.Path, "open", open_)
    with pytest.raises(OSError, match="No space left"):
        results.write(tmp_path)
    assert not (tmp_path / file).exists()
    assert not (tmp_path / "results.json").exists()
    assert not [*tmp_path.glob("*.part")]


@pytest.mark.parametrize("file", ["results.json", "cases.csv", "scores.npz"])
def test_a_folder_without_one_of_the_files_is_refused(results, tmp_path, file):
    results.write(tmp_path)
    (tmp_path / file).unlink()
    with pytest.raises(UsageError, match=f"has no {file}"):
        Evaluation.read(tmp_path)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("{", "is not JSON"),
        ("[]", "schema_version None"),
        ('{"schema_version": 99}', "schema_version 99, this version reads 3"),
    ],
)
def test_results_of_another_kind_are_refused(results, tmp_path, text, message):
    results.write(tmp_path)
    (tmp_path / "results.json").write_text(text)
    with pytest.raises(UsageError, match=message):
        Evaluation.read(tmp_path)


def test_numbers_that_json_has_no_word_for_become_null():
    found = plain(
        {"a": [math.nan, np.float64(math.inf)], "b": (np.int64(3), True, np.array([1.5]))}
    )
    assert found == {"a": [None, None], "b": [3, True, [1.5]]}


def test_the_table_has_one_row_a_detector_best_first(results):
    table = results.table()
    assert table["detector"].tolist() == [row["detector"] for row in results.ranking]
    assert len(table) == 5


def test_a_table_without_rows_has_its_columns(results):
    bare = dataclasses.replace(results, results=[], ranking=[])

    for full, empty in (
        (results.table(), bare.table()),
        (results.to_frame(), bare.to_frame()),
    ):
        assert len(empty) == 0
        assert set(empty.columns) == set(full.columns)
        assert empty.index.name == full.index.name


def test_the_parts_added_last_may_be_left_out(results, tmp_path):
    bare = dataclasses.replace(results, cells=[], critical_difference=None)
    bare.write(tmp_path)
    assert Evaluation.read(tmp_path).to_dict() == bare.to_dict()
    text = json.loads((tmp_path / "results.json").read_text())
    assert (text["schema_version"], text["cells"], text["critical_difference"]) == (3, [], None)


def test_every_figure_of_a_row_has_an_interval_beside_it(results):
    figures = {
        "vus_pr",
        "vus_roc",
        "average_precision",
        "roc_auc",
        "event_recall",
        "event_precision",
        "event_f1",
        "false_alarms_per_day",
        "time_in_false_alarm",
        "delay_median_s",
    } | {
        f"{kind}_{of}"
        for kind in ("point", "range", "affiliation")
        for of in ("precision", "recall", "f1")
    }
    for row in results.results:
        assert figures <= row.keys()
        assert {f"{name}_ci" for name in figures} == {key for key in row if key.endswith("_ci")}
