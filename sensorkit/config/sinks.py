"""Where the alerts of a capture go: the console, and files of JSON lines.

A secret never stands in the file: `${NAME}` in an address is the environment variable NAME, put in
when the sink is opened, and never printed.
"""

from __future__ import annotations

import json
import os
import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from sensorkit.errors import UsageError
from sensorkit.nearest import did_you_mean

CONSOLE = "console"
SCHEMES = (CONSOLE, "file")
"""What there is: `console`, and `file:PATH`."""

VARIABLE = re.compile(r"\$\{([A-Za-z_][A-Za-z0-9_]*)\}")
# user:password@host, and what a query calls a secret.
_PASSWORD = re.compile(r"//[^/@\s]*:(?P<one>[^/@\s]+)@")
_QUERY = re.compile(
    r"[?&;][^=&;]*(?:password|passwd|pwd|secret|token|key)[^=&;]*=(?P<one>[^&;#\s]+)", re.IGNORECASE
)
MASK = "***"


def complaint_about(url: str) -> str:
    """Return what is wrong with the address of a sink, "" if nothing is; it is never quoted.

    >>> complaint_about("file:alerts.jsonl")
    ''
    >>> complaint_about("flie:alerts.jsonl")
    "'flie' is no kind of sink; did you mean 'file'?"
    """
    for secret in _secrets(url):
        if VARIABLE.fullmatch(secret) is None:
            return (
                "a password or token stands in the file; write ${NAME} in its place and set the "
                "environment variable NAME"
            )
    scheme, colon, rest = url.partition(":")
    if VARIABLE.match(url):
        return "begins with ${...}, so its kind cannot be told; write console or file:${...}"
    if scheme not in SCHEMES:
        # What stands where a scheme should may be anything, a secret too.
        shown = repr(scheme) if re.fullmatch(r"[a-z][a-z0-9+.-]{0,15}", scheme) else "this"
        hint = did_you_mean(scheme, SCHEMES, "there are console and file:PATH")
        return f"{shown} is no kind of sink; {hint}"
    if scheme == CONSOLE and colon:
        return "console stands alone; write just `console`"
    if scheme == "file" and not rest:
        return "no path after file:; write file:alerts.jsonl"
    return ""


def masked(url: str) -> str:
    """Return *url* without its secrets, for printing.

    >>> masked("https://me:${PW}@host/?token=${T}")
    'https://me:***@host/?token=***'
    """
    for secret in _secrets(url):
        url = url.replace(secret, MASK)
    return VARIABLE.sub(MASK, url)


def _secrets(url: str) -> list[str]:
    return [match["one"] for pattern in (_PASSWORD, _QUERY) for match in pattern.finditer(url)]


def expanded(url: str, environment: Mapping[str, str], where: str) -> str:
    """Return *url* with the variables that it names put in; *where* it stands is for the error.

    Raises
    ------
    UsageError
        If one is not set.
    """

    def value(match: re.Match[str]) -> str:
        if match[1] not in environment:
            raise UsageError(
                f"{where}: the environment variable {match[1]} is not set; set it, or write the "
                "address without it"
            )
        return environment[match[1]]

    return VARIABLE.sub(value, url)


class FileSink:
    """A file to which alerts are added, one JSON object a line.

    Each line is one write to a file opened for appending, so that several captures may share it.

    Parameters
    ----------
    path : Path
        Its folder is made.

    Raises
    ------
    UsageError
        If it cannot be written.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        flags = os.O_WRONLY | os.O_CREAT | os.O_APPEND | getattr(os, "O_BINARY", 0)
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
            if path.exists() and not path.is_file() and not path.is_char_device():
                raise UsageError(f"{path}: is no file that alerts can be added to; name another")
            self._file = os.open(path, flags, 0o644)
        except OSError as error:
            raise UsageError(
                f"{path}: cannot be written: {error.strerror}; name a file that can"
            ) from error

    def add(self, alert: Mapping[str, Any]) -> None:
        """Write an alert.

        Raises
        ------
        OSError
            If the disk is full or the like.
        """
        line = json.dumps(alert, ensure_ascii=True, allow_nan=False) + "\n"
        data = line.encode("ascii")
        while data:
            data = data[os.write(self._file, data) :]

    def close(self) -> None:
        """Close the file."""
        os.close(self._file)


def file_of(url: str, environment: Mapping[str, str], folder: Path, where: str) -> Path | None:
    """Return the path of a `file:` sink, from *folder* on; None for the console.

    >>> file_of("file:${LOGS}/a.jsonl", {"LOGS": "logs"}, Path("site"), "sinks.log").as_posix()
    'site/logs/a.jsonl'
    """
    scheme, _, path = url.partition(":")
    if scheme == CONSOLE:
        return None
    return folder / Path(expanded(path, environment, where)).expanduser()
