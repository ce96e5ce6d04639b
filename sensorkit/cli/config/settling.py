"""Where the value of an option comes from when it is not typed.

A flag goes before the environment, that before a preset, that before sensorkit.yaml, and that
before what is built in. Nothing is imported here where there is neither a file nor a preset.
"""

from __future__ import annotations

import inspect
import os
import typing
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from sensorkit.errors import UsageError
from sensorkit.nearest import unknown

if TYPE_CHECKING:
    from sensorkit.config.site import Site, Value

PREFIX = "SENSORKIT"
PRESET = f"{PREFIX}_PRESET"
BUILT_IN = "built-in"
UNSETTLED = "config"
"""The group that looks at the configuration: it must run when that is broken."""


@dataclass
class Settled:
    """The command that runs, and what holds where nothing is typed."""

    context: Any = None
    site: Site | None = None
    values: Mapping[str, Value] = field(default_factory=dict)
    """Option -> what the preset or the file says."""
    ports: list[str] = field(default_factory=list)
    """Names of ports that the command line had."""
    of_ports: set[str] = field(default_factory=set)
    """Parameters that they have put in."""

    def typed(self, name: str) -> bool:
        """Return whether the parameter *name* was given by a flag or by the environment."""
        return _from_where(self.context, name) in {"COMMANDLINE", "ENVIRONMENT"}

    def source(self, param: Any) -> str:
        """Return where the value of a parameter came from, in words."""
        came = _from_where(self.context, param.name)
        if came == "COMMANDLINE":
            return "flag"
        if came == "ENVIRONMENT":
            return f"environment variable {variable(command_of(self.context), param)}"
        own = self.values.get(option_name(param))
        return own.source if own is not None and came == "DEFAULT_MAP" else BUILT_IN


_settled = Settled()
_handed_down: dict[str, tuple[str | None, str]] = {}
"""What the environment had before a flag went before it, and what it has now."""


def current() -> Settled:
    """Return what was settled for the command that runs."""
    return _settled


def settle(context: Any, preset: str | None) -> str | None:
    """Give the options of a command the defaults that hold; called before they are looked at."""
    global _settled
    if context.resilient_parsing:
        return preset
    _settled = Settled(context)
    take_back()
    names = _names(context)
    for param in context.command.params:
        if param.name != "preset" and getattr(param, "envvar", None) is None:
            param.envvar = variable(" ".join(names), param)
    if names[:1] == [UNSETTLED]:
        return preset
    _look_at_environment(context)
    _settled.site = site_of(context, preset)
    _hand_down(context, preset)
    if _settled.site is not None:
        _settled.values = values_for(context, _settled.site)
        context.default_map = {
            params(context.command)[name].name: own.value for name, own in _settled.values.items()
        }
        _window_of_detector(context)
    return preset


def _window_of_detector(context: Any) -> None:
    """Let the window of a preset be that of the detector that `sensorkit detect` runs."""
    site = _settled.site
    if site is None or command_of(context) != "detect" or "set" in _settled.values:
        return
    own = site.settings().get("window")
    if own is not None:
        from sensorkit.cli.detect.window import chosen_then

        _settled.values = {**_settled.values, "set": own}
        context.default_map["settings"] = chosen_then(context, own)


def take_back() -> None:
    """Take back what a command has handed down, where nobody else has changed it since."""
    for name, (before, now) in _handed_down.items():
        if os.environ.get(name) != now:
            continue
        if before is None:
            del os.environ[name]
        else:
            os.environ[name] = before
    _handed_down.clear()


def _hand_down(context: Any, preset: str | None) -> None:
    """Let the processes that this command starts find the same file and preset, or none."""
    root = context.find_root().params
    config = root.get("config")
    file = config if config in (None, "none") else str(Path(config).absolute())
    # What these start, they ask for in full: a demonstration and a notebook are the same anywhere.
    whole = command_of(context) in {"demo", "evaluate"}
    given = {
        PRESET: "" if whole else preset or root.get("preset"),
        f"{PREFIX}_CONFIG": "none" if whole else file,
    }
    for name, value in given.items():
        if value is not None:
            _handed_down[name] = (os.environ.get(name), value)
            os.environ[name] = value


def site_of(context: Any, preset: str | None) -> Site | None:
    """Return what the file and the preset say, None if there is neither."""
    root = context.find_root().params
    asked = [("--preset", preset), ("--preset", root.get("preset"))]
    asked_by, name = next(
        ((by, name) for by, name in (*asked, (PRESET, os.environ.get(PRESET))) if name), ("", None)
    )
    given = root.get("config")
    if (
        name is None
        and given is None
        and not os.environ.get(f"{PREFIX}_CONFIG")
        and not os.path.lexists("sensorkit.yaml")
    ):
        return None
    from sensorkit.config.places import found
    from sensorkit.config.site import Site

    return Site.read(found(given, os.environ, Path()), name, asked_by)


def values_for(context: Any, site: Site) -> dict[str, Value]:
    """Return what *site* says for the options of the command of *context*, checked.

    Raises
    ------
    UsageError
        If it names a command or an option that there is not, or a value that is not taken.
    """
    look_at_defaults(context.find_root().command, site)
    return checked(context, site, command_of(context))


def look_at_defaults(root: Any, site: Site) -> None:
    """Raise if `defaults` of a file or of its preset name a command or option that there is not."""
    known = dict(commands(root))
    for loc, own in _sections(site):
        command = loc[-1]
        where = _where(site, loc)
        if command not in known or command.split()[0] == UNSETTLED:
            names = [name for name in known if name.split()[0] != UNSETTLED]
            raise UsageError(f"{where}: {unknown('command', command, names)}")
        taken = {name: None for name in params(known[command]) if name not in {"preset", "help"}}
        for name in own:
            from sensorkit.config.site import spelt

            if spelt(str(name)) == "preset":
                raise UsageError(f"{where}: preset: stands at the top of the file; move it there")
            if spelt(str(name)) not in taken:
                raise UsageError(
                    f"{_where(site, (*loc, str(name)))}: "
                    f"{unknown(f'option of {command}', str(name), taken)}"
                )


def _sections(site: Site) -> Iterator[tuple[tuple[str, ...], Mapping[str, Any]]]:
    for command, own in site.config.defaults.items():
        yield ("defaults", command), own
    for name, preset in site.config.presets.items():
        for command, own in preset.defaults.items():
            yield ("presets", name, "defaults", command), own


def _where(site: Site, loc: tuple[str, ...]) -> str:
    return f"{site.lines(*loc) if site.lines else 'preset'}: {'.'.join(loc)}"


def checked(context: Any, site: Site, command: str) -> dict[str, Value]:
    """Return what *site* says for the options of *command*, each as a person would type it.

    Raises
    ------
    UsageError
        If an option does not take its value.
    """
    taken = params(context.command)
    found = {}
    for name, own in site.defaults(command, taken).items():
        where = own.source
        if own.source == f"preset {site.preset_name}" and site.preset_name in site.config.presets:
            where = site.lines("presets", site.preset_name, *own.loc) if site.lines else where
        where = f"{where}: {'.'.join(own.loc)}"
        value = as_typed(own.value, taken[name], context.command, site.folder, where)
        try:
            taken[name].process_value(context, value)
        except Exception as error:
            if not hasattr(error, "format_message"):  # not what is wrong with the value
                raise
            raise UsageError(f"{where}: {_words(error)}") from error
        found[name] = own._replace(value=value)
    return found


def as_typed(value: Any, param: Any, command: Any, folder: Path, where: str) -> Any:
    """Return a value of a file as the text a person would type; paths begin at *folder*.

    Raises
    ------
    UsageError
        If nobody could type it.
    """
    if value is None:
        raise UsageError(f"{where}: has no value; give one, or delete the line")
    if getattr(param, "is_flag", False):
        if not isinstance(value, bool):
            raise UsageError(f"{where}: had {value!r:.80}; true or false is wanted")
        return value
    several = getattr(param, "multiple", False) or param.nargs == -1
    if isinstance(value, Mapping) and several:
        value = [f"{key}={_text(one, where)}" for key, one in value.items()]
    if isinstance(value, list | tuple):
        if not several:
            raise UsageError(f"{where}: had a list; one value is wanted")
        return [_placed(_text(one, where), param, command, folder) for one in value]
    text = _placed(_text(value, where), param, command, folder)
    return [text] if several else text


def _text(value: Any, where: str) -> str:
    if isinstance(value, bool) or not isinstance(value, str | int | float):
        raise UsageError(
            f"{where}: had {type(value).__name__}; a text or a number is wanted; YAML takes yes, "
            "no and dates for something else: write them in quotes"
        )
    return str(value)


def _placed(text: str, param: Any, command: Any, folder: Path) -> str:
    """Return *text*, if it is a path, from where the file is on."""
    if text.endswith((".yaml", ".yml")) and "=" not in text:
        return str(folder / Path(text).expanduser())
    annotation = inspect.signature(command.callback).parameters[param.name].annotation
    return str(folder / Path(text).expanduser()) if Path in types_of(annotation) else text


def types_of(annotation: Any) -> set[Any]:
    """Return the plain types in an annotation."""
    inner = typing.get_args(annotation)
    if not inner:
        return {annotation}
    if typing.get_origin(annotation) is typing.Annotated:
        return types_of(inner[0])
    return set().union(*map(types_of, inner))


def _look_at_environment(context: Any) -> None:
    """Raise if a variable of this command holds what its option does not take."""
    for param in context.command.params:
        name = getattr(param, "envvar", None)
        if not isinstance(name, str) or not os.environ.get(name):
            continue
        try:
            param.process_value(context, param.value_from_envvar(context))
        except Exception as error:
            if not hasattr(error, "format_message"):
                raise
            raise UsageError(f"environment variable {name}: {_words(error)}") from error


def _words(error: Any) -> str:
    return str(error.message).rstrip(".")


def commands(root: Any, before: str = "") -> Iterator[tuple[str, Any]]:
    """Yield every command below *root*, by what is typed for it."""
    for name, command in root.commands.items():
        path = f"{before} {name}".strip()
        if hasattr(command, "commands"):
            yield from commands(command, path)
        else:
            yield path, command


def params(command: Any) -> dict[str, Any]:
    """Return the options and arguments of a command as `defaults` names them."""
    return {
        option_name(param): param for param in command.params if not getattr(param, "hidden", False)
    }


def option_name(param: Any) -> str:
    """Return what a parameter is called in a file: its long option without the dashes."""
    longs = [opt for opt in param.opts if opt.startswith("--")]
    name: str = longs[0] if longs else param.name
    return name.lstrip("-").replace("_", "-").lower()


def variable(command: str, param: Any) -> str:
    """Return the environment variable of a parameter: SENSORKIT_CAPTURE_MAX_SIZE."""
    words = [PREFIX, command, option_name(param)]
    return "_".join(words).upper().replace("-", "_").replace(" ", "_")


def command_of(context: Any) -> str:
    """Return what is typed for the command of *context*, after `sensorkit`."""
    return " ".join(_names(context))


def _names(context: Any) -> list[str]:
    names: list[str] = []
    while context.parent is not None:
        names.insert(0, context.info_name)
        context = context.parent
    return names


def _from_where(context: Any, name: str) -> str:
    found = None if context is None else context.get_parameter_source(name)
    return "" if found is None else str(found.name)
