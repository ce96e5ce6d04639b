"""docs/cli.md: what `sensorkit COMMAND --help` says, of every command."""

import doctest
import importlib
import re
import sys
from pathlib import Path

import pytest
import typer.testing

from sensorkit.cli.app import app

ROOT = Path(__file__).parents[2]
sys.path.insert(0, str(ROOT / "docs" / "making"))
import command_line  # noqa: E402 - what writes the page

PAGE = (ROOT / "docs" / "cli.md").read_text(encoding="utf-8")
COMMANDS = command_line.commands()
LEAVES = {path: c for path, c in COMMANDS.items() if not hasattr(c, "commands")}
OPTION = re.compile(r"^  (-\S.*?)(?:  +(.*))?$")


def section(path: str, page: str = PAGE) -> str:
    (found,) = re.findall(rf"^## {path}\n(.*?)(?=^## |\Z)", page, re.MULTILINE | re.DOTALL)
    return found


def plain(text: str) -> str:
    """Return words as they read, without the marks of Markdown and the breaks of lines."""
    return " ".join(re.sub(r"[\\`]", "", text.replace("&lt;", "<")).split())


def helped(path: str) -> str:
    """Return what `--help` prints, with each option on one line."""
    done = typer.testing.CliRunner().invoke(
        app, [*path.split()[1:], "--help"], env={"COLUMNS": "1000", "TERMINAL_WIDTH": "1000"}
    )
    assert done.exit_code == 0, done.output
    return done.output


def options(path: str) -> list[tuple[list[str], str]]:
    """Return the options that `--help` lists: how each is spelled, and what is said of it."""
    lines = helped(path).partition("Options:\n")[2]
    joined = re.sub(r"\n {10,}", " ", lines)
    found = [OPTION.match(line) for line in joined.splitlines()]
    rows = [(re.findall(r"--?[a-z][\w-]*", m[1]), m[2] or "") for m in found if m]
    return [(names, re.sub(r"  ?\[[^\]]*\]$", "", told)) for names, told in rows]


def test_the_page_is_what_the_code_says():
    assert command_line.page() == PAGE, "`make docs` writes docs/cli.md anew"


@pytest.mark.parametrize("path", LEAVES)
def test_every_option_that_help_lists_is_on_the_page_with_its_words(path):
    listed = options(path)
    assert len(listed) >= 4
    common = plain(section("Options of every command"))
    here = plain(section(path))
    for names, told in listed:
        for name in names:
            assert re.search(rf"(?<![\w-]){name}(?![\w-])", here + common), (path, name)
        assert plain(told) in here + common, (path, names)


@pytest.mark.parametrize("path", [path for path in COMMANDS if path != "sensorkit"])
def test_what_a_command_is_for_is_on_the_page(path):
    said = plain(helped(path)).partition("Usage: ")[2]
    first = command_line.help_of(COMMANDS[path])[0]
    assert plain(first) in said
    assert plain(first) in plain(section(path))


@pytest.mark.parametrize("path", LEAVES)
def test_the_example_of_a_command_can_be_typed(path):
    (lines,) = re.findall(r"^For example:\n\n```text\n(.*?)```", section(path), re.M | re.S)
    known = {name for p in LEAVES[path].params for name in (*p.opts, *p.secondary_opts)}
    for line in lines.splitlines():
        assert line.startswith(path), line
        assert {w.split("=")[0] for w in line.split() if w.startswith("--")} <= known, line


@pytest.mark.parametrize("path", LEAVES)
def test_defaults_are_those_of_the_code(path):
    rows = re.findall(
        r"^\| `(--?[\w-]+).*?\| (?:`([^`]*)`|must be given)? \|$", section(path), re.M
    )
    told = {name: default for name, default in rows if default}
    for param in LEAVES[path].params:
        if param.opts[0] in told and not isinstance(param.default, bool):
            default = param.default
            shown = " ".join(default) if isinstance(default, list) else str(default)
            assert shown == told[param.opts[0]]


def test_a_change_of_the_code_makes_the_page_stale(monkeypatch):
    param = next(p for p in LEAVES["sensorkit capture"].params if p.name == "baud")
    monkeypatch.setattr(param, "help", "Something else.")
    monkeypatch.setattr(command_line, "commands", lambda: COMMANDS)
    assert command_line.page() != PAGE


@pytest.mark.parametrize("block", re.findall(r"(?:^\|.*\n)+", PAGE, re.MULTILINE))
def test_no_cell_of_a_table_is_cut_by_a_bar(block):
    assert len({len(re.findall(r"(?<!\\)\|", line)) for line in block.splitlines()}) == 1


@pytest.mark.parametrize("name", ["command_line", "outside", "architecture", "layers", "decisions"])
def test_the_examples_of_the_makers_hold(name):
    assert doctest.testmod(importlib.import_module(name)).failed == 0
