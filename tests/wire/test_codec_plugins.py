"""Formats of other packages, through a faked entry point and with the example package."""

import importlib.util
import re
import sys
from importlib.metadata import EntryPoint
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pydantic import BaseModel

from sensorkit.errors import ProfileError
from sensorkit.profile import Profile, codec_plugins
from sensorkit.profile.frame_formats import formats
from sensorkit.wire.codec import make_codec
from sensorkit.wire.framing import Line
from sensorkit.wire.stream import FrameStream

EXAMPLE = Path(__file__).parents[2] / "examples" / "sensorkit-vedirect"


@pytest.fixture(scope="module")
def vedirect():
    """The module of the example package, as if it were installed."""
    name = "sensorkit_vedirect"
    spec = importlib.util.spec_from_file_location(name, EXAMPLE / f"{name}.py")
    module = importlib.util.module_from_spec(spec)
    with pytest.MonkeyPatch.context() as patch:
        patch.setitem(sys.modules, name, module)
        spec.loader.exec_module(module)
        register(patch, vedirect=f"{name}:VeDirectCodec")
        yield module


def register(patch, **entries):
    found = {name: EntryPoint(name, value, codec_plugins.GROUP) for name, value in entries.items()}
    patch.setattr(codec_plugins, "installed", lambda: found)


@pytest.fixture(scope="module")
def charger(vedirect):
    return Profile.load(EXAMPLE / "solar_charger.yaml")


class Mute:
    """A codec that lacks most of one."""

    anchored = True

    def __init__(self, profile, options):
        self.options = options


class Picky:
    class Options(BaseModel):
        width: int

    def __init__(self, profile, options):
        raise ValueError(f"a width of {options.width} is too small; give 4 or more")


FAKED = """\
name: faked
rate_hz: 1
channels: [{name: a}]
frame:
  format: FORMAT
  options: {width: 3}
"""


def load(tmp_path, name, text=FAKED):
    path = tmp_path / "faked.yaml"
    path.write_text(text.replace("FORMAT", name))
    return Profile.load(path)


def test_an_unknown_format_names_what_there_is_and_how_to_get_more(tmp_path):
    with pytest.raises(ProfileError) as caught:
        load(tmp_path, "modbus")
    assert str(caught.value).endswith(
        "faked.yaml:5: frame.format: unknown frame format 'modbus'; there are csv, json, "
        "key_value, nmea, regex, whitespace; install the package that brings it (`pip install "
        "PACKAGE`; it has an entry point 'modbus' in sensorkit.codecs)"
    )


def test_a_format_that_is_nearly_one_of_ours_is_asked_for(tmp_path):
    with pytest.raises(ProfileError, match=r"unknown frame format 'jsn'.*did you mean 'json'"):
        load(tmp_path, "jsn")


def test_an_installed_format_is_listed(vedirect):
    assert "vedirect" in formats()


def test_the_options_are_checked_where_they_stand(tmp_path, monkeypatch):
    register(monkeypatch, picky=f"{__name__}:Picky")
    monkeypatch.setitem(sys.modules, __name__, sys.modules[Picky.__module__])
    with pytest.raises(ProfileError, match=r"faked.yaml:6: frame.options.width: .*\(had 'wide'\)"):
        load(tmp_path, "picky", FAKED.replace("3", "wide"))
    profile = load(tmp_path, "picky")
    with pytest.raises(ProfileError, match="'faked': frame format 'picky': a width of 3 is too"):
        make_codec(profile)


def test_what_is_no_codec_is_named(tmp_path, monkeypatch):
    register(monkeypatch, mute=f"{__name__}:Mute")
    monkeypatch.setitem(sys.modules, __name__, sys.modules[Mute.__module__])
    with pytest.raises(ProfileError, match="made a Mute without framer, decode, encode, termin"):
        make_codec(load(tmp_path, "mute"))


def test_a_package_that_cannot_be_imported_is_named(tmp_path, monkeypatch):
    register(monkeypatch, gone="no_such_module:Codec")
    with pytest.raises(ProfileError, match="'gone' is registered as no_such_module:Codec, which c"):
        load(tmp_path, "gone")


def test_a_recording_can_be_read_where_its_format_is_not_installed(charger, monkeypatch):
    told = charger.to_dict()
    register(monkeypatch)
    again = Profile.from_dict(told, "recording.json")
    assert again == charger
    with pytest.raises(ProfileError, match="'solar_charger': unknown frame format 'vedirect'"):
        make_codec(again)


def test_a_package_cannot_replace_a_format_of_ours(tmp_path, monkeypatch):
    register(monkeypatch, csv=f"{__name__}:Mute")
    profile = load(tmp_path, "csv, columns: [a]", FAKED.replace("  options: {width: 3}\n", "")
                   .replace("frame:\n  format: FORMAT", "frame: {format: FORMAT}"))  # fmt: skip
    assert type(make_codec(profile)).__name__ == "CsvCodec"


def block(charger, *texts, status="3"):
    return make_codec(charger).encode(list(texts), status=status)


def decode(profile, data):
    frames, rejections = make_codec(profile).decode([Line(0, data)])
    assert len(frames) + len(rejections) == 1
    return frames[0] if frames else rejections[0][1].value


def test_a_block_is_read_in_units(charger):
    data = block(charger, "12.53", "-0.62", "33.58", "8")
    assert data.startswith(
        b"\r\nV\t12530\r\nI\t-620\r\nVPV\t33580\r\nPPV\t8\r\nCS\t3\r\nChecksum\t"
    )
    frame = decode(charger, data)
    assert frame.values == (12.53, -0.62, 33.58, 8.0)
    assert frame.texts == (None, None, None, "8")
    assert (frame.status, frame.checked, frame.length) == ("3", True, len(data))


@pytest.mark.parametrize(
    ("old", "new", "reason"),
    [
        (b"12530", b"12531", "checksum"),
        (b"Checksum", b"Chacksum", "syntax"),
        (b"\r\nV", b"V", "syntax"),
    ],
)
def test_a_bad_block_says_why(charger, old, new, reason):
    data = block(charger, "12.53", "1", "2", "3")
    assert old in data
    assert decode(charger, data.replace(old, new)) == reason


@pytest.mark.parametrize(
    ("field", "reason"),
    [
        (b"\r\nV\t1", "field_duplicate"),
        (b"\r\nFW", "field_syntax"),
        (b"\r\nIL\t-", None),
    ],
)
def test_a_right_sum_does_not_make_a_right_block(charger, field, reason):
    body = block(charger, "12.53", "1", "2", "3")[: -len("\r\nChecksum\tX")]
    body += field + b"\r\nChecksum\t"
    got = decode(charger, body + bytes([-sum(body) % 256]))
    assert got == reason if reason else got.checked


def test_what_the_device_has_no_sensor_for_is_missing(charger):
    frame = decode(charger, block(charger, "12.53", "", "33.58", "8"))
    assert frame.texts == (None, "", None, "8")


def test_a_right_block_without_our_labels_is_a_sign_of_life(charger):
    body = b"\r\nH1\t-149322\r\nChecksum\t"
    frame = decode(charger, body + bytes([-sum(body) % 256]))
    assert frame.texts == ("", "", "", "")


def test_messages_of_the_other_protocol_do_not_belong_to_the_sum(charger):
    data = block(charger, "12.53", "1", "2", "3")
    message = b":A0102000543\n"  # A + 01 + 02 + 00 + 05 + 43 is 0x55
    torn = data[:20] + message + data[20:]
    assert decode(charger, torn).values == decode(charger, data).values
    assert decode(charger, message) == "type"
    assert decode(charger, message.replace(b"43", b"44")) == "checksum"
    stream = FrameStream(charger)
    batch = stream.feed(0, data + message + data + torn + message)
    assert len(batch.readings) == 3
    assert [r.reason.value for r in batch.rejections] == ["type"]
    assert stream.counts.tail_bytes == len(message)


@settings(deadline=None)
@given(
    st.lists(st.integers(0, 255), min_size=4, max_size=4),
    st.integers(0, 400), st.sampled_from([b"", b"\r\n", b"\xff", b":A1\n", b"\r\nChecksum\t"]),
    st.integers(1, 60),
)  # fmt: skip
def test_a_damaged_stream_of_blocks_adds_up_and_does_not_depend_on_its_cuts(
    charger, values, place, noise, step
):
    texts = [[f"{value / 10 + i:.3f}" for i in range(4)] for value in values]
    data = b"".join(block(charger, *row[:3], "7") for row in texts)
    place %= len(data)
    data = data[:place] + noise + data[place + len(noise) :]
    whole, pieces = FrameStream(charger), FrameStream(charger)
    batch = whole.feed(0, data)
    parts = [pieces.feed(0, data[i : i + step]) for i in range(0, len(data), step)]
    assert sum(len(part.readings) for part in parts) == len(batch.readings) >= 2
    assert [r for part in parts for r in part.rejections] == batch.rejections
    assert vars(whole.counts) == vars(pieces.counts)
    counts = whole.counts
    assert counts.received_bytes == len(data) == (
        counts.accepted_bytes + counts.rejected_bytes + counts.tail_bytes
    )  # fmt: skip
    # A sum of bytes misses one change in 256 and every exchange of two bytes: here there is none.
    assert len(batch.readings) == 4 or noise


def test_an_option_that_names_no_channel_is_refused(charger):
    told = charger.to_dict()
    told["frame"]["options"]["fields"]["amps"] = {"label": "I"}
    with pytest.raises(ProfileError, match="has no channel 'amps'"):
        make_codec(Profile.from_dict(told, "test"))


def test_a_mistake_in_the_options_has_a_line(vedirect, tmp_path):
    text = (EXAMPLE / "solar_charger.yaml").read_text(encoding="utf-8")
    path = tmp_path / "mine.yaml"
    path.write_text(text.replace("{label: PPV}", "{lable: PPV}"), encoding="utf-8")
    wanted = "mine.yaml:18: frame.options.fields.panel_power.lable: unknown key; did you mean 'l"
    with pytest.raises(ProfileError, match=re.escape(wanted)):
        Profile.load(path)
