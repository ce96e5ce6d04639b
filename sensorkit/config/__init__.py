"""Configuration without code: sensorkit.yaml, presets, and their JSON Schemas."""

from sensorkit.config.document import Config, Port
from sensorkit.config.places import FILE, found
from sensorkit.config.preset import Preset, Thresholds

__all__ = ["FILE", "Config", "Port", "Preset", "Thresholds", "found"]
