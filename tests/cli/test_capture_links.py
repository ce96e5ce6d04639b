"""`sensorkit capture` on links that come and go, are shared, or are read at the wrong speed."""

import json
import subprocess
import sys
import threading
import time
from contextlib import closing

import pytest

from sensorkit.capture import Recording
from sensorkit.capture.replay import replay
from sensorkit.cli import app as cli
from sensorkit.profile import Profile
from sensorkit.wire import identity
from sensorkit.wire.codec import make_codec
from sensorkit.wire.links import open_link, open_pty
from sensorkit.wire.uart import misread

if sys.platform == "win32":
    pytest.skip("no pseudo-terminals", allow_module_level=True)

import termios

pytestmark = pytest.mark.pty

CODEC = make_codec(Profile.load("serial_monitor"))
PATIENCE_S = 30.0


def frame(i):
    return CODEC.encode(["25.00", "5.00"], status="NORMAL", sequence=i, uptime=f"{i}.000") + b"\r\n"


@pytest.fixture
def run(typing, capfd, monkeypatch, tmp_path):
    """Run `sensorkit capture` as `main` does; return exit status, output and errors."""
    monkeypatch.chdir(tmp_path)
    return typing(capfd, "capture")


@pytest.fixture
def bench():
    """Do something beside the capture, which needs the main thread for its signals."""
    threads, errors = [], []

    def beside(function):
        def guarded():
            try:
                function()
            except BaseException as error:
                errors.append(error)

        threads.append(threading.Thread(target=guarded))
        threads[-1].start()

    yield beside
    for thread in threads:
        thread.join(PATIENCE_S)
    assert errors == []


def wait_for(condition):
    end = time.monotonic() + PATIENCE_S
    while not condition():
        assert time.monotonic() < end, "it did not come"
        time.sleep(0.01)


def events(folder):
    path = folder / "events.jsonl"
    if not path.exists():
        return []
    return [json.loads(line) for line in path.read_text().splitlines() if line.endswith("}")]


def test_a_device_is_found_again_under_another_name_and_not_mistaken(
    run, bench, fake_ports, monkeypatch, tmp_path
):
    """ttyUSB0 is pulled out, another device takes its name, and it comes back as ttyUSB1."""
    monkeypatch.setattr(identity, "HERE", fake_ports.tree)
    folder = tmp_path / "rec"
    ours, other, back = open_pty(), open_pty(), open_pty()
    fake_ports.plug_in("ttyUSB0", number="A1", socket="1-2", leads_to=ours.port)
    wrongly_opened, refused = [], threading.Event()
    really_said = cli.err.print

    def said(text):
        really_said(text)
        if "is another device" in text:
            refused.set()

    monkeypatch.setattr(cli.err, "print", said)

    def device():
        with ours:
            ours.master.write(frame(0) + frame(1))
            raw = folder / "raw.log"
            wait_for(lambda: raw.exists() and raw.stat().st_size == len(frame(0) + frame(1)))
            fake_ports.pull_out("ttyUSB0")
            fake_ports.plug_in("ttyUSB0", number="Z9", socket="1-2", leads_to=other.port)
        # closed: the cable is out
        wait_for(lambda: any(event["kind"] == "link_lost" for event in events(folder)))
        with other, back:
            wait_for(lambda: other.has_reader() or refused.is_set())
            wrongly_opened.append(other.has_reader())
            fake_ports.plug_in("ttyUSB1", number="A1", socket="1-3", leads_to=back.port)
            back.master.write(frame(5) + frame(6))
            wait_for(lambda: (folder / "manifest-sha256.txt").exists())

    bench(device)
    url = str(fake_ports.dev / "ttyUSB0")
    status, out, err = run(url, "--out", "rec", "--reconnect", "--frames", "4")
    assert status == 0, err
    assert "4 frames" in out
    assert wrongly_opened == [False]
    assert err.count("is another device (USB 0403:6001, serial number Z9) now") == 1
    recording = Recording.open(folder)
    (again,) = [event for event in recording.events() if event["kind"] == "link_back"]
    assert again["details"]["link"] == str(fake_ports.dev / "ttyUSB1")
    assert recording.meta["link"]["device"]["serial_number"] == "A1"
    assert replay(recording) == []


def test_a_link_that_moves_to_another_pseudo_terminal_is_opened_by_its_name(run, bench, tmp_path):
    folder, name = tmp_path / "rec", tmp_path / "device"

    def device():
        with open_pty(name) as first:
            wait_for(first.has_reader)
            first.master.write(frame(0))
            raw = folder / "raw.log"
            wait_for(lambda: raw.exists() and raw.stat().st_size == len(frame(0)))
        with open_pty(name) as second:
            wait_for(second.has_reader)
            second.master.write(frame(1))
            wait_for(lambda: (folder / "manifest-sha256.txt").exists())

    bench(device)
    wait_for(name.is_symlink)
    status, out, err = run(name, "--out", "rec", "--reconnect", "--frames", "2")
    assert status == 0, err
    assert "2 frames, 0 lines rejected, 0 lost" in out
    assert "device" not in Recording.open(folder).meta["link"]


def test_another_program_on_the_port_is_named(run, bench, tmp_path):
    with open_pty(tmp_path / "device") as pair:
        # It locks nothing, as cat does not.
        hold = "import sys; f = open(sys.argv[1]); print(flush=True); input()"
        with subprocess.Popen(
            [sys.executable, "-c", hold, pair.port], stdin=subprocess.PIPE, stdout=subprocess.PIPE
        ) as reader:
            reader.stdout.readline()
            # In a process of its own: its own children are not warned of.
            done = subprocess.run(
                [sys.executable, "-m", "sensorkit", "capture", pair.port, "--out", "rec",
                 "--duration", "0.2"],
                capture_output=True, text=True, cwd=tmp_path, check=False,
            )  # fmt: skip
            reader.communicate(b"\n")
    assert f"(process {reader.pid}) has it open too; two readers each get half" in done.stderr


def test_a_port_that_another_capture_has_names_it(run, tmp_path):
    with open_pty(tmp_path / "device") as pair:
        lock = "import fcntl, sys; f = open(sys.argv[1]); fcntl.flock(f, fcntl.LOCK_EX)"
        with subprocess.Popen(
            [sys.executable, "-c", f"{lock}; print(flush=True); input()", pair.port],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
        ) as other:
            other.stdout.readline()
            status, _, err = run(pair.port, "--out", "rec")
            other.communicate(b"\n")
    assert status == 2
    assert "is in use by python" in err
    assert f"(process {other.pid}); close it" in err
    assert not (tmp_path / "rec").exists()


def test_a_wrong_speed_is_said_while_it_runs_with_the_one_to_try(run, bench, monkeypatch, tmp_path):
    """A pseudo-terminal has no speed, so the bytes are those a UART would make of them."""
    monkeypatch.setattr("sensorkit.wire.links.has_baud", lambda _: True)
    garbage = misread(
        b"".join(frame(i) for i in range(60)), sent_at=57600, read_at=115200, gap_bits=99
    )
    folder = tmp_path / "rec"
    with open_pty(tmp_path / "device") as pair:

        def device():
            wait_for(pair.has_reader)
            sent = 0
            while sent < len(garbage):
                sent += pair.master.write(garbage[sent : sent + 500])
            raw = folder / "raw.log"
            wait_for(lambda: raw.exists() and raw.stat().st_size == len(garbage))
            pair.close()

        bench(device)
        status, _, err = run(pair.port, "--out", "rec")
    assert status == 1
    hint, problem = err.splitlines()
    for text in (hint, problem):
        assert "probably sends at 57600 baud: try --baud 57600" in text
    assert Recording.open(folder).verify() == []


class SlowPort:
    """What a port at *baud* hears of a device that sends at 57600."""

    mid_stream = True
    name = "/dev/ttyUSB0"

    def __init__(self, baud):
        self.speeds = []
        self.set_baud(baud)

    def set_baud(self, baud):
        self.speeds.append(baud)
        says = b"".join(frame(i) for i in range(200))
        self.data = misread(says, sent_at=57600, read_at=baud, gap_bits=400)

    def read(self, timeout):
        piece, self.data = self.data[:500], self.data[500:]
        return piece or None

    def close(self):
        pass


def test_probe_finds_the_speed_and_records_with_it(run, monkeypatch, tmp_path):
    ports = []

    def open_at(url, *, baud=115200, **_):
        ports.append(SlowPort(baud))
        return ports[-1]

    monkeypatch.setattr("sensorkit.wire.links.open_link", open_at)
    monkeypatch.setattr("sensorkit.wire.links.set_baud", SlowPort.set_baud)
    status, out, err = run("/dev/ttyUSB0", "--probe", "--out", "rec")
    assert status == 0, err
    (port,) = ports  # opened once: no board is reset by it
    assert port.speeds == [115200, 115200, 57600, 57600]
    assert "  115200 baud: " in err
    assert "57600 baud, profile serial_monitor; recording from here on" in err
    assert "200 frames, 0 lines rejected" in out
    assert Recording.open(tmp_path / "rec").meta["link"]["baud"] == 57600


def test_probe_sets_the_speed_of_the_port_and_the_pump_reads_on(run, bench, monkeypatch, tmp_path):
    """The device looks at the speed that our end is set to, and sends what a UART would hear."""
    monkeypatch.setattr("sensorkit.wire.links.has_baud", lambda _: True)
    speeds = {termios.B115200: 115200, termios.B57600: 57600}
    says = b"".join(frame(i) for i in range(50))
    heard = {
        constant: misread(says, sent_at=57600, read_at=baud, gap_bits=400)
        for constant, baud in speeds.items()
    }
    sent, gone, at = [], [], 0
    with open_pty(tmp_path / "device") as pair:

        def device():
            nonlocal at
            wait_for(pair.has_reader)
            while pair.has_reader():
                speed = termios.tcgetattr(pair.master.fd)[4]
                at += pair.master.write(heard[speed][at % len(heard[speed]) :][:400])
                sent.append(speeds[speed])
                time.sleep(0.002)
            gone.append(True)

        bench(device)
        status, _, err = run(pair.port, "--probe", "--out", "rec", "--frames", "100")
        wait_for(lambda: gone)  # the device uses the pair until then
    assert status == 0, err
    assert set(sent) == {115200, 57600}
    assert "57600 baud, profile serial_monitor; recording from here on" in err
    recording = Recording.open(tmp_path / "rec")
    assert recording.meta["link"]["baud"] == 57600
    assert len(recording.readings()) >= 100
    assert replay(recording) == []


def test_probe_of_a_silent_port_records_nothing(run, monkeypatch, tmp_path):
    class Silent(SlowPort):
        def read(self, timeout):
            return None

    monkeypatch.setattr("sensorkit.wire.links.open_link", lambda url, *, baud=0: Silent(baud))
    monkeypatch.setattr("sensorkit.wire.links.set_baud", SlowPort.set_baud)
    status, out, err = run("/dev/ttyUSB0", "--probe", "--out", "rec")
    assert (status, out) == (1, "")
    assert "/dev/ttyUSB0: nothing came while probing; check the cable" in err
    assert not (tmp_path / "rec").exists()


def test_probe_where_there_is_no_speed_looks_at_the_format_and_loses_nothing(run, tmp_path):
    data = b"".join(frame(i) for i in range(300))
    (tmp_path / "log").write_bytes(data)
    status, out, err = run("file:log", "--probe", "--out", "rec")
    assert status == 0, err
    assert "file:log: there is no baud rate to try; looking at its format" in err
    assert "profile serial_monitor reads 100% of the lines" in err
    assert "300 frames, 0 lines rejected" in out
    assert (tmp_path / "rec" / "raw.log").read_bytes() == data


def test_probe_of_what_no_profile_reads_says_what_it_looks_like(run, tmp_path):
    (tmp_path / "log").write_bytes(b"12;5\n13;6\n" * 20)
    status, _, err = run("file:log", "--probe", "--out", "rec")
    assert status == 1
    assert "file:log: no profile reads what comes: the lines are text and end with LF" in err
    assert "2 columns with ';', as format csv reads" in err
    assert not (tmp_path / "rec").exists()


def test_a_second_reader_of_a_busy_socket_is_told_why_nothing_comes(run, bench, monkeypatch):
    monkeypatch.setattr("sensorkit.cli.capture.watching.QUIET_S", 0.3)
    with closing(open_link("listen://127.0.0.1:0")) as device, open_link(device.name):
        assert device.has_reader()  # the first one, who never leaves
        status, _, err = run(device.name, "--out", "rec", "--duration", "1")
    assert status == 1
    assert "connected, but nothing has come for 0 s; a sender that serves one reader" in err


def test_a_device_that_never_speaks_is_an_alert_and_a_failure(run, monkeypatch, tmp_path):
    quick = tmp_path / "quick.yaml"
    text = (Profile.load("serial_monitor")).to_dict()
    for rule in text["rules"]:
        if rule["kind"] == "heartbeat":
            rule["limit"] = 0.5
    quick.write_text(json.dumps(text | {"heartbeat_s": 0.5}))
    with open_pty(tmp_path / "device") as pair:
        status, out, err = run(pair.port, "--profile", quick, "--out", "rec", "--duration", "1.2")
    assert status == 1
    assert "HEARTBEAT_LOSS  No data received for 0.5 seconds." in out
    assert "0 frames, 0 lines rejected, 0 lost, 1 alert " in out
    assert "nothing arrived" in err
    live = json.loads((tmp_path / "rec/derived/anomaly_report.json").read_text())
    monkeypatch.setattr("sys.argv", ["sensorkit", "detect", "rec"])
    with pytest.raises(SystemExit) as exit_:
        cli.main()
    assert not exit_.value.code
    later = json.loads((tmp_path / "rec/derived/anomaly_report.json").read_text())
    assert [alert["timestamp"] for alert in later] == [alert["timestamp"] for alert in live]


def test_a_capture_ends_at_the_size_asked_for(run, tmp_path):
    (tmp_path / "log").write_bytes(b"".join(frame(i) for i in range(20_000)))
    status, out, err = run("file:log", "--out", "rec", "--max-size", "100kB")
    assert status == 0, err
    assert "(the size was reached)" in out
    size = (tmp_path / "rec" / "raw.log").stat().st_size
    assert 100_000 <= size < 100_000 + 65536
    assert replay(Recording.open(tmp_path / "rec")) == []


def test_raw_files_change_at_the_size_asked_for(run, tmp_path):
    (tmp_path / "log").write_bytes(b"".join(frame(i) for i in range(10_000)))
    status, _, err = run("file:log", "--out", "rec", "--rotate", "100kB")
    assert status == 0, err
    files = sorted(path.name for path in (tmp_path / "rec").glob("raw*.log"))
    assert len(files) > 2
    recording = Recording.open(tmp_path / "rec")
    assert (recording.verify(), replay(recording)) == ([], [])


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--max-size", "big"], "--max-size big: a size above 0 is wanted, such as 500kB"),
        (["--max-size", "0"], "--max-size 0: a size above 0"),
        (["--rotate", "100"], "--rotate 100: a size or a time above 0 is wanted, such as 100MB"),
        (["--rotate", "often"], "--rotate often: a size or a time"),
    ],
)
def test_a_size_typed_wrongly_is_said_before_anything_is_opened(run, tmp_path, arguments, message):
    status, out, err = run("file:nowhere", "--out", "rec", *arguments)
    assert (status, out) == (2, "")
    assert message in err
    assert not (tmp_path / "rec").exists()
