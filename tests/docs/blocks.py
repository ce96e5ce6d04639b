"""The code blocks of a page: found, told apart, and what they show held against what comes out."""

from __future__ import annotations

import configparser
import csv
import io
import json
import re
import tomllib
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

import yaml
from pydantic import TypeAdapter

import sensorkit.config
from sensorkit.evaluate import Config
from sensorkit.faults import FaultPlan
from sensorkit.profile import Profile
from sensorkit.profile.frame_formats import Frame

FENCE = re.compile(r"^(?P<indent>[ >]*)(?P<fence>`{3,}|~{3,})[ ]*(?P<info>[^`]*)$")
NOTE = re.compile(r"<!--\s*(?P<what>not run|exits with)\b:?\s*(?P<of>.*?)\s*-->", re.DOTALL)
NAMED = re.compile(r"^#\s*([\w./-]+\.(?:yaml|yml|json|csv|toml|ini|py|sh))\s*$", re.MULTILINE)
TITLE = re.compile(r'title="([^"]+)"')

STANDS_FOR_ANY = (
    # What differs from one run to the next; the emulated device of datasets/ lives on 1 January.
    (re.compile(r"\b(?!2026-01-01)\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(?:\.\d+)?Z"), "<a time of today>"),
    (re.compile(r"\b\d{8}T\d{6}Z-[0-9a-f]{6}\b"), "<a run>"),
    (re.compile(r"\b[0-9a-f]{64}\b"), "<a sha256>"),
)


@dataclass(frozen=True)
class Block:
    """A fenced block of a page."""

    page: str
    line: int
    """Where its fence opens, from 1."""
    language: str
    text: str
    file: str | None = None
    """The file that it is: `title="plan.yaml"` on the fence, or `# plan.yaml` as its first line."""
    not_run: str | None = None
    """Why it runs nowhere: the comment before it, `<!-- not run: why -->`."""
    exits: int = 0
    """What its last command exits with: `<!-- exits with 2 -->`."""

    def __str__(self) -> str:
        return f"{self.page}:{self.line}"


def blocks(text: str, page: str = "page") -> Iterator[Block]:
    """Yield the fenced blocks of a page in order, those in lists and quotes too.

    Raises
    ------
    ValueError
        If a fence is not closed, or a comment before a block says something that is not known.
    """
    lines = text.splitlines()
    at, before = 0, 0
    while at < len(lines):
        opens = FENCE.match(lines[at])
        if opens is None:
            at += 1
            continue
        indent, fence = opens["indent"], opens["fence"]
        closes = re.compile(rf"^[ >]*{re.escape(fence[0])}{{{len(fence)},}}\s*$")
        body = []
        for stop in range(at + 1, len(lines)):
            if closes.match(lines[stop]):
                break
            body.append(_without(indent, lines[stop]))
        else:
            raise ValueError(f"{page}:{at + 1}: the block is not closed")
        content = "".join(f"{line}\n" for line in body)
        info = opens["info"].strip()
        yield Block(
            page,
            at + 1,
            info.split()[0].strip("{}.") if info else "",
            content,
            _file(info, content),
            **_notes("\n".join(lines[before:at]), f"{page}:{at + 1}"),
        )
        at = before = stop + 1


def _without(indent: str, line: str) -> str:
    start = 0
    while start < min(len(indent), len(line)) and line[start] in " >":
        start += 1
    return line[start:]


def _file(info: str, content: str) -> str | None:
    titled = TITLE.search(info)
    if titled:
        return titled[1]
    first = NAMED.match(content)
    return first[1] if first else None


def _notes(prose: str, where: str) -> dict[str, Any]:
    """Return what the comments right before a block say of it."""
    found: dict[str, Any] = {}
    comments = re.search(r"((?:\s*<!--(?:(?!-->).)*-->)+)\s*\Z", prose, re.DOTALL)
    for note in NOTE.finditer(comments[1] if comments else ""):
        if note["what"] == "not run":
            found["not_run"] = " ".join(note["of"].split())
        elif note["of"].isdigit():
            found["exits"] = int(note["of"])
        else:
            raise ValueError(f"{where}: exits with {note['of']!r}: a number is wanted")
    return found


def commands(text: str) -> list[str]:
    """Return the commands of a shell block, one a line; a backslash at the end goes on.

    >>> commands("sensorkit ports  # which are there\\n\\nsensorkit show \\\\\\n  recordings/a\\n")
    ['sensorkit ports  # which are there', 'sensorkit show recordings/a']
    """
    joined = re.sub(r"\\\n\s*", "", text)
    return [line.strip() for line in joined.splitlines() if line.strip() and line.strip()[0] != "#"]


def needs_a_shell(command: str) -> bool:
    """Say whether a command has pipes, redirections, variables or patterns outside its quotes.

    >>> needs_a_shell("sensorkit show a | head"), needs_a_shell("sensorkit --require 'a>=1'")
    (True, False)
    """
    bare = re.sub(r"'[^']*'|\"[^\"$`]*\"|(?<!\S)#.*", "", command)
    return re.search(r"[|<>;&`$*]", bare) is not None


def shown(text: str) -> list[tuple[str, str]]:
    """Return the commands of a console block, each with the output shown for it.

    >>> shown("$ echo a\\na\\n$ echo \\\\\\n  b\\nb\\n")
    [('echo a', 'a\\n'), ('echo b', 'b\\n')]
    """
    found: list[tuple[str, str]] = []
    for line in re.sub(r"(?m)(^\$ .*)\\\n\s*", r"\1", text).splitlines():
        if line.startswith("$ "):
            found.append((line[2:].strip(), ""))
        elif not found:
            raise ValueError(
                f"{line!r} stands before the first command; a command begins with '$ '"
            )
        else:
            found[-1] = found[-1][0], f"{found[-1][1]}{line}\n"
    return found


def agrees(expected: str, got: str) -> bool:
    r"""Say whether *got* is what was shown; `...` stands for any text, in a line or for lines.

    Times of today, names of runs and hashes stand for any other. Blanks at the end of lines do not
    count.

    >>> agrees("found 3 in ... s\n...\nend\n", "found 3 in 0.2 s\nend\n")
    True
    >>> agrees("found 3\n", "found 4\n")
    False
    """
    wanted = _steady(expected)
    pattern = "".join(
        r"(?:.*\n)?" if part == "...\n" else ".*?" if part == "..." else re.escape(part)
        for part in re.split(r"((?:(?<=\n)|(?<!.))\.\.\.\n|\.\.\.)", wanted)
    )
    return re.fullmatch(pattern, _steady(got), re.DOTALL) is not None


def missed(expected: str, got: str) -> list[str]:
    """Return the lines shown that are nowhere in what came: where to look first."""
    return [line for line in expected.splitlines(True) if not agrees(f"...\n{line}...\n", got)]


def _steady(text: str) -> str:
    for pattern, name in STANDS_FOR_ANY:
        text = pattern.sub(name, text)
    stripped = [line.rstrip() for line in text.strip("\n").splitlines()]
    return "".join(f"{line}\n" for line in stripped)


def parse(block: Block, base: Profile | None = None) -> Any:
    """Return what a block of data says, checked as what it is; raise if it is not that.

    Parameters
    ----------
    block : Block
    base : Profile, optional
        What a part of a profile is laid into; the serial monitor by default.
    """
    return PARSERS[block.language](block, base)


def steps(said: Any) -> str:
    """Return the commands in the file of a CI service (GitHub, GitLab), one a line; or nothing."""
    jobs = said.get("jobs", said) if isinstance(said, dict) else {}
    found = []
    for job in jobs.values() if isinstance(jobs, dict) else ():
        if isinstance(job, dict):
            found += [step.get("run", "") for step in job.get("steps", ())]
            found += job.get("script", ())
    return "\n".join(found)


def _yaml(block: Block, base: Profile | None) -> Any:
    said = yaml.safe_load(block.text)
    if not isinstance(said, dict):
        raise ValueError(f"{block}: a YAML block is a mapping, not {type(said).__name__}")
    keys = {str(key) for key in said}
    if steps(said):
        return said
    if keys == {"frame"}:
        return TypeAdapter(Frame).validate_python(said["frame"])
    if "faults" in keys and isinstance(said["faults"], list):
        return FaultPlan.from_dict(said, str(block))
    names = isinstance(said.get("channels"), list) and isinstance(said["channels"][0], str)
    if keys <= Profile.model_fields.keys() and not names:
        return Profile.from_dict(_whole(said, base), str(block))
    if keys & {"ports", "preset", "presets", "sinks", "defaults"}:
        return sensorkit.config.Config.model_validate(said)
    return Config.model_validate(said)


def _whole(said: dict[str, Any], base: Profile | None) -> dict[str, Any]:
    """Return a profile with the parts that a page shows of it."""
    if {"name", "rate_hz", "channels"} <= said.keys():
        return said
    if "channels" in said:  # what speaks of the channels of the base would not fit
        return {"name": "part", "rate_hz": 1.0, **said}
    return {**(base or Profile.load("serial_monitor")).to_dict(), **said}


def _csv(block: Block, _base: Profile | None) -> list[list[str]]:
    rows = list(csv.reader(io.StringIO(block.text)))
    if len({len(row) for row in rows}) != 1:
        raise ValueError(f"{block}: rows of different length: {sorted({len(row) for row in rows})}")
    return rows


def _ini(block: Block, _base: Profile | None) -> configparser.ConfigParser:
    parser = configparser.ConfigParser()
    parser.read_string(block.text)
    return parser


PARSERS: dict[str, Callable[[Block, Profile | None], Any]] = {
    "yaml": _yaml,
    "json": lambda block, _: json.loads(block.text),
    "csv": _csv,
    "toml": lambda block, _: tomllib.loads(block.text),
    "ini": _ini,
    "xml": lambda block, _: ElementTree.fromstring(block.text),
    "text": lambda block, _: block.text,
    "markdown": lambda block, _: block.text,
}
RUN = ("sh", "console", "python")


def pages(root: Path) -> list[Path]:
    """Return all pages of the project whose blocks run."""
    found = [root / "README.md", root / "CONTRIBUTING.md", *sorted((root / "docs").rglob("*.md"))]
    return [*found, *sorted((root / "examples").rglob("README.md"))]
