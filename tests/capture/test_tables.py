import csv
import io

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from sensorkit.capture import LABEL_COLUMNS, tables
from sensorkit.capture.rows import csv_word, metrics_header, metrics_rows
from sensorkit.errors import RecordingError
from sensorkit.readings import (
    Event,
    FaultLabel,
    Readings,
    Rejection,
    RejectReason,
    Words,
    isoformat,
)
from sensorkit.wire.texts import Texts

S = 1_000_000_000
NAN = float("nan")


def readings(values, *, status=None, device="d", start=0):
    values = np.array(values, dtype=float).reshape(len(values), -1)
    time = start + np.arange(len(values)) * S
    names = [f"c{i}" for i in range(values.shape[1])]
    return Readings.build(
        time, values, names, device=device, status=None if status is None else Words.of(status)
    )


def write(path, r, texts=None):
    path.write_bytes(metrics_header(r.channels).encode() + metrics_rows(r, texts))
    return path


def test_a_row_is_a_readings_facts_in_the_order_of_the_header():
    r = readings([[1.5, NAN]], status=["NORMAL"], start=1_700_000_000 * S)
    assert metrics_header(["a", "b"]) == "timestamp,device,sequence,a,b,status,offset\n"
    assert metrics_rows(r, None) == b"2023-11-14T22:13:20.000000Z,d,,1.5,,NORMAL,\n"


def test_a_text_is_written_as_it_stood_and_the_rest_with_repr():
    r = readings([[85.50, 0.1 + 0.2]])
    assert b",85.50,0.30000000000000004," in metrics_rows(r, [("85.50", None)])
    assert b",85.50,0.3," in metrics_rows(r, [("85.50", "0.3")])


def naive_rows(r, texts):
    """The rows, written the obvious way."""
    rows = []
    for i, row in enumerate(texts or [[None] * len(r.channels)] * len(r)):
        values = r.values[i].tolist()
        cells = [
            isoformat(r.time[i]),
            csv_word(r.device.to_array()[i] or ""),
            "" if r.sequence[i] == -1 else str(r.sequence[i]),
            *(
                ("" if v != v else repr(v)) if t is None else t
                for t, v in zip(row, values, strict=True)
            ),
            csv_word(r.status.to_array()[i] or ""),
            "" if r.offset[i] == -1 else str(r.offset[i]),
        ]
        rows.append(",".join(cells) + "\n")
    return "".join(rows).encode()


numbers = st.integers(-1, 200) | st.integers(-1, 2**63 - 1)
words = st.sampled_from([None, "NORMAL", "a,b", "", "=1+1", "warm \N{DEGREE SIGN}"])
# Near each other, as those of frames are: a second, a day and a year may begin in between.
times = st.sampled_from([0, -S, 1_709_164_799 * S, 1_735_689_599 * S, 951_782_399 * S, 2**62])
text = st.none() | st.from_regex(r"-?[0-9]{1,12}(\.[0-9]{1,9})?", fullmatch=True) | st.just("")
row = st.tuples(st.integers(0, 2 * S), words, words, numbers, numbers, st.tuples(text, text))


@given(times, st.lists(row, min_size=1, max_size=12), st.booleans(), st.booleans())
def test_rows_are_those_written_the_obvious_way(start, rows, told, packed):
    after, devices, statuses, sequence, offset, texts = zip(*rows, strict=True)
    r = Readings.build(
        np.array(after, dtype=np.int64) + start,
        np.array([[float("nan"), -0.0], [0.1, 1e300]] * len(rows))[: len(rows)],
        ["a", "b"],
        device=Words.of(devices),
        status=Words.of(statuses),
        sequence=np.array(sequence, dtype=np.int64),
        offset=np.array(offset, dtype=np.int64),
    )
    given = (Texts.of(texts) if packed else [*texts]) if told else None
    assert metrics_rows(r, given) == naive_rows(r, texts if told else None)


def test_rows_of_arrays_of_any_kind_are_the_same():
    """Every other reading of a batch, and arrays that cannot be written to."""
    r = readings([[i, i] for i in range(6)], status=["A", "B"] * 3)
    texts = Texts.of([(str(i), "") for i in range(6)])
    expected = b"".join(metrics_rows(r, texts).splitlines(keepends=True)[::2])
    part = r[::2]
    part.time.flags.writeable = False
    assert metrics_rows(part, texts[::2]) == expected


def test_no_readings_are_no_rows():
    assert metrics_rows(Readings.empty(["c"]), None) == b""


@given(st.lists(st.floats(allow_infinity=False), min_size=1, max_size=20))
def test_every_number_is_read_back_exactly(tmp_path_factory, numbers):
    path = tmp_path_factory.mktemp("rows") / "m.csv"
    r = readings([[x] for x in numbers])
    back = tables.read_metrics(write(path, r), r.channels)
    assert np.array_equal(back.values, r.values, equal_nan=True)
    assert back.time.tolist() == r.time.tolist()


def test_devices_and_statuses_come_back_with_their_gaps(tmp_path):
    r = readings([[1], [2], [3]], status=["A", None, "B"], device=Words.of(["x", "y", "x"]))
    back = tables.read_metrics(write(tmp_path / "m.csv", r), r.channels)
    assert back.status.to_array().tolist() == ["A", None, "B"]
    assert back.device.to_array().tolist() == ["x", "y", "x"]
    assert back.sequence.tolist() == [-1, -1, -1]
    assert back.offset.tolist() == [-1, -1, -1]


def test_words_that_look_like_numbers_or_like_nothing_stay_words(tmp_path):
    words = ["1", "007", "nan", "NULL", "None", "true"]
    r = readings([[i] for i in range(len(words))], status=words)
    back = tables.read_metrics(write(tmp_path / "m.csv", r), r.channels)
    assert back.status.to_array().tolist() == words


@given(st.text(max_size=30))
def test_no_word_is_run_by_a_spreadsheet_or_breaks_its_row(word):
    r = readings([[1.0]], status=[word])
    (row,) = csv.reader(io.StringIO(metrics_rows(r, None).decode()))
    status = row[4]
    assert len(row) == 6
    assert not status.startswith(("=", "+", "@", "\t", "\r"))
    assert not status.startswith("-") or float(status) < 0 or float(status) == 0


@pytest.mark.parametrize(
    ("word", "written"),
    [
        ("=1+1", "'=1+1"),
        ("-5", "-5"),
        ("-cmd", "'-cmd"),
        ("a,b", '"a,b"'),
        ('say "hi"', '"say ""hi"""'),
        ("two\nlines", "two\\nlines"),
        ("warm \N{DEGREE SIGN}", "warm \N{DEGREE SIGN}"),
    ],
)
def test_a_word_is_escaped_only_where_it_must(word, written):
    assert csv_word(word) == written


@given(st.lists(st.integers(-(2**63) + 1, 2**63 - 1), min_size=1, max_size=20))
def test_times_are_written_as_isoformat_does(times):
    r = Readings.build(np.array(times), np.zeros((len(times), 1)), ["c"])
    rows = metrics_rows(r, None).decode().splitlines()
    assert [row.partition(",")[0] for row in rows] == [isoformat(time) for time in times]


def test_other_columns_than_the_profiles_are_refused(tmp_path):
    path = write(tmp_path / "m.csv", readings([[1.0]]))
    with pytest.raises(RecordingError, match=r"m\.csv: cannot be read: its columns are"):
        tables.read_metrics(path, ["other"])


def test_a_value_that_is_no_number_is_refused(tmp_path):
    r = readings([[1.0]])
    path = write(tmp_path / "m.csv", r, [("x",)])
    with pytest.raises(RecordingError, match=r"m\.csv: cannot be read"):
        tables.read_metrics(path, r.channels)


def test_a_table_without_rows_is_an_empty_batch(tmp_path):
    r = Readings.empty(["c0"])
    assert len(tables.read_metrics(write(tmp_path / "m.csv", r), r.channels)) == 0


@given(st.binary(max_size=60))
def test_escaped_bytes_are_printable_and_come_back(data):
    text = tables.escape(data)
    assert text.isascii()
    assert text.isprintable()
    assert tables.unescape(text) == data


def test_errors_come_back_as_a_table(tmp_path):
    path = tmp_path / "e.log"
    path.write_text(
        tables.error_lines(
            [
                Rejection(1_500_000_000, 7, RejectReason.SYNTAX, b"a\tb\\c"),
                Rejection(2_000_000_000, 30, RejectReason.EMPTY, b""),
            ]
        )
    )
    assert path.read_text().splitlines()[0] == (
        "1970-01-01T00:00:01.500000Z\t7\tsyntax\ta\\x09b\\x5cc"
    )
    frame = tables.read_errors(path)
    assert frame["offset"].tolist() == [7, 30]
    assert frame["line"].tolist() == ["a\\x09b\\x5cc", ""]
    assert str(frame["time"].dtype) == "datetime64[ns, UTC]"


def test_no_errors_are_an_empty_table(tmp_path):
    path = tmp_path / "e.log"
    path.write_text("")
    assert tables.read_errors(path).columns.tolist() == list(tables.ERROR_COLUMNS)


def test_events_come_back(tmp_path):
    path = tmp_path / "e.jsonl"
    path.write_text(tables.event_line(Event(S, "link_lost", 5, {"why": "gone\x1b"})))
    assert tables.read_events(path) == [
        {
            "time": "1970-01-01T00:00:01.000000Z",
            "kind": "link_lost",
            "offset": 5,
            "details": {"why": "gone\x1b"},
        }
    ]
    for damaged in (b'{"time"', b"[]", b'{"time": "x"}', b'{"kind": "\xff"}'):
        path.write_bytes(damaged)
        with pytest.raises(RecordingError, match=r"e\.jsonl:1: is no event"):
            tables.read_events(path)


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("1970-", "3970-"),  # later than nanoseconds reach
        ("1970-", "1970"),
        (",1,", ",1.5,"),  # no counter has a fraction
        (",1,", "," + "9" * 30 + ","),
        (",1,", ",\xff,"),
        (",1,", ",1,1,"),
        ("1970-", '"1970-'),
    ],
)
def test_a_damaged_table_is_refused_in_one_sentence(tmp_path, old, new):
    whole = metrics_header(["c"]) + "1970-01-01T00:00:01.000000Z,d,1,2.5,OK,7\n"
    path = tmp_path / "m.csv"
    path.write_text(whole)
    assert len(tables.read_metrics(path, ["c"])) == 1
    path.write_text(whole.replace(old, new), encoding="latin-1")
    with pytest.raises(RecordingError, match=r"m\.csv: cannot be read: .*sensorkit verify") as no:
        tables.read_metrics(path, ["c"])
    assert "\n" not in str(no.value)


def test_labels_come_back_with_their_types(tmp_path):
    path = tmp_path / "labels.csv"
    label = FaultLabel(1, "d", S, 2 * S, "spike", "c0", "signal", 4.5, None, 7)
    whole = FaultLabel(2, "d", 3 * S, 3 * S, "silence", None, "transport", None, None, 7)
    path.write_text(tables.label_lines([label, whole]))
    frame = tables.read_labels(path)
    assert tuple(frame.columns) == LABEL_COLUMNS
    assert frame["start"].astype("int64").tolist() == [S, 3 * S]
    assert frame["end"].iloc[0].isoformat() == "1970-01-01T00:00:02+00:00"
    assert frame["channel"].isna().tolist() == [False, True]
    assert frame["magnitude"].tolist()[0] == 4.5
    assert str(frame["start"].dtype) == "datetime64[ns, UTC]"


def test_without_labels_there_is_an_empty_table_of_the_same_types(tmp_path):
    none = tables.read_labels(tmp_path / "labels.csv")
    path = tmp_path / "some.csv"
    path.write_text(
        tables.label_lines([FaultLabel(1, "d", S, S, "spike", "c", "signal", 1.0, 1.0, 0)])
    )
    some = tables.read_labels(path)
    assert len(none) == 0
    assert none.dtypes.to_dict() == some.dtypes.to_dict()


def test_other_label_columns_are_refused(tmp_path):
    path = tmp_path / "labels.csv"
    path.write_text("id,start\n1,2\n")
    with pytest.raises(RecordingError, match="wanted are id,"):
        tables.read_labels(path)


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("1970-", "bias-"),
        ("1,d,", "x,d,"),
        ("1,d,", "\xff,d,"),
        (",4.5,", ",4.5.6,"),
        ("\n1,", "\n,"),
    ],
)
def test_damaged_labels_are_refused_in_one_sentence(tmp_path, old, new):
    path = tmp_path / "labels.csv"
    whole = tables.label_lines([FaultLabel(1, "d", S, S, "spike", "c", "signal", 4.5, None, 7)])
    path.write_text(whole.replace(old, new), encoding="latin-1")
    with pytest.raises(RecordingError, match=r"labels\.csv: cannot be read: .*") as no:
        tables.read_labels(path)
    assert "\n" not in str(no.value)


def test_damaged_errors_are_refused_in_one_sentence(tmp_path):
    path = tmp_path / "e.log"
    for damaged in (b"soon\t0\tempty\t\n", b"1970-01-01\tx\tempty\t\n", b"\xff\n", b"a\tb\n"):
        path.write_bytes(damaged)
        with pytest.raises(RecordingError, match=r"e\.log: cannot be read: .*"):
            tables.read_errors(path)
