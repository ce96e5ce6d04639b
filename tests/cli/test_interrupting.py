"""Ctrl+C is heard, whoever started the command and whatever it is at."""

import contextlib
import os
import signal
import subprocess
import sys
import threading
import time
import weakref
from pathlib import Path

import pytest

from sensorkit.cli.app import stop_on_signal
from sensorkit.cli.interrupting import heeded

PATIENCE_S = 30.0


class Thing:
    """Something a weak reference can point to."""


@contextlib.contextmanager
def handled(number, handler):
    before = signal.signal(number, handler)
    try:
        yield
    finally:
        signal.signal(number, before)


def test_an_interrupt_that_the_shell_had_ignored_is_heard():
    with handled(signal.SIGINT, signal.SIG_IGN):
        with pytest.raises(KeyboardInterrupt), heeded():
            signal.raise_signal(signal.SIGINT)
        assert signal.getsignal(signal.SIGINT) is signal.SIG_IGN


def test_an_interrupt_that_comes_in_a_callback_is_not_dropped():
    came = []

    def callback(_):
        signal.raise_signal(signal.SIGINT)
        came.append("after")  # not reached: it is raised here, and Python drops it

    things = [Thing()]
    kept = weakref.ref(things[0], callback)

    def drop_and_wait():
        things.clear()
        threading.Event().wait(PATIENCE_S)

    with pytest.raises(KeyboardInterrupt), heeded():
        drop_and_wait()
    assert kept() is None
    assert came == []


def test_any_other_error_that_cannot_be_raised_is_told_as_ever(monkeypatch):
    told = []
    monkeypatch.setattr(sys, "unraisablehook", told.append)
    hook = sys.unraisablehook

    def callback(_):
        raise ZeroDivisionError

    with heeded():
        thing = Thing()
        kept = weakref.ref(thing, callback)
        del thing
    assert kept() is None
    assert [one.exc_type for one in told] == [ZeroDivisionError]
    assert sys.unraisablehook is hook


@pytest.mark.skipif(not hasattr(signal, "SIGHUP"), reason="no such signal on Windows")
@pytest.mark.parametrize("ignored", [True, False])
def test_a_closed_terminal_ends_a_command_unless_nohup_said_it_shall_not(ignored):
    handler = signal.SIG_IGN if ignored else signal.SIG_DFL
    with handled(signal.SIGHUP, handler), stop_on_signal() as stop:
        signal.raise_signal(signal.SIGHUP)
        assert stop() is not ignored


@pytest.mark.pty
@pytest.mark.skipif(not Path("/proc/self/status").exists(), reason="asks Linux for the handlers")
def test_a_capture_that_a_script_has_started_hears_kill_int_while_it_starts(tmp_path):
    script = (
        f"{sys.executable} -m sensorkit capture a=pty: b=pty: --out {tmp_path / 'line'} & "
        "echo $!; wait $!"
    )
    with subprocess.Popen(["sh", "-c", script], stdout=subprocess.PIPE, text=True) as shell:
        pid = int(shell.stdout.readline())
        end = time.monotonic() + PATIENCE_S
        try:
            while not hears(pid):
                assert time.monotonic() < end, "it never listened"
                time.sleep(0.001)
            assert not (tmp_path / "line").exists()
            os.kill(pid, signal.SIGINT)
            assert shell.wait(PATIENCE_S) == 130
        finally:
            with contextlib.suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)
    assert not (tmp_path / "line").exists()


def hears(pid):
    """Return whether a process has a handler for SIGINT."""
    status = Path(f"/proc/{pid}/status").read_text()
    caught = int(status.partition("SigCgt:")[2].split()[0], 16)
    return bool(caught >> (signal.SIGINT - 1) & 1)
