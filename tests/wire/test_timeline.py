import pytest

from sensorkit.readings import isoformat
from sensorkit.wire.timeline import LATEST, Timeline

S = 1_000_000_000
START = 1_700_000_000 * S


class Line:
    """A timeline that is told frames, and what it said of them."""

    def __init__(self, heartbeat=None, started=None):
        self.line = Timeline(
            None if heartbeat is None else round(heartbeat * S),
            None if started is None else START + round(started * S),
        )
        self.events = []

    def frame(self, received, *, uptime=None, sequence=None):
        """Place a frame read *received* seconds after the start; return its seconds."""
        nanoseconds = None if uptime is None else round(uptime * 1e6) * 1000
        read = START + round(received * S)
        place = self.line.place(0, sequence, nanoseconds, read, self.events)
        return (place - START) / S

    def silence(self, now):
        self.events += self.line.silence(START + round(now * S), 0)

    @property
    def said(self):
        return [(event.kind, (event.time - START) / S) for event in self.events]


def test_a_frame_without_an_uptime_is_at_its_read():
    line = Line()
    assert [line.frame(0.5), line.frame(0.5), line.frame(2)] == [0.5, 0.5, 2]


def test_with_an_uptime_time_is_the_first_read_plus_the_uptime_passed():
    line = Line()
    assert line.frame(10, uptime=100.0) == 10
    assert line.frame(10.001, uptime=160.5) == 70.5


def test_a_frame_without_an_uptime_among_others_goes_on_from_them():
    line = Line()
    line.frame(10, uptime=100.0)
    line.frame(10, uptime=200.0)
    assert line.frame(12) == 112


def test_time_does_not_go_back():
    line = Line()
    line.frame(10, uptime=5.0)
    assert line.frame(11, uptime=4.0, sequence=None) >= 10


def test_a_reset_starts_again_at_its_read_and_is_an_event():
    line = Line()
    line.frame(0, uptime=50.0, sequence=50)
    line.frame(1, uptime=51.0, sequence=51)
    assert line.frame(4, uptime=0.5, sequence=0) == 4
    assert line.frame(5, uptime=1.5, sequence=1) == 5
    assert line.said == [("device_reset", 4)]
    assert line.line.resets == 1


def test_a_reset_of_a_device_that_runs_ahead_of_the_host_goes_on_from_its_last_frame():
    line = Line()
    line.frame(0, uptime=0.0, sequence=20)
    line.frame(1, uptime=100.0, sequence=120)
    assert line.frame(2, uptime=0.0, sequence=0) == 100
    assert line.frame(2, uptime=1.0, sequence=1) == 101


def test_a_device_that_keeps_its_counter_over_a_reset_is_seen_by_two_uptimes():
    line = Line()
    for i in range(5):
        line.frame(i, uptime=100.0 + i, sequence=10 + i)
    assert line.frame(7, uptime=0.2, sequence=15) == 7
    assert line.said == []  # one low uptime alone may be a wrong number
    assert line.frame(8, uptime=1.2, sequence=16) == 8
    assert line.said == [("device_reset", 8)]
    assert line.frame(9, uptime=2.2, sequence=17) == 9


def test_an_uptime_that_was_cut_off_is_no_reset():
    line = Line()
    for i in range(5):
        line.frame(i, uptime=2355.0 + i, sequence=2356 + i)
    line.frame(5, uptime=23.0, sequence=2361)  # U:2360.000 lost its end
    assert line.frame(6, uptime=2361.0, sequence=2362) == 6
    assert line.said == []


def test_one_wrong_uptime_is_not_followed():
    line = Line()
    line.frame(0, uptime=16.0, sequence=16)
    line.frame(1, uptime=17.0, sequence=17)
    assert line.frame(2, uptime=918.0, sequence=18) == 902
    assert line.frame(3, uptime=19.0, sequence=19) == 3
    assert line.frame(4, uptime=20.0, sequence=20) == 4
    assert line.said == []


def test_missing_numbers_are_a_gap():
    line = Line()
    line.frame(0, sequence=7)
    line.frame(1, sequence=8)
    line.frame(2, sequence=12)
    assert line.events[0].details == {"expected": 9, "got": 12, "lost": 3}
    assert line.said == [("sequence_gap", 2)]
    assert line.line.lost == 3


def test_a_counter_that_jumps_far_is_believed_when_the_next_frame_agrees():
    line = Line()
    line.frame(1, sequence=100)
    line.frame(2, sequence=11_179_322_667)  # two frames spliced into one
    line.frame(3, sequence=102)
    assert [e.details for e in line.events] == [{"expected": 101, "got": 102, "lost": 1}]
    assert (line.line.lost, line.line.resets) == (1, 0)

    line.frame(4, sequence=5_000_000)  # the device went on without us
    assert line.line.lost == 1
    line.frame(5, sequence=5_000_001)
    assert line.events[-1].details == {"expected": 103, "got": 5_000_001, "lost": 4_999_897}
    line.frame(6, sequence=5_000_002)
    assert len(line.events) == 2


@pytest.mark.parametrize("last", [255, 65535, 4294967295])
def test_a_counter_that_is_full_starts_again_without_a_word(last):
    line = Line()
    line.frame(0, sequence=last)
    line.frame(1, sequence=0)
    line.frame(2, sequence=1)
    assert line.said == []


def test_a_repeated_and_a_late_frame_are_no_reset():
    line = Line()
    line.frame(0, sequence=40)
    line.frame(1, sequence=40)
    line.frame(2, sequence=39)
    line.frame(3, sequence=41)
    assert line.said == []


def test_a_counter_far_back_is_a_reset():
    line = Line()
    line.frame(0, sequence=400)
    line.frame(1, sequence=3)
    line.frame(2, sequence=4)
    assert line.said == [("device_reset", 1)]


def test_a_heartbeat_is_lost_at_its_deadline_and_comes_back_with_the_frame():
    line = Line(heartbeat=5)
    line.frame(0)
    line.silence(4.9)
    line.silence(5.0)
    assert line.said == []
    line.silence(5.2)
    line.silence(9)
    line.frame(12)
    assert line.said == [("heartbeat_lost", 5), ("heartbeat_back", 12)]
    assert line.events[0].details == {"after_s": 5.0, "last": isoformat(START)}
    assert line.events[1].details == {"silent_s": 12.0}
    assert line.line.silences == 1


def test_the_frame_itself_shows_a_silence_that_the_host_did_not_wait_for():
    line = Line(heartbeat=5)
    line.frame(0, uptime=0.0)
    line.frame(0.01, uptime=7.0)
    assert line.said == [("heartbeat_lost", 5), ("heartbeat_back", 7)]


def test_a_frame_right_on_the_deadline_is_in_time():
    line = Line(heartbeat=5)
    line.frame(0)
    line.frame(5)
    assert line.said == []


def test_a_device_that_never_speaks_is_missed_from_the_start():
    line = Line(heartbeat=5, started=1)
    line.silence(6)
    assert line.said == []
    line.silence(6.5)
    assert line.said == [("heartbeat_lost", 6)]


def test_without_a_start_nothing_is_missed_before_the_first_frame():
    line = Line(heartbeat=5)
    line.silence(1000)
    assert line.said == []


def test_now_goes_on_from_the_last_frame():
    line = Line()
    line.frame(10, uptime=0.0)
    line.frame(11, uptime=100.0)
    assert (line.line.now(START + 14 * S) - START) / S == 113


def test_a_clock_that_runs_away_stops_before_time_ends():
    line = Line()
    for _ in range(12):
        line.frame(0, uptime=0.0)
        line.frame(0, uptime=1e9)
    assert START + round(line.frame(0, uptime=1e9) * S) <= LATEST
