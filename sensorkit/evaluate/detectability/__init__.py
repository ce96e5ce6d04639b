"""How small a fault a detector finds: the probability of detection against the size."""

from sensorkit.evaluate.detectability.measuring import check_grid, detectability, measure
from sensorkit.evaluate.detectability.pod import Detectability

__all__ = ["Detectability", "check_grid", "detectability", "measure"]
