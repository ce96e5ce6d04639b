import contextlib
import os
import sys
import threading

import pytest

from sensorkit.errors import LinkError, LinkLost
from sensorkit.wire.links import open_link

if sys.platform == "win32":
    pytest.skip("no pseudo-terminals on Windows", allow_module_level=True)

import termios

from sensorkit.wire.links import open_pty
from sensorkit.wire.posix import FdLink, open_port

pytestmark = pytest.mark.pty


@pytest.fixture
def pair():
    with open_pty() as pair:
        yield pair


def test_all_byte_values_pass_unchanged(pair):
    with open_link(pair.port) as link:
        pair.master.write(bytes(range(256)))
        got = b""
        while len(got) < 256:
            got += link.read(1.0)
        assert got == bytes(range(256))


def test_nothing_is_echoed_to_the_device(pair):
    with open_link(pair.port) as link:
        pair.master.write(b"T:21.5\r\n")
        assert link.read(1.0) == b"T:21.5\r\n"
        assert pair.master.read(0.01) == b""


def test_what_was_sent_before_the_port_was_opened_is_read(pair):
    pair.master.write(b"early\n")
    with open_link(pair.port) as link:
        assert link.read(1.0) == b"early\n"


def test_one_wake_up_takes_what_is_there(pair):
    with open_link(pair.port) as link:
        pair.master.write(b"a" * 1000)
        assert link.read(1.0) == b"a" * 1000
        assert link.read(0) == b""


def test_a_port_in_use_is_refused_and_free_again_when_closed(pair):
    with open_link(pair.port), pytest.raises(LinkError, match="is in use by another program"):
        open_link(pair.port)
    open_link(pair.port).close()


def test_a_port_may_be_shared_if_asked(pair):
    with open_link(pair.port), open_link(pair.port, exclusive=False) as other:
        pair.master.write(b"x")
        assert other.read(1.0) == b"x"


def test_the_far_end_closing_is_the_end(pair):
    with open_link(pair.port) as link:
        pair.close()
        assert link.read(1.0) is None
        assert link.read(1.0) is None


def test_a_device_going_is_a_loss(pair):
    link = FdLink(os.open(pair.port, os.O_RDWR | os.O_NOCTTY | os.O_NONBLOCK), "/dev/ttyUSB0")
    with link:
        pair.close()
        with pytest.raises(LinkLost, match="/dev/ttyUSB0: the device went away"):
            link.read(1.0)
        with pytest.raises(LinkLost, match="/dev/ttyUSB0: the far end went away"):
            link.write(b"x")


def test_a_port_is_set_raw_with_its_speed(pair):
    with open_port(pair.port, baud=9600, exclusive=True) as link:
        iflag, oflag, cflag, lflag, ispeed, _, _ = termios.tcgetattr(link.fd)
        assert (iflag, lflag) == (0, 0)
        assert not oflag & termios.OPOST
        assert cflag & termios.CS8 == termios.CS8
        assert ispeed == termios.B9600


def test_an_odd_speed_is_set_or_refused_in_one_sentence(pair):
    # A pseudo-terminal takes any speed; other systems may not know how to ask for one.
    with contextlib.suppress(LinkError):
        open_port(pair.port, baud=250_000, exclusive=True).close()
    open_link(pair.port).close()  # not left locked


def test_a_pseudo_terminal_has_no_overrun_counter(pair):
    with open_port(pair.port, baud=9600, exclusive=True) as link:
        assert link.overruns() is None
    assert link.overruns() is None  # a closed one is asked while it is waited for


def test_the_emulator_sees_whether_somebody_reads(pair):
    assert not pair.has_reader()
    with open_link(pair.port):
        assert pair.has_reader()
    assert not pair.has_reader()
    with open_link(pair.port):
        assert pair.has_reader()


def test_a_master_that_nobody_has_opened_waits(pair):
    assert pair.master.read(0.01) == b""


def test_a_full_pseudo_terminal_takes_no_more_and_says_so(pair):
    while sent := pair.master.write(b"x" * 4096):
        assert sent <= 4096
    assert pair.master.write(b"x") == 0


def test_drain_waits_for_the_reader(pair):
    with open_link(pair.port) as link:
        pair.master.write(b"x" * 3000)
        assert not pair.drain(0.05)
        reader = threading.Thread(target=lambda: link.read(1.0))
        reader.start()
        assert pair.drain(5.0)
        reader.join()


def test_the_symbolic_link_is_a_name_that_stays(tmp_path):
    name = tmp_path / "device"
    with open_pty(name) as pair:
        assert pair.port == str(name)
        with open_link(str(name)) as link:
            pair.master.write(b"x")
            assert link.read(1.0) == b"x"
    assert not name.is_symlink()


def test_a_link_that_leads_nowhere_is_replaced(tmp_path):
    name = tmp_path / "device"
    name.symlink_to("/dev/pts/no-such")
    with open_pty(name) as pair:
        assert str(name.readlink()) == pair.device


def test_a_name_that_is_taken_is_left_alone(tmp_path):
    name = tmp_path / "device"
    name.write_text("mine")
    with pytest.raises(LinkError, match="is already there"):
        open_pty(name)
    assert name.read_text() == "mine"


def test_a_link_of_another_emulator_is_left_alone(tmp_path):
    name = tmp_path / "device"
    with open_pty(name) as first:
        with pytest.raises(LinkError, match=f"leads to {first.device}"):
            open_pty(name)
        assert str(name.readlink()) == first.device


def test_a_link_is_not_removed_once_it_leads_elsewhere(tmp_path):
    name = tmp_path / "device"
    with open_pty(name):
        name.unlink()
        name.symlink_to("/dev/null")
    assert str(name.readlink()) == "/dev/null"


def test_pty_as_a_link_waits_for_a_program_to_write(tmp_path):
    name = tmp_path / "device"
    with open_link(f"pty:{name}") as link:
        assert not link.has_reader()
        assert link.name == f"pty:{name}"
        with open_link(str(name)) as far:
            assert link.has_reader()
            far.write(b"T:1\n")
            assert link.read(1.0) == b"T:1\n"
            link.write(b"ok\n")
            assert far.read(1.0) == b"ok\n"


def test_a_descriptor_that_select_does_not_know_is_read_and_written():
    import fcntl
    import resource

    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    if hard != resource.RLIM_INFINITY and hard < 1100:
        pytest.skip("the system allows no descriptor above 1023")
    resource.setrlimit(resource.RLIMIT_NOFILE, (max(soft, 1100), hard))
    ours, theirs = os.pipe()
    high = [fcntl.fcntl(fd, fcntl.F_DUPFD_CLOEXEC, 1030) for fd in (ours, theirs)]
    os.close(ours)
    os.close(theirs)
    try:
        with FdLink(high[0], "in", ends=True) as reader:
            assert reader.read(0) == b""
            with FdLink(high[1], "out") as writer:
                assert writer.write(b"T:1\n") == 4
            assert reader.read(5.0) == b"T:1\n"
            assert reader.read(5.0) is None
    finally:
        resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))
