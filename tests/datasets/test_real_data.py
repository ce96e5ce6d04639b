"""The loaders on the real files: counts are those that the sets and our notes on them state."""

import json
import time
from itertools import pairwise

import numpy as np
import pytest

from sensorkit import datasets
from sensorkit.readings import isoformat

pytestmark = pytest.mark.data

COUNTS = {
    # series, rows, labelled rows, windows, groups
    "asnx": (21, 20_937, 1_033, 242, 1),
    "cmapss": (200, 33_727, 0, 0, 200),
    "debruijn": (64, 408_657, 56_644, 2_469, 9),
    "nab": (58, 365_558, 33_495, 116, 42),
    "skab": (35, 46_806, 13_067, 34, 8),
    "smap_msl": (37, 304_515, 25_508, 51, 9),
    "suthaharan": (4, 18_914, 149, 2, 2),
    "ucr": (43, 847_449, 4_218, 43, 34),
}
SECONDS = {"nab": 3.0, "debruijn": 5.0}


@pytest.fixture(scope="module")
def loaded(sensorkit_data):
    """All series of a set, read once."""
    kept = {}

    def load(name):
        if name not in kept:
            folder = sensorkit_data / datasets.card(name).directory
            kept[name] = {s.name: s for s in datasets.load(name, folder)}
        return kept[name]

    return load


@pytest.mark.parametrize("name", COUNTS)
def test_series_rows_labels_and_windows_are_all_there(loaded, name):
    series = loaded(name).values()
    assert (
        len(series),
        sum(map(len, series)),
        sum(int(s.labels.sum()) for s in series),
        sum(len(s.windows) for s in series),
        len({s.group for s in series}),
    ) == COUNTS[name]


@pytest.mark.parametrize("name", COUNTS)
def test_a_row_is_labelled_where_a_window_covers_it(loaded, name):
    for series in loaded(name).values():
        covered = np.zeros(len(series), dtype=bool)
        for first, last in series.windows:
            covered[first : last + 1] = True
        assert np.array_equal(covered, series.labels)


@pytest.mark.parametrize("name", COUNTS)
def test_a_name_of_a_series_does_not_tell_where_its_anomaly_is(loaded, name):
    for series in loaded(name).values():
        for first, last in series.windows:
            # Rows below 1000 would be found in any number by chance.
            assert not any(str(row) in series.name for row in (first, last) if row > 1000)


@pytest.mark.parametrize(("name", "most"), SECONDS.items())
def test_a_whole_set_is_read_in_seconds(sensorkit_data, name, most):
    folder = sensorkit_data / datasets.card(name).directory
    began = time.perf_counter()
    assert len(list(datasets.load(name, folder))) == COUNTS[name][0]
    assert time.perf_counter() - began < most


def test_the_order_is_the_same_every_time(sensorkit_data):
    folder = sensorkit_data / "skab"
    names = [series.name for series in datasets.load("skab", folder)]
    assert names == [series.name for series in datasets.load("skab", folder)]
    assert names[:3] + names[-1:] == [
        "valve1/0",
        "valve1/1",
        "valve1/2",
        "anomaly-free/anomaly-free",
    ]


def test_nab_windows_are_those_of_the_labels_file(loaded, sensorkit_data):
    text = (sensorkit_data / "nab" / "labels" / "combined_windows.json").read_text(encoding="utf-8")
    for key, windows in json.loads(text).items():
        series = loaded("nab")[key.removesuffix(".csv")]
        stamps = [[isoformat(int(series.readings.time[row])) for row in w] for w in series.windows]
        assert stamps == [[f"{day}T{hour}Z" for day, hour in map(str.split, w)] for w in windows]


def test_nab_points_lie_in_windows_but_for_one(loaded):
    series = loaded("nab").values()
    assert sum(len(s.extra["points"]) for s in series) == 120
    outside = {s.name: int(np.sum(~s.labels[s.extra["points"]])) for s in series}
    outside = {name: n for name, n in outside.items() if n}
    assert outside == {"realAWSCloudwatch/iio_us-east-1_i-a2eb1cd9_NetworkIn": 1}


def test_nab_probation_is_15_percent_and_at_most_750_rows(loaded):
    assert loaded("nab")["artificialNoAnomaly/art_flatline"].fit == 604  # of 4032
    assert loaded("nab")["realTweets/Twitter_volume_AAPL"].fit == 750  # of 15902


def test_nab_times_that_step_back_stay_and_are_noted(loaded):
    series = loaded("nab")["realKnownCause/ec2_request_latency_system_failure"]
    assert int(np.sum(np.diff(series.readings.time) <= 0)) == 11
    assert series.notes == ("11 times stand still or step back",)


def test_skab_has_the_published_shares(loaded):
    runs = [s for s in loaded("skab").values() if s.labels.any()]
    assert len(runs) == 34
    after = np.concatenate([s.labels[s.fit :] for s in runs])
    assert after.mean() == pytest.approx(0.537, abs=5e-4)
    changes = [s.extra["changepoints"] for s in runs]
    assert sum(int(c.sum()) for c in changes) == 129
    assert {int(c.sum()) for c in changes} == {2, 3, 4}


def test_skab_names_the_run_with_anomalies_in_its_training_rows(loaded):
    noted = [s.name for s in loaded("skab").values() if s.notes]
    assert noted == ["other/2"]
    assert loaded("skab")["other/2"].windows[0, 0] == 104


def test_ucr_intervals_agree_with_the_index(loaded, sensorkit_data):
    import pandas as pd

    index = pd.read_csv(sensorkit_data / "ucr_archive" / "INDEX_dev.csv", dtype={"id": str})
    for row in index.itertuples():
        series = loaded("ucr")[f"{row.id}_{row.series}"]
        assert len(series) == row.n
        assert series.fit == row.train_end
        assert series.windows.tolist() == [[row.anomaly_start, row.anomaly_end_inclusive]]
        assert series.group == row.family


def test_smap_and_msl_have_no_anomaly_in_their_training_part(loaded):
    for series in loaded("smap_msl").values():
        assert 0 < series.fit < len(series)
        assert not series.labels[: series.fit].any()
    assert loaded("smap_msl")["smap/P-2"].notes[-1].startswith("its labels are in dispute")


def test_debruijn_faults_are_in_the_readings_that_are_labelled(loaded):
    bias = loaded("debruijn")["santander/santander16/temperature/bias"]
    clean = loaded("debruijn")[bias.name.replace("/bias", "/clean")]
    assert np.array_equal(bias.readings.time, clean.readings.time)
    changed = bias.readings.values[:, 0] != clean.readings.values[:, 0]
    assert changed[~bias.labels].mean() < 0.001
    assert changed[bias.labels].mean() > 0.99


def test_debruijn_kinds_are_those_of_the_bits(loaded):
    kinds = {
        s.name: set(s.categories[s.labels]) for s in loaded("debruijn").values() if s.labels.any()
    }
    for name, found in kinds.items():
        kind = name.rpartition("/")[2]
        if kind == "mixed":
            assert found == {"random", "malfunction", "bias", "drift"}
        elif kind != "clean":
            assert found == {kind}
    assert kinds["santander/santander20/temperature/clean"] == {"random"}


def test_debruijn_files_of_a_node_come_together_clean_first(loaded):
    names = list(loaded("debruijn"))
    assert names[:3] == [
        "intel/1/light/clean",
        "intel/1/temperature/clean",
        "intel/1/temperature/random",
    ]
    groups = [s.group for s in loaded("debruijn").values()]
    assert len(set(groups)) == 1 + sum(a != b for a, b in pairwise(groups))


def test_asnx_faults_change_the_clean_week_where_they_are_labelled(loaded):
    clean = loaded("asnx")["indoor-stable/clean"]
    faulty = loaded("asnx")["indoor-stable/faulty-0"]
    assert faulty.readings.channels[:4] == ("T_air", "T_soil", "H_air", "H_soil")
    assert len(faulty.extra["diagnostics"]) == 8
    assert np.array_equal(faulty.readings.time, clean.readings.time)
    # The copy is rounded to 0.01, and some rows beside a segment carry no label.
    off = np.abs(faulty.readings.values[:, 0] - clean.readings.values[:, 0]) > 0.01
    assert off[faulty.labels].mean() > 0.4
    assert off[~faulty.labels].mean() < 0.02
    assert clean.readings.device.vocabulary == ("41B9FD22",)


def test_cmapss_engines_end_with_their_failure_or_with_what_is_left(loaded):
    engines = loaded("cmapss")
    train = [s for s in engines.values() if s.extra["part"] == "train"]
    test = [s for s in engines.values() if s.extra["part"] == "test"]
    assert (len(train), len(test)) == (100, 100)
    assert all(s.extra["rul"][-1] == 0 for s in train)
    assert [int(s.extra["rul"][-1]) for s in test[:3]] == [112, 98, 69]
    assert engines["FD001/test/1"].extra["rul"].tolist()[:2] == [142, 141]
    assert engines["FD001/train/1"].readings.channel("sensor_2")[0] == 641.82


def test_cmapss_columns_that_are_constant_are_those_of_the_card(loaded):
    train = np.concatenate(
        [s.readings.values for s in loaded("cmapss").values() if s.extra["part"] == "train"]
    )
    # Unit and cycle are the columns 1 and 2; the card counts from 1.
    still = 3 + np.flatnonzero(np.ptp(train, axis=0) == 0)
    assert still.tolist() == [5, 6, 10, 15, 21, 23, 24]


def test_suthaharan_has_events_where_the_notes_say(loaded):
    found = {name: int(s.labels.sum()) for name, s in loaded("suthaharan").items()}
    assert found == {
        "singlehop/indoor/1": 117,
        "singlehop/indoor/2": 0,
        "singlehop/outdoor/3": 0,
        "singlehop/outdoor/4": 32,
    }
    (series, *_) = loaded("suthaharan").values()
    assert np.unique(np.diff(series.readings.time)).tolist() == [5_000_000_000]
