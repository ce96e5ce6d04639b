import io
import socket
import sys
from pathlib import Path
from typing import ClassVar

import pytest
import serial

from sensorkit.errors import LinkError, LinkLost, RunError
from sensorkit.wire import links
from sensorkit.wire.links import PyserialLink, StreamLink, open_link

posix_only = pytest.mark.skipif(sys.platform == "win32", reason="POSIX paths")


def read_all(link):
    pieces = []
    while (piece := link.read(1.0)) is not None:
        pieces.append(piece)
    return b"".join(pieces)


def test_a_file_is_read_to_its_end(tmp_path):
    data = bytes(range(256)) * 1000
    path = tmp_path / "log.txt"
    path.write_bytes(data)
    with open_link(f"file:{path}") as link:
        assert read_all(link) == data
        with pytest.raises(LinkError, match="open for reading"):
            link.write(b"x")


def test_a_file_is_written_but_never_over_another(tmp_path):
    path = tmp_path / "out.txt"
    with open_link(f"file:{path}", writing=True) as link:
        assert link.write(b"T:1\n") == 4
        with pytest.raises(LinkError, match="open for writing"):
            link.read(0)
    with pytest.raises(LinkError, match="is already there"):
        open_link(f"file:{path}", writing=True)
    assert path.read_bytes() == b"T:1\n"


def test_standard_input_is_read_to_its_end(monkeypatch, tmp_path):
    path = tmp_path / "in.txt"
    path.write_bytes(b"T:1\n")
    monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(path.open("rb")))
    with open_link("-") as link:
        assert read_all(link) == b"T:1\n"


def test_a_reader_of_standard_output_that_has_gone_is_a_loss():
    class Gone(io.RawIOBase):
        def write(self, data):
            raise BrokenPipeError

    with pytest.raises(LinkLost, match="went away"):
        StreamLink("-", None, Gone()).write(b"x")


def test_a_loop_gives_back_what_it_is_given():
    with open_link("loop://") as link:
        assert link.write(b"T:21.5\n") == 7
        assert link.read(0.5) == b"T:21.5\n"
        assert link.read(0) == b""


def test_pyserial_never_asks_for_more_than_is_there():
    """`read(n)` of a port that goes before n bytes came would throw away what it had."""

    class Port:
        timeout = None
        in_waiting = 3

        def __init__(self):
            self.asked = []

        def read(self, n):
            self.asked.append(n)
            return b"x" * n

    port = Port()
    assert PyserialLink(port, "COM3").read(0.2) == b"xxxx"
    assert port.asked == [1, 3]


@pytest.mark.parametrize("error", [serial.SerialException("gone"), OSError(5, "EIO"), TypeError()])
def test_whatever_pyserial_raises_for_a_vanished_device_is_a_loss(error):
    class Port:
        timeout = None

        def read(self, n):
            raise error

        def write(self, data):
            raise error

    link = PyserialLink(Port(), "COM3")
    with pytest.raises(LinkLost, match="COM3: the device went away"):
        link.read(0.1)
    with pytest.raises(LinkLost, match="COM3: the device went away"):
        link.write(b"x")


def test_on_windows_the_driver_is_asked_to_hold_more_while_we_parse(monkeypatch):
    """Only there has a port `set_buffer_size`; it takes effect on an open port."""

    class Port:
        is_open = False
        asked: ClassVar[list] = []

        def open(self):
            self.is_open = True

        def set_buffer_size(self, rx_size):
            self.asked.append((self.is_open, rx_size))

        def close(self):
            self.is_open = False

    monkeypatch.setattr(links.serial, "serial_for_url", lambda *_args, **_kwargs: Port())
    monkeypatch.setattr("sys.platform", "win32")
    open_link("COM3").close()
    assert Port.asked == [(True, links.WINDOWS_BUFFER_BYTES)]


@pytest.mark.parametrize(
    ("url", "has"),
    [
        ("/dev/ttyUSB0", True),
        ("/dev/ttyS0", True),
        ("COM3", True),
        ("rfc2217://10.0.0.5:2217", True),
        ("spy:///dev/ttyUSB0", True),
        ("/dev/pts/3", False),
        ("pty:", False),
        ("socket://127.0.0.1:5000", False),
        ("listen://127.0.0.1:0", False),
        ("loop://", False),
        ("file:log.txt", False),
        ("-", False),
    ],
)
def test_only_a_port_has_a_speed(url, has):
    assert links.has_baud(url) is has


@posix_only
def test_another_speed_is_set_on_the_open_port_and_drops_what_came_before():
    import termios

    with links.open_pty() as pair, open_link(pair.port, baud=9600) as link:
        pair.master.write(b"at the old speed")
        links.set_baud(link, 57600)
        assert termios.tcgetattr(link.fileno())[4:6] == [termios.B57600] * 2
        assert link.read(0) == b""
        pair.master.write(b"new")
        assert link.read(1.0) == b"new"


def test_a_pyserial_port_takes_another_speed_too():
    class Port:
        baudrate = 9600
        dropped = 0

        def reset_input_buffer(self):
            self.dropped += 1

    port = Port()
    links.set_baud(PyserialLink(port, "COM3"), 57600)
    assert (port.baudrate, port.dropped) == (57600, 1)


def test_what_has_no_speed_says_so(tmp_path):
    (tmp_path / "log").touch()
    with (
        open_link(f"file:{tmp_path / 'log'}") as link,
        pytest.raises(LinkError, match="has no baud rate to change"),
    ):
        links.set_baud(link, 9600)


@posix_only
def test_a_name_that_leads_to_a_pseudo_terminal_has_no_speed(tmp_path):
    with links.open_pty(tmp_path / "device") as pair:
        assert not links.has_baud(pair.port)


def test_only_a_port_may_be_opened_in_the_middle_of_a_line(tmp_path):
    (tmp_path / "log.txt").touch()
    with open_link(f"file:{tmp_path / 'log.txt'}") as link:
        assert not link.mid_stream
    with open_link("loop://") as link:
        assert link.mid_stream


def test_bytes_read_before_the_device_vanished_are_kept():
    class Port:
        timeout = None
        in_waiting = 3
        reads = 0

        def read(self, n):
            self.reads += 1
            if self.reads > 1:
                raise serial.SerialException("gone")
            return b"T"

    assert PyserialLink(Port(), "COM3").read(0.1) == b"T"


@pytest.mark.parametrize(
    ("url", "message"),
    [
        ("file:/nowhere/log.txt", "file:/nowhere/log.txt: cannot be opened: No such file"),
        ("nonsense://x", "protocol 'nonsense' not known"),
        ("socket://localhost", "socket://localhost: has no host and port; socket://127.0.0.1:5000"),
        ("listen://127.0.0.1:notaport", "has no host and port; listen://127.0.0.1:5000 has"),
    ],
)
@posix_only
def test_a_link_that_cannot_be_opened_says_what_to_do(url, message):
    with pytest.raises(LinkError) as error:
        open_link(url)
    assert message in str(error.value)
    assert "\n" not in str(error.value)


@posix_only
@pytest.mark.parametrize(
    ("path", "message"),
    [
        ("/dev/no-such-port", "there is no such port; plug the device in"),
        ("/", "is no serial port but a folder"),
        (__file__, f"is no serial port; give a device such as /dev/ttyUSB0, or file:{__file__}"),
        ("/dev/null", "is no serial port"),
    ],
)
def test_what_is_no_port_says_so(path, message):
    with pytest.raises(LinkError, match=path) as error:
        open_link(path)
    assert message in str(error.value)


@posix_only
def test_no_permission_names_the_group(monkeypatch):
    def refuse(*_args, **_kwargs):
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr("os.open", refuse)
    with pytest.raises(LinkError, match="dialout"):
        open_link("/dev/ttyUSB0")


def test_a_com_port_in_use_or_missing_is_told_apart():
    used = links._why_not_open("COM3", OSError("PermissionError(13, 'Access is denied.')"))
    missing = links._why_not_open("COM9", OSError("FileNotFoundError(2, 'no such file')"))
    assert "COM3: is in use by another program" in used
    assert "COM9: there is no such port" in missing


def test_a_socket_carries_bytes_both_ways_and_ends_with_its_far_end():
    with open_link("listen://127.0.0.1:0") as served:
        assert not served.has_reader()
        assert served.write(b"nobody listens") == 0
        with open_link(served.name) as link:
            assert served.has_reader()
            data = bytes(range(256)) * 4
            assert served.write(data) == len(data)
            got = b""
            while len(got) < len(data):
                got += link.read(1.0)
            assert got == data
            assert link.read(0) == b""
            assert link.write(b"hello") == 5
            assert served.read(1.0) == b"hello"
            served.close()
            assert link.read(1.0) is None


def test_the_next_reader_may_come_when_one_has_gone():
    with open_link("listen://127.0.0.1:0") as served:
        open_link(served.name).close()
        assert served.read(1.0) == b""
        with open_link(served.name) as link:
            while not served.write(b"T:1\n"):
                pass
            assert link.read(1.0) == b"T:1\n"


def test_nobody_answering_is_an_error_that_says_what_to_do():
    with socket.create_server(("127.0.0.1", 0)) as server:
        port = server.getsockname()[1]
    with pytest.raises(LinkError, match="nobody answers there"):
        open_link(f"socket://127.0.0.1:{port}")


def test_a_port_that_is_taken_cannot_be_listened_on():
    with (
        open_link("listen://127.0.0.1:0") as served,
        pytest.raises(LinkError, match="cannot listen there"),
    ):
        open_link(served.name.replace("socket", "listen"))


@posix_only
def test_nothing_of_posix_is_imported_on_windows():
    """The pure parts run there; only two modules may need fcntl, termios and the like."""
    package = Path(links.__file__).parent.parent
    needs = ("import fcntl", "import termios", "import pty", "import tty", "import resource")
    found = {
        path.name
        for path in package.rglob("*.py")
        for line in path.read_text(encoding="utf-8").splitlines()
        if line.startswith(needs)
    }
    assert found == {"posix.py", "pty.py"}


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="no device that is always full")
def test_a_file_that_the_disk_does_not_take_is_named():
    with Path("/dev/full").open("wb", buffering=0) as full:
        link = StreamLink("file:frames.raw", None, full)
        with pytest.raises(RunError, match=r"file:frames\.raw: cannot be written: No space left"):
            link.write(b"T:1")


@pytest.mark.parametrize(
    ("url", "wanted"),
    [
        ("socket://127.0.0.1:99999", "the port 99999 is out of range; one from 1 to 65535 is wan"),
        ("socket://127.0.0.1:0", "the port 0 is out of range; one from 1 to 65535 is wanted"),
        ("listen://[::1]:65536", "the port 65536 is out of range; one from 0 to 65535 is wanted"),
    ],
)
def test_a_port_number_that_cannot_be_is_named(url, wanted):
    with pytest.raises(LinkError) as error:
        open_link(url)
    assert str(error.value).startswith(f"{url}: {wanted}")
