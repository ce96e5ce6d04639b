"""Which device a serial port is, whatever name the system gives it today."""

from __future__ import annotations

import sys
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from serial.tools import list_ports

# What a port_type of 0 means to the kernel: no UART is there (include/uapi/linux/serial.h).
_PORT_UNKNOWN = "0"

# How many symbolic links are followed: the kernel's own limit (MAXSYMLINKS).
_LINKS = 40


@dataclass(frozen=True)
class Port:
    """A serial port of this machine."""

    device: str
    """`/dev/ttyUSB0`, `COM5`: a name that the next plugging-in may give to another device."""
    description: str = ""
    usb: str | None = None
    """Vendor and product, `0403:6001`; None for a port that is not on USB."""
    serial_number: str | None = None
    interface: str | None = None
    """Which port of an adapter that has several."""
    location: str | None = None
    """Where it is plugged in."""
    by_id: tuple[str, ...] = ()
    by_path: tuple[str, ...] = ()

    @property
    def stable_name(self) -> str:
        """Return the name that stays longest: by-id, else by-path, else the device's."""
        return next(iter((*self.by_id, *self.by_path)), self.device)


@dataclass(frozen=True)
class Identity:
    """What a USB serial device can be told by.

    A serial number is the device's own; one without is known by the socket it is plugged into,
    and so are two that claim the same number (cheap adapters all say `0001`).
    """

    usb: str
    serial_number: str | None
    interface: str | None
    location: str | None
    by_place: bool
    """Whether the socket, not the serial number, tells it from others."""

    def is_at(self, port: Port) -> bool:
        """Return whether *port* is this device."""
        if port.usb != self.usb or port.serial_number != self.serial_number:
            return False
        if self.by_place:
            return port.location == self.location
        return port.interface == self.interface

    def could_be(self, port: Port) -> bool:
        """Return whether *port* is a device of the same kind that only its place tells apart."""
        same = (port.usb, port.serial_number) == (self.usb, self.serial_number)
        return self.by_place and same

    def __str__(self) -> str:
        if self.serial_number is not None and not self.by_place:
            return f"USB {self.usb}, serial number {self.serial_number}"
        return f"USB {self.usb} at {self.location}"


@dataclass(frozen=True)
class PortTree:
    """The places where Linux says what ports there are; tests make their own.

    Elsewhere pyserial asks the system.
    """

    sys: Path = Path("/sys")
    dev: Path = Path("/dev")

    def ports(self) -> list[Port]:
        """Return the serial ports, by name."""
        tty = self.sys / "class" / "tty"
        if not tty.is_dir() or sys.platform == "win32":
            return _from_pyserial()
        found = [self._port(entry) for entry in tty.iterdir() if _has_hardware(entry)]
        # A Bluetooth port has no hardware below it.
        found += [Port(str(path), "Bluetooth") for path in self.dev.glob("rfcomm*")]
        return sorted(found, key=lambda port: _natural(port.device))

    def port_at(self, name: str) -> Port | None:
        """Return the port that *name* leads to now, through any symbolic links."""
        if sys.platform == "win32":
            return next((port for port in self.ports() if port.device == name.upper()), None)
        dev = self.dev.resolve()
        known = {str(dev / Path(port.device).name): port for port in self.ports()}
        path = Path(name)
        for _ in range(_LINKS):
            path = path.parent.resolve() / path.name
            if (port := known.get(str(path))) is not None:
                return port
            if (target := _target(path)) is None:
                return None
            path = path.parent / target
        return None

    def identify(self, name: str) -> Identity | None:
        """Return what the device behind *name* can be told by, None for one without identity.

        Pseudo-terminals, sockets and ports that are soldered in have none: there the name is all.
        """
        port = self.port_at(name)
        if port is None or port.usb is None:
            return None
        twins = [
            other
            for other in self.ports()
            if (other.usb, other.serial_number, other.interface)
            == (port.usb, port.serial_number, port.interface)
        ]
        return Identity(
            usb=port.usb,
            serial_number=port.serial_number,
            interface=port.interface,
            location=port.location,
            by_place=port.serial_number is None or len(twins) > 1,
        )

    def _port(self, entry: Path) -> Port:
        device = str(self.dev / entry.name)
        below = (entry / "device").resolve()
        usb = next((folder for folder in below.parents if (folder / "idVendor").is_file()), None)
        if (below / "idVendor").is_file():
            usb = below
        names = {kind: self._names(kind, entry.name) for kind in ("by-id", "by-path")}
        if usb is None:
            kind = "built-in port" if (entry / "type").is_file() else "port without USB"
            return Port(device, kind, by_id=names["by-id"], by_path=names["by-path"])
        face = next((f for f in (below, *below.parents) if (f / "bInterfaceNumber").is_file()), usb)
        number = _read(below / "port_number")
        maker, product = _read(usb / "manufacturer"), _read(usb / "product")
        return Port(
            device,
            " ".join(part for part in (maker, product) if part),
            usb=f"{_read(usb / 'idVendor')}:{_read(usb / 'idProduct')}".lower(),
            serial_number=_read(usb / "serial") or None,
            interface="/".join(p for p in (_read(face / "bInterfaceNumber"), number) if p) or None,
            location="/".join(part for part in (face.name, number) if part),
            by_id=names["by-id"],
            by_path=names["by-path"],
        )

    def _names(self, kind: str, device: str) -> tuple[str, ...]:
        """Return the links in /dev/serial/<kind> that lead to *device*."""
        links = (self.dev / "serial" / kind).glob("*")
        return tuple(
            sorted(str(p) for p in links if (target := _target(p)) and target.name == device)
        )

    def without_port(self) -> list[tuple[str, str]]:
        """Return the USB-to-serial adapters that have got no port: (USB, product)."""
        found = []
        for device in (self.sys / "bus" / "usb" / "devices").glob("*"):
            if _read(device / "idVendor") in SERIAL_MAKERS and not any(device.rglob("tty*")):
                usb = f"{_read(device / 'idVendor')}:{_read(device / 'idProduct')}"
                found.append((usb, _read(device / "product") or "USB adapter"))
        return sorted(found)


SERIAL_MAKERS = {"0403": "ftdi_sio", "067b": "pl2303", "10c4": "cp210x", "1a86": "ch341"}
"""USB vendor -> kernel module, of the makers whose products are all serial adapters."""

HERE = PortTree()
"""This machine."""


def text_of(ports: Iterable[Port]) -> str:
    """Return ports as one clause: their names and what they are."""
    return ", ".join(
        f"{port.device} ({port.usb or port.description or 'no USB'})" for port in ports
    )


def _has_hardware(entry: Path) -> bool:
    # A console and a pseudo-terminal have no device; a PC lists UARTs that it does not have.
    return (entry / "device").exists() and _read(entry / "type") != _PORT_UNKNOWN


def _target(path: Path) -> Path | None:
    """Return where a symbolic link leads; None for what is none, or has just been taken away."""
    try:
        return path.readlink()
    except OSError:
        return None


def _read(path: Path) -> str:
    try:
        return path.read_text(encoding="utf-8", errors="replace").strip()
    except OSError:
        return ""


def _natural(name: str) -> tuple[str, int]:
    stem = name.rstrip("0123456789")
    return stem, int(name[len(stem) :] or -1)


def _from_pyserial() -> list[Port]:
    return sorted(
        (
            Port(
                found.device,
                found.description if found.description not in {None, "n/a"} else "",
                usb=None if found.vid is None else f"{found.vid:04x}:{found.pid or 0:04x}",
                serial_number=found.serial_number or None,
                location=found.location,
            )
            for found in list_ports.comports()
        ),
        key=lambda port: _natural(port.device),
    )
