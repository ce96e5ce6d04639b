"""The lines of emulated devices: opened, served side by side, and what became of them."""

from __future__ import annotations

import os
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, closing, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from sensorkit.cli.app import err
from sensorkit.errors import UsageError

if TYPE_CHECKING:
    from sensorkit.emulator import Emulator, Served
    from sensorkit.faults import FaultPlan
    from sensorkit.wire.links import Link

# A reader that is alive takes what a pseudo-terminal holds (13 kB) in far less.
DRAIN_S = 5.0

# How soon Ctrl+C is heard while threads serve the lines.
NAP_S = 0.1


@dataclass
class Line:
    """An emulator, what it sends its frames to, and what a reader opens."""

    emulator: Emulator
    target: Link
    name: str
    served: Served | None = None
    failure: BaseException | None = field(default=None, repr=False)


@contextmanager
def open_lines(
    emulators: list[Emulator],
    port: str | None,
    link: Path | None,
    baud: int | None,
    plan: FaultPlan | None,
) -> Iterator[list[Line]]:
    """Open a line for each of *emulators*; several get a pseudo-terminal or a socket each."""
    with ExitStack() as stack:
        lines = []
        for number, emulator in enumerate(emulators):
            to, at = (port, link) if len(emulators) == 1 else _own(port, link, number)
            target, name = stack.enter_context(_open(to, at, baud, unplugs(plan)))
            lines.append(Line(emulator, target, name))
        yield lines


def _own(port: str | None, link: Path | None, number: int) -> tuple[str | None, Path | None]:
    """Return port and link of the unit *number*, from 0, of several that have a line each."""
    if link is not None:
        return port, link.with_name(f"{link.name}-{number + 1}")
    if port is None or port == "pty:":
        return port, None
    if port.startswith("pty:"):
        return f"{port}-{number + 1}", None
    address, sign, last = port.rpartition(":")
    if port.startswith("socket://") and sign and last.isdecimal() and int(last) + number < 65_536:
        return f"{address}:{int(last) + number}", None
    raise UsageError(
        f"--port {port}: is one line, and each unit of this profile needs its own, for its frames "
        "do not say which unit they are of; leave --port out, give socket://HOST:PORT (the units "
        "take the ports from there on), or ask for --units 1"
    )


def serve_lines(lines: list[Line], stop: Callable[[], bool], **options: Any) -> None:
    """Serve each line until it ends, all side by side; what one raises ends the others."""
    failed = threading.Event()

    def run(line: Line, stopped: Callable[[], bool]) -> None:
        own = options | {"baud": None} if _has_own_uart(line.target) else options
        line.served = line.emulator.serve(line.target, stop=stopped, wall_clock=time.time_ns, **own)

    if len(lines) == 1:
        run(lines[0], stop)
        return

    def guarded(line: Line) -> None:
        try:
            run(line, lambda: stop() or failed.is_set())
        except BaseException as problem:
            line.failure = problem
            failed.set()

    threads = [threading.Thread(target=guarded, args=(line,), daemon=True) for line in lines]
    for thread in threads:
        thread.start()
    for thread in threads:
        while thread.is_alive():
            thread.join(NAP_S)
    for line in lines:
        if line.failure is not None:
            raise line.failure


def unplugs(plan: FaultPlan | None) -> bool:
    """Return whether a fault of *plan* takes the port away."""
    from sensorkit.faults.base import TransportKind

    kinds = [fault.of for fault in plan.faults] if plan is not None else []
    return any(isinstance(kind, TransportKind) and kind.unplugs for kind in kinds)


def _has_own_uart(target: Link) -> bool:
    """Return whether *target* is a real port, which sends at its speed by itself."""
    from sensorkit.wire.links import PyserialLink

    if isinstance(target, PyserialLink):
        return True
    # A device path that is no pseudo-terminal.
    path = os.path.realpath(target.name)
    return path.startswith("/dev/") and not path.startswith(("/dev/pts/", "/dev/ttys"))


@contextmanager
def _open(
    port: str | None, link: Path | None, baud: int | None, unplugs: bool
) -> Iterator[tuple[Link, str]]:
    """Open what frames are sent to; give it and the name a reader opens."""
    from sensorkit.emulator.plug import Plug, here, plug_pty, plug_socket
    from sensorkit.wire.links import PtyLink, open_link

    if port is None:
        # Windows has no pseudo-terminals.
        port = "listen://127.0.0.1:0" if sys.platform == "win32" else f"pty:{link or ''}"
    elif link is not None:
        raise UsageError(f"--link {link}: names a pseudo-terminal; leave --port {port} out")
    if port.startswith("socket://"):
        # The emulator is the device: the reader comes to it.
        port = port.replace("socket://", "listen://", 1)
    opened: Link
    if unplugs and link is not None and port.startswith("pty:"):
        opened = plug_pty(link)
    elif unplugs and port.startswith("listen://"):
        opened = plug_socket(port)
    elif unplugs:
        raise UsageError(
            "--faults: the plan unplugs the device, and the port must come back under a name that "
            "stays; add --link PATH, or send to a --port socket://HOST:PORT"
        )
    else:
        opened = open_link(port, baud=baud or 115200, writing=True)
    with closing(opened) as target:
        yield target, target.name.removeprefix("pty:")
        last = target.link if isinstance(target, Plug) else target
        # Closing this end throws away what the reader has not taken yet.
        if isinstance(last, PtyLink) and here(target) and not last.pair.drain(DRAIN_S):
            err.print("sensorkit: the reader did not take the last frames")
