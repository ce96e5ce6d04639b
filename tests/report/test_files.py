import json
import os
from datetime import UTC, datetime, timedelta

import pytest

from sensorkit.errors import UsageError
from sensorkit.report.files import find_run, new_run_id, read_json, write_json, write_text


def test_run_ids_sort_by_time_and_are_folder_names_everywhere():
    start = datetime(2026, 1, 31, 23, 59, 59, tzinfo=UTC)
    ids = [new_run_id(start + timedelta(seconds=n)) for n in range(3)]

    assert ids == sorted(ids)
    assert all(set(name) <= set("0123456789abcdefTZ-") for name in ids)


def test_a_write_that_fails_leaves_the_old_file_and_no_other(tmp_path, monkeypatch):
    path = tmp_path / "run.json"
    write_text(path, "old")

    def full(descriptor):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(OSError, match="No space left"):
        write_text(path, "new")

    assert path.read_text() == "old"
    assert [p.name for p in tmp_path.iterdir()] == ["run.json"]


def test_json_holds_no_nan_and_is_sorted(tmp_path):
    write_json(tmp_path / "a.json", {"b": 1, "a": "ä\u2028"})

    assert list(read_json(tmp_path / "a.json")) == ["a", "b"]
    with pytest.raises(ValueError, match="JSON"):
        write_json(tmp_path / "a.json", {"a": float("nan")})


@pytest.mark.parametrize(
    ("text", "sentence"),
    [("[1]", "holds list, a JSON object"), ('{"a"', "it is cut off or not JSON")],
)
def test_a_file_that_is_no_json_object_is_one_sentence(tmp_path, text, sentence):
    (tmp_path / "run.json").write_text(text)

    with pytest.raises(UsageError, match=f"run.json: .*{sentence}"):
        read_json(tmp_path / "run.json")


def test_a_run_is_found_by_folder_by_id_and_as_the_latest(tmp_path):
    run = tmp_path / "runs" / "20260131T120000Z-abcdef"
    run.mkdir(parents=True)
    (run / "run.json").write_text(json.dumps({}))
    (tmp_path / "latest.txt").write_text(f"{run.name}\n")

    assert find_run(str(run), tmp_path) == run
    assert find_run(run.name, tmp_path) == run
    assert find_run("latest", tmp_path) == run
    with pytest.raises(UsageError, match="no run 'yesterday'"):
        find_run("yesterday", tmp_path)
