"""What all tests may ask for."""

import os
import shutil
import sys
from pathlib import Path

import pytest

from sensorkit.wire.identity import PortTree

sys.path.insert(0, str(Path(__file__).parent))
from browsing import _program, browser  # noqa: F401 - fixtures


@pytest.fixture(scope="session")
def sensorkit_data() -> Path:
    """The folder of real data sets that SENSORKIT_DATA names; the project ships none."""
    named = os.environ.get("SENSORKIT_DATA")
    if not named:
        pytest.skip("SENSORKIT_DATA is not set; it names the folder of the real data sets")
    folder = Path(named).resolve()
    if not (folder / "MANIFEST.csv").is_file():
        pytest.fail(f"SENSORKIT_DATA names {folder}, which has no MANIFEST.csv", pytrace=False)
    return folder


class FakePorts:
    """A /sys and a /dev with USB serial adapters to plug in and pull out."""

    def __init__(self, root: Path) -> None:
        self.sys, self.dev = root / "sys", root / "dev"
        (self.sys / "class" / "tty").mkdir(parents=True)
        (self.sys / "bus" / "usb" / "devices").mkdir(parents=True)
        for kind in ("by-id", "by-path"):
            (self.dev / "serial" / kind).mkdir(parents=True)
        self.tree = PortTree(self.sys, self.dev)

    def plug_in(
        self,
        name: str,
        *,
        usb: str = "0403:6001",
        number: str | None = "A50285BI",
        socket: str = "1-2",
        interface: str = "00",
        leads_to: str | None = None,
    ) -> str:
        """Make `<dev>/<name>`; return the name that udev would give it by its id."""
        vendor, product = usb.split(":")
        device = self.sys / "devices" / "usb1" / socket
        face = device / f"{socket}:1.{int(interface)}"
        (face / name).mkdir(parents=True)
        facts = {
            "idVendor": vendor,
            "idProduct": product,
            "manufacturer": "FTDI",
            "product": "UART",
        }
        for file, text in facts.items():
            (device / file).write_text(f"{text}\n")
        if number is not None:
            (device / "serial").write_text(f"{number}\n")
        (face / "bInterfaceNumber").write_text(f"{interface}\n")
        entry = self.sys / "class" / "tty" / name
        entry.mkdir()
        (entry / "device").symlink_to(face / name)
        if leads_to is None:
            (self.dev / f".{name}").touch()
        (self.dev / name).symlink_to(leads_to or f".{name}")
        by_id = self.dev / "serial" / "by-id" / f"usb-FTDI_{number or vendor}-if{interface}"
        by_path = self.dev / "serial" / "by-path" / f"usb-0:{socket}:1.{int(interface)}"
        for link in (by_id, by_path):
            link.unlink(missing_ok=True)
            link.symlink_to(f"../../{name}")
        return str(by_id)

    def pull_out(self, name: str) -> None:
        """Take a device away, with all that leads to it."""
        entry = self.sys / "class" / "tty" / name
        shutil.rmtree((entry / "device").resolve().parents[1])
        shutil.rmtree(entry)
        (self.dev / name).unlink()
        for link in (self.dev / "serial").rglob("*"):
            if link.is_symlink() and link.readlink().name == name:
                link.unlink()


@pytest.fixture
def fake_ports(tmp_path: Path) -> FakePorts:
    """An empty machine; `fake_ports.plug_in("ttyUSB0")` gives it a port."""
    if sys.platform == "win32":
        pytest.skip("Windows has no /sys")
    return FakePorts(tmp_path / "machine")
