"""Frames in JSON, in columns between blanks, and by a pattern of the user's own."""

import json
import math
import re

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from sensorkit.errors import ProfileError
from sensorkit.profile import Profile
from sensorkit.wire.checksum import append
from sensorkit.wire.codec import make_codec
from sensorkit.wire.framing import Line
from sensorkit.wire.grammar import Frame
from sensorkit.wire.stream import FrameStream

JSON = {
    "name": "station",
    "rate_hz": 1.0,
    "channels": [
        {"name": "temperature", "key": "t", "plausible": [-60, 80]},
        {"name": "humidity", "key": "env.rh", "plausible": [0, 100]},
        {"name": "pressure", "key": "env.raw.p"},
    ],
    "frame": {"format": "json", "status": "state", "sequence": "n", "uptime": "sys.up"},
    "status_words": ["OK", "LOW"],
}
COLUMNS = {
    "name": "logger",
    "rate_hz": 1.0,
    "channels": [{"name": "bridge"}, {"name": "temperature", "plausible": [-60, 80]}],
    "frame": {
        "format": "whitespace",
        "columns": [
            "@sequence",
            {"name": "@uptime", "scale": 0.001},
            "temperature",
            "@skip",
            {"name": "bridge", "base": "hex", "digits": 4, "signed": True, "scale": 0.1},
            "@status",
        ],
        "comment": "#",
        "missing": ["--"],
    },
    "status_words": ["OK", "LOW"],
}
PATTERN = {
    "name": "imu",
    "rate_hz": 1.0,
    "channels": [{"name": "w", "plausible": [-100, 100]}, {"name": "roll.x", "key": "x"}],
    "frame": {
        "format": "regex",
        "pattern": r"(?P<status>[A-Z]+)> w: (?P<w>[^ ]*)(?: x: (?P<x>[^ ]*))?"
        r"(?: #(?P<sequence>[^ ]*))?(?: @(?P<uptime>.*))?",
    },
    "status_words": ["IMU", "CAL"],
}


def profile(base, **frame):
    return Profile.from_dict({**base, "frame": {**base["frame"], **frame}}, "test")


def decode(made, data):
    """Return the one frame, or the one reason, that *data* gives."""
    frames, rejections = make_codec(made).decode([Line(7, data)])
    assert len(frames) + len(rejections) == 1
    return frames[0] if frames else rejections[0][1].value


def test_a_json_object_is_read():
    line = b'{"t":21.50,"env":{"rh":40,"raw":{"p":-0.0}},"state":"OK","n":17,"sys":{"up":16.25}}'
    assert decode(profile(JSON), line) == Frame(
        7, len(line), ("21.50", "40", "-0.0"), (21.5, 40.0, 0.0), "OK", 17, 16.25
    )


def test_the_keys_of_an_object_come_in_any_order_with_any_blanks():
    line = b'{ "state" : "LOW", "env": {"raw": {"p": 1}, "rh": null}, "t": 5 } '
    frame = decode(profile(JSON), line)
    assert (frame.texts, frame.status, frame.sequence) == (("5", "", "1"), "LOW", None)
    assert math.isnan(frame.values[1])


def test_a_number_with_an_exponent_is_written_by_its_value():
    frame = decode(profile(JSON), b'{"t":2.15E1,"env":{"rh":4e-1,"raw":{"p":1}},"state":"OK"}')
    assert frame.texts == (None, None, "1")
    assert frame.values == (21.5, 0.4, 1.0)


GOOD = '{"t":21.5,"env":{"rh":40,"raw":{"p":1}},"state":"OK"}'


@pytest.mark.parametrize(
    ("old", "new", "reason"),
    [
        ("21.5", "NaN", "number"),
        ("21.5", "-Infinity", "number"),
        ("21.5", "1e999", "number"),
        ("21.5", "true", "number"),
        ("21.5", '"21.5"', "number"),
        ("21.5", "[21.5]", "number"),
        ("21.5", '{"x":1}', "number"),
        ("21.5", "9" * 19, "number"),
        ("21.5", "1." + "0" * 39 + "e1", "number"),
        ("21.5", "021.5", "syntax"),
        ("21.5", "+21.5", "syntax"),
        ("21.5", "21.", "syntax"),
        ("21.5", "0x15", "syntax"),
        ("21.5", "80.5", "range"),
        ('"OK"', '"ok"', "status"),
        ('"OK"', "1", "status"),
        ('"OK"', "null", "status"),
        ('"t"', '"u"', "field_unknown"),
        ('"t":21.5,', "", "field_missing"),
        (',"state":"OK"', "", "field_missing"),
        ('"rh":40,', "", "field_missing"),
        ('"rh":40', '"rh":40,"x":1', "field_unknown"),
        ('"rh":40', '"rh":40,"rh":41', "field_duplicate"),
        ('"t":21.5', '"t":21.5,"t":21.5', "field_duplicate"),
        ('{"rh":40,"raw":{"p":1}}', "40", "field_syntax"),
        ("}", "", "syntax"),
        ("{", "", "syntax"),
        (",", ";", "syntax"),
        ('"OK"', '"OK","n":-1', "number"),
        ('"OK"', '"OK","n":"1"', "number"),
        ('"OK"', '"OK","n":1.5', "number"),
        ('"OK"', '"OK","sys":{"up":-1}', "range"),
        ('"OK"', '"OK","sys":{"up":99999999999}', "range"),
        ('"OK"', '"O\u00d8"', "encoding"),
        ('"OK"', '"O\\u004b\\u0000"', "status"),
    ],
)
def test_a_bad_object_says_why(old, new, reason):
    assert old in GOOD
    assert decode(profile(JSON), GOOD.encode()) != reason
    assert decode(profile(JSON), GOOD.replace(old, new, 1).encode()) == reason


@pytest.mark.parametrize(
    "line", [b"[" * 400, b'{"a":' * 80, b"{}" * 20, b'{"t":21.5}{"t":21.5}', b"hello", b"[1]", b"1"]
)
def test_what_is_no_object_never_raises(line):
    assert decode(profile(JSON), line) == "syntax"


def test_a_line_of_brackets_a_megabyte_long_never_raises():
    deep = profile(JSON, others="accept", max_line_bytes=1 << 20)
    assert decode(deep, b'{"t":' + b"[" * 500_000) == "syntax"


def test_other_keys_may_be_passed_over_where_the_profile_says_so():
    line = GOOD.replace('"t"', '"x":[1,{"y":NaN}],"t"').replace("NaN", '"z"').encode()
    assert decode(profile(JSON), line) == "field_unknown"
    assert decode(profile(JSON, others="accept"), line).texts == ("21.5", "40", "1")
    twice = line.replace(b'"y":', b'"y":1,"y":')
    assert decode(profile(JSON, others="accept"), twice) == "field_duplicate"


def test_a_checksum_may_follow_the_object():
    checked = profile(JSON, checksum="crc16")
    line = append(GOOD.encode(), "crc16")
    assert decode(checked, line).checked
    assert decode(checked, line[:-1] + b"?") == "checksum"
    assert decode(checked, GOOD.replace("21.5", "21.6").encode() + line[-5:]) == "checksum"
    assert not decode(checked, GOOD.encode()).checked
    assert decode(profile(JSON, checksum="xor", checksum_required=True), GOOD.encode()) == (
        "checksum_missing"
    )


@pytest.mark.parametrize(
    ("key", "other", "wanted"),
    [
        ("env", "env.rh", "'env' is a value, but 'env.rh' lies inside it"),
        ("a..b", "t", "the key 'a..b' has nothing on one side of a dot"),
        ("t", "t", "two fields have the key 't'"),
    ],
)
def test_paths_that_exclude_each_other_are_refused(key, other, wanted):
    channels = [{"name": "a", "key": key}, {"name": "b", "key": other}]
    with pytest.raises(ProfileError, match=re.escape(wanted)):
        Profile.from_dict({**JSON, "channels": channels, "frame": {"format": "json"}}, "test")


def test_columns_between_any_blanks_are_read():
    line = b"  17  16250\t21.50   x  FF38 OK "
    frame = decode(profile(COLUMNS), line)
    assert frame == Frame(7, len(line), (None, "21.50"), (-20.0, 21.5), "OK", 17, 16.25)


def test_a_scaled_value_is_the_decimal_that_people_expect():
    columns = [{"name": "temperature", "scale": 0.001, "offset": -0.1}]
    made = profile(COLUMNS, columns=columns)
    assert decode(made, b"12065").values[1] == 11.965
    assert decode(made, b"12065").texts == ("", None)
    assert [decode(made, str(n).encode()).values[1] for n in range(60)] == [
        round(n / 1000 - 0.1, 3) for n in range(60)
    ]


@pytest.mark.parametrize(
    ("signed", "text", "value"),
    [
        (True, b"7FFF", 32767.0),
        (True, b"8000", -32768.0),
        (True, b"ffff", -1.0),
        (False, b"8000", 32768.0),
        (False, b"0000", 0.0),
    ],
)
def test_a_hexadecimal_has_its_width_and_sign(signed, text, value):
    column = {"name": "bridge", "base": "hex", "digits": 4, "signed": signed}
    made = profile(COLUMNS, columns=[column])
    assert decode(made, text).values[0] == value
    for wrong in (text[1:], b"0" + text, b"0x" + text[2:], b"-" + text[1:], b"00G0"):
        assert decode(made, wrong) == "number"


@pytest.mark.parametrize(
    ("line", "reason"),
    [
        (b"# logger 7", "header"),
        (b"n up temperature x bridge state", "header"),
        (b"1 2 21.5 x 0000", "field_count"),
        (b"1 2 21.5 x 0000 OK OK", "field_count"),
        (b"1 2 2l.5 x 0000 OK", "number"),
        (b"1 2 1e5 x 0000 OK", "number"),
        (b"-1 2 21.5 x 0000 OK", "number"),
        (b"1 -2 21.5 x 0000 OK", "range"),
        (b"1 2 81 x 0000 OK", "range"),
        (b"1 2 21.5 x 0000 ok", "status"),
        (b"1 2 21.5 x 0000 --", "status"),
        (b" \t ", "empty"),
        (b"1 2 21.5\x0bx 0000 OK", "encoding"),
    ],
)
def test_a_bad_row_between_blanks_says_why(line, reason):
    assert decode(profile(COLUMNS), line) == reason


def test_what_stands_for_a_missing_value_is_none():
    frame = decode(profile(COLUMNS), b"-- -- -- x -- OK")
    assert (frame.texts, frame.sequence, frame.uptime) == (("", ""), None, None)


@pytest.mark.parametrize(
    ("column", "wanted"),
    [
        ({"name": "bridge", "base": "hex"}, "columns.0.base: a hexadecimal needs its width"),
        ({"name": "bridge", "digits": 4}, "columns.0.digits: is for hexadecimals"),
        ({"name": "bridge", "signed": True}, "columns.0.signed: is for hexadecimals"),
        ({"name": "bridge", "scale": 0}, "columns.0.scale: 0 makes every value the same"),
        ({"name": "@skip", "scale": 2}, "columns.0.name: @skip is no number"),
        ({"name": "@sequence", "scale": 2}, "columns.0.scale: a counter is not scaled"),
        ({"name": "brigde"}, "columns.0: no channel 'brigde'; did you mean 'bridge'?"),
        ({"name": "bridge", "bsae": "hex"}, "columns.0.bsae: unknown key; did you mean 'base'?"),
        ("@stat", "columns.0: unknown column '@stat'"),
    ],
)
def test_a_column_that_makes_no_sense_is_refused(column, wanted):
    with pytest.raises(ProfileError, match=re.escape(wanted)):
        profile(COLUMNS, columns=[column])


def test_a_line_that_matches_is_read_by_its_groups():
    line = b"IMU> w: -4.50 x: 7 #12 @3.5"
    assert decode(profile(PATTERN), line) == Frame(
        7, len(line), ("-4.50", "7"), (-4.5, 7.0), "IMU", 12, 3.5
    )
    frame = decode(profile(PATTERN), b"CAL> w: 1")
    assert (frame.texts, frame.status, frame.sequence) == (("1", ""), "CAL", None)


@pytest.mark.parametrize(
    ("line", "reason"),
    [
        (b"IMU> w: 1 ", "syntax"),
        (b" IMU> w: 1", "syntax"),
        (b"IMU> w: 1\r", "encoding"),
        (b"IMU> w: one", "number"),
        (b"IMU> w: 101", "range"),
        (b"IMX> w: 1", "status"),
        (b"IMU> w: 1 #-1", "number"),
        (b"IMU> w: 1 @-1", "range"),
        (b"", "empty"),
    ],
)
def test_a_line_that_does_not_match_says_why(line, reason):
    assert decode(profile(PATTERN), line) == reason


@pytest.mark.parametrize(
    ("pattern", "wanted"),
    [
        (r"(?P<w>\d+)", "frame.pattern: has no group (?P<x>...) for 'x'"),
        (r"(?P<w>\d+),(?P<x>\d+),(?P<y>\d+)", "frame.pattern: unknown group 'y'"),
        (r"(?P<w>.*),(?P<x>\d+)", "frame.pattern: what is repeated (.*) can begin like the"),
        (r"(?P<w>\d+", "frame.pattern: is no regular expression"),
    ],
)
def test_a_pattern_is_checked_when_the_profile_is_read(pattern, wanted):
    with pytest.raises(ProfileError, match=re.escape(wanted)):
        profile(PATTERN, pattern=pattern)


def test_a_channel_cannot_be_called_as_what_the_device_says_of_itself():
    channels = [{"name": "status"}]
    with pytest.raises(ProfileError, match="give the channel another `key`"):
        Profile.from_dict(
            {
                **PATTERN,
                "channels": channels,
                "frame": {"format": "regex", "pattern": "(?P<status>a)"},
            },
            "test",
        )


@pytest.mark.parametrize("base", [JSON, COLUMNS, PATTERN], ids=lambda base: base["frame"]["format"])
@pytest.mark.parametrize("kind", ["xor", "crc16"])
def test_no_single_wrong_byte_passes_a_checksum(base, kind):
    made = profile(base, checksum=kind)
    codec = make_codec(made)
    texts = ["1.5", "2.5", "3.5"][: len(made.channels)]
    line = codec.encode(texts, status=made.status_words[0], sequence=5, uptime="6.5")
    assert decode(made, line).checked
    star = line.rindex(b"*")
    for place in range(star):
        for byte in set(range(256)) - {line[place], ord("\n")}:
            changed = line[:place] + bytes([byte]) + line[place + 1 :]
            assert isinstance(decode(made, changed), str), changed
        assert isinstance(decode(made, line[:place] + line[place + 1 :]), str)


@pytest.mark.parametrize("base", [JSON, COLUMNS, PATTERN], ids=lambda base: base["frame"]["format"])
def test_once_a_checksum_was_seen_it_may_not_be_missing(base):
    made = profile(base, checksum="crc16")
    codec = make_codec(made)
    texts = ["1.5", "2.5", "3.5"][: len(made.channels)]
    line = codec.encode(texts, status=made.status_words[0], sequence=5, uptime="6.5")
    bare = line[: line.rindex(b"*")]
    batch = FrameStream(made).feed(0, b"\n".join([bare, line, bare, line, b""]))
    assert len(batch.readings) == 3
    assert [r.reason.value for r in batch.rejections] == ["checksum_missing"]


def test_only_a_format_whose_second_half_shows_is_anchored():
    formats = {
        "json": profile(JSON),
        "columns": profile(COLUMNS),
        "text first": profile(PATTERN, pattern=r"w(?P<w>\d+) x(?P<x>\d+)"),
        "number first": profile(PATTERN, pattern=r"(?P<w>\d+) x(?P<x>\d+)"),
    }
    assert {name: make_codec(made).anchored for name, made in formats.items()} == {
        "json": True, "columns": False, "text first": True, "number first": False,
    }  # fmt: skip


@pytest.mark.parametrize("base", [JSON, COLUMNS, PATTERN], ids=lambda base: base["frame"]["format"])
def test_lines_may_end_with_a_carriage_return_alone(base):
    made = profile(base, line_end="cr")
    codec = make_codec(made)
    assert codec.terminator == b"\r"
    texts = ["1.5", "2.5", "3.5"][: len(made.channels)]
    line = codec.encode(texts, status=made.status_words[0], sequence=5, uptime="6.5")
    batch = FrameStream(made).feed(0, (line + codec.terminator) * 3)
    assert len(batch.readings) == 3


@pytest.mark.parametrize("base", [JSON, COLUMNS], ids=lambda base: base["frame"]["format"])
def test_a_frame_with_a_status_needs_one(base):
    made = profile(base)
    with pytest.raises(ValueError, match="status word"):
        make_codec(made).encode(["1"] * len(made.channels))


numbers = st.decimals(-60, 80, places=2).map(str)


@settings(deadline=None)
@given(
    st.lists(numbers | st.just(""), min_size=3, max_size=3),
    st.sampled_from(["OK", "LOW"]),
    st.none() | st.integers(0, 10**17),
    st.none() | st.decimals(0, 10**6, places=3).map(str),
)
def test_an_encoded_object_is_decoded(texts, status, sequence, uptime):
    made = profile({**JSON, "channels": [{**c, "plausible": None} for c in JSON["channels"]]})
    line = make_codec(made).encode(texts, status=status, sequence=sequence, uptime=uptime)
    assert json.loads(line)["state"] == status
    frame = decode(made, line)
    assert frame.texts == tuple(texts)
    assert (frame.status, frame.sequence) == (status, sequence)
    assert frame.uptime == (None if uptime is None else float(uptime))


@settings(deadline=None)
@given(st.integers(-32768, 32767), numbers | st.just(""), st.integers(0, 10**9))
def test_encoded_columns_are_decoded(bridge, temperature, sequence):
    made = profile(COLUMNS)
    text = f"{bridge / 10:.1f}"
    line = make_codec(made).encode(
        [text, temperature], status="OK", sequence=sequence, uptime="1.5"
    )
    frame = decode(made, line)
    assert frame.values[0] == float(text)
    assert frame.texts[1] == temperature
    assert (frame.sequence, frame.uptime) == (sequence, 1.5)


@settings(deadline=None)
@given(numbers, numbers | st.just(""), st.none() | st.integers(0, 10**9))
def test_an_encoded_pattern_is_decoded(w, x, sequence):
    made = profile(PATTERN)
    frame = decode(made, make_codec(made).encode([w, x], status="IMU", sequence=sequence))
    assert frame.texts == (w, x)
    assert frame.sequence == sequence


parts = st.sampled_from(
    [
        *(b"{", b"}", b'"t"', b":", b"21.5", b",", b'"env"', b'"rh"', b"null", b"true", b"NaN"),
        *(b"[", b"]", b'"', b"\\", b"\\u12", b"-", b"1e5", b" ", b"\t", b"FF38", b"OK", b"--"),
        *(b"IMU> w: ", b" x: ", b" #", b" @", GOOD.encode(), b"17 16250 21.5 x FF38 OK", b"\xff"),
    ]
)


lines = st.lists(parts, max_size=12).map(b"".join) | st.binary(max_size=80)


@pytest.mark.parametrize("base", [JSON, COLUMNS, PATTERN], ids=lambda base: base["frame"]["format"])
@settings(deadline=None)
@given(data=lines, accept=st.booleans())
def test_no_bytes_raise(base, data, accept):
    options = {"others": "accept"} if accept and base is JSON else {}
    got = decode(profile(base, **options), data.replace(b"\n", b""))
    if isinstance(got, Frame):
        assert len(got.texts) == len(base["channels"])
        for text, value in zip(got.texts, got.values, strict=True):
            assert text is None or (math.isnan(value) if text == "" else float(text) == value)
