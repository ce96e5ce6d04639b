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
    own = tmp_path / "toy_files"
    own.mkdir()
    (own / "two.bin").write_bytes(b"")
    monkeypatch.setenv("SENSORKIT_DATA", str(tmp_path))
    assert datasets.path("toy") == own
    assert [file.path for file in datasets.find("toy").missing] == ["a/one=1.bin"]


def test_a_folder_without_a_file_of_the_set_is_as_good_as_none(cached, tmp_path, monkeypatch):
    own = tmp_path / "toy_files"
    own.mkdir()
    (own / "notes.txt").write_text("to be fetched", encoding="utf-8")
    monkeypatch.setenv("SENSORKIT_DATA", str(tmp_path))
    assert datasets.path("toy") == cached
    (cached / "two.bin").unlink()
    (cached / "a" / "one=1.bin").unlink()
    (cached / "a").rmdir()
    cached.rmdir()
    assert datasets.find("toy").kind == "absent"
    with pytest.raises(DataError, match=r"toy_files is there and has none of its files: any \.b"):
        datasets.path("toy")


def test_a_damaged_file_is_one_that_is_there(tmp_path, monkeypatch):
    folder = tmp_path / "debruijn_faults" / "intel" / "clean"
    folder.mkdir(parents=True)
    (folder / "Node01_clean.txt").write_text("", encoding="utf-8")
    monkeypatch.setenv("SENSORKIT_DATA", str(tmp_path))
    assert datasets.find("debruijn").kind == "here"


@pytest.mark.parametrize("variable", ["SENSORKIT_CACHE", "SENSORKIT_DATA"])
@pytest.mark.parametrize("value", ["~nobody-has-this-name/x", "circle"])
def test_a_variable_that_is_no_path_is_named(toy, tmp_path, monkeypatch, variable, value):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "circle").symlink_to("circle")
    monkeypatch.setenv(variable, value)
    with pytest.raises(DataError, match=f"{variable} is {value}: .*; set it to the path of a fol"):
        datasets.find("toy")


def test_a_folder_that_cannot_be_looked_into_is_named(toy, tmp_path, monkeypatch):
    def refuse(_):
        raise PermissionError(13, "Permission denied", str(tmp_path))

    monkeypatch.setenv("SENSORKIT_DATA", str(tmp_path))
    (tmp_path / "toy_files").mkdir()
    monkeypatch.setattr(sys.modules["sensorkit.datasets.load_toy"], "find", refuse)
    with pytest.raises(DataError, match=f"{tmp_path}: cannot be looked into: Permission denied"):
        datasets.find("toy")


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
    assert datasets.find("gecco").kind == "absent"
    names = "Time,Tp,Cl,pH,Redox,Leit,Trueb,Cl_2,Fm,Fm_2,EVENT\n"
    (folder / "b.csv").write_text(names, encoding="utf-8")
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
        VerifyError, match=r"2 of 2 files .*one=1\.bin \(missing\), two\.bin \(changed\); `sen"
    ):
        datasets.verify("toy", cached)


def test_verify_says_what_helps_where_the_set_lies(toy, server, tmp_path, monkeypatch):
    own = put(tmp_path / "own" / "toy_files")
    (own / "two.bin").unlink()
    monkeypatch.setenv("SENSORKIT_DATA", str(tmp_path / "own"))
    with pytest.raises(VerifyError, match=r"fetch leaves this folder alone, so get them from http"):
        datasets.verify("toy")
    own.rename(tmp_path / "own" / "away")  # as the sentence says
    folder = datasets.fetch("toy", mirror=server.url)
    assert datasets.verify("toy") == 2
    (folder / "two.bin").write_bytes(b"x" * len(CONTENT["two.bin"]))
    with pytest.raises(VerifyError, match="`sensorkit datasets fetch toy` gets them again"):
        datasets.verify("toy")
    datasets.fetch("toy", mirror=server.url)  # as the sentence says
    assert datasets.verify("toy") == 2


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
