"""The parameters of a notebook: what its tagged cell declares, and what may be given for them.

papermill takes any name (a misspelt one is a warning and the default runs), reads `007` as 7
and turns a tuple into text. Here the declaration in the notebook decides:

    hours: float = 0.5  # hours of device time to capture
"""

from __future__ import annotations

import ast
import io
import json
import math
import tokenize
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import sensorkit.report.schemas  # noqa: F401 - before nbformat

# isort: split
import nbformat
import yaml

from sensorkit.errors import NotebookError
from sensorkit.nearest import did_you_mean

TAG = "parameters"
SCALARS: Mapping[str, type] = {"str": str, "int": int, "float": float, "bool": bool}
MAPPINGS: Mapping[str, type] = {
    "dict[str, float]": float,
    "dict[str, dict]": dict,  # a name and its parameters
    "dict[str, object]": object,
}
TYPES = (*SCALARS, *(f"list[{name}]" for name in SCALARS if name != "bool"), *MAPPINGS)


@dataclass(frozen=True)
class Parameter:
    """One line of the parameters cell: `name: type = default  # help`."""

    name: str
    type: str
    default: Any
    help: str


def read_notebook(path: Path) -> Any:
    """Return the notebook at *path* as an nbformat node.

    Raises
    ------
    NotebookError
        If there is none, or it is not a notebook.
    """
    try:
        return nbformat.reads(path.read_text(encoding="utf-8"), as_version=4)  # type: ignore[no-untyped-call]
    except OSError as error:
        raise NotebookError(f"{path}: cannot be read: {error.strerror}") from error
    # nbformat raises many kinds, all of them for "this is not a notebook".
    except Exception as error:
        raise NotebookError(f"{path}: is no notebook, or it is cut off") from error


def declared(path: Path) -> dict[str, Parameter]:
    """Return the parameters that the notebook at *path* declares, in their order.

    Raises
    ------
    NotebookError
        If the cell is missing, or a line of it is not `name: type = default  # help`.
    """
    cells = [
        cell
        for cell in read_notebook(path).cells
        if cell.cell_type == "code" and TAG in cell.metadata.get("tags", [])
    ]
    if len(cells) != 1:
        raise NotebookError(f"{path.name}: has {len(cells)} cells tagged `{TAG}`; one is wanted")
    return parse(cells[0].source, path.name)


def parse(source: str, where: str) -> dict[str, Parameter]:
    """Return the parameters declared in the source of a cell; *where* is named in the error.

    >>> parse("hours: float = 2  # of device time", "x.ipynb")["hours"].help
    'of device time'
    """
    try:
        body = ast.parse(source).body
        tokens = list(tokenize.generate_tokens(io.StringIO(source).readline))
    except (SyntaxError, tokenize.TokenError) as error:
        raise NotebookError(f"{where}: the parameters cell is not Python: {error}") from error
    comments = {
        token.start[0]: token.string.lstrip("# ")
        for token in tokens
        if token.type == tokenize.COMMENT
    }
    found = {}
    for line in body:
        match line:
            case ast.AnnAssign(
                target=ast.Name(id=name), annotation=annotation, value=ast.expr() as value
            ):
                pass
            case _:
                raise NotebookError(
                    f"{where}: line {line.lineno} of the parameters cell is "
                    f"{ast.unparse(line)!r}; `name: type = default  # help` is wanted"
                )
        kind = ast.unparse(annotation)
        if kind not in TYPES:
            raise NotebookError(
                f"{where}: parameter {name!r} has type {kind}; one of {', '.join(TYPES)} is wanted"
            )
        try:
            default = ast.literal_eval(value)
        except ValueError as error:
            raise NotebookError(
                f"{where}: the default of {name!r} is {ast.unparse(value)}; a literal is wanted"
            ) from error
        # A long line may have been wrapped, its comment with it.
        lines = range(line.end_lineno or line.lineno, line.lineno - 1, -1)
        said = next((comments[number] for number in lines if number in comments), "")
        found[name] = Parameter(name, kind, default, said)
    return found


def check(
    given: Mapping[str, Any], parameters: Mapping[str, Parameter], where: str
) -> dict[str, Any]:
    """Return *given* as values that the notebook can take.

    Raises
    ------
    NotebookError
        If a name is not declared, with the nearest one, or a value is of another type.
    """
    values = {}
    for name, value in given.items():
        if name not in parameters:
            hint = did_you_mean(name, parameters)
            raise NotebookError(f"{where} has no parameter {name!r}; {hint}")
        values[name] = convert(value, parameters[name], where)
    return values


def convert(value: Any, parameter: Parameter, where: str) -> Any:
    """Return *value* as the type of *parameter*; text that is not text is never guessed at.

    >>> convert((1, 2), Parameter("sizes", "list[float]", [], ""), "x.ipynb")
    [1.0, 2.0]
    """
    if parameter.type in MAPPINGS:
        return _mapping(value, parameter, where)
    if parameter.type.startswith("list"):
        if not isinstance(value, list | tuple):
            raise _wrong(value, parameter, where)
        inner = SCALARS[parameter.type[5:-1]]
        return [_scalar(item, inner, value, parameter, where) for item in value]
    return _scalar(value, SCALARS[parameter.type], value, parameter, where)


def from_text(text: str, parameter: Parameter, where: str) -> Any:
    """Return the value that *text* from a command line stands for.

    >>> from_text("007", Parameter("device", "str", "", ""), "x.ipynb")
    '007'
    >>> from_text("[rules, sigma]", Parameter("detectors", "list[str]", [], ""), "x.ipynb")
    ['rules', 'sigma']
    """
    if parameter.type == "str":
        return text
    try:
        value = yaml.safe_load(text)
    except yaml.YAMLError as error:
        raise _wrong(text, parameter, where) from error
    # YAML 1.1 reads 1e3 as text, people as a number.
    if parameter.type == "float" and isinstance(value, str):
        try:
            value = float(value)
        except ValueError as error:
            raise _wrong(text, parameter, where) from error
    if parameter.type in ("list[str]", "dict[str, dict]") and isinstance(value, str):
        value = [item.strip() for item in value.split(",")]
    elif parameter.type.startswith("list") and not isinstance(value, list):
        value = [value]
    return convert(value, parameter, where)


def _mapping(value: Any, parameter: Parameter, where: str) -> dict[str, Any]:
    """Return a mapping of names; a list of names is one to nothing where that can be meant."""
    inner = MAPPINGS[parameter.type]
    if inner is dict and isinstance(value, list | tuple):
        value = {name: {} for name in value} if all(isinstance(n, str) for n in value) else value
    if not isinstance(value, Mapping) or not all(isinstance(name, str) for name in value):
        raise _wrong(value, parameter, where)
    if inner is float:
        return {name: _scalar(item, float, value, parameter, where) for name, item in value.items()}
    if inner is dict and not all(isinstance(item, Mapping) for item in value.values()):
        raise _wrong(value, parameter, where)
    try:
        # It goes to the kernel as text, and into parameters.json.
        found: dict[str, Any] = json.loads(json.dumps(dict(value), allow_nan=False))
    except (TypeError, ValueError) as error:
        raise _wrong(value, parameter, where) from error
    return found


def _scalar(item: Any, wanted: type, value: Any, parameter: Parameter, where: str) -> Any:
    if wanted is str and isinstance(item, Path):
        return str(item)
    if wanted is float and isinstance(item, int | float) and not isinstance(item, bool):
        if not math.isfinite(item):
            raise _wrong(value, parameter, where)
        return float(item)
    # bool is an int in Python, not in a form that a person fills in.
    if not isinstance(item, wanted) or (isinstance(item, bool) and wanted is not bool):
        raise _wrong(value, parameter, where)
    return item


def _wrong(value: Any, parameter: Parameter, where: str) -> NotebookError:
    about = f" ({parameter.help})" if parameter.help else ""
    return NotebookError(
        f"{where}: parameter {parameter.name!r}{about} is {parameter.type}, had {value!r}; "
        f"the default is {parameter.default!r}"
    )
