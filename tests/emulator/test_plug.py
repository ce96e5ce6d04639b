"""A port that goes away and comes back under another name, and a device that starts anew."""

import sys
from pathlib import Path

import pytest

from sensorkit.emulator import Emulator
from sensorkit.emulator.plug import Plug, plug_socket
from sensorkit.emulator.truth_file import Truth, TruthWriter
from sensorkit.errors import LinkError
from sensorkit.faults import FaultPlan
from sensorkit.profile import Profile
from sensorkit.wire.links import open_link

PROFILE = Profile.load("serial_monitor")
UNPLUGGED = FaultPlan.load("unplugged")
posix = pytest.mark.skipif(sys.platform == "win32", reason="no pseudo-terminals on Windows")


class Pulled:
    """A port that remembers when it was pulled out."""

    def __init__(self, port) -> None:
        self.port = port
        self.name = port.name
        self.there = True
        self.log: list[tuple[float, str]] = []

    def has_reader(self) -> bool:
        return self.there

    def write(self, data: bytes) -> int:
        return self.port.write(data)

    def unplug(self) -> None:
        self.there = False
        self.log.append((round(self.port.seconds, 1), "unplug"))

    def replug(self) -> str:
        self.there = True
        self.log.append((round(self.port.seconds, 1), "replug"))
        return "other"


def numbers(data: bytes) -> list[int]:
    return [int(line.split(b"N:")[1].split(b",")[0]) for line in data.splitlines() if b"N:" in line]


@pytest.mark.parametrize("how", [{"baud": 115_200}, {}, {"speed": None}, {"baud": 9600}])
def test_a_plan_pulls_the_plug_and_restarts_the_device(port, tmp_path, how):
    link = Pulled(port)
    emulator = Emulator(PROFILE, plan=UNPLUGGED, duration_s=40)
    with TruthWriter(tmp_path / "truth.jsonl") as truth:
        emulator.serve(
            link, frames=40, truth=truth, clock=port.clock, sleep=port.clock.sleep, **how
        )
    # 1-10, silent and anew; 10 more, three that nobody hears; 7 more, and anew once more.
    assert numbers(port.bytes) == [*range(1, 11), *range(1, 8), *range(11, 18), *range(1, 8)]
    assert port.bytes.count(b"boot: ") == 1
    assert [what for _, what in link.log] == ["unplug", "replug"] * 2
    if "speed" not in how:
        assert [at for at, _ in link.log] == pytest.approx([20.1, 23.1, 30.1, 33.1], abs=0.15)
    said = Truth.load(tmp_path / "truth.jsonl")
    assert [fault["kind"] for fault in said.faults] == ["reset", "disconnect", "power_cycle"]
    # The three that the device made while it was unplugged are sent and lost; those that it would
    # have made without power were never made.
    assert said.line.count(b"") == 3
    assert numbers(b"".join(said.sent)) == [*range(1, 11), *range(1, 18), *range(1, 8)]


def test_its_clock_starts_anew_with_the_device():
    emulator = Emulator(PROFILE, plan=UNPLUGGED, duration_s=40)
    lines = [frame.data for frame in emulator.frames(40)]
    assert b",U:9.000*" in lines[9]
    assert b"N:1,U:0.000*" in lines[13]
    assert b"N:1,U:0.000*" in lines[33]


def test_a_link_that_cannot_be_unplugged_says_so(port):
    emulator = Emulator(PROFILE, plan=UNPLUGGED, duration_s=40)
    with pytest.raises(LinkError, match="port: cannot be unplugged by a fault; serve"):
        emulator.serve(port, frames=40, clock=port.clock, sleep=port.clock.sleep)


@posix
@pytest.mark.pty
def test_a_replugged_pseudo_terminal_has_another_number_behind_the_same_link(tmp_path):
    from sensorkit.emulator.plug import plug_pty

    link = tmp_path / "port"
    with plug_pty(link) as plug:
        seen = [str(link.readlink())]
        for _ in range(3):
            with open_link(str(link)) as reader:
                assert plug.has_reader()
                assert plug.write(b"T:1\n") == 4
                plug.unplug()
                assert not plug.has_reader()
                assert plug.write(b"T:2\n") == 0
                assert not link.is_symlink()
                # What was not read went with the plug.
                assert reader.read(1.0) is None
            assert not Path(seen[-1]).exists()
            seen.append(plug.replug())
            assert str(link.readlink()) == seen[-1] != seen[-2]
    assert not link.is_symlink()


def test_a_replugged_socket_listens_at_the_same_place():
    with plug_socket("listen://127.0.0.1:0") as plug:
        assert isinstance(plug, Plug)
        for text in (b"one\n", b"two\n"):
            with open_link(plug.name) as reader:
                assert plug.has_reader()
                assert plug.write(text) == 4
                assert reader.read(5.0) == text
                plug.unplug()
                with pytest.raises(LinkError, match="nobody answers there"):
                    open_link(plug.name)
            assert plug.read(0) == b""
            assert plug.fileno() == -1
            assert plug.replug() == plug.name


@posix
@pytest.mark.pty
def test_a_reader_that_stays_on_the_old_device_does_not_use_up_all_numbers(tmp_path):
    """The number of a device that is still open is not given out again."""
    from sensorkit.emulator.plug import SPARE_PTYS, plug_pty

    link = tmp_path / "port"
    before = set(Path("/dev/fd").iterdir())
    with plug_pty(link) as plug, open_link(str(link)):
        old = str(link.readlink())
        plug.unplug()
        assert plug.replug() == str(link.readlink()) != old
        # The master, the reader's end, and no spare one.
        assert len(set(Path("/dev/fd").iterdir()) - before) < SPARE_PTYS / 4
        with open_link(str(link)) as reader:
            plug.write(b"T:1\n")
            assert reader.read(5.0) == b"T:1\n"
