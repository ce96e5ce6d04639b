"""Fixed limits: range, rate of change, stuck, heartbeat, status text, missing channel."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from typing import ClassVar, Unpack

from sensorkit.detect.base import BaseDetector, Shared
from sensorkit.detect.breaches import Breach, Breaches
from sensorkit.detect.learned_rules import from_table, learn_rules, to_table
from sensorkit.detect.limits import SMALLEST, Limits, LimitStream
from sensorkit.detect.shaping import DeviceStream
from sensorkit.detect.streams import Arrays, Finding, Judged, Rows, Track
from sensorkit.detect.wording import decimal
from sensorkit.errors import DetectorError
from sensorkit.profile import Profile, Rule
from sensorkit.readings import Alert, Readings

SOURCES = ("profile", "fit", "both")


class Rules(BaseDetector):
    r"""Hold the readings against fixed limits, of a profile or learned from healthy readings.

    Each rule says how far a reading is past its limit, in units of the rule's margin:

    .. math::
        \text{range: } &\max(x - high,\ low - x) / margin \\
        \text{rate: } &(|x_t - x_{t-1}| - limit) / margin \\
        \text{rate per second: } &(|x_t - x_s| / (t - s) - limit) / margin \\
        \text{stuck, missing: } &(run - readings) / margin
        \text{ or } (lasted - seconds) / margin \\
        \text{heartbeat: } &(t_t - t_{t-1} - limit) / margin \\
        \text{status: } &1 \text{ or } -1

    and the score of a reading is the largest of them: above 0 when some rule is breached,
    0 or less when all hold. What is on the limit is no breach, and a limit is the last that is
    healthy: a channel that is stuck after 3 readings is so at the fourth equal value, the third
    exact repeat. The threshold is fixed at the smallest positive number, and `calibrate` only
    measures.

    Parameters
    ----------
    source : {"profile", "fit", "both"}
        Where the rules come from: the profile's `rules`, or `fit` learns them (see
        `sensorkit.detect.learned_rules.learn_rules`), or both: those of the profile, if it has
        any, and of the learned ones those of a kind and channel that it says nothing of.
    profile : Profile, optional
        With its `rules`, if *source* is "profile".
    **shared
        See `sensorkit.detect.options.Options`. `merge` is 0 by default: an episode ends as soon
        as the rule is no longer breached.

    Raises
    ------
    DetectorError
        If the rules shall come from a profile, and there is none, or it has no rules.

    Notes
    -----
    Values are those of one device, in the channel's unit; changes count either way. There is no
    change from one reading to the next if one of the two values is missing. Per second, a value
    is held against the last finite one of an *earlier* time: readings that share a time are all
    measured from there, and after a clock was set back there is none. Missing values are passed
    over, also in a run of equal values: they neither break nor extend it. A channel is missing
    in every reading that comes without its value, even if others have none either. Seconds are
    counted from the first reading of a run to the latest, and anew when the clock is set back.

    With *hysteresis* a breach is over only when the value (the change) is back inside by so much;
    until then it scores the smallest positive number. With *for_readings* or *for_s* it counts
    from the reading on that completes so much of it, and scores 0 at most before: the alert
    begins there, and says since when. A reading that a rule cannot judge (see below) neither ends
    its breach nor counts for it: the alert goes on until the rule holds again.

    A heartbeat is lost when more than *limit* seconds pass between two readings of a device;
    the alert starts at the moment the deadline passed (last reading + limit) and ends with the
    reading that comes. `advance` raises the same alert as soon as it is told of that moment.
    There is no heartbeat before the first reading, unless `listen` says since when the device
    is listened to: one that never says anything is then missed from there on. A rule that cannot
    judge a reading (a missing value, no reading before, no status word) has no say; where none
    has, the score is -1. An infinite value is beyond every limit.

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
    fixed = True
    shared_defaults: ClassVar[Shared] = {"merge": 0}

    def __init__(
        self,
        *,
        source: str = "profile",
        profile: Profile | None = None,
        **shared: Unpack[Shared],
    ) -> None:
        super().__init__(profile=profile, **shared)
        if source not in SOURCES:
            raise DetectorError(
                f"{self.name}: source is {source!r}; one of {', '.join(SOURCES)} is wanted"
            )
        self.source = source
        self.learns = self.must_be_fitted = source != "profile"
        self._stated: tuple[Rule, ...] = ()
        self.rules: tuple[Rule, ...] = ()
        """In the order of the tracks; empty before the fit that learns them."""
        self._limits = Limits((), ())
        self._breaches = Breaches(self.words)
        if source == "profile":
            self.rules = self._of(profile)
        elif source == "both" and profile is not None:
            self._stated = profile.rules

    def _of(self, profile: Profile | None) -> tuple[Rule, ...]:
        if profile is None:
            raise DetectorError(
                "rules needs a profile to take them from: "
                "make('rules', profile=Profile.load('serial_monitor')); or source='fit', which "
                "learns them from healthy readings"
            )
        if not profile.rules:
            raise DetectorError(
                f"profile {profile.name!r} has no rules; add some to it, learn them with "
                "source='fit', or use another detector"
            )
        return profile.rules

    def find_tracks(self, channels: tuple[str, ...]) -> Sequence[Track]:
        if self.learns and not self.fitted:
            return []
        for rule in self.rules:
            if rule.channel is not None and rule.channel not in channels:
                raise DetectorError(
                    f"rule {rule.type!r} watches channel {rule.channel!r}, but the readings have "
                    f"{', '.join(channels)}; use the profile they were taken with"
                )
        self._limits = Limits(self.rules, channels)
        return [Track(rule.type, rule.channel) for rule in self.rules]

    # Learning

    def learn(self, parts: list[Readings]) -> None:
        self._take(learn_rules(Readings.concat(parts)), parts[0].channels)

    def _take(self, learned: tuple[Rule, ...], channels: tuple[str, ...]) -> None:
        covered = {(rule.kind, rule.channel) for rule in self._stated}
        new = (rule for rule in learned if (rule.kind, rule.channel) not in covered)
        self.rules, self.fitted = (*self._stated, *new), True
        self.watch_channels(channels)

    @property
    def threshold_from_fit(self) -> bool:
        return False

    def natural_threshold(self) -> float:
        return SMALLEST

    def state(self) -> Arrays:
        if not self.learns:
            return {}
        learned = self.rules[len(self._stated) :]
        return {"rules": to_table(learned, self.channels or ())}

    def restore(self, arrays: Arrays) -> None:
        if self.learns:
            channels = self.channels or ()
            self._take(from_table(arrays.pop("rules"), channels), channels)
        super().restore(arrays)

    def frozen(self) -> tuple[object, ...]:
        return (*super().frozen(), self._limits)

    # The stream

    def open_stream(self, device: str) -> LimitStream:
        return LimitStream(self._limits)

    def explain(self, part: Readings, judged: Judged, row: int, track: int) -> Finding:
        rule, code = self.rules[track], int(part.status.codes[row])
        value = math.nan if rule.channel is None else float(part.channel(rule.channel)[row])
        breach = Breach(
            value=value,
            change=float(judged.facts["change"][row, track]),
            time=int(part.time[row]),
            since=int(judged.facts["since"][row, track]),
            run=int(judged.facts["run"][row, track]),
            word=part.status.vocabulary[code] if code >= 0 else None,
        )
        said = self._breaches.describe(rule, breach)
        return Finding(said, rule.severity, rule.channel, None if math.isnan(value) else value)

    # Silence: an episode that begins without a reading.

    def listen(self, time_ns: int, device: str) -> None:
        """Say that *device* is listened to from *time_ns* on (nanoseconds UTC).

        If it has not said anything by then, its heartbeat counts from there.
        """
        if self.channels is None:
            self.watch_channels(self._profile_channels())
        _stream(self.device(device)).listen(time_ns)

    def _profile_channels(self) -> tuple[str, ...]:
        return () if self.profile is None else self.profile.channel_names

    def advance(self, time_ns: int, device: str | None = None) -> list[Alert]:
        """Say that no reading came up to and including *time_ns* (nanoseconds UTC).

        Parameters
        ----------
        time_ns : int
        device : str, optional
            Whose time it is; that of all devices by default.

        Returns
        -------
        list of Alert
            The heartbeats whose deadline has passed by then, once each.
        """
        begun = [
            alert
            for one in self._devices.values()
            if device is None or one.name == device
            for heartbeat in _stream(one).heartbeats.values()
            for alert in heartbeat.silence(time_ns, self._silence_of(one.name))
        ]
        return sorted(begun, key=lambda alert: alert.start)

    def finish(self) -> list[Alert]:
        """Close open episodes: the stream has ended. Returns what begins by that: nothing."""
        for device in self._devices.values():
            _stream(device).end_breaches()
            for heartbeat in _stream(device).heartbeats.values():
                heartbeat.close()
        return super().finish()

    def group(
        self, device: DeviceStream, part: Readings, judged: Judged, rows: Rows
    ) -> list[tuple[int, Alert]]:
        silences = []
        stream = _stream(device)
        for track, heartbeat in stream.heartbeats.items():
            late = judged.scores[:, track] > 0
            silences += heartbeat.heard(
                part.time, judged.facts["previous"], late, self._silence_of(device.name)
            )
            judged.scores[:, track] = 0.0  # done with
        flags = judged.scores >= self.threshold_
        bridged = stream.bridged(flags, judged.facts["run"])
        judged.scores[bridged & ~flags] = self.threshold_  # in the episodes only
        if not isinstance(rows, slice):
            silences = [(int(rows[row]), alert) for row, alert in silences]
        return silences + super().group(device, part, judged, rows)

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


def _stream(device: DeviceStream) -> LimitStream:
    assert isinstance(device.stream, LimitStream)  # noqa: S101 - a detector opens its own streams
    return device.stream
