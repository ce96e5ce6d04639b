"""Trying speeds on a device that sends at one of them; its bits are sampled as a UART would."""

import numpy as np
import pytest

from sensorkit.capture import probe
from sensorkit.errors import LinkError, LinkLost
from sensorkit.profile import Profile
from sensorkit.wire.codec import make_codec
from sensorkit.wire.uart import misread

MONITOR = Profile.load("serial_monitor")
WEATHER = Profile.load("examples/profiles/weather_csv.yaml")


def frames(n, profile=MONITOR):
    codec = make_codec(profile)
    rng = np.random.default_rng(5)
    middle = [sum(channel.plausible) / 2 for channel in profile.channels]
    return b"".join(
        codec.encode([f"{rng.normal(x, 0.5):.2f}" for x in middle], status="NORMAL", sequence=i)
        + b"\r\n"
        for i in range(n)
    )


class Clock:
    """Goes on when somebody waits."""

    def __init__(self):
        self.now = 0.0

    def __call__(self):
        return self.now


class Device:
    """A port, and what it hears of a device that sends at *sent_at*: a piece each 0.1 s."""

    mid_stream = True
    name = "/dev/ttyUSB0"

    def __init__(self, says, sent_at, unknown=()):
        self.says, self.sent_at, self.unknown = says, sent_at, unknown
        self.clock = Clock()
        self.speeds, self.trials = [], []

    def set_speed(self, link, baud):
        assert link is self
        if baud in self.unknown:
            raise LinkError(f"{baud} baud is not known to this system")
        self.speeds.append(baud)
        self.data = misread(self.says, sent_at=self.sent_at, read_at=baud, gap_bits=400)

    def read(self, timeout):
        self.clock.now += 0.1
        piece, self.data = self.data[:300], self.data[300:]
        return piece

    def probe(self, *profiles, first=115200):
        return probe.try_speeds(
            self,
            profiles or [MONITOR],
            first,
            seconds=2.0,
            set_speed=self.set_speed,
            say=self.trials.append,
            clock=self.clock,
        )


@pytest.mark.parametrize("sent_at", [1200, 9600, 19200, 57600, 230400, 921600])
def test_the_speed_is_found(sent_at):
    device = Device(frames(40), sent_at)
    best = device.probe()
    assert (best.baud, best.profile) == (sent_at, MONITOR)
    assert best.share > 0.95
    assert device.speeds[-1] == sent_at  # and set


@pytest.mark.parametrize("sent_at", [19200, 57600, 230400, 921600])
def test_what_comes_at_a_wrong_speed_says_which_to_try_next(sent_at):
    device = Device(frames(200), sent_at)
    device.probe()
    assert [trial.baud for trial in device.trials] == [115200, sent_at]


def test_the_right_speed_at_once_ends_the_search():
    device = Device(frames(40), 9600)
    assert device.probe(first=9600).sure
    assert len(device.trials) == 1


def test_the_format_is_found_too():
    device = Device(frames(40, WEATHER), 57600)
    best = device.probe(MONITOR, WEATHER)
    assert (best.baud, best.profile.name) == (57600, WEATHER.name)


def test_text_that_no_profile_reads_still_has_its_speed():
    device = Device(b"READY 12 OK\r\n" * 400, 57600)
    best = device.probe()
    assert (best.baud, best.reads) == (57600, False)
    assert len(device.trials) == 2
    assert "plain text" in best.diagnosis.findings()


def test_a_silent_device_is_listened_to_at_every_speed():
    device = Device(b"", 9600)
    best = device.probe()
    assert best.data == b""
    assert sorted(trial.baud for trial in device.trials) == sorted(probe.COMMON_BAUD)


def test_a_speed_that_the_system_does_not_know_is_passed_over():
    device = Device(frames(40), 9600, unknown=(115200, 250000))
    assert device.probe().baud == 9600
    with pytest.raises(LinkError, match="is not known to this system"):
        Device(frames(40), 9600, unknown=probe.COMMON_BAUD).probe()


def test_of_two_profiles_that_read_it_the_users_wins():
    other = MONITOR.model_copy(update={"name": "other"})
    assert probe.judge(frames(10), [MONITOR, other], None).profile is MONITOR


def test_the_first_line_may_be_half_a_line():
    assert probe.judge(frames(10)[20:], [MONITOR], None).share == 1.0


@pytest.mark.parametrize(("rate_hz", "seconds"), [(100.0, 2.0), (0.5, 5.0), (0.001, 30.0)])
def test_a_slow_device_is_listened_to_longer(rate_hz, seconds):
    assert probe.listen_s([MONITOR.model_copy(update={"rate_hz": rate_hz})]) == seconds


def test_a_link_that_ends_or_is_lost_has_said_what_it_said():
    class Ends:
        def __init__(self, last):
            self.pieces = [b"T:1\n", last]

        def read(self, timeout):
            piece = self.pieces.pop(0)
            if isinstance(piece, Exception):
                raise piece
            return piece

    assert probe.listen(Ends(None), 1.0) == b"T:1\n"
    assert probe.listen(Ends(LinkLost("gone")), 1.0) == b"T:1\n"


def test_what_was_looked_at_is_given_back_first():
    class Rest:
        name, mid_stream, closed = "socket://x", False, False

        def read(self, timeout):
            return b"rest"

        def write(self, data):
            return len(data)

        def close(self):
            self.closed = True

    link = Rest()
    with probe.Rewound(link, b"looked at ") as rewound:
        assert [rewound.read(0), rewound.read(0)] == [b"looked at ", b"rest"]
        assert (rewound.name, rewound.mid_stream, rewound.write(b"ab")) == ("socket://x", False, 2)
    assert link.closed
