"""Frames of keys and values: `T:25.1,V:5.0` and `{"t":25.1,"env":{"rh":40}}`."""

from __future__ import annotations

import json
import re
from collections import Counter
from collections.abc import Sequence
from typing import Any

from sensorkit.learning import checksums, fields
from sensorkit.learning.draft import Draft, Names, channel_of
from sensorkit.learning.sample import Sample
from sensorkit.wire.grammar import is_number

SEPARATORS = (", ", ",", "; ", ";", " | ", "|", "\t", "&", "  ", " ")
ASSIGNMENTS = (": ", ":", " = ", "= ", "=", "\t", " ")
SAME_KEYS = 0.5
"""Share of the lines that must have the most frequent keys."""
ALWAYS = 0.98
"""A key of an object that fewer of the lines have is no channel: frames without it are none."""

_KEY = re.compile(r"[A-Za-z_][A-Za-z0-9_.%°/()\[\]-]*(?: [A-Za-z0-9_.%°/()\[\]-]+)*")
SPECIAL: tuple[fields.Role, ...] = ("status", "sequence", "uptime")

Pairs = dict[str, str]


def key_value(sample: Sample) -> Draft | None:
    """Return the pairs that *sample* consists of, None if it does not."""
    sums = checksums.find(sample.lines)
    best: tuple[float, Draft] | None = None
    for separator in SEPARATORS:
        for assignment in ASSIGNMENTS:
            if separator in assignment or assignment in separator:
                continue
            if not any(assignment in body for body in sums.bodies[:50]):
                continue
            found = _pairs_with(sums, separator, assignment)
            if found is not None and (best is None or found[0] > best[0]):
                best = found
    return best[1] if best else None


def _pairs_with(
    sums: checksums.Found, separator: str, assignment: str
) -> tuple[float, Draft] | None:
    parsed = [_split(body, separator, assignment) for body in sums.bodies]
    sets = Counter(frozenset(pairs) for pairs in parsed if pairs)
    if not sets:
        return None
    keys, _ = sets.most_common(1)[0]
    mine = [pairs for pairs in parsed if pairs and pairs.keys() == keys]
    share = len(mine) / len(parsed)
    if share < SAME_KEYS:
        return None
    frame: dict[str, Any] = {
        "format": "key_value",
        "separator": separator,
        "assignment": assignment,
    }
    draft = Draft(frame, [])
    names = Names()
    roles = {key: fields.classify([pairs[key] for pairs in mine], key) for key in mine[0]}
    devices = next((found.texts for found in roles.values() if found.role == "device"), None)
    for key, all_devices in roles.items():
        found = fields.of_each_device(all_devices, devices, key)
        if not _place(draft, found, key, names):
            return None
    _finish(draft, sums)
    return share, draft


def _split(body: str, separator: str, assignment: str) -> Pairs | None:
    pairs: Pairs = {}
    for part in body.split(separator):
        key, sign, value = part.partition(assignment)
        if not sign or not _KEY.fullmatch(key) or key in pairs or value != value.strip():
            return None
        pairs[key] = value
    return pairs


def _place(draft: Draft, found: fields.Field, key: str, names: Names) -> bool:
    """Give a field its place; return whether the format has one for it."""
    role = found.role
    if role == "constant" and not found.words[0]:
        role = "number"  # empty in every frame: a channel that is missing
    if role in ("text", "clock", "constant"):
        if found.seconds:
            draft.step_s = draft.step_s or fields.typical_step(found.seconds)
            draft.step_from = draft.step_from or f"the clock in {key!r}"
        if role == "clock" and is_number(found.texts[0]):
            role = "number"
        else:
            return False
    if role == "uptime" and (found.unit_s != 1.0 or draft.frame.get("uptime")):
        draft.step_s = fields.typical_step(found.seconds or [])
        draft.step_from = f"the clock in {key!r}"
        channel = channel_of(found, key, names, key, key=key)
        channel.remarks.append("a clock of the device in milliseconds, no measurement")
        draft.channels.append(channel)
        return True
    if role in (*SPECIAL, "device") and not draft.frame.get(role):
        draft.frame[role] = key
        draft.remarks[role] = found.why
        if role == "uptime":
            draft.step_s = fields.typical_step(found.seconds or [])
            draft.step_from = f"the uptime in {key!r}"
        return True
    if role in ("status", "device"):
        return False
    if any(found.missing) and found.missing != ("",):
        return False  # a word for "missing" has no place in pairs
    draft.channels.append(channel_of(found, key, names, key, key=key))
    return True


def _finish(draft: Draft, sums: checksums.Found) -> None:
    draft.frame |= sums.settings
    if sums.remark:
        draft.remarks["checksum"] = sums.remark


def json_lines(sample: Sample) -> Draft | None:
    """Return the objects that *sample* consists of, None if it does not."""
    sums = checksums.find(sample.lines)
    objects = [said for said in map(_object, sums.bodies) if said is not None]
    if len(objects) < SAME_KEYS * len(sums.bodies):
        return None
    leaves = [dict(_leaves(said)) for said in objects]
    counts = Counter(path for said in leaves for path in said)
    draft = Draft({"format": "json"}, [])
    names = Names()
    left_out: dict[str, str] = {}
    devices = _devices(leaves, counts)
    for path, count in counts.items():
        if count < ALWAYS * len(leaves):
            left_out[path] = f"in {count} of {len(leaves)} objects only"
            continue
        values = [said.get(path) for said in leaves]
        why = _place_leaf(draft, path, values, names, devices)
        if why:
            left_out[path] = why
    if any(isinstance(value, list) for said in objects for value in said.values()):
        left_out["[...]"] = "lists are not read"
    if left_out:
        draft.frame["others"] = "accept"
        told = "; ".join(f"{path!r} ({why})" for path, why in left_out.items())
        draft.remarks["others"] = f"left out: {told}"
    _finish(draft, sums)
    return draft


def _devices(leaves: Sequence[dict[str, Any]], counts: Counter[str]) -> list[str] | None:
    """Return the device of each object, None where they name none."""
    for path, count in counts.items():
        # Numbers are kept as a kind of text, too.
        texts = [text for said in leaves if type(text := said.get(path)) is str]
        if count < len(leaves) or len(texts) < count:
            continue
        if fields.classify(texts, path.rpartition(".")[2]).role == "device":
            return texts
    return None


def _place_leaf(
    draft: Draft, path: str, values: Sequence[Any], names: Names, devices: list[str] | None
) -> str:
    """Give a field of an object its place; return why it has none."""
    if "" in path.split("."):
        return "its key cannot be named in a profile"
    if any(isinstance(value, bool) for value in values):
        return "true or false"
    texts = ["" if value is None else str(value) for value in values]
    is_text = [isinstance(value, str) and not isinstance(value, _Number) for value in values]
    last = path.rpartition(".")[2]
    found = fields.classify([_plain(text) for text in texts], last)
    found = fields.of_each_device(found, devices, last)
    if any(is_text):
        if not all(is_text) or found.role not in ("status", "device"):
            if found.seconds:
                draft.step_s = draft.step_s or fields.typical_step(found.seconds)
                draft.step_from = draft.step_from or f"the clock in {path!r}"
            return "a text" if found.role != "clock" else "date and time"
        if draft.frame.get(found.role):
            return "a text"
    if found.role == "clock" or (found.role == "uptime" and found.unit_s != 1.0):
        draft.step_s = fields.typical_step(found.seconds or [])
        draft.step_from = f"the clock in {path!r}"
        return "a clock, but not in seconds since the start"
    if found.role in (*SPECIAL, "device") and draft.frame.get(found.role) is None:
        draft.frame[found.role] = path
        draft.remarks[found.role] = found.why
        if found.role == "uptime":
            draft.step_s = fields.typical_step(found.seconds or [])
            draft.step_from = f"the uptime in {path!r}"
        return ""
    if not all(value is None or isinstance(value, _Number) for value in values):
        return "no number"
    draft.channels.append(channel_of(found, last, names, path, key=path))
    return ""


class _Number(str):
    """A number of an object, as it stood."""

    __slots__ = ()


_read = json.JSONDecoder(parse_float=_Number, parse_int=_Number).decode


def _object(line: str) -> dict[str, Any] | None:
    if not line.startswith("{"):
        return None
    try:
        said = _read(line)
    except (ValueError, RecursionError):
        return None
    return said if isinstance(said, dict) else None


def _leaves(said: dict[str, Any], above: str = "", depth: int = 0) -> list[tuple[str, Any]]:
    found: list[tuple[str, Any]] = []
    for key, value in said.items():
        path = f"{above}{key}"
        if "." in key or isinstance(value, list):
            continue  # a dot leads into an object; a list has no path
        if isinstance(value, dict):
            if depth < 8:
                found += _leaves(value, f"{path}.", depth + 1)
        else:
            found.append((path, value))
    return found


def _plain(text: str) -> str:
    """Return a number without its exponent, so that it is looked at as one."""
    if "e" not in text.lower():
        return text
    try:
        return f"{float(text):.9f}".rstrip("0").rstrip(".")
    except ValueError:
        return text
