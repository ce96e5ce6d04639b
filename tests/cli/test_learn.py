"""`sensorkit learn` as a user types it."""

import importlib
import json
import sys
import threading

import numpy as np
import pytest
import yaml

from sensorkit.emulator import Emulator
from sensorkit.profile import Profile

importlib.import_module("sensorkit.cli.learn")


@pytest.fixture
def run(typing, capsys, monkeypatch, tmp_path):
    """Run the command in a folder of its own; return exit status, output and errors."""
    monkeypatch.chdir(tmp_path)
    return typing(capsys, "learn")


def frames(n=800, seed=1):
    emulator = Emulator(Profile.load("serial_monitor"), hold="NORMAL", seed=seed)
    return b"".join(frame.data for frame in emulator.frames(n))


@pytest.fixture
def log(tmp_path):
    path = tmp_path / "bench.log"
    path.write_bytes(frames())
    return path


def test_a_profile_is_written_and_told(run, log, tmp_path):
    status, said, _ = run(log)
    assert status == 0
    profile = Profile.load(tmp_path / "bench.yaml")
    assert profile.channel_names == ("T", "V")
    assert "100.0% of the lines read as key_value, 1 Hz" in said
    assert "bench.yaml: written" in said
    assert "autocorrelation" in said


def test_a_profile_is_never_overwritten_unasked(run, log, tmp_path):
    (tmp_path / "bench.yaml").write_text("mine: 1\n")
    status, _, errors = run(log)
    assert status == 2
    assert "--force" in errors
    assert (tmp_path / "bench.yaml").read_text() == "mine: 1\n"
    assert run(log, "--force")[0] == 0
    assert Profile.load(tmp_path / "bench.yaml").name == "bench"


def test_out_and_name_are_taken(run, log, tmp_path):
    assert run(f"file:{log}", "--out", "mine.yaml", "--name", "my_device")[0] == 0
    assert Profile.load(tmp_path / "mine.yaml").name == "my_device"


def test_json_has_everything(run, log):
    status, said, _ = run(log, "--json")
    told = json.loads(said)
    assert status == 0
    assert told["written"] == "bench.yaml"
    assert [channel["name"] for channel in told["channels"]] == ["T", "V"]
    assert {one["verdict"] for one in told["resemblance"]} <= {"pass", "open"}
    assert told["share"] == 1.0


def test_check_holds_a_profile_against_data(run, log, tmp_path):
    run(log)
    status, said, _ = run(log, "--check", "bench.yaml")
    assert status == 0
    assert "what profile bench emulates" in said
    wrong = yaml.safe_load((tmp_path / "bench.yaml").read_text())
    wrong["channels"][1]["waveform"]["noise"] = {"sigma": 2.0}
    (tmp_path / "wrong.yaml").write_text(yaml.safe_dump(wrong))
    status, said, errors = run(log, "--check", "wrong.yaml")
    assert status == 1
    assert "V (spectrum)" in errors


def test_each_device_of_a_session_gets_a_profile(run, typing, capsys, log, tmp_path):
    (tmp_path / "other.log").write_bytes(frames(seed=2))
    links = "left=file:bench.log", "right=file:other.log"
    importlib.import_module("sensorkit.cli.capture.command")
    assert typing(capsys, "capture")(*links, "--out", "session")[0] == 0
    assert run("session")[0] == 0
    for name in ("left", "right"):
        assert Profile.load(tmp_path / f"{name}.yaml").name == name
    status, _, errors = run("session", "--out", "one.yaml")
    assert status == 2
    assert "left, right" in errors


def test_too_little_is_one_sentence_and_no_file(run, tmp_path):
    (tmp_path / "short.log").write_bytes(b"T:1\nT:2\n")
    status, said, errors = run("short.log")
    assert (status, said) == (1, "")
    assert errors.count("\n") == 1
    assert "at least 5 are wanted" in errors
    assert not (tmp_path / "short.yaml").exists()


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (("bench.log", "--listen", "5"), "is no link"),
        (("bench.log", "--keep", "there"), "is no link"),
        (("no/such/folder",), "is not there"),
        (("bench.log", "--out", "profile.txt"), "is a .yaml file"),
        (("bench.log", "--check", "no_such"), "no_such"),
    ],
)
def test_wrong_use_is_said_before_anything_happens(run, log, words, said):
    status, _, errors = run(*words)
    assert status == 2
    assert said in errors


def test_what_a_device_says_does_not_act_on_the_terminal(run, tmp_path):
    lines = "".join(f'{{"\\u001b[2J{i % 2}x":1,"t":{i % 7}.5}}\n' for i in range(100))
    (tmp_path / "evil.log").write_text(lines)
    status, said, errors = run("evil.log")
    assert status == 0
    assert "\x1b" not in said + errors + (tmp_path / "evil.yaml").read_text()


@pytest.mark.pty
@pytest.mark.skipif(sys.platform == "win32", reason="there are no pseudo-terminals")
def test_a_live_link_is_listened_to(run, tmp_path):
    from sensorkit.wire.links import open_pty

    pair = open_pty()
    done = threading.Event()

    def send():
        data = frames(400)
        while data and not done.is_set():
            data = data[pair.master.write(data[:512]) :]

    sender = threading.Thread(target=send)
    sender.start()
    try:
        status, said, errors = run(pair.port, "--listen", "1.5", "--keep", "heard")
    finally:
        done.set()
        sender.join()
        pair.close()
    assert status == 0, errors
    assert "listening to" in errors
    assert "key_value" in said
    assert Profile.load(tmp_path / "heard.yaml").channel_names == ("T", "V")
    assert (tmp_path / "heard" / "raw.log").stat().st_size > 1000


def test_a_rate_that_nothing_tells_and_the_other_devices_are_said(run, tmp_path):
    values = np.random.default_rng(1).normal(20, 1, 400)
    lines = "".join(f"pump-{1 + i % 2},{value:.2f}\n" for i, value in enumerate(values))
    (tmp_path / "bus.log").write_text(lines)
    status, said, _ = run("bus.log")
    assert status == 0
    assert "rate not known" in said
    assert "2 devices: pump-1, pump-2" in said
    assert "1 Hz" not in said


def test_what_is_neither_there_nor_a_port_is_not_taken_for_a_port(run):
    status, _, errors = run("bench.log")
    assert status == 2
    assert errors.startswith("sensorkit: bench.log: is not there; give a recording, a log, or")


def test_a_folder_of_recordings_names_them(run, tmp_path):
    for name in ("left", "right"):
        (tmp_path / "line" / name).mkdir(parents=True)
        (tmp_path / "line" / name / "recording.json").write_text("{}")
    status, _, errors = run("line")
    assert status == 2
    assert "holds 2 recordings" in errors
    assert str(tmp_path / "line" / "left") in errors or "line/left" in errors
