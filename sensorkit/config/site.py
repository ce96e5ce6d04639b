"""What holds where nothing is typed: sensorkit.yaml, a preset, and who says what."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any, NamedTuple

from sensorkit.config.document import Config, Lines
from sensorkit.config.places import Place
from sensorkit.config.preset import Preset
from sensorkit.config.reach import JUDGED_TOGETHER, QUALITY, options_of
from sensorkit.config.sinks import file_of
from sensorkit.errors import UsageError
from sensorkit.nearest import unknown
from sensorkit.profile import shipped


class Value(NamedTuple):
    """A value and where it came from."""

    value: Any
    source: str
    """`preset demo`, or file and line."""
    loc: tuple[str, ...] = ()
    """Where it stands in the file or the preset."""


class Site:
    """A configuration file and a preset, together.

    Parameters
    ----------
    config : Config
    lines : Lines, optional
        Of the file; none if there is none.
    preset : str, optional
        Name of the preset that is asked for; else that of the file.
    asked_by : str
        Who asks: `--preset`, `SENSORKIT_PRESET`.

    Raises
    ------
    UsageError
        If there is no such preset.

    Examples
    --------
    >>> site = Site(Config(), preset="testing")
    >>> site.defaults("emulate", {"units": None, "rate": None})["units"]
    Value(value=2, source='preset testing', loc=('units',))
    """

    def __init__(
        self,
        config: Config,
        lines: Lines | None = None,
        *,
        preset: str | None = None,
        asked_by: str = "--preset",
    ) -> None:
        self.config = config
        self.lines = lines
        self.preset_name = preset or config.preset
        self.preset_from = asked_by if preset else self._line("preset")
        self.preset = None if self.preset_name is None else self._preset(self.preset_name)

    @classmethod
    def read(cls, place: Place | None, preset: str | None = None, asked_by: str = "") -> Site:
        """Return what the file at *place* says, with the preset that is asked for."""
        if place is None:
            return cls(Config(), preset=preset, asked_by=asked_by)
        try:
            config, lines = Config.load(place.path)
        except UsageError as error:
            named = "" if place.named_by == "--config" else f" (read because of {place.named_by})"
            raise UsageError(f"{error}{named}") from error
        return cls(config, lines, preset=preset, asked_by=asked_by)

    def _preset(self, name: str) -> Preset:
        if name in self.config.presets:
            return self.config.presets[name]
        known = [*Preset.shipped(), *self.config.presets]
        if name not in known:
            raise UsageError(f"{self.preset_from}: {unknown('preset', name, known)}")
        return Preset.load(name)

    def _line(self, *loc: str) -> str:
        return "" if self.lines is None else self.lines(*loc)

    @property
    def folder(self) -> Path:
        """Return the folder of the file, else the current one."""
        return Path.cwd() if self.lines is None else self.lines.path.absolute().parent

    def defaults(self, command: str, options: Mapping[str, Any]) -> dict[str, Value]:
        """Return what holds for the *options* of a command, by option, as it was written.

        A preset goes before the file; in each, an option that is named goes before a setting.
        """
        found: dict[str, Value] = {}
        for name, value in self.config.defaults.get(command, {}).items():
            loc = ("defaults", command, name)
            found[spelt(name)] = Value(value, self._line(*loc), loc)
        for setting, own in self.settings().items():
            for name in options_of(setting, command, options):
                if name not in found or own.source.startswith("preset "):
                    found[name] = own
                if setting in QUALITY and "quality-window" in options:
                    # Who gives a threshold wants it looked at.
                    found.setdefault("quality-window", own._replace(value=JUDGED_TOGETHER))
        if self.preset is not None:
            for name, value in self.preset.defaults.get(command, {}).items():
                loc = ("defaults", command, name)
                found[spelt(name)] = Value(value, f"preset {self.preset_name}", loc)
        return found

    def settings(self) -> dict[str, Value]:
        """Return every setting that was made, thresholds as `thresholds.NAME`."""
        found: dict[str, Value] = {}
        source = f"preset {self.preset_name}"
        if self.preset is not None:
            for name, value in self.preset.settings().items():
                found[name] = Value(value, source, (name,))
        for name, value in self.config.thresholds.given().items():
            loc = ("thresholds", name)
            found[f"thresholds.{name}"] = Value(value, self._line(*loc), loc)
        if self.preset is not None:
            for name, value in self.preset.thresholds.given().items():
                found[f"thresholds.{name}"] = Value(value, source, ("thresholds", name))
        return found

    def unused(self, command: str, options: Mapping[str, Any]) -> list[str]:
        """Return the settings that *command* has no option for."""
        return [name for name in self.settings() if not options_of(name, command, options)]

    def thresholds(self) -> dict[str, float]:
        """Return the thresholds that hold.

        >>> Site(Config(), preset="production").thresholds()["quality_below"]
        70.0
        """
        return {
            name.removeprefix("thresholds."): own.value
            for name, own in self.settings().items()
            if name.startswith("thresholds.")
        }

    def profile(self, name: str) -> str:
        """Return the path of a profile that the file names; any other name as it is.

        Raises
        ------
        UsageError
            If the file names profiles and this is none of them, nor a shipped one, nor a file.
        """
        if name in self.config.profiles:
            return self.config.profiles[name]
        if self.config.profiles and Path(name).suffix not in {".yaml", ".yml"}:
            known = [*shipped(), *self.config.profiles]
            if name not in known:
                hint = "or give the path of a .yaml file"
                raise UsageError(unknown("profile", name, known, otherwise=hint))
        return name

    def alert_files(self, environment: Mapping[str, str]) -> dict[str, Path]:
        """Return the files that alerts are added to, by name of the sink."""
        found = {}
        for name, url in self.config.sinks.items():
            where = f"{self._line('sinks', name)}: sinks.{name}"
            path = file_of(url, environment, self.folder, where)
            if path is not None:
                found[name] = path
        return found

    @property
    def says_alerts(self) -> bool:
        """Return whether alerts are said on the console: where no sink is named, or it is one."""
        sinks = self.config.sinks
        return not sinks or "console" in sinks.values()


def spelt(option: str) -> str:
    """Return an option as it is typed, without its dashes before.

    >>> spelt("max_size"), spelt("--max-size")
    ('max-size', 'max-size')
    """
    return option.lstrip("-").replace("_", "-")
