"""YAML that people write, checked on reading: a mistake comes with file, line and field."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, ClassVar, Self

import yaml
from pydantic import BaseModel, ConfigDict, ValidationError, model_validator
from pydantic_core import ErrorDetails

from sensorkit.nearest import did_you_mean, unknown


class Misplaced(ValueError):  # noqa: N818 - pydantic turns it into its own error
    """What a check of a whole model raises to say which part of it is wrong."""

    def __init__(self, loc: tuple[int | str, ...], message: str) -> None:
        super().__init__(message)
        self.loc = loc


class Section(BaseModel):
    """A part of what people write; a key it does not know is an error that names the nearest."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    @model_validator(mode="before")
    @classmethod
    def _keys_are_known(cls, data: Any) -> Any:
        if isinstance(data, Mapping):
            for key in data:
                if key not in cls.model_fields:
                    known = ", ".join(cls.model_fields)
                    hint = did_you_mean(str(key), cls.model_fields, f"there are {known}")
                    raise Misplaced((str(key),), f"unknown key; {hint}")
        return data


class Document(Section):
    """What stands in a file of its own: some are shipped and known by name."""

    what: ClassVar[str]
    """As it is called in an error: profile, fault plan."""
    folder: ClassVar[Path]
    """Of those that are shipped."""
    error: ClassVar[type[Exception]]

    @classmethod
    def load(cls, name_or_path: str | Path) -> Self:
        """Read a shipped one by name, or a YAML file by path."""
        path = Path(name_or_path)
        if path.suffix not in {".yaml", ".yml"}:
            names = cls.shipped()
            if str(name_or_path) not in names:
                hint = "or give the path of a .yaml file"
                raise cls.error(unknown(cls.what, str(name_or_path), names, otherwise=hint))
            path = cls.folder / f"{name_or_path}.yaml"
        return cls.model_validate(read_yaml(path, cls, cls.error))

    @classmethod
    def from_dict(cls, data: Mapping[str, Any], source: str) -> Self:
        """Make one of what a recording.json holds; *source* is named in the error."""
        try:
            return cls.model_validate(data, context={"recorded": True})
        except ValidationError as error:
            raise cls.error(f"{source}: {describe(error.errors()[0], data)}") from error

    def to_dict(self) -> dict[str, Any]:
        """Return what `from_dict` takes, without the defaults, ready for JSON and YAML."""
        return self.model_dump(mode="json", exclude_defaults=True)

    @classmethod
    def shipped(cls) -> list[str]:
        """Return the names of those that come with sensorkit."""
        return sorted(path.stem for path in cls.folder.glob("*.yaml"))


def read_yaml(path: Path, model: type[BaseModel], error: type[Exception]) -> dict[str, Any]:
    """Read *path* and check it against *model*; an error names file, line and field."""
    try:
        text = path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as problem:
        reason = problem.strerror if isinstance(problem, OSError) else "it is not UTF-8 text"
        raise error(f"{path}: cannot be read: {reason}; give the path of a YAML file") from problem
    try:
        tree = yaml.compose(text, Loader=yaml.SafeLoader)
        for line, key in _doubled(tree):
            raise error(f"{path}:{line}: {key}: stands here a second time; delete one of the two")
        data = yaml.safe_load(text)
    except yaml.YAMLError as problem:
        mark = getattr(problem, "problem_mark", None)
        place = f"{path}:{mark.line + 1}" if mark else str(path)
        detail = getattr(problem, "problem", None) or "it is cut off or not YAML"
        raise error(f"{place}: not readable as YAML: {detail}") from problem
    if not isinstance(data, dict):
        raise error(f"{path}: holds {type(data).__name__}, a mapping of keys to values is wanted")
    try:
        model.model_validate(data)
    except ValidationError as problem:
        first = problem.errors()[0]
        line_number = line_of(tree, place_of(first, data))
        raise error(f"{path}:{line_number}: {describe(first, data)}") from problem
    return data


def _doubled(tree: yaml.Node | None) -> Iterator[tuple[int, str]]:
    """Yield line and name of each key that its mapping has already; YAML would take the last."""
    waiting, seen = [tree], set[int]()
    while waiting:
        node = waiting.pop()
        if node is None or id(node) in seen:  # an anchor may stand in several places
            continue
        seen.add(id(node))
        if isinstance(node, yaml.SequenceNode):
            waiting += reversed(node.value)
        elif isinstance(node, yaml.MappingNode):
            keys = set[tuple[str, str]]()
            for key, _ in node.value:
                name = (key.tag, str(key.value))
                if isinstance(key, yaml.ScalarNode) and name in keys:
                    yield key.start_mark.line + 1, str(key.value)
                keys.add(name)
            waiting += [value for _, value in reversed(node.value)]


def place_of(error: ErrorDetails, data: Any = None) -> tuple[int | str, ...]:
    """Return the path of keys that leads to the mistake in *data*."""
    cause = error.get("ctx", {}).get("error")
    loc = (*error["loc"], *cause.loc) if isinstance(cause, Misplaced) else error["loc"]
    place: list[int | str] = []
    for i, part in enumerate(loc):
        # A union's tag ("csv") is in loc, not in the data; a missing field comes last.
        if isinstance(data, Mapping) and part not in data and i < len(loc) - 1:
            continue
        # Below a number or a word there is nothing but the tag of what it was taken for.
        if place and isinstance(data, int | float | str):
            continue
        place.append(part)
        data = _at(data, part)
    return tuple(place)


def _at(data: Any, part: int | str) -> Any:
    if isinstance(data, Mapping):
        return data.get(part)
    if isinstance(data, list | tuple) and isinstance(part, int) and part < len(data):
        return data[part]
    return None


def describe(error: ErrorDetails, data: Any = None) -> str:
    """Return a pydantic error in *data* as one clause: field, what is wrong, what it had."""
    field = ".".join(str(part) for part in place_of(error, data))
    return f"{field}: {complaint(error)}" if field else complaint(error)


def complaint(error: ErrorDetails) -> str:
    """Return what is wrong and what it had, without the field."""
    had = f" (had {error['input']!r})" if isinstance(error["input"], str | int | float) else ""
    return error["msg"].removeprefix("Value error, ") + had


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
        if found is not None:
            node = found
    return node.start_mark.line + 1 if node is not None else 1
