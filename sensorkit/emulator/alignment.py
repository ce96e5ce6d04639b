"""Lay the bytes that were recorded beside the bytes that were sent."""

from __future__ import annotations

from collections.abc import Iterable
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

# What was recorded after a gap is looked for by so many bytes: more than a frame, so that two
# frames with equal values are not taken for each other where they carry a counter.
KEY_BYTES = 64

# So many keys are tried before the rest counts as never sent.
TRIES = 64

_PIECE = 1 << 16


class Run(NamedTuple):
    """Bytes that are the same in both: *length* of them from *recorded* and from *sent* on."""

    recorded: int
    sent: int
    length: int


def align(recorded: bytes, sent: bytes, breaks: Iterable[int] = ()) -> list[Run]:
    r"""Return the runs of *recorded* that are in *sent*, in order of both.

    Parameters
    ----------
    recorded, sent : bytes
    breaks : iterable of int
        Offsets in *recorded* where a gap is known to be. Where a gap can be laid in several ways
        (what was lost begins as what follows it), it is laid there, else after a line end.

    Examples
    --------
    >>> align(b"T:1\nT:3\n", b"T:1\nT:2\nT:3\n")
    [Run(recorded=0, sent=0, length=4), Run(recorded=4, sent=8, length=4)]
    """
    known = frozenset(breaks)
    runs: list[Run] = []
    at, there = _begin(recorded, sent)
    while at < len(recorded) and there < len(sent):
        length = _common(recorded, at, sent, there)
        if length:
            runs.append(Run(at, there, length))
            at, there = at + length, there + length
        found = _next(recorded, at, sent, there)
        if found is None:
            runs += _scattered(recorded[at : at + KEY_BYTES], at, sent[there:], there)
            break
        start, begin = found
        if start > at:
            runs += _scattered(recorded[at:start], at, sent[there:begin], there)
            at, there = found
        else:
            at, there = _settle(runs, recorded, sent, start, begin, known)
    return [run for run in runs if run.length]


def _begin(recorded: bytes, sent: bytes) -> tuple[int, int]:
    """Return where the first run begins: late, if all that a key holds stands only later."""
    return 0, max(sent.find(recorded[:KEY_BYTES]), 0)


def _common(one: bytes, at: int, other: bytes, there: int) -> int:
    """Return how many bytes are equal from here on."""
    length = 0
    while True:
        a, b = one[at + length : at + length + _PIECE], other[there + length :][:_PIECE]
        n = min(len(a), len(b))
        if not n:
            return length
        if a[:n] != b[:n]:
            unequal = np.frombuffer(a, np.uint8, n) != np.frombuffer(b, np.uint8, n)
            return length + int(unequal.argmax())
        length += n


def _next(recorded: bytes, at: int, sent: bytes, there: int) -> tuple[int, int] | None:
    """Return where the two agree again, at *recorded* and *sent*."""
    for size in (KEY_BYTES, 8):
        for start in range(at, min(at + TRIES * size, len(recorded)), size):
            key = recorded[start : start + size]
            found = sent.find(key, there)
            if found >= 0:
                # Back to the first byte that agrees.
                while start > at and found > there and recorded[start - 1] == sent[found - 1]:
                    start, found = start - 1, found - 1
                return start, found
    return None


def _scattered(left: bytes, at: int, among: bytes, there: int) -> list[Run]:
    """Return the runs of a few bytes between gaps that are close to each other.

    None, if they cannot all come from *among*: then there is something that nobody sent.
    """
    for longest in (len(left), 1):
        runs: list[Run] = []
        done = begin = 0
        while done < len(left):
            for size in range(min(longest, len(left) - done), 0, -1):
                found = among.find(left[done : done + size], begin)
                if found >= 0:
                    break
            else:
                break
            runs.append(Run(at + done, there + found, size))
            done, begin = done + size, found + size
        if done == len(left):
            return runs
    return []


def _settle(
    runs: list[Run], recorded: bytes, sent: bytes, at: int, there: int, known: frozenset[int]
) -> tuple[int, int]:
    """Lay the gap before (at, there) where it belongs; shortens the last run for it."""
    if not runs:
        return at, there
    last = runs[-1]
    if last.recorded + last.length != at:
        return at, there  # bytes stand between them that nobody sent
    longest, back = min(last.length, there - last.sent - last.length, KEY_BYTES * 16), 0
    choice = 0
    while True:
        if at - back in known:
            choice = back
            break
        if not choice and recorded[at - back - 1 : at - back] == b"\n":
            choice = back
        if back >= longest or recorded[at - back - 1] != sent[there - back - 1]:
            break
        back += 1
    if choice:
        runs[-1] = last._replace(length=last.length - choice)
    return at - choice, there - choice


class Places:
    """Where positions on the line stand in what was recorded, and the other way round.

    Parameters
    ----------
    runs : sequence of Run
        `sent` in them is a position on the line.
    """

    def __init__(self, runs: Iterable[Run]) -> None:
        table = np.array(list(runs), dtype=np.int64).reshape(-1, 3)
        self._recorded, self._line, self._length = table.T
        self._before = np.concatenate([[0], np.cumsum(self._length)])

    def arrived(self, position: NDArray[np.int64]) -> NDArray[np.int64]:
        """Return how many of the bytes before each position were recorded."""
        run = np.searchsorted(self._line, position, side="right") - 1
        inside = np.clip(position - self._line[run], 0, self._length[run]) if len(self._line) else 0
        return np.where(run < 0, 0, self._before[run] + inside)

    def recorded(self, position: NDArray[np.int64]) -> NDArray[np.int64]:
        """Return where each position was recorded, -1 where it was not."""
        return _look_up(position, self._line, self._recorded, self._length)

    def line(self, offset: NDArray[np.int64]) -> NDArray[np.int64]:
        """Return the position on the line of each offset, -1 where nobody sent it."""
        return _look_up(offset, self._recorded, self._line, self._length)


def _look_up(
    wanted: NDArray[np.int64],
    start: NDArray[np.int64],
    target: NDArray[np.int64],
    length: NDArray[np.int64],
) -> NDArray[np.int64]:
    if not len(start):
        return np.full(len(wanted), -1, dtype=np.int64)
    run = np.searchsorted(start, wanted, side="right") - 1
    inside = wanted - start[run]
    found: NDArray[np.int64] = np.where(
        (run >= 0) & (inside < length[run]), target[run] + inside, -1
    )
    return found
