import itertools

from hypothesis import given, settings
from hypothesis import strategies as st

from sensorkit.wire.block_framer import BlockFramer
from sensorkit.wire.framing import Line


def find(data):
    """A block is `<`, a digit n, and n bytes."""
    start = data.find(b"<")
    if start < 0:
        return None
    digit = data[start + 1 : start + 2]
    if digit and not digit.isdigit():  # no block after all
        inner = find(data[start + 1 :])
        return inner and (start + 1 + inner[0], inner[1] and start + 1 + inner[1])
    stop = start + 2 + int(digit or b"9")
    return start, stop if stop <= len(data) else None


def feed(pieces, limit=8):
    framer = BlockFramer(find, limit)
    lines = [line for piece in pieces for line in framer.feed(piece)]
    return lines, framer


def test_blocks_and_what_lies_between_them_are_handed_out():
    lines, framer = feed([b"<1a??<0<2bc<3x"])
    assert [line.data for line in lines] == [b"<1a", b"??", b"<0", b"<2bc"]
    assert [line.offset for line in lines] == [0, 3, 5, 7]
    assert framer.tail == b"<3x"


def test_noise_without_a_block_is_handed_out_when_it_is_too_long():
    lines, framer = feed([b"x" * 20])
    assert lines == [Line(0, b"x" * 8, True), Line(8, b"x" * 8, True)] or [
        (line.offset, len(line.data)) for line in lines
    ] == [(0, 8), (8, 8)]
    assert len(framer.tail) == 4


def test_a_block_that_does_not_end_is_overlong():
    lines, _ = feed([b"<9" + b"x" * 30], limit=8)
    assert lines[0] == Line(0, b"<9xxxxxx", True)


def test_noise_before_an_unfinished_block_does_not_take_it_along():
    lines, framer = feed([b"yyyy<4ab", b"cd"])
    assert [line.data for line in lines] == [b"yyyy", b"<4abcd"]
    assert framer.tail == b""


def test_a_lost_link_ends_the_block():
    framer = BlockFramer(find, 8)
    framer.feed(b"?<2a")
    assert framer.cut() == Line(0, b"?<2a")
    assert framer.cut() is None
    assert framer.feed(b"<1b") == [Line(4, b"<1b")]


streams = st.lists(
    st.sampled_from([b"<1a", b"<3abc", b"<9", b"??", b"<", b"<<1x", b"y" * 11, b"7", b"<0"]),
    max_size=20,
).map(b"".join)


@settings(deadline=None)
@given(streams, st.lists(st.integers(0, 80), max_size=8))
def test_no_cut_matters_and_every_byte_is_in_one_place(data, places):
    edges = [0, *sorted(min(place, len(data)) for place in places), len(data)]
    lines, framer = feed([data[a:b] for a, b in itertools.pairwise(edges)])
    assert lines == feed([data])[0]
    assert b"".join(line.data for line in lines) + framer.tail == data
    assert all(data[line.offset :].startswith(line.data) for line in lines)
    assert framer.received == len(data) == (
        sum(len(line.data) for line in lines)
        + framer.terminators + framer.passed_over + len(framer.tail)
    )  # fmt: skip
