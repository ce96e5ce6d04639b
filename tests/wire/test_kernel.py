"""The kernel against the slow, obvious way: the same of everything, whatever the bytes and cuts."""

import itertools
import os
import struct
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from by_the_book import ByTheBook, Fast
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from sensorkit.capture import kernel_rows
from sensorkit.capture.rows import metrics_rows
from sensorkit.profile import Profile
from sensorkit.wire import checksum, kernel, kernel_text, kernel_timeline
from sensorkit.wire.codec import make_codec
from sensorkit.wire.grammar import is_number
from sensorkit.wire.kernel_decoder import MOST_WORDS, KernelDecoder
from sensorkit.wire.stream import FrameStream

TESTS = Path(__file__).parents[1]
KERNELS = [
    Path(__file__),
    TESTS / "wire" / "test_kernel_timeline.py",
    TESTS / "capture" / "test_tables.py",
]

S = 1_000_000_000
START = 1_700_000_000 * S

patient = settings(
    deadline=None,
    max_examples=int(os.environ.get("SENSORKIT_FUZZ", "150")),
    suppress_health_check=[HealthCheck.too_slow],
)


def profile(form, *, words=(), heartbeat=5.0, limits=((-40, 150), None), devices=()):
    channels = [
        {"name": "temperature", "key": "T", **({"plausible": limits[0]} if limits[0] else {})},
        {"name": "voltage", "key": "V", **({"plausible": limits[1]} if limits[1] else {})},
    ]
    return Profile.from_dict(
        {
            "name": "tried",
            "rate_hz": 1.0,
            "heartbeat_s": heartbeat,
            "channels": channels,
            "frame": form,
            "status_words": list(words),
            "devices": list(devices),
        },
        "test",
    )


KEYS = {"format": "key_value", "status": "S", "sequence": "N", "uptime": "U"}
PROFILES = {
    "monitor": Profile.load("serial_monitor"),
    "optional checksum": profile(
        {**KEYS, "checksum": "crc16", "checksum_required": False}, words=["OK", "WARN", "WARN_T"]
    ),
    "demanded checksum": profile({**KEYS, "checksum": "xor", "checksum_required": True}),
    "any word": profile({**KEYS, "separator": ";", "assignment": "="}, heartbeat=None),
    "long signs": profile({**KEYS, "separator": ", ", "assignment": ": "}, words=["OK"]),
    "tabs": profile({"format": "key_value", "separator": "\t", "max_line_bytes": 24}),
    "columns": profile(
        {
            "format": "csv",
            "columns": ["@skip", "temperature", "voltage", "@status", "@sequence", "@uptime"],
            "comment": "#",
            "missing": ["", "M"],
            "checksum": "crc16",
            "checksum_required": "once_seen",
        },
        words=["OK", "WARN"],
    ),
    "few columns": profile(
        {"format": "csv", "columns": ["voltage", "@skip"], "missing": ["NAN"], "line_end": "cr"}
    ),
    "blanks": profile({"format": "csv", "delimiter": " ", "columns": ["temperature", "voltage"]}),
    "any device": profile({**KEYS, "device": "D", "checksum": "crc16"}, words=["OK"]),
    "named devices": profile(
        {"format": "csv", "columns": ["temperature", "@device", "@uptime", "@sequence", "voltage"]},
        devices=["a", "b-2", "a.3", "unheard"],
    ),
    "carriage returns": profile({**KEYS, "checksum": "xor", "line_end": "cr"}, words=["OK"]),
}


def frame(of, i, *, word=None):
    """Frame *i* of a device, without its line end."""
    words = of.status_words or ("OK", "fan 2", "7", "WARN(x)")
    texts = [f"{20 + i % 9}.{i % 10}", ["5.0", "", "-0", "0005.25"][i % 4 if i % 7 == 0 else 0]]
    if getattr(of.frame, "missing", None) == ("NAN",):
        texts[1] = texts[1] or "NAN"
    told = {"status": word or words[i % len(words)], "sequence": i, "uptime": f"{i}.250"}
    return make_codec(of).encode(texts, **told, device=("a", "b-2", "a.3", "a")[i % 4])


def pieces_of(of):
    """Frames, and what frames are made of: random bytes alone would all be rejected at once."""
    end = b"\r" if of.frame.line_end == "cr" else b"\n"
    whole = [frame(of, i) + end for i in (0, 1, 2, 3, 7, 8, 9, 30, 255, 256)]
    bare = [checksum.split(data[:-1], "crc16")[0] + end for data in whole[:3]]
    signs = [
        b"T:",
        b"V:",
        b"S:",
        b"N:",
        b"U:",
        b",",
        b";",
        b"=",
        b"*",
        b"\t",
        b" ",
        b"#",
        b".",
        b"-",
    ]
    values = [b"85.5", b"5", b"-1", b"0", b"OK", b"WARN", b"nan", b"M", b"NAN", b"", b"\xff", b"\0"]
    digits = [b"9" * 17, b"0" * 19, b"123456789012345678", b".000000000000000001", b"1e9"]
    ends = [b"\n", b"\r\n", b"\r", b"\n\r", b"x" * 30]
    return st.sampled_from(
        [*whole, *whole, *bare, *signs, *values, *digits, *ends, *(data[:-1] for data in whole)]
    ) | st.binary(max_size=4)


def mutated(data, changes):
    data = bytearray(data)
    for place, byte, how in changes:
        if not data:
            break
        at = place % len(data)
        match how:
            case "set":
                data[at] = byte
            case "flip":
                data[at] ^= 1 << byte % 8
            case "double":
                data.insert(at, data[at])
            case _:
                del data[at]
    return bytes(data)


changes = st.lists(
    st.tuples(
        st.integers(0, 2000),
        st.integers(0, 255),
        st.sampled_from(["set", "flip", "double", "delete"]),
    ),
    max_size=10,
)
# How long each read is, and how long was waited before it.
cuts = st.lists(
    st.tuples(st.integers(0, 300), st.sampled_from([0, 0, 0, 1000, S, 6 * S])), max_size=30
)


def reads_of(data, cuts):
    """Return (received_ns, bytes) of each read; the last takes what is left."""
    reads, at, now = [], 0, START
    for length, wait in [*cuts, (len(data), 0)]:
        now += wait + 137
        reads.append((now, data[at : at + length]))
        at += length
    return reads


def compare(of, reads, blocks, *, joined=False):
    """Feed *reads* one by one to the twin and in so many *blocks* to the kernel."""
    slow, fast = ByTheBook(of, started_ns=START), Fast(of, started_ns=START)
    assert isinstance(fast.stream._decoder, KernelDecoder)
    if joined:
        slow.mid_stream = True
        fast.stream.joined(mid_stream=True)
    for received, chunk in reads:
        slow.feed(received, chunk)
    edges = [0, *sorted(block % (len(reads) + 1) for block in blocks), len(reads)]
    for start, stop in itertools.pairwise(edges):
        part = reads[start:stop]
        fast.take(
            fast.stream.feed_reads(
                b"".join(chunk for _, chunk in part),
                np.array([received for received, _ in part], dtype=np.int64),
                np.array([len(chunk) for _, chunk in part], dtype=np.int64),
            )
        )
    for what, told in slow.told.items():
        assert fast.told[what] == told, what
    return fast


@pytest.mark.parametrize("name", PROFILES)
@patient
@given(data=st.data())
def test_the_kernel_says_what_the_book_says(name, data):
    of = PROFILES[name]
    stream = b"".join(data.draw(st.lists(pieces_of(of), max_size=30)))
    stream = mutated(stream, data.draw(changes))
    reads = reads_of(stream, data.draw(cuts))
    blocks = data.draw(st.lists(st.integers(0, 40), max_size=4))
    compare(of, reads, blocks, joined=data.draw(st.booleans()))


@pytest.mark.parametrize("name", PROFILES)
def test_the_usual_frames_are_all_read_by_the_kernel(name, monkeypatch):
    of = PROFILES[name]
    end = b"\r" if of.frame.line_end == "cr" else b"\n"
    stream = b"".join(frame(of, i) + end for i in range(100))
    learnt = b"".join(frame(of, i) + end for i in range(4))
    fast = FrameStream(of)
    fast.feed(START, learnt)
    monkeypatch.setattr(fast._decoder._codec, "parse", None)
    assert len(fast.feed(START, stream).readings) == 100


def test_keys_in_another_order_are_read_by_the_kernel_too(monkeypatch):
    fast = FrameStream(PROFILES["optional checksum"])
    monkeypatch.setattr(fast._decoder._codec, "parse", None)
    batch = fast.feed(START, b"N:1,S:OK,V:5.0,T:20\nV:5.0,T:20,U:1,N:2,S:WARN_T\n")
    assert batch.texts.rows() == [("20", "5.0"), ("20", "5.0")]
    assert batch.readings.status.to_array().tolist() == ["OK", "WARN_T"]


@pytest.mark.parametrize(
    "line",
    [
        b"T:1,T:2,V:5,S:OK",
        b"T:1,V:5,V:5,S:OK",
        b"T:1,V:5,S:OK,S:OK",
        b"T:1,V:5,S:OK,N:1,N:2",
        b"T:1,V:5,S:OK,U:1,U:1",
        b"T:1,V:5,S:OKT:1,V:5,S:OK",
        b"T:1,V:5,S:OK,",
        b",T:1,V:5,S:OK",
        b"T:1,V:5",
        b"V:5,S:OK",
        b"T:1,V:5,S:OK,X:1",
        b"T:1,V:5,S:OK*",
        b"T:1,V:5,S:OK*0",
        b"T:1,V:5,S:OK*00000",
        b"T:1,V:5,S:OK,N:-1",
        b"T:1,V:5,S:OK,N:1.0",
        b"T:1,V:5,S:OK,N:,U:",
        b"T:1,V:5,S:OK,U:-0.0",
        b"T:1,V:5,S:OK,U:-0.1",
        b"T:1,V:5,S:OK,U:1000000000",
        b"T:1,V:5,S:OK,U:1000000000.000001",
        b"T:150,V:5,S:OK",
        b"T:150.00000000000001,V:5,S:OK",
        b"T:-40.1,V:5,S:OK",
        b"T:1.,V:5,S:OK",
        b"T:.1,V:5,S:OK",
        b"T:--1,V:5,S:OK",
        b"T:,V:,S:OK",
        b"T:-,V:5,S:OK",
        b"T:1,V:5,S:WARN_",
        b"T:1,V:5,S:WARN_T",
        b"T:1,V:5,S:",
    ],
)
def test_a_frame_with_one_thing_wrong_is_judged_as_by_the_book(line):
    of = PROFILES["optional checksum"]
    signed = checksum.append(line, "crc16")
    data = b"".join(frame + end for frame in (line, signed) for end in (b"\n", b"\r\n", b"\r\r\n"))
    for size in (1, 7, len(data)):
        compare(of, [(START, data[i : i + size]) for i in range(0, len(data), size)], [1])


def test_more_lines_than_there_is_room_for():
    of = PROFILES["monitor"]
    stream = b"".join(frame(of, i) + b"\n" + b"\n" * (i % 3) for i in range(40_000))
    reads = [(START + i, stream[i : i + 4095]) for i in range(0, len(stream), 4095)]
    fast = compare(of, reads, [])
    assert fast.stream.counts.frames == 40_000
    assert fast.stream.counts.rejected == {"empty": len(fast.rejections)}


def test_the_words_of_a_device_without_a_vocabulary_are_learnt_up_to_a_number():
    of = PROFILES["any word"]
    stream = b"".join(frame(of, i, word=f"w{i % 100}") + b"\n" for i in range(1000))
    reads = [(START + i, stream[i : i + 777]) for i in range(0, len(stream), 777)]
    fast = compare(of, reads, [3, 7])
    assert len(fast.stream._decoder._words) == MOST_WORDS


def test_a_checksum_is_demanded_from_the_first_one_on():
    of = PROFILES["columns"]
    bare, signed = b"x,20.5,5.0,OK,1,1.5\n", frame(of, 2) + b"\n"
    other = b"# hello\n"
    reads = [(START, bare + other + bare + signed + bare + other + signed + bare)]
    fast = compare(of, reads, [])
    reasons = [rejection.reason.value for rejection in fast.rejections]
    assert reasons == ["header", "checksum_missing", "header", "checksum_missing"]
    compare(of, [(START, part) for part in (bare, signed, bare)], [1, 2])


def test_a_checksum_in_a_line_that_only_the_codec_reads_counts_too():
    of = PROFILES["columns"]
    # 19 digits are for the codec.
    signed = checksum.append(b"x,1.000000000000000001,5.0,OK,1,1.5", "crc16") + b"\n"
    bare = b"x,20.5,5.0,OK,1,1.5\n"
    fast = compare(of, [(START, bare + signed + bare)], [])
    assert len(fast.readings) == 2
    assert [rejection.reason.value for rejection in fast.rejections] == ["checksum_missing"]


plain = st.from_regex(r"-?[0-9]{1,9}(\.[0-9]{1,9})?", fullmatch=True)
long = st.from_regex(r"-?[0-9]{1,18}(\.[0-9]{1,18})?", fullmatch=True)
short = st.floats(allow_nan=False, allow_infinity=False, min_value=-1e17, max_value=1e17).map(
    lambda x: f"{x:.17g}"
)


@patient
@given(st.lists((plain | long | short).filter(is_number), min_size=1, max_size=40))
@example(["9007199254740993", "9007199254740992.5", "0.30000000000000004", "-0.0", "1" * 18])
@example(
    ["900719925474099.25", "4503599627370496.5", "4503599627370497.5", "0.1", "99999999999999.995"]
)
def test_a_number_is_what_float_says_to_the_last_bit(texts):
    of = profile({"format": "key_value"}, limits=(None, None))
    stream = FrameStream(of)
    batch = stream.feed(START, b"".join(b"T:%b,V:0\n" % text.encode() for text in texts))
    got = batch.readings.values[:, 0].tolist()
    for text, value in zip(texts, got, strict=True):
        assert struct.pack("d", value) == struct.pack("d", float(text)), text
    assert batch.texts.rows() == [(text, "0") for text in texts]


@given(st.integers(0, 10**18 - 1), st.integers(0, 18))
@example(9007199254740993, 1)
@example(10**18 - 1, 18)
def test_the_quotient_is_rounded_once(number, power):
    assert kernel_text.quotient(number, power) == float(f"{number}e-{power}")


@given(st.binary(max_size=100), st.integers(0, 10), st.integers(0, 10))
def test_the_sums_of_the_kernel_are_those_of_the_codec(data, before, after):
    array = np.frombuffer(data or b"\0", dtype=np.uint8)
    stop = max(len(data) - after, 0)
    start = min(before, stop)
    assert kernel_text.crc16(array, start, stop) == checksum.crc16(data[start:stop])
    assert kernel_text.xor8(array, start, stop) == checksum.xor8(data[start:stop])


def test_the_kernel_is_compiled_once_for_all_profiles_and_all_arrays():
    """A second kind of array would cost another compilation, in the middle of a capture."""
    for of in PROFILES.values():
        stream = FrameStream(of)
        stream.joined(mid_stream=True)
        good = frame(of, 1) + (b"\r" if of.frame.line_end == "cr" else b"\n")
        received = np.array([START] * 4, dtype=np.int64)
        received.flags.writeable = False
        for data in (b"", good * 3, b"noise" + good * 300, b"x" * 900, good):
            lengths = np.array([len(data), 0, 0, 0])
            batch = stream.feed_reads(data, received[::2], lengths[:2])
            metrics_rows(batch.readings, batch.texts)
            metrics_rows(batch.readings[::2], None)
        stream.interrupt(START)
    for function in (kernel.decode, kernel_timeline.follow, kernel_rows.write):
        assert len(function.signatures) == 1, function


@pytest.mark.slow
def test_nothing_is_read_or_written_beyond_an_array(tmp_path):
    """The tests of all kernels once more, compiled to look at every index."""
    if os.environ.get("NUMBA_BOUNDSCHECK"):
        pytest.skip("this is the run that looks at every index")
    done = subprocess.run(
        [sys.executable, "-m", "pytest", "-q", "-x", "-p", "no:cacheprovider", *map(str, KERNELS)],
        env={
            **os.environ,
            "NUMBA_BOUNDSCHECK": "1",
            "NUMBA_CACHE_DIR": str(tmp_path),
            "SENSORKIT_FUZZ": "60",
        },
        cwd=Path(__file__).parents[2],
        capture_output=True,
        text=True,
    )
    assert done.returncode == 0, done.stdout[-3000:] + done.stderr[-2000:]
