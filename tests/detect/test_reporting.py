import json
import math

import numpy as np

from sensorkit import detect
from sensorkit.profile import Profile
from sensorkit.readings import Alert, Readings, Severity


def test_an_entry_of_the_report_has_the_form_of_the_design():
    readings = Readings.build(
        np.array([0, 1]) * 10**9, np.array([[79.0, 5.0], [85.0, 5.0]]), ("temperature", "voltage")
    )
    rules = detect.make("rules", profile=Profile.load("serial_monitor"))
    assert detect.report(detect.watch(rules, [readings])) == [
        {
            "timestamp": "1970-01-01T00:00:01.000000Z",
            "type": "THRESHOLD_BREACH_TEMP",
            "severity": "CRITICAL",
            "description": "Temperature 85.00°C exceeded threshold of 80.0°C.",
            "end": None,
            "channel": "temperature",
            "value": 85.0,
            "score": 5.0,
            "detector": "rules",
            "device": "device",
        }
    ]


def test_no_alerts_are_an_empty_report():
    assert detect.report([]) == []


def test_what_json_has_no_word_for_is_null():
    for value in (math.inf, -math.inf, math.nan, np.finfo(float).max):
        alert = Alert(0, "T", Severity.WARNING, "", "d", "device", None, value, value, 5)
        (entry,) = detect.report([alert])
        assert (entry["value"], entry["score"]) == (None, None)
        json.dumps(entry, allow_nan=False)
        assert entry["end"] == "1970-01-01T00:00:00.000000Z"
