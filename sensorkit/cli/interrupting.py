"""Ctrl+C from the first moment on: neither the shell nor an import makes it go lost."""

from __future__ import annotations

import signal
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

AGAIN_S = 0.01
"""After so long an interrupt that Python could not raise is raised again."""


@contextmanager
def heeded() -> Iterator[None]:
    """Let SIGINT raise KeyboardInterrupt in what is done here, wherever it comes.

    A shell without job control, as that of a script, starts `sensorkit ... &` with SIGINT ignored,
    and Python leaves it so: `kill -INT` would do nothing until the command has its own handler,
    which takes seconds on a busy machine. And Python drops what a callback of a weak reference or
    `__del__` raises ("Exception ignored in"); each import has such a callback.
    """
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    handler, hook = signal.getsignal(signal.SIGINT), sys.unraisablehook

    def lost(unraisable: Any) -> None:
        if issubclass(unraisable.exc_type, KeyboardInterrupt):
            # Not now: what is raised in a hook is dropped too.
            threading.Timer(AGAIN_S, _interrupt).start()
        else:
            hook(unraisable)

    signal.signal(signal.SIGINT, signal.default_int_handler)
    sys.unraisablehook = lost
    try:
        yield
    finally:
        sys.unraisablehook = hook
        signal.signal(signal.SIGINT, signal.SIG_DFL if handler is None else handler)


def _interrupt() -> None:
    if hasattr(signal, "pthread_kill"):  # it wakes the thread, too
        signal.pthread_kill(threading.main_thread().ident or 0, signal.SIGINT)
    else:
        signal.raise_signal(signal.SIGINT)
