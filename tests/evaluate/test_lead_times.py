"""Lead times: first warnings after the onset, alarms that stay, false ones before."""

import numpy as np
import pytest

from sensorkit import detect
from sensorkit.errors import UsageError
from sensorkit.evaluate.lead_times import lead_times, summary
from sensorkit.profile import Profile
from sensorkit.prognosis.life import Life
from sensorkit.readings import Readings

SECOND = 10**9
PROFILE = Profile.from_dict(
    {
        "name": "pump",
        "device": "pump-1",
        "rate_hz": 1.0,
        "channels": [{"name": "heat", "unit": "C", "decimals": 1}],
        "rules": [
            {
                "type": "HOT", "kind": "range", "channel": "heat", "high": 50.0,
                "severity": "WARNING",
            }
        ],
    },
    "pump",
)  # fmt: skip
GIVEN = {"fit_s": 20, "calibrate_s": 30, "useful_s": 15}


def life(*hot, n=100, onset=np.inf, device="pump-1", after=0.0):
    """Return a life of *n* seconds with heat in the stretches (first, stop)."""
    heat = np.random.default_rng(n).normal(20.0, 1.0, n)
    for first, stop in hot:
        heat[first:stop] = 80.0
    readings = Readings.build(np.arange(n) * SECOND, heat[:, None], ["heat"], device=device)
    return Life(device, readings, np.arange(n - 1, -1, -1) + after, onset)


def judged(*lives, **given):
    found = lead_times({"rules": detect.make("rules", profile=PROFILE)}, lives, **GIVEN | given)
    return found.drop(columns="detector").to_dict("records")


def test_the_lead_is_from_the_first_warning_to_the_failure():
    (row,) = judged(life((70, 75), (90, 100)))
    assert (row["lead_s"], row["stays_s"], row["false_alarms"]) == (29.0, 9.0, 1.0 - 1.0)
    assert row["in_time"]


def test_what_begins_before_the_onset_is_a_false_alarm():
    (row,) = judged(life((60, 65), (80, 100), onset=25.0))
    assert (row["lead_s"], row["false_alarms"], row["in_time"]) == (19.0, 1.0, False)


def test_without_an_onset_it_is_what_begins_in_the_first_half():
    early, late = judged(life((40, 45), (80, 100)), life((52, 55), (80, 100)))
    assert (early["lead_s"], early["false_alarms"]) == (19.0, 1.0)
    assert (late["lead_s"], late["false_alarms"]) == (47.0, 0.0)


def test_a_life_without_a_warning_has_no_lead_and_stays_in_the_table():
    (row,) = judged(life())
    assert (row["lead_s"], row["stays_s"], row["in_time"]) == (0.0, 0.0, False)


def test_an_alarm_that_is_open_before_it_is_watched_is_false():
    (row,) = judged(life((10, 100)))
    assert (row["lead_s"], row["stays_s"], row["false_alarms"]) == (0.0, 0.0, 1.0)


def test_a_failure_after_the_last_reading_counts():
    (row,) = judged(life((90, 100), after=30.0))
    assert row["lead_s"] == 39.0


def test_a_detector_that_is_fitted_is_taken_as_it_is():
    lives = [life((80, 100), device=f"pump-{k}") for k in range(3)]
    learned = detect.make("sigma", profile=PROFILE).fit(lives[0].readings)
    learned.accept_threshold(1e9)
    found = lead_times({"deaf": learned, "fresh": detect.make("sigma")}, lives, **GIVEN)
    leads = found.groupby("detector")["lead_s"].max()
    assert leads["deaf"] == 0.0
    assert leads["fresh"] > 0.0
    assert learned.threshold_ == 1e9


def test_the_summary_has_a_row_a_detector():
    lives = [life((80, 100)), life((95, 100)), life()]
    kinds = {"rules": detect.make("rules", profile=PROFILE), "always": detect.make("always")}
    table = summary(lead_times(kinds, lives, **GIVEN))
    assert table.index.tolist() == ["rules", "always"]
    assert table.loc["rules", ["lives", "warned", "lead_s"]].tolist() == [3, 2 / 3, 4.0]
    assert table.loc["rules", "in_time"] == pytest.approx(1 / 3)
    assert table.loc["always", "false_alarms"] == 1.0


def test_lives_that_are_too_short_are_left_out_or_refused():
    assert len(judged(life((80, 100)), life(n=25))) == 1
    with pytest.raises(UsageError, match="none of the 1 lives goes on after 30 s"):
        judged(life(n=25))
    with pytest.raises(UsageError, match="0 < fit_s < calibrate_s"):
        judged(life(), fit_s=40)
