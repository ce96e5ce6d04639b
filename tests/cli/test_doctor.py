import json
import os
import sys
import time
from types import SimpleNamespace

import pytest

from sensorkit.cli.doctor import checks
from sensorkit.cli.doctor import command as doctor
from sensorkit.cli.doctor.checks import Check, State
from sensorkit.wire.holders import Holder
from sensorkit.wire.identity import Port


@pytest.fixture
def run(typing, capsys, monkeypatch, tmp_path):
    """Run `sensorkit doctor` with checks that are given; return exit status, output, errors."""
    monkeypatch.chdir(tmp_path)
    typed = typing(capsys, "doctor")

    def command(*arguments, found=None):
        if found is not None:
            made = [lambda check=check: check for check in found]
            monkeypatch.setattr(checks, "all_checks", lambda _: made)
        return typed(*arguments)

    return command


def test_each_question_has_a_line_and_what_to_do(run):
    found = [
        Check("python", State.OK, "3.13"),
        Check("clock", State.WARN, "not synchronised", "start NTP"),
    ]
    status, out, err = run(found=found)
    assert (status, err) == (0, "")
    assert out.splitlines() == [
        "ok    python    3.13",
        "warn  clock     not synchronised",
        "                -> start NTP",
    ]


def test_what_fails_makes_the_command_fail(run):
    status, out, err = run(found=[Check("disk", State.FAIL, "0.0 GB free", "make room")])
    assert status == 1
    assert out.startswith("fail  disk")
    assert err == "sensorkit: doctor: disk must be mended before you capture\n"


def test_a_machine_can_read_it(run):
    status, out, _ = run("--json", found=[Check("cores", State.WARN, "one", "wait")])
    assert status == 0
    assert json.loads(out) == [{"name": "cores", "state": "warn", "found": "one", "advice": "wait"}]


def test_a_check_that_breaks_is_a_finding_too(run, monkeypatch):
    def clock():
        raise ValueError("no clock")

    monkeypatch.setattr(checks, "all_checks", lambda _: [clock])
    status, out, _ = run()
    assert status == 0
    assert out.startswith("warn  clock     could not be looked at: no clock")


def test_the_whole_of_it_runs_on_this_machine(run, tmp_path):
    status, out, _ = run("--json", "--out", tmp_path / "not" / "there" / "yet")
    found = {check["name"]: check for check in json.loads(out)}
    assert list(found) == [
        "python", "packages", "cores", "ports", "disk", "clock", "pty", "terminal", "compiled",
    ]  # fmt: skip
    assert found["python"]["state"] == found["packages"]["state"] == "ok"
    assert "fsync" in found["disk"]["found"]
    assert (status == 1) == any(check["state"] == "fail" for check in found.values())
    assert list(tmp_path.iterdir()) == []  # it changes nothing


def test_a_file_is_no_place_for_recordings(run, tmp_path):
    (tmp_path / "file").touch()
    status, _, err = run("--out", "file/recordings")
    assert status == 2
    assert "is a file; give a folder" in err


def test_a_package_that_is_missing_or_too_old_is_named(monkeypatch):
    needs = ["numpy>=2.1", "nosuch>=1.0", "pandas>=99.0", 'kafka>=1; extra == "kafka"']
    monkeypatch.setattr(checks.importlib.metadata, "requires", lambda _: needs)
    found = checks.packages()
    assert found.state is State.FAIL
    assert "nosuch is missing" in found.found
    assert "pandas" in found.found
    assert "numpy" not in found.found
    assert "kafka" not in found.found


def test_a_port_that_may_not_be_opened_fails_with_the_command(monkeypatch):
    ports = [Port("/dev/ttyS0"), Port("/dev/ttyUSB0", usb="0403:6001"), Port("/dev/ttyUSB1")]
    monkeypatch.setattr("sensorkit.wire.links.ports", lambda: ports)
    monkeypatch.setattr(
        "sensorkit.wire.holders.permission_advice",
        lambda port: f"sudo {port}" if port.endswith("0") else None,
    )
    found = checks.ports()
    assert (found.state, found.found) == (State.FAIL, "2 of 3 refused")
    assert found.advice == "sudo /dev/ttyUSB0"
    del ports[1]  # the built-in one may never be wanted
    assert checks.ports().state is State.WARN


def test_a_port_in_use_is_a_warning_that_names_the_program(monkeypatch):
    monkeypatch.setattr(
        "sensorkit.wire.links.ports", lambda: [SimpleNamespace(device="/dev/ttyUSB0")]
    )
    monkeypatch.setattr("sensorkit.wire.holders.permission_advice", lambda _: None)
    monkeypatch.setattr("sensorkit.wire.holders.holders", lambda _: [Holder(7, "ModemManager")])
    found = checks.ports()
    assert found.state is State.WARN
    assert "close ModemManager (process 7) before you capture /dev/ttyUSB0" in found.advice


def test_no_port_is_a_warning(monkeypatch):
    monkeypatch.setattr("sensorkit.wire.links.ports", list)
    monkeypatch.setattr("sensorkit.wire.holders.group_advice", lambda: "`sudo usermod`")
    found = checks.ports()
    assert found.state is State.WARN
    assert found.advice.startswith("you may not open the ports to come: `sudo usermod`; plug a")


def test_a_full_disk_fails_before_anything_is_written(monkeypatch, tmp_path):
    monkeypatch.setattr("sensorkit.capture.disk.free_bytes", lambda _: 1000)
    monkeypatch.setattr(checks, "_disk_speed", None)
    assert checks.disk(tmp_path).state is State.FAIL


@pytest.mark.parametrize(
    ("kind", "advice"), [("tmpfs", "gone at the next start"), ("nfs4", "is on a network")]
)
def test_a_disk_that_will_not_keep_it_is_a_warning(monkeypatch, tmp_path, kind, advice):
    monkeypatch.setattr(checks, "filesystem", lambda _: kind)
    found = checks.disk(tmp_path)
    assert found.state is State.WARN
    assert advice in found.advice


def test_a_slow_disk_says_what_always_would_cost(monkeypatch, tmp_path):
    monkeypatch.setattr(checks, "_disk_speed", lambda _: (0.2, 0.4, 1e6))
    monkeypatch.setattr(checks, "filesystem", lambda _: "ext4")
    found = checks.disk(tmp_path)
    assert "`always` would stop at 5 reads a second" in found.advice


def test_the_deepest_mount_is_the_file_system(tmp_path):
    mounts = tmp_path / "mounts"
    mounts.write_text(f"/dev/sda1 / ext4 rw 0 0\ntmpfs {tmp_path.resolve()} tmpfs rw 0 0\n")
    assert checks.filesystem(tmp_path, mounts) == "tmpfs"
    assert checks.filesystem(tmp_path.parent.parent, mounts) == "ext4"
    assert checks.filesystem(tmp_path, tmp_path / "no-mounts") == ""


@pytest.mark.parametrize(
    ("synchronised", "state", "said"),
    [
        (True, "ok", ", synchronised"),
        (False, "warn", "not synchronised"),
        (None, "ok", "cannot be"),
    ],
)
def test_the_clock_is_asked_whether_it_is_right(monkeypatch, synchronised, state, said):
    monkeypatch.setattr(checks, "_synchronised", lambda: synchronised)
    found = checks.clock()
    assert found.state == state
    assert said in found.found


def test_a_clock_behind_our_own_files_fails(monkeypatch):
    monkeypatch.setattr(time, "time", lambda: 86400.0)
    assert checks.clock().state is State.FAIL


@pytest.mark.skipif(sys.platform != "linux", reason="adjtimex is Linux's")
def test_the_kernel_says_whether_its_clock_is_synchronised():
    assert checks._synchronised() in {True, False}


def test_no_pseudo_terminal_is_a_warning(monkeypatch):
    def none():
        raise OSError("out of pty devices")

    monkeypatch.setattr("sensorkit.wire.links.open_pty", none)
    found = checks.pseudo_terminal()
    assert found.state is State.WARN
    assert "out of pty devices" in found.found


def test_a_terminal_that_cannot_write_a_degree_sign_is_a_warning(monkeypatch):
    monkeypatch.setattr(sys, "stdout", SimpleNamespace(encoding="ascii"))
    assert "PYTHONUTF8" in checks.terminal().advice


def test_code_that_cannot_be_kept_is_a_warning(monkeypatch, tmp_path):
    monkeypatch.setenv("NUMBA_CACHE_DIR", str(tmp_path / "cache"))
    assert checks.compiled_code().state is State.OK
    monkeypatch.setattr(os, "access", lambda *_: False)
    assert "NUMBA_CACHE_DIR" in checks.compiled_code().advice


def test_one_core_is_a_warning(monkeypatch):
    monkeypatch.setattr(os, "sched_getaffinity", lambda _: {0}, raising=False)
    assert checks.processors().state is State.WARN


def test_the_help_has_an_example():
    assert "Example: sensorkit doctor" in doctor.doctor.__doc__
