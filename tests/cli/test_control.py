"""What the prompt of `sensorkit emulate --control` makes of a line."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from sensorkit.cli.emulate.control import Control, Order, read_order
from sensorkit.emulator import Emulator
from sensorkit.errors import UsageError
from sensorkit.profile import Profile

CHANNELS = ("temperature", "voltage")


@pytest.mark.parametrize(
    ("line", "order"),
    [
        ("1 spike", Order("1", "spike")),
        ("monitor-1 spike voltage", Order("monitor-1", "spike", "voltage")),
        ("1 drift temperature 12 60", Order("1", "drift", "temperature", 12.0, None, 60.0)),
        ("1 drift 12 60s temperature", Order("1", "drift", "temperature", 12.0, None, 60.0)),
        ("1 drift 60s -12", Order("1", "drift", None, -12.0, None, 60.0)),
        ("1 bias 6sigma 20", Order("1", "bias", None, None, 6.0, 20.0)),
        ("1 bias 1.5Sigmas", Order("1", "bias", None, None, 1.5)),
        # Of a kind without a size a number can only be a time.
        ("1 stuck voltage 20", Order("1", "stuck", "voltage", None, None, 20.0)),
        ("1 silence 5", Order("1", "silence", None, None, None, 5.0)),
        ("1 overheating 20", Order("1", "overheating", None, 20.0)),
    ],
)
def test_an_order_is_read_in_any_order(line, order):
    assert read_order(line.split(), CHANNELS) == order


@pytest.mark.parametrize(
    ("line", "complaint"),
    [
        ("", "inject UNIT KIND [CHANNEL] [MAGNITUDE] [SECONDS] is wanted"),
        ("1", "inject UNIT KIND"),
        ("1 spike temprature", "'temprature' is neither a number nor a channel; did you mean 'te"),
        ("1 spike nan", "'nan' is neither a number nor a channel"),
        ("1 spike inf", "'inf' is neither a number nor a channel"),
        ("1 spike 1_000", "'1_000' is neither a number nor a channel"),
        ("1 spike 1e999", "'1e999' is neither"),
        ("1 drift 1 2 3", "3 is one too many"),
        ("1 drift temperature voltage", "voltage is one too many"),
        ("1 bias 3 6sigma 9", "give the magnitude in the unit of the channel or in sigmas"),
        ("1 spike " + "x" * 500, "xxx...' is neither"),
    ],
)
def test_an_order_that_cannot_be_read_is_refused(line, complaint):
    with pytest.raises(UsageError) as told:
        read_order(line.split(), CHANNELS)
    assert complaint in str(told.value)
    assert len(str(told.value)) < 200


@pytest.fixture
def emulator():
    return Emulator(Profile.load("serial_monitor"), hold="NORMAL")


@pytest.fixture
def control(emulator):
    return Control([emulator], wait=lambda _: False)


@pytest.mark.parametrize(
    ("line", "answer"),
    [
        ("", ""),
        ("   ", ""),
        ("# a comment of a script", ""),
        (
            "injct 1 spike",
            "injct: unknown command; did you mean 'inject'?",
        ),
        ("\x1b[2J", "unknown command; `help` says which there are"),
        ("inject 2 spike", "inject: no unit '2'; there are monitor-1, or 1"),
        ("inject 0 spike", "inject: no unit '0'"),
        ("inject 99999999999999999999999 spike", "no unit"),
        ("inject pump spike", "inject: no unit 'pump'; there are monitor-1, or 1"),
        ("inject 1 spkie", "did you mean 'spike'?"),
        ("inject 1 spike voltage 9 100000", "spike"),
        ("inject 1 bias 0", "bias of size 0 changes nothing"),
        ("status now", "now: `status` takes nothing after it"),
        ("wait", "wait: wait SECONDS is wanted"),
        ("wait -1", "wait: wait SECONDS is wanted"),
        ("wait inf", "wait: wait SECONDS is wanted"),
        ("wait 2s", ""),
        ("HELP", "inject UNIT KIND [CHANNEL] [MAGNITUDE] [SECONDS]"),
        ("?", "end the emulator"),
        ("list", "units: monitor-1\nchannels: temperature, voltage\n"),
    ],
)
def test_every_line_has_its_answer(control, line, answer):
    said = control.obey(line)
    assert (answer in said) if answer else said == ""
    assert not control.ended.is_set()


def test_a_fault_begins_with_the_next_reading_and_is_labelled(control, emulator):
    before = list(emulator.frames(10))
    said = control.obey("inject 1 bias temperature 20 5s")
    assert said == "monitor-1: bias on temperature from the next reading on, for 5 s"
    after = list(emulator.frames(200))
    healthy = list(Emulator(Profile.load("serial_monitor"), hold="NORMAL").frames(210))
    assert [frame.data for frame in before] == [frame.data for frame in healthy[:10]]
    other = [k for k, frame in enumerate(after) if frame.data != healthy[10 + k].data]
    assert len(other) == 5
    assert other == list(range(other[0], other[0] + 5))
    (label,) = emulator.labels
    assert (label.kind, label.channel, label.magnitude) == ("bias", "temperature", 20.0)
    assert (label.start - emulator.start_ns) / 1e9 == 10 + other[0]


def test_status_says_what_a_unit_has_sent_and_what_is_wrong(control, emulator):
    assert "monitor-1: 0 readings, 0 faults so far, now nothing" in control.obey("status")
    control.obey("inject 1 stuck voltage 60")
    emulator.start(duration_s=40, speed=None)
    emulator.wait()
    said = control.obey("status").splitlines()
    assert len(said) == 2
    assert ": 40 frames and " in said[0]
    assert said[1] == "monitor-1: 40 readings, 1 fault so far, now stuck on voltage"


def test_quit_ends_it(control):
    assert control.obey("quit") == ""
    assert control.ended.is_set()


@settings(max_examples=50, deadline=None)
@given(
    st.one_of(
        st.text(max_size=60),
        st.tuples(
            st.sampled_from(["inject 1 ", "inject monitor-1 bias ", "wait ", "status "]),
            st.text(max_size=30),
        ).map("".join),
    )
)
def test_no_line_raises_or_is_answered_at_length(line):
    made = Control([Emulator(Profile.load("serial_monitor"))], wait=lambda _: False)
    assert len(made.obey(line)) < 2000
