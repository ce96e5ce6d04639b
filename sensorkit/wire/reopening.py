"""Open a lost link again: a USB device by what it is, anything else by its name."""

from __future__ import annotations

from collections.abc import Callable

from sensorkit.errors import LinkError
from sensorkit.wire.identity import HERE, Identity, Port, PortTree, text_of
from sensorkit.wire.links import Link


class Reopening:
    """Opens a link, and the same device again, whatever it is called by then.

    Call it to open. The first time, the name counts, and what the device can be told by is
    remembered; from then on another device that has got the name is refused.

    Parameters
    ----------
    url : str
        What the user calls the link.
    open_at : callable
        Opens the link of a name, or raises `LinkError`.
    say : callable
        Told, once each, what keeps the device from being opened and no waiting will mend.
    tree : PortTree
        Where the ports of this machine are listed.

    Attributes
    ----------
    identity : Identity or None
        None before the first opening, and for what has none: pseudo-terminals, sockets, ports that
        are soldered in.
    port : Port or None
        What the device said of itself when it was opened first.
    """

    def __init__(
        self,
        url: str,
        open_at: Callable[[str], Link],
        *,
        say: Callable[[str], None] = lambda _: None,
        tree: PortTree = HERE,
    ) -> None:
        self.url = url
        self.identity: Identity | None = None
        self.port: Port | None = None
        self._open_at = open_at
        self._say = say
        self._said: set[str] = set()
        self._tree = tree
        self._opened = False

    def __call__(self) -> Link:
        """Open the link.

        Raises
        ------
        LinkError
            If it cannot be opened, or is not there, or another device has its name.
        """
        if not self._opened:
            link = self._open_at(self.url)
            self.remember()
            return link
        if self.identity is None:
            return self._open_at(self.url)
        link = self._open_at(self._where(self.identity))
        # It may have been replaced while it was opened.
        port = self._tree.port_at(link.name)
        if port is None or not self.identity.is_at(port):
            link.close()
            raise LinkError(f"{link.name}: was replaced while it was opened; trying again")
        return link

    def remember(self) -> None:
        """Take note of the device that has the name now: it is open."""
        if not self._opened:
            self._opened = True
            self.port = self._tree.port_at(self.url)
            self.identity = self._tree.identify(self.url)

    def _where(self, identity: Identity) -> str:
        """Return the name under which the device is there now."""
        ports = self._tree.ports()
        found = [port for port in ports if identity.is_at(port)]
        if len(found) == 1:
            named = self._tree.port_at(self.url)
            return self.url if named == found[0] else found[0].device
        if found:
            raise self._refuse(
                f"{self.url}: {text_of(found)} all say that they are {identity}; unplug the others"
            )
        if twins := [port for port in ports if identity.could_be(port)]:
            raise self._refuse(
                f"{self.url}: {text_of(twins)} is of the same kind, but without a serial number of "
                "its own only the socket tells which device it is; plug it in where it was, or "
                "start anew with its name"
            )
        if (other := self._tree.port_at(self.url)) is not None:
            raise self._refuse(
                f"{self.url}: is {_text(other)} now, not the device of this recording; "
                f"waiting for {identity}"
            )
        raise LinkError(f"{self.url}: {identity} is not plugged in; plug it in again")

    def _refuse(self, why: str) -> LinkError:
        if why not in self._said:
            self._said.add(why)
            self._say(why)
        return LinkError(why)


def _text(port: Port) -> str:
    number = f", serial number {port.serial_number}" if port.serial_number else ""
    return f"another device (USB {port.usb}{number})" if port.usb else "another port"
