"""What a device sends: channels, frame format, operating states, rules. Read from YAML."""

from sensorkit.profile.channels import Channel, Cycle, Drift, Noise, Waveform
from sensorkit.profile.document import SHIPPED, Profile, shipped
from sensorkit.profile.frame_columns import CsvFrame, WhitespaceFrame
from sensorkit.profile.frame_formats import (
    Frame,
    JsonFrame,
    KeyValueFrame,
    NmeaFrame,
    PluginFrame,
    RegexFrame,
)
from sensorkit.profile.rules import Rule
from sensorkit.profile.states import State, StatusRule

__all__ = [
    "SHIPPED",
    "Channel",
    "CsvFrame",
    "Cycle",
    "Drift",
    "Frame",
    "JsonFrame",
    "KeyValueFrame",
    "NmeaFrame",
    "Noise",
    "PluginFrame",
    "Profile",
    "RegexFrame",
    "Rule",
    "State",
    "StatusRule",
    "Waveform",
    "WhitespaceFrame",
    "shipped",
]
