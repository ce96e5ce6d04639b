"""What can be known of Windows from here: that nothing needs a module it does not have."""

import subprocess
import sys
from pathlib import Path

import pytest

import sensorkit

# pyserial and the standard library choose their own modules; they are in before the pretence.
PRETEND = """
import asyncio, importlib, selectors, subprocess, sys, tempfile, threading, multiprocessing
import numpy, pandas, pydantic, rich.console, rich.live, rich.table, serial, typer
import serial.tools.list_ports
for name in ("fcntl", "termios", "pty", "tty", "resource", "pwd", "grp"):
    sys.modules[name] = None
sys.platform = "win32"
for name in sys.argv[1:]:
    importlib.import_module(name)
from sensorkit.errors import LinkError
from sensorkit.wire.links import open_link
try:
    open_link("pty:")
except LinkError as error:
    print(error)
"""


def modules(*folders):
    root = Path(sensorkit.__file__).parent
    for folder in folders:
        for path in sorted((root / folder).glob("*.py")):
            if path.stem not in {"__init__", "posix", "pty"}:
                yield f"sensorkit.{folder}.{path.stem}"


@pytest.mark.skipif(sys.platform == "win32", reason="it is Windows")
def test_everything_imports_where_there_is_no_posix():
    names = list(modules("wire", "capture"))
    assert "sensorkit.capture.recorder" in names
    commands = ("cli", "cli/capture", "cli/doctor", "cli/recordings")
    names += [name.replace("/", ".") for name in modules(*commands)]
    done = subprocess.run(
        [sys.executable, "-c", PRETEND, *names], capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    assert done.stdout == (
        "pty: there are no pseudo-terminals on Windows; use listen://127.0.0.1:0 at one end and "
        "socket://127.0.0.1:PORT at the other\n"
    )
