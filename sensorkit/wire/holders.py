"""Who has a port open, and who may open it."""

from __future__ import annotations

import contextlib
import getpass
import os
import stat
import sys
from dataclasses import dataclass
from pathlib import Path

PROC = Path("/proc")

PORT_GROUPS = ("dialout", "uucp")
"""Whom serial ports belong to: on Debian and most others, and on Arch."""


@dataclass(frozen=True)
class Holder:
    """A process that has a port open."""

    pid: int
    name: str
    parent: int = 0
    """The process that started it."""

    @property
    def is_pump(self) -> bool:
        """Return whether it is the process that reads for a `sensorkit capture`, its parent."""
        return self.name.startswith("python") and self.name.endswith(" -I -S pump.py")

    def __str__(self) -> str:
        return f"{self.name} (process {self.pid})"


def holders(device: str, proc: Path = PROC) -> list[Holder]:
    """Return the other processes that have *device* open, as far as we may see.

    Linux says so in /proc; processes of other users stay unseen without root. Whoever has the far
    end of a pseudo-terminal is its device and may keep the near end open. A capture and the
    process that reads for it are one.
    """
    target = os.path.realpath(device)
    masters = {"/dev/ptmx", "/dev/pts/ptmx"} if target.startswith("/dev/pts/") else set()
    found = [
        Holder(int(folder.name), _name_of(folder), _parent_of(folder))
        for folder in _processes(proc)
        if (open_there := _open_in(folder)) and target in open_there and not masters & open_there
    ]
    pids = {holder.pid for holder in found}
    return sorted(
        (holder for holder in found if not (holder.is_pump and holder.parent in pids)),
        key=lambda holder: holder.pid,
    )


def named(found: list[Holder]) -> str:
    """Return holders as a person says them: `tio (process 4711) and cat (process 4712)`."""
    return " and ".join(map(str, found))


def permission_advice(device: str) -> str | None:
    """Return what keeps this user from opening *device* and the command that helps, or None."""
    if sys.platform == "win32" or os.access(device, os.R_OK | os.W_OK):
        return None
    try:
        entry = Path(device).stat()
    except OSError:
        return None
    group, user = _group_name(entry.st_gid), getpass.getuser()
    if not entry.st_mode & stat.S_IRGRP or not entry.st_mode & stat.S_IWGRP:
        return (
            f"{device}: its group {group} may not use it either (mode "
            f"{stat.filemode(entry.st_mode)}); `sudo chmod g+rw {device}` until it is plugged in "
            "again, a udev rule for good"
        )
    if user in _members(entry.st_gid):
        return (
            f"{device}: {user} is in the group {group}, but this session began before; log out "
            f"and in again, or run `newgrp {group}`"
        )
    return (
        f"{device}: belongs to the group {group}, and {user} is not in it; "
        f"`sudo usermod -aG {group} {user}`, then log out and in again"
    )


def group_advice() -> str | None:
    """Return the command that lets this user open the ports still to come, or None."""
    if sys.platform != "linux" or os.geteuid() == 0:
        return None
    import grp

    for name in PORT_GROUPS:
        with contextlib.suppress(KeyError):
            group = grp.getgrnam(name)
            user = getpass.getuser()
            if user in _members(group.gr_gid):
                return None
            return f"`sudo usermod -aG {name} {user}`, then log out and in again"
    return None


def _processes(proc: Path) -> list[Path]:
    return [path for path in _listed(proc) if path.name.isdigit() and int(path.name) != os.getpid()]


def _listed(folder: Path) -> list[Path]:
    try:
        return list(folder.iterdir())
    except OSError:  # it has ended, or belongs to somebody else
        return []


def _open_in(process: Path) -> set[str]:
    """Return the names of what a process has open."""
    found = set()
    for link in _listed(process / "fd"):
        with contextlib.suppress(OSError):  # closed by now
            found.add(str(link.readlink()))
    return found


def _name_of(folder: Path) -> str:
    """Return the program's name; of an interpreter also what it runs."""
    try:
        name = (folder / "comm").read_text(encoding="utf-8", errors="replace").strip()
        words = (folder / "cmdline").read_text(encoding="utf-8", errors="replace").split("\0")
    except OSError:
        return "?"
    if not name.startswith("python"):
        return name or "?"
    return " ".join([name, *(Path(word).name for word in words[1:4] if word)])


def _parent_of(folder: Path) -> int:
    try:
        text = (folder / "stat").read_text(encoding="utf-8", errors="replace")
    except OSError:
        return 0
    # The name, in brackets, may hold anything; after it: state, parent (proc(5)).
    return int(text.rpartition(")")[2].split()[1])


def _group_name(gid: int) -> str:
    if sys.platform == "win32":
        return str(gid)
    import grp

    try:
        return grp.getgrgid(gid).gr_name
    except KeyError:
        return str(gid)


def _members(gid: int) -> list[str]:
    """Return the users whom the system's lists put into a group, at the next login."""
    if sys.platform == "win32":
        return []
    import grp
    import pwd

    try:
        named_there = grp.getgrgid(gid).gr_mem
    except KeyError:
        named_there = []
    return [*named_there, *(user.pw_name for user in pwd.getpwall() if user.pw_gid == gid)]
