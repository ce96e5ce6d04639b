"""Whatever a device says, the YAML is valid and inert, and says what it would without it."""

import json

import pytest
import yaml
from device_logs import ROWS, log
from hypothesis import given, settings
from hypothesis import strategies as st

from sensorkit.learning import LearnError, learn, of_bytes
from sensorkit.learning.yaml_text import Text, comment, flow, scalar
from sensorkit.profile import Profile

NASTY = [
    "<script>alert(1)</script>",
    "=cmd()|'/C calc'!A0",
    "a: b # c & d *e !!python/object/apply:os.system [ls]",
    "- - ? | > % @ ` { } [ ]",
    "'\"\\",
    "</script><img src=x onerror=alert(1)>",
    "--- ...",
    "yes",
    "~",
]


def keys(value):
    """Every key and text in a document."""
    if isinstance(value, dict):
        return [*value, *(k for inner in value.values() for k in keys(inner))]
    if isinstance(value, list):
        return [k for inner in value for k in keys(inner)]
    return [value]


def profile_or_sentence(data):
    """Learn; whatever comes of it must be in order."""
    said = ""
    try:
        learned = learn(of_bytes(data, "log"))
    except LearnError as error:
        said = str(error)
    else:
        assert Profile.model_validate(yaml.safe_load(learned.yaml)) == learned.profile
    assert "\n" not in said


@pytest.mark.parametrize("text", NASTY)
def test_texts_of_a_device_never_get_out_of_their_place(text, tmp_path):
    data = log(lambda i, t, h: json.dumps({"t": round(t, 2), text: h, "s": text}))
    learned = learn(of_bytes(data, text))
    path = tmp_path / "learned.yaml"
    path.write_text(learned.yaml, encoding="utf-8")
    profile = Profile.load(path)
    assert profile == learned.profile
    assert profile.name.isascii()
    assert yaml.safe_load(learned.yaml).keys() <= set(Profile.model_fields)


@pytest.mark.parametrize("text", NASTY)
def test_a_header_of_anything_names_columns_that_a_profile_takes(text):
    header = f"{text.replace(';', '')};T [{text[:9].replace(';', '')}]"
    learned = learn(of_bytes(log(lambda i, t, h: f"{t:.2f};{h:.1f}", before=[header]), "log"))
    assert len(learned.profile.channels) == 2
    assert yaml.safe_load(learned.yaml)["channels"][0]["name"] == learned.profile.channel_names[0]


def test_the_numbers_of_a_device_may_be_anything():
    huge = [
        "999999999999999999",
        "-999999999999999999",
        "0",
        "0.000000000000000001",
        "-0",
        "100000000000000000.5",
    ]
    data = "".join(f"a={huge[i % 6]},b={huge[(i * 5) % 6]}\n" for i in range(200)).encode()
    assert learn(of_bytes(data, "log")).profile.channel_names == ("a", "b")


def test_numbers_that_no_float_holds_are_refused_like_any_text():
    data = "".join(json.dumps({"x": 10.0 ** (300 + i % 8)}) + "\n" for i in range(100)).encode()
    learned = learn(of_bytes(data, "log"))
    assert learned.profile.channel_names == ("x",)


def test_a_line_of_ten_megabytes_and_nul_bytes_do_not_spoil_the_rest():
    good = log(lambda i, t, h: f"T:{t:.2f},V:{h:.1f}")
    data = good + b"x" * 10_000_000 + b"\n" + b"\x00" * 500 + b"\n" + good
    learned = learn(of_bytes(data, "log"))
    assert learned.frames == 2 * len(ROWS)
    assert sum(learned.rejected.values()) == 2


def test_a_device_that_says_nothing_but_one_long_line():
    with pytest.raises(LearnError, match="no text"):
        learn(of_bytes(b"\x01" * 10_000_000, "log"))


@given(st.text())
def test_a_scalar_reads_back_as_it_is(text):
    assert yaml.safe_load(f"key: {scalar(text)}\n") == {"key": text}


@given(st.floats(allow_nan=False, allow_infinity=False))
def test_a_number_reads_back_as_it_is(number):
    assert yaml.safe_load(flow([number])) == [number]


@given(st.text(), st.integers(0, 8))
def test_a_comment_stays_a_comment(text, indent):
    assert yaml.safe_load("\n".join([*comment(text, indent), "key: 1"])) == {"key": 1}
    written = Text()
    written.key("key", 1, remark=text)
    assert yaml.safe_load(str(written)) == {"key": 1}


@settings(max_examples=40, deadline=None)
@given(st.lists(st.text(st.characters(codec="latin-1"), max_size=40), min_size=1, max_size=30))
def test_any_log_gives_a_profile_or_a_sentence(lines):
    profile_or_sentence("\n".join([*lines, ""]).encode("latin-1"))


@settings(max_examples=40, deadline=None)
@given(st.text(st.characters(min_codepoint=32, max_codepoint=126), min_size=1, max_size=30))
def test_any_text_around_a_number_gives_a_profile_or_a_sentence(text):
    data = "".join(f"{text}{i % 7}.{i % 10}{text}\n" for i in range(20)).encode()
    profile_or_sentence(data)
