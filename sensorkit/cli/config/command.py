"""`sensorkit config`: what holds and why, a file to begin with, and schemas for editors."""

from __future__ import annotations

import json
import os
import shlex
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from sensorkit.cli.app import app, command, counted, err, out, print_json, printable
from sensorkit.cli.config import settling
from sensorkit.errors import UsageError

if TYPE_CHECKING:
    from sensorkit.config.site import Site

config = typer.Typer(
    help="Show, check and begin a configuration: sensorkit.yaml, presets, environment.\n\n"
    "Example: sensorkit config show capture",
    no_args_is_help=True,
    rich_markup_mode=None,
)
app.add_typer(config, name="config")

AsJson = Annotated[bool, typer.Option("--json", help="Print JSON.")]


@command("show", config)
def show(
    context: typer.Context,
    words: Annotated[
        list[str] | None,
        typer.Argument(
            metavar="[COMMAND]",
            help="A command, as it would be typed: `-- capture /dev/ttyUSB0 --baud 9600`; all by "
            "default.",
        ),
    ] = None,
    as_json: AsJson = False,
) -> None:
    """Say every value and where it comes from: flag, environment, preset, file or built in.

    Without a command: what the file and the preset say, and every option of any command that is
    not as it is built in.

    Example: sensorkit config show capture
    """
    from sensorkit.cli.config import shown as config_shown

    site = _site(context)
    root = context.find_root().command
    known = dict(settling.commands(root))
    if words:
        command_, rest = config_shown.split(list(words), known)
        shown = config_shown.options_in_force(context, known[command_], command_, rest, site)
        if as_json:
            print_json(shown)
        else:
            _print(config_shown.lines_of(shown))
        return
    settling.look_at_defaults(root, site)
    everything = config_shown.everything(context, known, site)
    if as_json:
        print_json(everything)
    else:
        _print(config_shown.overview(everything))
    _warn_of_variables(known)


def _print(lines: list[str]) -> None:
    for line in lines:
        out.print(printable(line))


def _site(context: Any) -> Site:
    """Return what holds, with an empty one where there is neither file nor preset."""
    from sensorkit.config import Config
    from sensorkit.config.site import Site

    preset = context.params.get("preset")
    return settling.site_of(context, preset) or Site(Config())


def _warn_of_variables(known: dict[str, Any]) -> None:
    """Say which variables look as if they were meant for a command and are not."""
    from sensorkit.cli.config import shown as config_shown

    for name, hint in config_shown.stray_variables(known, os.environ).items():
        err.print(f"sensorkit: environment variable {printable(name)}: is read by nothing; {hint}")


@command("check", config)
def check(context: typer.Context, as_json: AsJson = False) -> None:
    """Check the configuration as all commands would: names, values, profiles, sinks.

    Exit 2 and one sentence with file, line and field if something is wrong.

    Example: sensorkit config check
    """
    from sensorkit.cli.config import shown as config_shown

    site = _site(context)
    known = dict(settling.commands(context.find_root().command))
    config_shown.check(context, known, site)
    _warn_of_variables(known)
    sizes = {one: len(getattr(site.config, f"{one}s")) for one in ("port", "profile", "sink")}
    if as_json:
        file = str(site.lines.path) if site.lines else None
        counts = {f"{one}s": size for one, size in sizes.items()}
        print_json({"file": file, "preset": site.preset_name, **counts})
        return
    if site.lines is None:
        out.print(f"no file is read; preset: {printable(site.preset_name or 'none')}")
        return
    parts = [counted(size, one) for one, size in sizes.items()]
    preset = f", preset {site.preset_name}" if site.preset_name else ""
    out.print(printable(f"{site.lines.path}: in order: {', '.join(parts)}{preset}"))


@command("init", config)
def init(
    path: Annotated[Path, typer.Argument(metavar="[FILE]", help="The new file.")] = Path(
        "sensorkit.yaml"
    ),
) -> None:
    """Write a commented sensorkit.yaml to begin with; one that is there is left alone.

    Example: sensorkit config init
    """
    from sensorkit.config.places import starter

    try:
        with path.open("x", encoding="utf-8", newline="\n") as file:
            file.write(starter())
    except FileExistsError as error:
        raise UsageError(
            f"{path}: is already there, and is not overwritten; edit it, or give another name"
        ) from error
    except OSError as error:
        raise _unwritable(path, error) from error
    named = "" if path == Path("sensorkit.yaml") else f"--config {shlex.quote(str(path))} "
    out.print(printable(f"{path}: written; edit it, then: sensorkit {named}config check"))


def _unwritable(path: Path, error: OSError) -> UsageError:
    return UsageError(f"{path}: cannot be written: {error.strerror}; give a path that can")


@command("schema", config)
def schema(
    context: typer.Context,
    what: Annotated[
        str, typer.Argument(metavar="[config|profile|plan]", help="Of which file.")
    ] = "config",
    to: Annotated[Path | None, typer.Option("--out", help="Write it to this file.")] = None,
) -> None:
    """Print the JSON Schema of sensorkit.yaml, of a profile or of a fault plan, for editors.

    Example: sensorkit config schema --out sensorkit.schema.json
    """
    made = schema_made(what, context.find_root().command)
    if to is None:
        print_json(made)
        return
    try:
        to.write_text(schema_text(made), encoding="utf-8", newline="\n")
    except OSError as error:
        raise _unwritable(to, error) from error
    out.print(printable(str(to)))


def schema_made(what: str, root: Any) -> dict[str, Any]:
    """Return a schema; that of the configuration knows the commands below *root*."""
    from sensorkit.cli.config.shown import options_schema
    from sensorkit.config.schema import schema_of

    known = dict(settling.commands(root))
    return schema_of(what, options_schema(known) if what == "config" else None)


def schema_text(made: dict[str, Any]) -> str:
    """Return a schema as the file of it."""
    return json.dumps(made, indent=2) + "\n"
