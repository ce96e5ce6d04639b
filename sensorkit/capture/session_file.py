"""session.json: what it says of a session and its devices, read, checked and written."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

from sensorkit.capture import layout
from sensorkit.errors import RecordingError
from sensorkit.readings import parse_time

FILE = "session.json"

SCHEMA_VERSION = 1

_IS_TIME = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9:.]+Z").fullmatch

_OF_A_DEVICE = ("name", "link", "profile", "folder", "status", "reason")


def read_session(folder: Path) -> dict[str, Any]:
    """Return what session.json holds.

    Raises
    ------
    RecordingError
        If there is none, or it is not one of ours.
    """
    path = folder / FILE
    try:
        meta = json.loads(path.read_text(encoding="utf-8"))
    except (FileNotFoundError, NotADirectoryError) as error:
        raise RecordingError(
            f"{folder}: is no session: it has no {FILE}; give a folder that `sensorkit capture` "
            "has made of several links"
        ) from error
    except (OSError, ValueError, RecursionError) as error:
        raise RecordingError(
            f"{path}: cannot be read as JSON: {error}; restore it from a copy, or name one of the "
            "recordings in the folder"
        ) from error
    version = meta.get("schema_version") if isinstance(meta, dict) else None
    if version != SCHEMA_VERSION:
        raise RecordingError(
            f"{path}: has schema_version {version!r}, this sensorkit reads {SCHEMA_VERSION}; use "
            "the version of sensorkit that made it"
        )
    wrong = _wrong(meta)
    if wrong:
        raise RecordingError(f"{path}: {wrong}; restore it from a copy")
    return dict(meta)


def write_session(folder: Path, meta: dict[str, Any]) -> None:
    """Write session.json, whole or not at all."""
    text = json.dumps(meta, indent=2, ensure_ascii=False, allow_nan=False) + "\n"
    layout.write_whole(folder / FILE, text)


def closed(meta: dict[str, Any]) -> dict[str, str]:
    """Return status and reason of a session whose devices have all ended."""
    devices = meta["devices"]
    bad = [one for one in devices if one["status"] != "complete"]
    if not bad and len({one["reason"] for one in devices}) == 1:
        return {"status": "complete", "reason": devices[0]["reason"]}
    status = "failed" if any(one["status"] != "aborted" for one in bad) else "aborted"
    reason = "; ".join(f"{one['name']}: {one['reason']}" for one in bad or devices)
    return {"status": status if bad else "complete", "reason": reason}


def _wrong(meta: dict[str, Any]) -> str:
    """Say what session.json lacks, "" for nothing."""
    for name in ("name", "status", "reason", "started"):
        if not isinstance(meta.get(name), str):
            return f"does not say its {name!r}"
    for name in ("started", "ended"):
        told = meta.get(name)
        try:
            # "now" and 3 are times to whoever is lax.
            if told is not None and not (_IS_TIME(told) and parse_time(told)):
                raise ValueError
        except (TypeError, ValueError):
            return f"has no time in {name!r}, as 2026-11-21T03:26:47Z is"
    devices = meta.get("devices")
    if not isinstance(devices, list) or not devices:
        return "has no list of 'devices'"
    for i, device in enumerate(devices):
        for name in _OF_A_DEVICE:
            if not isinstance(device, dict) or not isinstance(device.get(name), str):
                return f"devices.{i} does not say its {name!r}"
        folder = device["folder"]
        if not folder or folder != Path(folder).name or folder in {".", ".."}:
            return f"devices.{i}.folder is {folder!r:.80}, no name of a folder beside it"
    if len({device["name"] for device in devices}) < len(devices):
        return "names a device twice"
    return ""
