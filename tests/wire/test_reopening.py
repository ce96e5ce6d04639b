"""A device that comes back under another name, and others that take its name."""

import pytest

from sensorkit.errors import LinkError
from sensorkit.wire.reopening import Reopening


class Wire:
    mid_stream = True

    def __init__(self, name):
        self.name = name
        self.closed = False

    def close(self):
        self.closed = True


class Opener:
    """Opens what exists, and remembers the names."""

    def __init__(self, before=lambda: None):
        self.names = []
        self.before = before
        self.links = []

    def __call__(self, name):
        self.names.append(name.rpartition("/")[2])
        self.before()
        self.links.append(Wire(name))
        return self.links[-1]


@pytest.fixture
def said():
    return []


@pytest.fixture
def opener():
    return Opener()


@pytest.fixture
def reopening(fake_ports, opener, said):
    """Open ttyUSB0, with serial number A1 in socket 1-2, by its kernel name."""
    fake_ports.plug_in("ttyUSB0", number="A1", socket="1-2")
    url = str(fake_ports.dev / "ttyUSB0")
    found = Reopening(url, opener, say=said.append, tree=fake_ports.tree)
    found()
    return found


def test_the_same_device_in_the_same_place_is_opened_by_the_same_name(reopening, opener, said):
    assert reopening().name == reopening.url
    assert (opener.names, said) == (["ttyUSB0", "ttyUSB0"], [])
    assert reopening.port.serial_number == "A1"


def test_a_device_that_is_away_is_waited_for(reopening, fake_ports, opener, said):
    fake_ports.pull_out("ttyUSB0")
    with pytest.raises(LinkError, match="serial number A1 is not plugged in"):
        reopening()
    assert (opener.names, said) == (["ttyUSB0"], [])  # not even tried


def test_a_device_that_comes_back_under_another_name_is_found(reopening, fake_ports, opener):
    fake_ports.pull_out("ttyUSB0")
    fake_ports.plug_in("ttyUSB1", number="A1", socket="1-3")
    assert reopening().name.endswith("ttyUSB1")


def test_another_device_with_the_old_name_is_refused_and_named_once(
    reopening, fake_ports, opener, said
):
    fake_ports.pull_out("ttyUSB0")
    fake_ports.plug_in("ttyUSB0", usb="10c4:ea60", number="Z9", socket="1-2")
    for _ in range(3):
        with pytest.raises(LinkError):
            reopening()
    (why,) = said
    assert "is another device (USB 10c4:ea60, serial number Z9) now" in why
    assert "waiting for USB 0403:6001, serial number A1" in why
    assert opener.names == ["ttyUSB0"]  # opening it would have reset the other board
    fake_ports.plug_in("ttyUSB1", number="A1", socket="1-3")
    assert reopening().name.endswith("ttyUSB1")


def test_a_name_by_id_finds_the_device_too(fake_ports, opener):
    by_id = fake_ports.plug_in("ttyUSB0", number="A1")
    reopening = Reopening(by_id, opener, tree=fake_ports.tree)
    reopening()
    fake_ports.pull_out("ttyUSB0")
    fake_ports.plug_in("ttyUSB5", number="A1", socket="1-4")
    assert reopening().name == by_id  # udev points it to the new name


def test_a_device_without_a_number_in_another_socket_is_not_taken_for_itself(
    fake_ports, opener, said
):
    fake_ports.plug_in("ttyUSB0", usb="1a86:7523", number=None, socket="1-2")
    url = str(fake_ports.dev / "ttyUSB0")
    reopening = Reopening(url, opener, say=said.append, tree=fake_ports.tree)
    reopening()
    fake_ports.pull_out("ttyUSB0")
    fake_ports.plug_in("ttyUSB1", usb="1a86:7523", number=None, socket="1-3")
    with pytest.raises(LinkError, match="only the socket tells which device it is"):
        reopening()
    assert len(said) == 1
    fake_ports.pull_out("ttyUSB1")
    fake_ports.plug_in("ttyUSB2", usb="1a86:7523", number=None, socket="1-2")
    assert reopening().name.endswith("ttyUSB2")


def test_two_that_claim_to_be_it_are_refused(reopening, fake_ports, said):
    fake_ports.plug_in("ttyUSB1", number="A1", socket="1-3")
    with pytest.raises(LinkError, match="unplug the others"):
        reopening()
    assert "ttyUSB0" in said[0]
    assert "ttyUSB1" in said[0]


def test_a_device_swapped_while_it_is_opened_is_closed_again(fake_ports, said):
    fake_ports.plug_in("ttyUSB0", number="A1", socket="1-2")

    def swap():
        if opener.links:
            fake_ports.pull_out("ttyUSB0")
            fake_ports.plug_in("ttyUSB0", number="Z9", socket="1-2")

    opener = Opener(before=swap)
    reopening = Reopening(str(fake_ports.dev / "ttyUSB0"), opener, tree=fake_ports.tree)
    reopening()
    with pytest.raises(LinkError, match="was replaced while it was opened"):
        reopening()
    assert [link.closed for link in opener.links] == [False, True]


@pytest.mark.parametrize("url", ["/tmp/device", "socket://127.0.0.1:5000", "pty:"])
def test_what_has_no_identity_is_opened_by_its_name(fake_ports, opener, url):
    reopening = Reopening(url, opener, tree=fake_ports.tree)
    assert [reopening().name, reopening().name] == [url, url]
    assert reopening.identity is None


def test_a_first_opening_that_fails_is_tried_anew(fake_ports):
    fake_ports.plug_in("ttyUSB0", number="A1")
    errors = [LinkError("busy")]

    def opening(name):
        if errors:
            raise errors.pop()
        return Wire(name)

    reopening = Reopening(str(fake_ports.dev / "ttyUSB0"), opening, tree=fake_ports.tree)
    with pytest.raises(LinkError, match="busy"):
        reopening()
    reopening()
    assert reopening.identity.serial_number == "A1"
