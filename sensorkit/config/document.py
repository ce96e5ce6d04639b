"""sensorkit.yaml as a whole: ports, profiles, presets, thresholds, sinks, defaults of options."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Any, Self

import yaml
from pydantic import Field, model_validator

from sensorkit.checked_yaml import Misplaced, Section, read_yaml
from sensorkit.config.preset import Defaults, Preset, Thresholds
from sensorkit.config.sinks import complaint_about
from sensorkit.errors import UsageError
from sensorkit.nearest import unknown
from sensorkit.profile import shipped
from sensorkit.profile.rules import Name

MOST_BYTES = 1_000_000
"""A file that people write has some kilobytes; what is larger was named by mistake, and PyYAML
would read it for minutes."""

LONGEST_ERROR = 1000
"""Characters: an error quotes what it had, and that may be anything."""

OF_A_RUN = {
    "buffer", "calibrate", "channels", "detectability", "detectors", "durations", "fit", "hours",
    "kinds", "plan", "plans", "profile", "recordings", "repeats", "require", "seed", "seeds",
    "sizes_sigma", "tolerance", "workers",
}  # fmt: skip
"""Keys of the file that `sensorkit evaluate --config` takes, which is another one."""


class Port(Section):
    """A link under a name of its own, and what listens to it has to know."""

    link: Annotated[str, Field(min_length=1)]
    """A device path or COM name, socket://HOST:PORT, file:PATH, or any URL of pyserial."""
    baud: Annotated[int, Field(ge=1)] | None = None
    """Speed of a serial port."""
    profile: str | None = None
    """A shipped name, one of `profiles`, or the path of a .yaml file."""
    device: Name | None = None
    """What the device column says."""
    reconnect: bool | None = None
    """Wait for a lost device and open it again."""


class Config(Section):
    """What stands in sensorkit.yaml; every key may be left out.

    Examples
    --------
    >>> Config.model_validate({"ports": {"boiler": {"link": "/dev/ttyUSB0"}}}).ports["boiler"].link
    '/dev/ttyUSB0'
    """

    ports: dict[Name, Port] = Field(default_factory=dict)
    """Name -> link: `sensorkit capture NAME --out DIR` opens it."""
    profiles: dict[Name, str] = Field(default_factory=dict)
    """Name -> path of a profile of yours: `--profile NAME` takes it."""
    preset: str | None = None
    """The preset that holds where none is asked for."""
    presets: dict[Name, Preset] = Field(default_factory=dict)
    """Your own presets, beside the shipped ones."""
    thresholds: Thresholds = Thresholds()
    """From where on something is an alarm."""
    sinks: dict[Name, str] = Field(default_factory=dict)
    """Name -> where the alerts of a capture go: console, or file:PATH for JSON lines."""
    defaults: Defaults = Field(default_factory=dict)
    """Command -> option -> value, for everything else."""

    @model_validator(mode="before")
    @classmethod
    def _is_no_run(cls, data: Any) -> Any:
        if isinstance(data, Mapping):
            for key in data:
                if key in OF_A_RUN and key not in cls.model_fields:
                    raise Misplaced(
                        (str(key),),
                        "is a key of a benchmark's file, which goes after the command: "
                        "`sensorkit evaluate --config FILE`",
                    )
        return data

    @model_validator(mode="after")
    def _names_are_known(self) -> Self:
        ours = shipped()
        for name in self.profiles:
            if name in ours:
                raise Misplaced(("profiles", name), "a shipped profile has this name; use another")
        for name in self.presets:
            if name in Preset.shipped():
                raise Misplaced(("presets", name), "a shipped preset has this name; use another")
        if self.preset is not None:
            known = [*Preset.shipped(), *self.presets]
            if self.preset not in known:
                raise Misplaced(("preset",), unknown("preset", self.preset, known))
        named = [(("ports", name, "profile"), port.profile) for name, port in self.ports.items()]
        named += [(("presets", name, "profile"), own.profile) for name, own in self.presets.items()]
        for loc, profile in named:
            if profile is not None and not _is_file(profile):
                known = [*ours, *self.profiles]
                if profile not in known:
                    raise Misplaced(loc, unknown("profile", profile, known))
        for name, path in self.profiles.items():
            if not _is_file(path):
                raise Misplaced(("profiles", name), "the path of a .yaml file is wanted")
        for name, url in self.sinks.items():
            # An address may hold a password, so what it had is not said.
            if problem := complaint_about(url):
                raise Misplaced(("sinks", name), problem)
        return self

    @classmethod
    def load(cls, path: Path) -> tuple[Self, Lines]:
        """Read a file; relative paths in it begin where it is.

        Returns
        -------
        Config, Lines
            And in which line a value stands.

        Raises
        ------
        UsageError
            If it cannot be read or holds a mistake; file, line and field are named.
        """
        _look_at(path)
        try:
            config = cls() if _is_empty(path) else cls.model_validate(_read(path, cls))
        except RecursionError as error:
            raise UsageError(f"{path}: is nested too deeply; write it with fewer levels") from error
        return config._from(path.absolute().parent), Lines(path)

    def _from(self, folder: Path) -> Self:
        """Let relative paths begin at *folder*."""

        def port(one: Port) -> Port:
            link = one.link
            if link.startswith("file:"):
                link = f"file:{placed(link.removeprefix('file:'), folder)}"
            return one.model_copy(update={"link": link, "profile": _profile(one.profile, folder)})

        def preset(one: Preset) -> Preset:
            return one.model_copy(update={"profile": _profile(one.profile, folder)})

        update = {
            "ports": {name: port(one) for name, one in self.ports.items()},
            "profiles": {name: placed(path, folder) for name, path in self.profiles.items()},
            "presets": {name: preset(one) for name, one in self.presets.items()},
        }
        return self.model_copy(update=update)


class Lines:
    """In which line of a file a value stands; the file is only read again when that is asked."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self._tree: yaml.Node | None = None

    def __call__(self, *loc: str) -> str:
        """Return file and line of the value at *loc*."""
        if self._tree is None:
            text = self.path.read_text(encoding="utf-8-sig")
            self._tree = yaml.compose(text, Loader=yaml.SafeLoader)
        node, line = self._tree, 1
        for part in loc:
            pairs = node.value if isinstance(node, yaml.MappingNode) else []
            key, value = next(((k, v) for k, v in pairs if k.value == part), (None, None))
            if key is None:
                break
            node, line = value, key.start_mark.line + 1
        return f"{self.path}:{line}"


def placed(path: str, folder: Path) -> str:
    """Return *path* with its `~` and from *folder* on, if it is a relative one.

    >>> Path(placed("sub/x.yaml", Path("/etc/kit"))).as_posix()
    '/etc/kit/sub/x.yaml'
    """
    return str(folder / Path(path).expanduser())


def _is_empty(path: Path) -> bool:
    """Return whether all of it is comments, as it is when everything was commented out."""
    try:
        lines = path.read_text(encoding="utf-8-sig").splitlines()
    except (OSError, UnicodeDecodeError):
        return False  # whoever reads it says why
    return not any(line.strip() and not line.lstrip().startswith("#") for line in lines)


def _read(path: Path, model: type[Config]) -> dict[str, Any]:
    try:
        return read_yaml(path, model, UsageError)
    except UsageError as error:
        said = str(error)
        if len(said) <= LONGEST_ERROR:
            raise
        raise UsageError(f"{said[:LONGEST_ERROR]}...") from error


def _is_file(profile: str) -> bool:
    return Path(profile).suffix in {".yaml", ".yml"}


def _profile(profile: str | None, folder: Path) -> str | None:
    return placed(profile, folder) if profile is not None and _is_file(profile) else profile


def _look_at(path: Path) -> None:
    """Raise if *path* is no file of a size that people write; a pipe would be waited for."""
    try:
        kind = path.stat()
    except OSError as error:
        hint = "give the path of a YAML file; `sensorkit config init` writes one"
        raise UsageError(f"{path}: cannot be read: {error.strerror}; {hint}") from error
    if not path.is_file():
        what = "a folder" if path.is_dir() else "no file"
        raise UsageError(f"{path}: is {what}; give the path of a YAML file")
    if kind.st_size > MOST_BYTES:
        raise UsageError(
            f"{path}: has {kind.st_size / 1e6:.1f} MB, at most {MOST_BYTES / 1e6:g} MB are read; "
            "give the path of a sensorkit.yaml"
        )
