"""The disk: how much it still takes, what it says when it takes no more, and the lock on it."""

from __future__ import annotations

import shutil
import sys
from pathlib import Path

if sys.platform != "win32":
    import fcntl

from sensorkit.capture.pump import DERIVED_SHARE, RESERVE_BYTES
from sensorkit.errors import RunError

MINIMUM_BYTES = 2 * RESERVE_BYTES
"""With less room a capture does not begin."""


def free_bytes(folder: Path) -> int:
    """Return how many bytes the disk under *folder* takes from us."""
    return shutil.disk_usage(folder).free


def size_text(size: float) -> str:
    """Return *size* in bytes as people say it.

    >>> size_text(16 << 20), size_text(999)
    ('16.8 MB', '999 B')
    """
    for unit, bytes_in_it in (("GB", 1e9), ("MB", 1e6), ("kB", 1e3)):
        if size >= bytes_in_it:
            return f"{size / bytes_in_it:.1f} {unit}"
    return f"{size:.0f} B"


def needed_bytes(lag: int, coming: int) -> int:
    """Return how much room it takes to close a recording in good order.

    Parameters
    ----------
    lag : int
        Bytes of raw.log whose rows are still to be written.
    coming : int
        Bytes that may come until somebody looks again.
    """
    return RESERVE_BYTES + DERIVED_SHARE * lag + (1 + DERIVED_SHARE) * coming


def check_room(folder: Path) -> None:
    """Refuse to begin a capture that would soon end for want of room.

    Raises
    ------
    RunError
        If less than `MINIMUM_BYTES` are free.
    """
    free = free_bytes(folder)
    if free < MINIMUM_BYTES:
        raise RunError(
            f"{folder}: has room for {size_text(free)} only, and a capture needs "
            f"{size_text(MINIMUM_BYTES)} to begin; make room, or choose another --out"
        )


def disk_error(folder: Path, error: OSError, kind: str = "captured") -> RunError:
    """Return the sentence for a disk that takes no more."""
    rest = (
        "what was received until then is kept: make room, then finish it with "
        f"`sensorkit recover {folder}`"
        if kind == "captured"
        else f"make room, remove {folder} and make it again"
    )
    return RunError(f"{folder}: cannot be written: {error.strerror or error}; {rest}")


def is_at(path: Path, inode: int) -> bool:
    """Return whether *path* still is the file with this *inode*: not removed, moved or replaced."""
    try:
        return path.stat().st_ino == inode
    except OSError:
        return False


def lock(fd: int) -> bool:
    """Lock a raw.log for as long as *fd* is open; return False if another process has it.

    `recover` asks, so that it does not take a recording apart that is still being written. Windows
    needs no lock: it does not let an open file be replaced.
    """
    if sys.platform != "win32":
        try:
            fcntl.flock(fd, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            return False
        except OSError:  # a file system without locks
            return True
    return True
