"""Frames by the million, made of columns of bytes."""

import numpy as np

SHORT_PROFILE = """\
name: short
device: bench
rate_hz: 40000
frame: {format: key_value, status: S, sequence: N}
status_words: [WARN, NORM]
channels:
  - {name: temperature, key: T, decimals: 1, plausible: [-40, 150]}
  - {name: voltage, key: V, decimals: 1, plausible: [0, 12]}
rules:
  - {type: THRESHOLD_BREACH_TEMP, kind: range, channel: temperature, high: 120, severity: CRITICAL}
  - {type: THRESHOLD_BREACH_VOLTAGE, kind: range, channel: voltage, low: 3, severity: CRITICAL}
  - {type: HEARTBEAT_LOSS, kind: heartbeat, limit: 5, severity: CRITICAL}
"""


SHARED_PROFILE = SHORT_PROFILE.replace("status: S", "device: D, status: S")
SHARED_BY = 10


def digits(numbers, width):
    """The numbers as ASCII, a row each."""
    places = 10 ** np.arange(width - 1, -1, -1, dtype=np.int64)
    return (numbers[:, None] // places % 10 + ord("0")).astype(np.uint8)


def columns(n, parts):
    """Rows of bytes from texts that stand in every row and from digits that differ."""
    blocks = [
        np.broadcast_to(np.frombuffer(part, np.uint8), (n, len(part)))
        if isinstance(part, bytes)
        else part
        for part in parts
    ]
    return np.concatenate(blocks, axis=1)


def short(first, n, width=7):
    """`N:0000001,T:85.5,V:5.0,S:WARN`, 30 bytes with the line end; *first* is the first number."""
    number = np.arange(first, first + n)
    tens = digits(200 + number * 7 % 800, 3)
    volts = digits(45 + number * 3 % 11, 2)
    head = [b"N:", digits(number, width), b",T:", tens[:, :2], b".", tens[:, 2:]]
    tail = [b",V:", volts[:, :1], b".", volts[:, 1:], b",S:WARN\n"]
    return columns(n, [*head, *tail]).tobytes()


def shared(first, n):
    """`D:u3,N:0000001,...`, 35 bytes: ten devices by turns, each with a counter of its own."""
    number = np.arange(first, first + n)
    rows = np.frombuffer(short(first, n), np.uint8).reshape(n, -1).copy()
    rows[:, 2:9] = digits(number // SHARED_BY, 7)
    return columns(n, [b"D:u", digits(number % SHARED_BY, 1), b",", rows]).tobytes()


def damaged(first, n):
    """The same, with a wrong byte in each hundredth."""
    rows = np.frombuffer(short(first, n), np.uint8).reshape(n, -1).copy()
    rows[::100, 14] = 0xFF
    return rows.tobytes()


FIRST_DEFAULT = 100_000
"""Six digits in every counter, so that each frame has 49 bytes."""


def default(first, n):
    """`T:25.13,V:5.02,S:NORMAL,N:100000,U:1000.000*AD5B`: what `sensorkit emulate` sends."""
    number = np.arange(first, first + n)
    warm = digits(2400 + number * 7 % 300, 4)
    volts = digits(490 + number * 3 % 20, 3)
    since = digits(1_000_000 + number - FIRST_DEFAULT, 7)
    head = [b"T:", warm[:, :2], b".", warm[:, 2:], b",V:", volts[:, :1], b".", volts[:, 1:]]
    tail = [b",S:NORMAL,N:", digits(number, 6), b",U:", since[:, :4], b".", since[:, 4:]]
    body = columns(n, [*head, *tail])
    return columns(n, [body, b"*", crc16(body), b"\n"]).tobytes()


def crc16(rows):
    """The CRC-16/CCITT-FALSE of each row, as four hex digits."""
    table = np.arange(256, dtype=np.uint16) << 8
    for _ in range(8):
        table = np.where(table & 0x8000, (table << 1) ^ 0x1021, table << 1).astype(np.uint16)
    crc = np.full(len(rows), 0xFFFF, np.uint16)
    for column in rows.T:
        crc = (crc << 8) ^ table[(crc >> 8) ^ column]
    nibbles = crc[:, None] >> np.array([12, 8, 4, 0], np.uint16) & 15
    return np.frombuffer(b"0123456789ABCDEF", np.uint8)[nibbles]
