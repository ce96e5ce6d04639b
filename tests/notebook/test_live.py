"""A live plot: what it captures, how it ends, and that nothing it does costs a byte."""

import asyncio
import json
import os
import re
import signal
import subprocess
import sys
import time
from pathlib import Path

import plotly.graph_objects as go
import pytest

from sensorkit import detect
from sensorkit.capture import Recording
from sensorkit.errors import RecordingError, RunError, UsageError
from sensorkit.notebook import emulated, live, live_view
from sensorkit.notebook.live_capture import CaptureProcess, Wanted
from sensorkit.report.files import project_root

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="captures a pseudo-terminal")

HEALTHY = project_root() / "datasets" / "serial_monitor_healthy"
LIVE = sys.modules["sensorkit.notebook.live"]  # the module; the package has the function
PATIENCE_S = 120
ENV = {**os.environ, "SENSORKIT_QUIET": "1"}


@pytest.fixture(autouse=True)
def quiet(monkeypatch):
    monkeypatch.setenv("SENSORKIT_QUIET", "1")


@pytest.fixture(scope="module")
def forced(tmp_path_factory):
    """The emulated device with its four faults, captured live and seen when it was over."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("SENSORKIT_QUIET", "1")
        device = emulated("serial_monitor", seconds=600, faults="forced_failure")
        return live(device, out=tmp_path_factory.mktemp("live") / "forced")


def command(*words):
    done = subprocess.run(
        [sys.executable, "-m", "sensorkit", *map(str, words)], capture_output=True, text=True
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


def until(condition):
    deadline = time.monotonic() + PATIENCE_S
    while not condition():
        assert time.monotonic() < deadline
        time.sleep(0.01)


def is_running(pid):
    try:
        state = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0]
    except FileNotFoundError:
        return False
    return state != "Z"


def test_the_facts_of_a_live_capture_are_the_same_each_time(forced):
    assert forced.summary() == {
        "status": "complete",
        "reason": "the far end closed the link",
        "frames": 595,
        "rejected": 0,
        "lost": 5,
        "alerts": {
            "HEARTBEAT_LOSS": 1,
            "RAPID_CHANGE_TEMP": 1,
            "THRESHOLD_BREACH_TEMP": 1,
            "THRESHOLD_BREACH_VOLTAGE": 1,
        },
    }
    assert forced.recording.verify() == []
    assert not forced.running


def test_its_alerts_are_those_that_detect_finds_in_the_recording(forced):
    found = json.loads(command("detect", forced.folder, "--json"))

    assert found == json.loads((forced.folder / "derived" / "anomaly_report.json").read_text())
    told = forced.alerts
    assert told["description"].tolist() == [entry["description"] for entry in found]
    assert [stamp.isoformat()[:23] for stamp in told["timestamp"]] == [
        entry["timestamp"][:23] for entry in found
    ]


def test_where_nothing_moves_the_figure_is_plain_and_shows_every_reading(forced):
    assert type(forced.figure) is go.Figure
    line, marks, _, voltage_marks = forced.figure.data
    readings = forced.recording.readings()
    shown = [y for y in line.y if y == y]
    assert shown == readings.channel("temperature").tolist()
    assert len(line.y) == len(shown) + 1  # the silence is a gap in the line
    # The loss of the heartbeat is of no channel, and marked on all.
    assert [text.split()[1].rstrip(":") for text in marks.text] == [
        "THRESHOLD_BREACH_TEMP",
        "RAPID_CHANGE_TEMP",
        "HEARTBEAT_LOSS",
    ]
    assert len(voltage_marks.text) == 2
    assert forced.figure.layout.meta["alt"] == (
        "temperature, voltage: 595 frames, 4 alerts, complete"
    )


def test_a_fitted_detector_says_live_what_it_says_of_the_recording(tmp_path):
    healthy = Recording.open(HEALTHY)
    sigma = detect.make("sigma", profile=healthy.profile).fit(healthy.readings())
    saved = detect.save(sigma, tmp_path / "sigma.detector")

    seen = live(
        emulated("serial_monitor", seconds=600, faults="forced_failure"),
        out=tmp_path / "live",
        profile=healthy.profile,
        detector=sigma,
    )

    found = json.loads(command("detect", seen.folder, "--detector", saved, "--json"))
    assert len(found) > 0
    assert seen.alerts["description"].tolist() == [entry["description"] for entry in found]


def test_what_is_wrong_is_said_in_the_words_of_the_capture(tmp_path):
    said = subprocess.run(
        [sys.executable, "-m", "sensorkit", "capture", "/dev/ttyNONE", "--out", tmp_path / "a"],
        capture_output=True,
        text=True,
    ).stderr.strip()

    with pytest.raises(UsageError) as problem:
        live("/dev/ttyNONE", out=tmp_path / "b", seconds=1)

    assert f"sensorkit: {problem.value}" == said
    assert not (tmp_path / "b").exists()


def test_a_device_that_says_nothing_has_failed_and_its_recording_is_named(tmp_path):
    empty = tmp_path / "nothing.log"
    empty.touch()

    with pytest.raises(RunError, match=r"nothing\.log: is empty"):
        live(f"file:{empty}", out=tmp_path / "out")


def test_a_recording_is_never_overwritten(forced):
    with pytest.raises(RecordingError, match=r"is already there.*choose another out="):
        live("/dev/ttyNONE", out=forced.folder, seconds=1)


def test_where_nobody_can_press_stop_an_end_has_to_be_named(tmp_path):
    with pytest.raises(UsageError, match=r"nobody can press Stop here.*seconds= or frames="):
        live("/dev/ttyNONE", out=tmp_path / "out")


INTERRUPTED = """
import sys
from sensorkit.notebook import live
live(sys.argv[1], out=sys.argv[2], seconds=1000)
"""


def test_an_interrupt_closes_the_recording_and_frees_the_port(tmp_path):
    with emulated("serial_monitor", seconds=1e6, speed=50) as port:
        folder = tmp_path / "one"
        notebook = subprocess.Popen(
            [sys.executable, "-c", INTERRUPTED, port, folder], stderr=subprocess.PIPE, env=ENV
        )
        rows = folder / "structured_metrics.csv"
        until(lambda: rows.exists() and rows.read_bytes().count(b"\n") > 20)
        notebook.send_signal(signal.SIGINT)
        said = notebook.communicate(timeout=PATIENCE_S)[1]

        assert b"KeyboardInterrupt" in said
        one = Recording.open(folder)
        assert (one.status, one.meta["reason"]) == ("complete", "stopped by the user")
        assert one.verify() == []
        # The same port, at once: nobody holds it any more.
        assert live(port, out=tmp_path / "two", frames=5).summary()["status"] == "complete"


KILLED = """
import os, sys, time
from pathlib import Path
from sensorkit.notebook.live_capture import CaptureProcess, Wanted
folder = Path(sys.argv[2])
capture = CaptureProcess(Wanted(sys.argv[1], folder, "serial_monitor", None, None, None, 115200))
capture.wait_for_start()
rows = folder / "structured_metrics.csv"
while not rows.exists() or rows.read_bytes().count(b"\\n") < 20:
    time.sleep(0.01)
print(capture.pid, flush=True)
os.kill(os.getpid(), 9)
"""


def test_a_kernel_that_is_killed_leaves_a_whole_recording_and_no_process(tmp_path):
    with emulated("serial_monitor", seconds=1e6, speed=50) as port:
        killed = subprocess.run(
            [sys.executable, "-c", KILLED, port, tmp_path / "one"], capture_output=True, text=True
        )
        assert killed.returncode == -9, killed.stderr
        until(lambda: not is_running(int(killed.stdout)))

        one = Recording.open(tmp_path / "one")
        assert (one.status, one.verify()) == ("complete", [])
        assert live(port, out=tmp_path / "two", frames=5).summary()["status"] == "complete"


def test_a_kernel_that_holds_the_lock_while_the_device_sends_loses_no_frame(tmp_path):
    with emulated("serial_monitor", seconds=50_000) as port:
        folder = tmp_path / "busy"
        capture = CaptureProcess(Wanted(port, folder, "serial_monitor", None, None, None, 115200))
        capture.wait_for_start()
        began = time.monotonic()
        while not capture.ended:
            # Backtracking in C: no other thread of this process runs meanwhile.
            assert re.match(r"(a+)+b", "a" * 22) is None
            assert time.monotonic() - began < PATIENCE_S
        capture.close()

    counts = Recording.open(folder).counts
    assert (counts["frames"], counts["rejected"], counts["lost"]) == (50_000, {}, 0)


def in_a_notebook(monkeypatch, scenario):
    """Run *scenario* as cells of a kernel run: with a loop, and widgets that nobody draws."""
    monkeypatch.delenv("SENSORKIT_QUIET")
    monkeypatch.setattr(LIVE, "in_notebook", lambda: True)
    monkeypatch.setattr(live_view, "display", lambda _: None)
    asyncio.run(asyncio.wait_for(scenario(), PATIENCE_S))


async def turned(condition):
    while not condition():
        await asyncio.sleep(0.01)


def test_the_stop_button_ends_it_and_the_plot_says_so(monkeypatch, tmp_path):
    async def scenario():
        device = emulated("serial_monitor", seconds=1e6, speed=100)
        seen = live(device, out=tmp_path / "one")
        panel = seen._panel
        assert isinstance(seen.figure, go.FigureWidget)
        await turned(lambda: "NORMAL" in panel.status.value)
        assert re.search(r"last frame \d", panel.status.value)
        assert "frames/s" in panel.status.value
        panel.button.click()
        seen._capture.ask_to_stop()  # asked twice, it still closes in good order
        await turned(lambda: panel.button.description == "Stopped")
        assert "stopped by the user" in panel.status.value
        assert seen.summary()["status"] == "complete"
        assert len(seen.figure.data[0].x) > 0

    in_a_notebook(monkeypatch, scenario)


def test_a_cell_that_runs_again_stops_what_it_had_started(monkeypatch, tmp_path):
    async def scenario():
        with emulated("serial_monitor", seconds=1e6, speed=50) as port:
            first = live(port, out=tmp_path / "one")
            second = live(port, out=tmp_path / "two")
            assert first.summary()["status"] == "complete"
            assert second.running
            second.stop()
            second.stop()  # once more is harmless
        assert second.summary()["reason"] == "stopped by the user"

    in_a_notebook(monkeypatch, scenario)


@pytest.mark.parametrize("window_s", [0, -5, float("nan"), float("inf")])
def test_a_window_that_shows_nothing_is_refused_before_anything_is_captured(tmp_path, window_s):
    with pytest.raises(UsageError, match="window_s="):
        live("file:nothing", out=tmp_path / "one", window_s=window_s)


@pytest.mark.parametrize("link", [5, None, Path("/dev/ttyUSB0")], ids=["number", "none", "path"])
def test_what_is_no_link_is_refused_with_what_may_be_one(link, tmp_path):
    with pytest.raises(UsageError, match=r"is no link; a port such as .*'file:PATH', or emulated"):
        live(link, out=tmp_path / "r", frames=1)

    assert not (tmp_path / "r").exists()


def test_a_plot_that_cannot_be_made_leaves_no_capture_behind(monkeypatch, tmp_path):
    started = []

    class Watched(LIVE.CaptureProcess):
        def __init__(self, wanted):
            super().__init__(wanted)
            started.append(self)

    def fail(*_, **__):
        raise ImportError("no widgets here")

    monkeypatch.setattr(LIVE, "CaptureProcess", Watched)
    monkeypatch.setattr(live_view, "LiveFigure", fail)
    with pytest.raises(ImportError, match="no widgets"):
        live(emulated("serial_monitor", seconds=1e6, speed=50), out=tmp_path / "one")
    assert [one.ended for one in started] == [True]


def test_a_plot_that_fails_keeps_nobody_from_stopping(monkeypatch, tmp_path):
    async def scenario():
        seen = live(emulated("serial_monitor", seconds=1e6, speed=50), out=tmp_path / "one")

        def fail():
            raise ValueError("no paint left")

        await turned(lambda: seen._tail.frames > 0)
        seen._tail.look = fail
        seen.stop()
        assert seen.summary()["status"] == "complete"
        assert seen._panel.button.description == "Stopped"
        assert "no paint left" in seen._panel.said.value

    in_a_notebook(monkeypatch, scenario)


def test_a_page_that_draws_nothing_is_sent_one_picture_and_no_more(monkeypatch, tmp_path):
    monkeypatch.setattr(live_view, "PATIENCE_S", (600.0, 600.0))

    async def scenario():
        seen = live(emulated("serial_monitor", seconds=1e6, speed=100), out=tmp_path / "one")
        sent = []
        seen.figure.observe(lambda change: sent.append(change["new"]), "_py2js_update")
        await turned(lambda: seen._tail.frames > 150)
        assert len([update for update in sent if update is not None]) <= 1
        seen.stop()

    in_a_notebook(monkeypatch, scenario)


def test_a_capture_that_is_killed_says_how_its_recording_is_finished(monkeypatch, tmp_path):
    async def scenario():
        seen = live(emulated("serial_monitor", seconds=1e6, speed=100), out=tmp_path / "one")
        await turned(lambda: seen._tail.frames > 20)
        os.kill(seen._capture.pid, signal.SIGKILL)
        await turned(lambda: seen._over)
        assert "was killed by signal 9" in seen._panel.status.value
        assert f"sensorkit recover {tmp_path}" in str(seen.failure)
        assert seen.summary()["status"] == "interrupted"
        command("recover", seen.folder)
        assert len(seen.recording.readings()) >= seen.summary()["frames"] > 20

    in_a_notebook(monkeypatch, scenario)


def test_a_cell_that_waits_sees_the_plot_to_the_end(monkeypatch, tmp_path):
    async def scenario():
        device = emulated("serial_monitor", seconds=300, speed=200)
        seen = live(device, out=tmp_path / "one").wait()
        assert seen.summary()["frames"] == 300
        assert seen.wait() is seen  # it is over; nothing happens
        assert len(seen.figure.data[0].x) >= 60

    in_a_notebook(monkeypatch, scenario)


def test_a_plot_that_fails_says_so_and_the_capture_goes_on(monkeypatch, tmp_path):
    async def scenario():
        seen = live(emulated("serial_monitor", seconds=1e6, speed=50), out=tmp_path / "one")

        def fail():
            raise ValueError("no <b>paint</b> left")

        seen._tail.look = fail
        await turned(lambda: "the plot has stopped" in seen._panel.said.value)
        assert "no &lt;b&gt;paint&lt;/b&gt; left" in seen._panel.said.value
        assert seen.running
        del seen._tail.look
        seen.stop()
        assert seen.summary()["status"] == "complete"

    in_a_notebook(monkeypatch, scenario)
