"""Every frame format against every single wrong byte."""

import typing

import pytest
from hostile import PROFILES, damage, damaged, frame, fuzz
from hypothesis import given
from hypothesis import strategies as st

from sensorkit.profile import Profile
from sensorkit.wire.codec import make_codec
from sensorkit.wire.framing import Line

each_profile = pytest.mark.parametrize("profile", PROFILES.values(), ids=list(PROFILES))


def formats():
    """The frame formats that a profile can have, by name; a plug-in's name may be anything."""
    found, types = set(), [Profile.model_fields["frame"].annotation]
    while types:
        kind = types.pop()
        types += typing.get_args(kind)
        told = getattr(kind, "model_fields", {}).get("format")
        found.update(typing.get_args(told.annotation) if told else ())
    return {name for name in found if isinstance(name, str)}


def test_every_frame_format_has_a_profile_to_try_it_with():
    assert formats() >= {"key_value", "csv", "nmea"}
    assert {profile.frame.format for profile in PROFILES.values()} >= formats()


def wrong(line):
    """Every line that differs in one byte: changed, lost, doubled, put in, or cut off there."""
    for place in range(len(line)):
        head, tail = line[:place], line[place + 1 :]
        yield from (head + bytes([byte]) + tail for byte in range(256) if byte != line[place])
        yield head + tail
        yield line[: place + 1] + line[place:]
        yield head + b"\0" + line[place:]
        yield head


def decoded(codec, line):
    frames, rejections = codec.decode([Line(7, line)])
    assert len(frames) + len(rejections) == 1
    return frames[0] if frames else None


def says(found):
    """Return what a frame says, as text: NaN is not equal to itself."""
    return repr((found.texts, found.values, found.status, found.sequence, found.uptime))


@each_profile
def test_no_single_wrong_byte_raises_and_none_passes_a_checksum(profile):
    codec = make_codec(profile)
    line = frame(profile, 3)
    whole = decoded(codec, line)
    assert whole is not None
    digits = {"none": 0, "xor": 2, "crc16": 4}[getattr(profile.frame, "checksum", "none")]
    body = len(line) - digits - 1 if digits and line[-digits - 1 :][:1] == b"*" else 0
    for bad in wrong(line):
        found = decoded(codec, bad.replace(b"\n", b"\r"))
        # The sign of the checksum gone, a line looks like one without: the stream knows better.
        if body and found is not None and bad[body : body + 1] == b"*" == line[body : body + 1]:
            assert says(found) == says(whole), bad


@each_profile
@fuzz
@given(st.integers(0, 99), st.lists(damage, min_size=1, max_size=6))
def test_what_is_accepted_can_be_said_again(profile, i, changes):
    codec = make_codec(profile)
    line = frame(profile, i)
    for change in changes:
        line = damaged(line, *change)
    found = decoded(codec, line.replace(b"\n", b" "))
    if found is not None:
        assert found.length == len(line)
        assert len(found.texts) == len(found.values) == len(profile.channels)
        for text, value in zip(found.texts, found.values, strict=True):
            assert text is None or repr(float(text or "nan")) == repr(value)


@each_profile
@given(st.binary(max_size=120))
@fuzz
def test_no_line_raises(profile, line):
    decoded(make_codec(profile), line.replace(b"\n", b""))
