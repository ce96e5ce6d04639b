"""`sensorkit capture` of several links: what happens to one is nothing to the others."""

import json
import signal
import subprocess
import sys
import time
from contextlib import ExitStack

import psutil
import pytest

from sensorkit.capture import Session
from sensorkit.capture.replay import replay
from sensorkit.profile import Profile
from sensorkit.wire.codec import make_codec

if sys.platform == "win32":
    pytest.skip("no pseudo-terminals", allow_module_level=True)

from sensorkit.wire.links import open_pty

pytestmark = [pytest.mark.pty, pytest.mark.slow]

CODEC = make_codec(Profile.load("serial_monitor"))
PATIENCE_S = 60.0


def frame(i, temperature="25.00"):
    told = {"status": "NORMAL", "sequence": i, "uptime": f"{i}.000"}
    return CODEC.encode([temperature, "5.00"], **told) + b"\n"


def wait_for(condition):
    end = time.monotonic() + PATIENCE_S
    while not condition():
        assert time.monotonic() < end, "it did not come"
        time.sleep(0.02)


@pytest.fixture
def start(tmp_path):
    """Start `sensorkit WORDS ...` in a process of its own; what is left of it is killed."""
    with ExitStack() as stack:

        def run(*words):
            process = subprocess.Popen(
                [sys.executable, "-m", "sensorkit", *map(str, words)],
                cwd=tmp_path,
                stdout=subprocess.PIPE,
                stderr=subprocess.PIPE,
                text=True,
            )
            stack.callback(end, process)
            return process

        def end(process):
            if process.poll() is None:
                for one in psutil.Process(process.pid).children(recursive=True):
                    one.kill()
            process.kill()
            process.communicate()

        yield run


@pytest.fixture
def ports(tmp_path):
    """Two devices that send what they are told, at `left` and `right`."""
    with ExitStack() as stack:
        yield [stack.enter_context(open_pty(tmp_path / name)) for name in ("left", "right")]


def has_read(folder, frames):
    raw = folder / "raw.log"
    return raw.exists() and raw.read_bytes().count(b"\n") == frames


def children(process):
    """The captures that a session has started, by the name of their device."""
    found = {}
    for child in psutil.Process(process.pid).children():
        words = child.cmdline()
        if "--device" in words:
            found[words[words.index("--device") + 1]] = child
    return found


def ended(process):
    out, err = process.communicate(timeout=PATIENCE_S)
    return process.returncode, out, err


def test_three_emulators_one_of_which_is_killed_in_the_middle(start, tmp_path):
    folder = tmp_path / "line"
    emulators = {
        name: start("emulate", "serial_monitor", "--link", tmp_path / name, "--rate", "20")
        for name in ("p1", "p2", "p3")
    }
    wait_for(lambda: all((tmp_path / name).exists() for name in emulators))
    session = start("capture", "one=p1", "p2", "three=p3", "--out", "line", "--frames", "60")
    wait_for(lambda: (folder / "monitor-1" / "raw.log").exists())
    wait_for(lambda: (folder / "monitor-1" / "raw.log").stat().st_size > 200)
    emulators["p2"].kill()
    status, out, err = ended(session)
    assert status == 1
    assert "sensorkit: 1 link of 3 failed: monitor-1: the far end closed the link" in err
    assert "line/one: 6" in out
    told = Session.open(folder)
    assert [(d["name"], d["status"]) for d in told.devices] == [
        ("one", "complete"),
        ("monitor-1", "aborted"),
        ("three", "complete"),
    ]
    assert told.status == "aborted"
    assert told.devices[0]["counts"]["frames"] >= 60
    for recording in told.recordings():
        assert recording.verify() == []
        assert replay(recording) == []
        assert set(recording.readings().device.to_array()) == {recording.name}
    assert len(told.readings()) > 120


def test_ctrl_c_ends_all_in_good_order(start, ports, tmp_path):
    session = start("capture", "left=left", "right=right", "--out", "line", "--json")
    for port in ports:
        wait_for(port.has_reader)
        port.master.write(frame(0) + frame(1, "95.50"))
    wait_for(lambda: all(has_read(tmp_path / "line" / name, 2) for name in ("left", "right")))
    session.send_signal(signal.SIGINT)
    status, out, err = ended(session)
    assert status == 0, err
    told = json.loads(out)
    assert (told["status"], told["reason"]) == ("complete", "stopped by the user")
    assert [(one["name"], one["counts"]["frames"]) for one in told["devices"]] == [
        ("left", 2),
        ("right", 2),
    ]
    report = json.loads((tmp_path / "line" / "derived" / "anomaly_report.json").read_text())
    found = sorted((row["device"], row["type"]) for row in report)
    both = ("RAPID_CHANGE_TEMP", "THRESHOLD_BREACH_TEMP")
    assert found == [(name, kind) for name in ("left", "right") for kind in both]


def test_the_recordings_are_closed_when_the_command_is_killed(start, ports, tmp_path):
    folder = tmp_path / "line"
    session = start("capture", "left=left", "right=right", "--out", "line")
    for port in ports:
        wait_for(port.has_reader)
        port.master.write(frame(0))
    wait_for(lambda: all(has_read(folder / name, 1) for name in ("left", "right")))
    session.kill()
    session.communicate()
    names = ("left", "right")
    wait_for(lambda: all((folder / name / "manifest-sha256.txt").exists() for name in names))
    assert Session.open(folder).status == "recording"
    status, _, err = ended(start("recover", "line"))
    assert status == 0, err
    told = Session.open(folder)
    assert (told.status, told.reason) == ("complete", "stopped by the user")
    assert [device["counts"]["frames"] for device in told.devices] == [1, 1]


def test_a_capture_that_is_killed_is_nothing_to_the_other_and_can_be_recovered(
    start, ports, tmp_path
):
    folder = tmp_path / "line"
    session = start("capture", "left=left", "right=right", "--out", "line", "--frames", "3")
    for port in ports:
        wait_for(port.has_reader)
        port.master.write(frame(0))
    wait_for(lambda: all(has_read(folder / name, 1) for name in ("left", "right")))
    children(session)["left"].send_signal(signal.SIGKILL)
    wait_for(lambda: Session.open(folder).devices[0]["status"] == "failed")
    ports[1].master.write(frame(1) + frame(2))
    status, out, err = ended(session)
    assert status == 1
    assert "left: its capture was killed by signal 9; all that was read is in raw.log" in err
    assert "line/right: 3 frames" in out
    assert ended(start("recover", "line"))[0] == 0
    told = Session.open(folder)
    assert [(one["status"], one["counts"]["frames"]) for one in told.devices] == [
        ("aborted", 1),
        ("complete", 3),
    ]


def test_a_link_that_cannot_be_opened_does_not_keep_the_others_from_being_recorded(
    start, ports, tmp_path
):
    session = start("capture", "a=no-such-port", "right=right", "--out", "line", "--frames", "2")
    wait_for(ports[1].has_reader)
    ports[1].master.write(frame(0) + frame(1))
    status, out, err = ended(session)
    assert status == 1
    assert "a: no-such-port: there is no such port" in err
    told = Session.open(tmp_path / "line")
    assert [one["status"] for one in told.devices] == ["failed", "complete"]
    assert [recording.name for recording in told.recordings()] == ["right"]
    status, out, err = ended(start("show", "line"))
    assert status == 0
    assert "a: no-such-port: there is no such port" in out


def test_what_is_wrong_is_said_before_anything_is_made(start, tmp_path):
    status, _, err = ended(start("capture", "a=x", "a=y", "--out", "line"))
    assert (status, [*tmp_path.iterdir()]) == (2, [])
    assert "two links are called 'a'" in err
