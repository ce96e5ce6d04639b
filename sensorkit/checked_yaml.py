"""YAML that people write, checked on reading: a mistake comes with file, line and field."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import yaml
from pydantic import BaseModel, ValidationError
from pydantic_core import ErrorDetails


class Misplaced(ValueError):  # noqa: N818 - pydantic turns it into its own error
    """What a check of a whole model raises to say which part of it is wrong."""

    def __init__(self, loc: tuple[int | str, ...], message: str) -> None:
        super().__init__(message)
        self.loc = loc


def read_yaml(path: Path, model: type[BaseModel], error: type[Exception]) -> dict[str, Any]:
    """Read *path* and check it against *model*; an error names file, line and field."""
    try:
        text = path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as problem:
        reason = problem.strerror if isinstance(problem, OSError) else "it is not UTF-8 text"
        raise error(f"{path}: cannot be read: {reason}; give the path of a YAML file") from problem
    try:
        tree = yaml.compose(text, Loader=yaml.SafeLoader)
        data = yaml.safe_load(text)
    except yaml.YAMLError as problem:
        mark = getattr(problem, "problem_mark", None)
        line = f"{path}:{mark.line + 1}" if mark else str(path)
        detail = getattr(problem, "problem", None) or "it is cut off or not YAML"
        raise error(f"{line}: not readable as YAML: {detail}") from problem
    if not isinstance(data, dict):
        raise error(f"{path}: holds {type(data).__name__}, a mapping of keys to values is wanted")
    try:
        model.model_validate(data)
    except ValidationError as problem:
        first = problem.errors()[0]
        line_number = line_of(tree, place_of(first))
        raise error(f"{path}:{line_number}: {describe(first)}") from problem
    return data


def place_of(error: ErrorDetails) -> tuple[int | str, ...]:
    """Return the path of keys that leads to the mistake."""
    cause = error.get("ctx", {}).get("error")
    return (*error["loc"], *cause.loc) if isinstance(cause, Misplaced) else error["loc"]


def describe(error: ErrorDetails) -> str:
    """Return a pydantic error as one clause: field, what is wrong, what it had."""
    field = ".".join(str(part) for part in place_of(error))
    message = error["msg"].removeprefix("Value error, ")
    had = f" (had {error['input']!r})" if isinstance(error["input"], str | int | float) else ""
    return f"{field}: {message}{had}" if field else message


def line_of(tree: yaml.Node | None, loc: tuple[int | str, ...]) -> int:
    """Return the line of the deepest part of *loc* that stands in the file, from 1."""
    node = tree
    for part in loc:
        if isinstance(node, yaml.MappingNode):
            found = next((v for k, v in node.value if k.value == str(part)), None)
        elif isinstance(node, yaml.SequenceNode) and isinstance(part, int):
            found = node.value[part] if part < len(node.value) else None
        else:
            found = None
        if found is not None:  # a union's tag ("csv") is in loc but not in the file
            node = found
    return node.start_mark.line + 1 if node is not None else 1
