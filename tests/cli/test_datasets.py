"""`sensorkit datasets` as a user types it; files come from a server on this machine."""

import functools
import hashlib
import http.server
import io
import json
import sys
import threading
from types import ModuleType

import pytest

from sensorkit.datasets import cards

CONTENT = b"1,2,3\n"
CARD = """\
name: toy
title: A toy
purpose: to test with
licence: CC0
terms: Do as you like.
citation: '@misc{toy}'
homepage: https://example.org/toy
directory: toy_files
contents: One file.
elsewhere: https://example.org/rest
flaws: [It is small., "It is \\e[31mred."]
protocol: Count it.
"""
SOURCES = f"""\
sources:
  - base: https://example.org/data
    files: {hashlib.sha256(CONTENT).hexdigest()} {len(CONTENT)} toy.csv
"""


class Loader(ModuleType):
    LAYOUT = "any .csv"

    @staticmethod
    def find(root):
        return sorted(root.glob("*.csv"))


@pytest.fixture
def run(typing, capsys, tmp_path, monkeypatch):
    """Run `sensorkit datasets` where there are two sets: `toy`, and `bare`, without checksums."""
    folder = tmp_path / "cards"
    folder.mkdir()
    (folder / "toy.yaml").write_text(CARD + SOURCES, encoding="utf-8")
    (folder / "bare.yaml").write_text(CARD.replace("toy", "bare"), encoding="utf-8")
    monkeypatch.setattr(cards.Card, "folder", folder)
    for name in ("toy", "bare"):
        monkeypatch.setitem(sys.modules, f"sensorkit.datasets.load_{name}", Loader(name))
    monkeypatch.setenv("SENSORKIT_CACHE", str(tmp_path / "cache"))
    monkeypatch.delenv("SENSORKIT_DATA", raising=False)
    cards.card.cache_clear()
    yield typing(capsys, "datasets")
    cards.card.cache_clear()


class Quiet(http.server.SimpleHTTPRequestHandler):
    def log_message(self, *_):
        pass


@pytest.fixture
def mirror(tmp_path):
    """The address of a server that has the toy's file."""
    served = tmp_path / "served"
    (served / "toy_files").mkdir(parents=True)
    (served / "toy_files" / "toy.csv").write_bytes(CONTENT)
    handler = functools.partial(Quiet, directory=str(served))
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), handler) as server:
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        yield f"http://127.0.0.1:{server.server_port}"
        server.shutdown()
        thread.join()


class Terminal(io.StringIO):
    def isatty(self):
        return True


def test_the_list_says_where_each_set_is_and_what_it_is_for(run):
    status, out, err = run("list")
    assert (status, err) == (0, "")
    assert out.splitlines() == [
        "name  where   size     licence  what for",
        "bare  absent  by hand  CC0      to test with",
        "toy   absent  0.0 MB   CC0      to test with",
    ]


def test_a_machine_gets_the_list_with_the_folders(run, tmp_path):
    bare, toy = json.loads(run("list", "--json")[1])
    assert toy == {
        "name": "toy",
        "title": "A toy",
        "where": "absent",
        "folder": str(tmp_path / "cache" / "datasets" / "toy_files"),
        "files": 1,
        "bytes": len(CONTENT),
        "licence": "CC0",
        "purpose": "to test with",
    }
    assert bare["bytes"] is None


def test_a_card_is_shown_with_its_flaws_and_never_acts(run):
    status, out, _ = run("show", "toy")
    assert status == 0
    for text in ("licence   CC0. Do as you like.", "- It is small.", "Count it.", "@misc{toy}"):
        assert text in out
    assert "\x1b" not in out


def test_a_machine_gets_the_card_with_address_and_hash(run):
    card = json.loads(run("show", "toy", "--json")[1])
    assert card["files"][0]["url"] == "https://example.org/data/toy.csv"
    assert card["files"][0]["sha256"] == hashlib.sha256(CONTENT).hexdigest()
    assert card["flaws"][0] == "It is small."


def test_a_wrong_name_comes_with_the_right_one(run):
    for words in (("show", "toi"), ("path", "toi"), ("fetch", "toi", "--yes")):
        status, out, err = run(*words)
        assert (status, out) == (2, "")
        assert "unknown data set 'toi'; there are bare, toy; did you mean 'toy'?" in err


def test_fetch_shows_the_licence_and_prints_the_folder(run, mirror, tmp_path):
    status, out, err = run("fetch", "toy", "--yes", "--mirror", mirror)
    assert (status, out.strip()) == (0, str(tmp_path / "cache" / "datasets" / "toy_files"))
    assert "licence: CC0. Do as you like." in err
    assert "toy: 1 file as published" in err
    assert (tmp_path / "cache" / "datasets" / "toy_files" / "toy.csv").read_bytes() == CONTENT


def test_without_a_yes_nothing_is_fetched_by_a_script(run, mirror, monkeypatch, tmp_path):
    monkeypatch.setattr("sys.stdin", io.StringIO(""))
    status, _, err = run("fetch", "toy", "--mirror", mirror)
    assert status == 2
    assert "nothing was fetched, because nobody can be asked about the licence; say --yes" in err
    assert not (tmp_path / "cache").exists()


@pytest.mark.parametrize(("answer", "status"), [("y\n", 0), ("n\n", 2)])
def test_a_user_is_asked(run, mirror, monkeypatch, tmp_path, answer, status):
    monkeypatch.setattr("sys.stdin", Terminal(answer))
    assert run("fetch", "toy", "--mirror", mirror)[0] == status
    assert (tmp_path / "cache").exists() == (status == 0)


def test_who_has_the_set_is_not_asked_again(run, mirror, monkeypatch):
    run("fetch", "toy", "--yes", "--mirror", mirror)
    monkeypatch.setattr("sys.stdin", io.StringIO(""))
    status, _, err = run("fetch", "toy", "--mirror", "http://127.0.0.1:9")
    assert status == 0
    assert "licence" not in err


def test_a_set_of_the_users_own_is_left_alone(run, monkeypatch, tmp_path):
    monkeypatch.setenv("SENSORKIT_DATA", str(tmp_path))
    (tmp_path / "toy_files").mkdir()
    (tmp_path / "toy_files" / "toy.csv").write_bytes(CONTENT)
    status, out, err = run("fetch", "toy")
    assert (status, out) == (0, f"{tmp_path / 'toy_files'}\n")
    assert err == "toy: lies below SENSORKIT_DATA; nothing was fetched\n"


def test_a_part_of_a_set_of_the_users_own_is_left_alone_and_said_to_be_one(
    run, monkeypatch, tmp_path
):
    monkeypatch.setenv("SENSORKIT_DATA", str(tmp_path))
    (tmp_path / "toy_files").mkdir()
    (tmp_path / "toy_files" / "other.csv").write_bytes(CONTENT)
    err = run("fetch", "toy")[2]
    assert err == "toy: lies below SENSORKIT_DATA, 0 of 1 file; nothing was fetched\n"


def test_an_empty_folder_below_sensorkit_data_is_no_set(run, mirror, monkeypatch, tmp_path):
    monkeypatch.setenv("SENSORKIT_DATA", str(tmp_path))
    (tmp_path / "toy_files").mkdir()
    status, out, _ = run("fetch", "toy", "--yes", "--mirror", mirror)
    assert (status, out) == (0, f"{tmp_path / 'cache' / 'datasets' / 'toy_files'}\n")


def test_a_cache_that_is_no_path_is_told_in_one_line(run, monkeypatch):
    monkeypatch.setenv("SENSORKIT_CACHE", "~nobody-has-this-name/x")
    status, out, err = run("list")
    assert (status, out) == (2, "")
    assert "SENSORKIT_CACHE is ~nobody-has-this-name/x: " in err
    assert err.count("\n") == 1


def test_a_set_that_was_put_into_the_cache_by_hand_is_left_alone(run, tmp_path):
    folder = tmp_path / "cache" / "datasets" / "bare_files"
    folder.mkdir(parents=True)
    (folder / "bare.csv").write_bytes(CONTENT)
    status, out, err = run("fetch", "bare")
    assert (status, out) == (0, f"{folder}\n")
    assert err == "bare: was put there by hand; nothing was fetched\n"


def test_one_wrong_name_among_many_stops_all_before_the_first_byte(run, mirror, tmp_path):
    assert run("fetch", "toy", "bare", "--yes", "--mirror", mirror)[0] == 2
    assert not (tmp_path / "cache").exists()


def test_a_file_that_is_not_there_is_a_failure_with_its_address(run, mirror, tmp_path):
    (tmp_path / "served" / "toy_files" / "toy.csv").unlink()
    status, out, err = run("fetch", "toy", "--yes", "--mirror", mirror)
    assert (status, out) == (1, "")
    assert f"{mirror}/toy_files/toy.csv: the server answers 404" in err


def test_path_prints_the_folder_for_a_script(run, mirror, tmp_path):
    status, out, err = run("path", "toy")
    assert (status, out) == (2, "")
    assert "`sensorkit datasets fetch toy` gets it" in err
    run("fetch", "toy", "--yes", "--mirror", mirror)
    assert run("path", "toy")[:2] == (0, f"{tmp_path / 'cache' / 'datasets' / 'toy_files'}\n")


def test_path_verifies_when_asked_to(run, mirror, tmp_path):
    run("fetch", "toy", "--yes", "--mirror", mirror)
    assert "toy: 1 file as published" in run("path", "toy", "--verify")[2]
    (tmp_path / "cache" / "datasets" / "toy_files" / "toy.csv").write_bytes(b"1,2,4\n")
    assert run("path", "toy")[0] == 0
    status, out, err = run("path", "toy", "--verify")
    assert (status, out) == (1, "")
    assert "toy.csv (changed)" in err


@pytest.mark.parametrize("name", ["list", "show", "fetch", "path"])
def test_every_command_has_help_with_an_example(run, name):
    status, out, _ = run(name, "--help")
    assert status == 0
    assert f"Example: sensorkit datasets {name}" in out


def test_progress_is_shown_on_a_terminal_only(run, mirror, monkeypatch, tmp_path):
    shown = run("fetch", "toy", "--yes", "--mirror", mirror)[2]
    assert "toy:   0%" not in shown
    (tmp_path / "cache" / "datasets" / "toy_files" / "toy.csv").unlink()
    from rich.console import Console

    monkeypatch.setattr(Console, "is_terminal", property(lambda _: True))
    assert "toy:   0%" in run("fetch", "toy", "--yes", "--mirror", mirror)[2]
