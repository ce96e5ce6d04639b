"""docs/cli.md: what `--help` says of every command, as one page."""

from __future__ import annotations

import importlib
import inspect
import re
from collections.abc import Iterator
from typing import Any, NamedTuple

import typer

from sensorkit.cli.app import FAMILIES, app

OPENING = """# The command line

Every command, as its `--help` says it; `sensorkit COMMAND --help` shows the same in the terminal.
This page is written by `make docs` from the code, and a test compares the two.

Results go to standard output, everything else to standard error. With `--json`, where a command has
it, the output is for machines. A command ends with 0 when it did what was asked, with 1 when it ran
and failed, with 2 when it was called wrongly, and with 130 after Ctrl+C; `capture` ends well after
Ctrl+C, because that is how a capture is ended. An error is one sentence on standard error that
names the thing, what it had, what is wanted and what to do.

LINK is a device path or a COM name, `pty:`, `file:PATH`, `-` for the standard streams, or a URL of
pyserial such as `socket://host:port`. PROFILE is a shipped name or the path of a `.yaml` file.
DIR is the folder of a recording.
"""
EXAMPLE = re.compile(r"^Examples?: (.*)", re.DOTALL)
TAKES = re.compile(r"--[\w-]+ (<[^>]+>|\[[^]]+\]|[A-Z][^ ]*(?: RANGE)?)$")
WORDS = {
    **dict.fromkeys(("<path>", "<list[path]>", "path"), "PATH"),
    **dict.fromkeys(("<int>", "<int range>", "integer", "integer range"), "N"),
    **dict.fromkeys(("<float>", "<float range>", "float", "float range"), "NUMBER"),
    **dict.fromkeys(("<str>", "<list[str]>", "text"), "TEXT"),
}
# Of `_` only one at the end of a word would do something.
SPECIAL = re.compile(r"[*\[\]|]|(?<![A-Za-z0-9])_|_(?![A-Za-z0-9])")
MISSING = "—"


def commands() -> dict[str, Any]:
    """Return every command of sensorkit by what is typed for it, groups before what is in them."""
    for family in FAMILIES:
        importlib.import_module(f"sensorkit.cli.{family}")
    # As they stand in FAMILIES, whatever was imported before.
    root: Any = typer.main.get_command(app)
    root.commands = dict(
        sorted(root.commands.items(), key=lambda of: FAMILIES.index(_family(of[1])))
    )
    return dict(_below(root, "sensorkit"))


def _family(command: Any) -> str:
    """Return the module in which *command*, or the first of a group, is written."""
    inner = next(iter(getattr(command, "commands", {}).values()), command)
    return str(inner.callback.__module__).removeprefix("sensorkit.cli.")


def _below(command: Any, path: str) -> Iterator[tuple[str, Any]]:
    yield path, command
    for name in getattr(command, "commands", {}):
        yield from _below(command.commands[name], f"{path} {name}")


def shared(found: dict[str, Any]) -> list[Any]:
    """Return the options that every command has, as the first command has them."""
    leaves = [c for c in found.values() if not hasattr(c, "commands")]
    common = set.intersection(*({tuple(p.opts) for p in c.params} for c in leaves))
    return [p for p in leaves[0].params if tuple(p.opts) in common]


def page() -> str:
    """Return docs/cli.md."""
    found = commands()
    common = shared(found)
    parts = [OPENING, "## What is there\n", overview(found), "## Options of every command\n"]
    first = next(c for c in found.values() if not hasattr(c, "commands"))
    parts.append(options(common, first) + "| `-h`, `--help` | Show this message and exit. | |\n")
    version = [p for p in found["sensorkit"].params if p.name in {"version", "config", "preset"}]
    parts += ["`sensorkit` by itself also takes:\n", options(version, found["sensorkit"])]
    skip = {tuple(p.opts) for p in common}
    parts += [section(path, c, skip) for path, c in found.items() if path != "sensorkit"]
    return "\n".join(parts).rstrip() + "\n"


def overview(found: dict[str, Any]) -> str:
    """Return the table of all commands, each with the first sentence of its help."""
    rows = [
        f"| [`{path}`](#{path.replace(' ', '-')}) | {text(help_of(c)[0])} |\n"
        for path, c in found.items()
        if path != "sensorkit"
    ]
    return "| command | what it does |\n|---|---|\n" + "".join(rows)


def section(path: str, command: Any, skip: set[tuple[str, ...]]) -> str:
    """Return what a command does, what it takes and how it is called."""
    parts = [f"## {path}\n"]
    examples = []
    for paragraph in help_of(command):
        example = EXAMPLE.match(paragraph)
        if example:
            examples.append(example[1])
        else:
            parts.append(f"{text(paragraph)}\n")
    if hasattr(command, "commands"):
        return "\n".join(parts)
    parts.append(f"```text\n{usage(path, command)}\n```\n")
    arguments = [p for p in command.params if p.param_type_name == "argument"]
    if arguments:
        rows = [f"| `{name}` | {text(said)} |\n" for name, said in map(argument, arguments)]
        parts.append("| argument | what it is |\n|---|---|\n" + "".join(rows))
    shown = [p for p in command.params if not getattr(p, "hidden", False)]
    own = [p for p in shown if p.param_type_name == "option" and tuple(p.opts) not in skip]
    if own:
        parts.append(options(own, command))
    if examples:
        lines = "\n".join(examples)
        parts.append(f"For example:\n\n```text\n{lines}\n```\n")
    return "\n".join(parts)


def usage(path: str, command: Any) -> str:
    """Return the line that says how a command is called."""
    pieces = command.collect_usage_pieces(_context(command))
    named = (re.sub(r"[{[](\w+)[}\]]|\{(\S+?)\.*\}", _capital, piece) for piece in pieces)
    return " ".join([path, *named])


def _capital(name: re.Match[str]) -> str:
    return name[2] or (name[0].strip("{}") if name[0] != "[OPTIONS]" else name[0]).upper()


def argument(param: Any) -> tuple[str, str]:
    """Return the name of an argument and what it is."""
    name = param.metavar or param.name.upper()
    name = name.rstrip(".").strip("[]").replace("|", "/")  # a bar would end the cell
    return name if param.required else f"[{name}]", param.help or MISSING


def options(params: list[Any], command: Any) -> str:
    """Return the table of some options: how each is written, what it does, its default."""
    rows = []
    for param in params:
        option = described(param, command)
        rows.append(f"| {option.written} | {text(option.said)} | {option.default} |\n")
    return "| option | what it does | default |\n|---|---|---|\n" + "".join(rows)


class Described(NamedTuple):
    """An option as the page shows it."""

    written: str
    said: str
    default: str


def described(param: Any, command: Any) -> Described:
    """Return how an option is written, what it does and what it is when it is not given.

    All of it is taken from the line that `--help` prints of it.
    """
    line, said = param.get_help_record(_context(command))
    told = param.help or MISSING
    extras = dict(
        extra.partition(": ")[::2] for extra in said[len(told) :].strip(" []").split("; ") if extra
    )
    names = sorted([*param.opts, *param.secondary_opts], key=len)
    takes = match[1] if (match := TAKES.search(line)) else ""
    choices = takes.strip("<>[]").split("|")
    if takes and takes[0] in "<[" and len(choices) > 1:
        told += f" One of {', '.join(f'`{choice}`' for choice in choices)}."
        takes = "WORD"
    takes = WORDS.get(takes.lower(), takes).replace("|", "/")  # a bar would end the cell
    written = ", ".join(f"`{n} {takes}`" if takes and len(n) > 2 else f"`{n}`" for n in names)
    told += "".join(f" {bound(extra)}" for extra in extras if extra not in {"default", "required"})
    if param.multiple or "list[" in line:
        written += " ..."
    default = f"`{extras['default']}`" if "default" in extras and not param.count else ""
    return Described(written, told, "must be given" if param.required else default)


def bound(extra: str) -> str:
    """Return the limits of a number, as `--help` has them, in words.

    >>> bound("x>=1"), bound("1<=x<=9"), bound("env var")
    ('At least 1.', '1 to 9.', 'env var')
    """
    if match := re.fullmatch(r"x>=(\S+)", extra):
        return f"At least {match[1]}."
    if match := re.fullmatch(r"(\S+)<=x<=(\S+)", extra):
        return f"{match[1]} to {match[2]}."
    return extra


def _context(command: Any) -> Any:
    return command.make_context(command.name, [], resilient_parsing=True)


def help_of(command: Any) -> list[str]:
    """Return the paragraphs of a command's help, each on one line."""
    paragraphs = re.split(r"\n\s*\n", inspect.cleandoc(command.help or "").replace("\b\n", ""))
    return [" ".join(paragraph.split()) for paragraph in paragraphs]


def text(sentence: str) -> str:
    r"""Return a sentence of a help text as Markdown that shows it as it is.

    Where the help itself has back quotes, what stands in them stays code.

    >>> text("runs/<run>/*, see `--set a|b`, a_b")
    'runs/&lt;run>/\\*, see `--set a|b`, a_b'
    """
    return "".join(
        part if part.startswith("`") else SPECIAL.sub(r"\\\g<0>", part.replace("<", "&lt;"))
        for part in re.split(r"(`[^`]*`)", " ".join(sentence.split()))
    )
