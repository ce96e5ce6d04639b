"""What is wrong with bytes that are no frames: speed, parity, line ends, or format."""

from __future__ import annotations

import functools
import json
import re
from collections import Counter
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from sensorkit.errors import ProfileError
from sensorkit.profile import Profile, shipped
from sensorkit.wire.stream import FrameStream
from sensorkit.wire.uart import misread

COMMON_BAUD = (
    115200,
    9600,
    57600,
    38400,
    19200,
    230400,
    460800,
    921600,
    4800,
    2400,
    1200,
    250000,
    500000,
    1000000,
)
"""The speeds that devices have, the most frequent first."""

SAMPLE_BYTES = 16384
"""So many bytes are looked at; a tenth of a second's work."""

TEXT_SHARE = 0.97
"""With so many printable bytes it is text, and the speed is right."""

READS_SHARE = 0.5
"""A profile that reads so many of the lines is the one."""

# Beyond this a byte of ours is over before the sender's start bit is: all that comes is NUL.
_ALL_NUL_RATIO = 11

# Mean log-likelihood of a byte: texts at the right speed came to -5.7 and better, random bytes to
# -6.4 and worse (four reading speeds, samples of 10 to 100 lines).
_WORST_FIT = -6.0

_LINE_END = re.compile(rb"\r\n|\n|\r")
_PAIR = re.compile(r"""["']?([A-Za-z][\w .%°/-]{0,30}?)["']?\s*([:=])\s*("[^"]*"|[^,;:=\t ]+)""")
_NUMBER = re.compile(r"[+-]?(\d+\.?\d*|\.\d+)([eE][+-]?\d+)?")
_NMEA = re.compile(r"[$!]([A-Z][A-Z0-9]{2,}),")
_USUAL_SIGNS = frozenset("°º±²³µ·ÄÖÜäöüßàçéèñ")
"""What texts of devices have beyond ASCII; in Latin-1 any noise reads as some text."""
_MOST_SIGNS = 0.2
"""Share of them in a text of one byte a character, at most."""


@dataclass(frozen=True)
class Diagnosis:
    """What a sample of bytes looks like."""

    size: int
    high: float
    """Share of bytes with bit 7, which no ASCII text has."""
    nul: float
    printable: float
    line_ends: str
    """LF, CRLF, CR, or "" for none."""
    shape: str
    """What the lines look like, in words; "" when they are no text."""
    example: str
    """One line, its control characters escaped."""
    profile: str | None
    """The shipped profile that reads it."""
    baud: tuple[int, ...]
    """The speeds that the sender probably has, the likeliest first; () where it is text."""
    parity: str
    """even or odd, where the device seems to send seven bits and a parity; else ""."""
    beyond: str = ""
    """Characters beyond ASCII in what is text otherwise, as the degree sign."""

    def findings(self) -> str:
        """Return what was seen, in one clause."""
        if not self.size:
            return "nothing came"
        if self.beyond:
            return f"the lines are text with characters beyond ASCII, as {self.beyond[0]!r}"
        if self.printable >= TEXT_SHARE:
            ends = f"end with {self.line_ends}" if self.line_ends else "have no line end"
            return f"the lines are text and {ends}; they look like {self.shape}: {self.example}"
        seen = [f"{self.high:.0%} of the bytes have bit 7 set"]
        if self.nul >= 0.01:
            seen.append(f"{self.nul:.0%} are NUL")
        return ", ".join(seen)

    def advice(self, why: str = "", in_use: str = "") -> str:
        """Return what to try, in one clause.

        *why* is the reason most lines were rejected for, *in_use* the profile they were read with.
        """
        if self.beyond and why in {"", "encoding"}:
            return (
                "frames are read in ASCII alone: let the device leave those characters out (C for "
                "°C), or read it with a codec of your own (docs/frame-formats.md)"
            )
        if self.printable >= TEXT_SHARE:
            return self._advice_for_text(why, in_use)
        if self.parity:
            return (
                f"the device sends seven data bits with {self.parity} parity; set it to 8N1 "
                "(eight bits, no parity)"
            )
        if self.baud:
            slower = " or slower" if self.nul > TEXT_SHARE else ""
            return (
                f"the device probably sends at {self.baud[0]} baud{slower}: try --baud "
                f"{self.baud[0]}, or let --probe find it"
            )
        return (
            "this is no text: a binary protocol (docs/frame-formats.md says how one is read), or "
            "a port that was read at the wrong baud rate"
        )

    def _advice_for_text(self, why: str, in_use: str) -> str:
        if why in {"checksum", "checksum_missing"}:
            return (
                "the shape is right and the checksum is not: noise on the line, a missing ground, "
                "or another kind of checksum than the profile's"
            )
        if why == "device":
            return (
                f"the frames are of devices that profile {in_use} does not name: add them to its "
                "`devices`, or leave that out to take any"
            )
        if self.profile is not None and self.profile == in_use:
            return (
                f"the newest lines are as the profile {in_use} wants them; what came before was "
                "another speed, noise or the device's start: capture again"
            )
        if self.profile is not None:
            return f"try --profile {self.profile}"
        if self.line_ends == "CR":
            return "the device ends its lines with CR: the profile's frame wants line_end: cr"
        return "--profile is another device's; describe yours as docs/attach-a-device.md shows"


def diagnose(data: bytes, baud: int | None = None) -> Diagnosis:
    """Look at a sample of what a device sends.

    Parameters
    ----------
    data : bytes
        As received; at most `SAMPLE_BYTES` of its end are looked at.
    baud : int, optional
        The speed it was read at; None where there is none to be wrong.
    """
    sample = np.frombuffer(data[-SAMPLE_BYTES:], dtype=np.uint8)
    text = sample.tobytes()
    n = max(len(sample), 1)
    printable = float(np.isin(sample, _PRINTABLE).sum()) / n
    is_text = len(sample) > 0 and printable >= TEXT_SHARE
    lines = [line for line in _LINE_END.split(text)[1:-1] if line.strip()] if is_text else []
    beyond = beyond_ascii(text)
    parity = "" if is_text or beyond else _parity(sample)
    guessed = bool(baud) and len(text) > 0 and not (is_text or beyond or parity)
    return Diagnosis(
        size=len(sample),
        high=float((sample >= 0x80).sum()) / n,
        nul=float((sample == 0).sum()) / n,
        printable=printable,
        line_ends=_line_ends(text) if is_text else "",
        shape=shape([line.decode("latin-1") for line in lines]) if is_text else "",
        example=_example(lines, text),
        profile=_reading_profile(text) if is_text else None,
        baud=likely_baud(text, baud) if baud and guessed else (),
        parity=parity,
        beyond=beyond,
    )


# A terminal's colours begin with ESC; a text that has them is no binary protocol.
_PRINTABLE = np.array([*range(32, 127), *b"\t\r\n\x1b"], dtype=np.uint8)


def likely_baud(data: bytes, read_at: int) -> tuple[int, ...]:
    """Return the sender's probable speeds when *data* was read at *read_at*, likeliest first.

    A known text is sent at each common speed and read at ours (`wire.uart`); the speed whose
    bytes have the distribution that was seen is the one. A sender more than eleven times slower
    gives nothing but NUL, at any speed: then all such speeds are returned, the fastest first.
    """
    seen = np.bincount(np.frombuffer(data, dtype=np.uint8), minlength=256)
    if seen[0] == len(data):
        return tuple(sorted((b for b in COMMON_BAUD if b * 8 <= read_at), reverse=True))
    candidates = [b for b in COMMON_BAUD if b != read_at and b * _ALL_NUL_RATIO > read_at]
    fit = {b: float(seen @ _log_distribution(b, read_at)) / len(data) for b in candidates}
    good = [b for b in candidates if fit[b] > _WORST_FIT]
    return tuple(sorted(good, key=lambda b: -fit[b])[:3])


@functools.cache
def _log_distribution(sent_at: int, read_at: int) -> NDArray[np.float64]:
    """Return log(share) of each byte value in a known text read at the wrong speed."""
    # The faster the sender, the fewer bytes are left of a text.
    text = _reference() * max(1, round(sent_at / read_at))
    got = misread(text, sent_at=sent_at, read_at=read_at, gap_bits=21)
    counts = np.bincount(np.frombuffer(got, dtype=np.uint8), minlength=256) + 0.3
    share: NDArray[np.float64] = np.log(counts / counts.sum())
    return share


@functools.cache
def _reference() -> bytes:
    """Return lines such as devices send: pairs, columns, sentences and objects."""
    rng = np.random.default_rng(1)
    lines = []
    for i in range(25):
        a, b, c = rng.uniform(-5, 99), rng.uniform(0, 999), int(rng.integers(65536))
        lines += [
            f"T:{a:.2f},V:{b:.1f},S:NORMAL,N:{i},U:{i}.000*{c:04X}\r\n",
            f"$GPGGA,{c:06d},{a:.3f},N,{b:.2f},E*{c % 256:02X}\r\n",
            f"{a:.2f},{b:.2f},{c}\r\n",
            f'{{"temp": {a:.2f}, "status": "ok", "n": {i}}}\n',
        ]
    return "".join(lines).encode("ascii")


def beyond_ascii(data: bytes) -> str:
    r"""Return the characters beyond ASCII in lines of text, "" where there are none.

    >>> beyond_ascii("T=21.5°C\\nT=21.6°C\\n".encode()), beyond_ascii(bytes(range(256)) * 2)
    ('°', '')
    """
    # The first and the last line may be halves, of characters too.
    whole = data[data.find(b"\n") + 1 : data.rfind(b"\n")]
    for encoding in ("utf-8", "latin-1"):
        try:
            text = whole.decode(encoding)
        except UnicodeDecodeError:
            continue
        signs = Counter(c for c in text if not c.isascii())
        usual = signs.keys() <= _USUAL_SIGNS and signs.total() <= _MOST_SIGNS * len(text)
        if all(c.isprintable() or c in "\t\r\n\x1b" for c in text) and (
            encoding == "utf-8" or usual
        ):
            return "".join(sign for sign, _ in signs.most_common())
    return ""


def _parity(sample: NDArray[np.uint8]) -> str:
    """Return the parity of bytes that are seven-bit text with one, "" otherwise."""
    low = sample & 0x7F
    if len(sample) < 32 or np.isin(low, _PRINTABLE).mean() < TEXT_SHARE:
        return ""
    odd = np.unpackbits(sample[:, None], axis=1).sum(axis=1) % 2
    if odd.mean() < 1 - TEXT_SHARE:
        return "even"
    return "odd" if odd.mean() > TEXT_SHARE else ""


def _line_ends(text: bytes) -> str:
    found = Counter(_LINE_END.findall(text))
    if not found:
        return ""
    return {b"\r\n": "CRLF", b"\n": "LF", b"\r": "CR"}[found.most_common(1)[0][0]]


def _example(lines: list[bytes], text: bytes) -> str:
    """Return a line as Python would write it, at most 60 characters."""
    shown = repr(lines[len(lines) // 2] if lines else text[-40:])[2:-1]
    return f"{shown[:57]}..." if len(shown) > 60 else shown


def _reading_profile(text: bytes) -> str | None:
    reads = {name: share_read(Profile.load(name), text) for name in shipped()}
    best = max(reads, key=lambda name: reads[name], default=None)
    return best if best is not None and reads[best] >= READS_SHARE else None


def share_read(profile: Profile, data: bytes) -> float:
    """Return the share of the lines in *data* that are frames of *profile*."""
    try:
        stream = FrameStream(profile)
    except ProfileError:
        return 0.0  # imported data: it has no frames
    stream.feed(0, data)
    rejected = dict(stream.counts.rejected)
    rejected.pop("header", None)
    total = stream.counts.frames + sum(rejected.values())
    return stream.counts.frames / total if total else 0.0


def shape(lines: list[str]) -> str:
    """Return what most of *lines* look like, in words.

    >>> shape(["T:21.5,V:5.0", "T:21.6,V:5.0"])
    "pairs with ':' (T, V), as format key_value reads"
    >>> shape(["21.5;5.0", "21.6;5.1"])
    "2 columns with ';', as format csv reads"
    """
    kinds = Counter(_shape_of(line) for line in lines[:200])
    return kinds.most_common(1)[0][0] if kinds else "plain text"


def _shape_of(line: str) -> str:
    line = line.strip()
    if line.startswith("{") and line.endswith("}"):
        keys = _keys(line)
        return f"JSON objects ({', '.join(keys[:6])})" if keys else "objects that are not JSON"
    if _NMEA.match(line):
        return "NMEA sentences, as format nmea reads"
    body = re.sub(r"\*[0-9A-Fa-f]{2,4}$", "", line)
    pairs = _PAIR.findall(body)
    if pairs:
        keys = [key for key, _, _ in pairs]
        return f"pairs with {pairs[0][1]!r} ({', '.join(keys[:6])}), as format key_value reads"
    for delimiter in (",", ";", "\t", "|"):
        if delimiter in body and _mostly_numbers(body.split(delimiter)):
            columns = body.count(delimiter) + 1
            return f"{columns} columns with {delimiter!r}, as format csv reads"
    words = body.split()
    if _mostly_numbers(words):
        return f"{len(words)} columns with blanks" if len(words) > 1 else "one number a line"
    return "plain text"


def _keys(line: str) -> list[str]:
    try:
        found = json.loads(line)
    except ValueError:
        return []
    return list(found) if isinstance(found, dict) else []


def _mostly_numbers(fields: list[str]) -> bool:
    numbers = sum(_NUMBER.fullmatch(field.strip()) is not None for field in fields)
    return numbers * 2 >= len(fields) > 0
