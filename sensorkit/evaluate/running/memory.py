"""How much memory a process has: what it holds now, and the most it held."""

from __future__ import annotations

import re
from pathlib import Path

import psutil  # type: ignore[import-untyped]

MB = 1e6
"""Bytes."""

_STATUS = Path("/proc/self/status")
_CLEAR = Path("/proc/self/clear_refs")


def resident_mb(pid: int | None = None) -> float:
    """Return the resident memory of a process (None: this one), in MB; 0 if it has ended."""
    try:
        return float(psutil.Process(pid).memory_info().rss) / MB
    except psutil.Error:
        return 0.0


def forget_peak() -> None:
    """Let `peak_mb` begin anew; only Linux can."""
    try:
        _CLEAR.write_text("5", encoding="ascii")  # proc(5): resets the high-water mark
    except OSError:
        return


def peak_mb() -> float:
    """Return the most resident memory since `forget_peak`, in MB.

    Where the system does not say: what there is now, which may be less.

    >>> peak_mb() > 1
    True
    """
    try:
        found = re.search(r"^VmHWM:\s+(\d+) kB$", _STATUS.read_text(encoding="ascii"), re.MULTILINE)
    except OSError:
        found = None
    return int(found[1]) * 1024 / MB if found else resident_mb()
