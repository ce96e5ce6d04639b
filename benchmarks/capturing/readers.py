"""The readers of a port: ours, and its yardsticks."""

import os
import pty
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from capturing import wire

PATIENCE_S = 120
NAIVE = str(Path(__file__).with_name("naive.py"))
PYTHON = sys.executable


@dataclass(frozen=True)
class Reader:
    """One way to read a port.

    Attributes
    ----------
    command : callable
        (port, output, profile, frames) -> what to run; 0 frames: until it is stopped.
    column : int or None
        Where in a row of its output the frame's number stands; None: it writes raw bytes.
    counts : bool
        It ends by itself after so many frames.
    terminal : bool
        It wants a terminal as its standard input.
    """

    name: str
    command: Callable[[str, Path, Path, int], list[str]]
    column: int | None = None
    counts: bool = False
    terminal: bool = False
    file: str = ""
    """The file within the output, where that is a folder."""


def sensorkit(*options):
    def command(port, out, profile, _):
        return [
            *(PYTHON, "-m", "sensorkit", "capture", port, "--out", str(out), "--json"),
            *("--profile", str(profile), *options),
        ]

    return command


CAT = Reader("cat", lambda port, out, *_: ["sh", "-c", f"exec cat {port} > {out}"])
TIO = Reader(
    "tio --log",
    lambda port, out, *_: ["tio", "--log", "--log-file", str(out), port],
    terminal=True,
)
PICOCOM = Reader(
    "picocom --logfile",
    lambda port, out, *_: ["picocom", "--quiet", "--logfile", str(out), port],
    terminal=True,
)
NAIVE_ROWS = Reader(
    "naive pyserial",
    lambda port, out, _, frames: [PYTHON, NAIVE, port, str(out), str(frames)],
    column=3,
    counts=True,
)
NAIVE_FLUSHED = Reader(
    "naive, each row flushed",
    lambda port, out, *_: [PYTHON, NAIVE, port, str(out), "0", "flush"],
    column=3,
)
OURS = Reader("sensorkit capture", sensorkit(), column=2, file="structured_metrics.csv")
YARDSTICKS = (CAT, TIO, PICOCOM, NAIVE_ROWS)


def with_fsync(how):
    return Reader(f"--fsync {how}", sensorkit("--fsync", how), OURS.column, file=OURS.file)


def installed(reader):
    """Return whether the program is there."""
    return reader.name.split()[0] not in {"tio", "picocom"} or shutil.which(reader.name.split()[0])


class Running:
    """A reader at work on a wire.

    Attributes
    ----------
    out : Path
        What it writes to.
    """

    def __init__(self, reader, port, out, profile, *, frames=0, cores=None):
        self.reader = reader
        self.out = out
        self.port = port
        self._file = out / reader.file if reader.file else out
        self._said = out.with_suffix(".said")
        self._terminal = pty.openpty() if reader.terminal else None
        with self._said.open("wb") as said:
            self.process = subprocess.Popen(
                reader.command(port, out, profile, frames),
                stdin=self._terminal[1] if self._terminal else subprocess.DEVNULL,
                stdout=subprocess.DEVNULL,
                stderr=said,
                preexec_fn=lambda: wire.pin(cores),
            )

    def tree(self):
        """Return the process ids of the reader and all that it has started."""
        found, todo = [], [self.process.pid]
        while todo:
            pid = todo.pop()
            found.append(pid)
            for task in Path(f"/proc/{pid}/task").glob("*/children"):
                try:
                    todo += map(int, task.read_text().split())
                except OSError:
                    continue
        return found

    def cpu_s(self):
        """Return the processor seconds of the living tree."""
        ran = 0
        for pid in self.tree():
            for task in Path(f"/proc/{pid}/task").glob("*/schedstat"):
                try:
                    ran += int(task.read_text().split()[0])
                except OSError:
                    continue
        return ran / 1e9

    def memory_mb(self):
        """Return the resident megabytes of each process of the tree, largest first."""
        sizes = []
        for pid in self.tree():
            try:
                pages = int(Path(f"/proc/{pid}/statm").read_text().split()[1])
            except OSError:
                continue
            sizes.append(pages * os.sysconf("SC_PAGE_SIZE") / 1e6)
        return sorted(sizes, reverse=True)

    def has_port(self):
        """Return whether the port is open in one of its processes."""
        for pid in self.tree():
            for fd in Path(f"/proc/{pid}/fd").glob("*"):
                try:
                    if str(fd.readlink()) == self.port:
                        return True
                except OSError:
                    continue
        return False

    def seen(self):
        """Return the last frame that another process can see, or the bytes; -1 for none."""
        try:
            fd = os.open(self._file, os.O_RDONLY)
        except OSError:
            return -1
        try:
            size = os.fstat(fd).st_size
            if self.reader.column is None:
                return size
            rows = os.pread(fd, 400, max(size - 400, 0)).split(b"\n")
        finally:
            os.close(fd)
        try:
            return int(rows[-2].split(b",")[self.reader.column])
        except (IndexError, ValueError):
            return -1

    def over(self):
        """Return whether it has ended; it is left for `stop` to account for."""
        return os.waitid(os.P_PID, self.process.pid, os.WEXITED | os.WNOHANG | os.WNOWAIT)

    def until(self, there):
        """Wait until *there* returns true."""
        end = time.monotonic() + PATIENCE_S
        while not there():
            if self.over() or time.monotonic() > end:
                raise RuntimeError(f"{self.reader.name}: {self._said.read_text()[-2000:]}")
            time.sleep(0.0005)

    def until_seen(self, last):
        """Wait until frame *last*, or so many bytes, can be seen, or until it has ended."""
        end = time.monotonic() + PATIENCE_S
        if self.reader.counts:
            while not self.over() and time.monotonic() < end:
                time.sleep(0.0005)
        else:
            self.until(lambda: self.seen() >= last)

    def ready(self, link, primer, last):
        """Wait until it reads and has done all that is done once: send *primer*, see its end."""
        self.until(self.has_port)
        time.sleep(0.3)  # it opens first and sets the terminal then
        link.send(primer)
        if self.reader.column is None:
            self.until(lambda: self.seen() >= len(primer))
        elif self.reader.counts:  # its rows stay in memory for a while
            self.until(lambda: not link.waiting())
        else:
            self.until(lambda: self.seen() >= last)

    def stop(self):
        """End it; return all its processor seconds, its children's too."""
        if not self.over():
            self.process.send_signal(signal.SIGINT if self.reader.file else signal.SIGKILL)
        _, status, used = os.wait4(self.process.pid, 0)
        self.process.returncode = os.waitstatus_to_exitcode(status)
        if self._terminal:
            for end in self._terminal:
                os.close(end)
        return used.ru_utime + used.ru_stime
