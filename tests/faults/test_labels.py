"""Labels are the same table whether they come from `inject` or out of a labels.csv."""

import pandas as pd

from sensorkit.capture import tables
from sensorkit.faults import LABEL_COLUMNS, labels_frame
from sensorkit.readings import FaultLabel

LABELS = [
    FaultLabel(1, "m1", 1_000_000_000, 2_000_001_000, "bias", "T", "signal", 2.5, -1.25, 7),
    FaultLabel(2, "m1", 3_000_000_000, 3_000_000_000, "silence", None, "transport", None, None, 7),
    FaultLabel(3, "m1", 4_000_000_000, 5_000_000_000, "warning", None, "state", None, None, 7),
]


def test_the_columns_are_those_of_labels_csv():
    assert LABEL_COLUMNS == tables.LABEL_COLUMNS


def test_written_and_read_back_they_are_equal(tmp_path):
    for labels in (LABELS, []):
        path = tmp_path / "labels.csv"
        path.write_text(tables.label_lines(labels), encoding="utf-8")
        pd.testing.assert_frame_equal(tables.read_labels(path), labels_frame(labels))
