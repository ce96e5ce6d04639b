"""Frames of values in a fixed order: `23.97,969.18,50.58` and `23.97  969.18  0F3A`."""

from __future__ import annotations

import itertools
import re
from collections import Counter
from collections.abc import Callable, Sequence
from typing import Any

from sensorkit.capture.columns import MISSING
from sensorkit.learning import checksums, fields
from sensorkit.learning.draft import Draft, Names, channel_of
from sensorkit.learning.sample import COMMENTS, Sample

DELIMITERS = (", ", ",", "; ", ";", "\t", " | ", "|")
SAME_COUNT = 0.5
"""Share of the lines that must have the most frequent number of fields."""
MOST_COLUMNS = 200
LEAST_NUMBERS = 0.5
"""Share of the columns with something in them that must hold numbers."""
KINDS = 2
"""Words that take turns in a column, for it to say of what kind a line is."""
TURNS = 0.8
"""Share of the lines that say another word than the one before: a status lasts longer."""

_LABEL = re.compile(r".*[:=>]|[A-Za-z_].*[:=>].*")
_DECIMAL = re.compile(r"\d\.\d")
_HEX = re.compile(r"[0-9A-Fa-f]+")
_HEX_DIGITS = range(2, 14)


def csv(sample: Sample) -> Draft | None:
    """Return the columns between the delimiters of *sample*, None if there are none."""
    sums = checksums.find(sample.lines)
    best: tuple[int, Draft] | None = None
    for delimiter in DELIMITERS:
        if not any(delimiter in body for body in sums.bodies[:50]):
            continue

        def split(text: str, sign: str = delimiter) -> list[str]:
            return text.split(sign)

        frame = {"format": "csv", "delimiter": delimiter}
        draft = _columns(sample, sums, split, frame, least=2)
        if draft is not None and (best is None or len(draft.channels) > best[0]):
            best = len(draft.channels), draft
    return best[1] if best else None


def whitespace(sample: Sample) -> Draft | None:
    """Return the columns between the blanks of *sample*, None if there are none."""
    sums = checksums.find(sample.lines)
    return _columns(sample, sums, str.split, {"format": "whitespace"}, least=1)


def _columns(
    sample: Sample,
    sums: checksums.Found,
    split: Callable[[str], list[str]],
    frame: dict[str, Any],
    *,
    least: int,
) -> Draft | None:
    rows = [split(body) for body in sums.bodies]
    counts = Counter(map(len, rows))
    width, often = counts.most_common(1)[0]
    if not least <= width <= MOST_COLUMNS or often < SAME_COUNT * len(rows):
        return None
    mine = [row for row in rows if len(row) == width]
    header = _header(mine, [*sample.remarks, *sample.titles], split, width)
    if header is not None:
        mine = [row for row in mine if row != header]
    if not mine:
        return None
    draft = Draft(dict(frame), [])
    titles = header or [""] * width
    columns: list[Any] = []
    missing: set[str] = set()
    names = Names()
    numbers = 0
    roles = [
        fields.classify(column, titles[i].strip())
        for i, column in enumerate(zip(*mine, strict=True))
    ]
    devices = next((found.texts for found in roles if found.role == "device"), None)
    for i, all_devices in enumerate(roles):
        found = fields.of_each_device(all_devices, devices, titles[i].strip())
        hexadecimal = _hexadecimal(frame, found)
        if found.role == "constant" and _LABEL.fullmatch(found.words[0]):
            return None  # a name before a value: better told by a pattern
        if hexadecimal is None and (_labels_lines(found) or _holds_numbers(found)):
            return None
        special = None
        if hexadecimal is None:
            special = _special(draft, found, columns, i, titles[i].strip())
        if special is not None:
            columns.append(special)
        elif hexadecimal is not None:
            channel = channel_of(found, titles[i].strip(), names, f"column_{i + 1}")
            channel.remarks.append("hexadecimal, taken as unsigned")
            draft.channels.append(channel)
            columns.append({"name": channel.name, **hexadecimal})
            numbers += 1
        elif found.role == "number":
            channel = channel_of(found, titles[i].strip(), names, f"column_{i + 1}")
            draft.channels.append(channel)
            columns.append(channel.name)
            missing.update(found.missing)
            numbers += 1
        else:
            columns.append("@skip")
            draft.notes.append(f"column {i + 1} is skipped: {_about(found)}")
    filled = sum(any(row[i].strip() for row in mine) for i in range(width))
    if numbers == 0 or numbers + sum(c in _OWN for c in columns) < LEAST_NUMBERS * filled:
        return None
    draft.frame["columns"] = columns
    _say_missing(draft, missing, frame["format"])
    _say_comment(draft, sample)
    draft.frame |= sums.settings
    if sums.remark:
        draft.remarks["checksum"] = sums.remark
    if header is not None:
        draft.remarks["columns"] = "named as in the header line of the device"
    return draft


def _holds_numbers(found: fields.Field) -> bool:
    """Return whether measurements are inside of a column: it was cut at the wrong sign."""
    return found.role == "text" and sum(
        _DECIMAL.search(text) is not None for text in found.texts
    ) > SAME_COUNT * len(found.texts)


def _labels_lines(found: fields.Field) -> bool:
    """Return whether a column says what the line is about: each line says something else."""
    texts = found.texts
    if found.role not in ("status", "text") or len(set(texts)) < KINDS:
        return False
    changes = sum(a != b for a, b in itertools.pairwise(texts))
    return changes > TURNS * len(texts) and len(set(texts)) < 0.5 * len(texts)


_OWN = ("@sequence", "@uptime", "@status", "@device")


def _special(
    draft: Draft, found: fields.Field, columns: list[Any], i: int, title: str
) -> str | dict[str, Any] | None:
    """Return a column that is no channel, None for one that may be."""
    role = found.role
    place = f"column {i + 1}" + (f" ({title!r})" if title else "")
    told = [c["name"] if isinstance(c, dict) else c for c in columns]
    if found.seconds and role in ("clock", "uptime") and draft.step_s is None:
        draft.step_s = fields.typical_step(found.seconds)
        draft.step_from = f"the clock in {place}"
    if role == "clock":
        draft.notes.append(f"{place} is skipped: date or time, {found.why or 'by the looks of it'}")
        return "@skip"
    if role == "device" and "@device" not in told:
        draft.notes.append(f"{place} is the device: {found.why}")
        return "@device"
    if role in ("sequence", "uptime", "status") and f"@{role}" not in told:
        if role == "uptime" and found.unit_s != 1.0:
            if draft.frame["format"] == "whitespace":
                draft.notes.append(
                    f"{place} is the uptime in units of {found.unit_s:g} s: {found.why}"
                )
                return {"name": "@uptime", "scale": found.unit_s}
            draft.notes.append(
                f"{place} is skipped: a clock in units of {found.unit_s:g} s ({found.why}), and "
                "csv takes seconds"
            )
            return "@skip"
        draft.notes.append(f"{place} is the {role}: {found.why}")
        return f"@{role}"
    if role in ("sequence", "uptime"):
        draft.notes.append(f"{place} is skipped: a second {role}, {found.why}")
        return "@skip"
    return None


def _hexadecimal(frame: dict[str, Any], found: fields.Field) -> dict[str, Any] | None:
    """Return how a column of hexadecimals is read, None if it is none."""
    if frame["format"] != "whitespace" or found.role not in ("text", "status"):
        return None
    widths = {len(text) for text in found.texts}
    width = next(iter(widths))
    hexes = all(_HEX.fullmatch(text) for text in found.texts)
    with_digits = sum(any(c.isdigit() for c in text) for text in found.texts)
    if (
        len(widths) > 1
        or width not in _HEX_DIGITS
        or not hexes
        or 2 * with_digits < len(found.texts)
    ):
        return None
    return {"base": "hex", "digits": width}


def _about(found: fields.Field) -> str:
    if found.role == "constant":
        return f"always {found.words[0][:40]!r}" if found.words[0] else "always empty"
    return f"text, as {found.words[0][:40]!r}" if found.words else "text"


def _say_missing(draft: Draft, missing: set[str], form: str) -> None:
    markers = sorted(missing - {""})
    if not markers:
        return
    # In csv an empty field stays what it is without being named.
    draft.frame["missing"] = ["", *markers] if form == "csv" else markers
    draft.remarks["missing"] = "stand where a number should be: taken for a missing value"


def _say_comment(draft: Draft, sample: Sample) -> None:
    signs = Counter(
        next(sign for sign in COMMENTS if remark.startswith(sign)) for remark in sample.remarks
    )
    if signs:
        sign, often = signs.most_common(1)[0]
        draft.frame["comment"] = sign
        draft.remarks["comment"] = f"{often} such lines"


def _header(
    rows: Sequence[list[str]],
    remarks: Sequence[str],
    split: Callable[[str], list[str]],
    width: int,
) -> list[str] | None:
    """Return the line that names the columns, as the device says it."""
    for row in rows[:3]:
        later = [other for other in rows[:50] if other != row]
        if _names_columns(row) and later and not all(map(_names_columns, later)):
            return row
    for remark in remarks:
        inner = remark.lstrip("".join(COMMENTS)).strip()
        found = [part.strip() for part in split(inner)]
        if len(found) == width and _names_columns(found):
            return found
    return None


def _names_columns(row: Sequence[str]) -> bool:
    """Return whether no field is a number or empty, and all differ, as names of columns do."""
    said = [text.strip() for text in row]
    return (
        len(set(said)) == len(said)
        and all(re.match(r"[A-Za-z%#_]", text) for text in said)
        and all(fields.classify([text]).role != "clock" for text in said)
        and not all(text.lower() in MISSING for text in said)
    )
