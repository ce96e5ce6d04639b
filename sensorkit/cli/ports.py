"""`sensorkit ports`: which serial ports there are, who has them, and what keeps you out."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING, Annotated, Any

import typer

from sensorkit.cli.app import command, err, out, print_json, printable

if TYPE_CHECKING:
    from sensorkit.wire.identity import Port


@command("ports")
def ports(
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON.")] = False,
) -> None:
    """List the serial ports of this machine: names that stay, who has them, what is in the way.

    Example: sensorkit ports
    """
    from sensorkit.wire import links

    found = [_described(port) for port in links.ports()]
    if as_json:
        print_json(found)
        return
    for port in found:
        _print(port)
    if not found:
        err.print(f"sensorkit: no serial port found; {_what_to_do()}")


def _described(port: Port) -> dict[str, Any]:
    from sensorkit.wire.holders import holders, permission_advice

    return {
        "port": port.device,
        "description": port.description,
        "usb": port.usb,
        "serial_number": port.serial_number,
        "location": port.location,
        "by_id": list(port.by_id),
        "by_path": list(port.by_path),
        "held_by": [{"pid": holder.pid, "name": holder.name} for holder in holders(port.device)],
        "problem": permission_advice(port.device),
    }


def _print(port: dict[str, Any]) -> None:
    what = [port["port"], port["description"]]
    if port["usb"]:
        number = port["serial_number"]
        known = f"serial number {number}" if number else "no serial number"
        what.append(f"USB {port['usb']}, {known}")
    out.print(printable("  ".join(part for part in what if part)))
    for name in (*port["by_id"], *port["by_path"]):
        out.print(printable(f"    also {name}"))
    for holder in port["held_by"]:
        out.print(printable(f"    in use by {holder['name']} (process {holder['pid']})"))
    if port["problem"]:
        out.print(printable(f"    no permission: {port['problem'].split(': ', 1)[1]}"))


def _what_to_do() -> str:
    """Return why there may be none, and what to try."""
    from sensorkit.wire.identity import HERE, SERIAL_MAKERS

    without = HERE.without_port() if sys.platform == "linux" else []
    if without:
        usb, product = without[0]
        module = SERIAL_MAKERS[usb[:4]]
        return printable(
            f"{product} ({usb}) is plugged in, but the system gave it none: try `sudo modprobe "
            f"{module}`, and `sudo apt remove brltty` where that takes the adapter for a Braille "
            "display"
        )
    return (
        "plug a device in (in a container, hand it in with --device; in WSL, attach it with "
        "usbipd), or try `sensorkit emulate serial_monitor`"
    )
