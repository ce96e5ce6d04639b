"""What the kernel knows of texts: numbers, words and checksums, read where they stand.

The compiled walk on disk holds this as it was: after a change here, touch kernel.py.
"""

from __future__ import annotations

from typing import Any, Final

import numpy as np

from sensorkit.wire.compiling import compiled

_EXACT = 2**53
_POWERS: Final = 10 ** np.arange(19, dtype=np.int64)


def _crc_tables() -> Any:
    """Return tables for eight bytes of CRC-16/CCITT-FALSE at a time, shape (8, 256).

    Row k is the CRC of a byte with k zero bytes behind it ("slicing", Kounavis and Berry 2005).
    """
    tables = np.zeros((8, 256), dtype=np.int64)
    for byte in range(256):
        crc = byte << 8
        for _ in range(8):
            crc = (crc << 1) ^ 0x1021 if crc & 0x8000 else crc << 1
        tables[0, byte] = crc & 0xFFFF
    for row in range(1, 8):
        before = tables[row - 1]
        tables[row] = ((before << 8) & 0xFFFF) ^ tables[0, before >> 8]
    return tables.astype(np.int32)  # signed, as all numbers below


_CRC: Final = _crc_tables()


@compiled()
def crc16(data, start, stop):  # type: ignore[no-untyped-def]
    """Return the CRC of data[start:stop]; see `checksum.crc16`."""
    crc = 0xFFFF
    i = start
    while i + 8 <= stop:
        crc = (
            _CRC[7, data[i] ^ (crc >> 8)]
            ^ _CRC[6, data[i + 1] ^ (crc & 0xFF)]
            ^ _CRC[5, data[i + 2]]
            ^ _CRC[4, data[i + 3]]
            ^ _CRC[3, data[i + 4]]
            ^ _CRC[2, data[i + 5]]
            ^ _CRC[1, data[i + 6]]
            ^ _CRC[0, data[i + 7]]
        )
        i += 8
    while i < stop:
        crc = ((crc << 8) & 0xFFFF) ^ _CRC[0, (crc >> 8) ^ data[i]]
        i += 1
    return np.int64(crc)


@compiled()
def xor8(data, start, stop):  # type: ignore[no-untyped-def]
    """Return all bytes of data[start:stop] exclusive-ored."""
    total = 0
    for i in range(start, stop):
        total ^= data[i]
    return np.int64(total)


@compiled()
def quotient(number, power):  # type: ignore[no-untyped-def]
    """Return number / 10**power as the nearest float, halves to even, as `float` of the text does.

    Both exact below 2**53, so is one division of the two rounded once (Clinger 1990). Else the
    quotient is had bit by bit: 54 bits and whether anything is left decide how to round.
    """
    if power == 0:
        return float(number)
    divisor = _POWERS[power]
    if number <= _EXACT:
        return float(number) / float(divisor)
    whole, rest = number // divisor, number % divisor
    scale = 1.0
    while whole < 2 * _EXACT and rest != 0:
        whole, rest, scale = whole << 1, rest << 1, scale * 0.5
        if rest >= divisor:
            whole, rest = whole | 1, rest - divisor
    if rest != 0:
        whole |= 1
    return float(whole) * scale


@compiled()
def same(data, at, pool, start, stop):  # type: ignore[no-untyped-def]
    """Return whether the text at *at* is the one in the pool; data ends with a line end."""
    for i in range(stop - start):  # noqa: SIM110 - what numba compiles to a loop
        if data[at + i] != pool[start + i]:
            return False
    return True


@compiled()
def word(data, start, stop, pool, words, likely):  # type: ignore[no-untyped-def]
    """Return the row of the text data[start:stop] in *words*, or -1."""
    length = stop - start
    if words[likely, 1] - words[likely, 0] == length and same(
        data, start, pool, words[likely, 0], words[likely, 1]
    ):
        return likely
    for i in range(len(words)):
        if words[i, 1] - words[i, 0] == length and same(
            data, start, pool, words[i, 0], words[i, 1]
        ):
            return i
    return -1


@compiled(inline=True)
def decimal(data, start):  # type: ignore[no-untyped-def]
    """Read -?[0-9]{1,18}(.[0-9]{1,18})? of at most 18 digits together.

    Returns where it stops (-1: it is none), the digits as one number, how many of them stand after
    the point, and whether it is negative.
    """
    at = start
    negative = data[at] == 45
    if negative:
        at += 1
    number = np.int64(0)
    first = at
    digit = np.int64(data[at]) - 48
    while 0 <= digit <= 9 and at - first < 18:
        number = number * 10 + digit
        at += 1
        digit = np.int64(data[at]) - 48
    if at == first or 0 <= digit <= 9:
        return -1, 0, 0, negative
    if digit != -2:  # the point
        return at, number, 0, negative
    point = at
    at += 1
    digit = np.int64(data[at]) - 48
    while 0 <= digit <= 9 and at - first <= 18:
        number = number * 10 + digit
        at += 1
        digit = np.int64(data[at]) - 48
    if at == point + 1 or 0 <= digit <= 9:
        return -1, 0, 0, negative
    return at, number, at - point - 1, negative


@compiled()
def hexadecimal(byte):  # type: ignore[no-untyped-def]
    """Return the value of a hexadecimal digit, or -1."""
    if 48 <= byte <= 57:
        return byte - 48
    if 65 <= byte <= 70:
        return byte - 55
    if 97 <= byte <= 102:
        return byte - 87
    return -1


@compiled()
def sum_is_right(data, start, star, digits):  # type: ignore[no-untyped-def]
    """Return whether the digits after the star are the checksum of what stands before it."""
    told = 0
    for i in range(star + 1, star + 1 + digits):
        digit = hexadecimal(np.int64(data[i]))
        if digit < 0:  # a line end among them, too
            return False
        told = told * 16 + digit
    return told == (crc16(data, start, star) if digits == 4 else xor8(data, start, star))


@compiled()
def find(data, at, n, byte):  # type: ignore[no-untyped-def]
    """Return where *byte* stands at or after *at*; *n* if nowhere before it."""
    while at < n and data[at] != byte:
        at += 1
    return at
