"""A detector whose threshold is given: what it finds can be worked out by hand."""

import numpy as np

from sensorkit.readings import Alert, Severity


class PressureLimit:
    """The score is |pressure|; an episode ends with the first calm reading."""

    name = "pressure-limit"

    def __init__(self, threshold=4.0):
        self.threshold_ = threshold
        self.reset()

    def fit(self, readings):
        return self

    def calibrate(self, clean, false_alarms_per_day=1.0):
        return self

    def get_params(self):
        return {}

    def reset(self):
        self._open = None

    def score(self, readings):
        return np.abs(np.nan_to_num(readings.channel("pressure")))

    def alerts(self, readings):
        begun = []
        for time, score in zip(readings.time.tolist(), self.score(readings), strict=True):
            if score < self.threshold_:
                self._open = None
                continue
            if self._open is None:
                self._open = Alert(
                    time, "HIGH", Severity.WARNING, "", self.name, "pump-1", score=float(score)
                )
                begun.append(self._open)
            self._open.end = time
        return begun

    def advance(self, time_ns):
        return []

    def finish(self):
        return []
