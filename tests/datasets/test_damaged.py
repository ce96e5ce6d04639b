"""Files that are damaged, hostile or somebody else's: a DataError names the file and the line."""

import csv
import json

import numpy as np
import pytest

from sensorkit import datasets
from sensorkit.datasets import load_nab, places
from sensorkit.datasets.series import windows_of
from sensorkit.errors import DataError
from sensorkit.evaluate.metrics import nab as nab_metric
from sensorkit.runs import runs

from .test_loaders import (
    FOUR,
    GECCO,
    MIXED,
    MOTE,
    engines,
    nab,
    only,
    row,
    skab,
    telemetry,
    tsb,
    write,
)

UCR = "001_UCR_Anomaly_a_1_2_2.csv"
TSB = "1_A_id_1_B_tr_1_1st_9.csv"
INTEL = "intel/injected_mixed/mote=1_sensortype=temperature_faulttype=mixed.txt"
INDOOR = "singlehop/singlehop_indoor_moteid1_data.txt"


# A field too many


@pytest.mark.parametrize("last", ["0,7", "0,7,8", "0,,,"])
def test_a_field_too_many_in_every_row_does_not_move_the_columns(tmp_path, last):
    # The first column steps evenly, which pandas takes for an index.
    rows = "".join(f"{i},{20 + i}.5,{last}\n" for i in range(3))
    text = f"timestamp,value,is_anomaly\n{rows}"
    with pytest.raises(DataError, match=r"\.csv:2: has \d fields, and line 1 has 3 names"):
        only("ucr", write(tmp_path, {UCR: text}))


def test_a_separator_at_the_end_of_each_row_is_no_field(tmp_path):
    text = "timestamp,value,is_anomaly\n0,20.5,0,\n1,21.5,0,\n2,99,1,\n"
    series = only("ucr", write(tmp_path, {UCR: text}))
    assert series.readings.values[:, 0].tolist() == [20.5, 21.5, 99.0]


def test_tsb_ad_with_an_index_that_has_no_name_is_not_read_as_data(tmp_path):
    text = "Data,Label\n20,7,0\n21,8,1\n22,9,1\n"
    with pytest.raises(DataError, match=r"\.csv:2: has 3 fields, and line 1 has 2 names"):
        only("tsb_ad", write(tmp_path, {TSB: text}))


def test_a_field_too_many_in_a_later_row_is_told_with_its_line(tmp_path):
    text = "timestamp,value,is_anomaly\n0,1,0\n\n1,2,0,5\n2,3,0\n"
    with pytest.raises(DataError, match=r"\.csv:4: has 4 fields"):
        only("ucr", write(tmp_path, {UCR: text}))


# Names of columns


@pytest.mark.parametrize(
    ("names", "why"),
    [
        ("Data,Data,Label", r"\.csv:1: has 2 columns Data; which one is meant"),
        ("Data,Data.1,Data,Label", r"\.csv:1: has 2 columns Data;"),
        ("Data,Label,Label", r"\.csv:1: has 2 columns Label"),
        ("Data,,Label", r"\.csv:1: column 2 has no name"),
    ],
)
def test_names_that_do_not_tell_columns_apart_are_refused(tmp_path, names, why):
    with pytest.raises(DataError, match=why):
        only("tsb_ad", write(tmp_path, {TSB: tsb("00", names)}))


def test_a_name_that_stands_twice_and_is_not_asked_for_does_no_harm(tmp_path):
    text = "x,value,x,is_anomaly,\n1,20.5,2,0,\n1,21.5,2,0,\n1,22.5,2,0,\n"
    assert only("ucr", write(tmp_path, {UCR: text})).readings.values[:, 0].tolist() == [
        20.5, 21.5, 22.5
    ]  # fmt: skip


# The labels of NAB


def nab_with(windows=(), points=(), rows=FOUR):
    return nab(rows, list(windows)) | {
        "labels/combined_labels.json": points
        if isinstance(points, str)
        else json.dumps({"real/a.csv": points})
    }


@pytest.mark.parametrize(
    ("points", "why"),
    [
        (None, r"labels\.json: real/a\.csv has null; a list of times is wanted"),
        (5, r"labels\.json: real/a\.csv has 5; a list of times is wanted"),
        (["soon"], r'labels\.json: real/a\.csv has "soon", not a time'),
        ([""], "not a time"),
        ([5], "has 5, not a time"),
        (["1600-01-01 00:00:00"], "not a time"),
        (["9" * 40], "not a time"),
        ("[" * 100_000, r"labels\.json: cannot be read as JSON"),
        ('{"a": ' + "9" * 5000 + "}", r"labels\.json: cannot be read as JSON"),
    ],
)
def test_points_of_nab_that_are_none_are_told(tmp_path, points, why):
    with pytest.raises(DataError, match=why):
        only("nab", write(tmp_path, nab_with(points=points)))


@pytest.mark.parametrize(
    "window",
    [
        None,
        [],
        [FOUR[0][:19]],
        [FOUR[0][:19], None],
        [FOUR[0][:19], 5],
        ["1600-01-01 00:00:00", "1600-01-02 00:00:00"],
        {"first": 1, "last": 2},
    ],
)
def test_a_window_of_nab_that_is_none_is_told(tmp_path, window):
    with pytest.raises(DataError, match=r"windows\.json: real/a\.csv has .*, not a first and a la"):
        only("nab", write(tmp_path, nab_with([window])))


def test_windows_of_nab_that_overlap_are_told_with_the_file(tmp_path):
    windows = [["2014-01-01 00:00", "2014-01-01 00:10"], ["2014-01-01 00:05", "2014-01-01 00:15"]]
    with pytest.raises(DataError, match=r"a\.csv: is damaged or another file: windows are out of"):
        only("nab", write(tmp_path, nab_with(windows)))


def test_an_entry_of_nab_that_is_null_is_told_though_no_file_has_it(tmp_path):
    files = nab(FOUR, []) | {"labels/combined_windows.json": '{"a/b.csv": null, "real/a.csv": []}'}
    with pytest.raises(DataError, match=r"windows\.json: a/b\.csv has null; a list of times"):
        only("nab", write(tmp_path, files))


# Times and whole numbers


@pytest.mark.parametrize("year", [1600, 1677, 2262, 9999])
def test_a_year_that_nanoseconds_cannot_tell_is_told_with_its_line(tmp_path, year):
    rows = [*FOUR, f"{year}-12-31 00:00:00,1"]
    with pytest.raises(DataError, match=rf"a\.csv:6: timestamp is '{year}.*year from 1678 to 2261"):
        only("nab", write(tmp_path, nab_with(rows=rows)))


@pytest.mark.parametrize("seconds", ["", "NA", "inf", "-inf", "1e300", "9.3e9", "-9.3e9"])
def test_seconds_that_are_no_time_are_told_with_their_line(tmp_path, seconds):
    text = f"snid,timestamp [UNIX],T,fault\nA,1,20,0\n\nA,{seconds},20,0\n"
    with pytest.raises(DataError, match=r"base-a\.csv:4: timestamp \[UNIX\] is .*; a time within"):
        only("asnx", write(tmp_path, {"base_datasets/base-a.csv": text}))


@pytest.mark.parametrize("number", ["nan", "inf", "1e300", "2e9"])
def test_a_number_of_a_reading_that_is_no_time_is_told_with_its_line(tmp_path, number):
    text = MOTE.replace("4\t3\t", f"\n{number}\t3\t")
    with pytest.raises(DataError, match=r"data\.txt:4: the time of a reading is .*; a time within"):
        only("suthaharan", write(tmp_path, {INDOOR: text}))


@pytest.mark.parametrize("number", ["nan", "inf", "1e300", "2.5"])
@pytest.mark.parametrize(
    ("row", "what"), [("{} 1", "the number of an engine is"), ("2 {}", "a cycle is")]
)
def test_engine_and_cycle_are_whole_numbers(tmp_path, number, row, what):
    rows = engines(2, 1).replace("2 1 ", f"\n{row.format(number)} ", 1)
    with pytest.raises(DataError, match=rf"FD001\.txt:4: {what} .*; a whole number below"):
        list(datasets.load("cmapss", write(tmp_path, {"train_FD001.txt": rows})))


@pytest.mark.parametrize("left", ["nan", "inf", "1e300", "1.5"])
def test_the_cycles_left_are_whole_numbers(tmp_path, left):
    files = {"test_FD001.txt": engines(1, 1), "RUL_FD001.txt": f"112\n\n{left}\n"}
    with pytest.raises(DataError, match=r"RUL_FD001\.txt:3: cycles left is .*; a whole number"):
        list(datasets.load("cmapss", write(tmp_path, files)))


@pytest.mark.parametrize("text", ["", "\n", " \n\n"])
def test_a_blank_file_of_numbers_is_told(tmp_path, text):
    with pytest.raises(DataError, match=r"FD001\.txt: has no row; 26 numbers"):
        only("cmapss", write(tmp_path, {"train_FD001.txt": text}))


# The line, where blank lines come before


@pytest.mark.parametrize(
    ("name", "path", "text", "line"),
    [
        ("skab", "valve1/1.csv", skab(row(0), "", "  ", row(1, "7.0")), 5),
        ("skab", "valve1/1.csv", skab(row(0), "", "then" + row(1)[19:]), 4),
        ("gecco", "a.csv", GECCO.replace('"2",', '\n"2",').replace("TRUE", "maybe", 1), 4),
        ("debruijn", INTEL, MIXED.replace("4,'2004-02-29T00:02", "\n4,'x", 1), 5),
        ("debruijn", INTEL, MIXED.replace("1,32", "1,64").replace("\n4,", "\n\n4,"), 7),
        ("suthaharan", INDOOR, MOTE.replace("\t1\n", "\t7\n").replace("\n4", "\n\n\n4"), 5),
        ("cmapss", "train_FD001.txt", "\n" + engines(1) + "\n" + engines(1), 4),
        ("tsb_ad", TSB, "Data,Label\r\n1,0\r\n\r\n1,5\r\n", 4),
    ],
)
def test_blank_lines_are_counted_in_the_line_that_is_named(tmp_path, name, path, text, line):
    target = write(tmp_path, {path: ""}) / path
    target.write_bytes(text.encode())
    with pytest.raises(DataError, match=rf"{target.suffix}:{line}: "):
        only(name, tmp_path)


# Words that are no missing number


def test_a_node_called_na_keeps_its_name(tmp_path):
    text = "snid,timestamp [UNIX],T,fault\nNA,1,NA,0\nNA,2,,0\n"
    series = only("asnx", write(tmp_path, {"base_datasets/base-a.csv": text}))
    assert series.readings.device.vocabulary == ("NA",)
    assert np.isnan(series.readings.values[:, 0]).all()


def test_a_node_without_a_name_is_told_with_its_line(tmp_path):
    text = "snid,timestamp [UNIX],T,fault\nA,1,20,0\n,2,20,0\n"
    with pytest.raises(DataError, match=r"base-a\.csv:3: snid is empty; the name of a node"):
        only("asnx", write(tmp_path, {"base_datasets/base-a.csv": text}))


# Other people's files, odd names


@pytest.mark.parametrize("other", [b"", b"\xff\xfe\x00", b"\n\n", b'"' + b"x" * 200_000 + b'"'])
def test_a_table_that_is_not_of_gecco_is_passed_over(tmp_path, other):
    write(tmp_path, {"b.csv": GECCO})
    (tmp_path / "a.csv").write_bytes(other)
    assert only("gecco", tmp_path).name == "b"


def test_a_digit_that_is_no_number_in_a_name_does_no_harm(tmp_path):
    files = {f"valve1/{name}.csv": skab(row(0)) for name in ("1²2", "1", "٣")}
    names = [series.name for series in datasets.load("skab", write(tmp_path, files))]
    assert sorted(names) == ["valve1/1", "valve1/1²2", "valve1/٣"]


def test_a_field_that_is_too_long_is_told_with_the_file(tmp_path):
    text = "timestamp,value,is_anomaly\n" + "9" * 200_000 + ",x,0\n"
    with pytest.raises(DataError, match=r"2\.csv: cannot be read as a table: field larger than"):
        only("ucr", write(tmp_path, {UCR: text}))


# Whatever else happens while a file is read


@pytest.mark.parametrize(
    "error",
    [
        ValueError("two\nlines"),
        TypeError("no number"),
        KeyError("value"),
        IndexError("out of range"),
        OverflowError("too large"),
        OSError(5, "Input/output error"),
        csv.Error("field larger"),
        RecursionError("maximum depth"),
        ValueError(),
    ],
)
def test_what_a_loader_did_not_think_of_names_the_file_it_was_at(tmp_path, monkeypatch, error):
    folder = write(tmp_path, {"valve1/1.csv": skab(row(0)), "valve1/2.csv": skab(row(0))})
    given = places.loader("skab").columns.flags

    def fails_in_the_second(path, *more):
        if path.name == "2.csv":
            raise error
        return given(path, *more)

    monkeypatch.setattr(places.loader("skab").columns, "flags", fails_in_the_second)
    series = datasets.load("skab", folder)
    assert next(series).name == "valve1/1"
    with pytest.raises(DataError, match=r"valve1/2\.csv: is damaged or another file: \S") as told:
        next(series)
    assert "\n" not in str(told.value)
    assert told.value.__cause__ is error


def test_what_goes_wrong_while_looking_for_files_is_told_at_once(tmp_path, monkeypatch):
    def fail(_):
        raise ValueError("no such number")

    monkeypatch.setattr(places.loader("skab"), "find", fail)
    with pytest.raises(DataError, match=f"{tmp_path}: is damaged or another file: no such number"):
        datasets.load("skab", tmp_path)


def test_a_mistake_of_the_kit_is_not_blamed_on_a_file(tmp_path, monkeypatch):
    def fail(*_):
        raise AttributeError("no such attribute")

    monkeypatch.setattr(places.loader("skab"), "read", fail)
    with pytest.raises(AttributeError):
        next(datasets.load("skab", write(tmp_path, {"valve1/1.csv": skab(row(0))})))


LABELLED = nab(FOUR, [[FOUR[1][:19], FOUR[2][:19]]])
BESIDE = {"smap_msl": {"msl/C-1.train.csv": telemetry("000")}, "nab": LABELLED, "labels": LABELLED}
SMALL = {
    "asnx": ("base_datasets/base-a.csv", "snid,timestamp [UNIX],T,fault\nA,1,20,0\nA,2,21,1\n"),
    "cmapss": ("train_FD001.txt", engines(2)),
    "debruijn": (INTEL, MIXED),
    "gecco": ("a.csv", GECCO),
    "nab": ("data/real/a.csv", LABELLED["data/real/a.csv"]),
    "labels": ("labels/combined_windows.json", LABELLED["labels/combined_windows.json"]),
    "skab": ("valve1/1.csv", skab(row(0), row(1, "1.0"))),
    "smap_msl": ("msl/C-1.test.csv", telemetry("010")),
    "suthaharan": (INDOOR, MOTE),
    "tsb_ad": (TSB, tsb("0010")),
    "ucr": (UCR, "timestamp,value,is_anomaly\n0,1,0\n1,2,0\n2,3,1\n"),
}


@pytest.mark.parametrize("case", SMALL)
def test_a_file_with_any_bytes_changed_is_read_or_refused_as_damaged(tmp_path, case):
    """Nothing but a DataError may come out, whatever stands in the file."""
    name = "nab" if case == "labels" else case
    path, text = SMALL[case]
    target = write(tmp_path, BESIDE.get(case, {}) | {path: text}) / path
    sound = text.encode()
    assert list(datasets.load(name, tmp_path))
    rng = np.random.default_rng(0)
    spite = [*b"|\n|,|;|[|{|\"|'|\x00|\xff|nan|null|1e999|-".split(b"|"), b"9" * 40]
    refused = []
    for _ in range(150):
        damaged = bytearray(sound)
        for _ in range(rng.integers(1, 4)):
            at = int(rng.integers(len(damaged) + 1))
            damaged[at : at + int(rng.integers(0, 9))] = spite[rng.integers(len(spite))]
        target.write_bytes(damaged)
        try:
            list(datasets.load(name, tmp_path))
        except DataError as error:
            refused.append(str(error))
    assert len(refused) > 20
    assert all(str(tmp_path) in told for told in refused)


# What stands in two places, because the sets lie below the metrics


def test_the_probation_is_that_of_the_score():
    assert load_nab.PROBATION_SHARE == nab_metric.PROBATION_SHARE
    assert load_nab.MOST_PROBATION_ROWS == nab_metric.MOST_PROBATION_ROWS


def test_runs_are_those_of_the_metrics():
    rng = np.random.default_rng(1)
    for n in range(12):
        ones = rng.random(n) < 0.5
        start, stop = runs(ones)
        assert windows_of(ones).tolist() == np.column_stack((start, stop - 1)).tolist()
