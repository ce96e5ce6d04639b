"""Where a data set is looked for, and what is said when it is not there."""

import os
import subprocess
import sys

import pytest

from sensorkit import datasets
from sensorkit.datasets import places
from sensorkit.errors import DataError, VerifyError

from .conftest import CONTENT


@pytest.fixture
def cached(toy, tmp_path):
    """The folder of the toy in the cache, whole."""
    return put(tmp_path / "cache" / "datasets" / "toy_files")


def put(folder):
    for path, content in CONTENT.items():
        (folder / path).parent.mkdir(parents=True, exist_ok=True)
        (folder / path).write_bytes(content)
    return folder


def test_the_users_own_folder_comes_before_the_cache(cached, tmp_path, monkeypatch):
    assert datasets.path("toy") == cached
    own = put(tmp_path / "own" / "toy_files")
    monkeypatch.setenv("SENSORKIT_DATA", str(tmp_path / "own"))
    assert datasets.path("toy") == own
    assert datasets.find("toy").kind == "here"


def test_a_set_that_the_users_folder_lacks_is_taken_from_the_cache(cached, tmp_path, monkeypatch):
    monkeypatch.setenv("SENSORKIT_DATA", str(tmp_path / "own"))
    assert datasets.path("toy") == cached


def test_a_part_of_a_set_is_enough_in_the_users_folder(toy, tmp_path, monkeypatch):
    (tmp_path / "toy_files").mkdir()
    monkeypatch.setenv("SENSORKIT_DATA", str(tmp_path))
    assert datasets.path("toy") == tmp_path / "toy_files"


@pytest.mark.parametrize("damage", [lambda p: p.unlink(), lambda p: p.write_bytes(b"cut")])
def test_a_part_of_a_set_is_not_enough_in_the_cache(cached, damage):
    damage(cached / "two.bin")
    with pytest.raises(DataError, match=r"toy: 1 of 2 files are in .*`sensorkit datasets fetch to"):
        datasets.path("toy")


def test_a_set_that_is_nowhere_comes_with_the_command_that_fetches_it(toy, monkeypatch):
    with pytest.raises(
        DataError, match=r"SENSORKIT_DATA \(not set\).*sensorkit datasets fetch toy"
    ):
        datasets.path("toy")
    monkeypatch.setenv("SENSORKIT_DATA", "/nowhere")
    with pytest.raises(DataError, match=r"SENSORKIT_DATA \(/nowhere\) as toy_files"):
        datasets.path("toy")


def test_a_set_without_checksums_is_where_the_user_put_it(tmp_path, monkeypatch):
    monkeypatch.setenv("SENSORKIT_CACHE", str(tmp_path))
    monkeypatch.delenv("SENSORKIT_DATA", raising=False)
    folder = tmp_path / "datasets" / "gecco2018"
    folder.mkdir(parents=True)
    with pytest.raises(DataError, match="gecco2018: https://zenodo"):
        datasets.path("gecco")
    (folder / "a.csv").write_text("", encoding="utf-8")
    assert datasets.path("gecco") == folder
    with pytest.raises(DataError, match="no checksums; there is nothing to compare"):
        datasets.verify("gecco")


def test_without_a_word_the_cache_is_the_users(toy, monkeypatch):
    monkeypatch.delenv("SENSORKIT_CACHE")
    assert places.cache().name == "datasets"
    assert "sensorkit" in places.cache().parts


def test_verify_names_what_is_missing_and_what_has_changed(cached):
    assert datasets.verify("toy") == 2
    (cached / "two.bin").write_bytes(b"x" * len(CONTENT["two.bin"]))
    (cached / "a" / "one=1.bin").unlink()
    with pytest.raises(
        VerifyError, match=r"2 of 2 files .*one=1\.bin \(missing\), two\.bin \(changed\); move"
    ):
        datasets.verify("toy", cached)


def test_the_import_opens_no_connection_and_loads_no_downloader():
    code = """
import sys
seen = []
sys.addaudithook(lambda e, a: seen.append((e, a)) if e.startswith("socket.") else None)
import sensorkit.datasets
assert not {"pooch", "requests"} & set(sys.modules), "loaded too early"
assert not seen, seen
"""
    done = subprocess.run([sys.executable, "-c", code], env=os.environ, capture_output=True)
    assert (done.returncode, done.stderr) == (0, b"")
