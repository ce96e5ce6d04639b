"""Isolation Forest on values, differences and rolling features of all channels."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import ClassVar, Unpack

import numpy as np
from numpy.typing import NDArray
from sklearn.ensemble import IsolationForest

from sensorkit.detect.base import BaseDetector, Shared
from sensorkit.detect.changes import changes_since_last, robust_sigma
from sensorkit.detect.parameters import share, whole
from sensorkit.detect.rolling import departures, last_values
from sensorkit.detect.streams import Arrays, Finding, Floats, Judged, Stream, Track
from sensorkit.detect.trees import Trees
from sensorkit.errors import DetectorError
from sensorkit.profile import Profile
from sensorkit.readings import Readings

FEATURES = ("value", "difference", "departure", "spread")
"""Per channel, in this order."""
SPREAD = FEATURES.index("spread")

# With fewer readings, "isolated early" means little.
FEWEST_READINGS = 50

# The rolling features of fewer values say more about chance than about the device.
FEWEST_VALUES = 5

# scikit-learn casts to float32 and refuses what that cannot hold.
LARGEST_FEATURE = 1e30

# A foreign reading's feature lies within this many times the healthy half range.
FOREIGN_REACH = 5.0

# That range leaves out this share on either side: a glitch in the fit must not stretch it.
FOREIGN_TAIL = 0.001

# A spread below this share of the usual one is as good as none.
SMALLEST_SPREAD = 1e-3


class Forest(BaseDetector):
    r"""Score a reading by how early random splits isolate it from the healthy ones.

    Four features per channel: its value, the difference from the value before, the departure
    from the mean of the last *window* values before it, and the logarithm of their standard
    deviation. Each tree splits a random sample of the fit readings at random until every
    reading is alone; with :math:`E(h)` the mean path length of a reading over the trees and
    :math:`c(n)` that of a random tree over *samples* readings, the score is

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
        How many previous values of a channel the rolling features look at.
    seed : int
        Fixes the foreign readings, the samples and the splits.
    profile : Profile, optional
        Gives alerts the labels, units and decimals of the channels.
    **shared
        See `sensorkit.detect.options.Options`. `merge` is as long as *window* by default: until
        a fault has left the window, it is in the features and may flag again.

    Raises
    ------
    DetectorError
        By `fit`, if there are fewer than 50 readings.

    Notes
    -----
    The method is that of [1]_; scikit-learn fits the trees, our own code walks down them, with
    the same scores (to 1e-12). We depart from it in three points.

    Each feature is centred on its median and divided by its robust standard deviation first:
    scikit-learn works in float32, where all readings at an offset of 1e9 are the same. Values
    beyond 1e30 sigmas are taken as that.

    The published method is fitted on data with anomalies in it. Trees grown on healthy
    readings alone have no split outside the healthy range, and a spike of 100 sigma in one
    channel of two ends in the same leaf as the healthy reading next to the edge. So foreign
    readings are added, as for telling a density from a uniform one by a classifier [2]_:
    healthy ones with one feature moved anywhere within five times its range. With them there
    are more *samples* than the 256 of [1]_.

    A feature that is not there (a missing value, the first reading, a window not yet begun)
    is put at its median, which speaks neither for nor against.

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
        self._centre: Floats = np.empty(0)
        self._scale: Floats = np.empty(0)
        self._least: Floats = np.empty(0)
        self._trees: Trees | None = None

    def find_tracks(self, channels: tuple[str, ...]) -> Sequence[Track]:
        return [Track(self.anomaly_type(), None)]

    def learn(self, parts: list[Readings]) -> None:
        n = sum(map(len, parts))
        if n < FEWEST_READINGS:
            raise DetectorError(
                f"forest: {n} readings are too few to fit on; give at least {FEWEST_READINGS}"
            )
        features = np.concatenate(
            [FeatureStream(len(part.channels), self.window).features(part) for part in parts]
        )
        self._least = np.array(
            [least_spread(column) for column in features[:, SPREAD :: len(FEATURES)].T]
        )
        features = self._logarithmic(features)
        columns = [column[np.isfinite(column)] for column in features.T]
        self._centre = np.array([np.median(column) if len(column) else 0.0 for column in columns])
        self._scale = np.array([robust_sigma(column) for column in columns])
        rows = self._standardize(features)
        rng = np.random.default_rng(self.seed)
        rows = np.concatenate([rows, foreign_rows(rows, round(self.foreign * n), rng)])
        model = IsolationForest(
            n_estimators=self.trees,
            max_samples=min(self.samples, len(rows)),
            random_state=int(rng.integers(2**31)),
        )
        self._trees = Trees.of(model.fit(rows))

    def _logarithmic(self, features: Floats) -> Floats:
        spread = features[:, SPREAD :: len(FEATURES)]
        np.maximum(spread, self._least, out=spread)
        np.log(spread, out=spread)
        return features

    def _standardize(self, features: Floats) -> NDArray[np.float32]:
        with np.errstate(over="ignore", invalid="ignore"):
            standard = (features - self._centre) / self._scale
        standard[np.isnan(standard)] = 0.0
        np.clip(standard, -LARGEST_FEATURE, LARGEST_FEATURE, out=standard)
        return standard.astype(np.float32)

    def open_stream(self, device: str) -> ForestStream:
        return ForestStream(self)

    def score_features(self, features: Floats) -> tuple[Floats, NDArray[np.float32]]:
        """Return scores, shape (n,), and standardized features, shape (n, n_features).

        Parameters
        ----------
        features : array of float, shape (n, 4 n_channels)
            As `FeatureStream.features` gives them; overwritten.
        """
        self._check_fitted()
        assert self._trees is not None  # noqa: S101 - a fit has grown them
        standard = self._standardize(self._logarithmic(features))
        return self._trees.score(standard), standard

    def critical_score(self) -> float:
        """Return the score of a reading isolated in half as many splits as on the threshold."""
        return math.sqrt(self.threshold_)

    def explain(self, part: Readings, judged: Judged, row: int, track: int) -> Finding:
        score = float(judged.scores[row, track])
        c = self._what_stands_out(judged.facts["features"][row])
        channel = part.channels[c]
        value = float(part.values[row, c])
        text = "(missing)" if np.isnan(value) else self.words.value(channel, value)
        among = f" among {len(part.channels)} channels" if len(part.channels) > 1 else ""
        return Finding(
            f"{self.words.title(channel)} {text} stands out{among}: isolation score "
            f"{score:.3f} reaches the threshold of {self.threshold_:.3f}.",
            None,
            channel,
            value,
        )

    def _what_stands_out(self, features: NDArray[np.float32]) -> int:
        channels = len(features) // len(FEATURES)
        without = np.tile(features, (channels, 1))
        for c in range(channels):
            without[c, c * len(FEATURES) : (c + 1) * len(FEATURES)] = 0.0
        assert self._trees is not None  # noqa: S101 - a fit has grown them
        return int(np.argmin(self._trees.score(without)))

    def state(self) -> Arrays:
        assert self._trees is not None  # noqa: S101 - a fit has grown them
        return {
            "centre": self._centre,
            "scale": self._scale,
            "least": self._least,
            "feature": self._trees.feature,
            "split": self._trees.threshold,
            "left": self._trees.left,
            "right": self._trees.right,
            "length": self._trees.length,
            "roots": self._trees.roots,
            "normal": np.array([self._trees.normal]),
        }

    def restore(self, arrays: Arrays) -> None:
        wanted = {
            "centre": "f8",
            "scale": "f8",
            "least": "f8",
            "feature": "i4",
            "split": "f8",
            "left": "i4",
        }
        wanted |= {"right": "i4", "length": "f8", "roots": "i8", "normal": "f8"}
        taken = {}
        for name, kind in wanted.items():
            if name not in arrays:
                raise ValueError(f"{name} is missing")
            array = taken[name] = arrays.pop(name)
            if array.dtype != np.dtype(kind) or array.ndim != 1:
                raise ValueError(f"{name} is {array.dtype} of shape {array.shape}")
        super().restore(arrays)
        channels = len(self.channels or ())
        columns = len(FEATURES) * channels
        centre, scale, least = (taken.pop(name) for name in ("centre", "scale", "least"))
        for array, length in ((centre, columns), (scale, columns), (least, channels)):
            if len(array) != length or not np.isfinite(array).all():
                raise ValueError("centre, scale or least do not fit the channels")
        if not ((scale > 0).all() and (least > 0).all()) or len(taken["normal"]) != 1:
            raise ValueError("scale, least or normal is not above 0")
        trees = Trees(
            feature=taken["feature"],
            threshold=taken["split"],
            left=taken["left"],
            right=taken["right"],
            length=taken["length"],
            roots=taken["roots"],
            normal=float(taken["normal"][0]),
            features=columns,
        )
        trees.check()
        self._centre, self._scale, self._least, self._trees = centre, scale, least, trees


def least_spread(spreads: Floats) -> float:
    """Return the spread of a channel below which there is none, in its unit.

    Parameters
    ----------
    spreads : array of float, shape (n,)
        In healthy readings; NaN where there is none.
    """
    positive = spreads[spreads > 0]
    return SMALLEST_SPREAD * float(np.median(positive)) if len(positive) else 1.0


def foreign_rows(
    rows: NDArray[np.float32], n: int, rng: np.random.Generator
) -> NDArray[np.float32]:
    """Return *n* of *rows* with one feature each moved anywhere within five times its range.

    Parameters
    ----------
    rows : array of float32, shape (n_rows, n_features)
    n : int
    rng : numpy.random.Generator
    """
    low, high = np.quantile(rows, [FOREIGN_TAIL, 1.0 - FOREIGN_TAIL], axis=0)
    middle, reach = (low + high) / 2.0, FOREIGN_REACH * (high - low) / 2.0
    foreign = rows[rng.integers(len(rows), size=n)]
    feature = rng.integers(rows.shape[1], size=n)
    foreign[np.arange(n), feature] = middle[feature] + reach[feature] * rng.uniform(-1.0, 1.0, n)
    return foreign


class FeatureStream:
    """The last values of each channel of one device, and the features made of them."""

    def __init__(self, channels: int, window: int) -> None:
        self._window = window
        self._history = [np.empty(0) for _ in range(channels)]

    def features(self, readings: Readings) -> Floats:
        """Return the features, shape (n, 4 n_channels), NaN where there is none; move on."""
        features = np.full((len(readings), len(FEATURES) * len(self._history)), np.nan)
        for c, history in enumerate(self._history):
            values = readings.values[:, c]
            finite = np.isfinite(values)
            present = values[finite]
            last = history[-1] if len(history) else np.nan
            departure, spread = departures(
                history, present, window=self._window, minimum=FEWEST_VALUES
            )
            column = c * len(FEATURES)
            features[:, column] = values
            features[:, column + 1], _ = changes_since_last(values, last)
            features[finite, column + 2] = departure
            features[finite, column + 3] = spread
            self._history[c] = last_values(history, present, self._window)
        return features


class ForestStream(Stream):
    """One device: its features, scored by the trees of its detector."""

    def __init__(self, detector: Forest) -> None:
        self._detector = detector
        self._features = FeatureStream(len(detector.channels or ()), detector.window)

    def judge(self, readings: Readings) -> Judged:
        """Score, then learn. Facts: `features`, standardized, shape (n, n_features)."""
        scores, features = self._detector.score_features(self._features.features(readings))
        return Judged(scores[:, np.newaxis], {"features": features})
