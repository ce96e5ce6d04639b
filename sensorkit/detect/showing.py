"""A detector at a glance: its parameters, what it has learned, and what its threshold is worth."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from sensorkit.detect.calibration import CalibrationResult
from sensorkit.display.cards import Card, Table
from sensorkit.display.formats import number, seconds

if TYPE_CHECKING:
    from sensorkit.detect.base import BaseDetector


def card(detector: BaseDetector) -> Card:
    """Return what is shown of *detector*; nothing is computed for it, and nothing changes."""
    calibration = detector.calibration_
    facts = [
        ("fitted", _fitted(detector)),
        ("channels", ", ".join(detector.channels or ())),
        ("threshold", _threshold(detector)),
        ("calibrated", _how(detector) if calibration is None else ""),
        *([] if calibration is None else _calibrated(calibration)),
    ]
    return Card("Detector", detector.name, facts, [_members(detector), _parameters(detector)])


def _fitted(detector: BaseDetector) -> str:
    if detector.fitted:
        return "yes"
    if detector.must_be_fitted:
        return "no: call fit() with healthy readings"
    return "no; it works without" if detector.learns else "it has nothing to learn"


def _how(detector: BaseDetector) -> str:
    if detector.fixed:
        return "no: calibrate() counts the false alarms on clean readings"
    return "no: call calibrate() with clean readings"


def _threshold(detector: BaseDetector) -> str:
    """Say what the threshold is; one that would take scoring the fit first is only described."""
    if detector.fixed:
        return "fixed limits"
    known = detector.threshold_if_known
    if known is not None:
        return f"{known:.4g}"
    if detector.must_be_fitted and not detector.fitted:
        return "set by fit()"
    return "a quantile of its scores on the fit, taken when it is asked for"


def _calibrated(found: CalibrationResult) -> list[tuple[str, str]]:
    how = "measured on" if found.fixed else "calibrated on"
    alarms = f"{found.alarms} in them, at most {number(found.upper_95_per_day)} a day (95 %)"
    proven = "; extrapolated: too few clean days to show it" if found.extrapolated else ""
    return [
        (how, f"{seconds(found.clean_hours * 3600)} of clean readings"),
        ("false alarms", alarms),
        ("budget", f"{found.false_alarms_per_day:g} a day{proven}"),
    ]


def _members(detector: BaseDetector) -> Table:
    """Return the detectors that this one is made of."""
    rows = [(member.name, _threshold(member), repr(member)) for member in detector.members]
    return Table("members", ("name", "threshold", "made as"), rows, words=3)


def _parameters(detector: BaseDetector) -> Table:
    """Return every parameter with its value, as `get_params` has them."""
    rows = [(name, _shown(value)) for name, value in detector.get_params().items()]
    return Table("parameters", ("name", "value"), rows, words=2)


def _shown(value: Any) -> str:
    # A function's own text has the address of this process in it.
    named = getattr(value, "__qualname__", None)
    return value if isinstance(value, str) else named or repr(value)
