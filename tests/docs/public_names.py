"""What users import, by its full name."""

import importlib
from collections.abc import Iterator
from typing import Any

PUBLIC = (
    "sensorkit.capture",
    "sensorkit.datasets",
    "sensorkit.detect",
    "sensorkit.detect.adapters",
    "sensorkit.emulator",
    "sensorkit.evaluate",
    "sensorkit.evaluate.detectability",
    "sensorkit.evaluate.metrics",
    "sensorkit.evaluate.public",
    "sensorkit.evaluate.statistics",
    "sensorkit.faults",
    "sensorkit.learning",
    "sensorkit.notebook",
    "sensorkit.prognosis",
    "sensorkit.profile",
    "sensorkit.quality",
    "sensorkit.readings",
)


def public() -> Iterator[tuple[str, Any]]:
    """Yield the full name of everything that users import, and what it is."""
    for package in PUBLIC:
        module = importlib.import_module(package)
        for name in module.__all__:
            yield f"{package}.{name}", getattr(module, name)
