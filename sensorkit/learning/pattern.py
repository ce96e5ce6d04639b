r"""Frames that only a regular expression describes: numbers between texts that stay the same.

Each line is cut into numbers, words and what lies between. Lines that are cut alike and have the
same labels are of one kind; each kind becomes an alternative of the pattern, with a group for every
number in it. So `V\t12530` and `I\t620`, a field a line, are two kinds.
"""

from __future__ import annotations

import re
from collections import Counter, defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Literal

from sensorkit.capture.columns import MISSING, identifier
from sensorkit.learning import checksums, fields, units
from sensorkit.learning.draft import Draft, Names, channel_of
from sensorkit.learning.sample import Sample
from sensorkit.profile.safe_pattern import SafePattern, UnsafePatternError
from sensorkit.wire.grammar import is_number

SHARE = 0.01
"""Of the lines, for a kind of its own."""
FEWEST = 3
MOST_KINDS = 24
MOST_LENGTH = 2000
MOST_WORDS = 16
"""Different words in one place: more are text that nobody can list."""

NUMBER = r"-?\d+(?:\.\d+)?"
INTEGER = r"\d+"
WORD = r"[A-Za-z_][A-Za-z0-9_]*"

_STAMP = (
    r"\d{4}[-/]\d\d[-/]\d\d[T ]\d\d:\d\d:\d\d(?:\.\d+)?Z?|\d{1,2}:\d\d:\d\d(?:[.,]\d+)?|\d{8}_\d{6}"
)
_TOKEN = re.compile(
    rf"(?P<clock>{_STAMP})"
    r"|(?P<number>(?:(?<![A-Za-z0-9_.])[+-])?(?<![A-Za-z0-9_.])\d+(?:\.\d+)?(?![0-9]|\.\d|x[0-9A-Fa-f]))"
    r"|(?P<word>[A-Za-z_][A-Za-z0-9_.]*)"
)
_LABELLED = re.compile(r"[ \t]*[:=>\t|(\[]+[ \t]*|[ \t]+")
_LABEL = re.compile(r"([A-Za-z_][A-Za-z0-9_.%]*)[^A-Za-z0-9_]*$")

Type = Literal["clock", "number", "word", "text"]


@dataclass(frozen=True)
class Token:
    """A piece of a line."""

    type: Type
    text: str
    label: bool = False
    """A word that names what follows: it belongs to the kind of the line."""


def regex(sample: Sample) -> Draft | None:
    """Return the pattern that most lines of *sample* have, None where there is none."""
    sums = checksums.find(sample.lines)
    kinds: dict[tuple[Any, ...], list[list[Token]]] = defaultdict(list)
    for body in sums.bodies:
        tokens = _tokens(body)
        if any(token.type == "number" for token in tokens):
            kinds[_kind(tokens)].append(tokens)
    least = max(FEWEST, SHARE * len(sums.bodies))
    common = sorted((rows for rows in kinds.values() if len(rows) >= least), key=len, reverse=True)
    draft = Draft({"format": "regex", "pattern": ""}, [])
    names = Names()
    parts: list[str] = []
    for rows in common[:MOST_KINDS]:
        before = len(draft.channels)
        part = _part(rows, draft, names, alone=len(common) == 1)
        whole = "|".join([*parts, part])
        if len(draft.channels) == before or len(whole) > MOST_LENGTH or not _is_safe(whole):
            del draft.channels[before:]
            draft.notes.append(f"left out: lines as {_line(rows[0])[:60]!r}")
            continue
        parts.append(part)
    if not parts:
        return None
    draft.frame["pattern"] = "|".join(parts)
    if len(parts) > 1:
        draft.remarks["pattern"] = f"{len(parts)} kinds of lines; each gives the values it has"
    else:
        draft.remarks["pattern"] = "numbers between texts that stay the same"
    draft.frame |= sums.settings
    if sums.remark:
        draft.remarks["checksum"] = sums.remark
    return draft


def _is_safe(pattern: str) -> bool:
    try:
        SafePattern(pattern)
    except UnsafePatternError:
        return False
    return True


def _line(tokens: Sequence[Token]) -> str:
    return "".join(token.text for token in tokens)


def _tokens(body: str) -> list[Token]:
    """Cut a line into its pieces; they join to the line again."""
    pieces: list[Token] = []
    at = 0
    for match in _TOKEN.finditer(body):
        if match.start() > at:
            pieces.append(Token("text", body[at : match.start()]))
        kind = match.lastgroup
        text = match[0]
        if kind == "word" and text.lower() in MISSING:
            kind = "number"
        pieces.append(Token(kind, text))  # type: ignore[arg-type]
        at = match.end()
    if at < len(body):
        pieces.append(Token("text", body[at:]))
    return [
        Token("word", piece.text, _is_label(pieces, i)) if piece.type == "word" else piece
        for i, piece in enumerate(pieces)
    ]


def _is_label(pieces: Sequence[Token], i: int) -> bool:
    """Return whether a word names what follows it, or is the unit of a number before it."""
    if i and pieces[i - 1].type in ("number", "clock"):
        return True
    behind_number = i > 1 and pieces[i - 1].text == " " and pieces[i - 2].type == "number"
    if behind_number and units.known(pieces[i].text):
        return True
    if i + 2 >= len(pieces) or pieces[i + 1].type != "text":
        return i + 1 < len(pieces) and pieces[i + 1].type == "number"
    between, after = pieces[i + 1].text, pieces[i + 2]
    if any(sign in between for sign in ":=>\t"):
        return True
    return _LABELLED.fullmatch(between) is not None and after.type in ("number", "clock")


def _kind(tokens: Sequence[Token]) -> tuple[Any, ...]:
    """Return what lines of one kind have in common."""
    return tuple(
        (token.type, re.sub(" +", " ", token.text) if token.type == "text" else token.text)
        if token.type == "text" or token.label
        else (token.type,)
        for token in tokens
    )


def _part(rows: Sequence[Sequence[Token]], draft: Draft, names: Names, *, alone: bool) -> str:
    """Return the pattern of one kind of lines, and give its numbers their channels."""
    first = rows[0]
    written: list[str] = []
    for i, token in enumerate(first):
        texts = [row[i].text for row in rows]
        if token.type == "text":
            written.append(_of_text(texts))
        elif token.type == "clock":
            written.append(_of_clock(texts, draft))
        elif token.type == "word":
            written.append(_escaped(token.text) if token.label else _of_word(texts, draft, alone))
        else:
            label = _LABEL.search(_line(first[:i]))
            after = first[i + 1] if i + 1 < len(first) else Token("text", "")
            written.append(
                _of_number(texts, label[1] if label else "", after.text, draft, names, alone)
            )
    return "".join(written)


def _of_text(texts: Sequence[str]) -> str:
    """Return a constant text; where the number of blanks varies, any number of them."""
    if len(set(texts)) == 1:
        return _escaped(texts[0])
    return re.sub(r" +", " +", _escaped(texts[0]))


def _escaped(text: str) -> str:
    """Return a text as a pattern, blanks as they are and tabs where they can be seen."""
    return re.escape(text).replace(r"\ ", " ").replace("\\\t", r"\t")


def _of_clock(texts: Sequence[str], draft: Draft) -> str:
    found = fields.classify(list(texts))
    if found.seconds and draft.step_s is None:
        draft.step_s = fields.typical_step(found.seconds)
        draft.step_from = "the date and time in the lines"
    return re.sub(r"\d+", lambda _: r"\\d+", re.escape(texts[0])).replace(r"\\d", r"\d")


def _of_word(texts: Sequence[str], draft: Draft, alone: bool) -> str:
    said = Counter(texts)
    if len(said) == 1:
        return re.escape(texts[0])
    found = fields.classify(list(texts))
    role = found.role
    taken = draft.remarks.get(role) is not None
    if alone and role in ("status", "device") and not taken:
        draft.remarks[role] = found.why
        return f"(?P<{role}>{WORD})"
    return WORD if len(said) > MOST_WORDS else f"(?:{'|'.join(map(re.escape, sorted(said)))})"


def _of_number(
    texts: Sequence[str], label: str, after: str, draft: Draft, names: Names, alone: bool
) -> str:
    """Return the group of a number, or what stands for a counter or clock."""
    plus = r"\+?" if any(text.startswith("+") for text in texts) else ""
    plain = [text.removeprefix("+") for text in texts]
    missing = sorted({text for text in plain if not is_number(text)})
    found = fields.classify(plain, label.rstrip("."))
    if found.role in ("sequence", "uptime") and alone and not missing:
        if found.seconds and draft.step_s is None:
            draft.step_s = fields.typical_step(found.seconds)
            draft.step_from = f"the clock in {label!r}"
        if found.role not in draft.remarks and found.unit_s == 1.0:
            draft.remarks[found.role] = found.why
            return rf"{plus}(?P<{found.role}>{NUMBER if found.role == 'uptime' else INTEGER})"
        draft.notes.append(f"{label or 'a number'} is skipped: {found.why}")
        return rf"{plus}{NUMBER}"
    if found.role == "clock":
        return rf"{plus}{NUMBER}"
    text = label.rstrip(".")
    channel = channel_of(found, text, names, f"value_{len(draft.channels) + 1}")
    unit = units.known(re.match(r"\s?([A-Za-z%/0-9]*)", after)[1])  # type: ignore[index]
    if unit and not channel.unit:
        channel.unit = unit
        channel.remarks.append(f"unit: {after.strip()[:12]!r} behind the number")
    group = re.sub(r"[^A-Za-z0-9_]", "_", identifier(channel.name))
    if group != channel.name:
        channel.key = group
    channel.decimals = min(
        max((len(t.partition(".")[2]) for t in plain if is_number(t)), default=0), 9
    )
    draft.channels.append(channel)
    if not missing:
        return f"{plus}(?P<{group}>{NUMBER})"
    draft.notes.append(f"{channel.name}: {', '.join(missing)} stand for a missing value")
    return f"(?:{plus}(?P<{group}>{NUMBER})|{'|'.join(map(re.escape, missing))})"
