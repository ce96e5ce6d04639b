"""The pump: a process of its own that reads the port and appends what came to raw.log.

It runs as `python -I -S pump.py FD` and imports the standard library only, so that it is up in a
moment, small, and never busy with anything else: no parsing, no garbage collection, no fsync
(unless one is wanted after each read) comes between two reads. FD is its end of a socket pair.

The recorder sends lines of text with descriptors beside them:

    files NUMBER SIZE FILE_SIZE OPENED_NS MAX_BYTES MAX_NS SYNC LIMIT BASE_NS FOLDER
                      and raw.log (which holds the lock), the raw file of that NUMBER, the index
    port HANGUP       and the port, non-blocking; HANGUP says whether a far end that hangs up is
                      waited for
    done SIZE         so many bytes of the stream have been decoded
    stop

The pump answers in messages of one size, `MESSAGE`: a kind, a time and a number. `NUDGE` and `IDLE`
are dropped when the recorder is too busy to hear them, for the bytes are in the files; all else
arrives.
When the recorder is gone the pump finishes the write it is at, and ends.
"""

from __future__ import annotations

import contextlib
import gc
import os
import select
import signal
import socket
import struct
import sys
import time

MESSAGE = struct.Struct("<cqq")

UP = b"U"  # ready for orders
NUDGE = b"N"  # the index has grown; number: bytes in the whole stream
IDLE = b"I"  # all that was read before time is in the index; number: bytes in the whole stream
GONE = b"G"  # the port has ended; number: errno, 0 for an orderly end
DISK = b"D"  # the disk takes no more; number: errno
ROOM = b"R"  # the disk is almost full, the port is read no more; number: bytes free
STOPPED = b"S"  # the last word

READ_BYTES = 65536
RESTS = ((128, 0.008), (512, 0.004))
"""After a read that brought less than so many bytes the pump rests for so many seconds: a wake-up
for each few bytes would cost ten times the CPU. At 12 Mbaud, the fastest there is, 9.6 kB come in
the longer one; a port holds 13.8 kB."""
NUDGE_NS, NUDGE_BYTES = 60_000_000, 4096
"""The recorder is woken at once after a pause of this length, then again when so much time has
passed or so many bytes have come: at a port's pace the wake-ups cost CPU, not the bytes."""
IDLE_NS = 200_000_000
ROOM_BYTES = 1 << 20
"""After so many bytes the free space is looked at."""
RESERVE_BYTES = 16 << 20
"""Left free when a capture ends for want of room: closing takes 1 MB, and others use the disk."""
DERIVED_SHARE = 4
"""Bytes of rows that a byte of raw.log may become; 1.6 in the shipped profiles."""
HANGUP_S = 0.05
"""How often a pseudo-terminal that nobody has open is looked at."""

FILE_FLAGS = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_APPEND | getattr(os, "O_BINARY", 0)


def monotonic_ns() -> int:
    """Return a count of nanoseconds that goes on while the machine sleeps, where there is one."""
    if hasattr(time, "CLOCK_BOOTTIME"):
        return time.clock_gettime_ns(time.CLOCK_BOOTTIME)
    return time.monotonic_ns()


def raw_name(number: int) -> str:
    """Return the name of the raw file *number*, counted from 1."""
    return "raw.log" if number == 1 else f"raw.{number:04d}.log"


fdatasync = getattr(os, "fdatasync", os.fsync)


def write_all(fd: int, data: bytes) -> None:
    """Write all of *data*: a disk that fills up takes a part first."""
    while data:
        data = data[os.write(fd, data) :]


class Files:
    """The raw files and their index, appended to and never rewritten.

    *raw* is the raw file of that *number*, counted from 1, of *file_size* bytes, begun at
    *opened_ns* (0: with its first read); *size* is that of all raw files. One of *max_bytes*, or
    *max_ns* old, is followed by the next; 0 for never. *always* is fdatasync after each read, and
    *own* says that `close` closes *raw* too, not only what was opened here.
    """

    def __init__(
        self,
        folder: str,
        raw: int,
        index: int,
        *,
        number: int = 1,
        size: int = 0,
        file_size: int = 0,
        opened_ns: int = 0,
        max_bytes: int = 0,
        max_ns: int = 0,
        always: bool = False,
        own: bool = False,
    ) -> None:
        self.folder = folder
        self.raw = raw
        self.index = index
        self.number = number
        self.size = size
        self.file_size = file_size
        self.opened_ns = opened_ns
        self.max_bytes = max_bytes
        self.max_ns = max_ns
        self.always = always
        self._own = own

    def append(self, received_ns: int, data: bytes) -> None:
        """Append what one read brought.

        Raises
        ------
        OSError
            If the disk is full or gone. What it took before is there, and in the index.
        """
        self.opened_ns = self.opened_ns or received_ns
        if self.file_size and (
            (self.max_bytes and self.file_size >= self.max_bytes)
            or (self.max_ns and received_ns - self.opened_ns >= self.max_ns)
        ):
            self._rotate(received_ns)
        written = os.write(self.raw, data)
        try:
            while written < len(data):  # a disk that fills up takes a part first
                written += os.write(self.raw, data[written:])
        finally:
            self.note(received_ns, written)
        if self.always:
            fdatasync(self.raw)
            fdatasync(self.index)

    def close(self) -> None:
        """Close the raw file, if it is ours."""
        if self._own:
            os.close(self.raw)
            self._own = False

    def note(self, received_ns: int, length: int) -> None:
        """Append the row of a read to the index."""
        name = b"" if self.file_size else raw_name(self.number).encode()
        row = b"%d,%d,%d,%s,\n" % (received_ns, self.size, length, name)
        self.size += length
        self.file_size += length
        write_all(self.index, row)

    def _rotate(self, now_ns: int) -> None:
        raw = os.open(os.path.join(self.folder, raw_name(self.number + 1)), FILE_FLAGS, 0o644)  # noqa: PTH118
        self.close()
        self.raw, self._own = raw, True
        self.number += 1
        self.file_size, self.opened_ns = 0, now_ns


class Pump:
    """Moves bytes from the port to the files, and says so over the socket."""

    def __init__(self, control: socket.socket) -> None:
        self._control = control
        self._port = -1
        self._waits = False
        self._files: Files  # the recorder sends them before the port
        self._sync = False
        self._limit = self._done = self._looked = 0
        self._base_ns = 0
        self._nudged_ns = self._nudged_size = self._told_ns = 0
        self._text = b""
        self._fds: list[int] = []

    def run(self) -> None:
        """Work until told to stop, or until the recorder is gone."""
        self._control.setblocking(False)
        self._say(UP, 0, os.getpid())
        while True:
            if self._port < 0:
                self._listen(None)
            else:
                self._move()

    def end(self) -> None:
        """Write through to the disk what no fsync of the recorder will."""
        if self._sync:
            with contextlib.suppress(OSError):
                os.fsync(self._files.raw)
                os.fsync(self._files.index)

    def _now(self) -> int:
        return self._base_ns + monotonic_ns()

    def _move(self) -> None:
        """Take what is there, or wait for more."""
        try:
            data = os.read(self._port, READ_BYTES)
        except BlockingIOError:
            self._wait()
            return
        except OSError as error:
            self._gone(error.errno or 0)
            return
        now = self._now()
        if not data:
            self._gone(0)
            return
        try:
            self._files.append(now, data)
        except OSError as error:
            self._drop_port()
            self._say(DISK, now, error.errno or 0)
            return
        self._told_ns = now
        if self._files.size - self._nudged_size >= NUDGE_BYTES or self._nudge_in(now) <= 0:
            self._nudge(now)
        if self._limit and self._files.size >= self._limit:
            self._nudge(now)
            self._drop_port()
        elif self._files.size - self._looked >= ROOM_BYTES:
            self._look_for_room()
        else:
            self._listen(next((rest for most, rest in RESTS if len(data) < most), 0))

    def _look_for_room(self) -> None:
        """Read no more when the rows of what is not decoded yet would not fit any more."""
        self._looked = self._files.size
        disk = os.fstatvfs(self._files.raw)
        free = disk.f_bavail * disk.f_frsize
        if free < RESERVE_BYTES + DERIVED_SHARE * (self._looked - self._done):
            self._drop_port()
            self._say(ROOM, self._now(), free)

    def _wait(self) -> None:
        """Wait for bytes or an order; say now and then that nothing came."""
        now = self._now()
        unsaid = self._files.size > self._nudged_size
        if unsaid and self._nudge_in(now) <= 0:
            self._nudge(now)
            unsaid = False
        left = self._told_ns + IDLE_NS - now
        if left <= 0:
            # Every read so far is in the index; those to come get later times.
            self._hint(IDLE, now)
            self._told_ns, left = now, IDLE_NS
        if unsaid:
            left = min(left, self._nudge_in(now))
        control = self._control.fileno()
        if control in select.select([self._port, control], [], [], left / 1e9)[0]:
            self._listen(0)

    def _gone(self, errno: int) -> None:
        now = self._now()
        if self._waits:
            if now - self._told_ns >= IDLE_NS:
                self._hint(IDLE, now)
                self._told_ns = now
            self._listen(HANGUP_S)
            return
        self._drop_port()
        self._say(GONE, now, errno)

    def _nudge_in(self, now: int) -> int:
        return self._nudged_ns + NUDGE_NS - now

    def _nudge(self, now: int) -> None:
        self._nudged_ns, self._nudged_size = now, self._files.size
        self._hint(NUDGE, now)

    def _hint(self, kind: bytes, now: int) -> None:
        """Send what will be said again, unless the recorder is too busy to hear it."""
        with contextlib.suppress(BlockingIOError):
            self._control.send(MESSAGE.pack(kind, now, self._files.size))

    def _say(self, kind: bytes, now: int, number: int) -> None:
        """Send what must arrive; no port is read while this waits."""
        data = MESSAGE.pack(kind, now, number)
        while data:
            select.select([], [self._control], [])
            with contextlib.suppress(BlockingIOError):
                data = data[self._control.send(data) :]

    def _listen(self, timeout: float | None) -> None:
        """Take orders for *timeout* seconds, or until one comes."""
        if not select.select([self._control], [], [], timeout)[0]:
            return
        text, fds, _, _ = socket.recv_fds(self._control, 65536, 16)
        if not text:
            raise ConnectionResetError
        self._fds += fds
        *lines, self._text = (self._text + text).split(b"\n")
        for line in lines:
            self._obey(line.decode().split(" "))

    def _obey(self, words: list[str]) -> None:
        match words:
            case ["files", *numbers, folder]:
                self._open_files([int(number) for number in numbers], bytes.fromhex(folder))
            case ["port", hangup]:
                self._drop_port()
                self._port, self._waits = self._fds.pop(0), hangup == "wait"
                os.set_blocking(self._port, False)
                self._told_ns = self._now()
            case ["done", size]:
                self._done = int(size)
            case _:  # no byte is written after this word
                self._say(STOPPED, self._now(), 0)
                raise SystemExit

    def _open_files(self, numbers: list[int], folder: bytes) -> None:
        number, size, file_size, opened, max_bytes, max_ns, sync, self._limit, base = numbers
        self._base_ns, self._sync = base, sync > 0
        # The first is raw.log: it is held open for its lock, whichever raw file is written.
        _, raw, index = self._fds[:3]
        del self._fds[:3]
        self._files = Files(
            os.fsdecode(folder),
            raw,
            index,
            number=number,
            size=size,
            file_size=file_size,
            opened_ns=opened,
            max_bytes=max_bytes,
            max_ns=max_ns,
            always=sync > 1,
        )

    def _drop_port(self) -> None:
        if self._port >= 0:
            os.close(self._port)
            self._port = -1


def main(fd: int) -> None:
    """Run the pump on its end of the socket pair."""
    # Whoever stops the capture sends its signal to the recorder, which stops the pump in order.
    for name in ("SIGINT", "SIGTERM", "SIGHUP", "SIGQUIT"):
        signal.signal(getattr(signal, name), signal.SIG_IGN)
    gc.disable()
    with contextlib.suppress(OSError):  # as a rule this takes a privilege
        os.setpriority(os.PRIO_PROCESS, 0, -10)
    with socket.socket(fileno=fd) as control:
        pump = Pump(control)
        try:
            pump.run()
        except (BrokenPipeError, ConnectionResetError):
            pump.end()  # the recorder is gone


if __name__ == "__main__":
    main(int(sys.argv[1]))
