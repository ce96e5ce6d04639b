"""What `sensorkit config show` and `check` say: every value, and where it comes from."""

from __future__ import annotations

import inspect
from collections.abc import Iterable, Mapping
from enum import Enum
from pathlib import Path
from typing import TYPE_CHECKING, Any

from sensorkit.cli.config import settling
from sensorkit.cli.config.naming import named
from sensorkit.errors import UsageError
from sensorkit.nearest import did_you_mean, unknown

if TYPE_CHECKING:
    from sensorkit.config.site import Site

NOT_OURS = ("SENSORKIT_DATA", "SENSORKIT_CACHE", "SENSORKIT_QUIET", "SENSORKIT_PROGRESS")
"""Variables that other parts of sensorkit read; SENSORKIT_<COMMAND>_... are those of options."""

ABSENT = "-"


def split(words: list[str], known: Mapping[str, Any]) -> tuple[str, list[str]]:
    """Return the command that *words* begin with, and the rest of them.

    Raises
    ------
    UsageError
        If there is no such command.
    """
    for length in (2, 1):
        command = " ".join(words[:length])
        if command in known:
            return command, words[length:]
    groups = {name.split()[0] for name in known if " " in name}
    inside = [name for name in known if words[0] in groups and name.startswith(f"{words[0]} ")]
    raise UsageError(unknown("command", " ".join(words[: 1 + bool(inside)]), inside or known))


def options_in_force(
    context: Any, command: Any, name: str, rest: Iterable[str], site: Site
) -> dict[str, Any]:
    """Return what a command would run with.

    Parameters
    ----------
    context : Context
        Of the command that asks.
    command : Command
        The one that is asked about.
    name : str
        What is typed for it.
    rest : iterable of str
        What is typed after that.
    site : Site
    """
    parent = context.find_root()
    *groups, own_name = name.split()
    for group in groups:
        inner = parent.command.commands[group]
        parent = inner.context_class(inner, info_name=group, parent=parent)
    for param in command.params:
        param.required = False  # it is looked at, not run
    preset = context.params.get("preset")
    before = ["--preset", preset] if preset else []
    inner = command.make_context(own_name, [*before, *rest], parent=parent)
    settled = settling.current()
    values = {param.name: inner.params.get(param.name) for param in command.params}
    replaced = named(values, settled)
    by_port = _by_port(settled)
    options = {
        settling.option_name(param): {
            "value": plain(replaced[param.name]),
            "source": by_port.get(param.name) or settled.source(param),
            "variable": settling.variable(name, param),
        }
        for param in command.params
        if param.name != "preset" and not getattr(param, "hidden", False)
    }
    taken = settling.params(command)
    return {"command": name, "options": options, "unused": site.unused(name, taken)}


def _by_port(settled: settling.Settled) -> dict[str, str]:
    """Return which values a port of the file has put in, and where it stands."""
    site = settled.site
    if site is None:
        return {}
    where = ", ".join(
        f"port {name}, {site.lines('ports', name)}" if site.lines else f"port {name}"
        for name in settled.ports
    )
    return dict.fromkeys(settled.of_ports, where)


def plain(value: Any) -> Any:
    """Return a value for JSON, without the secrets that an address may hold.

    >>> plain([Path("a"), "socket://me:pw@host"])
    ['a', 'socket://me:***@host']
    """
    from sensorkit.config.sinks import masked

    if isinstance(value, Enum):
        return value.value
    if isinstance(value, Mapping):
        return {str(key): plain(one) for key, one in value.items()}
    if isinstance(value, list | tuple):
        return [plain(one) for one in value]
    if isinstance(value, str | Path):
        text = str(value)
        return masked(text) if "://" in text else text
    return value


def everything(context: Any, known: Mapping[str, Any], site: Site) -> dict[str, Any]:
    """Return all that holds: of the file, of the preset, and of every command."""
    lines = site.lines

    def where(*loc: str) -> str:
        return lines(*loc) if lines else ""

    config = site.config
    ports = {
        name: {
            "value": plain(port.model_dump(exclude_none=True)),
            "source": where("ports", name),
        }
        for name, port in config.ports.items()
    }
    profiles = {
        name: {"value": path, "source": where("profiles", name)}
        for name, path in config.profiles.items()
    }
    from sensorkit.config.sinks import masked

    sinks = {
        name: {"value": masked(url), "source": where("sinks", name)}
        for name, url in config.sinks.items()
    }
    settings = {
        name: {"value": plain(own.value), "source": own.source}
        for name, own in site.settings().items()
    }
    return {
        "file": str(lines.path) if lines else None,
        "preset": None
        if site.preset is None
        else {
            "name": site.preset_name,
            "source": site.preset_from,
            "description": site.preset.description,
        },
        "settings": settings,
        "ports": ports,
        "profiles": profiles,
        "sinks": sinks,
        "commands": {
            name: options_in_force(context, command, name, [], site)["options"]
            for name, command in known.items()
            if name.split()[0] != settling.UNSETTLED
        },
    }


def check(context: Any, known: Mapping[str, Any], site: Site) -> None:
    """Raise what is wrong with the configuration, wherever a command would find it."""
    import os

    from sensorkit.config.preset import Preset
    from sensorkit.config.site import Site as Whole
    from sensorkit.profile import Profile

    settling.look_at_defaults(context.find_root().command, site)
    everything(context, known, site)
    site.alert_files(os.environ)
    for path in site.config.profiles.values():
        Profile.load(path)
    for port in site.config.ports.values():
        if port.profile is not None:
            Profile.load(site.profile(port.profile))
    for name, preset in site.config.presets.items():
        if preset.profile is not None:
            Profile.load(site.profile(preset.profile))
        each = Whole(site.config, site.lines, preset=name)
        for command, own in known.items():
            if command.split()[0] != settling.UNSETTLED and isinstance(each.preset, Preset):
                settling.checked(own.context_class(own, info_name=command), each, command)


def lines_of(shown: Mapping[str, Any]) -> list[str]:
    """Return what a command would run with, a line an option."""
    rows = [
        (option, words(own["value"]), own["source"]) for option, own in shown["options"].items()
    ]
    found = [f"sensorkit {shown['command']}", *columns(rows)]
    if shown["unused"]:
        found += [f"not used here: {', '.join(shown['unused'])}"]
    return found


def overview(found: Mapping[str, Any]) -> list[str]:
    """Return what the file and the preset say, and the options that are not built in."""
    said = [f"file: {found['file'] or 'none (no sensorkit.yaml here, no SENSORKIT_CONFIG)'}"]
    preset = found["preset"]
    said.append(
        "preset: none"
        if preset is None
        else f"preset: {preset['name']} ({preset['source']}): {preset['description']}".rstrip(": ")
    )
    for section in ("settings", "ports", "profiles", "sinks"):
        rows = [(name, words(own["value"]), own["source"]) for name, own in found[section].items()]
        said += [f"{section}:", *columns(rows)] if rows else []
    rows = [
        (f"{command} {option}", words(own["value"]), own["source"])
        for command, options in found["commands"].items()
        for option, own in options.items()
        if own["source"] != settling.BUILT_IN
    ]
    said += ["options that are not as they are built in:", *columns(rows)] if rows else []
    return said or ["nothing is set"]


def words(value: Any) -> str:
    """Return a value as a person writes it.

    >>> words(None), words(True), words(["a", "b"]), words({"link": "x"})
    ('-', 'yes', 'a, b', 'link x')
    """
    if value is None or value == [] or value == "":
        return ABSENT
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, list):
        return ", ".join(map(words, value))
    if isinstance(value, Mapping):
        return ", ".join(f"{key} {words(one)}" for key, one in value.items())
    return f"{value:g}" if isinstance(value, float) else str(value)


def columns(rows: list[tuple[str, str, str]]) -> list[str]:
    """Return rows of three cells, the first two as wide as their widest, up to a limit."""
    widths = [min(max((len(row[i]) for row in rows), default=0), 40) for i in (0, 1)]
    return [
        f"  {name:<{widths[0]}}  {value:<{widths[1]}}  {source}".rstrip()
        for name, value, source in rows
    ]


def stray_variables(known: Mapping[str, Any], environment: Mapping[str, str]) -> dict[str, str]:
    """Return the variables that begin as one of an option does and are none, with a hint."""
    ours = {
        settling.variable(name, param)
        for name, command in known.items()
        for param in command.params
        if settling.option_name(param) != "preset"
    }
    meant = ours | {settling.PRESET, f"{settling.PREFIX}_CONFIG"}
    own = [name for name in environment if name.startswith(f"{settling.PREFIX}_")]
    return {
        name: did_you_mean(name, meant, "see `sensorkit config show --json` for those there are")
        for name in sorted(own)
        if name not in meant and name not in NOT_OURS
    }


def options_schema(known: Mapping[str, Any]) -> dict[str, Any]:
    """Return the schema of `defaults`: every command with its options and what they do."""
    return {
        "type": "object",
        "additionalProperties": False,
        "properties": {
            name: {
                "type": "object",
                "additionalProperties": False,
                "properties": {
                    option: _option_schema(param, command)
                    for option, param in settling.params(command).items()
                    if option not in {"preset", "help"}
                },
            }
            for name, command in sorted(known.items())
            if name.split()[0] != settling.UNSETTLED
        },
    }


def _option_schema(param: Any, command: Any) -> dict[str, Any]:
    annotation = inspect.signature(command.callback).parameters[param.name].annotation
    kinds = settling.types_of(annotation)
    several = getattr(param, "multiple", False) or param.nargs == -1
    one: dict[str, Any]
    if bool in kinds:
        one = {"type": "boolean"}
    elif float in kinds or int in kinds:
        one = {"type": "number" if float in kinds else "integer"}
    else:
        choices = [kind for kind in kinds if isinstance(kind, type) and issubclass(kind, Enum)]
        one = {"enum": [each.value for each in choices[0]]} if choices else {}
        one = one or {"type": ["string", "number"]}
    if several:
        one = {"anyOf": [one, {"type": "array", "items": one}, {"type": "object"}]}
    text = getattr(param, "help", None)
    return {"description": text, **one} if text else one
