"""Where single faults go among the readings of a device, and the windows they leave."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from sensorkit.evaluate.detectability.fault_sizes import Sizes, silences
from sensorkit.evaluate.events import gaps
from sensorkit.faults import Fault, FaultPlan
from sensorkit.faults.placing import NS_PER_S, fault_streams, usual_period
from sensorkit.faults.plan import GAP_READINGS
from sensorkit.faults.signal import apply_signal, reach
from sensorkit.profile import Channel
from sensorkit.readings import Readings
from sensorkit.signals import quantize

Ints = NDArray[np.int64]

# A single fault is the first of a plan that has no other, so that `inject` makes the same one.
ALONE = 1
NO_PLAN = FaultPlan(faults=())

# 73 years: what is longer ends after all readings, and its end is still a time of 64 bits.
LONGEST_NS = 2.0**61


class Ground:
    """The readings of one device, and where single faults may begin in them.

    Parameters
    ----------
    series : Readings
        In the order they came.
    first : int
        The first row at which a fault may begin.
    taken : array of int64, shape (n, 2)
        First and last nanosecond of windows that hold a fault already.
    """

    def __init__(self, series: Readings, *, first: int = 0, taken: Ints | None = None) -> None:
        self.series = series
        self._first = max(first, 1)
        self._clock: Ints = np.maximum.accumulate(series.time)
        self.period_ns = usual_period(self._clock)
        # Not across a pause, nor where the clock was set back: what a fault lasts is not sure.
        bad = (series.time < self._clock) | np.concatenate([[False], gaps(self._clock)])
        for start, end in np.zeros((0, 2), dtype=np.int64) if taken is None else taken:
            bad |= (series.time >= start) & (series.time <= end)
        self._bad = np.concatenate([[0], np.cumsum(bad)])
        self._later = np.minimum.accumulate(series.time[::-1])[::-1]

    @property
    def period_s(self) -> float:
        """Return the usual time between readings."""
        return self.period_ns / NS_PER_S

    def present(self, channel: str | None) -> NDArray[np.bool_]:
        """Return which readings have a value of the channel; all, without one."""
        if channel is None:
            return np.ones(len(self.series), dtype=np.bool_)
        return ~np.isnan(self.series.channel(channel))

    def stops(self, starts: Ints, rows: Ints, *, momentary: bool) -> Ints:
        """Return the rows at which faults from *starts* on, of so many *rows*, are over."""
        if momentary:
            return starts + 1
        lasts = np.rint(np.minimum((rows - 0.5) * self.period_ns, LONGEST_NS)).astype(np.int64)
        stops: Ints = np.searchsorted(self._clock, self._clock[starts] + lasts, side="left")
        return stops

    def closes(self, touched: Ints, tolerance: int) -> tuple[Ints, NDArray[np.bool_]]:
        """Return the last row of windows whose faults end with *touched*, and whether it is there.

        As `events.fault_windows` has it: the *tolerance*-th reading after the fault, and all that
        share its time.
        """
        last = np.searchsorted(self._clock, self._clock[touched], side="right") + tolerance - 1
        there = last < len(self._clock)
        until = self._clock[np.minimum(last, len(self._clock) - 1)]
        last = np.searchsorted(self._clock, until, side="right") - 1
        return last.astype(np.int64), np.asarray(there, dtype=np.bool_)

    def starts(self, channel: str | None, longest: int, tolerance: int) -> Ints:
        """Return the rows at which a fault of *longest* readings or fewer may begin.

        The window and `GAP_READINGS` readings before it touch no other fault's window, no pause
        and no clock that was set back.
        """
        n = len(self.series)
        row = np.arange(n)
        stop = self.stops(row, np.full(n, longest), momentary=False)
        last, good = self.closes(stop - 1, max(tolerance, 1))
        good &= (row >= self._first) & self.present(channel)
        good &= np.diff(self._clock, prepend=self._clock[0] - 1) > 0
        good &= self._bad[last + 1] == self._bad[np.maximum(row - GAP_READINGS, 0)]
        after = np.minimum(last + 1, n - 1)
        good &= (last + 1 >= n) | (self._later[after] > self._clock[last])
        return np.flatnonzero(good).astype(np.int64)

    def side_by_side(self, starts: Ints, longest: int, tolerance: int, most: int) -> int:
        """Return how many windows that do not overlap fit at *starts*, counted up to *most*."""
        found = at = 0
        while at < len(starts) and found < most:
            stop = self.stops(starts[at : at + 1], np.array([longest]), momentary=False)
            last, _ = self.closes(stop - 1, max(tolerance, 1))
            found += 1
            at = int(np.searchsorted(starts, last[0], side="right"))
        return found


def spread(starts: Ints, sizes: int, repeats: int, rng: np.random.Generator) -> Ints:
    """Draw an onset for every fault, shape (sizes, repeats).

    The rows there are, in order of time, are cut into as many parts as there are faults, one is
    drawn in each, and every run of *sizes* parts has each size once: no size has the better hours.

    Examples
    --------
    >>> onsets = spread(np.arange(100, 700), 3, 5, np.random.default_rng(1))
    >>> onsets.shape, len(np.unique(onsets)), set(((onsets - 100) // 120).ravel().tolist())
    ((3, 5), 15, {0, 1, 2, 3, 4})
    """
    parts = sizes * repeats
    edges = np.arange(parts + 1) * len(starts) // parts
    within = (rng.random(parts) * np.maximum(np.diff(edges), 1)).astype(np.int64)
    drawn = starts[np.minimum(edges[:-1] + within, len(starts) - 1)]
    mixed: Ints = rng.permuted(drawn.reshape(repeats, sizes), axis=1).T
    return mixed


class Faulty:
    """The windows of one kind's faults, each as it would have been received.

    Parameters
    ----------
    ground : Ground
    sizes : Sizes
    onsets : array of int64, shape (n_sizes, n_repeats)
    seeds : array of int64, shape (n_sizes, n_repeats)
        `inject` makes the same fault with it.
    tolerance : int
        Readings after the end of a fault in which an episode may still begin.
    channel : Channel, optional
        Faulty values are rounded as its own are.
    """

    def __init__(
        self,
        ground: Ground,
        sizes: Sizes,
        onsets: Ints,
        seeds: Ints,
        *,
        tolerance: int,
        channel: Channel | None = None,
    ) -> None:
        self.sizes, self.start, self.seed, self.tolerance = sizes, onsets, seeds, tolerance
        self._series, self._channel = ground.series, channel
        self._step_s = ground.period_s
        self._faults: dict[tuple[int, int], Fault] = {}  # checking one takes as long as applying it
        rows = np.broadcast_to(sizes.rows[:, np.newaxis], onsets.shape)
        self.stop = ground.stops(onsets, rows, momentary=sizes.momentary)
        row = np.arange(len(ground.series))
        # The latest row that has a value; a label ends with the last value touched.
        self._valued = np.maximum.accumulate(np.where(ground.present(sizes.channel), row, -1))
        silent = silences(sizes.kind)
        least = max(tolerance, 1) if silent else tolerance
        self.last, _ = ground.closes(self._valued[self.stop - 1], least)
        self.start_ns = ground.series.time[self.start]
        self.end_ns = ground.series.time[self.last]

    def window(self, k: int, repeat: int) -> Readings:
        """Return what comes from the onset to the end of the window, with the fault in it."""
        start, stop = int(self.start[k, repeat]), int(self.stop[k, repeat])
        rows = slice(start, int(self.last[k, repeat]) + 1)
        if silences(self.sizes.kind):
            return self._series[slice(stop, rows.stop)]
        window = self._series[rows]
        column = window.channels.index(str(self.sizes.channel))
        values = window.values.copy(order="F")
        before = int(self._valued[start - 1])
        fault = self._fault(k, repeat)
        earlier = slice(max(start - reach(fault, 1.0 / self._step_s), 0), start)
        faulty = apply_signal(
            values[: stop - start, column],
            window.time[: stop - start],
            fault,
            before=float(self._series.values[before, column]) if before >= 0 else float("nan"),
            magnitude=self.sizes.magnitude(k, repeat),
            rng=fault_streams(NO_PLAN, int(self.seed[k, repeat]), ALONE)[1],
            history=self._series.values[earlier, column],
            step_s=self._step_s,
        )
        if self._channel is not None:
            faulty = quantize(faulty, self._channel)
        values[: stop - start, column] = faulty
        return replace(window, values=values)

    def _fault(self, k: int, repeat: int) -> Fault:
        key = k, repeat % 2
        if key not in self._faults:
            self._faults[key] = self.sizes.fault(k, repeat)
        return self._faults[key]
