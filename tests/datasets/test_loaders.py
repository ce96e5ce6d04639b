"""The loaders on small files in the published layouts, and on such that are damaged."""

import json

import numpy as np
import pytest

from sensorkit import datasets
from sensorkit.datasets.tables import SECOND
from sensorkit.errors import DataError

SKAB_HEADER = (
    "datetime;Accelerometer1RMS;Accelerometer2RMS;Current;Pressure;Temperature;Thermocouple;"
    "Voltage;Volume Flow RateRMS"
)
CMAPSS_ROW = " ".join(["0.5"] * 24)
GECCO = """\
"","Time","Tp","Cl","pH","Redox","Leit","Trueb","Cl_2","Fm","Fm_2","EVENT"
"1","2016-08-03 09:49:00",6.5,0.17,8.33,749,211,0.011,0.118,1677,695,FALSE
"2","2016-08-03 09:50:00",NA,0.17,8.33,749,211,0.011,0.118,1678,695,TRUE
"3","2016-08-03 09:51:00",6.5,,8.33,749,211,0.011,0.117,1693,695,TRUE
"4","2016-08-03 09:52:00",6.5,0.17,8.33,749,211,0.011,0.117,1693,695,FALSE
"""


def write(folder, files):
    for path, text in files.items():
        (folder / path).parent.mkdir(parents=True, exist_ok=True)
        (folder / path).write_text(text, encoding="utf-8")
    return folder


def only(name, folder):
    (series,) = datasets.load(name, folder)
    return series


def nab(rows, windows):
    labels = json.dumps({"real/a.csv": windows})
    return {
        "data/real/a.csv": "timestamp,value\n" + "".join(f"{row}\n" for row in rows),
        "labels/combined_windows.json": labels,
        "labels/combined_labels.json": json.dumps({"real/a.csv": ["2014-01-01 00:10:00"]}),
    }


FOUR = [f"2014-01-01 00:{minute:02}:00,{minute}" for minute in (0, 5, 10, 15)]


# NAB


def test_a_window_of_nab_has_the_rows_from_its_first_to_its_last_time(tmp_path):
    windows = [["2014-01-01 00:04:00.000000", "2014-01-01 00:10:00.000000"]]
    series = only("nab", write(tmp_path, nab(FOUR, windows)))
    assert series.windows.tolist() == [[1, 2]]
    assert series.labels.tolist() == [False, True, True, False]
    assert series.extra["points"].tolist() == [2]
    assert series.readings.values[:, 0].tolist() == [0, 5, 10, 15]


def test_times_that_step_back_do_not_raise(tmp_path):
    rows = [FOUR[0], FOUR[2], FOUR[1], FOUR[1], FOUR[3]]
    windows = [["2014-01-01 00:05:00.000000", "2014-01-01 00:05:00.000000"]]
    series = only("nab", write(tmp_path, nab(rows, windows)))
    assert np.sign(np.diff(series.readings.time)).tolist() == [1, -1, 0, 1]
    assert series.windows.tolist() == [[2, 3]]
    assert series.notes == ("2 times stand still or step back",)


@pytest.mark.parametrize(
    ("rows", "windows", "why"),
    [
        ([*FOUR, "2014-01-01 00:20:00,high"], [], r"a\.csv:6: value is 'high', no number"),
        ([*FOUR, "yesterday,1"], [], r"a\.csv:6: timestamp is 'yesterday'; a time as %Y"),
        ([*FOUR, "2014-01-01 00:20:00,1,2"], [], r"a\.csv:6: has 3 fields, and line 1 has 2"),
        ([f"{row},1" for row in FOUR], [], r"a\.csv:2: has 3 fields, and line 1 has 2 names"),
        (FOUR, [["2014-01-02 00:00:00", "2014-01-02 01:00:00"]], "has no row in the file"),
        (FOUR, ["2014-01-02 00:00:00"], "json: real/a.csv has .*, not a first and a last time"),
        (FOUR, [["then", "now"]], "not a first and a last time"),
    ],
)
def test_what_is_wrong_with_a_file_of_nab_is_told_with_its_line(tmp_path, rows, windows, why):
    with pytest.raises(DataError, match=why):
        only("nab", write(tmp_path, nab(rows, windows)))


def test_a_file_that_the_labels_do_not_know_is_an_error(tmp_path):
    files = nab(FOUR, []) | {"labels/combined_windows.json": "{}"}
    with pytest.raises(DataError, match=r"has no entry for real/a\.csv"):
        only("nab", write(tmp_path, files))


def test_labels_that_are_no_json_come_with_the_line(tmp_path):
    files = nab(FOUR, []) | {"labels/combined_windows.json": '{"a":\n[}'}
    with pytest.raises(DataError, match=r"combined_windows\.json:2: is no JSON"):
        only("nab", write(tmp_path, files))


def test_labels_that_are_no_table_of_files_are_an_error(tmp_path):
    files = nab(FOUR, []) | {"labels/combined_windows.json": "[1]"}
    with pytest.raises(DataError, match="json:1: holds list; files and their times are wanted"):
        only("nab", write(tmp_path, files))


def test_labels_that_are_not_there_are_an_error(tmp_path):
    folder = write(tmp_path, nab(FOUR, []))
    (folder / "labels" / "combined_windows.json").unlink()
    with pytest.raises(DataError, match=r"windows\.json: cannot be read: No such file"):
        only("nab", folder)


def test_an_empty_value_is_nan_and_stays(tmp_path):
    series = only("nab", write(tmp_path, nab([*FOUR, "2014-01-01 00:20:00,"], [])))
    assert np.isnan(series.readings.values[4, 0])


# SKAB


def skab(*rows):
    return "\n".join([f"{SKAB_HEADER};anomaly;changepoint", *rows]) + "\n"


def row(second, anomaly="0.0", change="0.0"):
    return f"2020-03-09 10:00:{second:02};1;2;3;4;5;6;7;8;{anomaly};{change}"


def test_skab_reads_both_kinds_of_labels_and_keeps_gaps(tmp_path):
    text = skab(row(0), row(1, "1.0", "1.0"), row(9, "1.0"), row(10))
    series = only("skab", write(tmp_path, {"other/5.csv": text}))
    assert series.windows.tolist() == [[1, 2]]
    assert series.extra["changepoints"].tolist() == [False, True, False, False]
    assert (np.diff(series.readings.time) // SECOND).tolist() == [1, 8, 1]
    assert series.readings.values[0].tolist() == [1, 2, 3, 4, 5, 6, 7, 8]
    assert series.group == "other/imbalance"


@pytest.mark.parametrize("label", ["2.0", "", "nan"])
def test_a_label_that_is_neither_0_nor_1_is_an_error(tmp_path, label):
    text = skab(row(0), row(1, label))
    with pytest.raises(DataError, match=r"1\.csv:3: anomaly is .*; a label is 0 or 1"):
        only("skab", write(tmp_path, {"valve1/1.csv": text}))


def test_a_missing_column_is_named_with_those_there_are(tmp_path):
    with pytest.raises(DataError, match=r"1\.csv:1: has no column Pressure.*; there are datetime,"):
        only("skab", write(tmp_path, {"valve1/1.csv": skab().replace("Pressure", "P")}))


def test_an_empty_file_is_an_error(tmp_path):
    with pytest.raises(DataError, match=r"1\.csv:1: is empty"):
        only("skab", write(tmp_path, {"valve1/1.csv": ""}))


def test_a_file_that_is_not_text_is_an_error(tmp_path):
    (tmp_path / "valve1").mkdir()
    (tmp_path / "valve1" / "1.csv").write_bytes(b"\xff\xfe\x00")
    with pytest.raises(DataError, match=r"1\.csv: is not UTF-8 text"):
        only("skab", tmp_path)


def test_2_comes_before_10(tmp_path):
    files = {f"valve1/{i}.csv": skab(row(0)) for i in (10, 2, 1)}
    names = [series.name for series in datasets.load("skab", write(tmp_path, files))]
    assert names == ["valve1/1", "valve1/2", "valve1/10"]


# UCR archive


@pytest.mark.parametrize("spread", ["\n", " ", "  \n "])
def test_the_original_text_of_ucr_is_read_in_one_line_or_many(tmp_path, spread):
    text = spread.join(f"{i}.0000000e+00" for i in range(10))
    files = {"UCR/001_UCR_Anomaly_DISTORTEDecg_x1_4_6_7.txt": text}
    series = only("ucr", write(tmp_path, files))
    assert series.name == "001_DISTORTEDecg_x1"
    assert series.group == "ecg_x1"
    assert series.fit == 4
    assert series.windows.tolist() == [[6, 7]]
    assert series.readings.values[:, 0].tolist() == list(range(10))


def test_ucr_believes_the_name_and_not_the_column(tmp_path):
    rows = "".join(f"{i},{i},{int(i == 6)}\n" for i in range(10))
    files = {"001_UCR_Anomaly_a_4_6_7.csv": f"timestamp,value,is_anomaly\n{rows}"}
    assert only("ucr", write(tmp_path, files)).windows.tolist() == [[6, 7]]


def test_ucr_takes_a_series_once_where_both_layouts_are_there(tmp_path):
    files = {
        "001_UCR_Anomaly_a_4_6_7.csv": "timestamp,value,is_anomaly\n" + "0,9,0\n" * 10,
        "deep/001_UCR_Anomaly_a_4_6_7.txt": "1 " * 10,
    }
    assert only("ucr", write(tmp_path, files)).readings.values.max() == 1.0


def test_ucr_notes_an_anomaly_among_the_rows_to_fit_on(tmp_path):
    series = only("ucr", write(tmp_path, {"203_UCR_Anomaly_a_8_6_7.txt": "1 " * 10}))
    assert series.notes[-1] == "the anomaly lies in the part to fit on"


@pytest.mark.parametrize(
    ("name", "text", "why"),
    [
        ("001_UCR_Anomaly_a_4_6_7.txt", "1 2 3", "has 3 rows, but its name speaks of 4, 6 and 7"),
        ("001_UCR_Anomaly_a_1_2_1.txt", "1 2 3", "its name speaks of 1, 2 and 1"),
        ("001_UCR_Anomaly_a_1_2_2.txt", "1\n2\nx", r"\.txt:3: 'x' is no number"),
    ],
)
def test_a_file_of_ucr_that_does_not_fit_its_name_is_an_error(tmp_path, name, text, why):
    with pytest.raises(DataError, match=why):
        only("ucr", write(tmp_path, {name: text}))


# SMAP and MSL


def telemetry(labels):
    rows = "".join(f"{i},0.5,{label}\n" for i, label in enumerate(labels))
    return f"timestamp,value,is_anomaly\n{rows}"


def test_a_channel_is_its_training_part_and_then_its_test_part(tmp_path):
    files = {"msl/C-1.train.csv": telemetry("000"), "msl/C-1.test.csv": telemetry("0110")}
    series = only("smap_msl", write(tmp_path, files))
    assert (series.name, series.group, series.fit) == ("msl/C-1", "msl/C", 3)
    assert series.windows.tolist() == [[4, 5]]


def test_a_test_part_without_its_training_part_is_an_error(tmp_path):
    with pytest.raises(DataError, match=r"P-1\.train\.csv: is not there"):
        only("smap_msl", write(tmp_path, {"smap/P-1.test.csv": telemetry("0")}))


# De Bruijn

CLEAN = "timestamp,mote_id,has_fault_type,temperature,light\n'2004-02-29T00:00:00',1,0,20.5,45\n"
MIXED = """set_id,timestamp,mote_id,has_fault_type,light,temperature
4,'2004-02-29T00:00:00',1,0,45,20.5
4,'2004-02-29T00:00:30',1,5,45,29.0
4,'2004-02-29T00:02:00',1,32,45,
"""


def test_debruijn_reads_columns_by_name_and_bits_as_kinds(tmp_path):
    files = {
        "intel/clean/Node01_clean.txt": CLEAN,
        "intel/injected_mixed/mote=1_sensortype=temperature_faulttype=mixed.txt": MIXED,
    }
    light, clean, mixed = datasets.load("debruijn", write(tmp_path, files))
    assert (light.name, clean.name) == ("intel/1/light/clean", "intel/1/temperature/clean")
    assert mixed.name == "intel/1/temperature/mixed"
    assert {series.group for series in (light, clean, mixed)} == {"intel/1"}
    assert mixed.categories.tolist() == [None, "random+bias", "polydrift"]
    assert mixed.labels.tolist() == [False, True, True]
    assert mixed.readings.channels == ("temperature",)
    assert np.array_equal(mixed.readings.values[:, 0], [20.5, 29.0, np.nan], equal_nan=True)
    assert (np.diff(mixed.readings.time) // SECOND).tolist() == [30, 90]
    assert clean.readings.values.tolist() == [[20.5]]


@pytest.mark.parametrize("label", ["64", "-1", "0.5", ""])
def test_a_label_that_is_no_sum_of_bits_is_an_error(tmp_path, label):
    text = MIXED.replace(",32,", f",{label},")
    files = {"intel/injected_mixed/mote=1_sensortype=temperature_faulttype=mixed.txt": text}
    with pytest.raises(DataError, match=r"mixed\.txt:4: has_fault_type is .*; a sum of"):
        only("debruijn", write(tmp_path, files))


# ASN(x)


def test_asnx_is_read_under_its_original_names_too(tmp_path):
    head = '"snid","timestamp [UNIX]","sntime","T_air [°C]","x_nt","fault"\n'
    text = head + '"41B9FD22",1625371540,1006,21.6,0.04,0\n"41B9FD22",1625371600,1007,21.7,1,1\n'
    files = {
        "base_datasets/base_-_outdoor.csv": text.replace("1,1\n", "1,0\n"),
        "faulty_datasets/base_-_outdoor-faulty-3.csv": text,
        "fault_signatures/fault_-_bad.csv": text,
    }
    clean, faulty = datasets.load("asnx", write(tmp_path, files))
    assert (clean.name, faulty.name) == ("outdoor/clean", "outdoor/faulty-3")
    assert clean.group == faulty.group == "outdoor"
    assert faulty.labels.tolist() == [False, True]
    assert faulty.readings.channels == ("T_air", "x_nt")
    assert faulty.extra["diagnostics"] == ("x_nt",)
    assert faulty.readings.time.tolist() == [1625371540 * SECOND, 1625371600 * SECOND]


def test_a_time_of_asnx_that_lacks_is_an_error(tmp_path):
    text = "snid,timestamp [UNIX],T_air [°C],fault\nA,1,20,0\nA,,20,0\n"
    with pytest.raises(DataError, match=r"base-a\.csv:3: timestamp \[UNIX\] is missing; a time"):
        only("asnx", write(tmp_path, {"base_datasets/base-a.csv": text}))


# C-MAPSS


def engines(*cycles):
    """One engine for each argument, with so many cycles, and blanks at the line ends."""
    return "".join(
        f"{unit} {cycle} {CMAPSS_ROW}  \n"
        for unit, n in enumerate(cycles, 1)
        for cycle in range(1, n + 1)
    )


@pytest.mark.parametrize("subset", ["FD001", "FD002", "FD003", "FD004"])
def test_every_subset_of_cmapss_is_read(tmp_path, subset):
    files = {
        f"train_{subset}.txt": engines(3, 2),
        f"test_{subset}.txt": engines(2, 1),
        f"RUL_{subset}.txt": "112 \n98 \n",
        "readme.txt": "not a table",
    }
    series = list(datasets.load("cmapss", write(tmp_path, files)))
    assert [s.name for s in series] == [
        f"{subset}/{part}/{unit}" for part in ("train", "test") for unit in (1, 2)
    ]
    assert [s.extra["rul"].tolist() for s in series] == [[2, 1, 0], [1, 0], [113, 112], [98]]
    assert all(s.extra["subset"] == subset for s in series)
    assert series[0].readings.values.shape == (3, 24)
    assert series[0].readings.device.vocabulary == (f"{subset}/train/1",)
    assert not series[0].labels.any()


@pytest.mark.parametrize(
    ("files", "why"),
    [
        ({"train_FD001.txt": engines(2) + "1 3 0.5\n"}, r"FD001\.txt:3: has 3 columns, 26 are"),
        ({"train_FD001.txt": engines(1).replace("0.5", "?", 1)}, r"FD001\.txt:1: '\?' is no num"),
        ({"train_FD001.txt": engines(1, 1, 1).replace("3 1", "1 1")}, "of one engine stand apart"),
        ({"train_FD001.txt": engines(1) + engines(1)}, "FD001.txt:2: the cycle of engine 1 does"),
        ({"test_FD001.txt": engines(1)}, r"RUL_FD001\.txt: is not there"),
        (
            {"test_FD001.txt": engines(1), "RUL_FD001.txt": "1\n2\n"},
            "has 2 numbers, test_FD001.txt has 1 engines",
        ),
    ],
)
def test_a_file_of_cmapss_that_is_damaged_is_an_error(tmp_path, files, why):
    with pytest.raises(DataError, match=why):
        list(datasets.load("cmapss", write(tmp_path, files)))


# Suthaharan

MOTE = "Reading# Mote-ID Humidity Temperature Label\n1\t3\t40.5\t30.25\t0\n4\t3\t41.0\t30.5\t1\n"


def test_a_lost_reading_of_suthaharan_stays_a_gap(tmp_path):
    files = {"multihop/multihop_outdoor_moteid3_data.txt": MOTE}
    series = only("suthaharan", write(tmp_path, files))
    assert (series.name, series.group) == ("multihop/outdoor/3", "multihop/outdoor")
    assert np.diff(series.readings.time).tolist() == [15 * SECOND]
    assert series.readings.values.tolist() == [[40.5, 30.25], [41.0, 30.5]]
    assert series.labels.tolist() == [False, True]


def test_a_label_of_suthaharan_that_is_neither_0_nor_1_is_an_error(tmp_path):
    files = {"multihop/multihop_outdoor_moteid3_data.txt": MOTE.replace("\t1\n", "\t7\n")}
    with pytest.raises(DataError, match=r"data\.txt:3: the label is 7"):
        only("suthaharan", write(tmp_path, files))


# GECCO


@pytest.mark.parametrize("words", [("TRUE", "FALSE"), ("True", "False"), ("1", "0")])
def test_gecco_is_read_as_r_and_pandas_write_it(tmp_path, words):
    text = GECCO.replace("TRUE", words[0]).replace("FALSE", words[1])
    files = {"1_gecco2018_water_quality.csv": text, "other.csv": "a,b\n1,2\n"}
    series = only("gecco", write(tmp_path, files))
    assert series.windows.tolist() == [[1, 2]]
    assert np.isnan(series.readings.values).nonzero()[0].tolist() == [1, 2]
    assert np.unique(np.diff(series.readings.time)).tolist() == [60 * SECOND]
    assert series.readings.channels[0] == "Tp"


def test_an_event_of_gecco_that_is_neither_is_an_error(tmp_path):
    text = GECCO.replace("695,TRUE", "695,maybe", 1)
    with pytest.raises(DataError, match=r"a\.csv:3: EVENT is 'maybe'; TRUE or FALSE is wanted"):
        only("gecco", write(tmp_path, {"a.csv": text}))


# TSB-AD


def tsb(labels, header="Data,Label"):
    fields = header.count(",")
    return f"{header}\n" + "".join(f"{'0.5,' * fields}{label}\n" for label in labels)


def test_tsb_ad_reads_one_channel_or_many_and_hides_the_first_anomaly(tmp_path):
    files = {
        "TSB-AD-U/001_NAB_id_1_Facility_tr_2_1st_3.csv": tsb("00011"),
        "TSB-AD-M/057_SMD_id_1_Facility_tr_1_1st_4.csv": tsb("00011", "a,b,Label"),
    }
    many, one = datasets.load("tsb_ad", write(tmp_path, files))
    assert one.name == "TSB-AD-U/001_NAB_id_1_Facility"
    assert (one.group, one.fit, one.windows.tolist()) == ("NAB", 2, [[3, 4]])
    assert one.extra == {"source": "NAB", "domain": "Facility"}
    assert len(one.notes) == 1
    assert many.readings.channels == ("a", "b")
    assert many.notes[1:] == ("the first labelled row is not the one that the file name speaks of",)


def test_tsb_ad_notes_an_anomaly_among_the_rows_to_fit_on(tmp_path):
    series = only("tsb_ad", write(tmp_path, {"1_A_id_1_B_tr_3_1st_1.csv": tsb("0100")}))
    assert series.notes[1:] == ("anomalous rows are in the part to fit on",)


def test_tsb_ad_keeps_rows_without_values(tmp_path):
    text = tsb("000").replace("0.5,0", ",0", 1)
    series = only("tsb_ad", write(tmp_path, {"1_A_id_1_B_tr_1_1st_9.csv": text}))
    assert np.isnan(series.readings.values[:, 0]).tolist() == [True, False, False]


@pytest.mark.parametrize(
    ("text", "why"),
    [
        (tsb("0"), "has 1 rows, but its name gives 2 to fit on"),
        ("Label\n0\n0\n0\n", "has no column but Label"),
        (tsb("002"), r"\.csv:4: Label is 2; a label is 0 or 1"),
    ],
)
def test_a_file_of_tsb_ad_that_makes_no_sense_is_an_error(tmp_path, text, why):
    with pytest.raises(DataError, match=why):
        only("tsb_ad", write(tmp_path, {"1_A_id_1_B_tr_2_1st_3.csv": text}))


# All of them


@pytest.mark.parametrize("name", datasets.names())
def test_a_folder_without_a_file_of_the_set_is_an_error_at_once(tmp_path, name):
    write(tmp_path, {"notes.txt": "hello", "table.csv": "a,b\n1,2\n"})
    with pytest.raises(DataError, match=f"holds no file of {name}; .* is wanted: https://"):
        datasets.load(name, tmp_path)


def test_no_folder_is_an_error_at_once(tmp_path):
    with pytest.raises(DataError, match="is no folder; give the one that holds the files of nab"):
        datasets.load("nab", tmp_path / "nowhere")


def test_only_as_many_files_are_read_as_series_are_asked_for(tmp_path):
    files = {"valve1/1.csv": skab(row(0)), "valve1/2.csv": "damaged"}
    folder = write(tmp_path, files)
    assert len(list(datasets.load("skab", folder, limit=1))) == 1
    with pytest.raises(DataError):
        list(datasets.load("skab", folder, limit=2))
    with pytest.raises(ValueError, match="limit is 0; at least one series"):
        datasets.load("skab", folder, limit=0)
