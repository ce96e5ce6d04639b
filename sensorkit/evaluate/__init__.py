"""What a detector is worth: metrics, events, intervals, and the benchmark that joins them."""

from sensorkit.evaluate.benchmark import benchmark
from sensorkit.evaluate.config import Config
from sensorkit.evaluate.detectability import Detectability, detectability
from sensorkit.evaluate.evaluation import Evaluation
from sensorkit.evaluate.settings import Settings

__all__ = ["Config", "Detectability", "Evaluation", "Settings", "benchmark", "detectability"]
