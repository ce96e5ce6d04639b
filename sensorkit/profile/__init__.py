"""What a device sends: channels, frame format, operating states, rules. Read from YAML."""

from sensorkit.profile.anomalies import Anomaly
from sensorkit.profile.campaign import Campaign
from sensorkit.profile.channels import Channel, Cycle, Drift, Noise, Waveform
from sensorkit.profile.detector import UsualDetector
from sensorkit.profile.document import SHIPPED, Profile, shipped
from sensorkit.profile.dynamics import Condition, Disturbance, Life
from sensorkit.profile.expectations import Expectation, Relation
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
    "Anomaly",
    "Campaign",
    "Channel",
    "Condition",
    "CsvFrame",
    "Cycle",
    "Disturbance",
    "Drift",
    "Expectation",
    "Frame",
    "JsonFrame",
    "KeyValueFrame",
    "Life",
    "NmeaFrame",
    "Noise",
    "PluginFrame",
    "Profile",
    "RegexFrame",
    "Relation",
    "Rule",
    "State",
    "StatusRule",
    "UsualDetector",
    "Waveform",
    "WhitespaceFrame",
    "shipped",
]
