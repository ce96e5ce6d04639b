"""The plug of an emulated device: whether somebody reads, and a port that goes and comes back."""

from __future__ import annotations

import contextlib
from collections.abc import Callable
from pathlib import Path
from typing import Protocol, runtime_checkable

from sensorkit.emulator.truth_file import TruthWriter
from sensorkit.errors import LinkError
from sensorkit.wire.closing import Closing
from sensorkit.wire.links import Link, PtyLink, open_link, open_pty

SPARE_PTYS = 32
"""So many are taken at most to get past the old number, which a reader that stays keeps."""


@runtime_checkable
class HasReader(Protocol):
    """A link that knows whether somebody is at its other end."""

    def has_reader(self) -> bool:
        """Return whether some program has the other end open."""
        ...


@runtime_checkable
class Pluggable(Protocol):
    """A link whose port can go away while the emulator runs, and come back."""

    def unplug(self) -> None:
        """Take the port away at once; what the reader has not taken yet is gone."""
        ...

    def replug(self) -> str:
        """Bring the port back; return the name of the device now."""
        ...


def here(link: Link) -> bool:
    """Return whether somebody reads, as far as the link can tell."""
    return not isinstance(link, HasReader) or link.has_reader()


def cannot_go_away(link: Link) -> str:
    """Say that the port of *link* cannot be unplugged, and which can."""
    return (
        f"{link.name}: cannot be unplugged by a fault; serve the device on a new pseudo-terminal "
        "with --link, or on a socket"
    )


class Switch:
    """Plugs a device in and out as its frames say, and says why bytes are lost."""

    def __init__(self, link: Link, truth: TruthWriter | None) -> None:
        self._link = link
        self._truth = truth
        self._plugged = True

    def turn(self, seconds: float, *, plugged: bool) -> None:
        """Make it so.

        Raises
        ------
        LinkError
            If the port of this link cannot go away.
        """
        if plugged == self._plugged:
            return
        if not isinstance(self._link, Pluggable):
            raise LinkError(cannot_go_away(self._link))
        self._plugged = plugged
        port = self._link.name
        if plugged:
            port = self._link.replug()
        else:
            self._link.unplug()
        if self._truth is not None:
            self._truth.plug(seconds, plugged=plugged, port=port)

    def why_lost(self) -> str:
        """Return why bytes cannot get through now: unplugged, no_reader or overrun."""
        if not self._plugged:
            return "unplugged"
        return "overrun" if here(self._link) else "no_reader"


class Plug(Closing):
    """A link that can be unplugged, and comes back as a new one under the same name.

    Parameters
    ----------
    link : Link
        As it is at first.
    again : callable
        Opens the next one, and returns it with the name of its device.
    """

    def __init__(self, link: Link, again: Callable[[], tuple[Link, str]]) -> None:
        self.name = link.name
        self.mid_stream = False
        self._link = link
        self._again = again
        self._plugged = True

    @property
    def link(self) -> Link:
        """Return the link as it is now."""
        return self._link

    def read(self, timeout: float) -> bytes | None:
        """Return what has come, b"" if nothing does within *timeout* seconds."""
        return self._link.read(timeout) if self._plugged else b""

    def write(self, data: bytes) -> int:
        """Send what there is room for; nothing while it is unplugged."""
        return self._link.write(data) if self._plugged else 0

    def fileno(self) -> int:
        """Return the descriptor of the link, -1 where it has none."""
        fileno: Callable[[], int] | None = getattr(self._link, "fileno", None)
        return fileno() if fileno is not None and self._plugged else -1

    def has_reader(self) -> bool:
        """Return whether somebody reads; nobody does while it is unplugged."""
        return self._plugged and here(self._link)

    def unplug(self) -> None:
        """Take the port away at once."""
        if self._plugged:
            self._link.close()
            self._plugged = False

    def replug(self) -> str:
        """Bring the port back; return the name of the device now."""
        self._link, device = self._again()
        self._plugged = True
        return device

    def close(self) -> None:
        """Close the link for good."""
        with contextlib.suppress(OSError):
            self._link.close()


def plug_pty(link: Path) -> Plug:
    """Return a pseudo-terminal behind the symbolic link *link*; replugged, it has another number.

    As a USB adapter does that was /dev/ttyUSB0 and comes back as /dev/ttyUSB1: only the link, as
    one of /dev/serial/by-id, is the same.
    """
    first = open_pty(link)
    device = Path(first.device)

    def again() -> tuple[Link, str]:
        nonlocal device
        with contextlib.ExitStack() as taken:
            # The system gives out the lowest free number: take all up to the old one.
            for _ in range(SPARE_PTYS):
                if device.exists():
                    break
                taken.enter_context(open_pty())
            pair = open_pty(link)
        device = Path(pair.device)
        return PtyLink(pair), pair.device

    return Plug(PtyLink(first), again)


def plug_socket(url: str) -> Plug:
    """Return a socket that listens; unplugged, the connection breaks and nobody listens."""
    first = open_link(url)
    port = first.name.replace("socket://", "listen://", 1)
    return Plug(first, lambda: (open_link(port), first.name))
