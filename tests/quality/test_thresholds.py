import numpy as np
import pytest
from pydantic import ValidationError

from sensorkit.quality import QualityUpdate, Scores, StreamingValidator, Thresholds, ThresholdWatch
from sensorkit.readings import Alert, Rejection, RejectReason, Severity

S = 1_000_000_000


def scores(*, flawed=0, rejected=0, lines=100):
    """Of one channel, the flaws of which are those of validity."""
    table = np.zeros((6, 1), dtype=np.int64)
    table[[1, 5]] = flawed
    return Scores(("T",), table, np.array([lines]), lines, rejected)


def held(watch, at=0, **kw):
    return watch.hold("bench", scores(**kw), start_ns=(at - 100) * S, time_ns=at * S)


def anomaly(at):
    return Alert(at * S, "SPIKE", Severity.WARNING, "A spike.", "rules", "bench")


def test_a_low_score_is_an_alert_until_it_has_recovered():
    watch = ThresholdWatch(Thresholds(quality_below=70))
    assert held(watch, flawed=30) == []
    (alert,) = held(watch, at=1, flawed=31)
    assert (alert.type, alert.severity, alert.device) == ("QUALITY_LOW", "WARNING", "bench")
    assert alert.description == "Data quality is 69.0, below 70; worst is validity with 69.0."
    assert held(watch, at=2, flawed=50) == []
    assert held(watch, at=3, flawed=26) == []
    assert alert.end is None  # 74 is not better by the margin yet
    assert held(watch, at=4, flawed=25) == []
    assert alert.end == 4 * S
    assert len(held(watch, at=5, flawed=31)) == 1


def test_a_very_low_score_is_critical():
    (alert,) = held(ThresholdWatch(), flawed=66)
    assert alert.severity == Severity.CRITICAL


def test_rejected_lines_are_an_alert_by_their_share():
    watch = ThresholdWatch(Thresholds(error_rate_above=0.1))
    assert held(watch, rejected=10) == []
    (alert,) = held(watch, at=1, rejected=11)
    assert (alert.type, alert.value) == ("ERROR_RATE_HIGH", 0.11)
    assert alert.description == "11 % of the last 100 lines were rejected, more than 10 %."
    held(watch, at=2, rejected=9)
    assert alert.end is None
    held(watch, at=3, rejected=8)
    assert alert.end == 3 * S


def test_few_lines_are_not_judged():
    watch = ThresholdWatch()
    assert held(watch, flawed=9, rejected=9, lines=9) == []
    assert len(held(watch, flawed=10, rejected=10, lines=10)) == 2


def test_anomalies_count_while_they_are_in_the_window():
    watch = ThresholdWatch(Thresholds(anomalies_above=10))
    watch.hear([anomaly(at) for at in range(1, 11)])
    assert held(watch, at=50) == []
    watch.hear([anomaly(40), anomaly(90)])
    (alert,) = held(watch, at=60)  # the last one has not been by then
    assert (alert.type, alert.value) == ("ANOMALIES_MANY", 11)
    assert alert.description == "11 anomalies within the last 100 lines, more than 10."
    held(watch, at=105)
    assert alert.end == 105 * S


def test_memory_is_an_alert_until_it_is_freed():
    watch = ThresholdWatch(Thresholds(memory_mb_above=400))
    assert watch.memory(400.0, time_ns=0) == []
    (alert,) = watch.memory(401.0, time_ns=1)
    assert alert.type == "MEMORY_HIGH"
    watch.memory(350.0, time_ns=2)
    assert alert.end is None
    watch.memory(320.0, time_ns=3)
    assert alert.end == 3


def test_what_is_switched_off_is_no_alert():
    off = dict.fromkeys(Thresholds.model_fields)
    watch = ThresholdWatch(Thresholds(**off))
    watch.hear([anomaly(at) for at in range(50)])
    assert held(watch, at=60, flawed=100, rejected=100) == []
    assert watch.memory(1e6, time_ns=0) == []


def test_at_the_end_open_alerts_are_closed():
    watch = ThresholdWatch()
    (alert,) = held(watch, at=5, flawed=50)
    watch.finish(9 * S)
    assert alert.end == 9 * S


def test_devices_have_alerts_of_their_own():
    watch = ThresholdWatch()
    for device in ("a", "b"):
        (alert,) = watch.hold(device, scores(flawed=50), start_ns=0, time_ns=S)
        assert alert.device == device


def test_an_update_is_held_against_the_thresholds_device_by_device(monitor, steady):
    readings = steady(60)
    lines = [
        Rejection(int(readings.time[k]), k * 40 + 1, RejectReason.NUMBER, b"") for k in range(40)
    ]
    update = StreamingValidator(monitor).update(readings, rejections=lines)
    assert isinstance(update, QualityUpdate)
    begun = ThresholdWatch().look(update, time_ns=int(readings.time[-1]))
    assert [alert.type for alert in begun] == ["QUALITY_LOW", "ERROR_RATE_HIGH"]


def test_a_threshold_that_is_none_is_refused():
    for wrong in ({"quality_below": 101}, {"error_rate_above": True}, {"anomalys_above": 3}):
        with pytest.raises(ValidationError):
            Thresholds(**wrong)
