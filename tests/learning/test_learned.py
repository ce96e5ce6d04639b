"""A profile from a recording, a log, readings: it reads what it came from, and says what it is."""

import numpy as np
import pytest
import yaml
from device_logs import log

from sensorkit.capture import Recording, RecordingWriter
from sensorkit.capture.recorder import record
from sensorkit.detect import make
from sensorkit.emulator import Emulator
from sensorkit.learning import (
    LearnError,
    check,
    failures,
    learn,
    of_bytes,
    of_file,
    of_readings,
    of_recording,
)
from sensorkit.profile import Profile
from sensorkit.readings import Readings
from sensorkit.wire.stream import FrameStream

S = 1_000_000_000
START = 1_700_000_000 * S


class Pieces:
    """A link whose pieces come one a second, and the clock that says so."""

    name = "test"

    def __init__(self, pieces):
        self.pieces = list(pieces)
        self.now = START

    def read(self, timeout):
        self.now += S
        return self.pieces.pop(0) if self.pieces else None


def captured(folder, pieces, profile):
    """A recording of pieces that came one a second."""
    link = Pieces(pieces)
    writer = RecordingWriter(folder, profile, started_ns=START, fsync=None)
    for _ in record(link, writer, clock=lambda: link.now):
        pass
    return Recording.open(folder)


def device(n=1500, **settings):
    emulator = Emulator(Profile.load("serial_monitor"), hold="NORMAL", seed=1, **settings)
    return [frame.data for frame in emulator.frames(n)]


@pytest.fixture(scope="module")
def learned():
    return learn(of_bytes(b"".join(device()), "bench"))


def test_every_line_that_a_hand_written_profile_reads_is_read(learned):
    data = b"".join(device()) + b"noise\nT:1,V\n"
    counts = []
    for profile in (Profile.load("serial_monitor"), learned.profile):
        stream = FrameStream(profile)
        stream.feed(0, data)
        counts.append(stream.counts.frames)
    assert counts == [1500, 1500]


def test_the_yaml_is_the_profile_and_says_where_it_comes_from(learned, tmp_path):
    path = tmp_path / "bench.yaml"
    path.write_text(learned.yaml, encoding="utf-8")
    assert Profile.load(path) == learned.profile
    for line in ("Learned by", "worth", "lay in", "Status words seen: NORMAL 1500"):
        assert line in learned.yaml
    assert max(map(len, learned.yaml.splitlines())) < 250
    assert learned.yaml.isprintable() or set(learned.yaml) - {"\n"}


def test_what_was_learned_from_breaches_no_rule(learned):
    stream = FrameStream(learned.profile)
    readings = stream.feed(START, b"".join(device())).readings
    assert not list(make("rules", profile=learned.profile).alerts(readings))


def test_what_is_far_away_breaches_a_rule(learned):
    stream = FrameStream(learned.profile)
    hot = [b"T:95.00,V:5.01,S:CRITICAL_TEMP,N:%d,U:%d.000\n" % (i, i) for i in range(1, 20)]
    readings = stream.feed(START, b"".join(hot)).readings
    assert len(readings) == 19  # neither the value nor the new word makes it no frame
    assert list(make("rules", profile=learned.profile).alerts(readings))


def test_the_learned_device_can_be_emulated_and_speaks_as_the_old_one(learned):
    frames = list(Emulator(learned.profile, seed=3).frames(50))
    stream = FrameStream(Profile.load("serial_monitor"))
    stream.feed(0, b"".join(frame.data for frame in frames))
    assert stream.counts.frames == 50
    assert b"S:NORMAL" in frames[0].data


def test_learning_from_the_emulation_of_the_learned_gives_the_same_again(learned):
    again = b"".join(frame.data for frame in Emulator(learned.profile, seed=5).frames(1500))
    twice = learn(of_bytes(again, "again")).profile
    for one, two in zip(learned.profile.channels, twice.channels, strict=True):
        assert two.waveform.noise.sigma == pytest.approx(one.waveform.noise.sigma, rel=0.15)


def test_a_recording_of_nothing_but_rejected_lines_will_do(tmp_path):
    unknown = Profile.model_validate(
        {
            "name": "other",
            "rate_hz": 1.0,
            "channels": [{"name": "x"}],
            "frame": {"format": "json"},
        }
    )
    recording = captured(tmp_path / "a", device(sequence=False, uptime=False), unknown)
    assert recording.counts["frames"] == 0
    learned = learn(of_recording(recording))
    assert learned.frames == 1500
    assert learned.profile.rate_hz == 1.0
    assert learned.profile.heartbeat_s == 5.0
    assert "by the times they came" in learned.yaml


def test_readings_without_bytes_give_a_profile_without_frames():
    values = np.random.default_rng(1).normal(20, 1, (500, 1))
    readings = Readings.build(np.arange(500) * 60 * S, values, ("T in °C",))
    learned = learn(of_readings(readings, "table"))
    assert learned.profile.frame is None
    assert learned.profile.channel_names == ("T_in_C",)
    assert learned.profile.rate_hz == pytest.approx(1 / 60)


def test_a_log_in_a_file(tmp_path):
    path = tmp_path / "my log.txt"
    path.write_bytes(log(lambda i, t, h: f"{t:.2f},{h:.1f}"))
    assert learn(of_file(path)).profile.name == "my_log"


def test_the_check_passes_for_the_source_and_fails_for_another():
    data = of_bytes(b"".join(device()), "bench")
    profile = learn(data).profile
    assert not failures(check(data, profile))
    told = yaml.safe_load(learn(data).yaml)
    told["channels"][0]["waveform"]["noise"] = {"sigma": 1.5}
    assert failures(check(data, Profile.model_validate(told)))


def test_a_check_of_a_profile_that_reads_nothing_says_so():
    with pytest.raises(LearnError, match="reads none of it"):
        check(of_bytes(b"21.5\n" * 100, "log"), Profile.load("serial_monitor"))


def test_several_devices_say_how_much_their_levels_differ():
    def form(i, t, h):
        return f"node{1 + i % 3},{t + i % 3:.2f}"

    learned = learn(of_bytes(log(form), "log"))
    waveform = learned.profile.channels[0].waveform
    assert waveform.unit_sigma == pytest.approx(1.0, abs=0.1)
    assert learned.signals[0].values == 100


def test_what_is_learned_does_not_depend_on_how_the_bytes_arrived(tmp_path):
    data = b"".join(device(600))
    profile = Profile.load("serial_monitor")
    cuts = [data[i : i + 97] for i in range(0, len(data), 97)]
    one = learn(of_recording(captured(tmp_path / "a", [data], profile)), name="x")
    many = learn(of_recording(captured(tmp_path / "b", cuts, profile)), name="x")
    assert one.profile.channels == many.profile.channels
    assert one.profile.frame == many.profile.frame
