"""Where data quality becomes an alert: a score too low, too many lines rejected, too much else."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable
from itertools import takewhile
from typing import Annotated

from pydantic import Field

from sensorkit.checked_yaml import Section
from sensorkit.display.formats import percent
from sensorkit.profile.rules import IS_NUMBER
from sensorkit.quality.scores import Scores
from sensorkit.quality.validator import QualityUpdate
from sensorkit.readings import Alert, Severity

DETECTOR = "quality"
"""What the alerts say they come from."""

FEWEST_LINES = 10
"""Fewer lines can all be bad luck: nothing is said of them."""

ON_LINK = "host"
"""The device of an alert that is of none."""


class Thresholds(Section):
    """From where on data quality is an alert. None switches one off.

    Each is over only when it is better by a margin, so that a value on the limit does not flutter:
    5 points of the score, a fifth of the others.

    Examples
    --------
    >>> Thresholds(quality_below=80).error_rate_above
    0.1
    """

    quality_below: Annotated[float, Field(ge=0, le=100), IS_NUMBER] | None = 70.0
    """Score of the window of a device, 0 to 100."""
    error_rate_above: Annotated[float, Field(ge=0, le=1), IS_NUMBER] | None = 0.10
    """Rejected lines / lines of the window."""
    anomalies_above: Annotated[int, Field(ge=0), IS_NUMBER] | None = 10
    """Alerts of the detector that began within the window."""
    memory_mb_above: Annotated[float, Field(gt=0, allow_inf_nan=False), IS_NUMBER] | None = 400.0
    """Resident memory of the process, in MB."""


SCORE_MARGIN = 5.0
SHARE_MARGIN = 0.8
"""A breach of any other threshold is over at so much of it."""

MOST_ALERTS_KEPT = 100_000

TYPES = ("QUALITY_LOW", "ERROR_RATE_HIGH", "ANOMALIES_MANY", "MEMORY_HIGH")
"""Of the alerts, in the order of the thresholds."""


class ThresholdWatch:
    """Holds the windows against the thresholds; an alert begins and ends with the breach.

    Parameters
    ----------
    thresholds : Thresholds, optional

    Examples
    --------
    >>> watch = ThresholdWatch(Thresholds(memory_mb_above=100))
    >>> [alert.type for alert in watch.memory(250.0, time_ns=0)]
    ['MEMORY_HIGH']
    >>> watch.memory(95.0, time_ns=1), watch.memory(300.0, time_ns=2)  # not over yet: no new one
    ([], [])
    """

    def __init__(self, thresholds: Thresholds | None = None) -> None:
        self.thresholds = thresholds or Thresholds()
        self._open: dict[tuple[str, str], Alert] = {}
        self._begun: dict[str, deque[int]] = {}

    def look(
        self, update: QualityUpdate, *, time_ns: int, alerts: Iterable[Alert] = ()
    ) -> list[Alert]:
        """Return the alerts that begin; those that are over get their end.

        Parameters
        ----------
        update : QualityUpdate
        time_ns : int
            Now, nanoseconds UTC.
        alerts : iterable of Alert
            What a detector has found since the last look.
        """
        self.hear(alerts)
        return [
            one
            for device, scores in update.devices.items()
            for one in self.hold(device, scores, start_ns=update.starts[device], time_ns=time_ns)
        ]

    def hear(self, alerts: Iterable[Alert]) -> None:
        """Take note of what a detector has found."""
        for alert in alerts:
            kept = self._begun.setdefault(alert.device, deque(maxlen=MOST_ALERTS_KEPT))
            kept.append(alert.start)

    def memory(self, mb: float, *, time_ns: int) -> list[Alert]:
        """Return the alert of the process that now has *mb* MB, if it begins."""
        limit = self.thresholds.memory_mb_above
        if limit is None:
            return []
        told = f"The process takes {mb:.0f} MB of memory, more than {limit:g} MB."
        return self._judge(
            "MEMORY_HIGH", ON_LINK, mb, mb > limit, mb <= SHARE_MARGIN * limit, told,
            Severity.WARNING, time_ns, (mb - limit) / limit,
        )  # fmt: skip

    def finish(self, time_ns: int) -> None:
        """Close what is open: nothing more is looked at."""
        for alert in self._open.values():
            alert.end = max(time_ns, alert.start)
        self._open.clear()

    def hold(self, device: str, scores: Scores, *, start_ns: int, time_ns: int) -> list[Alert]:
        """Hold one window of a device against the thresholds; return the alerts that begin.

        Parameters
        ----------
        device : str
        scores : Scores
        start_ns, time_ns : int
            When the window begins and ends, nanoseconds UTC.
        """
        now = time_ns
        limits, found = self.thresholds, list[Alert]()
        enough = scores.lines >= FEWEST_LINES
        score = scores.score
        if limits.quality_below is not None and enough:
            low = limits.quality_below
            worst = min(scores.dimensions, key=lambda name: scores.dimensions[name])
            told = (
                f"Data quality is {score:.1f}, below {low:g}; worst is "
                f"{worst} with {scores.dimensions[worst]:.1f}."
            )
            severity = Severity.CRITICAL if score < low / 2 else Severity.WARNING
            over = score >= min(low + SCORE_MARGIN, 100.0)
            found += self._judge(
                "QUALITY_LOW", device, score, score < low, over, told, severity, now,
                (low - score) / 100,
            )  # fmt: skip
        if limits.error_rate_above is not None and enough:
            rate, high = scores.error_rate, limits.error_rate_above
            told = (
                f"{percent(rate)} of the last {scores.lines} lines were rejected, more than "
                f"{percent(high)}."
            )
            severity = Severity.CRITICAL if rate >= 0.5 else Severity.WARNING
            found += self._judge(
                "ERROR_RATE_HIGH", device, rate, rate > high, rate <= SHARE_MARGIN * high, told,
                severity, now, rate - high,
            )  # fmt: skip
        if limits.anomalies_above is not None:
            begun = self._begun.get(device, deque())
            while begun and begun[0] < start_ns:
                begun.popleft()
            n = sum(1 for _ in takewhile(lambda start: start <= now, begun))
            most = limits.anomalies_above
            what = "anomaly" if n == 1 else "anomalies"
            told = f"{n} {what} within the last {scores.lines} lines, more than {most}."
            found += self._judge(
                "ANOMALIES_MANY", device, float(n), n > most, n <= SHARE_MARGIN * most, told,
                Severity.WARNING, now, float(n - most),
            )  # fmt: skip
        return found

    def _judge(
        self,
        kind: str,
        device: str,
        value: float,
        breached: bool,
        over: bool,
        told: str,
        severity: Severity,
        now: int,
        beyond: float,
    ) -> list[Alert]:
        key = (kind, device)
        alert = self._open.get(key)
        if alert is not None:
            if over:
                alert.end = max(now, alert.start)
                del self._open[key]
            return []
        if not breached:
            return []
        alert = Alert(
            start=now,
            type=kind,
            severity=severity,
            description=told,
            detector=DETECTOR,
            device=device,
            value=value,
            score=beyond,
        )
        self._open[key] = alert
        return [alert]
