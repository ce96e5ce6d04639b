"""Names that sensorkit.yaml gives: ports and profiles, put in where a command takes them."""

from __future__ import annotations

import re
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from sensorkit.cli.config.settling import Settled
from sensorkit.errors import LinkError
from sensorkit.nearest import unknown

if TYPE_CHECKING:
    from sensorkit.config.document import Port
    from sensorkit.config.site import Site

LINKS = ("link", "links", "port", "source", "recording")
"""Parameters that take a link where they are text: a name of a port stands for it."""

BARE = re.compile(r"(?!com\d)[a-z][a-z0-9_.-]*", re.IGNORECASE)
"""A word that is no device path, no URL and no COM name."""

OF_A_PORT = ("baud", "profile", "device", "reconnect")
"""What a port says besides its link, where the command line and the environment do not."""


def named(given: Mapping[str, Any], settled: Settled) -> dict[str, Any]:
    """Return the arguments of a command with ports and profiles in the place of their names."""
    values = dict(given)
    site = settled.site
    if site is None:
        return values
    for name in LINKS:
        value = values.get(name)
        if isinstance(value, str):
            port = _port(value, site) if name in {"link", "port"} else site.config.ports.get(value)
            if port is not None:
                settled.ports.append(value)
                put_in = {name: port.link, **_facts(port, values, settled)}
                settled.of_ports |= set(put_in)
                values |= put_in
        elif isinstance(value, list) and name == "links":
            put_in = _several(value, values, site, settled)
            if settled.ports:
                settled.of_ports |= set(put_in)
                values |= put_in
    profile = values.get("profile")
    if isinstance(profile, str):
        values["profile"] = site.profile(profile)
    elif isinstance(profile, list):
        values["profile"] = [_of_one(text, site) for text in profile]
    return values


def _port(link: str, site: Site) -> Port | None:
    """Return the port that *link* names.

    Raises
    ------
    LinkError
        If it can only be a name, and is none of the file.
    """
    ports = site.config.ports
    if link in ports or not ports:
        return ports.get(link)
    if BARE.fullmatch(link) and not Path(link).exists():
        hint = "or give a device path or a URL"
        raise LinkError(unknown("port", link, ports, otherwise=hint))
    return None


def _facts(port: Port, values: Mapping[str, Any], settled: Settled) -> dict[str, Any]:
    """Return what a port says and nobody has typed."""
    facts = {name: getattr(port, name) for name in OF_A_PORT}
    return {
        name: [str(fact)] if isinstance(values[name], list) else fact
        for name, fact in facts.items()
        if fact is not None and name in values and not settled.typed(name)
    }


def _several(
    links: list[str], values: Mapping[str, Any], site: Site, settled: Settled
) -> dict[str, Any]:
    """Return the links of a session with ports in the place of their names.

    What a port says goes to its own link: `NAME=9600`.
    """
    found: list[str] = []
    facts: dict[str, list[str]] = {}
    for link in links:
        label, equals, target = link.partition("=")
        port = _port(target if equals else link, site)
        if port is None:
            found.append(link)
            continue
        name = label if equals else link
        settled.ports.append(target if equals else link)
        if len(links) == 1 and not equals:
            return {"links": [port.link], **_facts(port, values, settled)}
        found.append(f"{name}={port.link}")
        for fact in ("baud", "profile"):
            value = getattr(port, fact)
            if value is not None and fact in values and not settled.typed(fact):
                facts.setdefault(fact, []).append(f"{name}={value}")
    return {"links": found, **{name: [*_all(values[name]), *own] for name, own in facts.items()}}


def _all(value: Any) -> list[str]:
    if value is None:
        return []
    return [str(one) for one in value] if isinstance(value, list | tuple) else [str(value)]


def _of_one(text: str, site: Site) -> str:
    """Return `NAME=PROFILE` or `PROFILE` with the profile's path in the place of its name."""
    before, equals, name = text.rpartition("=")
    if Path(text).exists():  # a path may hold an equals sign
        return text
    return f"{before}{equals}{site.profile(name)}"
