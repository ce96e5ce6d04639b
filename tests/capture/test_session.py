"""A session: several recordings and the file that joins them."""

import json

import numpy as np
import pytest

from sensorkit.capture import Session, write_recording
from sensorkit.capture.session import is_session, refresh
from sensorkit.capture.session_file import closed, write_session
from sensorkit.errors import RecordingError
from sensorkit.profile import Profile
from sensorkit.readings import FaultLabel, Readings

S = 1_000_000_000
START = 1_700_000_000 * S
PUMP = Profile.from_dict(
    {"name": "pump", "rate_hz": 1.0, "channels": [{"name": "flow", "unit": "l/s"}]}, "test"
)
MONITOR = Profile.load("serial_monitor")


def device(name, **facts):
    told = {"name": name, "link": f"/dev/{name}", "profile": "pump", "baud": 9600, "folder": name}
    return {**told, "status": "complete", "reason": "the time was up", "counts": None, **facts}


def meta(*devices, **facts):
    told = {"schema_version": 1, "sensorkit": "0", "name": "line", "status": "complete"}
    told |= {"reason": "", "started": "2026-11-21T03:26:47Z", "ended": "2026-11-21T03:27:47Z"}
    return {**told, "devices": list(devices), **facts}


def recorded(folder, profile, times, *, device, value=1.0, labels=None):
    values = np.full((len(times), len(profile.channels)), value)
    time = START + np.array(times, dtype=np.int64) * S
    readings = Readings.build(time, values, profile.channel_names, device=device)
    return write_recording(folder, profile, readings, kind="imported", labels=labels)


@pytest.fixture
def session(tmp_path):
    """Two devices with different channels, and one whose link could not be opened."""
    label = FaultLabel(1, "right", START, START + S, "spike", "flow", "signal", 1.0, None, 0)
    recorded(tmp_path / "left", MONITOR, [0, 2, 4], device="left")
    recorded(tmp_path / "right", PUMP, [1, 2, 3], device="right", value=7.0, labels=[label])
    failed = device("none", status="failed", reason="there is no such port")
    write_session(tmp_path, meta(device("left"), device("right"), failed))
    return Session.open(tmp_path)


def test_the_readings_of_all_devices_come_in_the_order_of_their_times(session):
    readings = session.readings()
    assert ((readings.time - START) // S).tolist() == [0, 1, 2, 2, 3, 4]
    assert readings.device.to_array().tolist() == [
        "left",
        "right",
        "left",
        "right",
        "right",
        "left",
    ]
    assert readings.channels == ("temperature", "voltage", "flow")
    assert np.isnan(readings["flow"]).tolist() == [True, False, True, False, False, True]
    assert (readings.offset == -1).all()


def test_a_device_whose_link_could_not_be_opened_has_no_recording(session):
    assert [recording.name for recording in session.recordings()] == ["left", "right"]
    assert session.names == ("left", "right", "none")
    with pytest.raises(RecordingError, match="has no recording of 'none'; there are left, right"):
        session.recording("none")


def test_the_labels_of_all_devices_are_one_table(session):
    assert session.labels()["device"].tolist() == ["right"]


def test_devices_of_one_name_on_two_links_are_told_apart(tmp_path):
    for name in ("one", "two"):
        recorded(tmp_path / name, PUMP, [0], device="pump-1")
    write_session(tmp_path, meta(device("one"), device("two")))
    found = Session.open(tmp_path).readings().device.to_array().tolist()
    assert found == ["one.pump-1", "two.pump-1"]


def test_labels_call_the_devices_of_one_name_as_the_readings_do(tmp_path):
    label = FaultLabel(1, "pump-1", START, START, "spike", "flow", "signal", 1.0, None, 0)
    recorded(tmp_path / "one", PUMP, [0], device="pump-1")
    recorded(tmp_path / "two", PUMP, [0], device="pump-1", labels=[label])
    write_session(tmp_path, meta(device("one"), device("two")))
    assert Session.open(tmp_path).labels()["device"].tolist() == ["two.pump-1"]


def test_a_session_is_plotted_with_a_line_a_device(session):
    figure = session.plot(["flow", "temperature"])
    assert {trace.name for trace in figure.data} >= {"left", "right"}
    assert figure.layout.meta["alt"].startswith("line: 6 readings of 3 devices. 2 channels")


def test_a_session_is_shown_with_nothing_that_acts(tmp_path):
    evil = "<img src=x onerror=alert(1)>\x1b[2J\u2028"
    write_session(tmp_path, meta(device("a", link=evil, reason=evil), name=evil, reason=evil))
    shown = Session.open(tmp_path)._repr_html_()
    assert "<img" not in shown
    assert "&lt;img" in shown


def test_counts_that_are_no_numbers_do_not_hide_a_session(tmp_path):
    write_session(tmp_path, meta(device("a", counts={"frames": "many", "rejected": {"x": []}})))
    assert "<td" in Session.open(tmp_path)._repr_html_()


@pytest.mark.parametrize(
    ("text", "wanted"),
    [
        ("", "cannot be read as JSON"),
        ("\xff\x00", "cannot be read as JSON"),
        ("[" * 100_000, "cannot be read as JSON"),
        ("[]", "has schema_version None"),
        (json.dumps(meta(device("a"), schema_version=2)), "has schema_version 2"),
        (json.dumps(meta()), "has no list of 'devices'"),
        (json.dumps(meta("a")), "devices.0 does not say its 'name'"),
        (json.dumps(meta({"name": "a"})), "devices.0 does not say its 'link'"),
        (json.dumps(meta(device("a", folder="../x"))), "no name of a folder beside it"),
        (json.dumps(meta(device("a", folder="/etc"))), "no name of a folder beside it"),
        (json.dumps(meta(device("a", folder=".."))), "no name of a folder beside it"),
        (json.dumps(meta(device("a"), device("a"))), "names a device twice"),
        (json.dumps(meta(device("a"), started="now")), "has no time in 'started'"),
        (json.dumps(meta(device("a"), ended=3)), "has no time in 'ended'"),
    ],
)
def test_a_damaged_session_says_what_is_wrong(tmp_path, text, wanted):
    (tmp_path / "session.json").write_bytes(text.encode("latin-1"))
    with pytest.raises(RecordingError) as caught:
        Session.open(tmp_path)
    assert wanted in str(caught.value)


def test_a_recording_is_no_session(tmp_path):
    recorded(tmp_path / "one", PUMP, [0], device="a")
    assert not is_session(tmp_path / "one")
    with pytest.raises(RecordingError, match=r"is no session: it has no session\.json"):
        Session.open(tmp_path / "one")


def test_what_was_left_when_the_command_was_killed_is_brought_up_to_date(tmp_path):
    recorded(tmp_path / "a", PUMP, [0, 5], device="a")
    cut_off = [device("a", status="recording", reason=""), device("b", status="starting")]
    write_session(tmp_path, meta(*cut_off, status="recording", ended=None))
    told = refresh(tmp_path)
    assert [(one["name"], one["status"]) for one in told["devices"]] == [
        ("a", "complete"),
        ("b", "failed"),
    ]
    assert (told["status"], told["reason"]) == ("failed", "b: it was not begun")
    assert told["ended"] == "2023-11-14T22:13:25.000000Z"
    assert Session.open(tmp_path).meta == told


def test_how_a_session_ended_follows_from_its_devices():
    good, bad = device("a"), device("b", status="aborted", reason="it was pulled out")
    assert closed(meta(good, good)) == {"status": "complete", "reason": "the time was up"}
    assert closed(meta(good, bad)) == {"status": "aborted", "reason": "b: it was pulled out"}
    worse = device("d", status="failed", reason="its disk is full")
    assert closed(meta(bad, worse))["status"] == "failed"
    assert closed(meta(good, device("c", reason="stopped")))["reason"] == (
        "a: the time was up; c: stopped"
    )
