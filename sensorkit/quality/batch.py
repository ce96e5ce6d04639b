"""Data quality of a whole recording, a session, or readings: as it was reading by reading."""

from __future__ import annotations

import json
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pandas as pd

from sensorkit.capture.reader import Recording
from sensorkit.profile import Profile
from sensorkit.quality import plotting, showing
from sensorkit.quality.checks import DIMENSIONS, Issue
from sensorkit.quality.follower import Follower, Window
from sensorkit.quality.scores import Scores, known
from sensorkit.quality.validator import StreamingValidator
from sensorkit.readings import Event, Readings, Rejection, RejectReason, isoformat, parse_time

if TYPE_CHECKING:  # plotly takes half a second, which most commands need not wait
    import plotly.graph_objects as go


class Quality:
    """How good a recording is: together, by dimension, channel, device and over time.

    Attributes
    ----------
    name : str
    scores : Scores
        Of all of it.
    devices : dict of str to Scores
    found : list of Issue
        By time.
    """

    def __init__(
        self,
        name: str,
        followers: Sequence[Follower],
        windows: Iterable[Window],
        issues: Iterable[Issue],
    ) -> None:
        self.name = name
        names = dict.fromkeys(one.device for one in followers)
        self.devices = {
            name: Scores.pool(one.totals for one in followers if one.device == name)
            for name in names
        }
        self.scores = Scores.pool(self.devices.values())
        self.found = sorted(issues, key=lambda one: (one.start, one.device, one.check))
        self._windows = list(windows)
        self._followers = followers

    @property
    def score(self) -> float:
        """Return the score, 0 to 100: the share of the values expected that have no flaw."""
        return self.scores.score

    @property
    def dimensions(self) -> dict[str, float]:
        """Return the score of each dimension."""
        return self.scores.dimensions

    @property
    def channels(self) -> dict[str, float]:
        """Return the score of each channel."""
        return self.scores.by_channel

    @cached_property
    def windows(self) -> pd.DataFrame:
        """Return how it was over time: a row a window.

        Columns: `device`, `start` and `end` (UTC), `line` (of the device, so far), `score`, the
        dimensions, `error_rate`. They are what `StreamingValidator` says at that line. The last one
        of a device is how it ended.
        """
        rows = [
            {
                "device": one.device,
                "start": one.start,
                "end": one.end,
                "line": one.line,
                "score": one.scores.score,
                **one.scores.dimensions,
                "error_rate": one.scores.error_rate,
            }
            for one in self._windows
        ]
        columns = ["device", "start", "end", "line", "score", *DIMENSIONS, "error_rate"]
        table = pd.DataFrame(rows, columns=columns)
        for name in ("start", "end"):
            table[name] = pd.to_datetime(table[name].astype("int64"), utc=True)
        return table

    @cached_property
    def issues(self) -> pd.DataFrame:
        """Return what was found: a row an issue, the columns as the attributes of `Issue`."""
        columns = list(Issue.__dataclass_fields__)
        rows = [[getattr(one, name) for name in columns] for one in self.found]
        table = pd.DataFrame(rows, columns=columns)
        for name in ("start", "end"):
            table[name] = pd.to_datetime(table[name].astype("int64"), utc=True)
        table["severity"] = table["severity"].astype(str)
        return table

    @cached_property
    def expectations(self) -> pd.DataFrame:
        """Return the expectations of the profile: a row each, of all devices together.

        Columns: `expectation`, `check`, `judged` and `held` (values), `share`, `wanted`, `met`. One
        that could never be judged is met.
        """
        tally: dict[tuple[int, str], list[int]] = {}
        told: dict[tuple[int, str], Any] = {}
        for follower in self._followers:
            for e, one in enumerate(follower.expected.expectations):
                counts = tally.setdefault((e, one.title), [0, 0])
                counts[0] += int(follower.tally[e, 0])
                counts[1] += int(follower.tally[e, 1])
                told[e, one.title] = one
        rows = []
        for key, (judged, held) in tally.items():
            share = held / judged if judged else 1.0
            wanted = told[key].share
            rows.append((key[1], told[key].check, judged, held, share, wanted, share >= wanted))
        names = ["expectation", "check", "judged", "held", "share", "wanted", "met"]
        return pd.DataFrame(rows, columns=names)

    def to_frame(self) -> pd.DataFrame:
        """Return a table: a row a channel and `all`; the score, then a column a dimension."""
        return self.scores.to_frame()

    def worst(self, n: int = 5) -> pd.DataFrame:
        """Return the *n* windows with the lowest scores, the lowest first."""
        return self.windows.sort_values("score", kind="stable").head(n)

    def to_dict(self) -> dict[str, Any]:
        """Return all of it ready for JSON; docs/data-quality.md has the form."""
        return {
            "name": self.name,
            **self.scores.to_dict(),
            "devices": {name: scores.to_dict() for name, scores in self.devices.items()},
            "expectations": json.loads(self.expectations.to_json(orient="records")),
            "issues": [issue.to_dict() for issue in self.found],
            "windows": [
                {
                    "device": one.device,
                    "start": isoformat(one.start),
                    "end": isoformat(one.end),
                    "line": one.line,
                    "score": known(one.scores.score),
                    **{name: known(value) for name, value in one.scores.dimensions.items()},
                    "error_rate": one.scores.error_rate,
                }
                for one in self._windows
            ],
        }

    def plot(self, *, height: int | None = None) -> go.Figure:
        """Return a figure: the score and each dimension over time, a line a device, issues marked.

        Examples
        --------
        ::

            quality(Recording.open("recordings/monday")).plot()
        """
        return plotting.plot(self.name, self._windows, self.found, height=height)

    def __repr__(self) -> str:
        return showing.card(self).text()

    def _repr_html_(self) -> str:
        return showing.card(self).html()


def quality(
    data: Any,
    profile: Profile | None = None,
    *,
    window: int = 100,
    interval_s: float | None = None,
) -> Quality:
    """Say how good the data are that a recording, a session or readings hold.

    Parameters
    ----------
    data : Recording, Session, Readings or DataFrame
        Or the folder of a recording or of a session. Of a recording the rejected lines and events
        count too.
    profile : Profile, optional
        That of the recording by default. Readings without one are judged by themselves alone: see
        `StreamingValidator`.
    window : int
        Lines of a window.
    interval_s : float, optional
        From one window to the next, in the time of the readings; by default as many lines as a
        window has.

    Returns
    -------
    Quality

    Raises
    ------
    RecordingError
        If the recording was cut off.

    Examples
    --------
    >>> import numpy as np
    >>> time = np.array([0, 1, 2, 3, 6, 7, 8, 9, 10]) * 1_000_000_000
    >>> readings = Readings.build(time, np.ones((9, 2)), ("temperature", "voltage"))
    >>> found = quality(readings, Profile.load("serial_monitor"))
    >>> found.dimensions["completeness"], found.issues["told"].tolist()
    (81.81818181818181, ['1 frame came late', '2 frames are missing'])
    """
    if isinstance(data, Readings | pd.DataFrame):
        validator = StreamingValidator(profile, window, interval_s)
        closed, windows = validator.take(data)
        end = validator.finish()
        followers = validator.followers
        return Quality("readings", followers, windows + end.windows, closed + end.closed)
    opened = _opened(data)
    recordings = [opened] if isinstance(opened, Recording) else list(opened.recordings())
    parts = [_judged(recording, profile, window, interval_s) for recording in recordings]
    names = [one.device for part in parts for one in part.followers]
    if len(set(names)) < len(names):
        for recording, part in zip(recordings, parts, strict=True):
            part.of_link(recording.dir.name)
    return Quality(
        str(opened.name),
        [one for part in parts for one in part.followers],
        [one for part in parts for one in part.windows],
        [one for part in parts for one in part.issues],
    )


@dataclass
class _Judged:
    """What was found in one recording."""

    followers: Sequence[Follower]
    windows: list[Window]
    issues: list[Issue]

    def of_link(self, link: str) -> None:
        """Call each device by its *link* too, where two links have devices of one name."""

        def called(name: str) -> str:
            return f"{link}.{name}" if name else name

        for one in self.followers:
            one.device = called(one.device)
        self.windows = [one._replace(device=called(one.device)) for one in self.windows]
        self.issues = [replace(one, device=called(one.device)) for one in self.issues]


def _judged(
    recording: Recording, profile: Profile | None, window: int, interval_s: float | None
) -> _Judged:
    validator = StreamingValidator(
        profile or recording.profile,
        window,
        interval_s,
        device=str(recording.meta.get("device") or recording.profile.device),
    )
    issues, windows = validator.take(
        recording.readings(), rejections=_rejections(recording), events=_events(recording)
    )
    end = validator.finish()
    return _Judged(validator.followers, windows + end.windows, issues + end.closed)


def _opened(data: Any) -> Any:
    """Return the recording or the session that *data* is, or that lies there."""
    if not isinstance(data, str | Path):
        if not hasattr(data, "recordings") and not isinstance(data, Recording):
            raise TypeError(
                f"quality: data is of type {type(data).__name__}; a Recording, a Session, the "
                "folder of one, Readings or a DataFrame is wanted"
            )
        return data
    if (Path(data) / "session.json").is_file():
        from sensorkit.capture.session import Session

        return Session.open(data)
    return Recording.open(data)


def _rejections(recording: Recording) -> list[Rejection]:
    errors = recording.errors()
    times = pd.DatetimeIndex(errors["time"]).as_unit("ns").asi8.tolist()
    rows = zip(times, errors["offset"].tolist(), errors["reason"].tolist(), strict=True)
    return [Rejection(time, int(at), RejectReason(reason), b"") for time, at, reason in rows]


def _events(recording: Recording) -> list[Event]:
    return [
        Event(
            parse_time(str(event["time"])),
            str(event["kind"]),
            int(event["offset"]),
            dict(event.get("details") or {}),
        )
        for event in recording.events()
    ]
