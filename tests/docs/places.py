"""Names of places on a page, and where they are in a test: /tmp, local ports, folders."""

from __future__ import annotations

import re
import socket
from pathlib import Path


class Places:
    """Turns what a page says into what is here, and what is said here into what a page says.

    Parameters
    ----------
    work : Path
        Where the page runs.
    tmp : Path
        What the page calls /tmp.
    """

    def __init__(self, work: Path, tmp: Path) -> None:
        self._work = work
        self._tmp = tmp
        self._ports: dict[str, int] = {}
        self.moved: dict[str, str] = {}
        """Path here -> path on the page."""

    def local(self, text: str) -> str:
        """Return a command, or Python, for this test."""
        text = re.sub(r"(?<![\w.])/tmp/", f"{self._tmp}/", text)
        return re.sub(r"127\.0\.0\.1:(\d+)", lambda m: f"127.0.0.1:{self._port(m[1])}", text)

    def told(self, said: str) -> str:
        """Return what was said as a page would show it."""
        for here, page in self.moved.items():
            said = said.replace(here, page)
        said = said.replace(f"{self._tmp}/", "/tmp/").replace(f"{self._work.resolve()}/", "")
        for page, here in self._ports.items():
            said = said.replace(f"127.0.0.1:{here}", f"127.0.0.1:{page}")
        return said

    def _port(self, number: str) -> int:
        """Return a free port for the one that a page names, always the same."""
        if number not in self._ports:
            with socket.socket() as free:
                free.bind(("127.0.0.1", 0))
                self._ports[number] = free.getsockname()[1]
        return self._ports[number]
