import os
import subprocess
import sys
from types import SimpleNamespace

import pytest

from sensorkit.wire import holders as module
from sensorkit.wire.holders import Holder, holders, named, permission_advice

if sys.platform == "win32":
    pytest.skip("Windows has no /proc", allow_module_level=True)


@pytest.fixture
def proc(tmp_path):
    """A /proc to which processes can be added."""
    root = tmp_path / "proc"
    (root / "self").mkdir(parents=True)

    def add(pid, name, *files, command=(), parent=1):
        folder = root / str(pid)
        (folder / "fd").mkdir(parents=True)
        (folder / "comm").write_text(f"{name}\n")
        (folder / "cmdline").write_text("\0".join(command))
        (folder / "stat").write_text(f"{pid} ({name} (x)) S {parent} 1 1")
        for n, file in enumerate(files):
            (folder / "fd" / str(n)).symlink_to(file)

    add.root = root
    return add


def test_whoever_has_a_port_open_is_named(proc):
    proc(12, "tio", "/dev/null", "/dev/ttyUSB0")
    proc(7, "picocom", "/dev/ttyUSB0", parent=3)
    proc(9, "bash", "/dev/ttyUSB1")
    found = holders("/dev/ttyUSB0", proc.root)
    assert found == [Holder(7, "picocom", 3), Holder(12, "tio", 1)]
    assert named(found) == "picocom (process 7) and tio (process 12)"


def test_of_an_interpreter_one_wants_to_know_what_it_runs(proc):
    command = ("/usr/bin/python3", "/opt/logger/read_port.py", "--port", "/dev/ttyUSB0")
    proc(5, "python3", "/dev/ttyUSB0", command=command)
    assert holders("/dev/ttyUSB0", proc.root)[0].name == "python3 read_port.py --port ttyUSB0"


def test_we_are_not_another_process(proc):
    proc(os.getpid(), "us", "/dev/ttyUSB0")
    assert holders("/dev/ttyUSB0", proc.root) == []


def test_a_link_to_the_port_is_the_port(proc, tmp_path):
    device = tmp_path / "ttyUSB0"
    device.touch()
    (tmp_path / "by-id").symlink_to(device)
    proc(5, "tio", device)
    assert [holder.pid for holder in holders(str(tmp_path / "by-id"), proc.root)] == [5]


def test_the_far_end_of_a_pseudo_terminal_is_no_reader(proc):
    proc(5, "emulator", "/dev/ptmx", "/dev/pts/4")
    proc(6, "cat", "/dev/pts/4")
    assert [holder.name for holder in holders("/dev/pts/4", proc.root)] == ["cat"]


def test_where_nobody_says_so_nobody_is_found(tmp_path):
    assert holders("/dev/ttyUSB0", tmp_path / "no-proc") == []


@pytest.mark.skipif(not os.path.isdir("/proc/self/fd"), reason="no /proc")  # noqa: PTH112
def test_a_real_process_is_found(tmp_path):
    held = tmp_path / "held"
    held.touch()
    with (
        held.open() as file,
        subprocess.Popen(["cat"], stdin=subprocess.PIPE, pass_fds=[file.fileno()]) as other,
    ):
        found = holders(str(held))
        other.stdin.close()
    assert [(holder.pid, holder.parent) for holder in found] == [(other.pid, os.getpid())]


@pytest.fixture
def refused(monkeypatch, tmp_path):
    """Be `lena` before a port of the group `dialout` that she may not open."""
    device = tmp_path / "ttyUSB0"
    device.touch()
    device.chmod(0o660)
    monkeypatch.setattr(module.os, "access", lambda *_: False)
    monkeypatch.setattr(module.getpass, "getuser", lambda: "lena")
    monkeypatch.setattr(module, "_group_name", lambda _: "dialout")
    monkeypatch.setattr(module, "_members", lambda _: ["omar"])
    return device


def test_no_permission_comes_with_the_very_command(refused):
    assert permission_advice(str(refused)) == (
        f"{refused}: belongs to the group dialout, and lena is not in it; "
        "`sudo usermod -aG dialout lena`, then log out and in again"
    )


def test_a_group_joined_in_this_session_takes_a_new_one(refused, monkeypatch):
    monkeypatch.setattr(module, "_members", lambda _: ["lena"])
    advice = permission_advice(str(refused))
    assert "lena is in the group dialout, but this session began before" in advice
    assert "newgrp dialout" in advice


def test_a_port_closed_to_its_group_too_wants_other_help(refused):
    refused.chmod(0o600)
    assert "its group dialout may not use it either (mode -rw-------)" in permission_advice(
        str(refused)
    )


def test_a_port_that_may_be_opened_needs_no_advice(tmp_path):
    (tmp_path / "port").touch()
    assert permission_advice(str(tmp_path / "port")) is None
    assert permission_advice(str(tmp_path / "gone")) is None  # another error says so


def test_the_members_of_a_group_are_those_of_the_system(monkeypatch):
    import grp
    import pwd

    monkeypatch.setattr(grp, "getgrgid", lambda _: SimpleNamespace(gr_mem=["omar"], gr_name="x"))
    monkeypatch.setattr(pwd, "getpwall", lambda: [SimpleNamespace(pw_name="lena", pw_gid=20)])
    assert module._members(20) == ["omar", "lena"]
    assert module._group_name(20) == "x"


@pytest.mark.skipif(sys.platform != "linux", reason="groups of Linux")
@pytest.mark.parametrize(
    ("uid", "members", "advice"),
    [
        (1000, ["omar"], "`sudo usermod -aG dialout lena`, then log out and in again"),
        (1000, ["omar", "lena"], None),
        (0, [], None),
    ],
)
def test_who_is_in_no_group_of_the_ports_is_told_before_one_is_there(
    monkeypatch, uid, members, advice
):
    import grp

    monkeypatch.setattr(module.os, "geteuid", lambda: uid)
    monkeypatch.setattr(module.getpass, "getuser", lambda: "lena")
    monkeypatch.setattr(grp, "getgrnam", lambda name: SimpleNamespace(gr_gid=20))
    monkeypatch.setattr(module, "_members", lambda _: members)
    assert module.group_advice() == advice


PUMP = ("/usr/bin/python", "-I", "-S", "/opt/sensorkit/capture/pump.py", "7")


def test_a_capture_and_the_process_that_reads_for_it_are_one(proc):
    proc(11, "sensorkit", "/dev/ttyUSB0")
    proc(12, "python", "/dev/ttyUSB0", command=PUMP, parent=11)
    assert named(holders("/dev/ttyUSB0", proc.root)) == "sensorkit (process 11)"


def test_a_process_that_reads_for_a_capture_that_is_gone_is_named(proc):
    proc(12, "python", "/dev/ttyUSB0", command=PUMP, parent=1)
    assert [holder.pid for holder in holders("/dev/ttyUSB0", proc.root)] == [12]
