import json

import pytest

from sensorkit.wire import identity
from sensorkit.wire.holders import Holder


@pytest.fixture
def run(typing, capsys, monkeypatch, fake_ports):
    """Run `sensorkit ports` on a made-up machine; return exit status, output and errors."""
    monkeypatch.setattr(identity, "HERE", fake_ports.tree)
    return typing(capsys, "ports")


def test_a_port_is_shown_with_the_names_that_stay(run, fake_ports):
    by_id = fake_ports.plug_in("ttyUSB0", number="A1")
    status, out, err = run()
    assert (status, err) == (0, "")
    assert out.splitlines() == [
        f"{fake_ports.dev}/ttyUSB0  FTDI UART  USB 0403:6001, serial number A1",
        f"    also {by_id}",
        f"    also {fake_ports.dev}/serial/by-path/usb-0:1-2:1.0",
    ]


def test_who_has_it_and_what_keeps_you_out_is_said(run, fake_ports, monkeypatch):
    fake_ports.plug_in("ttyUSB0", number=None)
    monkeypatch.setattr("sensorkit.wire.holders.holders", lambda _: [Holder(7, "tio\x1b")])
    monkeypatch.setattr(
        "sensorkit.wire.holders.permission_advice", lambda port: f"{port}: belongs to dialout"
    )
    out = run()[1]
    assert "USB 0403:6001, no serial number" in out
    assert "    in use by tio\\x1b (process 7)\n" in out
    assert "    no permission: belongs to dialout\n" in out


def test_a_machine_gets_all_of_it(run, fake_ports):
    by_id = fake_ports.plug_in("ttyUSB0", number="A1")
    (port,) = json.loads(run("--json")[1])
    assert port == {
        "port": f"{fake_ports.dev}/ttyUSB0",
        "description": "FTDI UART",
        "usb": "0403:6001",
        "serial_number": "A1",
        "location": "1-2:1.0",
        "by_id": [by_id],
        "by_path": [f"{fake_ports.dev}/serial/by-path/usb-0:1-2:1.0"],
        "held_by": [],
        "problem": None,
    }


def test_none_is_no_failure_and_comes_with_what_to_do(run):
    status, out, err = run()
    assert (status, out) == (0, "")
    assert "no serial port found; plug a device in" in err
    assert json.loads(run("--json")[1]) == []


def test_an_adapter_that_got_no_port_is_named_with_its_driver(run, fake_ports, monkeypatch):
    monkeypatch.setattr("sys.platform", "linux")
    device = fake_ports.sys / "bus" / "usb" / "devices" / "1-2"
    device.mkdir()
    for file, text in (("idVendor", "1a86"), ("idProduct", "7523"), ("product", "USB Serial")):
        (device / file).write_text(text)
    err = run()[2]
    assert "USB Serial (1a86:7523) is plugged in, but the system gave it none" in err
    assert "sudo modprobe ch341" in err
    assert "brltty" in err
