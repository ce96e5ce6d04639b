"""What the protocol of a public data set has to say: cases, what is learned, what is measured."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, ClassVar

import numpy as np
from numpy.typing import NDArray

from sensorkit.datasets.series import Series
from sensorkit.detect.base import Detector
from sensorkit.display.formats import fixed, number
from sensorkit.evaluate.public.pooling import Figures, Floats
from sensorkit.readings import Readings

BUDGET = 1.0
"""False alarms a day that thresholds are frozen for, where a protocol does not say otherwise."""


@dataclass(frozen=True)
class Column:
    """One figure of a table."""

    key: str
    title: str
    better: str = "high"
    """high or low: which values are good."""
    labels: bool = False
    """The threshold behind it was chosen on the labels of the test."""
    unit: str = ""
    share: bool = True
    """It goes from 0 to 1."""

    def to_dict(self) -> dict[str, Any]:
        """Return it ready for JSON."""
        return dict(vars(self))

    def said(self, value: float | None) -> str:
        """Return a figure as text: shares with as many decimals as each other.

        >>> Column("f1", "F1").said(0.9), Column("lead", "Lead", share=False).said(12.0)
        ('0.900', '12')
        """
        return fixed(value) if self.share else number(value)


@dataclass(frozen=True, eq=False)
class Case:
    """What a detector is tried on: stretches that do not overlap, and the truth of the last one."""

    name: str
    unit: str
    """Cases of the same unit share a rig or a base signal, and are drawn together."""
    fit: Readings
    calibrate: Readings | None
    """None where the protocol leaves the threshold to the fit."""
    before: Readings | None
    """Healthy readings right before the test, which the stream has seen; not judged."""
    test: Readings
    faulty: NDArray[np.bool_]
    """Which readings of the test are labelled, shape (n,)."""
    windows: NDArray[np.int64]
    """First and last row of each fault in the test (inclusive), shape (n_faults, 2)."""
    kind: str = ""
    learned: str = ""
    """Cases with the same word have the same `fit` and `calibrate`: learned once."""
    extra: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, eq=False)
class Found:
    """What was measured of one detector on one case."""

    figures: Figures
    arrays: Mapping[str, NDArray[Any]] = field(default_factory=dict)
    """What figures over all cases need beside, as scores."""


class Protocol(ABC):
    """How a public data set is judged.

    Attributes
    ----------
    name, title : str
    text : tuple of str
        How it is judged, sentence by sentence, for people.
    warnings : tuple of str
        What a reader of the table has to know.
    columns : tuple of Column
        Honest figures first; those whose threshold was chosen on the labels of the test after.
    headline : str
        Key of the column that ranks ours.
    each : str
        The figure of a single case that critical differences rank by.
    comparable : str
        Key of the column that the leaderboard publishes under the same protocol; "" if none.
    whole : int, optional
        How many cases the whole set has; on fewer nobody is ranked among the published.
    """

    name: ClassVar[str]
    title: ClassVar[str]
    text: ClassVar[tuple[str, ...]]
    warnings: ClassVar[tuple[str, ...]] = ()
    columns: ClassVar[tuple[Column, ...]]
    headline: ClassVar[str]
    each: ClassVar[str]
    comparable: ClassVar[str] = ""
    whole: ClassVar[int | None] = None
    series_are_cases: ClassVar[bool] = True
    """A limit can be handed to the loader; else all series are wanted to make the first cases."""

    @abstractmethod
    def cases(self, series: Iterable[Series]) -> list[Case]:
        """Return what detectors are tried on."""

    def learn(self, detector: Detector, case: Case) -> Detector:
        """Return *detector* after fit and calibration on the stretches of *case*."""
        detector.fit(case.fit)
        if case.calibrate is not None:
            detector.calibrate(case.calibrate, BUDGET)
        return detector

    @abstractmethod
    def judge(self, detector: Detector, case: Case) -> Found:
        """Return what a detector that has learned finds; it is used up."""

    @abstractmethod
    def pool(self, figures: Mapping[str, Floats], weight: Floats) -> dict[str, Floats]:
        """Return the figures of the table; see `sensorkit.evaluate.public.pooling`."""

    def chosen_on_labels(
        self,
        cases: Sequence[Case],  # noqa: ARG002 - for those that look
        found: Sequence[Found],  # noqa: ARG002
    ) -> dict[str, float]:
        """Return the figures whose threshold is chosen on the labels of all cases."""
        return {}

    def leaderboard(
        self, published: Sequence[dict[str, Any]], cases: Sequence[Case]
    ) -> tuple[list[dict[str, Any]], bool]:
        """Return the published rows of these cases, and whether they are the whole set."""
        return list(published), len(cases) == self.whole

    def notes(self, cases: Sequence[Case]) -> list[str]:  # noqa: ARG002
        """Return what is to be said of these cases beside `warnings`."""
        return []

    @property
    def column(self) -> Column:
        """Return the column of the headline."""
        return next(column for column in self.columns if column.key == self.headline)
