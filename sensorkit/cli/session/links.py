"""The links of `sensorkit capture`: each with its name, profile and speed."""

from __future__ import annotations

import os
import re
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

from sensorkit.cli.quantities import line_speed
from sensorkit.errors import UsageError
from sensorkit.nearest import unknown

if TYPE_CHECKING:
    from sensorkit.profile import Profile

NAMED = re.compile(r"([A-Za-z][A-Za-z0-9_.-]*)=(.+)", re.DOTALL)
"""No path and no URL begins so: a slash, a dot or a colon comes before the first `=`."""

LONGEST_NAME = 64

NO_FOLDERS = frozenset(
    {"derived", "session.json", "con", "prn", "aux", "nul"}
    | {f"{port}{number}" for port in ("com", "lpt") for number in range(10)}
)
"""Names that a session needs itself, and those that Windows gives to no folder."""

BOTH = "give each device a name of its own"


class NamedLink(NamedTuple):
    """A link to capture."""

    url: str
    name: str | None
    """None for the only one, where nobody has given it a name."""
    profile: Profile
    told_profile: str
    """As it was typed."""
    baud: int


def named_links(
    links: Sequence[str], profiles: Sequence[str], bauds: Sequence[str], device: str | None
) -> list[NamedLink]:
    """Return what is to be captured, each link with its own facts.

    Parameters
    ----------
    links : sequence of str
        `LINK` or `NAME=LINK`.
    profiles, bauds : sequence of str
        `VALUE`, the last of which is for all, or `NAME=VALUE`.
    device : str or None
        The name of the only link.

    Raises
    ------
    UsageError
        If two have one name or one link, a name cannot be that of a folder, or a value is for a
        name that there is not.
    """
    from sensorkit.profile import Profile

    pairs = [_pair(link) for link in links]
    several = len(pairs) > 1
    if device is not None:
        if several or pairs[0][0] is not None:
            raise UsageError(
                f"--device {device}: is for one link without a name; give several as NAME=LINK"
            )
        pairs = [(device, pairs[0][1])]
    given = [name for name, _ in pairs if name is not None]
    for name in given:
        _check_name(name)
    told = _by_name("--profile", profiles, given if several or given else ())
    loaded = {text: Profile.load(text) for text in {told.get(n, told[None]) for n, _ in pairs}}
    of_link = [told.get(name, told[None]) for name, _ in pairs]
    names: Sequence[str | None] = [name for name, _ in pairs]
    if several:
        _refuse_stdin(pairs)
        _refuse_twice([url for _, url in pairs])
        names = _completed(names, [loaded[text].device for text in of_link])
        _refuse_equal(names)
    speeds = _by_name("--baud", bauds, given if several or given else ())
    return [
        NamedLink(url, name, loaded[text], text, _speed(speeds.get(own, speeds[None])))
        for (own, url), name, text in zip(pairs, names, of_link, strict=True)
    ]


def _pair(link: str) -> tuple[str | None, str]:
    """Return the name, None without one, and the link.

    >>> _pair("left=/dev/ttyUSB0"), _pair("file:a=b.log")
    (('left', '/dev/ttyUSB0'), (None, 'file:a=b.log'))
    """
    match = NAMED.fullmatch(link)
    if match is None or Path(link).exists():
        return None, link
    return match[1], match[2]


def _by_name(option: str, given: Sequence[str], names: Sequence[str]) -> dict[str | None, str]:
    """Return the value for each name, that for all others under None."""
    found: dict[str | None, str] = {}
    for text in given:
        match = NAMED.fullmatch(text)
        if match is None or Path(text).exists():
            found[None] = text
        elif match[1] in names:
            found[match[1]] = match[2]
        else:
            raise UsageError(
                f"{option} {text}: {unknown('name', match[1], names)}"
                if names
                else f"{option} {text}: no link is called {match[1]!r}; give it as "
                f"{match[1]}=LINK, or leave the name out"
            )
    found.setdefault(None, {"--profile": "serial_monitor", "--baud": "115200"}[option])
    return found


def _speed(text: str) -> int:
    if not re.fullmatch("[0-9]{1,12}", text):
        raise UsageError(f"--baud {text}: a whole number is wanted, as 9600 or 115200")
    return line_speed(int(text), "--baud")


def checked_speeds(given: list[str]) -> list[str]:
    """Return what `--baud` was given, or say what is no speed, wherever it was said."""
    from typer import BadParameter

    for text in given:
        match = NAMED.fullmatch(text)
        if not re.fullmatch("[0-9]{1,12}", match[2] if match else text):
            raise BadParameter(f"{text!r:.80}: a whole number is wanted, as 9600 or 115200")
    return given


def _check_name(name: str) -> None:
    if not re.fullmatch(r"[A-Za-z][A-Za-z0-9_.-]*", name) or len(name) > LONGEST_NAME:
        raise UsageError(
            f"{name!r:.80} cannot be the name of a device: a letter comes first, then letters, "
            f"digits, '_', '-' and '.', at most {LONGEST_NAME}"
        )
    small = name.lower()
    if {small, small.partition(".")[0]} & NO_FOLDERS or small.endswith("."):
        raise UsageError(f"{name!r} cannot be the name of a folder everywhere; choose another")


def _refuse_stdin(pairs: Iterable[tuple[str | None, str]]) -> None:
    if any(url == "-" for _, url in pairs):
        raise UsageError("-: standard input is one link alone; capture it by itself")


def _refuse_twice(urls: Sequence[str]) -> None:
    """Refuse one link twice: two readers of a port each get half of the bytes."""
    seen: dict[str, str] = {}
    for url in urls:
        if url == "pty:":  # a new one each time
            continue
        place = url if "://" in url else os.path.realpath(url.removeprefix("file:"))
        if place in seen:
            also = "" if seen[place] == url else f", which is {seen[place]}"
            raise UsageError(f"{url}: is named twice{also}; give each link once")
        seen[place] = url


def _refuse_equal(names: Sequence[str | None]) -> None:
    seen: dict[str, str] = {}
    for name in filter(None, names):
        if name.lower() in seen:
            other = seen[name.lower()]
            raise UsageError(
                f"two links are called {name!r}; {BOTH}"
                if name == other
                else f"two links are called {other!r} and {name!r}, which is one folder on some "
                f"systems; {BOTH}"
            )
        seen[name.lower()] = name


def _completed(names: Sequence[str | None], devices: Sequence[str]) -> list[str]:
    """Return a name for each link, made from its profile's device where it has none.

    >>> _completed([None, "left", None], ["monitor-1", "monitor-1", "monitor-1"])
    ['monitor-1', 'left', 'monitor-2']
    """
    taken = {name.lower() for name in names if name is not None}
    found = []
    for name, device in zip(names, devices, strict=True):
        own = name
        if own is None:
            stem = re.sub(r"-[0-9]+$", "", device)[: LONGEST_NAME - 8]
            number = 1
            while f"{stem}-{number}".lower() in taken:
                number += 1
            own = f"{stem}-{number}"
            taken.add(own.lower())
        found.append(own)
    return found
