from pathlib import Path

import pytest

from sensorkit.wire.identity import HERE, Identity


def test_a_usb_port_says_what_it_is(fake_ports):
    by_id = fake_ports.plug_in("ttyUSB0", usb="0403:6001", number="A50285BI", socket="1-2")
    (port,) = fake_ports.tree.ports()
    assert port.device == str(fake_ports.dev / "ttyUSB0")
    assert (port.usb, port.serial_number, port.interface) == ("0403:6001", "A50285BI", "00")
    assert (port.description, port.location) == ("FTDI UART", "1-2:1.0")
    assert port.by_id == (by_id,)
    assert port.stable_name == by_id
    assert port.by_path == (str(fake_ports.dev / "serial/by-path/usb-0:1-2:1.0"),)


def test_ports_are_in_the_order_of_their_numbers(fake_ports):
    for n in (10, 9, 0):
        fake_ports.plug_in(f"ttyUSB{n}", number=str(n), socket=f"1-{n}")
    names = [Path(port.device).name for port in fake_ports.tree.ports()]
    assert names == ["ttyUSB0", "ttyUSB9", "ttyUSB10"]


def test_what_has_no_hardware_is_no_port(fake_ports):
    tty = fake_ports.sys / "class" / "tty"
    (tty / "console").mkdir()  # no device at all
    for name, kind in (("ttyS0", "4"), ("ttyS1", "0")):  # 0: PORT_UNKNOWN, no UART is there
        (tty / name / "device").mkdir(parents=True)
        (tty / name / "type").write_text(f"{kind}\n")
    (port,) = fake_ports.tree.ports()
    assert Path(port.device).name == "ttyS0"
    assert (port.usb, port.description) == (None, "built-in port")
    assert fake_ports.tree.identify(port.device) is None


def test_every_name_of_a_port_leads_to_it(fake_ports, tmp_path):
    by_id = fake_ports.plug_in("ttyUSB0")
    mine = tmp_path / "sensor"
    mine.symlink_to(by_id)
    tree = fake_ports.tree
    device = str(fake_ports.dev / "ttyUSB0")
    for name in (device, by_id, str(mine)):
        assert tree.port_at(name).device == device
    for name in ("/dev/pts/0", str(tmp_path / "nowhere"), "socket://127.0.0.1:5000", "pty:", "-"):
        assert tree.port_at(name) is None


def test_a_link_that_leads_to_itself_is_no_port(fake_ports, tmp_path):
    (tmp_path / "loop").symlink_to(tmp_path / "loop")
    assert fake_ports.tree.port_at(str(tmp_path / "loop")) is None


def test_a_serial_number_is_the_device_wherever_it_is_plugged_in(fake_ports):
    by_id = fake_ports.plug_in("ttyUSB0", number="A1", socket="1-2")
    known = fake_ports.tree.identify(by_id)
    assert str(known) == "USB 0403:6001, serial number A1"
    fake_ports.pull_out("ttyUSB0")
    fake_ports.plug_in("ttyUSB7", number="A1", socket="1-4")
    fake_ports.plug_in("ttyUSB0", number="B2", socket="1-2")
    here = [Path(port.device).name for port in fake_ports.tree.ports() if known.is_at(port)]
    assert here == ["ttyUSB7"]


def test_without_a_serial_number_the_socket_tells(fake_ports):
    fake_ports.plug_in("ttyUSB0", usb="1a86:7523", number=None, socket="1-2")
    known = fake_ports.tree.identify(str(fake_ports.dev / "ttyUSB0"))
    assert str(known) == "USB 1a86:7523 at 1-2:1.0"
    fake_ports.plug_in("ttyUSB1", usb="1a86:7523", number=None, socket="1-3")
    here, twin = fake_ports.tree.ports()
    assert (known.is_at(here), known.could_be(here)) == (True, True)
    assert (known.is_at(twin), known.could_be(twin)) == (False, True)


def test_two_devices_with_one_serial_number_are_told_by_their_sockets(fake_ports):
    """Cheap adapters all say 0001."""
    fake_ports.plug_in("ttyUSB0", number="0001", socket="1-2")
    fake_ports.plug_in("ttyUSB1", number="0001", socket="1-3")
    known = fake_ports.tree.identify(str(fake_ports.dev / "ttyUSB1"))
    assert known.by_place
    assert [known.is_at(port) for port in fake_ports.tree.ports()] == [False, True]


def test_the_ports_of_one_adapter_are_told_by_their_interfaces(fake_ports):
    for n in (0, 1):
        fake_ports.plug_in(f"ttyUSB{n}", number="FT4", socket="1-2", interface=f"0{n}")
    known = fake_ports.tree.identify(str(fake_ports.dev / "ttyUSB1"))
    assert known == Identity("0403:6001", "FT4", "01", "1-2:1.1", by_place=False)
    assert [known.is_at(port) for port in fake_ports.tree.ports()] == [False, True]


def test_an_adapter_without_a_port_is_named(fake_ports):
    device = fake_ports.sys / "bus" / "usb" / "devices" / "1-2"
    device.mkdir()
    for file, text in (("idVendor", "1a86"), ("idProduct", "7523"), ("product", "USB Serial")):
        (device / file).write_text(f"{text}\n")
    assert fake_ports.tree.without_port() == [("1a86:7523", "USB Serial")]
    (device / "1-2:1.0" / "ttyUSB0").mkdir(parents=True)
    assert fake_ports.tree.without_port() == []


@pytest.mark.skipif(not Path("/sys/class/tty").is_dir(), reason="no /sys")
def test_the_ports_of_this_machine_can_be_listed():
    for port in HERE.ports():
        assert HERE.port_at(port.device) == port


def test_elsewhere_pyserial_is_asked(monkeypatch, tmp_path):
    class Found:
        description, serial_number, location = "n/a", "", None

        def __init__(self, device, vid):
            self.device, self.vid, self.pid = device, vid, 0x0043

    monkeypatch.setattr(
        "sensorkit.wire.identity.list_ports.comports",
        lambda: [Found("COM10", 0x2341), Found("COM9", None)],
    )
    ports = type(HERE)(tmp_path, tmp_path).ports()
    assert [(port.device, port.usb, port.description) for port in ports] == [
        ("COM9", None, ""),
        ("COM10", "2341:0043", ""),
    ]
