"""The far side of a process that a driver starts: asked once, it answers line by line.

What is asked for comes as one JSON line on stdin; stdin stays open, and its end means "stop", so
that nothing outlives a driver that was killed. Answers go to stdout, a JSON object a line;
everything else that is printed goes to stderr.
"""

from __future__ import annotations

import json
import os
import signal
import sys
import threading
from collections.abc import Callable
from typing import IO, Any

Answer = dict[str, Any]
Tell = Callable[[Answer], None]


def serve(work: Callable[[Any, Tell], Answer], *, stopped: int) -> None:
    """Take what is asked for from stdin, do it and say how it went.

    Parameters
    ----------
    work : callable
        Is given what was asked for, and a function that tells how far it is; returns how it ended.
    stopped : int
        Exit code of a process that was stopped.
    """
    # Ctrl+C in a terminal reaches every process; the driver alone decides what it means.
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    signal.signal(signal.SIGTERM, _interrupt)
    answers = _answers_only()

    def tell(answer: Answer) -> None:
        answers.write(json.dumps(answer) + "\n")
        answers.flush()

    try:
        asked = json.loads(_read_line(0) or b"null")
        if asked is None:
            return
        threading.Thread(target=_stop_at_end_of_stdin, daemon=True).start()
        ended = work(asked, tell)
        signal.signal(signal.SIGTERM, signal.SIG_IGN)  # it has ended, and says how
        tell(ended)
    except KeyboardInterrupt:
        sys.exit(stopped)
    except BrokenPipeError:
        os._exit(1)


def _read_line(descriptor: int) -> bytes:
    # Bytes from the descriptor: a thread that waits in sys.stdin would break the exit.
    line = b""
    while not line.endswith(b"\n") and (piece := os.read(descriptor, 65536)):
        line += piece
    return line


def _answers_only() -> IO[str]:
    """Keep stdout for the answers and send what anyone else prints to stderr."""
    answers = os.fdopen(os.dup(1), "w", encoding="utf-8")
    os.dup2(2, 1)
    return answers


def _stop_at_end_of_stdin() -> None:
    while os.read(0, 4096):
        pass
    os.kill(os.getpid(), signal.SIGTERM)


def _interrupt(*_: object) -> None:
    raise KeyboardInterrupt
