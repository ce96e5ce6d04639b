"""Sinks: which there are, and that a secret is never printed."""

import json
import os

import pytest

from sensorkit.config.sinks import FileSink, complaint_about, expanded, file_of, masked
from sensorkit.errors import UsageError


@pytest.mark.parametrize("url", ["console", "file:alerts.jsonl", "file:${LOGS}/a.jsonl"])
def test_what_there_is_is_taken(url):
    assert complaint_about(url) == ""


@pytest.mark.parametrize(
    ("url", "said"),
    [
        ("mqtt://host", "'mqtt' is no kind of sink; there are console and file:PATH"),
        ("consol", "did you mean 'console'?"),
        ("console:x", "console stands alone"),
        ("file:", "no path after file:"),
        ("${WHERE}", "its kind cannot be told"),
        ("", "this is no kind of sink"),
        ("smtp://me:pw@host", "write ${NAME} in its place"),
        ("https://host?api_key=abc", "write ${NAME} in its place"),
    ],
)
def test_anything_else_is_refused_with_what_there_is(url, said):
    assert said in complaint_about(url)


def test_a_secret_in_the_environment_is_no_secret_in_the_file():
    # Refused for its kind, which is not there yet, not for the password.
    assert "is no kind of sink" in complaint_about("smtp://me:${PW}@host")


def test_masked_addresses_keep_what_is_no_secret():
    assert masked("smtp://me:${PW}@host:25") == "smtp://me:***@host:25"
    assert masked("smtp://me:hunter2@host") == "smtp://me:***@host"
    assert masked("file:${LOGS}/a.jsonl") == "file:***/a.jsonl"


def test_a_variable_that_is_not_set_is_named_with_its_place():
    with pytest.raises(UsageError, match=r"site.yaml:3: sinks.log: .*variable LOGS is not set"):
        expanded("${LOGS}/x", {}, "site.yaml:3: sinks.log")


def test_the_value_of_a_variable_is_not_expanded_again():
    assert expanded("${A}", {"A": "${B}", "B": "secret"}, "x") == "${B}"


def test_a_path_begins_where_the_file_is_unless_it_is_a_whole_one(tmp_path):
    assert file_of("file:a/b", {}, tmp_path, "x") == tmp_path / "a" / "b"
    assert file_of(f"file:{tmp_path}/b", {}, tmp_path / "c", "x") == tmp_path / "b"
    assert file_of("console", {}, tmp_path, "x") is None


def test_alerts_are_added_a_line_each_after_those_that_are_there(tmp_path):
    path = tmp_path / "new" / "a.jsonl"
    for text in ("one\n\u2028</script>", "two"):
        sink = FileSink(path)
        sink.add({"text": text})
        sink.close()

    lines = path.read_text(encoding="ascii").split("\n")
    assert [json.loads(line)["text"] for line in lines[:-1]] == ["one\n\u2028</script>", "two"]
    assert lines[-1] == ""


def test_a_folder_is_no_file_for_alerts(tmp_path):
    with pytest.raises(UsageError, match="is no file that alerts can be added to"):
        FileSink(tmp_path)


def test_a_folder_that_cannot_be_made_is_named(tmp_path):
    (tmp_path / "file").touch()
    with pytest.raises(UsageError, match=r"a\.jsonl: cannot be written"):
        FileSink(tmp_path / "file" / "a.jsonl")


@pytest.mark.skipif(not os.path.exists("/dev/full"), reason="only Linux has /dev/full")  # noqa: PTH110
def test_a_full_disk_is_the_errors_of_the_system():
    from pathlib import Path

    sink = FileSink(Path("/dev/full"))
    with pytest.raises(OSError, match="No space left"):
        sink.add({"a": 1})
    sink.close()
