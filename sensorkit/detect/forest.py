"""Isolation Forest on values, jumps and rolling features of all channels."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import ClassVar, Unpack

import numpy as np
from numpy.typing import NDArray

from sensorkit.detect.base import BaseDetector, Shared
from sensorkit.detect.kernels.features import (
    FEATURES,
    FEWEST_VALUES,
    LONG,
    ROWS_AT_ONCE,
    FeatureStream,
    Standard,
    foreign_rows,
    judge_one,
    sample_features,
)
from sensorkit.detect.kernels.trees import Trees
from sensorkit.detect.parameters import share, unknown, whole
from sensorkit.detect.streams import Arrays, Finding, Floats, Judged, Stream, Track
from sensorkit.detect.wording import times
from sensorkit.errors import DetectorError
from sensorkit.profile import Profile
from sensorkit.readings import Readings

# With fewer readings, "isolated early" means little.
FEWEST_READINGS = 50

# Trees draw their samples from at most so many readings. Their median is 0.7 % of a sigma off
# (1.25 / sqrt(n)); a fit on more would only take longer.
MOST_READINGS = 1 << 15

# exp(700) is just below the largest float64.
LARGEST_EXPONENT = 700.0

# What is saved: name -> dtype.
SAVED = {
    "centre": "f8",
    "scale": "f8",
    "least": "f8",
    "feature": "i4",
    "split": "f8",
    "left": "i4",
    "right": "i4",
    "length": "f8",
    "roots": "i8",
    "normal": "f8",
}


class Forest(BaseDetector):
    r"""Score a reading by how early random splits isolate it from the healthy ones.

    Four features per channel, of its finite values :math:`x_1, x_2, \dots` and a window *w*:

    .. math::

        \text{value} &= x_i \\
        \text{jump} &= x_i - \operatorname{median}(x_{i-5}, \dots, x_{i-1}) \\
        \text{departure} &= x_i - \operatorname{median}(x_{i-w}, \dots, x_{i-1}) \\
        \text{volatility} &= \ln \tfrac{1}{w} \textstyle\sum_{j=0}^{w-1} |x_{i-j} - x_{i-j-1}|

    and a fifth that is not looked at by default, *long_volatility*, over 2w. Each tree splits a
    random sample of the fit readings at random until every reading is alone; with :math:`E(h)`
    the mean path length of a reading over the trees and :math:`c(n)` that of a random tree over
    *samples* readings, the score is

    .. math:: 2^{-E(h) / c(n)}

    (towards 0 for what is deep among the healthy, towards 1 for what is isolated at once).

    Parameters
    ----------
    trees : int
    samples : int
        Readings drawn for each tree.
    foreign : float
        Foreign readings added to the fit, per healthy one; 0 is the method as published.
    window : int
        How many previous values of a channel the rolling features look at, at least 5.
    features : str
        Which of the five to look at, with commas between. With `"value"` alone and one channel
        scores are looked up in a table, 100 times as fast as scikit-learn finds them.
    seed : int
        Fixes the foreign readings, the samples and the splits.
    profile : Profile, optional
        Gives alerts the labels, units and decimals of the channels.
    **shared
        See `sensorkit.detect.options.Options`. `merge` is 20 by default, as the window: until a
        fault has left that, it is in the features and may flag again.

    Raises
    ------
    DetectorError
        By `fit`, if there are fewer than 50 readings.

    Notes
    -----
    The method is that of [1]_; scikit-learn fits the trees, our own code walks down them, with
    the same scores (to 1e-12). Of more than 32 768 readings it fits on so many, drawn at random.
    We depart from the method in three points: features, their scale and foreign readings.

    A single reading must not spoil the features of those after it: the plain difference of the
    healthy reading after a spike is as large as that of the spike, and means and standard
    deviations remember it for a window. Medians do not, and it moves a mean difference less.

    Each feature is centred on its median and divided by its robust standard deviation first:
    scikit-learn works in float32, where all readings at an offset of 1e9 are the same. Values
    beyond 1e30 sigmas are taken as that.

    The published method is fitted on data with anomalies in it. Trees grown on healthy
    readings alone have no split outside the healthy range, and a spike of 100 sigma in one
    channel of two ends in the same leaf as the healthy reading next to the edge. So foreign
    readings are added, as for telling a density from a uniform one by a classifier [2]_:
    healthy ones with one feature moved anywhere within five times its range. With them there
    are more *samples* than the 256 of [1]_.

    A feature that is not there (a missing value, the first five readings) is put at its
    median, which speaks neither for nor against. A volatility is at least a thousandth of the
    usual one: a channel that does not vary at all has a logarithm, too.

    *samples* and the foreign readings were chosen on a synthetic trial, the four features after a
    look at all three sites of de Bruijn's faults in temperatures. The fifth, chosen on faults of
    our own and one of those sites, finds a gain that falls to 0.3 in 83 instead of 41 % of fresh
    runs; on the other sites malfunctions are told better, spikes and slow drifts worse.

    An alert names the channel whose features, put back to their medians, would lower the
    score the most. It is CRITICAL when the reading is isolated in half as many splits as one
    on the threshold (a score of its square root). All channels share one episode.

    References
    ----------
    .. [1] F. T. Liu, K. M. Ting and Z.-H. Zhou, "Isolation Forest", ICDM 2008,
       doi:10.1109/ICDM.2008.17.
    .. [2] T. Hastie, R. Tibshirani and J. Friedman, "The Elements of Statistical Learning",
       2nd ed., Springer, 2009, section 14.2.4.
    """

    name = "forest"
    must_be_fitted = True
    shared_defaults: ClassVar[Shared] = {"merge": 20}

    def __init__(
        self,
        *,
        trees: int = 100,
        samples: int = 1024,
        foreign: float = 0.5,
        window: int = 20,
        features: str = "value,jump,departure,volatility",
        seed: int = 0,
        profile: Profile | None = None,
        **shared: Unpack[Shared],
    ) -> None:
        super().__init__(profile=profile, **shared)
        self.trees = whole(self.name, "trees", trees, least=1)
        self.samples = whole(self.name, "samples", samples, least=2)
        self.foreign = share(self.name, "foreign", foreign)
        self.window = whole(self.name, "window", window, least=FEWEST_VALUES)
        self.seed = whole(self.name, "seed", seed, least=0)
        self._looked_at = _which(features)
        self.features = ",".join(self._looked_at)
        self._standard: Standard | None = None
        self._trees: Trees | None = None

    def find_tracks(self, channels: tuple[str, ...]) -> Sequence[Track]:
        return [Track(self.anomaly_type(), None)]

    def learn(self, parts: list[Readings]) -> None:
        # It takes more than a second, and a detector that was saved does without.
        from sklearn.ensemble import IsolationForest

        n = sum(map(len, parts))
        if n < FEWEST_READINGS:
            raise DetectorError(
                f"forest: {n} readings are too few to fit on; give at least {FEWEST_READINGS}"
            )
        rng = np.random.default_rng(self.seed)
        features = sample_features(
            [part.values for part in parts], window=self.window, most=MOST_READINGS, rng=rng
        )
        self._standard = Standard.of(features, self._columns(len(parts[0].channels)))
        rows = self._standard.rows(features)
        rows = np.concatenate([rows, foreign_rows(rows, round(self.foreign * len(rows)), rng)])
        model = IsolationForest(
            n_estimators=self.trees,
            max_samples=min(self.samples, len(rows)),
            contamination="auto",  # anything else scores all rows once more
            random_state=int(rng.integers(2**31)),
        )
        self._trees = Trees.of(model.fit(rows))

    def _columns(self, channels: int) -> NDArray[np.int64]:
        chosen = np.array([FEATURES.index(name) for name in self._looked_at])
        first = np.arange(channels) * len(FEATURES)
        columns: NDArray[np.int64] = np.add.outer(first, chosen).ravel()
        return columns

    @property
    def _learned(self) -> tuple[Standard, Trees]:
        assert self._standard is not None  # noqa: S101 - there is a fit
        assert self._trees is not None  # noqa: S101 - there is a fit
        return self._standard, self._trees

    def open_stream(self, device: str) -> ForestStream:
        return ForestStream(*self._learned, FeatureStream(len(self.channels or ()), self.window))

    def critical_score(self) -> float:
        """Return the score of a reading isolated in half as many splits as on the threshold."""
        return math.sqrt(self.threshold_)

    def explain(self, part: Readings, judged: Judged, row: int, track: int) -> Finding:
        score = float(judged.scores[row, track])
        infinite = np.flatnonzero(np.isinf(part.values[row]))
        standard = judged.facts["features"][row]
        c = int(infinite[0]) if len(infinite) else self._what_stands_out(standard)
        channel, value = part.channels[c], float(part.values[row, c])
        subject = f"{self.words.title(channel)} {self.words.value(channel, value)}"
        if len(infinite):
            return Finding(f"{subject} is not finite.", None, channel, value)
        if math.isnan(value):
            subject = f"{self.words.title(channel)} (missing)"
        among = f" among {len(part.channels)} channels" if len(part.channels) > 1 else ""
        return Finding(
            f"{subject} stands out{among}: it {self._how_far(channel, c, standard)}; isolation "
            f"score {score:.3f} reaches the threshold of {self.threshold_:.3f}.",
            None,
            channel,
            value,
        )

    def _what_stands_out(self, standard: NDArray[np.float32]) -> int:
        """Return the channel without whose features the score would be the lowest."""
        each = len(self._looked_at)
        channels = len(standard) // each
        without = np.tile(standard, (channels, 1))
        for c in range(channels):
            without[c, c * each : (c + 1) * each] = 0.0
        return int(np.argmin(self._learned[1].score(without)))

    def _how_far(self, channel: str, c: int, standard: NDArray[np.float32]) -> str:
        """Put the feature of a channel that is the farthest from its median into words."""
        usual, _ = self._learned
        each = len(self._looked_at)
        k = c * each + int(np.argmax(np.abs(standard[c * each : (c + 1) * each])))
        feature, column = FEATURES[usual.columns[k] % len(FEATURES)], usual.columns[k]
        sigmas = float(standard[k])
        there = float(usual.centre[column] + sigmas * usual.scale[column])
        far = f"is {times(abs(sigmas))} sigma {'above' if sigmas > 0 else 'below'}"
        if feature == "value":
            return f"{far} its usual {self.words.value(channel, float(usual.centre[column]))}"
        if feature == "jump":
            way = "up" if there > 0 else "down"
            by = self.words.value(channel, abs(there))
            return f"jumped {way} by {by} from the median of the {FEWEST_VALUES} values before"
        if feature == "departure":
            return f"{far} the median of the {self.window} values before"
        over = f" over {LONG * self.window} values" if feature == "long_volatility" else ""
        factor = math.exp(min(abs(there - usual.centre[column]), LARGEST_EXPONENT))
        if sigmas > 0:
            return f"varies {times(factor)} times as much as usual{over}"
        if there <= math.log(usual.least[c]):
            return f"does not vary any more{over}"
        return f"varies {times(factor)} times less than usual{over}"

    def state(self) -> Arrays:
        standard, trees = self._learned
        return {
            "centre": standard.centre,
            "scale": standard.scale,
            "least": standard.least,
            "feature": trees.feature,
            "split": trees.threshold,
            "left": trees.left,
            "right": trees.right,
            "length": trees.length,
            "roots": trees.roots,
            "normal": np.array([trees.normal]),
        }

    def restore(self, arrays: Arrays) -> None:
        taken = {}
        for name, kind in SAVED.items():
            if name not in arrays:
                raise ValueError(f"{name} is missing")
            array = taken[name] = arrays.pop(name)
            if array.dtype != np.dtype(kind) or array.ndim != 1:
                raise ValueError(f"{name} is {array.dtype} of shape {array.shape}")
        super().restore(arrays)
        channels = len(self.channels or ())
        every = len(FEATURES) * channels
        centre, scale, least = (taken.pop(name) for name in ("centre", "scale", "least"))
        for array, length in ((centre, every), (scale, every), (least, channels)):
            if len(array) != length or not np.isfinite(array).all():
                raise ValueError("centre, scale or least do not fit the channels")
        if not ((scale > 0).all() and (least > 0).all()) or len(taken["normal"]) != 1:
            raise ValueError("scale, least or normal is not above 0")
        columns = self._columns(channels)
        trees = Trees(
            feature=taken["feature"],
            threshold=taken["split"],
            left=taken["left"],
            right=taken["right"],
            length=taken["length"],
            roots=taken["roots"],
            normal=float(taken["normal"][0]),
            features=len(columns),
        )
        trees.check()
        self._standard, self._trees = Standard(centre, scale, least, columns), trees


def _which(features: str) -> tuple[str, ...]:
    """Return the chosen features in their own order; DetectorError for an unknown one."""
    names = [name.strip() for name in str(features).split(",")]
    for name in names:
        if name not in FEATURES:
            raise unknown("feature of forest", name, FEATURES)
    return tuple(name for name in FEATURES if name in names)


class ForestStream(Stream):
    """One device: its features, scored by the trees of its detector.

    Parameters
    ----------
    standard : Standard
    trees : Trees
    features : FeatureStream
    """

    def __init__(self, standard: Standard, trees: Trees, features: FeatureStream) -> None:
        self._standard = standard
        self._trees = trees
        self._features = features

    def judge(self, readings: Readings) -> Judged:
        """Score, then learn. Facts: `features`, standardized, shape (n, n_features)."""
        scores = np.empty(len(readings))
        rows = []
        for start in range(0, len(readings), ROWS_AT_ONCE):
            values = readings.values[start : start + ROWS_AT_ONCE]
            standard = self._standard.rows(self._features.features(values))
            scores[start : start + len(values)] = self._trees.score(standard)
            if self.explaining:
                rows.append(standard)
        # The trees take it for a very large value, which may be usual.
        scores[np.isinf(readings.values).any(axis=1)] = np.inf
        facts = {}
        if self.explaining:
            facts["features"] = (
                np.concatenate(rows) if rows else self._standard.rows(np.empty((0, 0)))
            )
        return Judged(scores[:, np.newaxis], facts)

    def judge_one(self, time_ns: int, values: Floats) -> float:
        if not values.flags.carray:  # or the kernel would be compiled for these as well
            values = values.copy()
        features, standard, walker = self._features, self._standard, self._trees.walker
        return judge_one(
            values, features.windows, features.steps, features.long_steps, standard.centre,
            standard.scale, standard.least, standard.columns, walker.nodes, walker.lengths,
            walker.roots, walker.depths, walker.most,
        )  # fmt: skip
