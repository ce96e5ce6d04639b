from itertools import pairwise

import numpy as np
import pandas as pd
import pytest

from sensorkit.errors import UsageError
from sensorkit.profile import Profile
from sensorkit.quality import StreamingValidator, quality
from sensorkit.readings import Event, Readings, Rejection, RejectReason, Words

S = 1_000_000_000
START = 1_700_000_000 * S

EXPECTATIONS = (
    {"channel": "temperature", "between": [24.5, 25.5], "share": 0.99},
    {"channel": "temperature", "max_step": 0.5},
    {"channel": "voltage", "not_falling": True},
    {"channel": "voltage", "increasing": True},
    {"channel": "voltage", "one_of": [5.0, 5.01]},
    {"channel": "temperature", "unique": True},
    {"channel": "temperature", "not_null": True},
    {"channel": "voltage", "changes_within_s": 3},
    {"channel": "status", "one_of": ["NORMAL"]},
    {"relation": "temperature >= voltage + 20"},
    {"relation": "|temperature - voltage| <= 20.1"},
)


def between(found, first, last):
    """What stands at offsets from *first* up to *last*."""
    return [one for one in found if first <= one.offset < last]


def pieces(dirty, cuts):
    """Cut readings, and what came with them, at rows."""
    readings, rejections, events = dirty
    edges = [0, *cuts, len(readings)]
    for first, last in pairwise(edges):
        low = first * 40 if first else -1
        high = last * 40 if last < len(readings) else 10**9
        yield readings[first:last], between(rejections, low, high), between(events, low, high)


def state(update):
    return update.to_dict(), [
        (one.device, one.start, one.end, one.line, one.scores.to_dict()) for one in update.windows
    ]


def run(validator, dirty, cuts):
    """All issues and windows, and how it stood at the end."""
    closed, windows = [], []
    for readings, rejections, events in pieces(dirty, cuts):
        update = validator.update(readings, rejections=rejections, events=events)
        closed += update.closed
        windows += state(update)[1]
    standing = state(update)[0]
    end = validator.finish()
    return closed + end.closed, windows + state(end)[1], standing


def by_place(windows):
    return sorted(windows, key=lambda one: (one[0], one[3]))


@pytest.mark.parametrize("interval_s", [None, 7.0])
@pytest.mark.parametrize("step", [1, 7, 64])
def test_nothing_depends_on_how_the_readings_are_cut(profile_with, dirty, step, interval_s):
    profile = profile_with(*EXPECTATIONS)
    whole = run(StreamingValidator(profile, 50, interval_s), dirty, [])
    cut = run(StreamingValidator(profile, 50, interval_s), dirty, range(step, 600, step))
    order = lambda one: (one.device, one.first_line, one.check, one.channel or "", one.told)  # noqa: E731
    assert sorted(cut[0], key=order) == sorted(whole[0], key=order)
    assert by_place(cut[1]) == by_place(whole[1])
    assert cut[2] == whole[2]
    assert len({one.check for one in whole[0]}) > 15  # there was something to find


def test_without_a_profile_nothing_depends_on_the_cut_either(dirty):
    readings = dirty
    whole = run(StreamingValidator(window=50), readings, [])
    cut = run(StreamingValidator(window=50), readings, range(1, 600))
    assert cut[2] == whole[2]
    assert by_place(cut[1]) == by_place(whole[1])


def test_the_windows_of_a_whole_recording_are_what_was_said_while_it_came(profile_with, dirty):
    readings = dirty[0]
    profile = profile_with(*EXPECTATIONS)
    told = quality(readings, profile, window=25).windows
    live = StreamingValidator(profile, 25)
    found = []
    for row in range(len(readings)):
        update = live.update(readings[row : row + 1])
        word = readings.device.to_array()[row]
        scores = update.devices[word]
        lines = int((readings.device.to_array()[: row + 1] == word).sum())
        if lines % 25 == 0:
            found.append((word, lines, scores.score, *scores.dimensions.values()))
    columns = ["device", "line", "score", *update.dimensions]
    expected = pd.DataFrame(found, columns=columns).sort_values(["device", "line"])
    got = told.loc[told["line"] % 25 == 0, columns].sort_values(["device", "line"])
    assert len(got) > 20
    pd.testing.assert_frame_equal(got.reset_index(drop=True), expected.reset_index(drop=True))


def test_a_window_forgets_what_is_older_than_it(monitor, steady, changed):
    readings = steady(300)
    values = readings.values.copy()
    values[10:15, 0] = np.nan
    readings = changed(readings, values=values)
    validator = StreamingValidator(monitor, 100)
    assert validator.update(readings[:100]).score == pytest.approx(97.5)
    after = validator.update(readings[100:115])
    assert after.score == 100.0
    assert after.issues == ()


def test_what_is_due_is_missing_while_nothing_comes(monitor, steady):
    validator = StreamingValidator(monitor, 100)
    readings = steady(101)
    validator.update(readings[:100])
    silent = validator.advance(int(readings.time[99]) + 101 * S)
    assert silent.dimensions["completeness"] == 50.0
    assert validator.update(readings[100:]).score == 100.0  # it had been the clock of the host


@pytest.mark.parametrize("sequence", [True, False])
def test_a_gap_counts_the_frames_that_did_not_come(monitor, steady, sequence):
    readings = steady(200, sequence=sequence)
    kept = np.r_[0:100, 110:200]
    found = quality(readings[kept], monitor)
    missing = found.issues[found.issues["check"] == "missing_frames"]
    assert missing["count"].tolist() == [10]
    assert missing["start"].tolist() == [pd.Timestamp(int(readings.time[99]), tz="UTC")]
    assert missing["end"].tolist() == [pd.Timestamp(int(readings.time[110]), tz="UTC")]
    assert found.dimensions["completeness"] == 95.0
    # Without a counter the frame after the gap may be the one that was held up.
    assert found.dimensions["timeliness"] == (100.0 if sequence else 99.5)


def test_frames_that_were_held_up_are_late_and_not_missing(monitor, steady, changed):
    readings = steady(100, sequence=False)
    time = readings.time.copy()
    time[50:60] = time[60]  # all of ten seconds in one read
    found = quality(changed(readings, time=time), monitor)
    assert found.dimensions["completeness"] == 100.0
    assert found.dimensions["timeliness"] < 100.0
    assert "missing_frames" not in set(found.issues["check"])


@pytest.mark.parametrize("what", ["skipped by the counter", "rejected"])
def test_a_frame_after_others_that_were_lost_is_not_late(monitor, steady, what):
    readings = steady(100, sequence=what != "rejected")
    lost, lines = readings[50:60], []
    if what == "rejected":
        places = zip(lost.time.tolist(), lost.offset.tolist(), strict=True)
        lines = [Rejection(t, at, RejectReason.CHECKSUM, b"") for t, at in places]
    validator = StreamingValidator(monitor)
    update = validator.update(readings[np.r_[:50, 60:100]], rejections=lines)
    assert update.dimensions["timeliness"] == 100.0
    assert update.score == 90.0


@pytest.mark.parametrize("lost", [0, 1, 5])
def test_a_frame_that_comes_later_than_those_lost_before_it_account_for_is_late(
    monitor, steady, changed, lost
):
    readings = steady(100)
    time = readings.time.copy()
    time[50:] += 2 * S
    found = quality(changed(readings, time=time)[np.r_[: 50 - lost, 50:100]], monitor)
    assert found.issues.loc[found.issues["check"] == "late", "count"].tolist() == [1]


def test_a_gap_at_the_end_is_counted_when_the_stream_has_ended(monitor, steady):
    readings = steady(100, sequence=False)
    found = quality(readings[np.r_[0:80, 99]], monitor)
    assert found.issues["told"].tolist() == ["1 frame came late", "19 frames are missing"]
    assert found.dimensions["completeness"] == 81.0


def test_a_line_that_was_rejected_is_invalid_and_not_missing_too(monitor, steady):
    readings = steady(100)
    lines = [Rejection(int(readings.time[k]), k * 40, RejectReason.CHECKSUM, b"") for k in (50, 51)]
    validator = StreamingValidator(monitor)
    update = validator.update(readings[np.r_[0:50, 52:100]], rejections=lines)
    assert update.dimensions["validity"] == 98.0
    assert update.dimensions["completeness"] == 100.0
    assert update.error_rate == 0.02


def test_of_frames_that_the_counter_skips_a_rejected_one_has_come(monitor, steady):
    readings = steady(100)
    line = Rejection(int(readings.time[51]), 51 * 40, RejectReason.CHECKSUM, b"")
    update = StreamingValidator(monitor).update(readings[np.r_[0:50, 53:100]], rejections=[line])
    assert [one.told for one in update.issues if one.check == "missing_frames"] == [
        "2 frames are missing"
    ]
    assert update.dimensions["completeness"] == 98.0


@pytest.mark.parametrize("reason", ["header", "empty", "type", "partial_start"])
def test_a_line_that_is_no_frame_is_no_flaw(monitor, steady, reason):
    line = Rejection(START, 0, RejectReason(reason), b"")
    assert StreamingValidator(monitor).update(steady(9), rejections=[line]).score == 100.0


@pytest.mark.parametrize(
    ("rows", "check", "dimension"),
    [
        ([0, 1, 2, 3, 3, 4, 5], "duplicate", "uniqueness"),
        ([0, 1, 2, 4, 3, 5, 6], "out_of_order", "consistency"),
        ([50, 51, 52, 0, 1, 2, 3], "device_reset", "consistency"),
        ([0, 1, 2, 900_000_000, 900_000_001, 900_000_002], "counter_jump", "consistency"),
    ],
)
def test_what_the_counter_shows_is_found(monitor, steady, changed, rows, check, dimension):
    readings = changed(steady(len(rows)), sequence=np.array(rows))
    if check == "duplicate":
        readings = changed(readings, time=START + np.array(rows) * S)
    found = quality(readings, monitor)
    assert check in set(found.issues["check"])
    assert found.dimensions[dimension] < 100.0
    other = {"missing_frames"} if check == "out_of_order" else set()
    assert set(found.issues["check"]) == {check} | other


def test_a_counter_that_begins_again_behind_its_last_number_is_healthy(monitor, steady, changed):
    readings = changed(steady(6), sequence=np.array([253, 254, 255, 0, 1, 2]))
    assert quality(readings, monitor).score == 100.0


def test_a_frame_that_comes_twice_is_found_without_a_counter(monitor, steady, changed):
    readings = steady(20, sequence=False)
    rows = np.r_[0:10, 9, 10:20]
    twice = changed(readings[rows], offset=np.arange(21) * 40)
    found = quality(twice, monitor)
    assert found.issues["check"].tolist() == ["duplicate"]
    assert found.dimensions["uniqueness"] == pytest.approx(100 * 20 / 21)


def test_equal_times_are_told_of_a_table_and_not_of_reads(monitor, steady, changed):
    readings = steady(20, sequence=False)
    time = readings.time.copy()
    time[11] = time[10]
    table = changed(readings, time=time, offset=np.full(20, -1))
    assert "same_time" in set(quality(table, monitor).issues["check"])
    assert "same_time" not in set(quality(changed(readings, time=time), monitor).issues["check"])


def test_a_time_before_the_last_one_is_no_gap(monitor, steady, changed):
    readings = steady(20)
    time = readings.time.copy()
    time[10:] -= 3600 * S
    found = quality(changed(readings, time=time), monitor)
    assert found.issues["check"].tolist() == ["time_backwards"]
    assert found.issues["end"].tolist()[0] == pd.Timestamp(int(readings.time[9]), tz="UTC")


def test_the_rate_is_learned_where_no_profile_says_it(steady):
    readings = steady(200, sequence=False, offset=False)
    found = quality(readings[np.r_[0:100, 105:200]])
    assert found.issues["told"].tolist() == ["1 frame came late", "5 frames are missing"]


def test_events_of_the_host_are_issues_and_flaw_the_next_reading(monitor, steady):
    readings = steady(100)
    events = [
        Event(int(readings.time[50]), "clock_step", 50 * 40, {}),
        Event(int(readings.time[60]), "heartbeat_lost", 60 * 40, {}),
    ]
    update = StreamingValidator(monitor).update(readings, events=events)
    assert [(one.check, one.first_line) for one in update.issues] == [("clock_step", 50)]
    assert update.dimensions["timeliness"] == 99.0


def test_a_restart_is_told_once_where_the_counter_shows_it_too(monitor, steady, changed):
    readings = changed(steady(20), sequence=np.r_[100:110, 0:10])
    event = Event(int(readings.time[10]), "device_reset", 10 * 40, {})
    with_counter = StreamingValidator(monitor).update(readings, events=[event])
    without = StreamingValidator(monitor).update(steady(20, sequence=False), events=[event])
    assert [one.count for one in with_counter.issues] == [1]
    assert [one.check for one in without.issues] == ["device_reset"]


def test_devices_do_not_disturb_each_other(monitor, steady, changed):
    one, two = steady(50, device="a"), steady(50, device="b")
    values = two.values.copy()
    values[:, 0] = np.nan
    two = changed(two, values=values)
    rows = np.arange(100).reshape(2, 50).T.ravel()
    both = Readings.concat([one, two])[rows]
    update = StreamingValidator(monitor).update(both)
    assert {name: scores.score for name, scores in update.devices.items()} == {"a": 100, "b": 50}
    assert update.score == 75.0


def test_lines_that_nobody_can_be_named_for_are_counted_for_the_link(monitor, steady):
    told = monitor.to_dict()
    told["frame"]["device"] = "D"
    profile = Profile.from_dict(told, "test")
    line = Rejection(START, 0, RejectReason.CHECKSUM, b"")
    update = StreamingValidator(profile).update(steady(9, device="a"), rejections=[line])
    assert {name: scores.rejected for name, scores in update.devices.items()} == {"a": 0, "": 1}


def test_lines_rejected_before_the_first_reading_are_of_the_device_that_speaks(monitor, steady):
    validator = StreamingValidator(monitor)
    line = Rejection(START, 0, RejectReason.CHECKSUM, b"")
    assert validator.update(rejections=[line]).error_rate == 1.0
    update = validator.update(steady(9, device="bench"))
    assert list(update.devices) == ["bench"]
    assert update.error_rate == 0.1


def test_lines_rejected_before_it_is_known_what_is_measured_are_kept(steady):
    validator = StreamingValidator()
    line = Rejection(START, 0, RejectReason.CHECKSUM, b"")
    assert np.isnan(validator.update(rejections=[line]).score)
    assert validator.update(steady(9)).error_rate == 0.1


HOSTILE = {
    "no number anywhere": lambda v, t: (v * np.nan, t),
    "infinite": lambda v, t: (np.full_like(v, -np.inf), t),
    "as large as floats go": lambda v, t: (np.full_like(v, 1.7976931348623157e308), t),
    "all at one time": lambda v, t: (v, np.full_like(t, t[0])),
    "a clock that runs backwards": lambda v, t: (v, t[::-1].copy()),
    "from the first to the last time there is": lambda v, t: (
        v,
        np.linspace(-(2**63), 2**63 - 2048, len(t)).astype(np.int64),
    ),
    "times that fall from end to end": lambda v, t: (
        v,
        np.where(np.arange(len(t)) % 2, 2**63 - 1, -(2**63)),
    ),
}


@pytest.mark.parametrize("how", HOSTILE)
@pytest.mark.parametrize("with_profile", [True, False])
def test_whatever_comes_gets_a_score(profile_with, steady, changed, how, with_profile):
    readings = steady(100, sequence=False)
    values, time = HOSTILE[how](readings.values, readings.time)
    profile = profile_with(*EXPECTATIONS) if with_profile else None
    validator = StreamingValidator(profile, 20)
    update = validator.update(changed(readings, values=np.asfortranarray(values), time=time))
    for score in (update.score, *update.dimensions.values(), *update.channels.values()):
        assert 0.0 <= score <= 100.0
    validator.finish()


def test_the_totals_are_between_the_worst_dimension_and_all_that_is_lacking(dirty, profile_with):
    readings, rejections, events = dirty
    validator = StreamingValidator(profile_with(*EXPECTATIONS), 600)
    update = validator.update(readings, rejections=rejections, events=events)
    for scores in (update.scores, *update.devices.values()):
        lacking = sum(100 - value for value in scores.dimensions.values())
        assert 100 - lacking <= scores.score <= min(scores.dimensions.values())


def test_memory_does_not_grow_with_what_is_wrong(monitor, steady, changed):
    readings = steady(20_000, sequence=False)
    values = readings.values.copy()
    values[::25] = np.nan  # each an issue of its own
    status = Words.of([f"word {k % 5000}" for k in range(20_000)])
    readings = changed(readings, values=values, status=status)
    validator = StreamingValidator(monitor, 50)
    for first in range(0, 20_000, 100):
        update = validator.update(readings[first : first + 100])
    follower = validator.followers[0]
    assert len(follower._recent_issues) < 50
    assert len(follower._codings) <= 64
    assert len(update.issues) < 10


@pytest.mark.parametrize("window", [0, -1, 2.5, True, 10**9])
def test_a_window_that_is_none_is_refused(window):
    with pytest.raises(UsageError, match=r"window is .*1 to 1000000 lines are wanted"):
        StreamingValidator(window=window)


@pytest.mark.parametrize("interval_s", [0.0, -1.0, float("nan"), float("inf")])
def test_an_interval_that_is_none_is_refused(interval_s):
    with pytest.raises(UsageError, match="interval_s"):
        StreamingValidator(interval_s=interval_s)


def test_readings_of_another_kind_are_refused(monitor):
    other = Readings.build(np.arange(2), np.zeros((2, 1)), ["pressure"])
    with pytest.raises(UsageError, match="channels pressure came, and temperature, voltage"):
        StreamingValidator(monitor).update(other)


def test_columns_that_may_not_be_written_to_are_read_all_the_same(monitor, steady, changed):
    readings = steady(30)
    time, values = readings.time.copy(), readings.values.copy()
    time.flags.writeable = values.flags.writeable = False
    assert StreamingValidator(monitor).update(changed(readings, time=time, values=values)).score
    assert StreamingValidator(monitor).update(readings[::2]).dimensions["validity"] == 100.0
