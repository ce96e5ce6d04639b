import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sensorkit.errors import ProfileError
from sensorkit.profile import Profile
from sensorkit.wire.checksum import append
from sensorkit.wire.codec import Frame, make_codec
from sensorkit.wire.framing import Line

MONITOR = Profile.load("serial_monitor")
CSV = Profile.from_dict(
    {
        "name": "columns",
        "rate_hz": 1.0,
        "channels": [{"name": "pressure", "plausible": [0, 2000]}, {"name": "temperature"}],
        "frame": {
            "format": "csv",
            "columns": ["@skip", "temperature", "pressure", "@status", "@sequence", "@uptime"],
            "comment": "#",
            "missing": ["", "M"],
            "checksum": "crc16",
        },
    },
    "test",
)
GPS = Profile.from_dict(
    {
        "name": "gps",
        "rate_hz": 1.0,
        "channels": [{"name": "satellites"}, {"name": "altitude", "unit": "m"}],
        "frame": {"format": "nmea", "sentences": {"GGA": {"satellites": 7, "altitude": 9}}},
    },
    "test",
)


def like(base, **frame):
    return Profile.from_dict(
        {**base.to_dict(), "frame": {**base.frame.model_dump(mode="json"), **frame}}, "test"
    )


def decode(profile, data, *, overlong=False):
    """Return the one frame, or the one reason, that *data* gives."""
    frames, rejections = make_codec(profile).decode([Line(7, data, overlong)])
    assert len(frames) + len(rejections) == 1
    return frames[0] if frames else rejections[0][1].value


def test_a_usual_frame_is_read():
    assert decode(MONITOR, b"T:85.5,V:5.0,S:WARNING_TEMP,N:17,U:16.000*B7EB") == Frame(
        offset=7,
        length=46,
        texts=("85.5", "5.0"),
        values=(85.5, 5.0),
        status="WARNING_TEMP",
        sequence=17,
        uptime=16.0,
        checked=True,
    )


@pytest.mark.parametrize(
    "line",
    [
        b"T:85.5,V:5.0,S:NORMAL",
        b"T:85.5,V:5.0,S:NORMAL,N:1",
        b"T:85.5,V:5.0,S:NORMAL,U:1.5",
        b"S:NORMAL,V:5.0,T:85.5",
        b"U:1,N:1,S:NORMAL,V:5.0,T:85.5",
    ],
)
def test_keys_come_in_any_order_and_the_optional_ones_may_be_left_out(line):
    assert decode(MONITOR, line).values == (85.5, 5.0)


def test_a_text_is_kept_as_it_stood():
    assert decode(MONITOR, b"T:0085.50,V:-0.0,S:NORMAL").texts == ("0085.50", "-0.0")


def test_an_empty_value_is_missing():
    frame = decode(MONITOR, b"T:,V:5.0,S:NORMAL")
    assert frame.texts == ("", "5.0")
    assert math.isnan(frame.values[0])


@pytest.mark.parametrize(
    ("line", "reason"),
    [
        (b"", "empty"),
        (b"  \t ", "empty"),
        (b"T:85.5,V:5.0,S:NORMAL\0", "encoding"),
        (b"T:85.5,V:5.0,S:NORMAL\r", "encoding"),
        (b"T:8\xb5.5,V:5.0,S:NORMAL", "encoding"),
        ("T:\uff185.5,V:5.0,S:NORMAL".encode(), "encoding"),
        (b"T:85.5,V:5.0,S:NORMAL*0000", "checksum"),
        (b"T:85.5,V:5.0,S:NORMAL*29B", "checksum"),
        (b"T:85.5,V:5.0,S:NORMAL*", "checksum"),
        (b"hello", "syntax"),
        (b"T:85.5,V:5.0,S:NORMAL,", "field_syntax"),
        (b"T:85.5,V5.0,S:NORMAL", "field_syntax"),
        (b"T:85.5,V:5.0,S:NORMAL,X:1", "field_unknown"),
        (b"T:85.5,V:5.0,S:NORMAL,T:85.5", "field_duplicate"),
        (b"T:85.5,V:5.0,S:NORMAL,N:1,N:2", "field_duplicate"),
        (b"V:5.0,S:NORMAL", "field_missing"),
        (b"T:85.5,V:5.0", "field_missing"),
        (b"T:nan,V:5.0,S:NORMAL", "number"),
        (b"T:8_5,V:5.0,S:NORMAL", "number"),
        (b"T:1e5,V:5.0,S:NORMAL", "number"),
        (b"T: 85.5,V:5.0,S:NORMAL", "number"),
        (b"T:+85.5,V:5.0,S:NORMAL", "number"),
        (b"T:85.,V:5.0,S:NORMAL", "number"),
        (b"T:.5,V:5.0,S:NORMAL", "number"),
        (b"T:0x1F,V:5.0,S:NORMAL", "number"),
        (b"T:" + b"9" * 19 + b",V:5.0,S:NORMAL", "number"),
        (b"T:85.5,V:5.0,S:NORMAL,N:-1", "number"),
        (b"T:85.5,V:5.0,S:NORMAL,N:1.5", "number"),
        (b"T:85.5,V:5.0,S:NORMAL,U:1s", "number"),
        (b"T:85.5,V:5.0,S:NORMAL,U:-1", "range"),
        (b"T:85.5,V:5.0,S:NORMAL,U:9999999999", "range"),
        (b"T:150.1,V:5.0,S:NORMAL", "range"),
        (b"T:85.5,V:-0.1,S:NORMAL", "range"),
        (b"T:85.5,V:5.0,S:", "status"),
        (b"T:85.5,V:5.0,S:NORMA", "status"),
        (b"T:85.5,V:5.0,S:=1+1", "status"),
        (b"T:85.5,V:5.0,S:NORT:85.5,V:5.0,S:NORMAL", "field_duplicate"),
    ],
)
def test_a_bad_frame_of_keys_says_why(line, reason):
    assert decode(MONITOR, line) == reason


def test_an_overlong_line_is_rejected_even_if_its_beginning_is_a_frame():
    assert decode(MONITOR, b"T:85.5,V:5.0,S:NORMAL", overlong=True) == "overlong"


def test_a_missing_checksum_is_rejected_where_it_is_required():
    strict = like(MONITOR, checksum_required=True)
    line = b"T:85.5,V:5.0,S:NORMAL"
    assert decode(strict, line) == "checksum_missing"
    assert decode(strict, append(line, "crc16")).values == (85.5, 5.0)


def test_without_a_vocabulary_a_status_is_a_word_that_no_spreadsheet_runs():
    free = Profile.from_dict({**MONITOR.to_dict(), "status_words": [], "status_rules": []}, "test")
    assert decode(free, b"T:85.5,V:5.0,S:fan 2 slow").status == "fan 2 slow"
    for word in (b"=1+1", b"+1", b"-1", b"@SUM(A1)", b"'x", b""):
        assert decode(free, b"T:85.5,V:5.0,S:" + word) == "status"


@pytest.mark.parametrize("delimiter", [";", "\t", "|", " "])
def test_other_separators_are_readable(delimiter):
    profile = like(MONITOR, separator=delimiter, assignment="=")
    codec = make_codec(profile)
    line = codec.encode(["85.5", "5.0"], status="NORMAL", sequence=3)
    assert decode(profile, line).sequence == 3


def test_columns_are_read_by_their_place():
    line = append(b"x y,23.97,969.18,OK,5,1.250", "crc16")
    frame = decode(CSV, line)
    assert frame.texts == ("969.18", "23.97")  # in the order of the channels
    assert (frame.status, frame.sequence, frame.uptime) == ("OK", 5, 1.25)


@pytest.mark.parametrize(
    ("line", "reason"),
    [
        (b"# station 7", "header"),
        (b"time,temperature,pressure,status,n,uptime", "header"),
        (b"x,1,2,OK,3", "field_count"),
        (b"x,1,2,OK,3,4,5", "field_count"),
        (b"x,1,two,OK,3,4", "number"),
        (b"x,1, NAN,OK,3,4", "number"),
        (b"x,1,2001,OK,3,4", "range"),
        (b"x,1,2,=OK,3,4", "status"),
        (b"x,1,2,OK,3,4*0000", "checksum"),
        (b"x,1,2,OK,3,99999999999", "range"),
    ],
)
def test_a_bad_row_of_columns_says_why(line, reason):
    assert decode(CSV, line) == reason


def test_the_words_for_a_missing_value_are_those_of_the_profile():
    assert decode(CSV, b"x,M,,OK,,").texts == ("", "")
    assert decode(CSV, b"x,NAN,1,OK,,") == "number"


def test_a_channel_without_a_column_is_always_missing():
    profile = like(CSV, columns=["temperature"])
    assert decode(profile, b"21.5").texts == ("", "21.5")


SENTENCE = b"$GPGGA,123519,4807.038,N,01131.000,E,1,08,0.9,545.4,M,46.9,M,,*47"


def test_fields_of_a_sentence_are_taken_by_number():
    assert decode(GPS, SENTENCE).texts == ("08", "545.4")


def test_any_talker_says_the_same_type():
    body = SENTENCE[3:-3]
    for talker in (b"GN", b"GL", b"BD"):
        line = b"$" + append(talker + body, "xor")
        assert decode(GPS, line).values == (8.0, 545.4)


def test_a_right_sentence_of_another_type_is_a_reading_without_values():
    line = b"!" + append(b"AIVDM,1,1,,A,13u?etPv2;0n:dDPwUM1U1Cb069D,0", "xor")
    assert decode(GPS, line).texts == ("", "")
    assert decode(like(GPS, others="reject"), line) == "type"


def test_a_makers_own_word_is_taken_whole():
    profile = like(GPS, sentences={"POV": {"altitude": 2}, "PGRME": {"satellites": 1}})
    assert decode(profile, b"$POV,P,967.7,Q,0.0,E,-0.0,T,21.6*4E").texts == ("", "967.7")
    line = b"$" + append(b"PGRME,15.0,M", "xor")
    assert decode(profile, line).texts == ("15.0", "")
    short = like(GPS, sentences={"RME": {"satellites": 1}})
    assert decode(short, line).texts == ("", "")


@pytest.mark.parametrize(
    ("line", "reason"),
    [
        (b"GPGGA,1*00", "syntax"),
        (b"=~=~ PuTTY log =~=~", "syntax"),
        (SENTENCE[:-1] + b"8", "checksum"),
        (SENTENCE + b"73", "checksum"),
        (SENTENCE[:-3], "checksum_missing"),
        (b"$" + append(b"GPGGA,1,2", "xor"), "field_count"),
        (b"$" + append(b"GPGGA,,,,,,,x,,5", "xor"), "number"),
    ],
)
def test_a_bad_sentence_says_why(line, reason):
    assert decode(GPS, line) == reason


def test_a_profile_without_frames_cannot_be_captured():
    with pytest.raises(ProfileError, match="has no frame format"):
        make_codec(MONITOR.model_copy(update={"frame": None}))


def test_a_frame_with_a_status_needs_one():
    with pytest.raises(ValueError, match="status word"):
        make_codec(MONITOR).encode(["1", "2"])


decimals = st.from_regex(r"-?[0-9]{1,6}(\.[0-9]{1,6})?", fullmatch=True) | st.just("")
in_range = st.decimals(0, 12, places=3).map(str) | st.just("")


@given(
    st.tuples(in_range, in_range),
    st.sampled_from(MONITOR.status_words),
    st.none() | st.integers(0, 10**17),
    st.none() | st.decimals(0, 10**6, places=3).map(str),
)
def test_what_is_encoded_is_decoded(texts, status, sequence, uptime):
    line = make_codec(MONITOR).encode(texts, status=status, sequence=sequence, uptime=uptime)
    frame = decode(MONITOR, line)
    assert frame.texts == texts
    assert (frame.status, frame.sequence) == (status, sequence)
    assert frame.uptime == (None if uptime is None else float(uptime))


@given(st.tuples(in_range, decimals), st.integers(0, 10**9))
def test_encoded_columns_are_decoded(texts, sequence):
    line = make_codec(CSV).encode(texts, status="OK", sequence=sequence, uptime="1.5")
    assert decode(CSV, line).texts == texts


@given(st.tuples(decimals, decimals))
def test_encoded_sentences_are_decoded(texts):
    assert decode(GPS, make_codec(GPS).encode(texts)).texts == texts


def test_a_frame_says_whether_it_was_checked():
    line = b"T:85.5,V:5.0,S:NORMAL"
    assert not decode(MONITOR, line).checked
    assert decode(MONITOR, append(line, "crc16")).checked
    assert decode(GPS, SENTENCE).checked
    assert not decode(like(CSV, checksum="none"), b"x*y,1,2,OK,3,4").checked


@pytest.mark.parametrize(("required", "then"), [(False, None), ("once_seen", "checksum_missing")])
def test_after_a_right_checksum_a_frame_without_one_is_what_the_profile_says(required, then):
    codec = make_codec(like(MONITOR, checksum_required=required))
    bare, wrong = b"T:85.5,V:5.0,S:NORMAL", b"T:85.5,V:5.0,S:NORMAL*0000"
    # Neither one without a checksum nor a wrong one begins it.
    lines = [bare, wrong, bare, append(bare, "crc16"), bare]
    frames, rejections = codec.decode([Line(i, line) for i, line in enumerate(lines)])
    last = [reason.value for line, reason in rejections if line.offset == 4]
    assert [frame.offset for frame in frames][:3] == [0, 2, 3]
    assert last == ([then] if then else [])
    # It is remembered from one call to the next.
    assert len(codec.decode([Line(9, bare)]).rejections) == (1 if then else 0)


def test_only_fields_with_names_or_a_start_sign_are_anchored():
    assert [make_codec(profile).anchored for profile in (MONITOR, CSV, GPS)] == [True, False, True]


def test_the_framer_of_a_format_is_that_of_its_profile():
    framer = make_codec(like(CSV, line_end="cr", max_line_bytes=20)).framer()
    assert [line.data for line in framer.feed(b"a,b\rc\n" + b"x" * 30)] == [
        b"a,b",
        b"c\n" + b"x" * 18,
    ]


@given(
    st.sampled_from([MONITOR, CSV, GPS]),
    st.integers(0, 60),
    st.integers(0, 255),
    st.sampled_from(["change", "insert", "delete"]),
)
def test_one_wrong_byte_never_raises(profile, place, byte, how):
    line = bytearray(make_codec(profile).encode(["5.25", "7.5"], status="NORMAL", sequence=1))
    place = min(place, len(line) - 1)
    if how == "change":
        line[place] = byte
    elif how == "insert":
        line.insert(place, byte)
    else:
        del line[place]
    decode(profile, bytes(line))


@given(st.sampled_from([MONITOR, CSV, GPS]), st.binary(max_size=80))
def test_no_bytes_raise(profile, data):
    decode(profile, data.replace(b"\n", b""))
