"""docs/reference/: whatever a user may import is there, and its docstring says what it takes."""

import importlib
import inspect
import re
import sys
from pathlib import Path
from typing import Any

import pytest

from sensorkit import detect
from sensorkit.detect import registry

sys.path.insert(0, str(Path(__file__).parent))
from public_names import PUBLIC, public

ROOT = Path(__file__).parents[2]
PAGES = {
    path.name: path.read_text(encoding="utf-8")
    for path in sorted((ROOT / "docs" / "reference").glob("*.md"))
}
SHOWN = re.findall(r"^::: (\S+)$", "\n".join(PAGES.values()), re.MULTILINE)


def found(name: str) -> Any:
    """Return what a line `::: name` of a page shows."""
    try:
        return importlib.import_module(name)
    except ModuleNotFoundError:
        module, _, last = name.rpartition(".")
        return getattr(importlib.import_module(module), last)


def shown(names: list[str]) -> list[Any]:
    """Return what pages with these lines show: a package stands for all that it offers."""
    things = []
    for name in names:
        thing = found(name)
        things.append(thing)
        if inspect.ismodule(thing):
            things += [getattr(thing, n) for n in getattr(thing, "__all__", ())]
    return things


OBJECTS = [
    (name, thing) for name, thing in public() if inspect.isfunction(thing) or inspect.isclass(thing)
]
FUNCTIONS = [(name, thing) for name, thing in OBJECTS if inspect.isfunction(thing)]


SECTION = re.compile(r"^Parameters\n-+\n(.*?)(?=\n\w[\w ]*\n-+\n|\Z)", re.MULTILINE | re.DOTALL)
AS_IN = re.compile(r"[Pp]arameters(?:, errors)?(?: and \w+)? as (?:in|for) `(\w+)`")


def missing(function: Any) -> list[str]:
    """Return the parameters of a function that its docstring does not name.

    They stand in a section, or in the text as *name*, or with a function that the text refers to.
    """
    taken = inspect.signature(function).parameters
    return [name for name in taken if name not in _named(function)]


def _named(function: Any) -> set[str]:
    text = inspect.getdoc(function) or ""
    told = re.search(
        r"^Parameters\n-+\n(.*?)(?=\n\w[\w ]*\n-+\n|\Z)", text, re.MULTILINE | re.DOTALL
    )
    lines = re.findall(r"^\**([\w, *]+?)(?: :.*)?$", told[1] if told else "", re.MULTILINE)
    names = {name.strip(" *") for line in lines for name in line.split(",")}
    names |= set(re.findall(r"\*(\w+)(?:\([^)]*\))?\*", text))
    for other in AS_IN.findall(text):
        names |= _named(getattr(inspect.getmodule(function), other))
    return names


def test_the_public_packages_are_those_that_say_what_they_offer():
    for package in PUBLIC:
        assert importlib.import_module(package).__all__, package


def test_every_public_name_is_on_a_page():
    there = {id(thing) for thing in shown(SHOWN)}
    named = {name for name, thing in public() if id(thing) not in there}
    # Of constants, which may be one object under two names, the page of the package is what counts.
    assert named - {name for name, _ in public() if name.rpartition(".")[0] in SHOWN} == set()


def test_a_name_that_is_on_no_page_is_noticed():
    there = {id(thing) for thing in shown([name for name in SHOWN if name != "sensorkit.faults"])}
    assert id(importlib.import_module("sensorkit.faults").inject) not in there


def test_every_registered_detector_is_on_the_page_of_detectors():
    page = PAGES["each-detector.md"]
    for name in detect.names():
        found_class = registry.find(name)
        if found_class.__module__.startswith("sensorkit."):
            assert f"::: {found_class.__module__}.{found_class.__qualname__}\n" in page, name


@pytest.mark.parametrize("name", SHOWN)
def test_what_a_page_shows_is_there_and_has_a_docstring(name):
    assert inspect.getdoc(found(name)), name


@pytest.mark.parametrize("name", [name for name in PAGES if name != "index.md"])
def test_the_first_page_leads_to_every_other(name):
    assert f"]({name})" in PAGES["index.md"]


@pytest.mark.parametrize(("name", "thing"), OBJECTS, ids=[name for name, _ in OBJECTS])
def test_every_public_function_and_class_has_a_docstring_of_its_own(name, thing):
    assert thing.__doc__, name
    assert thing.__doc__.strip().split("\n")[0].endswith((".", ":", "?")), thing.__doc__


@pytest.mark.parametrize(("name", "function"), FUNCTIONS, ids=[name for name, _ in FUNCTIONS])
def test_the_docstring_of_a_function_says_what_it_takes(name, function):
    assert missing(function) == [], name


@pytest.mark.parametrize(("name", "function"), FUNCTIONS, ids=[name for name, _ in FUNCTIONS])
def test_the_docstring_of_a_function_says_what_it_gives(name, function):
    gives = inspect.signature(function, eval_str=False).return_annotation
    if gives not in {"None", None}:
        text = inspect.getdoc(function)
        assert re.search(r"\A(Return|Yield|Whether)|\Wreturn ", text) or re.search(
            r"^(Returns|Yields)\n-+$", text, re.MULTILINE
        ), name


def test_a_parameter_that_the_docstring_leaves_out_is_noticed():
    def half(told, untold):
        """Return something.

        Parameters
        ----------
        told : int
            This one.
        """

    assert missing(half) == ["untold"]
