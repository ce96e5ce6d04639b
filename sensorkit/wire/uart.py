"""What a UART reads when it listens at another speed than the sender's. Bytes in, bytes out."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

BITS_A_BYTE = 10
"""8N1: a start bit (0), eight data bits with the lowest first, a stop bit (1)."""


def levels(data: bytes, gap_bits: int = 0, gap_after: bytes = b"\n") -> NDArray[np.uint8]:
    """Return the level of the line, one value a bit of the sender, idle (1) before and after.

    Parameters
    ----------
    data : bytes
    gap_bits : int
        How long the line rests after each byte of *gap_after*.
    """
    sent = np.frombuffer(data, dtype=np.uint8)
    frames = np.ones((len(sent), BITS_A_BYTE), dtype=np.uint8)
    frames[:, 0] = 0
    frames[:, 1:9] = np.unpackbits(sent[:, None], axis=1, bitorder="little")
    line = frames.ravel()
    if gap_bits:
        ends = np.flatnonzero(np.isin(sent, np.frombuffer(gap_after, dtype=np.uint8)))
        line = np.insert(line, np.repeat((ends + 1) * BITS_A_BYTE, gap_bits), 1)
    idle = np.ones(BITS_A_BYTE, dtype=np.uint8)
    return np.concatenate([idle, line, idle])


def misread(data: bytes, *, sent_at: int, read_at: int, gap_bits: int = 0) -> bytes:
    r"""Return what arrives of *data* when it is sent at one speed and read at another.

    A falling edge starts a byte; each bit is looked at in its middle. A byte whose stop bit is
    missing (a framing error) is handed on all the same, as Linux does with INPCK off, and the
    next one starts at the first falling edge after the line was high again.

    Parameters
    ----------
    data : bytes
    sent_at, read_at : int
        Baud.
    gap_bits : int
        How many of the sender's bits the line rests after each newline.

    Examples
    --------
    >>> misread(b"T:21.5\n", sent_at=9600, read_at=9600)
    b'T:21.5\n'
    >>> misread(b"T:21.5\n", sent_at=9600, read_at=19200).isascii()
    False
    """
    line = levels(data, gap_bits)
    step = sent_at / read_at  # of the reader's bit, in bits of the sender
    edges = np.diff(line.astype(np.int8))
    falls, rises = np.flatnonzero(edges < 0) + 1, np.flatnonzero(edges > 0) + 1
    middles = (np.arange(1, BITS_A_BYTE) + 0.5) * step
    # What a byte that starts at each edge would be, and where its stop bit is looked at.
    looked = np.minimum((falls[:, None] + middles).astype(np.int64), len(line) - 1)
    bits = line[looked]
    values = (bits[:, :8] @ (1 << np.arange(8))).tolist()
    # Where to look for the next start: at the stop bit, or once the line is high again.
    ends = falls + middles[-1]
    again = rises[np.minimum(np.searchsorted(rises, ends), len(rises) - 1)]
    following = np.searchsorted(falls, np.where(bits[:, 8] == 1, ends, np.maximum(again, ends)))
    received, i, after = bytearray(), 0, following.tolist()
    while i < len(values):
        received.append(values[i])
        i = max(after[i], i + 1)
    return bytes(received)
