"""sensorkit.yaml: what stands in it, what is refused, and what the refusal says."""

import os
import sys

import pytest

from sensorkit.config.document import MOST_BYTES, Config
from sensorkit.errors import UsageError


@pytest.fixture
def load(tmp_path):
    """Return a function that loads a file with a text."""

    def make(text):
        path = tmp_path / "sensorkit.yaml"
        path.write_bytes(text if isinstance(text, bytes) else text.encode())
        return Config.load(path)

    return make


def refusal(load, text):
    with pytest.raises(UsageError) as refused:
        load(text)
    return str(refused.value)


def test_relative_paths_begin_where_the_file_is(load, tmp_path):
    config, _ = load(
        "ports: {a: {link: 'file:logs/x.log', profile: p/mine.yaml}}\n"
        "profiles: {mine: p/mine.yaml}\n"
        "presets: {own: {profile: p/mine.yaml}}\n"
    )

    mine = str(tmp_path / "p/mine.yaml")
    assert config.ports["a"].link == f"file:{tmp_path / 'logs/x.log'}"
    assert config.ports["a"].profile == mine
    assert config.profiles == {"mine": mine}
    assert config.presets["own"].profile == mine


def test_absolute_paths_and_those_of_the_home_stay(load, tmp_path, monkeypatch):
    monkeypatch.setenv("HOME", str(tmp_path / "home"))
    monkeypatch.setenv("USERPROFILE", str(tmp_path / "home"))
    there = tmp_path / "elsewhere" / "b.yaml"

    config, _ = load(f"profiles: {{a: ~/a.yaml, b: '{there.as_posix()}'}}\n")

    assert config.profiles["a"] == str(tmp_path / "home" / "a.yaml")
    assert config.profiles["b"] == str(there)


def test_links_that_are_no_files_are_left_as_they_are(load):
    config, _ = load("ports: {a: {link: /dev/ttyUSB0}, b: {link: 'socket://host:1'}}\n")

    assert [port.link for port in config.ports.values()] == ["/dev/ttyUSB0", "socket://host:1"]


def test_a_value_is_found_at_its_line(load, tmp_path):
    _, lines = load(
        "# a comment\nports:\n  boiler:\n    link: COM3\nthresholds:\n  quality_below: 3\n"
    )

    path = tmp_path / "sensorkit.yaml"
    assert lines("ports", "boiler") == f"{path}:3"
    assert lines("ports", "boiler", "link") == f"{path}:4"
    assert lines("thresholds", "quality_below") == f"{path}:6"


@pytest.mark.parametrize("text", ["", "# all of it\n\n  # commented out\n", "\ufeff# x\n"])
def test_a_file_of_comments_says_nothing_and_is_in_order(load, text):
    assert load(text)[0] == Config()


@pytest.mark.parametrize(
    "text",
    [
        b"\xef\xbb\xbfpreset: demo\n",
        b"preset: demo\r\nports:\r\n  a:\r\n    link: COM1\r\n",
        "preset: demo  # é\n".encode(),
    ],
    ids=["byte order mark", "carriage returns", "a comment beyond ASCII"],
)
def test_what_editors_leave_in_a_file_does_no_harm(load, text):
    assert load(text)[0].preset == "demo"


@pytest.mark.parametrize(
    ("text", "line", "said"),
    [
        ("port: {}\n", 1, "port: unknown key; did you mean 'ports'?"),
        ("ports: {a: {lnk: x}}\n", 1, "ports.a.lnk: unknown key; did you mean 'link'?"),
        ("ports:\n  a: {baud: 9600}\n", 2, "ports.a.link: Field required"),
        ("ports:\n  a:\n    link: x\n    baud: fast\n", 4, "ports.a.baud"),
        ("ports:\n  a:\n    link: x\n    baud: 0\n", 4, "ports.a.baud"),
        ("ports:\n  'a b': {link: x}\n", 2, "ports.a b"),
        ("preset: dmeo\n", 1, "did you mean 'demo'?"),
        ("preset: nihgt\npresets: {night: {}}\n", 1, "did you mean 'night'?"),
        ("presets:\n  demo: {units: 1}\n", 2, "a shipped preset has this name"),
        ("presets:\n  a: {unit: 1}\n", 2, "did you mean 'units'?"),
        ("presets:\n  a: {rate_hz: .inf}\n", 2, "presets.a.rate_hz"),
        ("presets:\n  a: {rate_hz: .nan}\n", 2, "presets.a.rate_hz"),
        ("presets:\n  a: {window: 1}\n", 2, "presets.a.window"),
        ("presets:\n  a: {anomalies: 1.5}\n", 2, "presets.a.anomalies"),
        ("profiles: {serial_monitor: x.yaml}\n", 1, "a shipped profile has this name"),
        ("profiles: {a: b}\n", 1, "the path of a .yaml file is wanted"),
        ("ports: {a: {link: x, profile: fermentor}}\n", 1, "did you mean 'fermenter'?"),
        ("thresholds:\n  quality_below: 101\n", 2, "thresholds.quality_below"),
        ("thresholds:\n  qualty_below: 1\n", 2, "did you mean 'quality_below'?"),
        ("thresholds: {memory_mb_above: .inf}\n", 1, "thresholds.memory_mb_above"),
        ("preset: demo\npreset: demo\n", 2, "stands here a second time"),
        ("ports:\n\ta: x\n", 2, "not readable as YAML"),
        ("x: !!python/object/apply:os.system [echo]\n", 1, "not readable as YAML"),
        ("defaults: [a]\n", 1, "defaults"),
        ("1: x\n", 1, "unknown key"),
    ],
)
def test_a_mistake_is_named_with_file_line_and_field(load, tmp_path, text, line, said):
    message = refusal(load, text)

    assert message.startswith(f"{tmp_path / 'sensorkit.yaml'}:{line}: ")
    assert said in message


def test_a_benchmarks_file_is_sent_where_it_belongs(load):
    assert "`sensorkit evaluate --config FILE`" in refusal(load, "recordings: [a]\n")


def test_a_list_is_no_configuration(load):
    assert "holds list, a mapping of keys to values is wanted" in refusal(load, "- a\n")


def test_anchors_that_multiply_are_refused_at_once(load):
    levels = ["a0: &a0 [x, x, x, x, x, x, x, x, x, x]"]
    levels += [f"a{i}: &a{i} [{', '.join([f'*a{i - 1}'] * 10)}]" for i in range(1, 12)]

    message = refusal(load, "\n".join(levels) + "\ndefaults: {capture: {baud: *a11}}\n")

    assert "unknown key" in message
    assert len(message) < 2000


def test_anchors_that_multiply_where_anything_may_stand_cost_nothing(load):
    text = "defaults:\n  capture:\n    b0: &b0 [x, x, x, x, x, x, x, x, x, x]\n"
    text += "".join(f"    b{i}: &b{i} [{', '.join([f'*b{i - 1}'] * 10)}]\n" for i in range(1, 30))

    config, _ = load(text)  # what an option takes is checked where the options are known

    assert len(config.defaults["capture"]) == 30


def test_a_file_that_nests_without_end_is_refused_in_a_sentence(load):
    assert "nested too deeply" in refusal(load, "defaults: " + "[" * 5000 + "]" * 5000)


def test_a_file_of_ten_megabytes_is_refused_before_it_is_read(load):
    message = refusal(load, b"# " + b"x" * 10_000_000)

    assert "has 10.0 MB, at most 1 MB are read" in message


def test_an_error_is_cut_where_it_quotes_a_very_long_value(load):
    assert len(refusal(load, f"preset: {'x' * (MOST_BYTES - 100)}\n")) < 1200


def test_bytes_that_are_no_text_are_refused(load):
    assert "it is not UTF-8 text" in refusal(load, b"preset: \xff\xfe\n")


def test_a_folder_is_refused(tmp_path):
    with pytest.raises(UsageError, match="is a folder; give the path of a YAML file"):
        Config.load(tmp_path)


def test_what_is_not_there_is_refused_with_what_to_do(tmp_path):
    with pytest.raises(UsageError, match=r"No such file or directory; give the path .*config init"):
        Config.load(tmp_path / "none.yaml")


@pytest.mark.skipif(sys.platform == "win32", reason="Windows has no named pipes in folders")
def test_a_pipe_is_not_waited_for(tmp_path):
    os.mkfifo(tmp_path / "pipe.yaml")

    with pytest.raises(UsageError, match="is no file"):
        Config.load(tmp_path / "pipe.yaml")


@pytest.mark.skipif(sys.platform == "win32", reason="links need rights on Windows")
def test_a_link_to_a_file_is_read_and_paths_begin_where_the_link_is(tmp_path):
    (tmp_path / "real").mkdir()
    (tmp_path / "real" / "site.yaml").write_text("profiles: {a: a.yaml}\n")
    (tmp_path / "sensorkit.yaml").symlink_to(tmp_path / "real" / "site.yaml")

    config, _ = Config.load(tmp_path / "sensorkit.yaml")

    assert config.profiles == {"a": str(tmp_path / "a.yaml")}


@pytest.mark.parametrize(
    "address",
    [
        "smtp://me:hunter2@host",
        "https://host/x?token=hunter2",
        "file:a?password=hunter2",
        "Hunter2",
    ],
)
def test_no_error_about_a_sink_repeats_a_secret(load, address):
    message = refusal(load, f"sinks:\n  mail: '{address}'\n")

    assert ":2: sinks.mail: " in message
    assert "unter2" not in message
