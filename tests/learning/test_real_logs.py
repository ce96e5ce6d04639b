"""Logs of real devices: the format that is found, and how much of each log it reads."""

import pytest

from sensorkit.learning import LearnError, frames, learn, of_file, sample
from sensorkit.profile import Profile

pytestmark = pytest.mark.data

WANTED = {
    "imu_quaternion/teraterm.log": ("regex", 1.0, ("w", "x", "y", "z")),
    "weather_arduino/20170410_data.txt": ("csv", 1.0, ("column_2", "column_3", "column_4")),
    "weather_arduino/20170413_run2.txt": ("csv", 1.0, ("column_2", "column_3")),
    "xcvario/putty.log": ("nmea", 0.96, ("POV_P", "POV_Q", "POV_E", "POV_T")),
    "esutton_nmea/AMOD_AGL3080_20121104_134730.txt": ("nmea", 0.99, None),
    "esutton_nmea/Random_NMEA_generator.txt": ("nmea", 0.99, None),
    "vedirect/bluesolar_1.23.dump": ("regex", 0.75, None),
    "vedirect/bvm702.dump": ("regex", 0.75, None),
}
"""Log -> format, least share of its lines, channels. VE.Direct has lines without a number."""

BINARY = {"pms5003/putty.log", "gpsd/zodiac.log", "gpsd/rtcm3.log", "gpsd/greis-test.log"}

SENTENCES = ("gpsd", "pynmeagps")
"""Folders of NMEA 0183, beside which there are binary logs and some of a few lines."""
LEAST = 0.6
"""firefly-II.log has wrong checksums in a third of its sentences; no profile can read those."""


@pytest.mark.parametrize("name", WANTED)
def test_the_log_of_a_real_device_is_read(name, sensorkit_data, tmp_path):
    form, least, channels = WANTED[name]
    learned = learn(of_file(sensorkit_data / "serial_logs" / name))
    assert learned.profile.frame.format == form
    assert learned.share >= least
    if channels:
        assert learned.profile.channel_names == channels
    path = tmp_path / "learned.yaml"
    path.write_text(learned.yaml, encoding="utf-8")
    assert Profile.load(path) == learned.profile


@pytest.mark.parametrize("name", sorted(BINARY))
def test_a_binary_log_is_refused_with_a_sentence(name, sensorkit_data):
    with pytest.raises(LearnError, match="no text"):
        learn(of_file(sensorkit_data / "serial_logs" / name))


@pytest.mark.parametrize("folder", SENTENCES)
def test_every_log_of_sentences_is_read_or_refused(folder, sensorkit_data):
    read = refused = 0
    for path in sorted((sensorkit_data / "serial_logs" / folder).glob("*.log")):
        try:
            taken = sample.take(path.read_bytes(), path.name)
        except LearnError:
            refused += 1
            continue
        found = frames.guess(taken, path.name)
        lines = len(taken.lines)
        if path.name != "pygpsdata_quectel_pair_poll.log":  # commands that carry no number
            assert found.draft.frame["format"] == "nmea", path.name
            assert found.share >= LEAST or lines < 20, path.name
        read += 1
    assert read >= 20
    assert refused <= read
