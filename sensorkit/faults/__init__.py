"""Labelled faults of sensors and lines: what there is, plans of them, and what injects them."""

from sensorkit.faults.base import KINDS
from sensorkit.faults.labels import LABEL_COLUMNS, labels_frame
from sensorkit.faults.placing import Placed, place
from sensorkit.faults.plan import Fault, FaultPlan, shipped
from sensorkit.faults.signal import inject, robust_sigma

__all__ = [
    "KINDS",
    "LABEL_COLUMNS",
    "Fault",
    "FaultPlan",
    "Placed",
    "inject",
    "labels_frame",
    "place",
    "robust_sigma",
    "shipped",
]
