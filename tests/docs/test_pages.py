"""The pages say what the code does."""

import ast
import importlib
import re
import sys
from pathlib import Path

import pytest
import typer

from sensorkit.cli.app import FAMILIES, app

ROOT = Path(__file__).parents[2]
sys.path.insert(0, str(ROOT / "docs" / "making"))
import architecture  # noqa: E402 - what writes the page
import decisions  # noqa: E402
import layers  # noqa: E402

PAGES = sorted([ROOT / "README.md", *(ROOT / "docs").rglob("*.md")])
ROW = re.compile(r"^\| `(sensorkit/[\w/.]+)` \| (.+?) \|$", re.MULTILINE)
BLOCK = re.compile(r"^```(?:sh|console|bash)\n(.*?)^```", re.MULTILINE | re.DOTALL)
LINK = re.compile(r"\]\((?!https?:|#|\.\./\.\./actions)([^)#]+)")


@pytest.fixture(scope="module")
def commands():
    for family in FAMILIES:
        importlib.import_module(f"sensorkit.cli.{family}")
    return typer.main.get_command(app).commands


def first_line(path: Path) -> str:
    return ast.get_docstring(ast.parse(path.read_text(encoding="utf-8"))).splitlines()[0]


def test_the_architecture_page_is_the_modules_own_words():
    page = (ROOT / "docs" / "architecture.md").read_text(encoding="utf-8")
    modules = sorted((ROOT / "sensorkit").rglob("*.py"))
    said = {f"{path.relative_to(ROOT).as_posix()}": first_line(path) for path in modules}
    assert dict(ROW.findall(page)) == said


def test_the_architecture_page_is_as_its_maker_writes_it():
    page = (ROOT / "docs" / "architecture.md").read_text(encoding="utf-8")
    assert page == architecture.page(), "`make docs` writes docs/architecture.md anew"


def test_a_package_without_a_heading_is_refused(tmp_path):
    for name in (*architecture.TITLES, "weather"):
        (tmp_path / "sensorkit" / name).mkdir(parents=True, exist_ok=True)
        (tmp_path / "sensorkit" / name / "__init__.py").write_text('"""A package."""\n')
    for name in (*architecture.FOUNDATIONS, "signals"):
        (tmp_path / "sensorkit" / f"{name}.py").write_text('"""A module."""\n')
    with pytest.raises(SystemExit, match="sensorkit/weather has no heading"):
        architecture.page(tmp_path)


def test_the_picture_of_the_layers_is_drawn_from_the_contract():
    picture = (ROOT / "docs" / "images" / "layers.svg").read_text(encoding="utf-8")
    assert picture == layers.picture(), "`make docs` draws it anew"
    drawn = [name for row in layers.layers() for name in row]
    assert drawn[0] == "cli"
    assert drawn[-1] == "errors"
    assert set(drawn) == set(layers.PURPOSES)


def test_every_decision_is_listed():
    page = (ROOT / "docs" / "decisions" / "index.md").read_text(encoding="utf-8")
    assert page == decisions.page(), "`make docs` writes docs/decisions/index.md anew"
    records = [path.name for path in (ROOT / "docs" / "decisions").glob("0*.md")]
    assert re.findall(r"\((0[^)]+)\)", page) == sorted(set(records) - {decisions.TEMPLATE})


@pytest.mark.parametrize("page", PAGES, ids=lambda p: p.relative_to(ROOT).as_posix())
def test_every_command_on_a_page_exists_with_its_options(page, commands):
    for block in BLOCK.findall(page.read_text(encoding="utf-8").replace("\\\n", " ")):
        for line in re.findall(r"^(?:\$ )?(?:python -m )?sensorkit (.*)$", block, re.MULTILINE):
            name, *rest = line.split("#")[0].split()
            if name.startswith("-"):
                continue
            assert name in commands, f"{page.name}: sensorkit {line}"
            command = commands[name]
            while rest and rest[0] in getattr(command, "commands", {}):
                command = command.commands[rest.pop(0)]
            options = {o for p in command.params for o in (*p.opts, *p.secondary_opts)}
            options |= {"--help", "-h"}
            for word in rest:
                if word.startswith("--"):
                    assert word.split("=")[0] in options, f"{page.name}: sensorkit {line}"


@pytest.mark.parametrize("page", PAGES, ids=lambda p: p.relative_to(ROOT).as_posix())
def test_every_link_on_a_page_leads_to_a_file(page):
    links = LINK.findall(page.read_text(encoding="utf-8"))
    assert [link for link in links if not (page.parent / link).exists()] == []


@pytest.mark.parametrize("page", PAGES, ids=lambda p: p.relative_to(ROOT).as_posix())
def test_every_test_that_a_page_names_is_there(page):
    for path, name in re.findall(r"`(tests/[\w/.]+)::(\w+)`", page.read_text(encoding="utf-8")):
        assert f"def {name}(" in (ROOT / path).read_text(encoding="utf-8"), f"{path}::{name}"


def test_every_honesty_rule_names_a_test_that_holds_it():
    page = (
        (ROOT / "docs" / "honesty.md")
        .read_text(encoding="utf-8")
        .partition("What the rules do not")
    )
    rules = re.findall(r"^\*\*(.+?)\*\*(.*?)(?=^\*\*|^## |\Z)", page[0], re.MULTILINE | re.DOTALL)
    assert len(rules) > 15
    assert [rule for rule, told in rules if not re.search(r"^> .*`tests/", told, re.M | re.S)] == []


def test_every_command_is_in_the_readme_or_a_page(commands):
    pages = "\n".join(page.read_text(encoding="utf-8") for page in PAGES)
    assert [name for name in commands if f"sensorkit {name}" not in pages] == []


@pytest.mark.parametrize("name", ["help", "example"])
def test_every_command_has_help_with_an_example(commands, name):
    def has(command) -> bool:
        text = command.help or ""
        return f"sensorkit {command.name}" in text if name == "example" else len(text) > 20

    assert [c.name for c in commands.values() if not has(c)] == []
