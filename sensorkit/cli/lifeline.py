"""A command that ends with whoever started it: `python -m sensorkit.cli.lifeline emulate ...`.

A kernel that is killed cannot stop the emulator it has started, which would wait for a reader for
ever. Its end of the pipe to this process's stdin closes in any case.
"""

from __future__ import annotations

import os
import signal
import sys
import threading
import time

from sensorkit.cli.app import main

GRACE_S = 5.0
"""How long the command may take to end by itself."""


def _end_with_stdin() -> None:
    # From the descriptor: a thread that waits in sys.stdin would break the exit.
    while os.read(0, 4096):
        pass
    os.kill(os.getpid(), signal.SIGTERM)
    if sys.argv[1:2] == ["capture"]:
        return  # it ends by itself, once a long recording is hashed
    time.sleep(GRACE_S)
    os._exit(1)


if __name__ == "__main__":
    threading.Thread(target=_end_with_stdin, daemon=True).start()
    main()
