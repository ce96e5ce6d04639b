"""Fixed limits from the profile: range, rate of change, heartbeat."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from typing import ClassVar, Unpack

from sensorkit.detect.base import BaseDetector, Shared
from sensorkit.detect.limits import SMALLEST, Heartbeat, LimitStream
from sensorkit.detect.shaping import DeviceStream
from sensorkit.detect.streams import Finding, Judged, Rows, Track
from sensorkit.detect.wording import decimal
from sensorkit.errors import DetectorError
from sensorkit.profile import Profile, Rule
from sensorkit.readings import Alert, Readings


class Rules(BaseDetector):
    r"""Hold the readings against the rules of a profile.

    Each rule says how far a reading is past its limit, in units of the rule's margin:

    .. math::
        \text{range: } \max(x - high,\ low - x) / margin \qquad
        \text{rate: } (|x_t - x_{t-1}| - limit) / margin \qquad
        \text{heartbeat: } (t_t - t_{t-1} - limit) / margin

    and the score of a reading is the largest of them: above 0 when some rule is breached,
    0 or less when all hold. A value on the limit is no breach. The threshold is fixed at the
    smallest positive number, and `calibrate` only measures.

    Parameters
    ----------
    profile : Profile
        Its `rules`. Rates are changes between consecutive readings of one device, in the
        channel's unit, either way; there is none if one of the two values is missing.
    **shared
        See `sensorkit.detect.options.Options`. `merge` is 0 by default: an episode ends as soon
        as the rule is no longer breached.

    Raises
    ------
    DetectorError
        If there is no profile, or it has no rules.

    Notes
    -----
    A heartbeat is lost when more than *limit* seconds pass between two readings of a device;
    the alert starts at the moment the deadline passed (last reading + limit) and ends with the
    reading that comes. `advance` raises the same alert as soon as it is told of that moment.
    There is no heartbeat before the first reading, unless `listen` says since when the device
    is listened to: one that never says anything is then missed from there on. A rule that cannot
    judge a reading (a missing value, no reading before) has no say; where none has, the score
    is -1.

    The severity is that of the rule.

    Examples
    --------
    >>> import numpy as np
    >>> rules = Rules(profile=Profile.load("serial_monitor"))
    >>> values = np.array([[79.0, 5.0], [81.5, 5.0]])
    >>> hot = Readings.build(np.array([0, 10**9]), values, ["temperature", "voltage"])
    >>> rules.score(hot).tolist()
    [-1.0, 1.5]
    """

    name = "rules"
    learns = False
    fixed = True
    shared_defaults: ClassVar[Shared] = {"merge": 0}

    def __init__(self, *, profile: Profile | None = None, **shared: Unpack[Shared]) -> None:
        super().__init__(profile=profile, **shared)
        if profile is None:
            raise DetectorError(
                "rules needs a profile to take them from: "
                "make('rules', profile=Profile.load('serial_monitor'))"
            )
        if not profile.rules:
            raise DetectorError(
                f"profile {profile.name!r} has no rules; add some to it, or use another detector"
            )
        self._rules = profile.rules

    def find_tracks(self, channels: tuple[str, ...]) -> Sequence[Track]:
        for rule in self._rules:
            if rule.channel is not None and rule.channel not in channels:
                raise DetectorError(
                    f"rule {rule.type!r} watches channel {rule.channel!r}, but the readings have "
                    f"{', '.join(channels)}; use the profile they were taken with"
                )
        return [Track(rule.type, rule.channel) for rule in self._rules]

    def natural_threshold(self) -> float:
        return SMALLEST

    def open_stream(self, device: str) -> LimitStream:
        return LimitStream(self._rules)

    def explain(self, part: Readings, judged: Judged, row: int, track: int) -> Finding:
        rule = self._rules[track]
        channel = str(rule.channel)
        value = float(part.channel(channel)[row])
        if rule.kind == "rate":
            change = float(judged.facts[f"change {track}"][row])
            what = self._rate(channel, change, float(rule.limit or 0.0))
        else:
            what = self._range(channel, value, rule.low, rule.high)
        return Finding(f"{self.words.title(channel)} {what}.", rule.severity, channel, value)

    def _range(self, channel: str, value: float, low: float | None, high: float | None) -> str:
        limit = self.words.limit
        if low is None or high is None:
            breached = float(high if high is not None else low or 0.0)
            verb = "exceeded" if high is not None else "fell below"
            text = self.words.value(channel, value, away_from=breached)
            return f"{text} {verb} threshold of {limit(channel, breached)}"
        text = self.words.value(channel, value, away_from=low if value < low else high)
        # 4.5V-5.5V, but not -40.0°C--10.0°C.
        to = "-" if low >= 0 and high >= 0 else " to "
        band = f"{limit(channel, low)}{to}{limit(channel, high)}"
        return f"{text} was outside the normal range of {band}"

    def _rate(self, channel: str, change: float, limit: float) -> str:
        text = self.words.value(channel, change, away_from=math.copysign(limit, change))
        return (
            f"changed by {text}, exceeding the rate-of-change threshold of "
            f"{self.words.limit(channel, limit)}"
        )

    # Silence: an episode that begins without a reading.

    def listen(self, time_ns: int, device: str) -> None:
        """Say that *device* is listened to from *time_ns* on (nanoseconds UTC).

        If it has not said anything by then, its heartbeat counts from there.
        """
        if self.channels is None:
            self.watch_channels(self._profile_channels())
        stream = self.device(device).stream
        assert isinstance(stream, LimitStream)  # noqa: S101 - a detector opens its own streams
        stream.listen(time_ns)

    def _profile_channels(self) -> tuple[str, ...]:
        return () if self.profile is None else self.profile.channel_names

    def advance(self, time_ns: int) -> list[Alert]:
        """Say that no reading came up to and including *time_ns* (nanoseconds UTC).

        Returns
        -------
        list of Alert
            The heartbeats whose deadline has passed by then, once each.
        """
        begun = [
            alert
            for device in self._devices.values()
            for heartbeat in _heartbeats(device).values()
            for alert in heartbeat.silence(time_ns, self._silence_of(device.name))
        ]
        return sorted(begun, key=lambda alert: alert.start)

    def finish(self) -> list[Alert]:
        """Close open episodes: the stream has ended. Returns what begins by that: nothing."""
        for device in self._devices.values():
            for heartbeat in _heartbeats(device).values():
                heartbeat.close()
        return super().finish()

    def _group(
        self, device: DeviceStream, part: Readings, judged: Judged, rows: Rows
    ) -> list[tuple[int, Alert]]:
        silences = []
        for track, heartbeat in _heartbeats(device).items():
            late = judged.scores[:, track] > 0
            silences += heartbeat.heard(
                part.time, judged.facts["previous"], late, self._silence_of(device.name)
            )
            judged.scores[:, track] = 0.0  # done with
        if not isinstance(rows, slice):
            silences = [(int(rows[row]), alert) for row, alert in silences]
        return silences + super()._group(device, part, judged, rows)

    def _silence_of(self, device: str) -> Callable[[Rule, int], Alert]:
        def begin(rule: Rule, start: int) -> Alert:
            return Alert(
                start=start,
                type=rule.type,
                severity=rule.severity,
                description=f"No data received for {decimal(float(rule.limit or 0.0))} seconds. "
                "Device may be offline.",
                detector=self.name,
                device=device,
            )

        return begin


def _heartbeats(device: DeviceStream) -> dict[int, Heartbeat]:
    assert isinstance(device.stream, LimitStream)  # noqa: S101 - a detector opens its own streams
    return device.stream.heartbeats
