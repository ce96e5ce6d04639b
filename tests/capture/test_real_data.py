"""Real serial logs through a real pty, and real tables, against independent counts."""

import collections
import csv
import functools
import operator
import re
import sys
from importlib.metadata import EntryPoint
from pathlib import Path

import numpy as np
import pytest

from sensorkit.capture import Recording, RecordingWriter
from sensorkit.capture.importing import import_csv
from sensorkit.capture.recorder import record
from sensorkit.capture.replay import replay
from sensorkit.profile import Profile, codec_plugins
from sensorkit.wire.links import open_link

pytestmark = pytest.mark.data

EXAMPLES = Path(__file__).parents[2] / "examples"
PROFILES = EXAMPLES / "profiles"
VEDIRECT = EXAMPLES / "sensorkit-vedirect"

XCVARIO = {
    "name": "vario",
    "rate_hz": 1.0,
    "channels": [{"name": "pressure", "unit": "hPa"}, {"name": "temperature", "unit": "°C"}],
    "frame": {"format": "nmea", "sentences": {"POV": {"pressure": 2, "temperature": 8}}},
}


def logs(folder):
    """All logs of a folder, one after the other."""
    paths = sorted(p for p in folder.iterdir() if p.suffix in {".log", ".txt"})
    assert paths
    return b"".join(path.read_bytes() for path in paths)


def count_nmea(data):
    """The independent count: (good sentences, all lines)."""
    lines = [line.removesuffix(b"\r") for line in data.split(b"\n")[:-1]]
    good = 0
    for line in lines:
        match = re.fullmatch(rb"[$!]([^\x00-\x1f\x7f-\xff]*)\*([0-9A-Fa-f]{2})", line)
        if match and functools.reduce(operator.xor, match[1], 0) == int(match[2], 16):
            good += 1
    return good, len(lines)


class ThroughPty:
    """Sends bytes into a pty as they are read out of it: a real wire without a second thread."""

    mid_stream = True

    def __init__(self, pair, link, data):
        self.name = link.name
        self._pair, self._link, self._left = pair, link, data

    def read(self, timeout):
        if self._left:
            # In pieces that fall anywhere in the frames.
            self._left = self._left[self._pair.master.write(self._left[:1237]) :]
            return self._link.read(timeout)
        return self._link.read(timeout) or None

    def write(self, data):
        return self._link.write(data)

    def close(self):
        self._link.close()


def capture(folder, profile, data):
    """Capture *data* from a pty; check what every recording promises."""
    if sys.platform == "win32":
        pytest.skip("no pseudo-terminals on Windows")
    from sensorkit.wire.links import open_pty

    with open_pty() as pair, open_link(pair.port) as link:
        writer = RecordingWriter(folder, profile, link={"url": pair.port}, fsync=None)
        list(record(ThroughPty(pair, link, data), writer))
    return checked(folder, data)


def checked(folder, data):
    """Open a recording of *data*; check what every one promises."""
    recording = Recording.open(folder)
    assert (folder / "raw.log").read_bytes() == data
    counts = recording.counts
    assert counts["received_bytes"] == len(data)
    assert counts["received_bytes"] == sum(
        counts[f"{place}_bytes"] for place in ("accepted", "rejected", "terminator", "tail")
    )
    assert len(recording.readings()) == counts["frames"]
    assert len(recording.errors()) == sum(counts["rejected"].values())
    assert recording.verify() == []
    assert replay(recording) == []
    return recording


def capture_file(folder, profile, path):
    """Capture a file from a `file:` link; check what every recording promises."""
    with open_link(f"file:{path}") as link:
        writer = RecordingWriter(folder, profile, link={"url": str(path)}, fsync=None)
        list(record(link, writer))
    return checked(folder, path.read_bytes())


@pytest.mark.pty
@pytest.mark.parametrize(
    ("folder", "profile", "values_unread"),
    [
        ("gpsd", "nmea_gps.yaml", 0),
        # One sentence has a right checksum and a speed of `X.138`, on purpose.
        ("pynmeagps", "nmea_gps.yaml", 1),
        ("esutton_nmea", "nmea_gps.yaml", 0),
        ("xcvario", XCVARIO, 0),
    ],
)
def test_each_sentence_of_a_real_log_is_accounted_for(
    sensorkit_data, tmp_path, folder, profile, values_unread
):
    data = logs(sensorkit_data / "serial_logs" / folder)
    good, lines = count_nmea(data)
    assert good > 20
    if isinstance(profile, dict):
        profile = Profile.from_dict(profile, "test")
    else:
        profile = Profile.load(PROFILES / profile)
    recording = capture(tmp_path / "rec", profile, data)
    rejected = recording.counts["rejected"]
    assert rejected.get("number", 0) == values_unread
    assert recording.counts["frames"] + values_unread == good
    # An overlong line is one line, whatever it held.
    assert recording.counts["frames"] + sum(rejected.values()) == lines


@pytest.mark.pty
def test_a_real_vario_says_what_its_log_says(sensorkit_data, tmp_path):
    data = logs(sensorkit_data / "serial_logs" / "xcvario")
    recording = capture(tmp_path / "rec", Profile.from_dict(XCVARIO, "test"), data)
    said = re.findall(rb"\$POV,P,([\d.]+),Q,[-\d.]+,E,[-\d.]+,T,([\d.]+)\*", data)
    assert recording.texts() == [tuple(v.decode() for v in row) for row in said]
    assert recording.errors()["line"].tolist()[0].startswith("=~=~=~=~=~")


def sort_nmea(data):
    """The independent count of each sort of line, by the rules of NMEA 0183."""
    *lines, tail = data.split(b"\n")
    sorts = collections.Counter(other=len(tail) > 512)  # one that is too long need not end
    for line in lines:
        inner, star, digits = line.removesuffix(b"\r")[1:].rpartition(b"*")
        if len(line) > 512 or line[:1] not in (b"$", b"!") or not PRINTABLE(line):
            sorts["other"] += 1
        elif not star:
            sorts["missing"] += 1
        else:
            right = f"{functools.reduce(operator.xor, inner, 0):02X}".encode()
            sorts["good" if digits.upper() == right else "bad"] += 1
    return sorts


PRINTABLE = re.compile(rb"[ -~]*\r?").fullmatch


@pytest.mark.parametrize("folder", ["gpsd", "pynmeagps", "esutton_nmea", "xcvario"])
def test_each_single_log_holds_as_many_good_and_bad_sentences_as_an_independent_count(
    sensorkit_data, tmp_path, folder
):
    profile = Profile.load(PROFILES / "nmea_gps.yaml")
    if folder == "xcvario":
        profile = Profile.from_dict(XCVARIO, "test")
    every = collections.Counter()
    for path in sorted((sensorkit_data / "serial_logs" / folder).iterdir()):
        if path.suffix not in {".log", ".txt"}:
            continue
        sorts = sort_nmea(path.read_bytes())
        recording = capture_file(tmp_path / path.stem, profile, path)
        rejected = collections.Counter(recording.counts["rejected"])
        # Of one sentence the checksum is right and the speed no number, on purpose.
        good = recording.counts["frames"] + rejected.pop("number", 0)
        bad, missing = rejected.pop("checksum", 0), rejected.pop("checksum_missing", 0)
        said = {"good": good, "bad": bad, "missing": missing, "other": rejected.total()}
        assert said == {sort: sorts[sort] for sort in said}, path.name
        every += sorts
    # So that nothing is proved of nothing.
    expected = {"gpsd": (10314, 25), "pynmeagps": (785, 4), "esutton_nmea": (3431, 0)}
    assert (every["good"], every["bad"]) == expected.get(folder, (25, 0))


@pytest.mark.parametrize("name", ["20170410_data.txt", "20170413_run2.txt"])
def test_each_row_of_a_real_weather_station_is_accounted_for(sensorkit_data, tmp_path, name):
    path = sensorkit_data / "serial_logs" / "weather_arduino" / name
    lines = [line.rstrip("\r") for line in path.read_bytes().decode("ascii").split("\n")[:-1]]
    good = [line.split(",")[1:] for line in lines if not line.startswith("#")]
    plain = [row for row in good if len(row) == 3]
    expected = [tuple("" if v.strip() in {"M", "NAN", ""} else v for v in row) for row in plain]
    recording = capture_file(tmp_path / "rec", Profile.load(PROFILES / "weather_csv.yaml"), path)
    assert recording.counts["frames"] == len(plain)
    assert recording.counts["frames"] + sum(recording.counts["rejected"].values()) == len(lines)
    assert recording.texts() == expected


@pytest.mark.pty
def test_a_real_weather_station_loses_its_first_row_at_a_port_opened_in_the_middle_of_it(
    sensorkit_data, tmp_path
):
    path = sensorkit_data / "serial_logs" / "weather_arduino" / "20170410_data.txt"
    profile = Profile.load(PROFILES / "weather_csv.yaml")
    data = path.read_bytes()
    whole = capture_file(tmp_path / "whole", profile, path)
    # The station's clock is cut through: what is left looks like a row.
    opened = capture(tmp_path / "opened", profile, data[10:])
    assert opened.errors()["reason"].tolist()[0] == "partial_start"
    assert opened.texts() == whole.texts()[1:]


def test_each_line_of_a_real_motion_sensor_is_read_by_a_pattern(sensorkit_data, tmp_path):
    path = sensorkit_data / "serial_logs" / "imu_quaternion" / "teraterm.log"
    said = [
        tuple(text for text in line.split() if text.lstrip("-").isdigit())
        for line in path.read_text(encoding="ascii").splitlines()
    ]
    recording = capture_file(tmp_path / "rec", Profile.load(PROFILES / "imu_regex.yaml"), path)
    assert recording.texts() == said
    assert (len(said), recording.counts["rejected"]) == (388, {})


@pytest.fixture
def installed(monkeypatch):
    """Load the example package of VE.Direct as if it were installed."""
    monkeypatch.syspath_prepend(VEDIRECT)
    entry = EntryPoint("vedirect", "sensorkit_vedirect:VeDirectCodec", codec_plugins.GROUP)
    monkeypatch.setattr(codec_plugins, "installed", lambda: {"vedirect": entry})


def sort_blocks(data):
    """The independent count: (right sums, wrong sums, messages of the other protocol)."""
    messages = re.findall(rb":[0-9A-F]+\n", data)
    data = re.sub(rb":[0-9A-F]+\n", b"", data)
    data = data[data.index(b"\r\n") :]
    parts = re.split(rb"(?s)(Checksum\t.)", data)
    sums = [sum(a + b) % 256 for a, b in zip(parts[::2], parts[1::2], strict=False)]
    return sums.count(0), len(sums) - sums.count(0), len(messages)


@pytest.mark.parametrize(
    ("log", "name", "wanted"),
    [
        ("bvm702.dump", "battery_monitor.yaml", (906, 0, 0)),
        # Counted without taking the messages out, eight blocks would be wrong.
        ("bluesolar_1.23.dump", "solar_charger.yaml", (248, 0, 7)),
    ],
)
def test_each_block_of_a_real_vedirect_log_is_accounted_for(
    sensorkit_data, tmp_path, installed, log, name, wanted
):
    path = sensorkit_data / "serial_logs" / "vedirect" / log
    data = path.read_bytes()
    good, bad, messages = sort_blocks(data)
    assert (good, bad, messages) == wanted
    profile = Profile.load(VEDIRECT / name)
    recording = capture_file(tmp_path / "rec", profile, path)
    rejected = recording.counts["rejected"]
    assert recording.counts["frames"] == good
    # What stands before the first block of one log is the last byte of another.
    assert rejected == ({"syntax": 1, "type": messages} if messages else {})
    volts = [float(mv) / 1000 for mv in re.findall(rb"\r\nV\t(\d+)\r\n(?=[^:]*?Checksum)", data)]
    column = recording.readings().values[:, 0]
    assert column[~np.isnan(column)].tolist() == volts[: np.count_nonzero(~np.isnan(column))]
    assert np.count_nonzero(~np.isnan(column)) >= good / 2


def test_a_damaged_vedirect_log_loses_the_damaged_blocks_and_no_other(
    sensorkit_data, tmp_path, installed
):
    data = bytearray((sensorkit_data / "serial_logs" / "vedirect" / "bvm702.dump").read_bytes())
    rng = np.random.default_rng(702)
    for place in rng.choice(len(data), 60, replace=False).tolist():
        data[place] ^= 1 << int(rng.integers(8))
    path = tmp_path / "damaged.dump"
    path.write_bytes(data)
    good, bad, _ = sort_blocks(bytes(data))
    recording = capture_file(
        tmp_path / "rec", Profile.load(VEDIRECT / "battery_monitor.yaml"), path
    )
    # A flipped bit in the line end before the first label shows beside the sum.
    assert bad > 30
    assert good - 5 <= recording.counts["frames"] <= good


def check_import(recording, path, time, expected):
    """Compare an import with what the csv module of the standard library reads."""
    with path.open(newline="", encoding="utf-8") as file:
        rows = list(csv.DictReader(file))
    readings = recording.readings()
    assert len(readings) == len(rows)
    assert len(recording.errors()) == 0
    for name, column in expected.items():
        assert readings.channel(name).tolist() == [float(row[column]) for row in rows]
        texts = [row[recording.profile.channel_names.index(name)] for row in recording.texts()]
        assert texts == [row[column] for row in rows]
    assert recording.verify() == []
    assert replay(recording) == []
    return rows, readings


def test_the_machine_temperature_of_nab_is_imported(sensorkit_data, tmp_path):
    path = sensorkit_data / "nab/data/realKnownCause/machine_temperature_system_failure.csv"
    recording = import_csv(path, time="timestamp", out=tmp_path / "rec")
    rows, readings = check_import(recording, path, "timestamp", {"value": "value"})
    seconds = readings.time.astype("M8[ns]").astype("M8[s]").astype(str).tolist()
    times = [text.replace("T", " ") for text in seconds]
    assert times == [row["timestamp"] for row in rows]
    assert recording.profile.rate_hz == pytest.approx(1 / 300)
    source = recording.meta["source"]
    steps = np.diff(np.array([row["timestamp"] for row in rows], dtype="M8[s]").astype(int))
    assert source["decreasing_times"] == int((steps < 0).sum()) == 1
    assert source["duplicate_times"] == int((steps == 0).sum())


def test_an_arduino_station_is_imported_with_its_marked_errors(sensorkit_data, tmp_path):
    path = sensorkit_data / "arduino_station" / "station_arduino.csv"
    recording = import_csv(path, time="time", label="error", out=tmp_path / "rec")
    numbers = ("hygrometer", "moisture", "air_humidity", "tempC", "tempF")
    rows, readings = check_import(recording, path, "time", {name: name for name in numbers})
    assert recording.meta["source"]["time_format"] == "%y-%m-%dT%H:%M:%S"
    assert list(recording.meta["source"]["left_out"]) == ["annotation"]
    assert str(np.datetime64(int(readings.time[0]), "ns"))[:19] == f"20{rows[0]['time']}"
    assert np.diff(readings.time).min() > 0
    labels = recording.labels()
    inside = np.zeros(len(rows), dtype=bool)
    for start, end in zip(labels["start"], labels["end"], strict=True):
        inside |= (readings.time >= start.value) & (readings.time <= end.value)
    assert inside.tolist() == [row["error"] == "1" for row in rows]


def test_a_mote_of_the_intel_laboratory_is_imported(sensorkit_data, tmp_path):
    folder = sensorkit_data / "debruijn_faults" / "intel" / "injected_bias"
    (path,) = folder.glob("mote=1_*.txt")
    recording = import_csv(
        path,
        time="timestamp",
        label="has_fault_type",
        device_column="mote_id",
        leave_out=["set_id"],
        out=tmp_path / "rec",
    )
    columns = {"light": "light", "temperature": "temperature"}
    rows, readings = check_import(recording, path, "timestamp", columns)
    assert rows[0]["timestamp"].startswith("'")
    assert str(np.datetime64(int(readings.time[0]), "ns"))[:19] == rows[0]["timestamp"].strip("'")
    marked = sum(row["has_fault_type"] != "0" for row in rows)
    labels = recording.labels()
    inside = [
        int(((readings.time >= start.value) & (readings.time <= end.value)).sum())
        for start, end in zip(labels["start"], labels["end"], strict=True)
    ]
    assert sum(inside) == marked > 0
