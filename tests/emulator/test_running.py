"""An emulator at work in a thread: what listeners hear, what it counts, and how it ends."""

import math
import os
import subprocess
import sys
import threading
import time

import pytest
from fleets import LIFE, NS, pump

from sensorkit.emulator import Emulator
from sensorkit.errors import LinkLost, PlanError, RunError, UsageError
from sensorkit.faults import FaultPlan


def plan_of(*faults: dict) -> FaultPlan:
    return FaultPlan.from_dict({"faults": list(faults)}, "test")


def heard(seconds: float = 20, **options) -> tuple[Emulator, list]:
    emulator, got = Emulator(pump(), **options), []
    emulator.on_reading(got.append)
    emulator.start(seconds, speed=None)
    emulator.wait(20)
    return emulator, got


def test_it_says_what_it_emulates_and_whether_it_is_at_work():
    emulator = Emulator("turbofan", units=5, rate_hz=2.0)
    said = []
    emulator.on_reading(lambda _: said.append(repr(emulator)))
    idle = "Emulator turbofan: engine-1, engine-2, engine-3, ... at 2 Hz"
    assert repr(emulator) == f"<{idle}>"
    emulator.start(0.5, speed=None)
    emulator.wait(20)
    assert said[0] == f"<{idle}, at work on nowhere>"


def test_a_listener_hears_each_reading_as_the_frame_says_it():
    emulator, got = heard(units=2, seed=4)
    frames = list(Emulator(pump(), units=2, seed=4).frames(40))
    assert len(got) == 40
    for reading, frame in zip(got, frames, strict=True):
        name, _, _, a, b = frame.data.decode().strip().split(",")
        assert reading.device == name
        assert reading.values == {"a": float(a), "b": float(b)}
        assert reading.time_ns == emulator.start_ns + round(frame.at_s * NS)
        assert (reading.status, reading.fault) == ("OK", None)


def test_a_listener_hears_the_fault_and_not_what_the_line_swallows():
    plan = plan_of(
        {"kind": "bias", "channel": "a", "magnitude": 50, "start_s": 2, "duration_s": 2},
        {"kind": "silence", "start_s": 6, "duration_s": 3},
        {"kind": "dropout", "channel": "b", "start_s": 12, "duration_s": 1},
        {"kind": "corrupt", "start_s": 15, "duration_s": 1},
    )
    emulator, got = heard(plan=plan)
    seconds = [(reading.time_ns - emulator.start_ns) // NS for reading in got]
    assert seconds == [*range(6), *range(9, 20)]
    faults = {s: r.fault for s, r in zip(seconds, got, strict=True) if r.fault}
    assert faults == {2: "bias", 3: "bias", 12: "dropout", 15: "corrupt"}
    missing = next(r for s, r in zip(seconds, got, strict=True) if s == 12)
    assert math.isnan(missing.values["b"])


def test_a_listener_that_comes_later_hears_the_rest():
    emulator, got = Emulator(pump()), []
    list(emulator.frames(10))
    emulator.on_reading(got.append)
    emulator.start(5, speed=None)
    emulator.wait(20)
    assert [(reading.time_ns - emulator.start_ns) // NS for reading in got] == [*range(10, 15)]


def test_a_listener_that_raises_stops_it_and_wait_says_where():
    emulator = Emulator(pump(), units=2)

    def picky(reading):
        if reading.device == "pump-2" and reading.time_ns > emulator.start_ns + 2 * NS:
            raise ValueError("enough")

    emulator.on_reading(picky)
    emulator.start(speed=None)
    expected = (
        r"picky, which listens to readings, raised ValueError: enough; it was at reading 3 of "
        r"pump-2, 2\.618\d* s after the start, and the emulator has stopped there"
    )
    with pytest.raises(RunError, match=expected) as problem:
        emulator.wait(20)
    assert isinstance(problem.value.__cause__, ValueError)
    metrics = emulator.metrics()
    assert (metrics["running"], metrics["readings"]) == (False, 6)
    assert emulator.stop() is None  # it has been told once


def test_what_a_listener_raised_is_raised_at_the_end_of_a_with():
    called = threading.Event()

    def ask(reading):
        called.set()
        return reading.values["x"]

    def use() -> None:
        with Emulator(pump()) as emulator:
            emulator.on_reading(ask)
            emulator.start(100, speed=None)
            assert called.wait(10)

    with pytest.raises(RunError, match="raised KeyError: 'x'"):
        use()


def test_an_error_of_its_own_is_not_hidden_by_that_of_a_listener():
    def use() -> None:
        with Emulator(pump()) as emulator:
            emulator.on_reading(lambda reading: reading.values["x"])
            emulator.start(100, speed=None)
            raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        use()


def test_a_listener_may_inject_and_stop():
    emulator, got = Emulator(pump()), []

    def act(reading):
        got.append(reading.fault)
        if len(got) == 3:
            emulator.inject_anomaly(1, "bias", channel="a", magnitude=9, duration_s=4)
        if len(got) == 10:
            emulator.stop()

    emulator.on_reading(act)
    emulator.start(speed=20)
    served = emulator.wait(20)
    assert served.passed == 10
    assert got == [None] * 3 + ["bias"] * 4 + [None] * 3


def test_it_starts_once():
    with Emulator(pump()) as emulator:
        emulator.start(1000)
        with pytest.raises(UsageError, match="emulator of pump is running already, and starts on"):
            emulator.start()
        emulator.stop()
        with pytest.raises(UsageError, match="emulator of pump has run already"):
            emulator.start()


def test_what_has_not_been_started_cannot_be_waited_for_and_may_be_stopped():
    with pytest.raises(UsageError, match=r"has not been started; call start\(\) first"):
        Emulator(pump()).wait()
    assert Emulator(pump()).stop() is None


@pytest.mark.parametrize("seconds", [0, -1, math.nan, math.inf])
def test_a_duration_that_cannot_be_is_refused_at_once(seconds):
    with pytest.raises(UsageError, match=r"a duration of .* s is not possible"):
        Emulator(pump()).start(seconds)


def test_it_keeps_to_its_rate_and_stops_at_once():
    emulator = Emulator(pump(), units=2, rate_hz=100.0)
    emulator.start()
    assert emulator.wait(0.5) is None
    began = time.monotonic()
    served = emulator.stop()
    assert time.monotonic() - began < 0.15
    metrics = emulator.metrics()
    assert metrics["rate_hz"] == pytest.approx(100, rel=0.3)
    assert served.passed == metrics["frames"] == metrics["readings"]
    assert metrics["elapsed_s"] == pytest.approx(0.5, abs=0.2)


def test_a_slow_device_stops_at_once_too():
    emulator = Emulator(pump(), rate_hz=0.001)
    emulator.start()
    began = time.monotonic()
    emulator.stop()
    assert time.monotonic() - began < 1.0


def test_metrics_count_readings_faults_and_what_is_going_on():
    plan = plan_of(
        {"kind": "stuck", "channels": ["a", "b"], "start_s": 2, "duration_s": 4},
        {"kind": "bias", "channel": "a", "magnitude": 9, "start_s": 118, "duration_s": 40},
    )
    emulator = Emulator(pump(life=LIFE), units=2, plan=plan)
    before = emulator.metrics()
    assert (before["running"], before["readings"], before["rate_hz"]) == (False, 0, 0.0)
    emulator.start(120, speed=None)
    emulator.wait(20)
    metrics = emulator.metrics()
    assert metrics["readings"] == metrics["frames"] == 240
    assert metrics["lost"] == 0
    assert metrics["bytes"] > 240 * 20
    assert metrics["devices"] == {
        "pump-1": {"readings": 120, "anomalies": 2, "active": ["bias on a", "wear"]},
        "pump-2": {"readings": 120, "anomalies": 0, "active": ["wear"]},
    }


def test_it_goes_over_a_link_and_a_lost_link_is_told(port):
    emulator = Emulator(pump())
    emulator.start(30, speed=None, link=port)
    served = emulator.wait(20)
    assert port.bytes.count(b"\n") == served.frames == 30

    class Gone:
        name, mid_stream = "gone", False

        def write(self, data):
            raise LinkLost("gone: the far end has closed")

        def read(self, timeout):
            return b""

        def close(self):
            pass

    other = Emulator(pump())
    other.start(30, speed=None, link=Gone())
    with pytest.raises(LinkLost, match="the far end has closed"):
        other.wait(20)


def test_what_is_at_work_is_not_served_a_second_time(port):
    with Emulator(pump()) as emulator:
        ready = threading.Event()
        emulator.on_reading(lambda _: ready.set())
        emulator.start()
        assert ready.wait(10)
        with pytest.raises(UsageError, match="of pump is at work on nowhere; stop it first"):
            emulator.serve(port)


def test_a_port_that_cannot_go_away_is_not_pulled(port):
    with Emulator(pump()) as emulator:
        ready = threading.Event()
        emulator.on_reading(lambda _: ready.set())
        emulator.start(link=port)
        assert ready.wait(10)
        with pytest.raises(PlanError, match="port: cannot be unplugged by a fault; serve"):
            emulator.inject_anomaly(1, "disconnect", duration_s=5)


def test_a_fault_on_request_begins_with_the_next_frame_that_is_due(port, clock):
    emulator, asked = Emulator(pump()), []

    def sleep(seconds):
        if not asked and port.seconds > 4.5:
            asked.append(emulator.inject_anomaly(1, "stuck", channel="a", duration_s=2))
        clock.sleep(min(seconds, 0.2))

    emulator.serve(port, duration_s=10, clock=clock, sleep=sleep)
    a = [line.split(",")[3] for line in port.bytes.decode().split()]
    assert [i for i in range(1, 10) if a[i] == a[i - 1]] == [6]
    assert [(one.start - emulator.start_ns) // NS for one in emulator.labels] == [5]


def test_a_fault_on_request_is_heard_soon_on_a_line_with_a_speed(port, clock):
    emulator, asked = Emulator(pump()), []

    def sleep(seconds):
        if not asked and port.seconds > 4.5:
            asked.append(emulator.inject_anomaly(1, "stuck", channel="a", duration_s=2))
        clock.sleep(seconds)

    emulator.serve(port, baud=9600, duration_s=10, clock=clock, sleep=sleep)
    a = [line.split(",")[3] for line in port.bytes.decode().split()]
    assert len(a) == 10
    assert [i for i in range(1, 10) if a[i] == a[i - 1]] == [6]


def test_labels_are_of_what_was_sent_when_it_was_stopped_in_between():
    emulator = Emulator(pump(), units=2, anomalies=0.9)
    n = 0

    def count(_):
        nonlocal n
        n += 1
        if n == 7:
            emulator.stop()

    emulator.on_reading(count)
    emulator.start(1000, speed=20)
    emulator.wait(20)
    last = max(label.end for label in emulator.labels)
    assert last <= emulator.start_ns + 4 * NS


SCRIPT = """
import sys
from sensorkit.emulator import Emulator
emulator = Emulator("serial_monitor", rate_hz=50.0)
emulator.on_reading(lambda reading: None)
emulator.start()
emulator.wait(0.2)
{last}
"""


@pytest.mark.parametrize(
    ("last", "code"),
    [
        ("", 0),
        ("sys.exit(3)", 3),
        ("raise SystemExit(4)", 4),
        ("import os, signal; os.kill(os.getpid(), signal.SIGINT)", 1),
    ],
)
def test_the_end_of_the_program_is_not_held_up(last, code):
    began = time.monotonic()
    done = subprocess.run(
        [sys.executable, "-c", SCRIPT.format(last=last)],
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    if code == 1:
        assert "KeyboardInterrupt" in done.stderr
    else:
        assert (done.returncode, done.stderr) == (code, "")
    assert time.monotonic() - began < 30


FORK = """
import os, sys, threading
from sensorkit.emulator import Emulator
emulator = Emulator("serial_monitor", rate_hz=1000.0)
held, go = threading.Event(), threading.Event()

def hold():
    with emulator._fleet.lock:
        held.set()
        go.wait(20)

threading.Thread(target=hold, daemon=True).start()
held.wait(20)
child = os.fork()
if child == 0:
    emulator.inject_anomaly(1, "spike")
    os._exit(emulator.metrics()["readings"])
_, status = os.waitpid(child, 0)
go.set()
sys.exit(os.waitstatus_to_exitcode(status))
"""


@pytest.mark.skipif(not hasattr(os, "fork"), reason="there is no fork here")
def test_a_forked_process_does_not_wait_for_a_thread_it_does_not_have():
    done = subprocess.run(
        [sys.executable, "-W", "ignore", "-c", FORK], capture_output=True, timeout=60, check=False
    )
    assert (done.returncode, done.stderr) == (0, b"")
