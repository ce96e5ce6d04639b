"""The files of a recording, its recording.json, and the manifest that says nothing has changed."""

from __future__ import annotations

import contextlib
import hashlib
import json
import os
import re
from collections.abc import Collection
from pathlib import Path
from typing import Any

from sensorkit.capture.pump import raw_name
from sensorkit.errors import RecordingError
from sensorkit.readings import parse_time

META = "recording.json"
RAW = "raw.log"
INDEX = "raw.index.csv"
METRICS = "structured_metrics.csv"
ERRORS = "parser_errors.log"
EVENTS = "events.jsonl"
LABELS = "labels.csv"
MANIFEST = "manifest-sha256.txt"
DERIVED = "derived"

HASHED = (META, RAW, INDEX, METRICS, ERRORS, EVENTS, LABELS)
"""What the manifest covers, in its order; not every recording has all of them, and one that was
rotated has raw.0002.log and so on after raw.log."""

REBUILT = (METRICS, ERRORS, EVENTS)
"""What `replay` makes from raw.log."""

SCHEMA_VERSION = 1

_NEEDED = ("kind", "status", "reason", "started", "device")

_ENTRY = re.compile(r"([0-9a-f]{64})  ([A-Za-z0-9_.-]+)")
_LATER_RAW = re.compile(r"raw\.([0-9]{4,})\.log")


def raw_names(folder: Path) -> list[str]:
    """Return the raw files that are in *folder*, in the order of their bytes."""
    found = (_LATER_RAW.fullmatch(path.name) for path in folder.iterdir())
    numbers = [int(match[1]) for match in found if match]
    first = [RAW] if (folder / RAW).is_file() else []
    return first + [raw_name(number) for number in sorted(numbers) if number > 1]


def needed_names(kind: str) -> list[str]:
    """Return the files that a recording of *kind* cannot be without, in the manifest's order.

    >>> needed_names("imported")
    ['recording.json', 'structured_metrics.csv', 'parser_errors.log', 'events.jsonl']
    """
    optional = {LABELS} if kind == "captured" else {LABELS, RAW, INDEX}
    return [name for name in HASHED if name not in optional]


def is_finished(meta: dict[str, Any]) -> bool:
    """Return whether recording.json was written by a proper close: only then it has counts."""
    return meta["status"] == "complete" or bool(meta.get("counts") and meta.get("ended"))


def hashed_names(folder: Path) -> list[str]:
    """Return what a manifest of *folder* covers, in its order."""
    later = [name for name in raw_names(folder) if name != RAW]
    names = [name for name in HASHED if (folder / name).is_file()]
    at = names.index(RAW) + 1 if RAW in names else len(names)
    return names[:at] + later + names[at:]


def read_meta(folder: Path) -> dict[str, Any]:
    """Return what recording.json holds.

    Raises
    ------
    RecordingError
        If *folder* is no recording, or of a version that this program does not know.
    """
    path = folder / META
    try:
        meta = json.loads(path.read_text(encoding="utf-8"))
    except (FileNotFoundError, NotADirectoryError) as error:
        what = "does not exist"
        if folder.exists():
            what = "has no recording.json" if folder.is_dir() else "is a file, not a folder"
        if inside := sorted(path.parent for path in folder.glob(f"*/{META}")):
            names = ", ".join(str(one) for one in inside[:4]) + (", ..." if inside[4:] else "")
            raise RecordingError(
                f"{folder}: holds {len(inside)} recordings, and one is wanted here; give one of "
                f"{names}"
                if len(inside) > 1
                else f"{folder}: is no recording, but holds one; give {names}"
            ) from error
        raise RecordingError(
            f"{folder}: is no recording: it {what}; give a folder that `sensorkit capture` or "
            "`sensorkit import` has made"
        ) from error
    except (OSError, ValueError) as error:
        raise RecordingError(
            f"{path}: cannot be read as JSON: {error}; restore it from a copy"
        ) from error
    version = meta.get("schema_version") if isinstance(meta, dict) else None
    if version != SCHEMA_VERSION:
        raise RecordingError(
            f"{path}: has schema_version {version!r}, this sensorkit reads {SCHEMA_VERSION}; "
            "use the version of sensorkit that made it"
        )
    for name in _NEEDED:
        if not isinstance(meta.get(name), str):
            raise RecordingError(f"{path}: does not say its {name!r}; restore it from a copy")
    try:
        for name in ("started", "ended"):
            if meta[name] is not None:
                parse_time(meta[name])
    except (KeyError, TypeError, ValueError) as error:
        raise RecordingError(
            f"{path}: has no time in {name!r}, as 2026-11-21T03:26:47Z is; restore it from a copy"
        ) from error
    return dict(meta)


def write_meta(folder: Path, meta: dict[str, Any]) -> None:
    """Write recording.json, whole or not at all."""
    text = json.dumps(meta, indent=2, ensure_ascii=False, allow_nan=False) + "\n"
    write_whole(folder / META, text)


def write_whole(path: Path, text: str) -> None:
    """Write *path* so that a reader sees the old text or the new one, never a part."""
    temporary = path.with_name(path.name + ".new")
    try:
        with temporary.open("w", encoding="utf-8", newline="\n") as file:
            file.write(text)
            file.flush()
            os.fsync(file.fileno())
        temporary.replace(path)
    except BaseException:
        with contextlib.suppress(OSError):
            temporary.unlink(missing_ok=True)
        raise


def sync_folder(folder: Path) -> None:
    """Make the names in *folder* survive a power cut, where the system can do that."""
    try:
        fd = os.open(folder, os.O_RDONLY)
    except OSError:  # Windows opens no folder
        return
    try:
        os.fsync(fd)
    finally:
        os.close(fd)


def sha256_of(path: Path) -> str:
    """Return the SHA-256 of a file, as hex."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def write_manifest(folder: Path) -> None:
    """Write the hashes of all files, in the form that `sha256sum -c` reads.

    It is written last: a recording that has it is whole.

    Raises
    ------
    RecordingError
        If a file is missing that every recording of this kind has.
    """
    names = hashed_names(folder)
    for name in needed_names(read_meta(folder)["kind"]):
        if name not in names:
            raise RecordingError(
                f"{folder}: has lost its {name}, and gets no {MANIFEST} without it; restore it "
                f"from a copy, or rebuild it with `sensorkit recover {folder}`"
            )
    write_whole(
        folder / MANIFEST, "".join(f"{sha256_of(folder / name)}  {name}\n" for name in names)
    )
    sync_folder(folder)


def changes(folder: Path, *, raw: bool = True) -> dict[str, str]:
    """Return what differs from the manifest: name -> "changed", "missing" or "added".

    `derived/` may hold anything. Without *raw* the bytes on the wire and their index, which are
    large, are not looked into.

    Raises
    ------
    RecordingError
        If there is no manifest, or it is not one of ours.
    """
    path = folder / MANIFEST
    try:
        lines = path.read_text(encoding="utf-8").splitlines()
    except (FileNotFoundError, NotADirectoryError) as error:
        read_meta(folder)  # says it if this is no recording at all
        raise RecordingError(
            f"{folder}: has no {MANIFEST}: it was interrupted or is still being written; finish "
            f"it with `sensorkit recover {folder}`"
        ) from error
    except UnicodeDecodeError as error:
        raise RecordingError(f"{path}: is not text; restore it from a copy") from error
    expected = {}
    for number, line in enumerate(lines, 1):
        entry = _ENTRY.fullmatch(line)
        if entry is None or not (entry[2] in HASHED or _LATER_RAW.fullmatch(entry[2])):
            raise RecordingError(
                f"{path}:{number}: is no hash of a file of a recording: {line[:100]!r}; restore "
                "the manifest from a copy"
            )
        expected[entry[2]] = entry[1]
    found = {}
    for name, digest in expected.items():
        if not (folder / name).is_file():
            found[name] = "missing"
        elif not raw and name.startswith("raw."):
            continue
        elif sha256_of(folder / name) != digest:
            found[name] = "changed"
    for name in needed_names(_kind(folder, expected)):
        if name not in expected and not (folder / name).is_file():
            found[name] = "missing"
    for child in sorted(folder.iterdir()):
        if child.name not in {*expected, MANIFEST, DERIVED}:
            found[child.name + ("/" if child.is_dir() else "")] = "added"
    return found


def _kind(folder: Path, names: Collection[str]) -> str:
    """Return the kind of a recording whose recording.json may be damaged or gone."""
    if RAW in names or INDEX in names:
        return "captured"
    with contextlib.suppress(RecordingError):
        return str(read_meta(folder)["kind"])
    return ""
