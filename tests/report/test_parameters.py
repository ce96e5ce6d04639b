from pathlib import Path

import pytest

from sensorkit.errors import NotebookError
from sensorkit.report.parameters import Parameter, check, convert, declared, from_text, parse

NUMBER = Parameter("hours", "float", 1.0, "of device time")


def test_a_declaration_gives_name_type_default_and_help():
    found = parse(
        'kinds: list[str] = ["bias", "#2"]  # of faults\nseed: int = -1  # fixes the dice', "x"
    )

    assert found["kinds"] == Parameter("kinds", "list[str]", ["bias", "#2"], "of faults")
    assert found["seed"].default == -1


def test_the_help_of_a_line_that_was_wrapped_is_found():
    source = 'where: str = (\n    "a/long/path"  # folder of a recording\n)\nn: int = 1'

    assert parse(source, "x")["where"].help == "folder of a recording"
    assert parse(source, "x")["n"].help == ""


@pytest.mark.parametrize(
    ("source", "sentence"),
    [
        ("seed = 1", "line 1 of the parameters cell is 'seed = 1'; `name: type"),
        ("seed: int", "is 'seed: int'"),
        ("seed: tuple = (1, 2)", "parameter 'seed' has type tuple; one of str, int"),
        ("seed: int = max(1, 2)", r"default of 'seed' is max\(1, 2\); a literal is wanted"),
        ("seed: int = (", "the parameters cell is not Python"),
    ],
)
def test_a_line_that_is_no_declaration_is_named(source, sentence):
    with pytest.raises(NotebookError, match=f"^x.ipynb.*{sentence}"):
        parse(source, "x.ipynb")


@pytest.mark.parametrize(
    ("kind", "value", "taken"),
    [
        ("float", 3, 3.0),
        ("str", Path("a") / "b", str(Path("a") / "b")),
        ("list[float]", (1, 2.5), [1.0, 2.5]),
        ("list[str]", [], []),
        ("bool", False, False),
        ("dict[str, float]", {"a": 2}, {"a": 2.0}),
        ("dict[str, dict]", {"a": {"k": [1, None]}}, {"a": {"k": [1, None]}}),
        ("dict[str, dict]", ["a", "b"], {"a": {}, "b": {}}),
        ("dict[str, object]", {"a": (1, 2), "b": "c"}, {"a": [1, 2], "b": "c"}),
    ],
)
def test_a_value_is_taken_as_the_declared_type(kind, value, taken):
    got = convert(value, Parameter("x", kind, None, ""), "x.ipynb")

    assert got == taken
    assert repr(got) == repr(taken)


@pytest.mark.parametrize(
    ("kind", "value"),
    [
        ("int", 1.5),
        ("int", True),
        ("int", "1"),
        ("float", float("nan")),
        ("float", "1"),
        ("bool", 1),
        ("str", None),
        ("list[int]", 3),
        ("list[int]", [1, "2"]),
        ("list[str]", {"a"}),
        ("dict[str, float]", {"a": "2"}),
        ("dict[str, float]", ["a"]),
        ("dict[str, dict]", {"a": 3}),
        ("dict[str, dict]", {1: {}}),
        ("dict[str, dict]", [1]),
        ("dict[str, dict]", {"a": {"b": {3, 4}}}),
        ("dict[str, object]", {"a": float("nan")}),
        ("dict[str, object]", "a"),
    ],
)
def test_a_value_of_another_type_is_refused(kind, value):
    with pytest.raises(NotebookError, match=f"parameter 'x' is {kind.replace('[', '.')}"):
        convert(value, Parameter("x", kind, None, ""), "x.ipynb")


@pytest.mark.parametrize(
    ("kind", "text", "taken"),
    [
        ("str", "007", "007"),
        ("str", "null", "null"),
        ("float", "1e3", 1000.0),
        ("float", "2", 2.0),
        ("int", "12", 12),
        ("bool", "true", True),
        ("list[str]", "rules, sigma", ["rules", "sigma"]),
        ("list[int]", "30", [30]),
        ("list[float]", "[1, 2.5]", [1.0, 2.5]),
        ("dict[str, dict]", "sigma, forest", {"sigma": {}, "forest": {}}),
        ("dict[str, dict]", "{sigma: {k: 4}}", {"sigma": {"k": 4}}),
        ("dict[str, float]", "{weather: 2}", {"weather": 2.0}),
    ],
)
def test_text_from_a_command_line_becomes_the_declared_type(kind, text, taken):
    assert from_text(text, Parameter("x", kind, None, ""), "x.ipynb") == taken


@pytest.mark.parametrize(
    ("kind", "text"), [("int", "1.5"), ("float", "fast"), ("bool", "maybe"), ("list[int]", "[1")]
)
def test_text_that_is_no_such_value_is_refused_with_its_help(kind, text):
    with pytest.raises(NotebookError, match=r"'x' \(how many\) is"):
        from_text(text, Parameter("x", kind, None, "how many"), "x.ipynb")


def test_an_unknown_name_is_answered_with_the_nearest_one():
    with pytest.raises(NotebookError, match=r"has no parameter 'hour'; did you mean 'hours'\?"):
        check({"hour": 1}, {"hours": NUMBER}, "x.ipynb")


def test_a_notebook_without_a_parameters_cell_or_that_is_none_is_refused(tmp_path):
    (tmp_path / "x.ipynb").write_text('{"cells": [], "metadata": {}, "nbformat": 4, "nbformat_mi')

    with pytest.raises(NotebookError, match=r"x.ipynb: is no notebook, or it is cut off"):
        declared(tmp_path / "x.ipynb")
    with pytest.raises(NotebookError, match="No such file"):
        declared(tmp_path / "y.ipynb")
    (tmp_path / "x.ipynb").write_text(
        '{"cells": [], "metadata": {}, "nbformat": 4, "nbformat_minor": 5}'
    )
    with pytest.raises(NotebookError, match="has 0 cells tagged `parameters`; one is wanted"):
        declared(tmp_path / "x.ipynb")
