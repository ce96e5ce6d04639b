"""A benchmark as a file says it: recordings or devices, faults, detectors, seeds, limits."""

from __future__ import annotations

import re
from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Any, Self

from pydantic import BeforeValidator, Field, model_validator

from sensorkit import detect
from sensorkit.checked_yaml import Misplaced, read_yaml
from sensorkit.errors import UsageError
from sensorkit.evaluate.requirement import Requirement
from sensorkit.evaluate.settings import Positive, Settings
from sensorkit.faults.plan import KINDS
from sensorkit.nearest import did_you_mean, unknown

NOTEBOOK = re.compile(r"\d\d_[a-z_]+")
"""Name of a notebook: its parameters may stand below it, or after it and a dot."""


def _listed(value: Any) -> Any:
    """Take one name, or several with commas, for a list of them."""
    if isinstance(value, str):
        return [part.strip() for part in value.split(",") if part.strip()]
    return value


def _one_or_more(value: Any) -> Any:
    """Take one text for a list of it; a comma in it separates nothing."""
    return [value] if isinstance(value, str) else value


def _of_names(empty: Any) -> Any:
    """Return a function that takes a list of names for a mapping of each to *empty*."""

    def mapped(value: Any) -> Any:
        value = _listed(value)
        if isinstance(value, list | tuple) and all(isinstance(name, str) for name in value):
            return dict.fromkeys(value, empty)
        if isinstance(value, Mapping):  # `forest:` without a value
            return {key: empty if given is None else given for key, given in value.items()}
        return value

    return mapped


Names = Annotated[tuple[str, ...], BeforeValidator(_listed)]


class Config(Settings):
    """What a benchmark is made of; every key may be left out.

    A key has the name of the notebook parameter that it sets, so `sensorkit evaluate --set`
    knows the same ones, and goes before the file.

    Examples
    --------
    >>> config = Config.model_validate({"detectors": ["sigma", "forest"], "seeds": [1, 2]})
    >>> config.detectors
    {'sigma': {}, 'forest': {}}
    >>> config.settings.seed, config.parameters()["seeds"]
    (0, [1, 2])
    """

    recordings: Names = ()
    """Folders; relative ones from where the file is. None: the emulated devices."""
    profile: str | None = None
    """Of the emulated device: a shipped name, or a .yaml file."""
    profiles: Annotated[dict[str, float], BeforeValidator(_of_names(0.0))] = Field(default={})
    """Several devices, each with its hours, or a list of them; then each has `hours`."""
    hours: Positive | None = None
    """Of each emulated device."""
    kinds: Names | None = None
    """Of faults."""
    channels: Names | None = None
    """Which of them get faults; those that a recording does not have are an error."""
    sizes_sigma: tuple[Positive, ...] | None = None
    """In robust sigmas of the channel."""
    durations: tuple[Annotated[int, Field(ge=1)], ...] | None = None
    """In readings."""
    repeats: Annotated[int, Field(ge=1)] | None = None
    """Of each kind, channel, size and duration."""
    plan: str | None = None
    """A fault plan by name or .yaml path, instead of the grid above."""
    plans: Names = ()
    """Several; each makes a recording of its own."""
    seeds: tuple[Annotated[int, Field(ge=0)], ...] = ()
    """The faults are injected anew with each, into a recording of its own."""
    detectors: Annotated[dict[str, dict[str, Any]] | None, BeforeValidator(_of_names({}))] = None
    workers: Annotated[int, Field(ge=0)] | None = None
    """0: a process for each processor; 1: none, the limits are then looked at between steps."""
    require: Annotated[tuple[str, ...], BeforeValidator(_one_or_more)] = ()
    """What the run is to find, as `guard.event_recall>=0.9`; see `Requirement`."""
    notebooks: dict[str, dict[str, Any]] = Field(default={})
    """Notebook -> parameter -> value: what stands below or after a notebook's name."""

    @model_validator(mode="before")
    @classmethod
    def _keys_are_known(cls, data: Any) -> Any:
        if not isinstance(data, Mapping):
            return data
        known = [name for name in cls.model_fields if name != "notebooks"]
        flat, sections = {}, dict[str, dict[str, Any]]()
        for key, value in data.items():
            notebook, dot, name = str(key).partition(".")
            if NOTEBOOK.fullmatch(notebook) is None:
                if key not in known:
                    hint = did_you_mean(str(key), known, f"there are {', '.join(known)}")
                    raise Misplaced((str(key),), f"unknown key; {hint}")
                flat[key] = value
            elif dot:
                sections.setdefault(notebook, {})[name] = value
            elif isinstance(value, Mapping):
                sections.setdefault(notebook, {}).update(value)
            else:
                raise Misplaced((notebook,), "parameters of the notebook are wanted below it")
        return {**flat, "notebooks": sections} if sections else flat

    @model_validator(mode="after")
    def _agrees_with_itself(self) -> Self:
        for place, kind in enumerate(self.kinds or ()):
            if kind not in KINDS:
                raise Misplaced(("kinds", place), unknown("kind of fault", kind, KINDS))
        names = detect.names()
        for name in self.detectors or {}:
            if self.kind_of(name) not in names:
                raise Misplaced(("detectors", name), unknown("detector", self.kind_of(name), names))
        for name, hours in self.profiles.items():
            if hours < 0:
                raise Misplaced(("profiles", name), f"{hours:g} hours; a number above 0 is wanted")
        for one, other in (("profile", "profiles"), ("plan", "plans")):
            if getattr(self, one) and getattr(self, other):
                raise Misplaced((other,), f"stands beside {one}; give one of the two")
        if self.recordings and (self.profile or self.profiles):
            raise Misplaced(
                ("recordings",), "stand beside an emulated device; benchmark one or the other"
            )
        for place, text in enumerate(self.require):
            try:
                Requirement.parse(text)
            except UsageError as error:
                raise Misplaced(("require", place), str(error)) from error
        for name in ("seeds", "plans", "recordings"):
            given = getattr(self, name)
            if len(set(given)) < len(given):
                raise Misplaced((name,), "one stands there twice; delete it")
        return self

    @classmethod
    def load(cls, path: str | Path) -> Self:
        """Read a YAML file; a mistake is named with file, line and field.

        Raises
        ------
        UsageError
            If it cannot be read, has a key that there is not, or a value that makes no sense.
        """
        path = Path(path)
        config = cls.model_validate(read_yaml(path, cls, UsageError))
        return config._from(path.resolve().parent)

    @property
    def settings(self) -> Settings:
        """Return what `sensorkit.evaluate.benchmark` takes of it."""
        return Settings(**{name: getattr(self, name) for name in Settings.model_fields})

    def parameters(self) -> dict[str, Any]:
        """Return what was set, as parameters of the notebooks: `name` or `notebook.name`.

        Without `recordings`, `profile`, `plan` and `require`, which the driver of the notebooks
        takes.
        """
        own = {"recordings", "profile", "plan", "require", "notebooks"}
        values = self.model_dump(mode="json", include=self.model_fields_set - own)
        if self.detectability is not None:  # all of it: {} would mean none
            values["detectability"] = self.detectability.model_dump(mode="json")
        # A parameter of a notebook has a type, and so a value that means "none".
        nothing: dict[str, Any] = {
            **dict.fromkeys(("timeout_s", "memory_mb", "thresholds"), 0),
            "detectors": {},
            "detectability": {},
        }
        for name in nothing.keys() & values.keys():
            if values[name] is None:
                values[name] = nothing[name]
        for notebook, given in self.notebooks.items():
            values |= {f"{notebook}.{name}": value for name, value in given.items()}
        return {name: value for name, value in values.items() if value is not None}

    def _from(self, folder: Path) -> Self:
        """Let relative paths begin at *folder*."""

        def placed(name: str) -> str:
            return str(folder / name) if Path(name).suffix in {".yaml", ".yml"} else name

        update: dict[str, Any] = {
            "recordings": tuple(str(folder / name) for name in self.recordings),
            "plans": tuple(placed(name) for name in self.plans),
            "profiles": {placed(name): hours for name, hours in self.profiles.items()},
            "profile": None if self.profile is None else placed(self.profile),
            "plan": None if self.plan is None else placed(self.plan),
        }
        changed = {name: value for name, value in update.items() if name in self.model_fields_set}
        return self.model_copy(update=changed)
