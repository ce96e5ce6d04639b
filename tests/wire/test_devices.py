"""Several devices on one link: each has a clock, a counter and a heartbeat of its own."""

import numpy as np
import pytest

from sensorkit.errors import ProfileError
from sensorkit.profile import Profile
from sensorkit.readings import RejectReason
from sensorkit.wire import decoder, device_names
from sensorkit.wire.codec import make_codec
from sensorkit.wire.framing import Line
from sensorkit.wire.grammar import Decoded, Frame
from sensorkit.wire.kernel_decoder import KernelDecoder
from sensorkit.wire.stream import FrameStream

S = 1_000_000_000
START = 1_700_000_000 * S
KEYS = {"format": "key_value", "device": "D", "sequence": "N", "uptime": "U"}
FORMATS = {
    "key_value": {"format": "key_value", "device": "D"},
    "csv": {"format": "csv", "columns": ["T", "@device"]},
    "whitespace": {"format": "whitespace", "columns": ["@device", "T"]},
    "json": {"format": "json", "device": "from.id"},
    "regex": {"format": "regex", "pattern": r"(?P<device>[^:]*):(?P<T>[0-9.]+)"},
}


def profile(form=None, *, devices=(), heartbeat=5.0, device="station"):
    return Profile.from_dict(
        {
            "name": "several",
            "device": device,
            "devices": list(devices),
            "rate_hz": 1.0,
            "heartbeat_s": heartbeat,
            "channels": [{"name": "T"}],
            "frame": form or KEYS,
        },
        "test",
    )


def said(of, reads, *, started=START):
    """Feed (second, text) to a stream; return it, the rows and the events by (kind, device)."""
    stream = FrameStream(of, started_ns=started)
    batches = [stream.feed(START + round(at * S), text.encode()) for at, text in reads]
    rows = [
        (name, (time - START) / S)
        for batch in batches
        for name, time in zip(
            batch.readings.device.to_array().tolist(), batch.readings.time.tolist(), strict=True
        )
    ]
    events = [event for batch in batches for event in batch.events]
    return stream, rows, [(event.kind, event.details.get("device")) for event in events]


@pytest.mark.parametrize("form", FORMATS.values(), ids=FORMATS)
def test_every_format_says_the_device_and_reads_it_again(form):
    codec = make_codec(profile(form))
    line = codec.encode(["21.5"], device="north-2.b")
    (frame,) = codec.decode([Line(0, line)]).frames
    assert (frame.device, frame.values) == ("north-2.b", (21.5,))


@pytest.mark.parametrize("form", FORMATS.values(), ids=FORMATS)
def test_a_frame_of_nobody_in_particular_is_of_the_first_device(form):
    one = make_codec(profile(form, devices=["b", "a"]))
    assert one.decode([Line(0, one.encode(["1"]))]).frames[0].device == "b"
    other = make_codec(profile(form))
    assert other.decode([Line(0, other.encode(["1"]))]).frames[0].device == "station"


NO_NAMES = [
    b"=cmd()", b"1st", b"", b"a/b", b"../up", b"<script>alert(1)</script>", b"a b", b"-a",
    b"a" * 65, b"@SUM(A1)", b"a'b", b'a\\u0000b', b"{}",
]  # fmt: skip


@pytest.mark.parametrize("form", FORMATS.values(), ids=FORMATS)
@pytest.mark.parametrize("name", NO_NAMES)
def test_what_is_no_name_is_no_device(form, name):
    of = profile(form)
    line = make_codec(of).encode(["21.5"], device="DEVICE").replace(b"DEVICE", name)
    stream = FrameStream(of, started_ns=START)
    batch = stream.feed(START, line + b"\n")
    assert len(batch.readings) == 0
    assert [rejection.line for rejection in batch.rejections] == [line]


@pytest.mark.parametrize("form", FORMATS.values(), ids=FORMATS)
def test_only_the_devices_of_the_profile_may_speak(form):
    of = profile(form, devices=["a", "b"])
    stream = FrameStream(of, started_ns=START)
    lines = [make_codec(profile(form)).encode(["1"], device=name) for name in ("a", "c", "b")]
    batch = stream.feed(START, b"\n".join([*lines, b""]))
    assert batch.readings.device.to_array().tolist() == ["a", "b"]
    assert [rejection.reason for rejection in batch.rejections] == [RejectReason.DEVICE]


def test_json_that_names_its_device_by_a_number_is_rejected():
    codec = make_codec(profile(FORMATS["json"]))
    (rejected,) = codec.decode([Line(0, b'{"from":{"id":7},"T":1}')]).rejections
    assert rejected[1] == RejectReason.DEVICE


def test_a_frame_without_its_device_is_rejected():
    codec = make_codec(profile())
    assert codec.decode([Line(0, b"T:1")]).rejections[0][1] == RejectReason.FIELD_MISSING


def test_known_devices_are_read_by_the_kernel(monkeypatch):
    of = profile(devices=["a", "b"])
    stream = FrameStream(of, started_ns=START)
    assert isinstance(stream._decoder, KernelDecoder)
    monkeypatch.setattr(stream._decoder._codec, "parse", None)
    batch = stream.feed(START, b"D:b,T:1\nD:a,T:2\nT:3,D:b\n")
    assert batch.readings.device.to_array().tolist() == ["b", "a", "b"]


def test_each_device_has_a_counter_of_its_own():
    _, rows, events = said(
        profile(), [(0, "D:a,T:1,N:7\nD:b,T:1,N:1\n"), (1, "D:b,T:1,N:2\nD:a,T:1,N:10\n")]
    )
    assert [name for name, _ in rows] == ["a", "b", "b", "a"]
    assert events == [("sequence_gap", "a")]


def test_each_device_has_a_clock_of_its_own():
    _, rows, _ = said(
        profile(heartbeat=None),
        [(0, "D:a,T:1,U:100\n"), (3, "D:b,T:1,U:7\nD:a,T:1,U:102.5\n"), (4, "D:b,T:1,U:8.25\n")],
    )
    assert rows == [("a", 0.0), ("b", 3.0), ("a", 2.5), ("b", 4.25)]


def test_a_reset_is_that_of_one_device():
    stream, _, events = said(
        profile(), [(0, "D:a,T:1,U:100\nD:b,T:1,U:50\n"), (1, "D:a,T:1,U:0.1\nD:b,T:1,U:51\n")]
    )
    assert events == [("device_reset", "a")]
    assert stream.counts.resets == 1


def test_a_device_that_is_silent_while_others_speak_is_missed():
    stream, _, events = said(
        profile(), [(0, "D:a,T:1\nD:b,T:1\n"), *((t, "D:a,T:1\n") for t in range(1, 8))]
    )
    assert events == [("heartbeat_lost", "b")]
    assert stream.silent_devices == ("b",)
    assert not stream.silent


def test_a_device_of_the_profile_that_never_speaks_is_missed():
    _, _, events = said(profile(devices=["a", "b"]), [(t, "D:a,T:1\n") for t in range(1, 8)])
    assert events == [("heartbeat_lost", "b")]


def test_a_link_on_which_nobody_speaks_is_silent_and_the_first_to_speak_ends_that():
    stream = FrameStream(profile(), started_ns=START)
    (lost,) = stream.advance(START + 6 * S)
    assert (lost.kind, lost.details.get("device")) == ("heartbeat_lost", None)
    batch = stream.feed(START + 7 * S, b"D:a,T:1\nD:b,T:1\n")
    assert [(e.kind, e.details["device"]) for e in batch.events] == [("heartbeat_back", "a")]
    assert stream.counts.silences == 1


def test_silences_are_told_in_the_order_of_their_deadlines():
    reads = [(0, "D:b,T:1\n"), (1, "D:a,T:1\n"), (20, "D:c,T:1\n")]
    _, _, events = said(profile(), reads)
    assert events == [("heartbeat_lost", "b"), ("heartbeat_lost", "a")]
    live = FrameStream(profile(), started_ns=START)
    told = []
    for at, text in reads:
        told += [event.details["device"] for event in live.advance(START + at * S - S // 2)]
        live.feed(START + at * S, text.encode())
    assert told == ["b", "a"]


def test_events_come_in_the_order_of_the_frames_that_show_them():
    lines = [f"T:1,D:{d},N:{n}\n" for n in (1, 5, 9) for d in "ab"]
    told = said(profile(), [(1, "".join(lines))])[2]
    assert told == [("sequence_gap", "a"), ("sequence_gap", "b")] * 2


def test_now_is_that_of_each_device():
    stream, _, _ = said(profile(), [(0, "D:a,T:1,U:0\n"), (1, "D:b,T:1,U:0\nD:a,T:1,U:3600\n")])
    now = stream.now_by_device(START + 2 * S)
    assert now == {"a": START + 3601 * S, "b": START + 2 * S}
    assert stream.now(START + 2 * S) == START + 3601 * S


def test_noise_that_looks_like_devices_does_not_fill_the_memory(monkeypatch):
    monkeypatch.setattr(device_names, "MOST_DEVICES", 5)
    stream = FrameStream(profile(), started_ns=START)
    text = "".join(f"D:d{i % 9},T:1\n" for i in range(100))
    batch = stream.feed(START, text.encode())
    assert sorted({*batch.readings.device.to_array().tolist()}) == [f"d{i}" for i in range(5)]
    assert {rejection.reason for rejection in batch.rejections} == {RejectReason.DEVICE}


class SaysAnything:
    """A codec of a package that looks at no name."""

    def __init__(self, codec):
        self._codec = codec
        self.anchored, self.framer, self.terminator = True, codec.framer, b"\n"

    def decode(self, lines):
        names = [line.data.decode() for line in lines]
        return Decoded(
            [Frame(x.offset, len(x.data), ("1",), (1.0,), None, None, None, False, name or None)
             for x, name in zip(lines, names, strict=True)],
            [],
        )  # fmt: skip


def test_the_devices_of_a_codec_of_a_package_are_looked_at():
    of = profile({"format": "key_value"})
    names = device_names.DeviceNames(of)
    made = decoder.make_decoder(SaysAnything(make_codec(of)), 1, names)
    data = b"pump\n\n=cmd()\nfan\n"
    columns, refused = made.decode(data, np.array([len(data)]))
    assert columns.device.to_array().tolist() == ["pump", None, "fan"]
    assert [(one.line.data, one.reason) for one in refused] == [(b"=cmd()", RejectReason.DEVICE)]


@pytest.mark.parametrize(
    ("devices", "form", "wanted"),
    [
        (["a", "b", "a"], KEYS, "devices.2: two devices are called 'a'"),
        (["a-b"], {**KEYS, "separator": "-"}, "devices.0: 'a-b' holds '-', which ends a field"),
        (["1st"], KEYS, "devices.0: "),
        ([], {**KEYS, "device": "N"}, "frame: two fields have the key 'N'"),
    ],
)
def test_devices_that_cannot_be_told_apart_are_refused(devices, form, wanted):
    with pytest.raises(ProfileError) as caught:
        profile(form, devices=devices)
    assert wanted in str(caught.value)
