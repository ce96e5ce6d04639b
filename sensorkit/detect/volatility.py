"""How much a channel varies from reading to reading, against how much it usually does."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import NamedTuple, Unpack

import numpy as np

from sensorkit.detect.base import BaseDetector, Shared
from sensorkit.detect.changes import smallest_step
from sensorkit.detect.lanes import inlined, kernel
from sensorkit.detect.parameters import whole
from sensorkit.detect.rolling import NOTHING, end_to_end
from sensorkit.detect.streams import LARGEST, Arrays, Finding, Floats, Judged, Stream, Track
from sensorkit.detect.windows import FLOOR, FULL, NUMBERS, PIVOT, PLACE, measure, push
from sensorkit.errors import DetectorError
from sensorkit.profile import Profile
from sensorkit.readings import Readings

# The tails that tell how far the volatility of healthy readings goes up and down: beyond the
# spikes and the silences that a fit may contain, well inside of what 100 windows show.
TAIL = 0.05
SIGMAS_AT_TAIL = 1.6449  # of a normal distribution

# Windows of the fit, end to end, below which nothing can be said of a channel.
FEWEST_WINDOWS = 4

# Differences from which on a window that is not yet full is scored.
FEWEST_DIFFERENCES = 8

# A spread below this share of the usual one is as good as none.
SMALLEST_SHARE = 1e-3


class Usual(NamedTuple):
    """The healthy volatility of a channel."""

    floor: float
    """Smallest spread believed, in the unit of the channel."""
    centre: float
    """Median of the logarithms of the spreads."""
    below: float
    """One sigma of the logarithms on the low side; infinite for a channel that is not watched."""
    above: float
    """One sigma on the high side."""


NOT_WATCHED = Usual(0.0, 0.0, math.inf, math.inf)


class Volatility(BaseDetector):
    r"""Score a reading by how unusually much, or little, the values before it changed.

    For each channel, with the standard deviation :math:`s_t` of the last *window* differences
    from one value to the next (the latest included) and the median :math:`m` of
    :math:`\ln s` in the fit data,

    .. math:: z = \frac{\ln \max(s_t, f) - m}{\sigma_\pm}

    and the score is the largest :math:`|z|` of all channels. It rises when a sensor sticks, even
    if it jitters, when it loses gain, and when noise bursts in. Each channel has its own
    episodes.

    Parameters
    ----------
    window : int
        How many differences count, at least 8. A stuck sensor is noticed after about two
        thirds of it.
    profile : Profile, optional
        Gives alerts the labels, units and decimals of the channels.
    **shared
        See `sensorkit.detect.options.Options`.

    Raises
    ------
    DetectorError
        By `fit`, if no channel has values for four windows.

    Notes
    -----
    The chart is an S chart [1]_ on differences, which take slow movement out. We depart from it
    in these points.

    The logarithm makes half as much and twice as much equally far. Its healthy spread is
    measured on each side by itself, from the 5 % and the 95 % quantile (over 1.6449, so that it
    is one sigma of a normal distribution): occasional bursts of a heavy-tailed signal would
    otherwise hide a stuck sensor. It is at least that of independent normal differences,
    :math:`1 / \sqrt{2 w}`.

    The baseline is frozen: what is usual comes from the fit and stays, and `hold` changes
    nothing. One that rolls along (the last 2000 windows) found no more of the faults injected
    into seven kinds of signals, and takes a lasting fault for the new normal in the end.

    A window of equal differences has :math:`s = 0`. The floor :math:`f` is half of what the
    smallest step between two values of the fit makes of a window if it occurs once,
    :math:`q / 2 \sqrt{w}`, or 1/1000 of the usual spread where that is more. A channel that
    never changed in the fit, or had too few values, scores 0.

    Missing values are passed over: a difference is from the last value there was. An infinite
    value is infinitely far, and is passed over as well. Scores begin with 8 differences; until
    the first window is full, one sigma is :math:`\sqrt{w / n}` times as much. Severity is
    CRITICAL from twice the threshold on.

    References
    ----------
    .. [1] D. C. Montgomery, "Introduction to Statistical Quality Control", 8th ed., Wiley,
       2019, section 6.3.

    Examples
    --------
    >>> rng = np.random.default_rng(1)
    >>> values = rng.normal(20.0, 0.1, (700, 1))
    >>> values[600:] = values[600] + rng.normal(0.0, 0.01, (100, 1))  # stuck, but it jitters
    >>> readings = Readings.build(np.arange(700) * 10**9, values, ["level"])
    >>> volatility = Volatility().fit(readings[:500])
    >>> print(volatility.alerts(readings[500:])[0].description.partition(": ")[2])
    0.076 from reading to reading over the last 32 readings, usually 0.13.
    """

    name = "volatility"
    must_be_fitted = True

    def __init__(
        self, *, window: int = 32, profile: Profile | None = None, **shared: Unpack[Shared]
    ) -> None:
        super().__init__(profile=profile, **shared)
        self.window = whole(self.name, "window", window, least=FEWEST_DIFFERENCES)
        self.usual: Floats = np.empty((0, len(Usual._fields)))
        """What the fit learned: a `Usual` for each channel."""

    def find_tracks(self, channels: tuple[str, ...]) -> Sequence[Track]:
        return [Track(self.anomaly_type(), channel) for channel in channels]

    def learn(self, parts: list[Readings]) -> None:
        channels = len(self._tracks)
        present = sum(np.isfinite(part.values).sum(axis=0) for part in parts)
        least = FEWEST_WINDOWS * self.window
        if np.max(present, initial=0) < least:
            raise DetectorError(
                f"volatility: {np.max(present, initial=0)} values of a channel are too few to "
                f"learn how much it varies; give at least {least} ({FEWEST_WINDOWS} windows)"
            )
        unknown = np.array([NOT_WATCHED] * channels)
        spreads = [
            VolatilityStream(self.window, unknown, minimum=self.window).spreads(part.values)
            for part in parts
        ]
        usual = [NOT_WATCHED] * channels
        for c in np.flatnonzero(np.asarray(present) >= least):
            step = smallest_step(np.concatenate([part.values[:, c] for part in parts]))
            usual[c] = learn_usual(np.concatenate([s[:, c] for s in spreads]), self.window, step)
        self.usual = np.array(usual)

    def open_stream(self, device: str) -> VolatilityStream:
        return VolatilityStream(self.window, self.usual)

    def explain(self, part: Readings, judged: Judged, row: int, track: int) -> Finding:
        channel = part.channels[track]
        value = float(part.values[row, track])
        title, unit = self.words.title(channel), self.words.unit(channel)
        if not math.isfinite(value):
            text = f"{title} {self.words.value(channel, value)} is infinitely far from all before."
            return Finding(text, None, channel, value)
        spread = float(judged.facts["spread"][row, track])
        floor, usual = self.usual[track, 0], math.exp(self.usual[track, 1])
        text = f"{spread:.2g}{unit} from reading to reading over the last {self.window} readings"
        text = f"varies {spread / usual:.2g} times as much as usual: {text}"
        if spread <= floor:
            text = f"hardly varies any more from reading to reading over the last {self.window}"
        text = f"{title} {text}, usually {usual:.2g}{unit}."
        return Finding(text, None, channel, None if math.isnan(value) else value)

    def state(self) -> Arrays:
        return {"usual": self.usual}

    def restore(self, arrays: Arrays) -> None:
        usual = arrays.pop("usual")
        super().restore(arrays)
        if usual.dtype != np.float64 or usual.shape != (len(self._tracks), len(Usual._fields)):
            raise ValueError(f"usual is {usual.dtype} of shape {usual.shape}")
        if not np.isfinite(usual[:, :2]).all() or not ((usual >= 0) | [0, 1, 0, 0]).all():
            raise ValueError("usual has a level that is not finite or a spread below 0")
        self.usual = usual


def learn_usual(spreads: Floats, window: int, step: float) -> Usual:
    """Return what is usual where healthy windows spread like this.

    Parameters
    ----------
    spreads : array of float, shape (n,)
        NaN where there is none.
    window : int
    step : float
        Smallest difference between two values of the channel.

    Examples
    --------
    >>> learn_usual(np.zeros(200), 32, 0.1) == NOT_WATCHED
    True
    """
    present = spreads[np.isfinite(spreads)]
    varying = present[present > 0.0]
    if not len(varying):
        return NOT_WATCHED
    floor = max(step / (2.0 * math.sqrt(window)), SMALLEST_SHARE * float(np.median(varying)))
    logs = np.log(np.maximum(present, floor))
    low, centre, high = np.quantile(logs, [TAIL, 0.5, 1.0 - TAIL]).tolist()
    least = 1.0 / math.sqrt(2.0 * window)
    below, above = (far / SIGMAS_AT_TAIL for far in (centre - low, high - centre))
    return Usual(floor, centre, max(below, least), max(above, least))


class VolatilityStream(Stream):
    """The last differences of each channel of one device."""

    def __init__(self, window: int, usual: Floats, *, minimum: int = FEWEST_DIFFERENCES) -> None:
        self._minimum = minimum
        self._usual = usual.copy()
        self._last = np.full(len(usual), np.nan)
        self._state = np.zeros((len(usual), NUMBERS + 4 * window))
        self._state[:, FLOOR] = usual[:, 0]

    def judge(self, readings: Readings) -> Judged:
        """Move the windows on, then score. Facts: `spread`, floored, shape (n, n_channels)."""
        if not self.explaining:
            return Judged(self._judge(readings.values, NOTHING))
        spread = np.empty(readings.values.shape, order="F")
        return Judged(self._judge(readings.values, end_to_end(spread)), {"spread": spread})

    def judge_one(self, time_ns: int, values: Floats) -> float:
        """Move the windows on by one reading, shape (n_channels,), and score it."""
        return _judge_one(values, self._minimum, self._last, self._state, self._usual)

    def spreads(self, values: Floats) -> Floats:
        """Return the standard deviation of each window, NaN where there is none."""
        spread = np.empty(values.shape, order="F")
        self._judge(values, end_to_end(spread))
        return spread

    def _judge(self, values: Floats, spreads: Floats) -> Floats:
        scores = np.empty(values.shape, order="F")
        _judge(
            end_to_end(values),
            self._minimum,
            self._last,
            self._state,
            self._usual,
            end_to_end(scores),
            spreads,
        )
        return scores


@inlined
def _judge_value(
    x: float, minimum: int, last: Floats, state: Floats, usual: Floats, c: int
) -> tuple[float, float]:  # pragma: no cover - compiled
    """Return score and spread behind one value."""
    if math.isnan(x):
        return 0.0, np.nan
    if math.isinf(x):
        return np.inf, np.inf
    before, last[c] = last[c], x
    if math.isnan(before):
        return 0.0, np.nan
    push(min(max(x - before, -LARGEST), LARGEST), state, c)
    window = (state.shape[1] - NUMBERS) // 4
    n = window if state[c, FULL] else int(state[c, PLACE])
    if n < minimum:
        return 0.0, np.nan
    _, _, spread = measure(state[c, PIVOT], state, c)
    if math.isinf(usual[c, 3]):
        return 0.0, spread
    away = (math.log(spread) - usual[c, 1]) * math.sqrt(n / window)
    return (away / usual[c, 3] if away > 0.0 else -away / usual[c, 2]), spread


@kernel
def _judge(
    values: Floats,
    minimum: int,
    last: Floats,
    state: Floats,
    usual: Floats,
    scores: Floats,
    spreads: Floats,
) -> None:  # pragma: no cover - compiled
    """Score every value of every channel; the last array may be empty."""
    n = len(values) // max(len(last), 1)
    for c in range(len(last)):
        for at in range(c * n, (c + 1) * n):
            score, spread = _judge_value(values[at], minimum, last, state, usual, c)
            scores[at] = score
            if len(spreads):
                spreads[at] = spread


@kernel
def _judge_one(
    values: Floats, minimum: int, last: Floats, state: Floats, usual: Floats
) -> float:  # pragma: no cover - compiled
    most = 0.0
    for c in range(len(last)):
        score, _ = _judge_value(values[c], minimum, last, state, usual, c)
        most = max(most, score)
    return most
