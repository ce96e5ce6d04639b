"""Data quality while it is captured: a score and the issues, reading by reading."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from functools import cached_property
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from sensorkit.detect.streams import split
from sensorkit.errors import UsageError
from sensorkit.profile import Profile
from sensorkit.quality.checks import Issue
from sensorkit.quality.expected import Expected
from sensorkit.quality.follower import NO_EVENTS, NO_LINES, Follower, Window
from sensorkit.quality.placing import EVENT_SLOTS, lines_of, placed, placed_events, rows_of
from sensorkit.quality.scores import Scores
from sensorkit.readings import Event, Readings, Rejection

MOST_EARLY = 1000
"""Rejected lines that are kept until the first reading tells the channels."""

UNKNOWN_SENDER = ""
"""The device of lines that could not be read, where several devices send on one link."""


class QualityUpdate:
    """How good the last lines are, of each device and together.

    Attributes
    ----------
    windows : list of Window
        Those that became due by this update.
    closed : list of Issue
        Those that were over by this update; `issues` has them too while they are in the window.
    """

    def __init__(
        self, followers: Sequence[Follower], windows: list[Window], closed: list[Issue]
    ) -> None:
        self._snapshots = [one.snapshot() for one in followers]
        self.windows = windows
        self.closed = closed

    @cached_property
    def devices(self) -> dict[str, Scores]:
        """Return the scores of each device."""
        return {one.device: one.scores for one in self._snapshots}

    @property
    def starts(self) -> dict[str, int]:
        """Return the time of the oldest line in the window of each device, nanoseconds UTC."""
        return {one.device: one.start for one in self._snapshots}

    @cached_property
    def scores(self) -> Scores:
        """Return those of all devices together."""
        parts = list(self.devices.values())
        return parts[0] if len(parts) == 1 else Scores.pool(parts)

    @property
    def score(self) -> float:
        """Return the score, 0 to 100; NaN before the first line."""
        return self.scores.score

    @property
    def dimensions(self) -> dict[str, float]:
        """Return the score of each dimension."""
        return self.scores.dimensions

    @property
    def channels(self) -> dict[str, float]:
        """Return the score of each channel."""
        return self.scores.by_channel

    @property
    def error_rate(self) -> float:
        """Return rejected lines / lines."""
        return self.scores.error_rate

    @property
    def issues(self) -> tuple[Issue, ...]:
        """Return what reaches into the windows, device by device."""
        return tuple(issue for one in self._snapshots for issue in one.issues)

    def to_dict(self) -> dict[str, Any]:
        """Return all of it ready for JSON."""
        return {
            **self.scores.to_dict(),
            "devices": {name: scores.to_dict() for name, scores in self.devices.items()},
            "issues": [issue.to_dict() for issue in self.issues],
        }

    def __repr__(self) -> str:
        told = ", ".join(f"{name} {value:.1f}" for name, value in self.dimensions.items())
        return f"QualityUpdate({self.score:.1f}: {told}; {len(self.issues)} issues)"


class StreamingValidator:
    """Judges readings as they come, device by device; the score is of a rolling window.

    What comes out does not depend on how the readings are cut into batches, to the last bit, as
    long as each rejected line and event is handed over with the readings around it. Memory is
    bounded, whatever comes.

    Parameters
    ----------
    profile : Profile, optional
        Says the rate, what is plausible and what is expected. Without one the rate is learned
        from the first 32 steps of each device, and values are judged by nothing.
    window : int
        Lines of a device that a score is of: readings and rejected lines.
    interval_s : float, optional
        A window is handed out so often, in the time of the readings; by default each time that
        *window* lines have come.
    device : str, optional
        Whose lines those are that are rejected before the first reading.

    Raises
    ------
    UsageError
        If the window is no whole number from 1 on, or the interval not a positive number.

    Examples
    --------
    >>> validator = StreamingValidator(Profile.load("serial_monitor"), window=4)
    >>> time = np.arange(5) * 1_000_000_000
    >>> values = np.column_stack([[21.5, 21.6, np.nan, 21.5, 999.0], np.full(5, 5.0)])
    >>> update = validator.update(Readings.build(time, values, ("temperature", "voltage")))
    >>> update.score, update.channels
    (75.0, {'temperature': 50.0, 'voltage': 100.0})
    >>> [(issue.check, issue.channel, issue.count) for issue in update.issues]
    [('missing_value', 'temperature', 1), ('implausible', 'temperature', 1)]
    """

    def __init__(
        self,
        profile: Profile | None = None,
        window: int = 100,
        interval_s: float | None = None,
        *,
        device: str | None = None,
    ) -> None:
        if isinstance(window, bool) or not isinstance(window, int) or not 1 <= window <= 1_000_000:
            raise UsageError(f"quality: window is {window!r}; 1 to 1000000 lines are wanted")
        if interval_s is not None and not 1e-6 <= interval_s <= 1e9:
            raise UsageError(
                f"quality: interval_s is {interval_s!r}; a positive number of seconds is wanted"
            )
        self.profile = profile
        self.window = window
        self.interval_s = interval_s
        self._device = device or (profile.device if profile is not None else "device")
        frame = None if profile is None else profile.frame
        self._told_in_frame = frame is not None and frame.names_device
        self._channels = None if profile is None else profile.channel_names
        self._followers: dict[str, Follower] = {}
        self._last: str | None = None
        """The device that was heard last."""
        self._waiting: Follower | None = None
        """Has rejected lines alone, and takes the name of the first device that speaks."""
        self._early: tuple[list[Rejection], list[Event]] | None = None

    def update(
        self,
        readings: Readings | pd.DataFrame | None = None,
        *,
        rejections: Iterable[Rejection] = (),
        events: Iterable[Event] = (),
    ) -> QualityUpdate:
        """Take what came, in any cut, and say how good the last lines are.

        Parameters
        ----------
        readings : Readings or DataFrame, optional
        rejections : iterable of Rejection
            The lines among them that were no readings.
        events : iterable of Event
            Those of the host count: `clock_step`, `link_lost`, `overrun`; and `device_reset`
            where the device has no counter that tells it. What the readings show by themselves
            is found in them.

        Raises
        ------
        UsageError
            If the channels are others than before.
        """
        closed, windows = self.take(readings, rejections=rejections, events=events)
        return QualityUpdate(list(self._followers.values()), windows, closed)

    def take(
        self,
        readings: Readings | pd.DataFrame | None = None,
        *,
        rejections: Iterable[Rejection] = (),
        events: Iterable[Event] = (),
    ) -> tuple[list[Issue], list[Window]]:
        """Do as `update` does, without looking how the windows stand."""
        came = None if readings is None else Readings.of(readings, device=self._device)
        if self._early is not None or self._channels is None:
            rejections, events = self._with_early(rejections, events, came)
        lines = lines_of(rejections) if rejections else NO_LINES
        happened = [one for one in events if one.kind in EVENT_SLOTS]
        parts: dict[str, Readings] = {}
        if came is not None and len(came):
            self._check(came.channels)
            parts = {name or self._device: part for name, _, part in split(came)}
        whose_lines = self._owners(came, lines[:, 2], lines[:, 1]) if len(lines) else []
        whose_events = self._named(came, happened) if happened else []
        closed: list[Issue] = []
        windows: list[Window] = []
        for name in dict.fromkeys((*parts, *whose_lines, *whose_events)):
            follower = self._follower(name, speaks=name in parts)
            part = parts.get(name) or Readings.empty(follower.expected.channels)
            mine = [one == name for one in whose_lines]
            told = [one for one, by in zip(happened, whose_events, strict=True) if by == name]
            over, due = follower.follow(
                part,
                placed(lines[mine], part) if any(mine) else NO_LINES,
                placed_events(told, part) if told else NO_EVENTS,
            )
            closed += over
            windows += due
        if came is not None and parts:
            last = came.device.codes[-1]
            self._last = came.device.vocabulary[last] if last >= 0 else self._device
        return closed, windows

    def advance(self, time_ns: int, device: str | None = None) -> QualityUpdate:
        """Say that nothing came up to *time_ns* (nanoseconds UTC): what is due by then is missing.

        It is missing in this answer; what comes next shows how much it was in the end.

        Parameters
        ----------
        time_ns : int
        device : str, optional
            Of this device alone; of all by default.
        """
        for follower in self._followers.values():
            if device in (None, follower.device):
                follower.silent_ns = int(time_ns)
        return QualityUpdate(list(self._followers.values()), [], [])

    def finish(self) -> QualityUpdate:
        """Close the issues that are open, and hand out the last windows: the stream has ended."""
        followers = list(self._followers.values())
        closed = [issue for one in followers for issue in one.finish()]
        windows = [window for one in followers for window in one.last_window()]
        return QualityUpdate(followers, windows, closed)

    def prepare(self) -> None:
        """Have what is compiled at hand, before the first reading waits for it."""
        channels = self._channels or ("value",)
        expected = Expected(channels, self.profile)
        probe = Follower("", expected, self.window, every_lines=1, every_ns=0)
        probe.follow(Readings.empty(channels))

    @property
    def followers(self) -> Sequence[Follower]:
        """Return what is known of each device, in the order in which they were first heard."""
        return list(self._followers.values())

    def _with_early(
        self, rejections: Iterable[Rejection], events: Iterable[Event], came: Readings | None
    ) -> tuple[list[Rejection], list[Event]]:
        """Keep what comes while it is not known which channels there are; return it after that."""
        lines, happened = self._early or ([], [])
        lines, happened = [*lines, *rejections], [*happened, *events]
        if came is not None and len(came):
            self._early = None
            return lines, happened
        self._early = lines[-MOST_EARLY:], happened[-MOST_EARLY:]
        return [], []

    def _check(self, channels: tuple[str, ...]) -> None:
        if self._channels is None:
            self._channels = channels
        elif channels is not self._channels and channels != self._channels:
            raise UsageError(
                f"quality: readings with the channels {', '.join(channels)} came, and "
                f"{', '.join(self._channels)} are wanted; use a profile or a validator for each "
                "kind of device"
            )

    def _follower(self, name: str, *, speaks: bool) -> Follower:
        """Return who follows a device; a new one for a device never heard of."""
        known = self._followers.get(name)
        waiting = self._waiting
        if known is None and speaks and waiting is not None:
            # Lines that were rejected before the device had said its name are its own.
            del self._followers[waiting.device]
            waiting.device = name
            known = self._followers[name] = waiting
        if known is None:
            known = self._introduce(name)
            if not speaks and self._last is None and not self._told_in_frame:
                self._waiting = known
        if speaks:
            self._waiting = None
        return known

    def _introduce(self, name: str) -> Follower:
        every_ns = 0 if self.interval_s is None else max(round(self.interval_s * 1e9), 1)
        follower = Follower(
            name,
            Expected(self._channels or (), self.profile),
            self.window,
            every_lines=self.window if self.interval_s is None else 0,
            every_ns=every_ns,
        )
        self._followers[name] = follower
        return follower

    def _owners(
        self, came: Readings | None, offset: NDArray[np.int64], time: NDArray[np.int64]
    ) -> list[str]:
        """Return whose the lines at these places are: of the device that was heard last.

        Where frames name their device, a line that could not be read is of nobody.
        """
        if self._told_in_frame:
            return [UNKNOWN_SENDER] * len(offset)
        if came is None or not len(came):
            return [self._last or self._device] * len(offset)
        heard = [name or self._device for name in came.device.to_array().tolist()]
        first = self._last or heard[0]
        rows = (rows_of(offset, time, came) - 1).tolist()
        return [first if row < 0 else heard[row] for row in rows]

    def _named(self, came: Readings | None, events: Sequence[Event]) -> list[str]:
        """Return whose *events* are: of the device they name, else as lines at their place."""
        offset = np.array([one.offset for one in events], dtype=np.int64)
        time = np.array([one.time for one in events], dtype=np.int64)
        told = [one.details.get("device") for one in events]
        owners = self._owners(came, offset, time)
        return [
            owner if name is None else str(name) for name, owner in zip(told, owners, strict=True)
        ]
