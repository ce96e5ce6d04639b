"""How much a channel varies from reading to reading, against how much it usually does."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import NamedTuple, Unpack

import numpy as np

from sensorkit.detect.base import BaseDetector, Shared
from sensorkit.detect.kernels.changes import smallest_step
from sensorkit.detect.kernels.departures import NOTHING, end_to_end
from sensorkit.detect.kernels.lanes import inlined, kernel
from sensorkit.detect.kernels.means import NUMBERS, count, empty, mean, push
from sensorkit.detect.parameters import whole
from sensorkit.detect.streams import Arrays, Finding, Floats, Judged, Stream, Track
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

# A difference below this share of the smallest step, or of the usual difference, is as good as
# none. The first makes an exact repetition as far below a step as four steps are above it.
SHARE_OF_STEP = 1 / 4
SHARE_OF_USUAL = 1 / 50

# Differences are at least and at most so large, so that their logarithms are finite: the
# smallest number with all its digits, and one that a difference may exceed by overflow only.
SMALLEST, LARGEST_DIFFERENCE = float(np.finfo(float).tiny), 1e308

# A level is below the logarithm of that: its exponential is finite.
LARGEST_LEVEL = 709.5

# Of the mean of logarithms: a level that is not further above that of the floor is on it.
ROUNDING = 1e-9

# Standard deviation of ln |x| for a normal x.
LOG_SIGMA = math.pi / math.sqrt(8.0)


class Usual(NamedTuple):
    """The healthy volatility of a channel."""

    floor: float
    """Smallest difference believed, in the unit of the channel; above 0."""
    centre: float
    """Median of the levels: of the means of the logarithms of a window's differences."""
    below: float
    """One sigma of the levels on the low side; infinite for a channel that is not watched."""
    above: float
    """One sigma on the high side."""


NOT_WATCHED = Usual(1.0, 0.0, math.inf, math.inf)


class Volatility(BaseDetector):
    r"""Score a reading by how unusually much, or little, the values before it changed.

    For each channel, the level of a window is the mean logarithm of its last :math:`w`
    differences :math:`d` from one value to the next, the latest included,

    .. math:: y = \frac{1}{w} \sum \ln \max(|d|, f), \qquad z = \frac{y - m}{\sigma_\pm},

    with the median :math:`m` of :math:`y` in the fit data. :math:`e^y`, the geometric mean, is
    how much the channel typically changes from reading to reading.

    The score is the largest :math:`|z|` of all channels. It rises when a sensor sticks, even if
    it jitters, when it loses gain, and when noise bursts in. Each channel has its own episodes.

    Parameters
    ----------
    window : int
        How many differences count, at least 8. A stuck sensor is noticed after about a
        quarter of it.
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
    The chart is that of moving ranges [1]_, in which slow movement hardly shows, and the measure
    the log absolute difference, a usual proxy of a volatility that changes [2]_. We depart from
    both in these points.

    The logarithms are averaged, and not the differences or their squares: a few large differences
    make up every mean or standard deviation of a heavy-tailed signal, so that doubled noise is
    lost among them, and a standstill shows only when they have left the window. The price: one
    large difference moves :math:`y` by :math:`(\ln |d| - m) / w` only, so spikes and jumps are
    left to others.

    Differences near 0 are the weakness of that proxy: their logarithms run away [2]_. The floor
    :math:`f` bounds them. It is a quarter of the smallest step between two values of the fit, or
    1/50 of the median difference other than 0 where that is more; a repetition counts as that. A
    channel that never changed in the fit, or had too few values, scores 0.

    Half as much and twice as much are equally far from the usual. The healthy spread of :math:`y`
    is measured on each side by itself, from the 5 % and the 95 % quantile (over 1.6449, so that
    it is one sigma of a normal distribution). It is at least that of independent normal
    differences, :math:`\pi / \sqrt{8 w}` [3]_.

    The baseline is frozen: what is usual comes from the fit and stays, and `hold` changes
    nothing. One that rolls along (the last 2000 windows, with their standard deviations) found
    no more of injected faults, and takes a lasting fault for the new normal in the end.

    Missing values are passed over: a difference is from the last value there was. An infinite
    value is infinitely far, and is passed over as well. Scores begin with 8 differences; until
    the first window is full, one sigma is :math:`\sqrt{w / n}` times as much. Severity is
    CRITICAL from twice the threshold on.

    Window, statistic and floor were chosen on faults injected into six signals (seeds 0 to 29 of
    `benchmarks/judging/injected.py`, 0.45 false events in 10 000 readings), the statistic also by
    a look at the three sites of de Bruijn. Beside the logarithm of the standard deviation of the
    same window it finds 98 % (83) of doubled noise, with heavy tails 87 % (0), a stuck sensor
    after 7 readings (23), but 1 % (68) of the spikes; the average precision on de Bruijn's faults
    is .75 (.79) for malfunction, .91 (.91) bias, .68 (.60) drift, .45 (.16) polydrift, .71 (.62)
    mixed and .14 (.18) for single odd readings.

    References
    ----------
    .. [1] D. C. Montgomery, "Introduction to Statistical Quality Control", 8th ed., Wiley,
       2019, section 6.4.
    .. [2] S. Alizadeh, M. W. Brandt, F. X. Diebold, "Range-based estimation of stochastic
       volatility models", Journal of Finance 57 (2002), 1047-1091.
    .. [3] A. Harvey, E. Ruiz, N. Shephard, "Multivariate stochastic variance models", Review of
       Economic Studies 61 (1994), 247-264: the logarithm of a squared normal has a variance of
       :math:`\pi^2 / 2`.

    Examples
    --------
    >>> rng = np.random.default_rng(1)
    >>> values = rng.normal(20.0, 0.1, (700, 1))
    >>> values[600:] = values[600] + rng.normal(0.0, 0.01, (100, 1))  # stuck, but it jitters
    >>> readings = Readings.build(np.arange(700) * 10**9, values, ["level"])
    >>> volatility = Volatility().fit(readings[:500])
    >>> print(volatility.alerts(readings[500:])[0].description.partition(": ")[2])
    typically 0.045 from reading to reading over the last 32 readings, usually 0.074.
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
        most = int(np.max(present, initial=0))
        if most < least:
            raise DetectorError(
                f"volatility: {'1 value' if most == 1 else f'{most} values'} of a channel "
                f"{'is' if most == 1 else 'are'} too few to learn how much it varies; give at "
                f"least {least} ({FEWEST_WINDOWS} windows)"
            )
        floors = [smallest_believed([part.values[:, c] for part in parts]) for c in range(channels)]
        unknown = np.array([NOT_WATCHED._replace(floor=floor or 1.0) for floor in floors])
        levels = [
            VolatilityStream(self.window, unknown, minimum=self.window).levels(part.values)
            for part in parts
        ]
        usual = [NOT_WATCHED] * channels
        for c in np.flatnonzero(np.asarray(present) >= least):
            if floors[c]:
                of_channel = np.concatenate([level[:, c] for level in levels])
                usual[c] = learn_usual(of_channel, self.window, floors[c])
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
        over = f"from reading to reading over the last {self.window}"
        level = float(judged.facts["level"][row, track])
        floor, centre, _, _ = self.usual[track].tolist()
        change, usual = math.exp(level), math.exp(centre)
        text = f"{change:.2g}{unit} {over} readings"
        text = f"varies {change / usual:.2g} times as much as usual: typically {text}"
        if level <= math.log(floor) + ROUNDING:
            text = f"hardly varies any more {over}"
        text = f"{title} {text}, usually {usual:.2g}{unit}."
        return Finding(text, None, channel, None if math.isnan(value) else value)

    def state(self) -> Arrays:
        return {"usual": self.usual}

    def restore(self, arrays: Arrays) -> None:
        usual = arrays.pop("usual")
        super().restore(arrays)
        if usual.dtype != np.float64 or usual.shape != (len(self._tracks), len(Usual._fields)):
            raise ValueError(f"usual is {usual.dtype} of shape {usual.shape}")
        if not (np.abs(usual[:, 1]) <= LARGEST_LEVEL).all():
            raise ValueError("usual has a level that is none of a logarithm")
        if not ((usual > 0) | [0, 1, 0, 0]).all() or np.isinf(usual[:, 0]).any():
            raise ValueError("usual has a floor or a sigma that is not above 0")
        self.usual = usual


def smallest_believed(columns: list[Floats]) -> float:
    """Return the difference below which a channel is as good as still; 0 if it never changes.

    Parameters
    ----------
    columns : list of array of float, shape (n_readings,)
        The values of the channel, an array for each device.

    Examples
    --------
    >>> smallest_believed([np.array([20.0, 20.5, np.nan, 20.5, 20.0])])
    0.125
    """
    with np.errstate(over="ignore"):
        differences = np.concatenate([np.abs(np.diff(x[np.isfinite(x)])) for x in columns])
        differences = differences[differences > 0.0]
        if not len(differences):
            return 0.0
        usual = min(float(np.median(differences)), LARGEST_DIFFERENCE)
    step = min(smallest_step(np.concatenate(columns)), LARGEST_DIFFERENCE)
    return max(SHARE_OF_STEP * step, SHARE_OF_USUAL * usual, SMALLEST)


def learn_usual(levels: Floats, window: int, floor: float) -> Usual:
    """Return what is usual where healthy windows have these levels.

    Parameters
    ----------
    levels : array of float, shape (n,)
        NaN where there is none.
    window : int
    floor : float
        Smallest difference believed.

    Examples
    --------
    >>> learn_usual(np.full(200, np.nan), 32, 0.1) == NOT_WATCHED
    True
    """
    levels = levels[np.isfinite(levels)]
    if not len(levels):
        return NOT_WATCHED
    low, centre, high = np.quantile(levels, [TAIL, 0.5, 1.0 - TAIL]).tolist()
    least = LOG_SIGMA / math.sqrt(window)
    below, above = (far / SIGMAS_AT_TAIL for far in (centre - low, high - centre))
    return Usual(floor, centre, max(below, least), max(above, least))


class VolatilityStream(Stream):
    """The last differences of each channel of one device."""

    def __init__(self, window: int, usual: Floats, *, minimum: int = FEWEST_DIFFERENCES) -> None:
        self._minimum = minimum
        self._usual = usual.copy()
        self._last = np.full(len(usual), np.nan)
        self._state = empty(len(usual), window)

    def judge(self, readings: Readings) -> Judged:
        """Move the windows on, then score. Facts: `level`, shape (n, n_channels)."""
        if not self.explaining:
            return Judged(self._judge(readings.values, NOTHING))
        level = np.empty(readings.values.shape, order="F")
        return Judged(self._judge(readings.values, end_to_end(level)), {"level": level})

    def judge_one(self, time_ns: int, values: Floats) -> float:
        """Move the windows on by one reading, shape (n_channels,), and score it."""
        return _judge_one(values, self._minimum, self._last, self._state, self._usual)

    def levels(self, values: Floats) -> Floats:
        """Return the level of each window, NaN where there is none."""
        level = np.empty(values.shape, order="F")
        self._judge(values, end_to_end(level))
        return level

    def _judge(self, values: Floats, levels: Floats) -> Floats:
        scores = np.empty(values.shape, order="F")
        _judge(
            end_to_end(values),
            self._minimum,
            self._last,
            self._state,
            self._usual,
            end_to_end(scores),
            levels,
        )
        return scores


@inlined
def _judge_value(
    x: float, minimum: int, last: Floats, state: Floats, usual: Floats, c: int
) -> tuple[float, float]:  # pragma: no cover - compiled
    """Return score and level behind one value."""
    if math.isnan(x):
        return 0.0, np.nan
    if math.isinf(x):
        return np.inf, np.inf
    before, last[c] = last[c], x
    if math.isnan(before):
        return 0.0, np.nan
    difference = min(max(abs(x - before), usual[c, 0]), LARGEST_DIFFERENCE)
    push(math.log(difference), state, c)
    n = count(state, c)
    if n < minimum:
        return 0.0, np.nan
    level = mean(state, c)
    if math.isinf(usual[c, 3]):
        return 0.0, level
    away = (level - usual[c, 1]) * math.sqrt(n / (state.shape[1] - NUMBERS))
    return (away / usual[c, 3] if away > 0.0 else -away / usual[c, 2]), level


@kernel
def _judge(
    values: Floats,
    minimum: int,
    last: Floats,
    state: Floats,
    usual: Floats,
    scores: Floats,
    levels: Floats,
) -> None:  # pragma: no cover - compiled
    """Score every value of every channel; the last array may be empty."""
    n = len(values) // max(len(last), 1)
    for c in range(len(last)):
        for at in range(c * n, (c + 1) * n):
            score, level = _judge_value(values[at], minimum, last, state, usual, c)
            scores[at] = score
            if len(levels):
                levels[at] = level


@kernel
def _judge_one(
    values: Floats, minimum: int, last: Floats, state: Floats, usual: Floats
) -> float:  # pragma: no cover - compiled
    most = 0.0
    for c in range(len(last)):
        score, _ = _judge_value(values[c], minimum, last, state, usual, c)
        most = max(most, score)
    return most
