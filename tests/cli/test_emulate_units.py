"""Several units, anomalies and the prompt of `sensorkit emulate`, as a user types them."""

import os
import signal
import subprocess
import sys
import time
from contextlib import contextmanager

import pytest

from sensorkit.capture.tables import read_labels
from sensorkit.wire.links import open_link

pty = pytest.mark.pty
MAX = ["--speed", "max"]


@pytest.fixture
def run(typing, capsys):
    """Run `sensorkit emulate ...`; return exit code, output and errors."""
    return typing(capsys, "emulate")


@contextmanager
def emulating(*words, say=None):
    """Run `sensorkit emulate ...` beside the test; its standard input says *say* and ends."""
    command = [sys.executable, "-m", "sensorkit", "emulate", *map(str, words)]
    process = subprocess.Popen(
        command,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    try:
        if say is not None:
            process.stdin.write(say)
            process.stdin.close()
            process.stdin = None
        yield process
    finally:
        if process.poll() is None:
            process.kill()
        process.communicate()


def test_the_units_of_a_profile_with_a_device_field_share_a_line(run, tmp_path):
    target = tmp_path / "frames.txt"
    code, printed, _ = run(
        "turbofan", "--units", 3, "--port", f"file:{target}", "--frames", 30, *MAX
    )
    assert code == 0
    assert printed == f"file:{target}\n"
    lines = target.read_text(encoding="ascii").splitlines()
    said = [line.split(",")[0] for line in lines]
    assert sorted(set(said)) == ["engine-1", "engine-2", "engine-3"]
    assert [said.count(name) for name in sorted(set(said))] == [10, 10, 10]


@pty
def test_the_units_of_another_profile_have_a_line_each(tmp_path):
    link = tmp_path / "tank"
    with emulating("fermenter", "--units", 2, "--link", link, "--rate", 50) as process:
        names = [process.stdout.readline().strip() for _ in range(2)]
        assert names == [f"{link}-1", f"{link}-2"]
        heard = {}
        for name in names:
            port = open_link(name)
            data = b""
            while data.count(b"\n") < 3:
                data += port.read(5.0) or b""
            port.close()
            heard[name] = data.splitlines()[1]
        process.send_signal(signal.SIGINT)
        _, told = process.communicate(timeout=20)
    assert process.returncode == 0
    assert heard[names[0]] != heard[names[1]]
    assert "fermenter-1 at 50 Hz" in told
    assert "fermenter-2 at 50 Hz" in told
    assert told.count(": sent ") == 2


@pytest.mark.parametrize(
    ("args", "wanted"),
    [
        (["fermenter", "--units", "2", "--port", "file:x"], "each unit of this profile needs its"),
        (["fermenter", "--units", "2", "--port", "-"], "--port -: is one line"),
        (["fermenter", "--units", "2", "--port", "socket://127.0.0.1:65535"], "is one line"),
        (["fermenter", "--units", "2", "--truth", "t.jsonl"], "--truth t.jsonl: tells of one line"),
        (["fermenter", "--units", "0"], "greater than or equal to 1"),
        (["fermenter", "--units", "99999"], "units are not possible"),
        (["turbofan", "--anomalies", "1.5"], "a share of 1.5 anomalous readings is not possible"),
        (["turbofan", "--anomalies", "-0.1"], "a share of -0.1 anomalous readings is not"),
        (["turbofan", "--anomalies", "nan"], "a share of nan anomalous readings is not"),
        (["fermenter", "--control", "--port", "-"], "--control: answers would stand between the"),
    ],
)
def test_what_cannot_be_is_said_before_anything_is_sent(run, tmp_path, monkeypatch, args, wanted):
    monkeypatch.chdir(tmp_path)
    code, printed, told = run(*args)
    assert code in (1, 2)
    assert wanted in " ".join(told.split())
    assert printed == ""
    assert list(tmp_path.iterdir()) == []


def test_a_share_of_the_readings_is_anomalous(run, tmp_path):
    labels = tmp_path / "labels.csv"
    code, _, _ = run(
        "fermenter", "--anomalies", 0.05, "--port", f"file:{tmp_path / 'f'}", "--frames", 20_000,
        "--hold", "NORMAL", "--labels", labels, *MAX,
    )  # fmt: skip
    assert code == 0
    found = read_labels(labels)
    # 1000 of 20 000, give or take 31; each lasts a reading.
    assert 880 < len(found) < 1120
    assert (found["end"] == found["start"]).all()
    # Those of the profile that last a reading: of equal weight, one on each channel.
    assert set(found["kind"]) == {"spike"}
    counts = found["channel"].value_counts()
    assert sorted(counts.index) == ["agitator_rpm", "fermenter_ph", "fermenter_temp"]
    assert counts.min() > 260


def test_commands_can_be_piped_and_what_they_inject_is_labelled(tmp_path):
    labels = tmp_path / "labels.csv"
    say = "inject 1 spike\nbogus\ninject 1 stuck fermenter_ph 3\nstatus\nquit\n"
    with emulating(
        "fermenter", "--port", f"file:{tmp_path / 'f'}", "--rate", 20, "--control",
        "--labels", labels, "--hold", "NORMAL", say=say,
    ) as process:  # fmt: skip
        printed, _ = process.communicate(timeout=60)
    assert process.returncode == 0
    lines = printed.splitlines()
    assert lines[1] == "fermenter-1: spike on fermenter_temp from the next reading on, for 0.05 s"
    assert lines[2] == "bogus: unknown command; `help` says which there are"
    assert lines[3].startswith("fermenter-1: stuck on fermenter_ph from the next reading on")
    assert "Hz a unit" in lines[4]
    assert read_labels(labels)["kind"].tolist() == ["spike", "stuck"]


def test_the_end_of_the_input_does_not_end_the_emulator(tmp_path):
    target = tmp_path / "f"
    with emulating(
        "fermenter", "--port", f"file:{target}", "--rate", 50, "--control", "--frames", 60,
        say="list\n",
    ) as process:  # fmt: skip
        printed, told = process.communicate(timeout=60)
    assert process.returncode == 0
    assert "units: fermenter-1" in printed
    assert "sent 60 frames" in told
    assert target.read_bytes().count(b"\n") == 60


def test_hostile_lines_on_the_prompt_are_answered_and_nothing_acts(tmp_path):
    hostile = b"\x00\x1b]0;owned\x07 \xff\xfe\n" + b"x" * 100_000 + b"\nstatus\xe2\x80\xa8\nquit\n"
    command = [sys.executable, "-m", "sensorkit", "emulate", "fermenter", "--control",
               "--port", f"file:{tmp_path / 'f'}"]  # fmt: skip
    done = subprocess.run(command, input=hostile, capture_output=True, timeout=60, check=False)
    assert done.returncode == 0
    assert b"\x1b" not in done.stdout
    assert b"\x00" not in done.stdout
    assert b"unknown command" in done.stdout
    assert len(done.stdout) < 3000


@pty
def test_ctrl_c_ends_it_while_it_waits_for_a_command(tmp_path):
    with emulating("fermenter", "--control", "--port", f"file:{tmp_path / 'f'}") as process:
        assert process.stdout.readline()
        os.kill(process.pid, signal.SIGINT)
        began = time.monotonic()
        _, told = process.communicate(timeout=20)
    assert process.returncode == 0
    assert time.monotonic() - began < 10
    assert "sent " in told


def test_a_slow_device_is_told_how_to_be_fast(run, tmp_path):
    _, _, told = run("weather", "--port", f"file:{tmp_path / 'f'}", "--frames", 3, *MAX)
    assert "that is a frame every 600 s; --speed 600 sends one a second" in told
