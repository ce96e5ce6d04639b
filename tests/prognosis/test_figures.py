"""The figure of a life: what it draws, and that no name of a device acts."""

import numpy as np
import pandas as pd
import pytest
from wearing import detector_of, machine

from sensorkit.errors import DetectorError
from sensorkit.prognosis.figures import POINTS, beside_published, figure, plot
from sensorkit.prognosis.life import Life, lives
from sensorkit.readings import Readings


@pytest.fixture
def life():
    (found,) = lives(machine(20))
    return found


def test_it_draws_interval_prediction_and_truth(life):
    shown = figure(life, detector_of())
    band, predicted, true = shown.spec["data"]
    assert [trace["name"] for trace in (band, predicted, true)] == [
        "interval", "predicted", "left (capped)",
    ]  # fmt: skip
    assert true["y"] == np.minimum(life.left, 50.0).tolist()
    detector = detector_of()
    detector.reset()
    assert predicted["y"] == detector.predict(life.readings).tolist()
    assert shown.spec["layout"]["xaxis"]["autorange"] == "reversed"
    assert "warned" in shown.caption
    assert len(shown.rows) >= 10


def test_a_long_life_is_thinned():
    n = 50_000
    readings = Readings.build(
        np.arange(n) * 10**9, np.full((n, 3), 600.0), ("heat", "flow", "dull"), device="long"
    )
    (life,) = lives(readings)
    assert len(figure(life, detector_of()).spec["data"][1]["x"]) == POINTS


def test_a_hostile_name_is_text(life):
    nasty = "<img src=x onerror=alert(1)>" + "x" * 500
    named = Life(nasty, life.readings, life.left, life.onset)
    detector = detector_of(unit="<b>s</b>")
    layout = figure(named, detector).spec["layout"]
    assert "<" not in str(layout)
    drawn = plot(named, detector).to_plotly_json()
    assert "<b>" not in str(drawn["layout"]["xaxis"])


def test_ours_stands_beside_what_is_published_if_it_was_measured():
    alone = beside_published().data[0]
    assert sorted(alone.x) == [12.61, 14.8, 16.14, 18.45]
    ours = pd.DataFrame({"rmse": [13.0], "rmse_low": [11.0], "rmse_high": [16.0]}, index=["trees"])
    both = beside_published(ours).data[0]
    k = both.y.index("trees")
    assert (both.x[k], both.error_x.array[k], both.error_x.arrayminus[k]) == (13.0, 3.0, 2.0)
    assert len(both.x) == 5


def test_a_life_without_a_reading_cannot_be_drawn(life):
    empty = Life("none", life.readings[:0], life.left[:0], life.onset)
    with pytest.raises(DetectorError, match="has no reading"):
        figure(empty, detector_of())
