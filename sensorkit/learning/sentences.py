"""Sentences of NMEA 0183 and what looks like them: which fields hold numbers."""

from __future__ import annotations

import itertools
import re
from collections import defaultdict

from sensorkit.learning import checksums, fields
from sensorkit.learning.draft import Draft, DraftChannel, Names
from sensorkit.learning.sample import Sample
from sensorkit.wire.grammar import is_number
from sensorkit.wire.nmea import START

SHARE = 0.5
"""Of the lines that must be sentences."""
FEWEST = 2
"""Sentences of a type, for its fields to be told."""
MOST_CHANNELS = 60

_OF_DAY = re.compile(r"(?:A,)?(\d\d)(\d\d)(\d\d(?:\.\d+)?),")
_SENTENCE = re.compile(r"[$!]([A-Za-z][A-Za-z0-9]{1,15}),")

# NMEA 0183: type -> field -> channel, unit. What is left out is a time, a letter, or an identifier.
KNOWN: dict[str, dict[int, tuple[str, str]]] = {
    "GGA": {
        2: ("latitude", ""),
        4: ("longitude", ""),
        6: ("fix_quality", ""),
        7: ("satellites", ""),
        8: ("hdop", ""),
        9: ("altitude", "m"),
        11: ("geoid_separation", "m"),
    },
    "RMC": {
        3: ("latitude", ""),
        5: ("longitude", ""),
        7: ("speed_knots", "kn"),
        8: ("course", "deg"),
        10: ("magnetic_variation", "deg"),
    },
    "VTG": {
        1: ("course", "deg"),
        3: ("course_magnetic", "deg"),
        5: ("speed_knots", "kn"),
        7: ("speed", "km/h"),
    },
    "GLL": {1: ("latitude", ""), 3: ("longitude", "")},
    "GSA": {2: ("fix_dimensions", ""), 15: ("pdop", ""), 16: ("hdop", ""), 17: ("vdop", "")},
    "GSV": {3: ("satellites_in_view", "")},
    "HDT": {1: ("heading", "deg")},
    "ZDA": {},
}
"""Latitudes and longitudes stay as they are sent: degrees and minutes, ddmm.mmmm."""


def nmea(sample: Sample) -> Draft | None:
    """Return the sentences that *sample* consists of, None if it does not."""
    sentences = [line for line in sample.lines if _SENTENCE.match(line)]
    if len(sentences) < max(SHARE * len(sample.lines), 1):
        return None
    sums = checksums.find(sentences, start="".join(START))
    by_type: dict[str, list[list[str]]] = defaultdict(list)
    for body in sums.bodies:
        word, *values = body[1:].split(",")
        by_type[_type(word)].append(values)
    draft = Draft({"format": "nmea", "sentences": {}}, [])
    names = Names()
    known: dict[str, DraftChannel] = {}
    for kind, rows in sorted(by_type.items(), key=lambda item: -len(item[1])):
        if len(rows) < FEWEST and len(sums.bodies) > 20 * FEWEST:
            draft.notes.append(f"{kind}: {len(rows)} only, without values")
            continue
        places = _places(kind, rows, draft, names, known)
        if places:
            draft.frame["sentences"][kind] = places
    draft.step_s = _step(sums.bodies)
    draft.step_from = "the times of day in the sentences"
    draft.frame |= sums.settings
    if "checksum_required" not in sums.settings and sums.kind == "none":
        draft.frame["checksum_required"] = False
    if sums.remark:
        draft.remarks["checksum"] = sums.remark
    draft.remarks["sentences"] = "channel: field number behind the sentence's word"
    if "latitude" in known or "longitude" in known:
        draft.notes.append("latitude and longitude are as sent: degrees and minutes, (d)ddmm.mmmm")
    return draft


def _step(bodies: list[str]) -> float | None:
    """Return the mean time between two sentences, by the time of day in the most frequent type."""
    times: dict[str, list[tuple[int, float]]] = defaultdict(list)
    for i, body in enumerate(bodies):
        word, _, rest = body.partition(",")
        match = _OF_DAY.match(rest)
        if match:
            seconds = int(match[1]) * 3600 + int(match[2]) * 60 + float(match[3])
            times[word].append((i, seconds))
    told = max(times.values(), key=len, default=[])
    on = [((b - a) / (j - i)) for (i, a), (j, b) in itertools.pairwise(told) if b > a]
    return sorted(on)[len(on) // 2] if len(on) >= fields.FEWEST_STEPS else None


def _type(word: str) -> str:
    return word[2:] if len(word) == 5 and word[0] != "P" else word


def _places(
    kind: str,
    rows: list[list[str]],
    draft: Draft,
    names: Names,
    known: dict[str, DraftChannel],
) -> dict[str, int]:
    """Return channel -> field of the numbers in a type of sentence."""
    width = min(map(len, rows))
    found: dict[str, int] = {}
    for i in range(width):
        texts = [row[i] for row in rows]
        if any(text and not is_number(text) for text in texts) or not any(texts):
            continue
        if len(draft.channels) >= MOST_CHANNELS:
            break
        field = fields.classify([text for text in texts if text])
        decimals = min(max(len(text.partition(".")[2]) for text in texts), 9)
        if kind in KNOWN:
            if i + 1 not in KNOWN[kind]:
                continue
            name, unit = KNOWN[kind][i + 1]
            if name not in known:
                known[name] = DraftChannel(names.give(name, name), unit=unit)
                known[name].remarks.append(f"as NMEA 0183 has it: {kind} field {i + 1}")
                draft.channels.append(known[name])
            known[name].decimals = max(known[name].decimals, decimals)
            found[known[name].name] = i + 1
        elif field.role in ("number", "sequence", "uptime") or len({*texts}) == 1:
            name = names.give(f"{kind}_{_told(rows, i) or i + 1}", "field")
            draft.channels.append(DraftChannel(name, decimals=decimals))
            found[name] = i + 1
    return found


def _told(rows: list[list[str]], i: int) -> str:
    """Return the letters that stand before a field in every sentence, as in `P,967.7,Q,0.0`."""
    if i == 0:
        return ""
    before = {row[i - 1] for row in rows}
    word = before.pop()
    return word if not before and word.isalpha() and word.isascii() else ""
