"""C-MAPSS for people: tables with the official columns, in few bytes."""

import numpy as np
import pytest

from sensorkit import prognosis
from sensorkit.errors import DataError
from sensorkit.prognosis.official import COLUMNS, SENSORS, SETTINGS


@pytest.mark.parametrize("name", ["FD001", "FD002", "FD003", "FD004"])
def test_a_subset_has_the_official_columns_and_lives(files, name):
    fleet = prognosis.load(name, files(name))
    assert tuple(fleet.train.columns) == ("unit", "cycle", *SETTINGS, *SENSORS)
    assert fleet.train.groupby("unit").size().tolist() == [60, 80, 70]
    assert fleet.rul.to_dict() == {1: 20, 2: 45}
    assert fleet.conditions == (6 if name in ("FD002", "FD004") else 1)


def test_what_is_left_ends_with_the_failure_or_with_what_is_published(files):
    fleet = prognosis.load("FD001", files())
    train, test = fleet.left("train"), fleet.left("test")
    assert train[[0, 59, 60]].tolist() == [59, 0, 79]
    assert test[[0, 39, 40, 70]].tolist() == [59, 20, 75, 45]


def test_the_columns_are_told_with_symbol_and_unit():
    table = prognosis.columns()
    assert len(table) == 24
    assert table.index.tolist() == [column.name for column in COLUMNS]
    said = {"sensor_2": "T24", "sensor_9": "Nc", "sensor_15": "BPR", "sensor_21": "W32"}
    assert {name: table.loc[name, "symbol"] for name in said} == said
    assert table["symbol"].is_unique


def test_readings_have_a_device_an_engine_and_a_second_a_cycle(files):
    fleet = prognosis.load("FD001", files())
    readings = fleet.readings("test")
    assert readings.device.vocabulary == ("FD001/test/1", "FD001/test/2")
    assert np.bincount(readings.device.codes).tolist() == [40, 31]
    assert readings.time[:2].tolist() == [10**9, 2 * 10**9]
    assert readings.channels == (*SETTINGS, *SENSORS)


def test_the_numbers_are_small_and_have_all_the_digits_of_the_file(files):
    folder = files()
    fleet = prognosis.load("FD001", folder)
    written = np.loadtxt(folder / "train_FD001.txt")[:, 2:]
    kept = fleet.train[[*SETTINGS, *SENSORS]].to_numpy(np.float64)
    np.testing.assert_allclose(kept, written, rtol=6e-8)
    assert {str(kind) for kind in fleet.train.dtypes} == {"int16", "float32"}
    assert fleet.megabytes * 1e6 == pytest.approx((210 + 71) * (2 * 2 + 24 * 4), rel=0.05)


def test_what_no_small_number_holds_is_kept_in_larger_ones(files):
    def large(text):
        first, rest = text.split("\n", 1)
        parts = first.split()
        parts[2] = "1e300"
        return " ".join(parts) + "\n" + rest.replace("1 60 ", "1 70000 ", 1)

    fleet = prognosis.load("FD001", files(change=large))
    assert fleet.train.loc[0, "setting_1"] == 1e300
    assert fleet.train["cycle"].max() == 70_000


def test_a_file_that_is_not_there_is_named_with_where_it_should_lie(files):
    folder = files(leave_out=["RUL_FD001.txt"])
    with pytest.raises(DataError, match=r"FD001 is not here: RUL_FD001\.txt should lie in") as told:
        prognosis.load("FD001", folder)
    assert str(folder) in str(told.value)
    with pytest.raises(DataError, match=r"FD003 is not here: train_FD003\.txt, test_FD003\.txt, R"):
        prognosis.load("FD003", folder)


def test_what_is_not_here_is_nothing_where_one_only_asks(files):
    folder = files()
    assert prognosis.here("FD001", folder).name == "FD001"
    assert prognosis.here("FD002", folder) is None
    with pytest.raises(DataError, match="unknown subset"):
        prognosis.here("FD9", folder)


def test_an_unknown_subset_is_told_with_the_nearest():
    with pytest.raises(DataError, match=r"unknown subset of C-MAPSS 'FD01'; .* mean 'FD00"):
        prognosis.load("FD01")


@pytest.mark.parametrize(
    ("change", "why"),
    [
        (lambda text: text.replace("1 2 ", "1 1 ", 1), r"train_FD001\.txt:2: the cycle of engine"),
        (lambda text: "<script>alert(1)</script>\n" + text, r"train_FD001\.txt:1"),
        (lambda text: "", r"train_FD001\.txt"),
        (lambda text: text.replace(" 49", " nan", 1), r"train_FD001\.txt"),
    ],
)
def test_a_damaged_file_is_told_by_its_name(files, change, why):
    with pytest.raises(DataError, match=why):
        prognosis.load("FD001", files(change=change))


@pytest.mark.data
def test_fd001_is_as_published(sensorkit_data):
    fleet = prognosis.load("FD001")
    assert repr(fleet) == (
        "Fleet(FD001: 100 engines to failure (20631 cycles), 100 cut off (13096 cycles), "
        "1 condition)"
    )
    assert fleet.rul.iloc[:5].tolist() == [112, 98, 69, 82, 91]
    assert fleet.train.groupby("unit").size().agg(["min", "max"]).tolist() == [128, 362]
    assert fleet.megabytes < 3.5
