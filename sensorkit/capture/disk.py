"""The disk: what it says when it takes no more, and the lock on what is being written."""

from __future__ import annotations

import sys
from pathlib import Path

if sys.platform != "win32":
    import fcntl

from sensorkit.errors import RunError


def disk_error(folder: Path, error: OSError, kind: str = "captured") -> RunError:
    """Return the sentence for a disk that takes no more."""
    rest = (
        "what was received until then is kept: make room, then finish it with "
        f"`sensorkit recover {folder}`"
        if kind == "captured"
        else f"make room, remove {folder} and make it again"
    )
    return RunError(f"{folder}: cannot be written: {error.strerror or error}; {rest}")


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
