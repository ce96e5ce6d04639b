import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from sensorkit.wire.uart import BITS_A_BYTE, levels, misread

LINE = b"T:21.50,V:5.00,S:NORMAL\r\n"


def naive(data, sent_at, read_at, gap_bits=0):
    """One bit at a time, as a UART does it."""
    line = levels(data, gap_bits).tolist()
    step = sent_at / read_at
    got, t = [], 0.0
    while True:
        edge = next((i for i in range(1, len(line)) if i >= t and line[i - 1] > line[i]), None)
        if edge is None:
            return bytes(got)
        at = [min(int(edge + (k + 1.5) * step), len(line) - 1) for k in range(9)]
        bits = [line[i] for i in at]
        got.append(sum(bit << k for k, bit in enumerate(bits[:8])))
        t = edge + 9.5 * step
        if not bits[8]:
            rise = next((i for i in range(1, len(line)) if i >= t and line[i - 1] < line[i]), None)
            t = len(line) if rise is None else max(t, rise)


def test_a_byte_is_ten_bits_with_the_lowest_first():
    line = levels(b"T")  # 0x54
    assert line[BITS_A_BYTE:-BITS_A_BYTE].tolist() == [0, 0, 0, 1, 0, 1, 0, 1, 0, 1]
    assert line[:BITS_A_BYTE].all()


def test_the_line_rests_after_each_newline():
    without, with_gap = levels(b"a\nb\n"), levels(b"a\nb\n", gap_bits=7)
    assert len(with_gap) == len(without) + 14
    assert misread(b"a\nb\n", sent_at=9600, read_at=9600, gap_bits=7) == b"a\nb\n"


@settings(deadline=None)
@given(st.binary(max_size=60))
def test_at_the_right_speed_every_byte_arrives(data):
    assert misread(data, sent_at=9600, read_at=9600) == data


@pytest.mark.parametrize("error", [-0.04, -0.02, 0.02, 0.04])
def test_a_clock_that_is_a_little_off_does_no_harm(error):
    """The last bit is looked at 9.5 bits after the edge: half a bit, 5 %, may be missing."""
    assert misread(LINE, sent_at=round(100_000 * (1 + error)), read_at=100_000) == LINE


@pytest.mark.parametrize("sent_at", [1200, 9600, 57600, 230400, 921600])
def test_at_a_wrong_speed_no_line_arrives(sent_at):
    got = misread(LINE * 4, sent_at=sent_at, read_at=115200, gap_bits=30)
    assert got
    assert LINE not in got


def test_a_sender_far_slower_gives_nothing_but_nul():
    assert set(misread(LINE, sent_at=1200, read_at=115200)) == {0}


def test_a_sender_at_half_the_speed_doubles_each_bit():
    # 0 1010 1010 1 of "U" becomes 00 11 00 11 00: start, then 0 1 1 0 0 1 1 0 and so on.
    assert misread(b"U", sent_at=9600, read_at=19200)[0] == 0b01100110


@settings(deadline=None)
@given(
    st.binary(min_size=1, max_size=25),
    st.sampled_from([1200, 9600, 14400, 19200, 38400, 57600, 115200]),
    st.sampled_from([9600, 19200, 57600, 115200]),
    st.sampled_from([0, 13]),
)
def test_the_fast_way_is_the_slow_one(data, sent_at, read_at, gap_bits):
    fast = misread(data, sent_at=sent_at, read_at=read_at, gap_bits=gap_bits)
    assert fast == naive(data, sent_at, read_at, gap_bits)


def test_nothing_sent_is_nothing_read():
    assert misread(b"", sent_at=9600, read_at=115200) == b""
    assert levels(b"").dtype == np.uint8
