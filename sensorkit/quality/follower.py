"""What is remembered of one device: its window, its totals, and the issues that are open."""

from __future__ import annotations

from collections import deque
from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from sensorkit.quality import layout
from sensorkit.quality.checks import Issue, Place, issue_of
from sensorkit.quality.expected import Expected
from sensorkit.quality.kernel import walk
from sensorkit.quality.layout import (
    ALL_READINGS,
    ALL_REJECTED,
    ALL_SLOTS,
    FILLED,
    I_LAST_LINE,
    I_LINES,
    I_SLOT,
    ISSUES,
    LAST_OFFSET,
    LAST_TIME,
    LATE_NS,
    LINES,
    OPENED,
    PENDING,
    PENDING_FROM,
    PENDING_TO,
    PERIOD,
    REJECTED,
    SLOTS,
    WINDOWS,
)
from sensorkit.quality.scores import Scores
from sensorkit.readings import Readings, Words

MERGE_LINES = 10
"""Findings of one kind with at most so many lines from one to the next are one issue."""

OUT_ROWS = 512
WINDOW_ROWS = 64

MOST_WORDS = 1000
"""Status words that are told apart; what comes after them counts as one."""

NO_LINES = np.zeros((0, 4), dtype=np.int64)
NO_EVENTS = np.zeros((0, 5), dtype=np.int64)


def plain(array: NDArray[Any]) -> NDArray[Any]:
    """Return *array* as the kernel was compiled for: contiguous and writable."""
    flags = array.flags
    return array if flags.c_contiguous and flags.writeable else array.copy(order="C")


class Snapshot(NamedTuple):
    """What is needed to tell later how a window stood."""

    device: str
    channels: tuple[str, ...]
    sums: NDArray[np.int64]
    slots: int
    lines: int
    rejected: int
    start: int
    """Time of its oldest line, nanoseconds UTC."""
    rows: tuple[NDArray[np.int64], ...]
    """Issues that reach into it."""
    places: Sequence[Place]

    @property
    def scores(self) -> Scores:
        """Return the scores."""
        return Scores.of(
            self.channels, self.sums, slots=self.slots, lines=self.lines, rejected=self.rejected
        )

    @property
    def issues(self) -> list[Issue]:
        """Return the issues, in the order in which they began."""
        found = [issue_of(row.tolist(), self.places[row[I_SLOT]], self.device) for row in self.rows]
        return sorted(found, key=lambda one: (one.first_line, one.check, one.channel or ""))


class Window(NamedTuple):
    """The last lines of a device, as they stood at one moment."""

    device: str
    start: int
    """Nanoseconds UTC of its first line."""
    end: int
    line: int
    """Lines of the device until then."""
    scores: Scores


class Follower:
    """Follows one device, line by line.

    Parameters
    ----------
    device : str
    expected : Expected
    window : int
        Lines.
    every_lines, every_ns : int
        A window is handed out so often; one of them is 0.
    """

    def __init__(
        self, device: str, expected: Expected, window: int, *, every_lines: int, every_ns: int
    ) -> None:
        self.device = device
        self.expected = expected
        self.silent_ns = 0
        """Until then nothing came; 0 while something does."""
        channels, n_expected = len(expected.channels), len(expected.expectations)
        self.known: NDArray[np.int64] = np.zeros(layout.INTS, dtype=np.int64)
        self.known[layout.LAST_SEQUENCE] = self.known[LAST_OFFSET] = -1
        self.known[layout.MERGE] = MERGE_LINES
        self.known[layout.EVERY_LINES], self.known[layout.EVERY_NS] = every_lines, every_ns
        self.known[PERIOD] = expected.period_ns
        late = layout.LATE_PERIODS * expected.period_ns
        self.known[LATE_NS] = int(min(late, 4e18)) + layout.SPREAD_NS
        self._ring: NDArray[np.int64] = np.zeros((window, 3), dtype=np.int64)
        self._masks = np.zeros((window, channels), dtype=np.uint8)
        self._sums: NDArray[np.int64] = np.zeros((2, layout.SUMS, channels), dtype=np.int64)
        self._mask = np.zeros(channels, dtype=np.uint8)
        self._recent = np.full(layout.RECENT, -1, dtype=np.int64)
        self._steps = np.zeros(layout.LEARN, dtype=np.int64)
        self._runs = np.stack([np.zeros(channels, dtype=np.int64), expected.limits_of_runs])
        self._held = np.full((4, channels), np.nan)
        self._held[1], self._held[2] = expected.low, expected.high
        self._remembered = np.zeros((n_expected, layout.REMEMBERED), dtype=np.int64)
        self._lasts = np.full(n_expected, np.nan)
        self._seen = np.full((expected.unique, layout.UNIQUE_WITHIN), np.nan)
        self.tally: NDArray[np.int64] = np.zeros((n_expected, 2), dtype=np.int64)
        n_slots = len(expected.places)
        self._issues: NDArray[np.int64] = np.zeros((n_slots, layout.ISSUE), dtype=np.int64)
        self._out: NDArray[np.int64] = np.zeros((OUT_ROWS + n_slots, layout.ISSUE), dtype=np.int64)
        head = layout.WINDOW_HEAD + layout.SUMS * channels
        self._windows: NDArray[np.int64] = np.zeros((WINDOW_ROWS, head), dtype=np.int64)
        self._words: dict[str, int] = {word: i for i, word in enumerate(expected.status_words)}
        self._codings: dict[tuple[str, ...], tuple[NDArray[np.int16], NDArray[np.int8]]] = {}
        self._handed_out = 0
        self._recent_issues: deque[NDArray[np.int64]] = deque()

    def follow(
        self,
        readings: Readings,
        rejected: NDArray[np.int64] = NO_LINES,
        events: NDArray[np.int64] = NO_EVENTS,
    ) -> tuple[list[Issue], list[Window]]:
        """Judge what came; return the issues that are over and the windows that were due.

        Parameters
        ----------
        readings : Readings
            Of this device.
        rejected, events : arrays of int64
            As `kernel.walk` takes them.
        """
        self.silent_ns = 0
        codes, words = self._coding(readings.status)
        time, sequence, offset = map(plain, (readings.time, readings.sequence, readings.offset))
        # Column-major; as rows of channels it has one layout, however many readings there are.
        values = plain(readings.values.T)
        over: list[Issue] = []
        due: list[Window] = []
        done = False
        while not done:
            done = walk(
                self.known, self._ring, self._masks, self._sums, self._mask, self._recent,
                self._steps, self._runs, self._held, self.expected.spec, self.expected.limits,
                self.expected.allowed, self._remembered, self._lasts, self._seen, self.tally,
                self._issues, self._out, self._windows, time, values, sequence, offset, codes,
                words, rejected, events,
            )  # fmt: skip
            if self.known[ISSUES]:
                over += self._closed()
            if self.known[WINDOWS]:
                due += self._due()
        return over, due

    def finish(self) -> list[Issue]:
        """Close what is open: nothing more comes. What was held up is lost."""
        known = self.known
        if known[PENDING]:
            found = np.zeros(layout.ISSUE, dtype=np.int64)
            found[I_SLOT] = layout.MISSING
            found[layout.I_FIRST_TIME], found[layout.I_LAST_TIME] = (
                known[PENDING_FROM],
                known[PENDING_TO],
            )
            found[layout.I_FIRST_OFFSET] = found[layout.I_LAST_OFFSET] = known[LAST_OFFSET]
            found[layout.I_COUNT], found[I_LINES] = known[PENDING], 1
            found[layout.I_FIRST_LINE] = found[I_LAST_LINE] = known[LINES] - 1
            known[ALL_SLOTS] += known[PENDING]
            known[SLOTS] += known[PENDING]
            known[PENDING] = 0
            left = [found]
        else:
            left = []
        left += [row.copy() for row in self._issues if row[I_LINES]]
        self._issues[:, I_LINES] = 0
        return [self._issue(row) for row in left]

    def snapshot(self) -> Snapshot:
        """Return how the window stands, with what is missing while nothing comes."""
        known = self.known
        lines, filled = int(known[LINES]), int(known[FILLED])
        oldest = lines - filled
        return Snapshot(
            self.device,
            self.expected.channels,
            self._sums[0].copy(),
            int(known[SLOTS]) + max(int(known[PENDING]), self._absent()),
            filled,
            int(known[REJECTED]),
            int(self._ring[oldest % len(self._ring), layout.R_TIME]),
            self._reaching(oldest),
            self.expected.places,
        )

    def last_window(self) -> list[Window]:
        """Return the window as it is at the end, unless it has been handed out by then."""
        lines = int(self.known[LINES])
        if lines == self._handed_out:
            return []
        end = int(self._ring[(lines - 1) % len(self._ring), layout.R_TIME])
        last = self.snapshot()
        return [Window(self.device, last.start, end, lines, last.scores)]

    @property
    def totals(self) -> Scores:
        """Return those of all lines so far."""
        known = self.known
        return Scores.of(
            self.expected.channels,
            self._sums[1],
            slots=int(known[ALL_SLOTS] + known[PENDING]),
            lines=int(known[LINES]),
            rejected=int(known[ALL_REJECTED]),
        )

    @property
    def readings(self) -> int:
        """Return how many readings there were."""
        return int(self.known[ALL_READINGS])

    def _reaching(self, oldest: int) -> tuple[NDArray[np.int64], ...]:
        """Return the issues that reach to the line *oldest* or beyond."""
        if not self.known[OPENED]:
            return ()
        found = [row for row in self._recent_issues if row[I_LAST_LINE] >= oldest]
        open_ones = self._issues[
            (self._issues[:, I_LINES] > 0) & (self._issues[:, I_LAST_LINE] >= oldest)
        ]
        return (*found, *open_ones)  # a copy: a mask has selected them

    def _absent(self) -> int:
        """Return how many frames should have come since the last one."""
        known = self.known
        quiet = self.silent_ns - int(known[LAST_TIME])
        if not (self.silent_ns and known[layout.HAS_TIME] and known[PERIOD]):
            return 0
        return round(quiet / int(known[PERIOD])) - 1 if quiet > known[LATE_NS] else 0

    def _coding(self, status: Words) -> tuple[NDArray[np.int16], NDArray[np.int8]]:
        """Return the code of each status word, and whether it is one of those expected."""
        vocabulary = status.vocabulary
        known = self._codings.get(vocabulary)
        if known is None:
            known = self._codings_of(vocabulary)
        codes, words = known
        return codes[status.codes], words[status.codes] if self.expected.words else words

    def _codings_of(self, vocabulary: Sequence[str]) -> tuple[NDArray[np.int16], NDArray[np.int8]]:
        if self.expected.status_words:
            codes = [self._words.get(word, -2) for word in vocabulary]
        else:
            for word in vocabulary:
                if len(self._words) < MOST_WORDS:
                    self._words.setdefault(word, len(self._words))
            codes = [self._words.get(word, MOST_WORDS) for word in vocabulary]
        expected = self.expected.words
        words = np.full((len(vocabulary) + 1, max(len(expected), 1)), -1, dtype=np.int8)
        for k, allowed in enumerate(expected):  # the last row is that of the code -1
            words[:-1, k] = [word in allowed for word in vocabulary]
        if len(self._codings) >= 64:
            self._codings.clear()
        found = np.array([*codes, -1], dtype=np.int16), words
        self._codings[tuple(vocabulary)] = found
        return found

    def _closed(self) -> list[Issue]:
        rows = [row.copy() for row in self._out[: self.known[ISSUES]]]
        since = self.known[LINES] - len(self._ring)
        self._recent_issues.extend(rows)
        while self._recent_issues and self._recent_issues[0][I_LAST_LINE] < since:
            self._recent_issues.popleft()
        return [self._issue(row) for row in rows]

    def _due(self) -> list[Window]:
        channels = self.expected.channels
        found = []
        for row in self._windows[: self.known[WINDOWS]]:
            sums = row[layout.WINDOW_HEAD :].reshape(layout.SUMS, len(channels))
            scores = Scores.of(
                channels,
                sums,
                slots=int(row[layout.W_SLOTS]),
                lines=int(row[layout.W_LINES]),
                rejected=int(row[layout.W_REJECTED]),
            )
            start, end = int(row[layout.W_START]), int(row[layout.W_END])
            found.append(Window(self.device, start, end, int(row[layout.W_LINE]), scores))
            self._handed_out = int(row[layout.W_LINE])
        return found

    def _issue(self, row: NDArray[np.int64]) -> Issue:
        place: Place = self.expected.places[int(row[I_SLOT])]
        return issue_of(row.tolist(), place, self.device)
