"""The catalogue of hostile bytes: each has a name, and what follows it is read."""

import tracemalloc

import numpy as np
import pytest
from hostile import PROFILES, START, S

from sensorkit.profile import Profile
from sensorkit.wire.checksum import append
from sensorkit.wire.codec import make_codec
from sensorkit.wire.stream import FrameStream

MONITOR = PROFILES["serial_monitor"]
ANY_WORD = Profile.from_dict({**MONITOR.to_dict(), "status_words": [], "status_rules": []}, "test")
codec = make_codec(MONITOR)
READ = 4095
"""What a terminal hands out at most."""


def frame(i, **options):
    told = {"status": "NORMAL", "sequence": i, "uptime": f"{i}.000"} | options
    return codec.encode(["21.5", "5.0"], **told) + b"\n"


WHOLE = b"T:85.5,V:5.0,S:NORMAL"


def feed(data, profile=MONITOR):
    stream = FrameStream(profile, started_ns=START)
    # A right checksum first: from here on it may not be missing.
    batch = stream.feed(START + S, frame(0) + data + b"\n" + frame(1))
    return batch, stream.counts


BAD = {
    "nothing": (b"", "empty"),
    "blanks": (b"   \t", "empty"),
    "a carriage return alone": (b"\r\r", "empty"),
    "NULs before the frame": (b"\0\0\0" + WHOLE, "encoding"),
    "a NUL in a number": (b"T:8\x005.5,V:5.0,S:NORMAL", "encoding"),
    "bytes that are no UTF-8": (b"T:\xff\xfe,V:5.0,S:NORMAL", "encoding"),
    "bit 7 set throughout": (bytes(byte | 0x80 for byte in WHOLE), "encoding"),
    "digits of another alphabet": ("T:\uff18\uff15.\uff15,V:5.0,S:NORMAL".encode(), "encoding"),
    "a byte order mark": ("\ufeff".encode() + WHOLE, "encoding"),
    "XON in a number": (b"T:\x118\x135.5,V:5.0,S:NORMAL", "encoding"),
    "a bell": (b"T:85.5,V:5.0,S:NOR\x07MAL", "encoding"),
    "a terminal's escape sequence": (b"T:85.5,V:5.0,S:\x1b]0;owned\x07", "encoding"),
    "a carriage return inside": (b"T:85.5,\rV:5.0,S:NORMAL", "encoding"),
    "no number": (b"T:nan,V:5.0,S:NORMAL,N:7", "number"),
    "infinity": (b"T:infinity,V:5.0,S:NORMAL", "number"),
    "an exponent": (b"T:1e5,V:5.0,S:NORMAL", "number"),
    "an underscore": (b"T:8_5.5,V:5.0,S:NORMAL", "number"),
    "a blank in front": (b"T: 85.5,V:5.0,S:NORMAL", "number"),
    "a plus": (b"T:+85.5,V:5.0,S:NORMAL", "number"),
    "no digit before the point": (b"T:.5,V:5.0,S:NORMAL", "number"),
    "no digit after the point": (b"T:5.,V:5.0,S:NORMAL", "number"),
    "hexadecimal": (b"T:0x10,V:5.0,S:NORMAL", "number"),
    "four hundred digits": (b"T:" + b"9" * 400 + b",V:5.0,S:NORMAL", "number"),
    "a counter below zero": (WHOLE + b",N:-1", "number"),
    "a value that no sensor says": (b"T:999.5,V:5.0,S:NORMAL", "range"),
    "an uptime of centuries": (WHOLE + b",N:7,U:9999999999", "range"),
    "another status word": (b"T:85.5,V:5.0,S:NORMALE", "status"),
    "a formula as a status": (b'T:85.5,V:5.0,S:=HYPERLINK("x")', "status"),
    "half a status word": (b"T:85.5,V:5.0,S:NORM", "status"),
    "cut off": (b"T:85.5,V:5", "field_missing"),
    "a field without a value's sign": (b"T:85.5,V,S:NORMAL", "field_syntax"),
    "merged with the next": (WHOLE + WHOLE, "field_duplicate"),
    "cut off and merged": (b"T:85.5,V:5.0,S:NORT:85.5,V:5.0,S:NORMAL", "field_duplicate"),
    "a field nobody knows": (WHOLE + b",X:1", "field_unknown"),
    "boot text": (b"rst:0x1 (POWERON_RESET),boot:0x13", "field_unknown"),
    "a stack trace": (b"Guru Meditation Error", "syntax"),
    "a wrong checksum": (frame(7)[:-2] + b"?", "checksum"),
    "a checksum cut short": (frame(7)[:-2], "checksum"),
    "a checksum left out": (frame(7)[:-6], "checksum_missing"),
    "a line without an end": (b"x" * 5000, "overlong"),
}


@pytest.mark.parametrize("name", BAD)
def test_a_bad_line_has_a_reason_and_the_next_is_read(name):
    data, reason = BAD[name]
    # A value is judged behind its checksum, so each bad line gets a right one where it has none.
    if b"*" not in data and reason not in {"checksum_missing", "empty", "overlong"}:
        data = append(data, "crc16")
    batch, counts = feed(data)
    assert [r.reason.value for r in batch.rejections] == [reason]
    assert batch.readings.sequence.tolist() == [0, 1]
    assert counts.lost == 0


@pytest.mark.parametrize("word", ["=1+1", "@SUM(A1)", "+A1", "-A1", '"quoted"', "\x1b[31m", "\0"])
def test_without_a_vocabulary_no_word_can_be_a_formula_or_a_command(word):
    batch, counts = feed(append(b"T:85.5,V:5.0,S:" + word.encode(), "crc16"), ANY_WORD)
    assert set(counts.rejected) <= {"status", "encoding"}
    assert len(batch.rejections) == 1
    assert batch.readings.sequence.tolist() == [0, 1]


def test_line_ends_of_all_kinds_may_be_mixed():
    data = b"".join(frame(i)[:-1] + end for i, end in enumerate([b"\n", b"\r\n", b"\r\n", b"\n"]))
    stream = FrameStream(MONITOR)
    assert stream.feed(START, data).readings.sequence.tolist() == [0, 1, 2, 3]
    assert stream.counts.terminator_bytes == 6
    assert stream.counts.rejected == {}


@pytest.mark.parametrize(
    ("order", "events"),
    [
        ([0, 1, 2, 2, 3], []),  # a frame twice
        ([0, 1, 3, 2, 4], ["sequence_gap"]),  # one overtaken by the next
        ([0, 1, 5, 6], ["sequence_gap"]),
        ([40, 41, 0, 1], ["device_reset"]),
    ],
)
def test_what_the_counter_says_is_told_and_every_frame_is_kept(order, events):
    stream = FrameStream(MONITOR)
    batch = stream.feed(START, b"".join(map(frame, order)))
    assert batch.readings.sequence.tolist() == order
    assert [event.kind for event in batch.events] == events


def endless(size):
    """A line of *size* bytes without an end, in reads as a terminal gives them."""
    stream = FrameStream(MONITOR)
    stream.feed(START, frame(0))
    piece = b"x" * READ
    found = 0
    for i in range(size // READ):
        found += len(stream.feed(START + i, piece).rejections)
    assert len(stream.feed(START + S, b"\n" + frame(1)).readings) == 1
    return found, stream.counts


def test_ten_megabytes_without_a_line_end_are_one_rejection_and_no_memory():
    endless(10 * READ)  # what is made once
    tracemalloc.start()
    try:
        found, counts = endless(10_000_000)
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert found == 1
    assert counts.rejected == {"overlong": 1}
    assert counts.rejected_bytes > 9_990_000
    assert peak < 256 * 1024


def test_ten_megabytes_in_blocks_take_the_memory_of_a_few_blocks():
    block = b"x" * (1 << 20)
    received, lengths = np.array([START]), np.array([len(block)])
    stream = FrameStream(MONITOR)
    stream.feed_reads(block, received, lengths)
    tracemalloc.start()
    try:
        for _ in range(10):
            stream.feed_reads(block, received, lengths)
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert stream.counts.rejected == {"overlong": 1}
    assert peak < 16 << 20
