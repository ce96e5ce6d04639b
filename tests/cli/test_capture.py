import json
import os
import re
import signal
import subprocess
import sys
import threading
import time

import pytest
from typer.testing import CliRunner

from sensorkit import detect
from sensorkit.capture import Recording
from sensorkit.capture.replay import replay
from sensorkit.cli import app as cli
from sensorkit.cli.capture import command as capture_command
from sensorkit.profile import Profile
from sensorkit.wire.codec import make_codec
from sensorkit.wire.links import open_link

CODEC = make_codec(Profile.load("serial_monitor"))


def frame(i, temperature="25.00", voltage="5.00"):
    texts = [temperature, voltage]
    return CODEC.encode(texts, status="NORMAL", sequence=i, uptime=f"{i}.000") + b"\r\n"


@pytest.fixture
def run(typing, capsys, monkeypatch, tmp_path):
    """Run `sensorkit capture` as `main` does; return exit status, output and errors."""
    monkeypatch.chdir(tmp_path)
    return typing(capsys, "capture")


@pytest.fixture
def log(tmp_path):
    """Write frames to log.txt and return the link to it."""

    def write(*frames):
        (tmp_path / "log.txt").write_bytes(b"".join(frames))
        return "file:log.txt"

    return write


def test_a_capture_becomes_a_recording_and_its_alerts_are_printed_as_they_happen(run, log):
    link = log(frame(0), frame(1, "95.50"), frame(2, "25.00", "6.10"), b"noise\n", frame(9))
    status, out, err = run(link, "--out", "rec")
    assert (status, err) == (0, "")
    kinds = re.findall(r"^\S+Z  (?:CRITICAL|WARNING ) {2}(\S+)  ", out, re.MULTILINE)
    assert kinds == [
        "THRESHOLD_BREACH_TEMP",
        "RAPID_CHANGE_TEMP",
        "THRESHOLD_BREACH_VOLTAGE",
        "HEARTBEAT_LOSS",
    ]
    assert "Temperature 95.50°C exceeded threshold of 80.0°C." in out
    n = len(kinds)
    assert f"rec: 4 frames, 1 line rejected, 6 lost, {n} alerts (the far end closed" in out
    recording = Recording.open("rec")
    report = json.loads((recording.derived / "anomaly_report.json").read_text())
    assert [alert["type"] for alert in report] == kinds
    assert recording.meta["link"] == {"url": "file:log.txt", "baud": 115200}
    assert recording.verify() == []
    assert replay(recording) == []


def test_without_an_alert_the_report_is_an_empty_list(run, log, tmp_path):
    assert run(log(frame(0), frame(1)), "--out", "rec")[0] == 0
    assert (tmp_path / "rec/derived/anomaly_report.json").read_text() == "[]\n"


def test_alerts_can_be_left_out(run, log, tmp_path):
    status, out, _ = run(log(frame(0, "95.50")), "--out", "rec", "--detector", "none")
    assert status == 0
    assert "THRESHOLD" not in out
    assert not (tmp_path / "rec" / "derived").exists()


def test_a_saved_detector_can_watch(run, log, tmp_path):
    profile = Profile.load("serial_monitor")
    detect.save(detect.make("rules", profile=profile), tmp_path / "rules.npz")
    status, out, _ = run(log(frame(0, "95.50")), "--out", "rec", "--detector", "rules.npz")
    assert status == 0
    assert "THRESHOLD_BREACH_TEMP" in out


def test_a_detector_that_fails_does_not_cost_a_byte(run, log, monkeypatch):
    class Broken:
        def alerts(self, readings):
            raise ZeroDivisionError("division by zero")

    monkeypatch.setattr(capture_command, "_detector", lambda *_: Broken())
    status, _, err = run(log(frame(0), frame(1)), "--out", "rec")
    assert status == 1
    assert "no more alerts, the detector failed: division by zero" in err
    assert "the recording in rec is whole" in err
    assert len(Recording.open("rec").readings()) == 2
    assert Recording.open("rec").verify() == []


def test_a_machine_can_read_the_summary(run, log):
    status, out, _ = run(log(frame(0), frame(1, "95.50")), "--out", "rec", "--json")
    summary = json.loads(out)
    assert status == 0
    assert (summary["recording"], summary["status"]) == ("rec", "complete")
    assert summary["counts"]["frames"] == 2
    assert "THRESHOLD_BREACH_TEMP" in {alert["type"] for alert in summary["alerts"]}
    assert summary["problem"] is None


def test_a_folder_is_never_overwritten_nor_the_port_opened_for_it(run, tmp_path):
    (tmp_path / "rec").mkdir()
    status, out, err = run("file:nowhere.txt", "--out", "rec")
    assert (status, out) == (2, "")
    assert "rec: is already there, and a recording is never overwritten" in err


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["/dev/no-such-port"], "/dev/no-such-port: there is no such port"),
        (["file:nowhere.txt"], "file:nowhere.txt: cannot be opened"),
        ([""], "no link is named; `sensorkit ports` lists the serial ports"),
        (["socket://127.0.0.1:1"], "nobody answers there"),
        (["file:log.txt", "--profile", "serial_moniter"], "did you mean 'serial_monitor'"),
        (["file:log.txt", "--fsync", "often"], "--fsync often: always, never, or a number"),
        (["file:log.txt", "--fsync", "0"], "--fsync 0: always, never, or a number"),
        (["file:log.txt", "--reconnect"], "--reconnect: file:log.txt is no link that comes back"),
        (["file:log.txt", "--detector", "rulez"], "rulez"),
        (["file:log.txt", "--detector", "gone.npz"], "gone.npz"),
    ],
)
def test_what_cannot_work_is_said_in_one_sentence_and_leaves_nothing(
    run, log, tmp_path, arguments, message
):
    log(frame(0))
    status, out, err = run(*arguments, "--out", "rec")
    assert status in {1, 2}
    assert out == ""
    assert message in err
    assert "Traceback" not in err
    assert not (tmp_path / "rec").exists()


def test_garbage_hints_at_the_baud_rate(run, log):
    noise = b"".join(bytes([0x80 + i, 0xFE, 0x1C, 10]) for i in range(60))
    status, out, err = run(log(noise), "--out", "rec")
    assert status == 1
    assert "rec: 0 frames, 60 lines rejected" in out
    assert "none of 60 lines could be read (mostly: encoding); 50% of the bytes have" in err
    assert err.count("\n") == 1
    assert "read at the wrong baud rate" in err
    assert Recording.open("rec").verify() == []


def test_bytes_without_a_line_end_are_garbage_too(run, log):
    status, _, err = run(log(b"\x80" * 100), "--out", "rec")
    assert status == 1
    assert "rec: bytes came, but no line end; " in err


def test_a_file_without_a_byte_is_said_to_be_empty(run, log):
    status, _, err = run(log(b""), "--out", "rec")
    assert status == 1
    assert "file:log.txt: is empty; check what should be in it" in err
    assert len(Recording.open("rec").readings()) == 0


def test_fewer_frames_than_asked_for_is_a_failed_run(run, log):
    status, _, err = run(log(frame(0), frame(1)), "--out", "rec", "--frames", "3")
    assert status == 1
    assert "the far end closed the link after 2 of 3 frames; what came is in rec" in err
    assert Recording.open("rec").status == "aborted"


def test_a_socket_is_captured_where_there_is_no_pty(run):
    with open_link("listen://127.0.0.1:0") as device:

        def serve():
            while not device.write(frame(0) + frame(1)):
                pass

        thread = threading.Thread(target=serve)
        thread.start()
        status, out, err = run(device.name, "--out", "rec", "--frames", "2", "--duration", "30")
        thread.join()
    assert (status, err) == (0, "")
    assert "2 frames" in out
    assert replay(Recording.open("rec")) == []


def test_the_help_has_an_example():
    result = CliRunner().invoke(cli.app, ["capture", "--help"], env={**os.environ, "COLUMNS": "99"})
    assert result.exit_code == 0
    assert "Example: sensorkit capture /dev/ttyUSB0" in result.output


@pytest.mark.pty
@pytest.mark.skipif(sys.platform == "win32", reason="no pseudo-terminals")
def test_on_a_terminal_a_line_says_how_it_goes(tmp_path):
    """Both ends are pseudo-terminals: the device's, and the one a person looks at."""
    from sensorkit.wire.links import open_pty

    with open_pty() as device, open_pty() as screen:
        stderr = os.open(screen.port, os.O_RDWR | os.O_NOCTTY)
        process = subprocess.Popen(
            [sys.executable, "-m", "sensorkit", "capture", device.port, "--out", "rec"],
            cwd=tmp_path,
            env={**os.environ, "TERM": "xterm", "COLUMNS": "120"},
            stdout=subprocess.PIPE,
            stderr=stderr,
            text=True,
        )
        os.close(stderr)
        shown, end = b"", time.monotonic() + 30
        device.master.write(frame(0) + frame(1, "85.50") + b"noise\n")
        while not (b"2 frames" in shown and b"alive" in shown) and time.monotonic() < end:
            shown += screen.master.read(0.1) or b""
        process.send_signal(signal.SIGINT)
        out, _ = process.communicate(timeout=30)
    assert b"1 rejected" in shown
    assert "temperature 85.50°C" in shown.decode()
    assert process.returncode == 0
    assert "THRESHOLD_BREACH_TEMP" in out  # the alerts go to standard output


@pytest.mark.pty
@pytest.mark.skipif(sys.platform == "win32", reason="no pseudo-terminals")
def test_on_a_terminal_an_alert_stands_on_a_line_of_its_own(tmp_path):
    from sensorkit.wire.links import open_pty

    with open_pty() as device, open_pty() as screen:
        terminal = os.open(screen.port, os.O_RDWR | os.O_NOCTTY)
        process = subprocess.Popen(
            [sys.executable, "-m", "sensorkit", "capture", device.port, "--out", "rec"],
            cwd=tmp_path,
            env={**os.environ, "TERM": "xterm", "COLUMNS": "200"},
            stdout=terminal,
            stderr=terminal,
        )
        os.close(terminal)
        shown, end = b"", time.monotonic() + 30
        device.master.write(frame(0))
        while b"1 frame " not in shown and time.monotonic() < end:
            shown += screen.master.read(0.1) or b""
        device.master.write(frame(1, "85.50"))
        while b"THRESHOLD_BREACH_TEMP" not in shown and time.monotonic() < end:
            shown += screen.master.read(0.1) or b""
        process.send_signal(signal.SIGINT)
        while process.poll() is None and time.monotonic() < end:
            shown += screen.master.read(0.1) or b""
    # What stood on the line is erased (ESC[2K) before the alert is written there.
    before, _, _ = shown.partition(b"CRITICAL  THRESHOLD_BREACH_TEMP")
    assert re.fullmatch(rb"\S*Z  ", before.rpartition(b"\x1b[2K")[2])
    assert process.returncode == 0


@pytest.mark.parametrize(
    ("option", "value", "wanted"),
    [
        ("--duration", "inf", "--duration inf: from 0 to 1e9 seconds are possible"),
        ("--duration", "1e300", "--duration 1e+300: from 0 to 1e9 seconds are possible"),
        ("--baud", "99999999999", "--baud 99999999999: from 1 to 100000000 are possible"),
        ("--fsync", "1e300", "--fsync 1e300: always, never, or a number of seconds above 0"),
        ("--max-size", "9" * 400, "is too much; at most 1000000TB are possible"),
        ("--rotate", "99999999d", "--rotate 99999999d: is too long; at most 11574d are possible"),
    ],
)
def test_a_number_that_cannot_be_is_wrong_use_and_leaves_no_folder(
    run, log, tmp_path, option, value, wanted
):
    status, _, err = run(log(frame(0)), "--out", "rec", option, value)
    assert status == 2
    assert wanted in err
    assert err.count("\n") == 1
    assert not (tmp_path / "rec").exists()


def test_a_second_ctrl_c_says_how_the_recording_is_finished(run, log, monkeypatch):
    from sensorkit.capture.recorder import Recorder

    def interrupt(*_):
        raise KeyboardInterrupt

    monkeypatch.setattr(Recorder, "_read_all", interrupt)
    status, _, err = run(log(frame(0)), "--out", "my rec")
    assert status == 130
    assert err == (
        "sensorkit: the recording in my rec was stopped in the middle; all that was read is in "
        "raw.log: finish it with `sensorkit recover 'my rec'`\n"
    )


def test_a_second_ctrl_c_that_came_too_late_leaves_nothing_to_be_finished(run, log, monkeypatch):
    from sensorkit.capture.recorder import Recorder

    def interrupt(*_):
        raise KeyboardInterrupt

    monkeypatch.setattr(Recorder, "close", interrupt)
    status, _, err = run(log(frame(0)), "--out", "rec")
    assert status == 130
    assert "it is closed and can be read" in err
    assert Recording.open("rec").verify() == []


def test_after_ctrl_c_one_is_told_once_how_much_is_still_to_be_decoded(run, log, monkeypatch):
    from contextlib import contextmanager

    from sensorkit.capture.recorder import Recorder

    @contextmanager
    def pressed():
        yield lambda: True

    monkeypatch.setattr(capture_command, "stop_on_signal", pressed)
    monkeypatch.setattr(Recorder, "lag_bytes", property(lambda _: 23_400_000))
    _, _, err = run(log(frame(0)), "--out", "rec")
    assert err.count("sensorkit: 23 MB are still to be decoded; wait, or press Ctrl+C again") == 1


def test_of_one_line_it_is_said_that_it_is_the_only_one(run, log):
    status, _, err = run(log(b"noise\n"), "--out", "rec")
    assert status == 1
    assert "rec: the only line could not be read (mostly: " in err


def test_the_device_column_says_what_the_user_calls_the_device(run, log):
    assert run(log(frame(0)), "--out", "rec", "--device", "boiler-3")[0] == 0
    assert run("kettle=file:log.txt", "--out", "rec2")[0] == 0
    for folder, name in (("rec", "boiler-3"), ("rec2", "kettle")):
        recording = Recording.open(folder)
        assert recording.meta["device"] == name
        assert recording.readings().device.to_array().tolist() == [name]


def test_an_alert_says_which_of_several_devices_it_is_of(run, tmp_path):
    told = Profile.load("serial_monitor").to_dict()
    told["frame"] |= {"device": "D", "checksum": "none"}
    (tmp_path / "shared.yaml").write_text(json.dumps(told))
    line = b"D:%b,T:%b,V:5.00,S:NORMAL\n"
    rows = [line % pair for pair in ((b"a", b"25"), (b"b", b"95.5"), (b"a", b"25"))]
    (tmp_path / "log.txt").write_bytes(b"".join(rows))
    status, out, err = run("file:log.txt", "--out", "rec", "--profile", "shared.yaml")
    assert (status, err) == (0, "")
    (said,) = [row for row in out.splitlines() if "THRESHOLD_BREACH_TEMP" in row]
    assert said.endswith(
        "THRESHOLD_BREACH_TEMP  b: Temperature 95.50°C exceeded threshold of 80.0°C."
    )
