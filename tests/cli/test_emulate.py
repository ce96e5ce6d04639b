"""`sensorkit emulate` and `sensorkit inject`, as a user types them."""

import json
import signal
import subprocess
import sys
import threading
from pathlib import Path

import pytest

from sensorkit.capture import Recording
from sensorkit.capture.tables import read_labels
from sensorkit.emulator import Emulator
from sensorkit.profile import Profile
from sensorkit.wire.links import open_link

PROFILE = Profile.load("serial_monitor")
HEALTHY = Path(__file__).parents[2] / "datasets" / "serial_monitor_healthy"


@pytest.fixture
def run(typing, capsys):
    """Run `sensorkit ...`; return exit code, output and errors."""
    return typing(capsys)


def bytes_of(n: int, **options) -> bytes:
    return b"".join(frame.data for frame in Emulator(PROFILE, **options).frames(n))


def test_frames_go_to_a_file_and_are_those_of_the_seed(run, tmp_path):
    target = tmp_path / "frames.txt"
    code, printed, told = run(
        "emulate", "serial_monitor", "--port", f"file:{target}", "--frames", 300, "--speed", "max",
        "--seed", 5,
    )  # fmt: skip
    assert code == 0
    assert target.read_bytes() == bytes_of(300, seed=5)
    assert printed == f"file:{target}\n"
    assert f"sent 300 frames, {target.stat().st_size} bytes\n" in told


def test_every_switch_of_the_frame_is_passed_on(run, tmp_path):
    target = tmp_path / "frames.txt"
    run(
        "emulate", "serial_monitor", "--port", f"file:{target}", "--frames", 5, "--speed", "max",
        "--rate", 4, "--hold", "WARNING", "--checksum", "xor", "--no-sequence", "--no-uptime",
    )  # fmt: skip
    options = {"rate_hz": 4.0, "hold": "WARNING", "checksum": "xor"}
    assert target.read_bytes() == bytes_of(5, **options, sequence=False, uptime=False)


def test_labels_are_written_as_a_recording_has_them(run, tmp_path):
    labels = tmp_path / "labels.csv"
    run(
        "emulate", "serial_monitor", "--port", f"file:{tmp_path / 'frames.txt'}", "--frames", 20,
        "--speed", "max", "--faults", "forced_failure", "--labels", labels,
    )  # fmt: skip
    frame = read_labels(labels)
    assert frame["kind"].tolist() == ["stuck", "stuck", "rapid_change", "silence"]
    seconds = (frame["start"] - frame["start"][0]).dt.total_seconds()
    assert seconds.tolist() == [0, 2, 4, 8]


@pytest.mark.parametrize(
    ("args", "wanted"),
    [
        (["serial_monitr"], "unknown profile 'serial_monitr'"),
        (["serial_monitor", "--faults", "forced_failur"], "did you mean 'forced_failure'"),
        (["serial_monitor", "--speed", "fast"], "--speed fast: a number above 0 is wanted, or max"),
        (["serial_monitor", "--speed", "0"], "--speed 0: a number above 0 is wanted, or max"),
        (["serial_monitor", "--speed", "nan"], "--speed nan: a number above 0 is wanted, or max"),
        (["serial_monitor", "--rate", "-1"], "a rate of -1 Hz is not possible"),
        (["serial_monitor", "--duration", "0"], "a duration of 0 s is not possible"),
        (["serial_monitor", "--frames", "5", "--rate", "0"], "a rate of 0 Hz is not possible"),
        (["serial_monitor", "--hold", "NORML"], "did you mean 'NORMAL'"),
        (["serial_monitor", "--port", "file:/no/where/x"], "cannot be opened: No such file"),
        (["serial_monitor", "--labels", "/no/where/x"], "its folder is not there or cannot be wr"),
        (["serial_monitor", "--truth", "/no/where/x"], "its folder is not there or cannot be wr"),
        (["serial_monitor", "--packet", "16"], "bytes arrive in packets on a line with --baud onl"),
        (["serial_monitor", "--faults", "unplugged"], "the plan unplugs the device, and the port"),
        (["serial_monitor", "--port", "-", "--link", "x"], "names a pseudo-terminal; leave --po"),
        (["serial_monitor", "--port", "socket://127.0.0.1"], "has no host and port"),
        (["serial_monitor", "--faults", "mixed"], "it is not known how long the device will run"),
        (
            ["serial_monitor", "--faults", "forced_failure", "--duration", "10"],
            "fault 4 (silence) lasts until 13 s, but the readings end at 10 s",
        ),
    ],
)
def test_wrong_use_is_one_sentence_and_exit_2(run, args, wanted):
    code, printed, told = run("emulate", *args)
    assert (code, printed) == (2, "")
    assert wanted in told
    assert told.count("\n") == 1


def test_labels_are_never_written_over_a_file(run, tmp_path):
    labels = tmp_path / "labels.csv"
    labels.write_text("precious")
    frames = tmp_path / "frames.txt"
    code, _, told = run("emulate", "serial_monitor", "--port", f"file:{frames}", "--labels", labels)
    assert code == 2
    assert f"{labels}: is already there; choose another name" in told
    assert labels.read_text() == "precious"
    assert not frames.exists()


def test_a_port_that_is_in_use_is_one_sentence(run):
    with open_link("listen://127.0.0.1:0") as taken:
        code, _, told = run("emulate", "serial_monitor", "--port", taken.name)
    assert code == 2
    assert "cannot listen there" in told


class Device:
    """`sensorkit emulate` in a process of its own, and the port it says."""

    def __init__(self, *args: object) -> None:
        self.process = subprocess.Popen(
            [sys.executable, "-m", "sensorkit", "emulate", "serial_monitor", *map(str, args)],
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
        )
        # A test never waits for ever.
        self.guard = threading.Timer(60, self.process.kill)
        self.guard.start()
        self.port = self.process.stdout.readline().decode().strip()

    def finish(self) -> str:
        _, told = self.process.communicate()
        self.guard.cancel()
        return told.decode()


def read_all(port: str, enough: int | None = None) -> bytes:
    data = bytearray()
    with open_link(port) as link:
        while (chunk := link.read(10.0)) and (enough is None or len(data) < enough):
            data += chunk
    return bytes(data)


@pytest.mark.pty
def test_a_pseudo_terminal_is_made_read_to_its_end_and_taken_away(tmp_path):
    link = tmp_path / "monitor"
    device = Device("--link", link, "--frames", 5000, "--speed", "max", "--seed", 2)
    assert device.port == str(link)
    assert read_all(device.port) == bytes_of(5000, seed=2)
    assert "sensorkit: sent 4" in device.finish()  # some of the 5000 are silent
    assert device.process.returncode == 0
    assert not link.is_symlink()


@pytest.mark.pty
def test_ctrl_c_stops_after_a_whole_frame():
    device = Device("--speed", "max")
    data = bytearray()
    with open_link(device.port) as link:
        while (chunk := link.read(10.0)) is not None and (chunk or data):
            if not data:
                device.process.send_signal(signal.SIGINT)
            data += chunk
    told = device.finish()
    assert device.process.returncode == 0
    assert data.endswith(b"\n")
    frames = data.count(b"\n")
    assert f"sent {frames} frames, {len(data)} bytes" in told
    assert bytes_of(frames * 2).startswith(data)


@pytest.mark.pty
def test_ctrl_c_stops_the_wait_for_a_reader():
    device = Device()
    device.process.send_signal(signal.SIGINT)
    assert "sent 0 frames" in device.finish()
    assert device.process.returncode == 0


def test_a_socket_does_where_there_is_no_pseudo_terminal():
    device = Device("--port", "socket://127.0.0.1:0", "--frames", 1000, "--speed", "max")
    assert device.port.startswith("socket://127.0.0.1:")
    assert read_all(device.port) == bytes_of(1000)
    device.finish()
    assert device.process.returncode == 0


def test_a_reader_of_standard_output_may_leave():
    args = ["emulate", "serial_monitor", "--port", "-", "--speed", "max"]
    process = subprocess.Popen(
        [sys.executable, "-m", "sensorkit", *args],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
    )
    assert process.stdout.read(100) == bytes_of(3)[:100]
    process.stdout.close()
    told = process.stderr.read()
    process.stderr.close()
    assert process.wait(60) == 0
    assert b"Traceback" not in told


@pytest.mark.pty
def test_a_recording_is_held_against_the_truth(run, tmp_path):
    truth, folder = tmp_path / "truth.jsonl", tmp_path / "rec"
    device = Device(
        "--speed", "max", "--baud", 460_800, "--frames", 2000, "--hold", "NORMAL",
        "--truth", truth, "--seed", 4,
    )  # fmt: skip
    captured = subprocess.run(
        [sys.executable, "-m", "sensorkit", "capture", device.port, "--out", folder],
        capture_output=True,
        text=True,
        check=False,
    )
    assert "sent 2000 frames" in device.finish()
    assert captured.returncode == 0, captured.stderr
    code, printed, _ = run("verify", folder, "--truth", truth, "--json")
    score = json.loads(printed)["truth"]
    assert (code, score["ok"], score["wrong"]) == (0, True, 0)
    assert score["intact"] == score["accepted"] == 2000
    code, printed, _ = run("verify", folder, "--truth", truth)
    assert code == 0
    assert "\nsent      2000 frames: 2000 intact, 0 damaged, 0 lost, 0 before or after" in printed
    assert "\naccepted  2000 rows: 0 not as sent; 0 intact frames refused\n" in printed

    # Against a truth that says something else, every difference is found.
    text = truth.read_text().splitlines(keepends=True)
    record = json.loads(text[1000])
    del text[500]
    record["sent"] = record["line"] = record["sent"].replace("T:2", "T:3")
    text[999] = json.dumps(record) + "\n"
    other = tmp_path / "other.jsonl"
    other.write_text("".join(text))
    code, _, told = run("verify", folder, "--truth", other)
    assert code == 1
    assert "bytes are missing and" in told
    assert f"{other} says what was" in told
    code, _, told = run("verify", folder, "--truth", folder / "recording.json")
    assert code == 2
    assert "give the file that `sensorkit emulate --truth` wrote" in told


@pytest.mark.pty
@pytest.mark.parametrize("how", [(), ("--baud", 115_200)])
def test_once_ends_with_the_reader(how):
    device = Device("--speed", "max", "--once", *how)
    assert read_all(device.port, enough=5000)
    assert "sensorkit: sent " in device.finish()
    assert device.process.returncode == 0


def test_a_line_at_a_baud_rate_takes_its_time(run, tmp_path):
    target, truth = tmp_path / "frames.txt", tmp_path / "truth.jsonl"
    run(
        "emulate", "serial_monitor", "--port", f"file:{target}", "--frames", 100, "--speed", "max",
        "--baud", 230_400, "--truth", truth,
    )  # fmt: skip
    said = [json.loads(line) for line in truth.read_text().splitlines()]
    frames = [record for record in said if record["record"] == "frame"]
    assert target.read_bytes() == bytes_of(100) == "".join(f["sent"] for f in frames).encode()
    lasted_s = (frames[-1]["written_ns"] - said[0]["started_ns"]) / 1e9
    assert lasted_s >= len(target.read_bytes()) / 23_040
    assert (said[0]["baud"], said[0]["profile"]) == (230_400, "serial_monitor")


def test_inject_copies_a_recording_with_labelled_faults(run, tmp_path):
    out = tmp_path / "faulted"
    code, printed, _ = run("inject", HEALTHY, "--faults", "mixed", "--out", out, "--seed", 1)
    assert code == 0
    assert printed == (
        f"{out}: 11 faults placed: 2 bias, 1 corrupt, 1 drift, 1 dropout, 1 noise, "
        "1 rapid_change, 1 silence, 1 spike, 1 stuck, 1 truncate\n"
    )
    made = Recording.open(out)
    assert made.verify() == []
    assert len(made.labels()) == 11


def test_inject_says_what_it_did_for_machines(run, tmp_path):
    plan = tmp_path / "plan.yaml"
    plan.write_text("faults: [{kind: silence, start_s: 5, duration_s: 9}]")
    code, printed, _ = run("inject", HEALTHY, "--faults", plan, "--out", tmp_path / "out", "--json")
    assert code == 0
    assert json.loads(printed) == {
        "recording": str(tmp_path / "out"),
        "seed": 0,
        "faults": {"silence": 1},
    }


def test_inject_into_nothing_is_one_sentence_and_leaves_nothing(run, tmp_path):
    code, _, told = run("inject", tmp_path / "gone", "--faults", "mixed", "--out", tmp_path / "o")
    assert code == 2
    assert "is no recording: it does not exist" in told
    assert not (tmp_path / "o").exists()


def test_a_plan_without_faults_is_nothing_to_inject(run, tmp_path):
    plan = tmp_path / "plan.yaml"
    plan.write_text("faults: []")
    code, _, told = run("inject", HEALTHY, "--faults", plan, "--out", tmp_path / "out")
    assert code == 2
    assert f"{plan}: has no faults; list some under `faults:`" in told


def test_a_plan_that_cannot_be_placed_leaves_nothing(run, tmp_path):
    plan = tmp_path / "plan.yaml"
    plan.write_text("faults: [{kind: silence, start_s: 5, duration_s: 9000}]")
    code, _, told = run("inject", HEALTHY, "--faults", plan, "--out", tmp_path / "out")
    assert code == 2
    assert "fault 1 (silence) lasts until 9005 s, but the readings end at 2700 s" in told
    assert not (tmp_path / "out").exists()
