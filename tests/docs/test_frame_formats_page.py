"""docs/frame-formats.md: its profiles can be read, its patterns are as it says, its codec works."""

import re
import sys
import types
from importlib.metadata import EntryPoint
from pathlib import Path

import pytest
import yaml
from pydantic import TypeAdapter, ValidationError

from sensorkit.profile import Profile, codec_plugins
from sensorkit.profile.frame_base import LineSection
from sensorkit.profile.frame_formats import Frame, NmeaFrame, formats
from sensorkit.profile.safe_pattern import SafePattern, UnsafePatternError
from sensorkit.wire.codec import make_codec
from sensorkit.wire.framing import Line
from sensorkit.wire.stream import FrameStream

ROOT = Path(__file__).parents[2]
PAGE = (ROOT / "docs" / "frame-formats.md").read_text(encoding="utf-8")
SECTIONS = [yaml.safe_load(block) for block in re.findall(r"```yaml\n(.*?)```", PAGE, re.DOTALL)]
PATTERNS = re.findall(r"^\| `(.+?)` \| `(.+?)` \| .*(?:takes|separate|taken)", PAGE, re.MULTILINE)
DUST = {
    "name": "dust",
    "rate_hz": 1.0,
    "channels": [{"name": n} for n in ("pm1_raw", "pm25_raw", "pm10_raw", "pm1", "pm25", "pm10")],
    "frame": {"format": "dust"},
}


def test_each_format_has_a_row_and_a_section():
    for name in set(formats()) - set(codec_plugins.installed()):
        assert f"\n| `{name}` | `" in PAGE
        assert f"\n## {name}\n" in PAGE


@pytest.mark.parametrize("section", SECTIONS, ids=lambda section: section["frame"]["format"])
def test_each_frame_section_can_be_read(section, monkeypatch):
    name = section["frame"]["format"]
    if name == "vedirect":
        entry = EntryPoint(name, "builtins:object", codec_plugins.GROUP)
        monkeypatch.setattr(codec_plugins, "installed", lambda: {name: entry})
    assert TypeAdapter(Frame).validate_python(section["frame"]).format == name
    with pytest.raises(ValidationError, match="checksun"):
        TypeAdapter(Frame).validate_python({**section["frame"], "checksun": "xor"})


def test_the_defaults_are_those_of_the_table():
    row = re.compile(
        r"^\| `(\w+)` \| `?(\w+)`?(?: \(`nmea`: `(\w+)`\))? \| (?:after|`true|`lf|a line)", re.M
    )
    told = {key: (default, nmea or default) for key, default, nmea in row.findall(PAGE)}
    assert told.keys() == LineSection.model_fields.keys()
    for key, defaults in told.items():
        fields = LineSection.model_fields[key], NmeaFrame.model_fields[key]
        assert tuple(str(field.default).lower() for field in fields) == defaults


@pytest.mark.parametrize(("refused", "taken"), PATTERNS)
def test_what_the_page_says_of_patterns_is_so(refused, taken):
    SafePattern(taken)
    with pytest.raises(UnsafePatternError):
        SafePattern(refused)


def test_the_page_shows_patterns():
    assert len(PATTERNS) == 3


@pytest.fixture
def dust(monkeypatch):
    """The codec on the page, as if it were installed."""
    (source,) = re.findall(r"```python\n(.*?)```", PAGE, re.DOTALL)
    module = types.ModuleType("dust_of_the_page")
    exec(source, vars(module))
    monkeypatch.setitem(sys.modules, module.__name__, module)
    entry = EntryPoint("dust", f"{module.__name__}:DustCodec", codec_plugins.GROUP)
    monkeypatch.setattr(codec_plugins, "installed", lambda: {"dust": entry})
    return Profile.from_dict(DUST, "test")


def test_the_codec_of_the_page_reads_what_it_writes(dust):
    codec = make_codec(dust)
    texts = ["26", "36", "37", "24", "33", "65535"]
    block = codec.encode(texts)
    assert codec.decode([Line(0, block)]).frames[0].texts == tuple(texts)
    for place in range(len(block)):
        damaged = bytes([block[place] ^ 4]).join([block[:place], block[place + 1 :]])
        assert codec.decode([Line(0, damaged)]).frames == []


@pytest.mark.data
def test_the_codec_of_the_page_reads_a_real_dust_sensor(dust, sensorkit_data):
    data = (sensorkit_data / "serial_logs" / "pms5003" / "putty.log").read_bytes()
    blocks = [data[i : i + 32] for i in range(0, len(data), 32)]
    good = [b for b in blocks if sum(b[:30]) == int.from_bytes(b[30:], "big")]
    for step in (1, 31, 4095):
        stream = FrameStream(dust)
        parts = [stream.feed(0, data[i : i + step]) for i in range(0, len(data), step)]
        values = [row for part in parts for row in part.readings.values.tolist()]
        assert values == [[float(int.from_bytes(b[i : i + 2], "big")) for i in range(4, 16, 2)]
                          for b in good]  # fmt: skip
    for lost in range(96, 128):  # one byte: that block and no other
        stream = FrameStream(dust)
        batch = stream.feed(0, data[:lost] + data[lost + 1 :])
        assert len(batch.readings) == len(good) - 1
        assert stream.counts.received_bytes == len(data) - 1
