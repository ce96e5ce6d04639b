"""A recording over a line that doubles, swaps and adds bytes: places stay those of the parent."""

import numpy as np
import pytest

from sensorkit.capture.injected import inject_recording
from sensorkit.capture.replay import replay
from sensorkit.faults import FaultPlan

N = 60


@pytest.fixture
def parent(capture, frame):
    return capture([(i, frame(i)) for i in range(N)])


@pytest.mark.parametrize(
    ("kind", "frames"),
    [
        ("duplicate", N + 10),
        ("reorder", N),
        ("merge", N - 10),
        ("endless_line", N - 10),
        ("splice", N - 10),
        ("garbage", N - 10),
    ],
)
def test_every_kind_of_line_fault_can_be_put_into_a_recording(parent, tmp_path, kind, frames):
    plan = FaultPlan.from_dict({"faults": [{"kind": kind, "start_s": 20, "duration_s": 10}]}, "t")
    made = inject_recording(parent, plan, tmp_path / "out", seed=3)
    readings, size = made.readings(), (parent.dir / "raw.log").stat().st_size
    # A splice may leave a whole frame, and random bytes may be a line end.
    assert frames <= len(readings) <= frames + 10
    assert (np.diff(readings.offset) >= 0).all()
    assert (np.diff(readings.time) >= 0).all()
    healthy = parent.readings()
    outside = (healthy.time < made.labels()["start"][0].value) | (
        healthy.time > made.labels()["end"][0].value
    )
    kept = np.isin(readings.offset, healthy.offset[outside])
    assert readings.sequence[kept].tolist() == healthy.sequence[outside].tolist()
    assert all(0 <= offset < size for offset in made.errors()["offset"])
    assert made.verify() == []
    assert replay(made) == []
