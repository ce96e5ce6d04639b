"""The lines that are looked at to find out how a device speaks."""

from __future__ import annotations

import re
from typing import Literal, NamedTuple

from sensorkit.capture.diagnosis import diagnose
from sensorkit.display.formats import visible
from sensorkit.errors import RunError

FEWEST_LINES = 5
"""With fewer there is nothing to compare."""
MOST_LINES = 4000
LONGEST_LINE = 4096
"""A longer line is no frame of a device that is learned: it is passed over."""
TEXT_SHARE = 0.5
"""Share of the bytes that must stand in lines of text; the rest may be noise or binary."""
SAMPLE_BYTES = 4_000_000
COMMENTS = ("#", "//", "%", ";")
"""What lines begin with that are no frames but remarks of people or loggers."""

FIRST_LINES = 3
"""A header stands in one of these."""

_TEXT = re.compile(rb"[\t\x20-\x7e]+")


class LearnError(RunError):
    """There is nothing to learn from: too little, or nothing that can be read."""


class Sample(NamedTuple):
    """Lines of a device, as text."""

    lines: list[str]
    """Those that may be frames, in their order."""
    remarks: list[str]
    """Those that begin with a comment sign."""
    line_end: Literal["lf", "cr"]
    data: bytes
    """The bytes that the lines come from."""
    titles: tuple[str, ...] = ()
    """Lines at the beginning with characters beyond ASCII: no frames, but maybe their header."""


def take(data: bytes, where: str, baud: int | None = None) -> Sample:
    r"""Return the lines of *data*, or say why they are not to be learned from.

    Parameters
    ----------
    data : bytes
    where : str
        What it came from, for the message.
    baud : int, optional
        The speed it was read at.

    Raises
    ------
    LearnError
        If it is empty, no text, or fewer than `FEWEST_LINES` lines.

    Examples
    --------
    >>> take(b"21.5\n" * 6, "log.txt").lines[0]
    '21.5'
    """
    data = data[:SAMPLE_BYTES]
    if not data.strip():
        raise LearnError(
            f"{where}: holds no byte to learn from; check that the device sends by itself, and "
            "listen longer"
        )
    cr = data.count(b"\r") > 4 * data.count(b"\n")
    # The last piece has no line end: it may be half a frame.
    pieces = re.split(rb"\r" if cr else rb"\r?\n", data)[:-1]
    whole = [piece for piece in pieces if piece.strip()]
    texts: list[str] = []
    remarks: list[str] = []
    good = seen = 0
    for piece in whole:
        text = piece.decode("latin-1")
        if text.startswith(COMMENTS) and _TEXT.fullmatch(piece):
            remarks.append(text)
            continue
        seen += len(piece)
        if len(piece) <= LONGEST_LINE and _TEXT.fullmatch(piece):
            good += len(piece)
            if len(texts) < MOST_LINES:
                texts.append(text)
    if good < TEXT_SHARE * seen or (not whole and len(data) > LONGEST_LINE):
        found = diagnose(data, baud)
        if found.beyond:
            raise LearnError(f"{where}: {found.findings()}; {found.advice()}")
        raise LearnError(
            f"{where}: most of it is no text ({found.findings()}); learn reads devices that send "
            f"lines of text: {found.advice()}"
        )
    if len(texts) < FEWEST_LINES:
        example = f" (the last is {visible(texts[-1][:60])!r})" if texts else ""
        raise LearnError(
            f"{where}: has {len(texts)} whole lines of text{example}, at least {FEWEST_LINES} are "
            "wanted, some hundred are better; listen longer"
        )
    titles = tuple(
        _as_text(piece)
        for piece in whole[:FIRST_LINES]
        if len(piece) <= LONGEST_LINE and not piece.isascii()
    )
    return Sample(texts, remarks, "cr" if cr else "lf", data, titles)


def _as_text(piece: bytes) -> str:
    try:
        return piece.decode("utf-8-sig")
    except UnicodeDecodeError:
        return piece.decode("latin-1")
