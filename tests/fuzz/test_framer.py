"""The framer against a twin that sees the whole stream at once."""

import re
from itertools import accumulate

import pytest
from hostile import JUNK, cut, fuzz, places
from hypothesis import given
from hypothesis import strategies as st

from sensorkit.wire.framing import Line, LineFramer

LIMIT = 24
pieces = st.sampled_from([*JUNK, b"T:21.5", b"x" * 23, b"x" * 24, b"x" * 25, b"x" * 24 + b"\r"])
streams = st.lists(pieces, max_size=30).map(b"".join)


def twin(data, end=b"\n"):
    """Return the lines that have ended or are too long already."""
    parts = re.findall(rb"[^%b]*%b|[^%b]+\Z" % (end, end, end), data)
    starts = accumulate(map(len, parts), initial=0)
    lines = []
    for start, part in zip(starts, parts, strict=False):
        ended, line = part.endswith(end), part.removesuffix(end)
        if len(line) > LIMIT:
            lines.append(Line(start, line[:LIMIT], overlong=True))
        elif ended:
            lines.append(Line(start, line if end == b"\r" else line.removesuffix(b"\r")))
    return lines


@pytest.mark.parametrize(("line_end", "end"), [("lf", b"\n"), ("cr", b"\r")])
@fuzz
@given(data=streams, places=places)
def test_the_lines_are_those_of_the_whole_stream(line_end, end, data, places):
    framer = LineFramer(LIMIT, line_end=line_end)
    expected = twin(data, end)
    assert [line for piece in cut(data, places) for line in framer.feed(piece)] == expected
    in_lines = sum(len(line.data) for line in expected)
    assert framer.received == len(data)
    assert framer.received == (
        in_lines + framer.terminators + framer.passed_over + len(framer.tail)
    )


@pytest.mark.parametrize("end", [b"\n", b"\r\n"])
def test_the_twin_knows_the_line_ends(end):
    assert twin(b"a" + end + b"b" + end + b"c") == [Line(0, b"a"), Line(1 + len(end), b"b")]
