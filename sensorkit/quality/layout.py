"""Where things stand in the arrays that the kernel works on; what it shares with its caller."""

# Dimensions, as bits of a mask: bit d is set where a value has a flaw of dimension d.
COMPLETENESS, VALIDITY, TIMELINESS, CONSISTENCY, UNIQUENESS = range(5)
N_DIMENSIONS = 5
ANY = 5
"""Row of the sums for values with a flaw of any dimension."""
SUMS = 6

# Checks of a whole frame, in the order of `checks.FRAME`.
MISSING, LATE, BACKWARDS, DUPLICATE, ORDER, RESET, JUMP, SAME_TIME, STATUS = range(9)
# Events of the host, in the order of `checks.EVENTS`; as bits too.
CLOCK_STEP, LINK_LOST, OVERRUN, RESTART = range(9, 13)
FIRST_REASON = 13
"""From here on, a rejected line by its reason; then the channels, then the expectations."""

# Checks of a channel: so many slots for each.
ABSENT, IMPLAUSIBLE, STUCK = range(3)
PER_CHANNEL = 3

# What is remembered of a device, int64.
LINES = 0  # lines so far: readings and rejected ones
FILLED = 1  # lines in the window
LAST_TIME = 2
HAS_TIME = 3
LAST_SEQUENCE = 4
REJECTED_SINCE = 5  # rejected lines since the last reading
PENDING = 6  # frames that a gap in time left out and that may still come in a burst
PENDING_FROM = 7
PENDING_TO = 8
EVENT_BITS = 9  # dimensions that an event flaws in the next reading
SLOTS = 10  # frames that should have come in the window, and those that did
REJECTED = 11  # in the window
ALL_SLOTS = 12
ALL_REJECTED = 13
ALL_READINGS = 14
PERIOD = 15  # nanoseconds from frame to frame; 0 while it is not known
LATE_NS = 16  # a step longer than that is late
LEARNED = 17  # steps that the period is learned from, so far
EVERY_LINES = 18  # a window is handed out every so many lines, or, if 0,
EVERY_NS = 19  # so often
NEXT_NS = 20
RECENT_AT = 21
MERGE = 22  # lines between two findings that are still one issue
ROW = 23  # where the kernel goes on: reading, rejected line, event, ...
AT_REJECTED = 24
AT_EVENT = 25
ISSUES = 26  # ... and how much it has written out
WINDOWS = 27
LAST_OFFSET = 28
LAST_STATUS = 29
OPENED = 30  # whether there has been any issue
INTS = 31

# A line of the window.
R_TIME, R_SLOTS, R_REJECTED = range(3)

# An issue: what the slot of a check holds while it is open, and what is written out.
(
    I_SLOT,
    I_FIRST_TIME,
    I_LAST_TIME,
    I_FIRST_OFFSET,
    I_LAST_OFFSET,
    I_COUNT,
    I_LINES,
    I_FIRST_LINE,
    I_LAST_LINE,
) = range(9)
ISSUE = 9

# A window that is handed out: these, then the sums, a row a dimension.
W_START, W_END, W_LINES, W_SLOTS, W_REJECTED, W_LINE = range(6)
WINDOW_HEAD = 6

# Expectations: kind, column, other column, place and length in the list of allowed numbers.
E_KIND, E_COLUMN, E_OTHER, E_AT, E_LEN = range(5)
EXPECTED_INTS = 5
E_LOW, E_HIGH = range(2)
EXPECTED_FLOATS = 2
BETWEEN, ONE_OF, STATUS_ONE_OF, NOT_NULL, INCREASING, NOT_FALLING, MAX_STEP, CHANGES, UNIQUE = (
    range(9)
)
GE, LE, EQ, NE, GT, LT, NEAR = range(9, 16)
# What is remembered of each: whether there was a value, and since when it has been the same.
M_HAS, M_SINCE = range(2)
REMEMBERED = 2
JUDGED, HELD = range(2)

UNIQUE_WITHIN = 1000
"""So many values are remembered of a channel that shall not repeat."""

RECENT = 16
"""A counter that steps back by less is a late or repeated frame; by more, a device that started
anew: as `sensorkit.wire.timeline` has it."""
FAR_FRAMES = 1_000_000
"""A counter that jumps by more is not believed, where the time cannot tell."""
LEARN = 32
"""Steps from which the period is learned where no profile gives it."""
LATE_PERIODS = 1.5
SPREAD_NS = 32_000_000
"""A USB adapter hands bytes on every 16 ms, so a frame may seem early or late by that much."""
REPEAT_PERIODS = 0.1
"""The very frame again, so soon after, is a repetition and no new reading."""
EARLY_PERIODS = 0.5
"""A frame that comes so soon after the one before it was held up on the way."""
