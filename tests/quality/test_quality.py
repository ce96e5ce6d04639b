"""A whole recording: what it scores, what is found, and where."""

import json
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from sensorkit.capture import Recording, write_recording
from sensorkit.capture.injected import inject_recording
from sensorkit.datasets import load
from sensorkit.emulator import Emulator
from sensorkit.faults import KINDS, FaultPlan
from sensorkit.profile import Profile, shipped
from sensorkit.quality import DIMENSIONS, StreamingValidator, quality
from sensorkit.quality.layout import EARLY_PERIODS, LATE_PERIODS, LEARN, SPREAD_NS
from sensorkit.readings import Event, Readings, Rejection, RejectReason, Words
from sensorkit.wire.stream import FrameStream

S = 1_000_000_000
HEALTHY = Path(__file__).parents[2] / "datasets" / "serial_monitor_healthy"

ON_THE_LINE = {
    "silence": "completeness",
    "corrupt": "validity",
    "truncate": "validity",
    "merge": "completeness",
    "splice": "completeness",
    "duplicate": "uniqueness",
    "reorder": "consistency",
    "garbage": "validity",
    "endless_line": "completeness",
    "baud_mismatch": "validity",
}
IN_THE_VALUES = {
    "stuck": "consistency",
    "saturation": "consistency",
    "dropout": "completeness",
    "spike": "validity",
    "bias": "validity",
    "drift": "validity",
    "rapid_change": "consistency",
}
"""The last four where the profile says what is expected."""
FOR_DETECTORS = {"noise", "gain", "oscillation", "lag", "correlation_break"}
"""What no check of single readings can tell from a healthy signal."""

OF_A_LIVE_LINK = {
    "reset": "consistency",
    "disconnect": "timeliness",
    "power_cycle": "consistency",
    "jitter": "timeliness",
}
"""What a recording cannot be given afterwards, or does not show where frames carry a clock."""

EXPECTATIONS = [
    {"channel": "temperature", "between": [20, 30]},
    {"channel": "temperature", "max_step": 5},
]


def plan(kind):
    """One fault of a kind in the tenth minute; what it must have, it gets."""
    signal = KINDS[kind].layer == "signal"
    fault = {"kind": kind, "start_s": 600}
    tries = [
        {"duration_s": 30},
        {"duration_s": 30, "magnitude": 8},
        {},
        {"magnitude": 8},
        {"duration_s": 30, "magnitude": 20},
    ]
    if signal:
        tries = [{**one, "channel": "temperature"} for one in reversed(tries)]
    for one in tries:
        try:
            return FaultPlan.from_dict({"faults": [{**fault, **one}]}, "test")
        except Exception as error:  # another form is tried
            last = error
    raise last


@pytest.fixture(scope="module")
def told():
    """The profile with some expectations."""
    monitor = Profile.load("serial_monitor")
    return Profile.from_dict({**monitor.to_dict(), "expectations": EXPECTATIONS}, "test")


@pytest.mark.parametrize(("kind", "dimension"), [*ON_THE_LINE.items(), *IN_THE_VALUES.items()])
def test_each_kind_of_fault_lowers_the_dimension_it_should(tmp_path, told, kind, dimension):
    faulted = inject_recording(Recording.open(HEALTHY), plan(kind), tmp_path / kind, seed=1)
    found = quality(faulted, told)
    assert found.dimensions[dimension] < 100.0
    issues = found.issues[found.issues["dimension"] == dimension]
    start, end = faulted.labels()["start"].min(), faulted.labels()["end"].max()
    slack = pd.Timedelta(seconds=60)
    assert ((issues["end"] >= start - slack) & (issues["start"] <= end + slack)).all()


@pytest.mark.parametrize(("kind", "dimension"), OF_A_LIVE_LINK.items())
def test_so_does_what_only_a_live_link_can_have(monitor, steady, changed, kind, dimension):
    readings, events = steady(100, sequence=kind != "jitter"), []
    if kind in ("reset", "power_cycle"):
        readings = changed(readings, sequence=np.r_[0:50, 0:50])
    if kind in ("disconnect", "power_cycle"):
        readings = readings[np.r_[:50, 60:100]]
        events = [Event(int(readings.time[49]), "link_lost", 50 * 40, {"why": "unplugged"})]
    if kind == "jitter":
        late = np.random.default_rng(1).exponential(2 * S, 100).astype(np.int64)
        readings = changed(readings, time=np.maximum.accumulate(readings.time + late))
    update = StreamingValidator(monitor).update(readings, events=events)
    assert update.dimensions[dimension] < 100.0
    assert ("link_lost" in {one.check for one in update.issues}) == bool(events)
    if kind == "disconnect":
        assert update.dimensions["completeness"] < 100.0


def test_every_kind_of_fault_is_in_a_table():
    known = {*ON_THE_LINE, *IN_THE_VALUES, *OF_A_LIVE_LINK, *FOR_DETECTORS}
    assert known == set(KINDS)


@pytest.mark.parametrize("folder", sorted(HEALTHY.parent.glob("*_healthy")), ids=lambda p: p.name)
def test_the_healthy_recordings_of_the_project_have_hardly_a_flaw(folder):
    assert quality(folder).score >= 99.0


@pytest.mark.parametrize("name", shipped())
def test_what_a_healthy_emulated_device_sends_has_hardly_a_flaw(name):
    profile = Profile.load(name)
    validator = StreamingValidator(profile)
    stream = FrameStream(profile, started_ns=0)
    for frame in Emulator(profile, seed=3, hold=next(iter(profile.states), None)).frames(400):
        batch = stream.feed(round(frame.at_s * 1e9), frame.data)
        validator.take(batch.readings, rejections=batch.rejections, events=batch.events)
    (device,) = validator.followers
    assert device.readings > 300
    assert device.totals.score >= 99.0


def broken(readings, k, how):
    """Break what is about row *k*; return the readings and what became of lost lines."""
    values, rows, lines = readings.values.copy(), np.arange(len(readings)), []
    if how == "missing value":
        values[k, 0] = np.nan
    elif how == "implausible":
        values[k, 1] = 1e6
    elif how == "stuck":
        values[k : k + 20, 1] = 5.5
    elif how == "lost":
        rows = np.delete(rows, range(k, k + 3))
    elif how == "twice":
        rows = np.sort(np.append(rows, k))
    elif how == "rejected":
        at = int(readings.offset[k])
        lines = [Rejection(int(readings.time[k]), at, RejectReason.CHECKSUM, b"")]
        rows = np.delete(rows, k)
    changed = Readings(
        readings.time, np.asfortranarray(values), readings.channels, readings.device,
        readings.status, readings.sequence, readings.offset,
    )  # fmt: skip
    return changed[rows], lines


@pytest.mark.parametrize("sequence", [True, False])
@pytest.mark.parametrize("seed", range(4))
def test_one_more_fault_never_raises_the_score(monitor, steady, seed, sequence):
    rng = np.random.default_rng(seed)
    kinds = ["missing value", "implausible", "stuck", "lost", "twice", "rejected"]
    readings, lines = steady(800, sequence=sequence), []
    before = dict.fromkeys(("score", *DIMENSIONS), 100.0)
    # Places are far from each other and come from behind, so that rows before them stay.
    for k in range(740, 30, -40):
        how = rng.choice(kinds)
        readings, lost = broken(readings, k, how)
        lines += lost
        validator = StreamingValidator(monitor, 10_000)
        validator.update(readings, rejections=lines)
        update = validator.finish()
        now = {"score": update.score}
        assert now["score"] < before["score"], how
        before = now


def test_a_recording_a_session_and_its_folder_are_taken(tmp_path, monitor, steady):
    readings = steady(150)
    write_recording(tmp_path / "one", monitor, readings[np.r_[:50, 60:150]], kind="imported")
    from_folder = quality(tmp_path / "one")
    assert from_folder.name == "one"
    assert from_folder.to_dict() == quality(Recording.open(tmp_path / "one")).to_dict()
    assert from_folder.dimensions["completeness"] == pytest.approx(100 * 140 / 150)


def test_links_with_devices_of_one_name_are_told_apart(tmp_path, monitor, steady):
    class Line:
        name = "line"

        def recordings(self):
            return [Recording.open(tmp_path / name) for name in ("left", "right")]

    for name, rows in (("left", np.arange(50)), ("right", np.r_[:20, 30:50])):
        write_recording(tmp_path / name, monitor, steady(50)[rows], kind="imported")
    found = quality(Line(), window=10)
    assert {name: scores.score for name, scores in found.devices.items()} == {
        "left.monitor-1": 100.0,
        "right.monitor-1": 80.0,
    }
    assert set(found.issues["device"]) == {"right.monitor-1"}
    assert set(found.windows["device"]) == set(found.devices)


def test_of_nothing_there_is_no_score(monitor):
    found = quality(Readings.empty(monitor.channel_names), monitor)
    assert np.isnan(found.score)
    assert found.windows.empty
    assert found.issues.empty
    assert json.loads(json.dumps(found.to_dict(), allow_nan=False))["score"] is None
    assert "readings" in repr(found)


def test_what_is_no_data_is_told_with_what_is_wanted():
    with pytest.raises(TypeError, match=r"data is of type int; a Recording, a Session, .* wanted"):
        quality(42)


def test_the_hover_of_an_issue_says_whose_it_is_where_there_are_several_devices(
    monitor, steady, changed
):
    readings = steady(200)[np.r_[:100, 110:200]]
    names = np.where(np.arange(len(readings)) < 5, "left", "right").tolist()
    one = quality(readings, monitor).plot().to_json()
    two = quality(changed(readings, device=Words.of(names)), monitor).plot().to_json()
    assert "10 frames are missing (right)" in two
    assert "10 frames are missing" in one
    assert "(monitor-1)" not in one


def test_one_reading_is_enough(monitor, steady):
    assert quality(steady(1), monitor).score == 100.0


HOSTILE = "<script>alert(1)</script>\x1b[2J\x00\u2028=cmd()"


def test_what_a_device_says_never_acts(monitor, steady, changed):
    readings = steady(200)
    device = Words.constant(HOSTILE, 200)
    values = readings.values.copy()
    values[50:60, 0] = np.nan
    readings = changed(readings, device=device, values=values)
    other = changed(readings, device=Words.constant("other", 200))
    found = quality(Readings.concat([readings, other]), monitor)
    page, text = found._repr_html_(), repr(found)
    assert "<script>" not in page
    assert "&lt;script&gt;" in page
    assert not any(char in page + text for char in "\x1b\x00\u2028")
    told = json.loads(json.dumps(found.to_dict()))
    assert told["issues"][0]["device"] == HOSTILE


def test_the_card_says_where_it_is_worst(monitor, steady):
    found = quality(steady(300)[np.r_[:120, 150:300]], monitor)
    said = repr(found)
    for text in ("score", "90.0", "30 frames are missing", "worst windows", "completeness"):
        assert text in said


def test_the_figure_has_a_row_for_the_score_and_each_dimension(monitor, steady):
    figure = quality(steady(300)[np.r_[:120, 150:300]], monitor, window=20).plot()
    rows = [
        note.text.removeprefix("<b>").removesuffix("</b>") for note in figure.layout.annotations
    ]
    assert [name for name in rows if name in ("score", *DIMENSIONS)] == ["score", *DIMENSIONS]
    assert figure.layout.meta["alt"].startswith("Data quality of readings. 6 channels: score, ")
    assert "1 issue marked (missing_frames 1)" in figure.layout.meta["alt"]
    assert len({tuple(axis.range) for axis in figure.select_yaxes()}) == 1  # to be compared


def test_tables_are_for_reading_on(monitor, steady):
    found = quality(steady(300)[np.r_[:120, 150:300]], monitor, window=50)
    assert list(found.to_frame().index) == ["temperature", "voltage", "all"]
    assert list(found.to_frame().columns) == ["score", *DIMENSIONS]
    assert found.worst(1)["score"].item() == found.windows["score"].min()
    assert found.issues["start"].dt.tz is not None


# Real data: what is known to be wrong with them comes out, with its place.


def due(time):
    """Rows before gaps, the frames these left out, and frames that came early, by the steps alone.

    The first steps are those that the period is learned from.
    """
    step = np.diff(time)
    learned = np.flatnonzero(step > 0)[:LEARN]
    period = np.sort(step[learned])[LEARN // 2]
    judged = np.arange(len(step)) > learned[-1]
    gaps = np.flatnonzero(judged & (step > LATE_PERIODS * period + SPREAD_NS))
    early = (judged & (step < EARLY_PERIODS * period)).sum()
    return gaps, np.round(step[gaps] / period).astype(int) - 1, early


@pytest.mark.data
def test_the_gaps_of_skab_are_found(sensorkit_data):
    longest = 0
    for series in load("skab", sensorkit_data / "skab"):
        found = quality(series.readings)
        late = found.issues[found.issues["check"] == "late"]
        missing = found.issues[found.issues["check"] == "missing_frames"]
        gaps, frames, early = due(series.readings.time)
        assert len(gaps) <= late["count"].sum() <= len(gaps) + early
        assert 0 <= frames.sum() - missing["count"].sum() <= early
        if series.name == "other/2":
            most = missing.loc[missing["count"].idxmax()]
            longest = most["count"]
            at = series.readings.time[gaps[frames.argmax()]]
            assert most["start"].value <= at < most["end"].value
    assert longest >= 246  # the gap of 247 s


@pytest.mark.data
def test_times_that_step_back_or_stand_still_are_found_in_nab(sensorkit_data):
    known = {
        "realKnownCause/ec2_request_latency_system_failure": ("same_time", 11),
        "realKnownCause/machine_temperature_system_failure": ("time_backwards", 1),
        "realTraffic/occupancy_t4013": ("same_time", 1),
        "realTraffic/speed_t4013": ("same_time", 1),
    }
    for series in load("nab", sensorkit_data / "nab"):
        counts = quality(series.readings).issues.groupby("check")["count"].sum()
        step = np.diff(series.readings.time)
        assert counts.get("time_backwards", 0) == (step < 0).sum()
        assert counts.get("same_time", 0) == (step == 0).sum()
        if series.name in known:
            check, n = known.pop(series.name)
            assert counts[check] == n
    assert not known


@pytest.mark.data
def test_the_outages_of_debruijn_are_found_where_they_are(sensorkit_data):
    outages = 0
    for series in load("debruijn", sensorkit_data / "debruijn_faults", limit=40):
        time = series.readings.time
        step = np.diff(time)
        gaps, _, _ = due(time)
        gaps = gaps[step[gaps] > 10 * np.median(step[step > 0])]
        found = quality(series.readings)
        late = found.issues[found.issues["check"] == "late"]
        start, end = (late[name].astype("int64").to_numpy() for name in ("start", "end"))
        for gap in gaps:
            assert ((start <= time[gap]) & (end >= time[gap + 1])).any()
        outages += len(gaps)
    assert outages > 50


def test_missing_values_are_counted_channel_by_channel(monitor, steady, changed):
    readings = steady(5000)
    absent = np.random.default_rng(4).random((5000, 2)) < [0.02, 0.2]
    values = np.where(absent, np.nan, readings.values)
    found = quality(changed(readings, values=np.asfortranarray(values)), monitor)
    told = found.issues[found.issues["check"] == "missing_value"]
    assert told.groupby("channel")["count"].sum().tolist() == absent.sum(axis=0).tolist()
    assert found.channels["voltage"] == pytest.approx(100 * (1 - absent[:, 1].mean()))
