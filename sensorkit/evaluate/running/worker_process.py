"""The far side of `sensorkit.evaluate.running.worker`: what runs in a worker process.

Messages come on stdin and go to what was stdout, each a length of 8 bytes and a pickle: a pipe
between two processes of one program, never a file. Whatever else is printed goes to stderr. The
end of stdin means "stop", at once and with all that a detector may have started.
"""

from __future__ import annotations

import faulthandler
import os
import pickle
import queue
import signal
import struct
import threading
import time
import traceback
from collections.abc import Callable
from typing import IO, Any

from sensorkit.evaluate.running.grid import attempt
from sensorkit.evaluate.running.memory import forget_peak, peak_mb

LENGTH = struct.Struct("<Q")

LATE_S = 60.0
"""How long after its time a process that nobody stopped ends itself."""

Message = tuple[Any, ...]


def write_message(file: IO[bytes], message: Message, dumps: Callable[..., bytes]) -> None:
    """Write one message."""
    data = dumps(message, protocol=pickle.HIGHEST_PROTOCOL)
    file.write(LENGTH.pack(len(data)))
    file.write(data)
    file.flush()


def read_bytes(file: IO[bytes]) -> bytes | None:
    """Return the next message as it came; None at the end, also in the middle of one."""
    head = file.read(LENGTH.size)
    if len(head) < LENGTH.size:
        return None
    (size,) = LENGTH.unpack(head)
    data = file.read(size)
    return data if len(data) == size else None


class _Far:
    """Takes cells from one pipe and answers on the other."""

    def __init__(self, incoming: IO[bytes], answers: IO[bytes]) -> None:
        self._incoming = incoming
        self._answers = answers
        self._tasks: queue.Queue[bytes] = queue.Queue()
        self._trial: Any = None

    def serve(self) -> None:
        threading.Thread(target=self._listen, daemon=True).start()
        while True:
            data = self._tasks.get()
            try:
                kind, *parts = pickle.loads(data)  # noqa: S301 - from the process that started us
            except BaseException as error:  # a class that this process cannot import
                text = f"it cannot be read in a worker process ({type(error).__name__}: {error})"
                self._say("unreadable", text)
                continue
            if kind == "trial":
                self._trial = parts[0]
            else:
                self._try(*parts)

    def _listen(self) -> None:
        while (data := read_bytes(self._incoming)) is not None:
            self._tasks.put(data)
        _end()

    def _try(self, spec: Any, kept: Any) -> None:
        def tell(step: str, cell: Any) -> None:
            self._say("step", step, cell, peak_mb())

        forget_peak()
        limit = spec.settings.timeout_s
        if limit is not None:
            # A thread in C: it also ends a call that never lets go of the interpreter.
            faulthandler.dump_traceback_later(limit + LATE_S, exit=True, file=_NOWHERE)
        self._say("began")
        try:
            outcome = attempt(spec, self._trial, kept=kept, clock=time.perf_counter, tell=tell)
        except BaseException:  # not the detector's, which `attempt` would have caught
            self._say("broken", traceback.format_exc())
            return
        finally:
            faulthandler.cancel_dump_traceback_later()
        self._say("done", outcome)

    def _say(self, *message: Any) -> None:
        try:
            write_message(self._answers, message, pickle.dumps)
        except OSError:
            _end()
        except Exception as error:  # an alert may hold anything
            text = f"what it found cannot be sent on ({type(error).__name__}: {error})"
            write_message(self._answers, ("unreadable", text), pickle.dumps)


def _end() -> None:
    if hasattr(os, "killpg") and os.getpgid(0) == os.getpid():
        os.killpg(0, signal.SIGKILL)
    os._exit(1)


_NOWHERE = os.open(os.devnull, os.O_WRONLY)  # a number: faulthandler wants it open for good


def main() -> None:
    """Serve until stdin ends."""
    answers = os.fdopen(os.dup(1), "wb")
    os.dup2(2, 1)
    _Far(os.fdopen(os.dup(0), "rb"), answers).serve()
