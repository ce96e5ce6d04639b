"""The hash of the data says whether two runs saw the same: readings and labels, nothing else."""

import pytest

from sensorkit.capture import Recording, layout
from sensorkit.evaluate.description import data_sha256
from sensorkit.notebook import capture_emulated

FAULTS = [("bias", 2000, 20, 5.0)]


def test_the_same_readings_and_labels_have_the_same_hash_wherever_they_are(make_recording):
    one, other = make_recording("one", faults=FAULTS), make_recording("other", faults=FAULTS)

    assert one.sha256 != other.sha256  # the identity of the folder has its name in it
    assert data_sha256(one) == data_sha256(other)


@pytest.mark.parametrize(
    "changed",
    [{"seed": 1}, {"n": 2999}, {"faults": [("bias", 2000, 21, 5.0)]}, {"faults": []}],
    ids=["readings", "length", "labels", "no labels"],
)
def test_other_readings_or_labels_have_another(make_recording, changed):
    one = make_recording("one", faults=FAULTS)
    other = make_recording("other", **{"faults": FAULTS} | changed)
    assert data_sha256(one) != data_sha256(other)


def test_a_file_of_no_labels_says_what_no_file_says(make_recording):
    recording = make_recording("one")
    without = data_sha256(recording)
    labels = recording.dir / layout.LABELS
    had = labels.exists()
    if had:
        labels.unlink()
    else:
        labels.write_text("id,device,start,end,kind,channel,layer,magnitude,magnitude_sigma,seed\n")
    assert had != labels.exists()
    assert data_sha256(Recording.open(recording.dir)) == without


def test_a_file_that_was_changed_after_the_manifest_is_other_data(make_recording):
    recording = make_recording("one", faults=FAULTS)
    before = data_sha256(recording)
    table = recording.dir / layout.METRICS
    table.write_text(table.read_text().replace(",0.", ",1.", 1))
    assert data_sha256(recording) != before


@pytest.mark.pty
def test_a_device_captured_twice_has_two_identities_and_the_same_data(tmp_path):
    one, other = (
        capture_emulated("serial_monitor", tmp_path / name, seconds=60, seed=3)
        for name in ("one", "other")
    )
    assert one.sha256 != other.sha256
    assert data_sha256(one) == data_sha256(other)
