"""Where the public data sets lie on this machine, and whether they are as they were published."""

from __future__ import annotations

import hashlib
import importlib
import os
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

from sensorkit.datasets.cards import Card, File, card
from sensorkit.errors import DataError, VerifyError

SHOWN = 3
"""So many files are named in an error; the others are counted."""


@dataclass(frozen=True)
class Place:
    """Where a data set is, or would be after a fetch."""

    folder: Path
    kind: Literal["here", "cached", "incomplete", "absent"]
    """`here` is the user's own, below SENSORKIT_DATA; `cached` is what `fetch` filled."""
    missing: tuple[File, ...] = ()
    """Of the files of the card; in the cache those of another length too."""


def cache() -> Path:
    """Return the folder that `fetch` keeps data sets in; `SENSORKIT_CACHE` overrides it."""
    named = os.environ.get("SENSORKIT_CACHE")
    if named:
        return _resolved("SENSORKIT_CACHE", named) / "datasets"
    import pooch  # type: ignore[import-untyped]  # a tenth of a second

    return Path(pooch.os_cache("sensorkit")) / "datasets"


def _resolved(variable: str, named: str) -> Path:
    try:
        return Path(named).expanduser().resolve()
    except (OSError, RuntimeError) as error:  # a home that is not known, links in a circle
        raise DataError(
            f"{variable} is {named}: {error}; set it to the path of a folder"
        ) from error


def loader(name: str) -> Any:
    """Return the module that reads a set: `LAYOUT`, `find(root)` and `read(root, found)`."""
    return importlib.import_module(f"sensorkit.datasets.load_{name}")


def _own(data_set: Card) -> Path | None:
    """Return where the set would be below SENSORKIT_DATA, if that is set."""
    named = os.environ.get("SENSORKIT_DATA")
    return _resolved("SENSORKIT_DATA", named) / data_set.directory if named else None


def _has_some(name: str, folder: Path) -> bool:
    """Whether a file of the set is in *folder*."""
    if not folder.is_dir():
        return False
    try:
        return bool(loader(name).find(folder))
    except DataError:  # there is one, and it is damaged: whoever loads it is told
        return True


def find(name: str) -> Place:
    """Look for a data set: below `SENSORKIT_DATA` first, then in the cache.

    What the user put into a folder of their own is taken as it is, a part of a set too, if the
    loader finds a file there; the cache has to have every file of the card, in its length.

    Parameters
    ----------
    name : str
        One of `names`.

    Returns
    -------
    Place
        Where it is, or would be.

    Raises
    ------
    DataError
        An unknown name; `SENSORKIT_DATA` or `SENSORKIT_CACHE` is no path, or cannot be looked into.
    """
    data_set = card(name)
    own, folder = _own(data_set), cache() / data_set.directory
    try:
        if own is not None and _has_some(name, own):
            lacking = tuple(file for file in data_set.files if not (own / file.path).is_file())
            return Place(own, "here", lacking)
        if not folder.is_dir() or not (data_set.files or _has_some(name, folder)):
            return Place(folder, "absent", data_set.files)
    except OSError as error:
        raise DataError(
            f"{error.filename}: cannot be looked into: {error.strerror}; "
            "SENSORKIT_DATA and SENSORKIT_CACHE say where data sets are"
        ) from error
    missing = tuple(file for file in data_set.files if not _is_whole(folder, file))
    return Place(folder, "incomplete" if missing else "cached", missing)


def _is_whole(folder: Path, file: File) -> bool:
    try:
        return (folder / file.path).stat().st_size == file.bytes
    except OSError:
        return False


def path(name: str) -> Path:
    """Return the folder of a data set that is on this machine; nothing is downloaded.

    Parameters
    ----------
    name : str

    Returns
    -------
    Path
        `$SENSORKIT_DATA/<directory of the card>` if a file of the set is there, else the one in
        the cache.

    Raises
    ------
    DataError
        An unknown name; a set that is in neither place, or not wholly in the cache: with the
        command that fetches it, or where to get it by hand.
    """
    place = find(name)
    if place.kind in ("here", "cached"):
        return place.folder
    data_set = card(name)
    if place.kind == "incomplete":
        had = len(data_set.files) - len(place.missing)
        raise DataError(
            f"{name}: {had} of {len(data_set.files)} files are in {place.folder}; "
            f"`sensorkit datasets fetch {name}` gets the others"
        )
    raise DataError(f"{name}: {not_here(data_set, place.folder)}")


def not_here(data_set: Card, folder: Path) -> str:
    """Say that a set is not on this machine, and how it gets there."""
    named, place = os.environ.get("SENSORKIT_DATA"), _own(data_set)
    own = f"SENSORKIT_DATA ({named})" if named else "SENSORKIT_DATA (not set)"
    where = f"is neither in {own} as {data_set.directory} nor in the cache"
    if place is not None and place.is_dir():
        where += f" ({place} is there and has none of its files: {loader(data_set.name).LAYOUT})"
    if data_set.files:
        return f"{where}; `sensorkit datasets fetch {data_set.name}` gets it"
    return (
        f"{where}, and it has no checksums to fetch it by; put it into {folder}: "
        f"{data_set.elsewhere}"
    )


def differences(name: str, folder: Path | None = None) -> dict[str, str]:
    """Compare the files of a set with the hashes on its card.

    Parameters
    ----------
    name : str
    folder : Path, optional
        The set; where `path` finds it if not given.

    Returns
    -------
    dict of str to str
        Path of each file that differs, and `missing` or `changed`. Files that are not on the
        card are not looked at.
    """
    folder = path(name) if folder is None else folder
    found = {}
    for file in card(name).files:
        if not (folder / file.path).is_file():
            found[file.path] = "missing"
        elif not _is_whole(folder, file) or sha256_of(folder / file.path) != file.sha256:
            found[file.path] = "changed"
    return found


def verify(name: str, folder: Path | None = None) -> int:
    """Hold a set against the hashes on its card; return how many files are as published.

    Parameters
    ----------
    name : str
        One of `names`.
    folder : Path, optional
        Where it lies; where `find` finds it if not given.

    Returns
    -------
    int
        All files of the card that are here.

    Raises
    ------
    VerifyError
        Files are missing or changed; the first of them are named.
    DataError
        The set is not here, or its card has no hashes to compare with.
    """
    folder = path(name) if folder is None else folder
    data_set = card(name)
    files = data_set.files
    if not files:
        raise DataError(f"{name}: its card has no checksums; there is nothing to compare with")
    found = differences(name, folder)
    if found:
        named = [f"{file} ({what})" for file, what in list(found.items())[:SHOWN]]
        more = f" and {len(found) - SHOWN} more" if len(found) > SHOWN else ""
        if folder.resolve() == cache() / data_set.directory:
            what = f"`sensorkit datasets fetch {name}` gets them again"
        else:
            what = (
                f"fetch leaves this folder alone, so get them from {data_set.homepage}, or move "
                "the folder away and fetch the set into the cache"
            )
        raise VerifyError(
            f"{folder}: {len(found)} of {len(files)} files are not as published: "
            f"{', '.join(named)}{more}; {what}"
        )
    return len(files)


def sha256_of(file: Path) -> str:
    """Return the SHA-256 of a file, in hex."""
    with file.open("rb") as stream:
        return hashlib.file_digest(stream, "sha256").hexdigest()
