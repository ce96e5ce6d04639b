"""Where things stand in the arrays that the kernel works on; what it shares with its caller.

Apart from the kernel, for that needs numba. The compiled code on disk is that of kernel.py as it
was: after a change here, touch that file.
"""

from __future__ import annotations

from typing import Final

# Rows of `facts`, one column a line.
START: Final = 0
"""Where the line begins in the buffer."""
LENGTH: Final = 1
"""Bytes of it, without its line end; of an overlong one what is handed out."""
SEQUENCE: Final = 2
UPTIME: Final = 3
"""Nanoseconds."""
STATUS: Final = 4
"""Code of the word."""
KIND: Final = 5
READ: Final = 6
"""Which read brought its end."""
DEVICE: Final = 7
"""Code of the name."""
N_FACTS: Final = 8

# What KIND says.
UNCHECKED: Final = 0
"""A usual line without a checksum."""
CHECKED: Final = 1
UNUSUAL: Final = 2
OVERLONG: Final = 3

NONE: Final = -1
"""No sequence, no uptime, no status word, no device."""

# Places in `setup`: what is fixed for a stream.
LIMIT, END, DIGITS, DEMANDED, REQUIRED, KEYED, SEPARATOR, COMMENT = 0, 1, 2, 3, 4, 5, 6, 8
N_SETUP: Final = 10
"""SEPARATOR and COMMENT are a start and a stop in the pool."""

# Places in `state`: what goes on from block to block.
PASSING_OVER, TERMINATORS, PASSED_OVER, POSITION, AT_READ, LAST_WORD, LAST_DEVICE = range(7)
ODD, SIGNED, BYTES, FOLLOWS = range(7, 11)
"""ODD, SIGNED and BYTES are of the rows last filled: lines that are not usual, those with a
checksum, and the bytes of all that are usual. FOLLOWS is the first of n_fields + 1 places: which
field came after each in the last line, the one before the first being number n_fields. The next
line will most likely be the same."""
