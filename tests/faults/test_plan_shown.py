"""What a plan would do to readings, as a figure, a table and a DataFrame."""

import numpy as np
import pandas as pd
import pytest

from sensorkit.errors import PlanError
from sensorkit.faults import Fault, FaultPlan, inject
from sensorkit.readings import Readings


@pytest.fixture
def frame():
    index = pd.date_range("2026-01-01", periods=900, freq="1s", tz="UTC")
    rng = np.random.default_rng(1)
    columns = {"T": rng.integers(0, 9, 900), "V": rng.normal(size=900), "device": "a"}
    return pd.DataFrame(columns, index=index)


PLAN = FaultPlan(
    faults=(
        Fault(kind="bias", channel="T", start_s=100, duration_s=50, magnitude=3.5),
        Fault(kind="silence", start_s=300, duration_s=20),
    )
)


def test_injecting_into_a_frame_is_injecting_into_its_readings(frame):
    faulty, labels = inject(frame, PLAN, seed=1)
    readings, same = inject(Readings.from_frame(frame), PLAN, seed=1)

    pd.testing.assert_frame_equal(labels, same)
    assert list(faulty.columns) == ["T", "V", "device"]
    np.testing.assert_array_equal(faulty[["T", "V"]].to_numpy(), readings.values)
    assert faulty.index.as_unit("ns").asi8.tolist() == readings.time.tolist()


def test_the_frame_given_is_left_as_it_is(frame):
    before = frame.copy()
    inject(frame, PLAN, seed=1)

    pd.testing.assert_frame_equal(frame, before)


def test_a_plan_shows_what_it_would_do(frame):
    figure = PLAN.plot(frame)

    assert figure.layout.meta["alt"].endswith(
        "2 faults shaded (bias 1, silence 1); 0 alerts marked."
    )
    lines = [trace for trace in figure.data if isinstance(trace.meta, list | tuple)]
    shift = np.asarray(lines[0].y)[100:150] - frame["T"].to_numpy()[100:150]
    assert (shift == 3.5).all()
    assert np.isnan(np.asarray(lines[1].y)[300:320]).all()


def test_a_plan_shows_what_it_would_do_to_a_recording():
    class Recorded:
        profile = type("Profile", (), {"channels": [type("C", (), {"name": "T", "unit": "°C"})]})

        def readings(self):
            return Readings.build(np.arange(900) * 10**9, np.zeros((900, 1)), ["T"])

    figure = PLAN.plot(Recorded(), "T")

    assert figure.layout.yaxis.title.text == "°C"


def test_a_plan_that_does_not_fit_is_refused(frame):
    with pytest.raises(PlanError, match="'P'"):
        FaultPlan(faults=(Fault(kind="stuck", channel="P", duration_s=5),)).plot(frame)


def test_a_plan_is_a_table_with_the_keys_of_its_file():
    table = PLAN.to_frame()

    assert table.index.tolist() == [1, 2]
    assert table.loc[1, ["kind", "channel", "magnitude"]].tolist() == ["bias", "T", 3.5]
    assert table.columns.tolist() == list(Fault.model_fields)
