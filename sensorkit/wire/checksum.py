"""Checksums of a frame. No port, clock or file here."""

from __future__ import annotations

import binascii
import functools
import operator
from typing import Literal

Kind = Literal["none", "xor", "crc16"]

DIGITS: dict[Kind, int] = {"none": 0, "xor": 2, "crc16": 4}
"""Hex digits after the `*`."""

_HEX = frozenset(b"0123456789abcdefABCDEF")


def crc16(data: bytes) -> int:
    """Return the CRC-16/CCITT-FALSE: polynomial 0x1021, start 0xFFFF, nothing reflected.

    Examples
    --------
    >>> hex(crc16(b"123456789"))  # the check value of the catalogue [1]_
    '0x29b1'

    References
    ----------
    .. [1] G. Cook, "Catalogue of parametrised CRC algorithms", entry CRC-16/IBM-3740.
    """
    return binascii.crc_hqx(data, 0xFFFF)


def xor8(data: bytes) -> int:
    """Return all bytes exclusive-ored, as NMEA 0183 does between `$` and `*`.

    >>> hex(xor8(b"GPGLL,5300.97914,N,00259.98174,E,125926,A"))
    '0x28'
    """
    return functools.reduce(operator.xor, data, 0)


def append(body: bytes, kind: Kind) -> bytes:
    """Return *body* with its checksum.

    >>> append(b"123456789", "crc16")
    b'123456789*29B1'
    """
    match kind:
        case "xor":
            return b"%b*%02X" % (body, xor8(body))
        case "crc16":
            return b"%b*%04X" % (body, crc16(body))
        case _:
            return body


def split(line: bytes, kind: Kind) -> tuple[bytes, bool | None]:
    """Return *line* without its checksum, and whether that was right.

    Returns
    -------
    body : bytes
        What stands before the last `*`; all of *line* where there is none.
    right : bool or None
        None where the line has no `*`. One that is cut short or is no hex number is wrong.

    Examples
    --------
    >>> split(b"123456789*29B1", "crc16")
    (b'123456789', True)
    >>> split(b"123456789*29B", "crc16")
    (b'123456789', False)
    >>> split(b"123456789", "crc16")
    (b'123456789', None)
    """
    if kind == "none" or b"*" not in line:
        return line, None
    body, _, digits = line.rpartition(b"*")
    if len(digits) != DIGITS[kind] or not _HEX.issuperset(digits):
        return body, False
    return body, int(digits, 16) == (xor8(body) if kind == "xor" else crc16(body))
