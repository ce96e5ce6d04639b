"""What is known about each public data set: licence, flaws, protocol, files and their hashes."""

from __future__ import annotations

import functools
import re
from collections.abc import Mapping
from pathlib import Path, PurePosixPath
from typing import Annotated, Any, ClassVar, NamedTuple, Self
from urllib.parse import quote

from pydantic import AfterValidator, Field, field_validator, model_validator

from sensorkit.checked_yaml import Document, Misplaced, Section
from sensorkit.errors import DataError
from sensorkit.nearest import unknown

_SHA256 = re.compile(r"[0-9a-f]{64}")
_FILE_LINE = "a line is: sha256, bytes, path, and the path at the source where it differs"


class File(NamedTuple):
    """One file that can be fetched."""

    path: str
    """Inside the folder of the set, with `/`."""
    url: str
    sha256: str
    bytes: int


def _one_line(text: str) -> str:
    return " ".join(text.split())


Prose = Annotated[str, AfterValidator(_one_line), Field(min_length=1)]


class Source(Section):
    """Files that lie below one address; each is `base` + `/` + its path."""

    base: str
    into: str = ""
    """Folder of the set that the paths are in."""
    files: tuple[File, ...]

    @field_validator("base")
    @classmethod
    def _web_address(cls, base: str) -> str:
        if not base.startswith("https://") or base.endswith("/"):
            raise ValueError("is no https:// address without a slash at its end")
        return base

    @model_validator(mode="before")
    @classmethod
    def _read_lines(cls, data: Any) -> Any:
        if not isinstance(data, Mapping):
            return data
        if not isinstance(data.get("files"), str):
            raise Misplaced(("files",), f"holds no text; {_FILE_LINE}")
        into, base = data.get("into", ""), data.get("base", "")
        lines = data["files"].splitlines()
        return {**data, "files": [_file(n, line, base, into) for n, line in enumerate(lines, 1)]}


def _file(number: int, line: str, base: str, into: str) -> File:
    """Read one line of `files`; *number* stands in the error."""
    words = line.split()
    if len(words) not in (3, 4) or not _SHA256.fullmatch(words[0]) or not words[1].isdigit():
        raise Misplaced(("files",), f"line {number} is {line!r}; {_FILE_LINE}")
    sha256, size, path = words[:3]
    place = PurePosixPath(into, path)
    if place.is_absolute() or ".." in place.parts or "\\" in str(place) or ":" in str(place):
        raise Misplaced(("files",), f"line {number}: {place} leads out of the folder of the set")
    return File(str(place), f"{base}/{quote(words[-1] if words[3:] else path)}", sha256, int(size))


class Card(Document):
    """What a public data set is, where it comes from, and what is wrong with it.

    Attributes
    ----------
    name, title : str
    purpose : str
        What it is good for, in 70 characters at most: it is a row of `sensorkit datasets list`.
    licence : str
        As stated by whoever publishes it; "none stated" where nobody does.
    terms : str
        What the licence means for whoever downloads it.
    citation : str
        BibTeX.
    homepage : str
    directory : str
        The name of its folder, below `SENSORKIT_DATA` and in the cache.
    contents : str
        How many series of what, at which rate, and how much of it can be fetched.
    elsewhere : str
        Where the files come from that have no checksum here; empty where all have one.
    flaws : tuple of str
        Found by counting, or known from the literature.
    protocol : str
        How results on it are reported by those who publish it.
    sources : tuple of Source

    Raises
    ------
    DataError
        From `load`: a name that is not known, a card that cannot be read, with file and line.

    Examples
    --------
    >>> card("skab").licence
    'GPL-3.0'
    """

    what: ClassVar[str] = "data set"
    folder: ClassVar[Path] = Path(__file__).parent / "cards"
    error: ClassVar[type[Exception]] = DataError

    name: Annotated[str, Field(pattern=r"^[a-z][a-z0-9_]*$")]
    title: Prose
    purpose: Annotated[str, Field(min_length=1, max_length=70)]
    licence: Prose
    terms: Prose
    citation: str
    homepage: Annotated[str, Field(pattern=r"^https://[^\s/]+\.[^\s]+$")]
    directory: Annotated[str, Field(pattern=r"^[a-z][a-z0-9_]*$")]
    contents: Prose
    elsewhere: str = ""
    flaws: tuple[Prose, ...]
    protocol: Prose
    sources: tuple[Source, ...] = ()

    @model_validator(mode="after")
    def _no_path_stands_twice(self) -> Self:
        seen = set[str]()
        for i, source in enumerate(self.sources):
            for file in source.files:
                # Some file systems take a.csv and A.csv for the same file.
                if file.path.casefold() in seen:
                    raise Misplaced(("sources", i, "files"), f"{file.path} is there twice")
                seen.add(file.path.casefold())
        return self

    @functools.cached_property
    def files(self) -> tuple[File, ...]:
        """What can be fetched, in the order of the card."""
        return tuple(file for source in self.sources for file in source.files)

    @property
    def total_bytes(self) -> int:
        """Size of what can be fetched."""
        return sum(file.bytes for file in self.files)


@functools.cache
def card(name: str) -> Card:
    """Return the card of the data set *name*.

    Raises
    ------
    DataError
        There is no such data set; the nearest name is in the sentence.
    """
    if name not in names():
        raise DataError(unknown("data set", name, names()))
    return Card.load(name)


def names() -> list[str]:
    """Return the data sets there are cards for, in the order of the alphabet."""
    return Card.shipped()
