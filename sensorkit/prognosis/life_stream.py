"""One device under the detector of wear: its window, and what is left at each reading."""

from __future__ import annotations

import numpy as np

from sensorkit.detect.streams import Floats, Judged, Stream
from sensorkit.prognosis.model import LifeModel
from sensorkit.prognosis.windows import WindowStream
from sensorkit.readings import Readings

# The features of more readings at a time would take much memory: 4 numbers a channel each.
ROWS_AT_ONCE = 4096


class LifeStream(Stream):
    """The window of one device.

    Parameters
    ----------
    model : LifeModel
    gap_s : float
        Seconds without a reading after which the window begins anew.
    """

    def __init__(self, model: LifeModel, gap_s: float) -> None:
        self._model = model
        self._gap_ns = gap_s * 1e9
        self._window = WindowStream(len(model.conditions.columns), model.window)
        self._condition = 0
        self._last: int | None = None

    def judge(self, readings: Readings) -> Judged:
        """Score the readings. No facts: all that an alert says is in the score."""
        scores = np.empty((len(readings), 1), order="F")
        for start in range(0, len(readings), ROWS_AT_ONCE):
            part = readings[start : start + ROWS_AT_ONCE]
            left = self._model.predict(self._features(part))
            scores[start : start + len(part), 0] = 1.0 - left / self._model.cap
        return Judged(scores)

    def _features(self, part: Readings) -> Floats:
        conditions = self._model.conditions
        at = conditions.of(part.values, self._condition)
        before = part.time[0] if self._last is None else self._last
        begins = np.diff(part.time, prepend=before) > self._gap_ns
        self._condition, self._last = int(at[-1]), int(part.time[-1])
        return self._window.features(conditions.without(part.values, at), begins)
