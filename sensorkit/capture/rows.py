"""Rows of structured_metrics.csv: texts as they stood, words that no spreadsheet runs."""

from __future__ import annotations

import functools
import re
from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from sensorkit.readings import Readings
from sensorkit.wire.texts import Texts

_PLAIN_WORD = re.compile(r"[A-Za-z0-9_][A-Za-z0-9_ .:/#%()-]*").fullmatch
_IS_NUMBER = re.compile(r"-?\d+(\.\d+)?([eE][-+]?\d+)?", re.ASCII).fullmatch


@functools.lru_cache(maxsize=4096)
def csv_word(word: str) -> str:
    r"""Return *word* as it may stand in a CSV file that somebody opens with a spreadsheet.

    Control characters are escaped; a text that a spreadsheet would run as a formula gets a `'` in
    front, which is how spreadsheets mark text.

    >>> csv_word("WARNING_TEMP"), csv_word('=HYPERLINK("x")'), csv_word("a,b")
    ('WARNING_TEMP', '"\'=HYPERLINK(""x"")"', '"a,b"')
    """
    if _PLAIN_WORD(word) or _IS_NUMBER(word):
        return word
    word = "".join(
        char if char.isprintable() else char.encode("unicode_escape").decode() for char in word
    )
    if word[:1] in {"=", "+", "-", "@"}:
        word = "'" + word
    if any(char in word for char in ',"'):
        word = '"' + word.replace('"', '""') + '"'
    return word


def metrics_header(channels: Sequence[str]) -> str:
    """Return the first line of structured_metrics.csv."""
    return ",".join(["timestamp", "device", "sequence", *channels, "status", "offset"]) + "\n"


def metrics_rows(readings: Readings, texts: Texts | Sequence[Sequence[str | None]] | None) -> bytes:
    """Return rows of structured_metrics.csv.

    Parameters
    ----------
    readings : Readings of length n
    texts : Texts of n readings, or n rows of n_channels texts, optional
        How the values stood on the wire; None for one that did not stand there: it is written
        with `repr`, the shortest text that gives the same number.
    """
    if not len(readings):
        return b""
    # Numba takes half a second to import: who only reads tables does without.
    from sensorkit.capture import kernel_rows as kernel

    texts = _written(readings.values, texts)
    device_pool, device_words = _pool(readings.device.vocabulary)
    status_pool, status_words = _pool(readings.status.vocabulary)
    most = len(readings) * (
        kernel.FIXED_BYTES
        + texts.start.shape[1]
        + int(device_words[:, 2].max())
        + int(status_words[:, 2].max())
    )
    out = np.empty(most + int(texts.length.sum()), dtype=np.uint8)
    stop = kernel.write(
        out,
        kernel.STAMP.copy(),
        *map(_own, (readings.time, readings.sequence, readings.offset)),
        _own(readings.device.codes), device_words, device_pool,
        _own(readings.status.codes), status_words, status_pool,
        texts.data, _own(texts.start), _own(texts.length),
    )  # fmt: skip
    return out[:stop].tobytes()


def _own(array: NDArray[Any]) -> NDArray[Any]:
    """Return *array* as the loop was compiled for: contiguous, and not read-only."""
    flags = array.flags
    return array if flags.c_contiguous and flags.writeable else array.copy()


@functools.lru_cache(maxsize=64)
def _pool(words: tuple[str, ...]) -> tuple[NDArray[np.uint8], NDArray[np.int64]]:
    """Return *words* as they are written, one after the other, and where each is.

    Returns
    -------
    pool : array of uint8
    places : array of int64, shape (n_words + 1, 3)
        Start, stop and length; the last, which the code -1 finds, is the empty word.
    """
    encoded = [*(csv_word(word).encode() for word in words), b""]
    lengths = np.array([len(word) for word in encoded], dtype=np.int64)
    stops = np.cumsum(lengths)
    pool = np.frombuffer(b"".join(encoded) or b"\0", dtype=np.uint8)
    return pool, np.stack([stops - lengths, stops, lengths], axis=1)


def _written(
    values: NDArray[np.float64], texts: Texts | Sequence[Sequence[str | None]] | None
) -> Texts:
    """Return the texts as they are to be written, `repr` in place of those that are not there."""
    if texts is None:
        # NaN is the one number that is not equal to itself.
        return Texts.of([["" if v != v else repr(v) for v in row] for row in values.tolist()])
    if not isinstance(texts, Texts):
        texts = Texts.of(texts)
    absent = texts.length < 0
    if not absent.any():
        return texts
    made = Texts.of([["" if v != v else repr(v)] for v in values[absent].tolist()])
    start, length = texts.start.copy(), texts.length.copy()
    start[absent] = made.start[:, 0] + len(texts.data)
    length[absent] = made.length[:, 0]
    data = np.frombuffer(texts.data.tobytes() + made.data.tobytes(), dtype=np.uint8)
    return Texts(data, start, length)
