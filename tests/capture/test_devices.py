"""A link with several devices: recorded, replayed, recovered and summed up."""

import json

import pytest

from sensorkit import detect
from sensorkit.capture import Recording, RecordingWriter, summary
from sensorkit.capture.recorder import record
from sensorkit.capture.recover import recover
from sensorkit.capture.replay import replay
from sensorkit.cli.capture.watching import Watch
from sensorkit.cli.detect.one import Wanted, examine
from sensorkit.profile import Profile

S = 1_000_000_000


@pytest.fixture
def line_of_three():
    told = Profile.load("serial_monitor").to_dict()
    frame = {**told["frame"], "device": "D", "checksum": "none"}
    return Profile.from_dict({**told, "devices": ["a", "b", "c"], "frame": frame}, "test")


@pytest.fixture
def pieces():
    """a counts on, b misses two frames and falls silent after 6 s, c never says anything."""
    said = []
    for second in range(20):
        said.append((second + 1.0, b"D:a,T:21.50,V:5.01,S:NORMAL,N:%d\n" % second))
        number = second + 2 * (second > 3)
        if second < 6:
            said.append((second + 1.25, b"D:b,T:95.50,V:5.01,S:NORMAL,N:%d\n" % number))
    return said


def test_a_link_with_several_devices_is_rebuilt_byte_for_byte(capture, line_of_three, pieces):
    recording = capture(pieces, profile=line_of_three)
    assert replay(recording) == []
    readings = recording.readings()
    assert (readings.device.to_array() == "b").sum() == 6
    told = [(e["kind"], e["details"].get("device")) for e in recording.events()]
    assert told == [
        ("link_opened", None),
        ("heartbeat_lost", "c"),
        ("sequence_gap", "b"),
        ("heartbeat_lost", "b"),
    ]
    assert (recording.counts["lost"], recording.counts["silences"]) == (2, 2)


def test_what_was_cut_off_is_recovered_with_all_devices(capture, line_of_three, pieces):
    recording = capture(pieces, profile=line_of_three)
    whole = {name: (recording.dir / name).read_bytes() for name in ("structured_metrics.csv",)}
    (recording.dir / "manifest-sha256.txt").unlink()
    (recording.dir / "structured_metrics.csv").write_text("torn")
    recovered = recover(recording.dir)
    for name, content in whole.items():
        assert (recovered.dir / name).read_bytes() == content


def test_the_summary_has_a_line_a_device(capture, line_of_three, pieces):
    told = summary.summarize(capture(pieces, profile=line_of_three))
    rows = {row["device"]: row for row in told["by_device"]}
    assert [*rows] == ["a", "b", "c"]
    assert (rows["a"]["frames"], rows["a"]["lost"], rows["a"]["rate_hz"]) == (20, 0, 1.0)
    assert (rows["b"]["frames"], rows["b"]["lost"], rows["b"]["silences"]) == (6, 2, 1)
    assert (rows["c"]["frames"], rows["c"]["silences"], rows["c"]["first"]) == (0, 1, None)
    assert told["rate_hz"] == 2.0
    json.dumps(told, allow_nan=False)


def test_the_summary_of_one_device_counts_what_is_told_of_nobody(capture):
    lines = [(t, b"T:21.50,V:5.01,S:NORMAL,N:%d\n" % (3 * t)) for t in (1, 2, 3, 20)]
    (row,) = summary.summarize(capture(lines))["by_device"]
    assert (row["device"], row["frames"], row["silences"]) == ("monitor-1", 4, 1)
    assert row["lost"] == 2 + 2 + 50


def test_the_rules_find_in_the_recording_what_they_said_of_each_device(
    capture, line_of_three, pieces
):
    found = examine(
        capture(pieces, profile=line_of_three), Wanted(None, [], None, None, 1.0, None)
    ).rows
    assert [(row["type"], row["device"]) for row in found] == [
        ("THRESHOLD_BREACH_TEMP", "b"),
        ("HEARTBEAT_LOSS", "c"),
        ("HEARTBEAT_LOSS", "b"),
    ]


def test_what_is_said_while_it_is_captured_is_what_is_found_in_the_recording(
    list_link, line_of_three, pieces, tmp_path
):
    link = list_link([*pieces, (30.0, None)])
    writer = RecordingWriter(
        tmp_path / "live", line_of_three, link={"url": "list"}, started_ns=link.now, fsync=None
    )
    rules = detect.make("rules", profile=line_of_three)
    watch = Watch(record(link, writer, clock=link.clock), rules, quiet=True, baud=None)
    watch.run()
    watch.finish()
    said = json.loads((writer.dir / "derived" / "anomaly_report.json").read_text())
    wanted = Wanted(None, [], None, None, 1.0, None)
    found = examine(Recording.open(writer.dir), wanted).rows
    assert said == found
    assert [row["device"] for row in said] == ["b", "c", "b", "a"]
    # One that is silent at the end is so until then.
    ended = Recording.open(writer.dir).meta["ended"]
    assert [row["end"] for row in said if row["type"] == "HEARTBEAT_LOSS"] == [ended] * 3


def test_labels_and_alerts_name_the_device(capture, line_of_three, pieces):
    recording = capture(pieces, profile=line_of_three)
    rules = detect.make("rules", profile=recording.profile)
    (alert,) = detect.report(detect.watch(rules, recording.readings()))
    assert alert["device"] == "b"


def test_a_recording_of_several_devices_is_shown_as_such(capture, line_of_three, pieces):
    recording = Recording.open(capture(pieces, profile=line_of_three).dir)
    assert "a 20, b 6" in recording._repr_html_()
