import itertools

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sensorkit.wire.framing import Line, LineFramer

STREAM = b"T:21.5\r\n\nT:2\r5\n" + b"x" * 40 + b"\r\nshort\ntail"
LINES = [
    Line(0, b"T:21.5"),
    Line(8, b""),
    Line(9, b"T:2\r5"),
    Line(15, b"x" * 16, overlong=True),
    Line(57, b"short"),
]


def cut(stream, places):
    edges = [0, *sorted(places), len(stream)]
    return [stream[a:b] for a, b in itertools.pairwise(edges)]


def feed(pieces, limit=16):
    framer = LineFramer(limit)
    return [line for piece in pieces for line in framer.feed(piece)], framer


@pytest.mark.parametrize("chunk", [1, 2, 7, len(STREAM)])
def test_lines_do_not_depend_on_how_the_bytes_arrive(chunk):
    lines, framer = feed([STREAM[i : i + chunk] for i in range(0, len(STREAM), chunk)])
    assert lines == LINES
    assert framer.tail == b"tail"


def test_a_line_starts_where_its_offset_says():
    for line in LINES:
        assert STREAM[line.offset :].startswith(line.data)


def test_a_device_that_sends_carriage_returns_alone_is_told_by_its_profile():
    framer = LineFramer(16, line_end="cr")
    assert framer.feed(b"T:1\rT:2\r\nT:3\r" + b"x" * 20 + b"\rT:4") == [
        Line(0, b"T:1"),
        Line(4, b"T:2"),
        Line(8, b"\nT:3"),  # in this mode a newline is no line end
        Line(13, b"x" * 16, overlong=True),
    ]
    assert (framer.tail, framer.terminators, framer.passed_over) == (b"T:4", 4, 4)


def test_an_endless_line_is_handed_out_once_and_takes_no_memory():
    framer = LineFramer(16)
    lines = [line for _ in range(1000) for line in framer.feed(b"y" * 100)]
    assert lines == [Line(0, b"y" * 16, overlong=True)]
    assert framer.tail == b""
    assert framer.passed_over == 100_000 - 16


def test_what_follows_an_overlong_line_is_read():
    lines, _ = feed([b"z" * 100, b"zz\nT:1\n"])
    assert lines[1:] == [Line(103, b"T:1")]


def test_a_line_as_long_as_the_limit_is_not_overlong():
    assert feed([b"a" * 16 + b"\n"])[0] == [Line(0, b"a" * 16)]


def test_a_cut_ends_the_line_and_the_stream_goes_on():
    framer = LineFramer(16)
    framer.feed(b"T:1")
    assert framer.cut() == Line(0, b"T:1")
    assert framer.cut() is None
    assert framer.feed(b"T:2\n") == [Line(3, b"T:2")]


def test_a_cut_ends_an_overlong_line_too():
    framer = LineFramer(16)
    framer.feed(b"w" * 20)
    assert framer.cut() is None
    assert framer.feed(b"T:2\n") == [Line(20, b"T:2")]


hostile = st.lists(
    st.sampled_from([b"\n", b"\r", b"\r\n", b"a", b"bc" * 5, b"d" * 17, b"\0", b"\xff"]),
    max_size=30,
).map(b"".join)


@given(hostile, st.lists(st.integers(0, 200), max_size=8))
def test_any_cut_of_hostile_bytes_gives_the_same_lines(stream, places):
    whole, one = feed([stream])
    pieces, many = feed(cut(stream, [min(place, len(stream)) for place in places]))
    assert pieces == whole
    assert (many.tail, many.terminators, many.passed_over) == (
        one.tail,
        one.terminators,
        one.passed_over,
    )


@given(st.lists(hostile, max_size=8))
def test_every_byte_is_in_a_line_a_line_end_the_tail_or_passed_over(pieces):
    lines, framer = feed(pieces)
    accounted = sum(len(line.data) for line in lines) + framer.terminators + framer.passed_over
    assert framer.received == sum(map(len, pieces)) == accounted + len(framer.tail)
