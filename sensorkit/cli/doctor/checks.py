"""What `sensorkit doctor` looks at: one function a question, none changes anything."""

from __future__ import annotations

import ctypes
import importlib.metadata
import os
import platform
import re
import shutil
import statistics
import sys
import tempfile
import time
from collections.abc import Callable
from contextlib import closing
from enum import StrEnum
from functools import partial
from pathlib import Path
from typing import NamedTuple

import sensorkit

LITTLE_FREE = 1 << 30
"""A day of a saturated line at 115 200 baud, with its tables."""

SLOW_FSYNC_S = 0.1
FSYNCS = 15
WRITTEN = 16 << 20

_TIME_ERROR = 5  # adjtimex(2): the clock is not synchronised
_GONE_AT_REBOOT = {"tmpfs", "ramfs"}
_OVER_A_NETWORK = {"nfs", "nfs4", "cifs", "smb3", "fuse.sshfs", "9p"}


class State(StrEnum):
    """How a check came out."""

    OK = "ok"
    WARN = "warn"
    FAIL = "fail"


class Check(NamedTuple):
    """The answer to one question, and what to do about it."""

    name: str
    state: State
    found: str
    advice: str = ""


def ok(name: str, found: str) -> Check:
    """Return a check that came out well."""
    return Check(name, State.OK, found)


def python() -> Check:
    """Look whether this Python is new enough."""
    found = f"{platform.python_implementation()} {platform.python_version()} on {platform.system()}"
    if sys.version_info < (3, 11):  # noqa: UP036 - whoever copies the files meets no installer
        return Check("python", State.FAIL, found, "sensorkit needs 3.11 or newer")
    return ok("python", f"{found}, sensorkit {sensorkit.__version__}")


def packages() -> Check:
    """Look whether all is installed that pyproject.toml asks for, and new enough."""
    try:
        wanted = importlib.metadata.requires("sensorkit") or []
    except importlib.metadata.PackageNotFoundError:
        advice = "pip install -e . in the folder of the project"
        return Check("packages", State.FAIL, "sensorkit itself is not installed", advice)
    needs = [re.match(r"([\w.-]+)(?:\[.*\])?>=([\d.]+)$", line) for line in wanted]
    bad = [text for need in needs if need and (text := _missing(need[1], need[2]))]
    if bad:
        return Check("packages", State.FAIL, ", ".join(bad), "run `make setup` again")
    return ok("packages", f"{sum(1 for need in needs if need)} needed, all there")


def _missing(name: str, least: str) -> str | None:
    try:
        has = importlib.metadata.version(name)
    except importlib.metadata.PackageNotFoundError:
        return f"{name} is missing"
    return f"{name} {has} is older than {least}" if _numbers(has) < _numbers(least) else None


def _numbers(version: str) -> tuple[int, ...]:
    """Return the release part of a version.

    >>> _numbers("2.10.0rc1") > _numbers("2.9")
    True
    """
    return tuple(int(part) for part in re.findall(r"\d+", version.split("+")[0])[:3])


def ports() -> Check:
    """Look whether there are ports, may be opened, and are held by nobody else."""
    from sensorkit.wire.holders import group_advice, holders, named, permission_advice
    from sensorkit.wire.links import ports as find

    known = find()
    found = [port.device for port in known]
    if not found:
        advice = "plug a device in, or work with `sensorkit emulate`; see `sensorkit ports`"
        if join := group_advice():
            advice = f"you may not open the ports to come: {join}; {advice}"
        return Check("ports", State.WARN, "no serial port", advice)
    refused = {port: why for port in known if (why := permission_advice(port.device))}
    if refused:
        # A built-in port is there whether somebody needs it or not; an adapter was plugged in.
        worst = min(refused, key=lambda port: port.usb is None)
        state = State.FAIL if worst.usb is not None else State.WARN
        return Check("ports", state, f"{len(refused)} of {len(found)} refused", refused[worst])
    for port in found:
        if held := holders(port):
            close = f"close {named(held)} before you capture {port}"
            return Check("ports", State.WARN, f"{port} is in use by {named(held)}", close)
    return ok("ports", f"{', '.join(found)}: may be opened, nobody has them open")


def disk(folder: Path) -> Check:
    """Look how much room there is for recordings, whether it lasts, and how fast it is."""
    from sensorkit.capture.disk import MINIMUM_BYTES, free_bytes

    free = free_bytes(folder)
    room = f"{folder}: {free / 1e9:.1f} GB free"
    if free < MINIMUM_BYTES:
        return Check("disk", State.FAIL, room, "make room, or record elsewhere with --out")
    try:
        median, worst, rate = _disk_speed(folder)
    except OSError as error:
        advice = "choose a folder that you may write to"
        return Check("disk", State.FAIL, f"{folder}: cannot be written: {error.strerror}", advice)
    found = (
        f"{room}, fsync {median * 1e3:.1f} ms (worst of {FSYNCS}: {worst * 1e3:.1f} ms), writes "
        f"{rate / 1e6:.0f} MB/s"
    )
    if free < LITTLE_FREE:
        return Check("disk", State.WARN, found, "make room before a long capture")
    kind = filesystem(folder)
    if kind in _GONE_AT_REBOOT:
        advice = f"{folder} is in memory ({kind}) and gone at the next start; record elsewhere"
        return Check("disk", State.WARN, found, advice)
    if kind in _OVER_A_NETWORK:
        advice = f"{folder} is on a network ({kind}); record on a disk of this machine, copy later"
        return Check("disk", State.WARN, found, advice)
    if median > SLOW_FSYNC_S:
        advice = f"leave --fsync at 1 s; `always` would stop at {1 / median:.0f} reads a second"
        return Check("disk", State.WARN, found, advice)
    return ok("disk", found)


def _disk_speed(folder: Path) -> tuple[float, float, float]:
    """Return the median and the longest fsync in seconds, and bytes a second."""
    with tempfile.TemporaryFile(dir=folder, buffering=0) as file:
        waits = []
        for _ in range(FSYNCS):
            file.write(bytes(4096))
            start = time.perf_counter()
            os.fsync(file.fileno())
            waits.append(time.perf_counter() - start)
        block, start = os.urandom(1 << 20), time.perf_counter()
        for _ in range(WRITTEN >> 20):
            file.write(block)
        os.fsync(file.fileno())
        return statistics.median(waits), max(waits), WRITTEN / (time.perf_counter() - start)


def filesystem(folder: Path, mounts: Path = Path("/proc/mounts")) -> str:
    """Return the kind of file system that *folder* is on, "" where the system does not say."""
    try:
        rows = [line.split() for line in mounts.read_text(encoding="utf-8").splitlines()]
    except OSError:
        return ""
    here = folder.resolve()
    on = [row for row in rows if here.is_relative_to(row[1])]
    return max(on, key=lambda row: len(row[1]), default=["", "", ""])[2]


def clock() -> Check:
    """Look whether the wall clock is right and a steady one stands beside it."""
    steady = time.get_clock_info("monotonic")
    found = f"{time.strftime('%Y-%m-%d %H:%M:%S', time.gmtime())} UTC, steady to "
    found += f"{steady.resolution * 1e9:.0f} ns"
    # A board without a battery starts in 1970, one with an old image in the year of that.
    if time.time() < Path(sensorkit.__file__).stat().st_mtime - 86400:
        advice = "the clock is behind the date of the installed files; set it, or start NTP"
        return Check("clock", State.FAIL, found, advice)
    synchronised = _synchronised()
    if synchronised is None:
        return ok("clock", f"{found}; whether it is synchronised cannot be told here")
    if not synchronised:
        advice = (
            "start NTP (`sudo timedatectl set-ntp true`); a recording's own times stay even when "
            "the clock is set, and say so (event clock_step)"
        )
        return Check("clock", State.WARN, f"{found}, not synchronised", advice)
    return ok("clock", f"{found}, synchronised")


def _synchronised() -> bool | None:
    """Return what the kernel says of its clock, None where it cannot be asked."""
    if sys.platform != "linux":
        return None
    try:
        state: int = ctypes.CDLL(None).adjtimex(ctypes.create_string_buffer(512))  # modes 0: read
    except (OSError, AttributeError):
        return None
    return None if state < 0 else state != _TIME_ERROR


def pseudo_terminal() -> Check:
    """Send all byte values through a pseudo-terminal: emulator and tests stand on it."""
    from sensorkit.errors import LinkError
    from sensorkit.wire.links import open_link, open_pty

    data = bytes(range(256))
    try:
        with open_pty() as pair, closing(open_link(pair.port)) as link:
            pair.master.write(data)
            got = b""
            while len(got) < len(data) and (more := link.read(1.0)):
                got += more
    except (LinkError, OSError) as error:
        advice = "use listen://127.0.0.1:0 and socket:// instead; real ports are not affected"
        return Check("pty", State.WARN, f"none: {error}", advice)
    if got != data:
        return Check("pty", State.FAIL, "it changes bytes", "please report this as a bug")
    return ok("pty", "carries all 256 byte values unchanged")


def terminal() -> Check:
    """Look whether the moving line and the units will be seen."""
    encoding = (sys.stdout.encoding or "").lower()
    size = shutil.get_terminal_size()
    if not encoding.startswith("utf"):
        advice = "set PYTHONUTF8=1, or a UTF-8 locale, so that units such as °C can be written"
        return Check("terminal", State.WARN, f"writes {encoding or 'an unknown encoding'}", advice)
    if not sys.stderr.isatty():
        return ok("terminal", "none: no moving line, the rest is the same")
    return ok("terminal", f"{size.columns} x {size.lines}, {encoding}")


def compiled_code() -> Check:
    """Look whether compiled code can be kept, so that only the first start is slow."""
    named = os.environ.get("NUMBA_CACHE_DIR")
    beside = Path(sensorkit.__file__).parent / "wire"
    # numba's own order: the named folder, beside the module, the user's cache.
    home = Path(os.environ.get("XDG_CACHE_HOME", Path.home() / ".cache"))
    for folder in [Path(named)] if named else [beside, home]:
        there = next(p for p in (folder, *folder.parents) if p.exists())
        if os.access(there, os.W_OK):
            return ok("compiled", f"kept in {folder}")
    advice = "set NUMBA_CACHE_DIR to a folder that you may write to"
    return Check("compiled", State.WARN, "cannot be kept: each start compiles anew", advice)


def processors() -> Check:
    """Look whether there is a core for reading beside the one for parsing."""
    n = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    if n < 2:
        advice = "keep other programs away while a fast line is captured"
        return Check("cores", State.WARN, "one: reading and parsing share it", advice)
    return ok("cores", str(n))


def all_checks(folder: Path) -> list[Callable[[], Check]]:
    """Return the checks in the order in which they are shown."""
    return [
        python,
        packages,
        processors,
        ports,
        partial(disk, folder),
        clock,
        pseudo_terminal,
        terminal,
        compiled_code,
    ]
