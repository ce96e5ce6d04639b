import math

import numpy as np
import pandas as pd
import pytest

from sensorkit.capture import Recording
from sensorkit.capture.importing import identifier, import_csv
from sensorkit.capture.replay import replay
from sensorkit.errors import RecordingError, UsageError
from sensorkit.profile import Profile


@pytest.fixture
def table(tmp_path):
    """Write a CSV file and import it."""

    def run(text, *, time="time", name="rec", **options):
        path = tmp_path / "pump.csv"
        path.write_bytes(text if isinstance(text, bytes) else text.encode("utf-8"))
        return import_csv(path, time=time, out=tmp_path / name, **options)

    return run


def minutes(n):
    return [f"2024-02-13 12:{i:02}:00" for i in range(n)]


def rows(n, value=lambda i: f"{i}.50"):
    return "".join(f"{time},{value(i)}\n" for i, time in enumerate(minutes(n)))


def test_a_table_becomes_a_recording(table):
    recording = table("time,flow\n" + rows(5))
    readings = recording.readings()
    assert recording.kind == "imported"
    assert readings.channels == ("flow",)
    assert readings.values[:, 0].tolist() == [0.5, 1.5, 2.5, 3.5, 4.5]
    assert readings.time[0] == pd.Timestamp("2024-02-13T12:00:00Z").value
    assert recording.texts()[0] == ("0.50",)  # as it stood
    assert recording.verify() == []
    assert replay(recording) == []


def test_the_profile_is_drawn_from_the_numbers(table):
    profile = table("time,Flow (l/min),b\n" + rows(5, lambda i: f"{i}.505,{i}")).profile
    assert profile.name == "pump"
    assert profile.frame is None
    assert profile.rate_hz == pytest.approx(1 / 60)
    assert profile.heartbeat_s == 300
    flow, b = profile.channels
    assert (flow.name, flow.unit, flow.label, flow.decimals) == ("Flow", "l/min", "Flow (l/min)", 3)
    assert (b.name, b.decimals, b.plausible) == ("b", 0, None)


def test_the_rate_is_that_of_the_usual_step_not_of_the_gaps(table):
    times = [0, 1, 2, 3, 500, 501, 502]
    recording = table("time,x\n" + "".join(f"{t},{t}\n" for t in times))
    assert recording.profile.rate_hz == 1
    assert recording.meta["source"]["gaps"] == 1
    assert recording.meta["source"]["longest_step_s"] == 497


@pytest.mark.parametrize("delimiter", [",", ";", "\t", "|"])
def test_the_delimiter_is_found_out(table, delimiter):
    text = "time,x,y\n" + rows(4, lambda i: f"{i},{i}")
    recording = table(text.replace(",", delimiter))
    assert recording.meta["source"]["delimiter"] == delimiter
    assert recording.readings().values.shape == (4, 2)


def test_a_decimal_comma_is_read_where_it_is_no_delimiter(table):
    recording = table("time;x\n2024-02-13 12:00:00;21,5\n2024-02-13 12:01:00;-3,25\n")
    assert recording.readings().values[:, 0].tolist() == [21.5, -3.25]
    assert recording.texts() == [("21.5",), ("-3.25",)]


def test_quotes_blanks_and_a_byte_order_mark_are_no_part_of_a_value(table):
    text = "\ufefftime, x ,'y'\r\n'2024-02-13T12:00:00', 1.5 ,\"2,5\"\r\n"
    recording = table(text.replace('"2,5"', '"2.5"'))
    assert recording.readings().values.tolist() == [[1.5, 2.5]]
    assert recording.profile.channel_names == ("x", "y")


def test_a_table_in_an_old_encoding_is_read(table):
    recording = table("time,T \xb0C\n".encode("latin-1") + rows(2).encode())
    assert recording.profile.channels[0].name == "T_C"
    assert recording.profile.channels[0].label == "T \xb0C"


def test_utf_16_is_refused(table):
    with pytest.raises(UsageError, match="save it as CSV in UTF-8"):
        table(("time,x\n" + rows(2)).encode("utf-16"))


def test_numbers_that_are_no_plain_decimals_are_written_with_repr(table):
    recording = table("time,x\n0,1e-3\n1,+5\n2,.5\n3,1E5\n")
    assert recording.texts() == [("0.001",), ("5.0",), ("0.5",), ("100000.0",)]


def test_missing_values_are_missing(table):
    recording = table("time,x,y\n0,,1\n1,NaN,2\n2,n/a,3\n3,5,-\n")
    values = recording.readings().values
    assert np.isnan(values[:3, 0]).all()
    assert math.isnan(values[3, 1])
    assert recording.texts()[0] == ("", "1")
    assert recording.counts["rejected"] == {}


def test_every_row_is_a_reading_or_an_error_with_its_reason(table):
    text = (
        "# pump 7\n"
        "time,x\n"
        "2024-02-13 12:00:00,1\n"
        "soon,2\n"
        "\n"
        "2024-02-13 12:01:00\n"
        "2024-02-13 12:02:00,3,4\n"
        "# note\n"
        "2024-02-13 12:03:00,ERR\n"
        "2024-02-13 12:04:00,5\n"
        "2024-02-13 12:05:00,6"
    )
    recording = table(text)
    assert recording.readings().values[:, 0].tolist() == [1, 5, 6]
    errors = recording.errors()
    assert errors["reason"].tolist() == [
        "time", "empty", "field_count", "field_count", "header", "number",
    ]  # fmt: skip
    for offset, line in zip(errors["offset"], errors["line"], strict=True):
        assert text.encode()[offset:].startswith(line.encode())
    assert recording.meta["source"]["rows"] == 9
    assert len(recording.readings()) + len(errors) == 9
    assert replay(recording) == []


def test_an_open_quote_does_not_swallow_the_rows_after_it(table):
    recording = table('time,x\n0,1\n1,"2\n2,3\n')
    assert len(recording.readings()) + len(recording.errors()) == 3
    assert recording.readings().values[-1, 0] == 3


def test_a_row_without_a_time_has_that_of_the_row_before(table):
    errors = table("time,x\nx,0\n10,1\nx,2\n20,3\n,4\n30,zzz\n40,4\n").errors()
    seconds = errors["time"].astype("int64") // 10**9
    assert seconds.tolist() == [10, 10, 20, 30]


def test_times_that_repeat_or_step_back_are_kept_in_their_order_and_counted(table):
    recording = table("time,x\n10,0\n20,1\n20,2\n15,3\n30,4\n")
    assert recording.readings().values[:, 0].tolist() == [0, 1, 2, 3, 4]
    source = recording.meta["source"]
    assert (source["duplicate_times"], source["decreasing_times"]) == (1, 1)
    assert replay(recording) == []


def test_columns_of_text_are_left_out_by_name(table):
    recording = table("time,note,x,nothing\n0,hello,1,\n1,,2,\n")
    assert recording.profile.channel_names == ("x",)
    assert recording.meta["source"]["left_out"] == {
        "note": "holds text, as 'hello'",
        "nothing": "is empty",
    }


def test_columns_called_device_and_status_are_taken_as_such(table):
    recording = table("time,Device,x,status\n0,a,1,OK\n1,b,2,=cmd\n2,a,3,\n")
    readings = recording.readings()
    assert readings.device.to_array().tolist() == ["a", "b", "a"]
    assert readings.status.to_array().tolist() == ["OK", "'=cmd", None]
    assert readings.channels == ("x",)


def test_a_status_of_numbers_is_a_channel_unless_it_is_named(table):
    assert table("time,status\n0,1\n1,0\n").profile.channel_names == ("status_value",)
    recording = table("time,status,x\n0,1,1\n1,0,2\n", status_column="status", name="b")
    assert recording.readings().status.to_array().tolist() == ["1", "0"]


def test_steps_are_those_of_one_device(table):
    text = "time,device,x\n" + "".join(f"{t},{d},1\n" for t in range(10) for d in "ab")
    recording = table(text)
    assert recording.meta["source"]["duplicate_times"] == 0
    assert recording.profile.rate_hz == 1


def test_a_column_of_marks_becomes_labels(table):
    marks = [0, 0, 1, 1, 0, 4, 0, 0, 2]
    text = "time,x,fault\n" + "".join(f"{i},{i},{m}\n" for i, m in enumerate(marks))
    recording = table(text, label="fault")
    labels = recording.labels()
    assert (labels["start"].astype("int64") // 10**9).tolist() == [2, 5, 8]
    assert (labels["end"].astype("int64") // 10**9).tolist() == [3, 5, 8]
    assert set(labels["kind"]) == {"labelled"}
    assert set(labels["layer"]) == {"signal"}
    assert labels["magnitude"].isna().all()
    assert recording.profile.channel_names == ("x",)
    assert replay(recording) == []


def test_marks_may_be_words_and_belong_to_their_device(table):
    text = (
        "time,device,x,fault\n"
        "0,a,1,normal\n0,b,1,False\n1,a,1,stuck\n1,b,1,no\n2,a,1,stuck\n2,b,1,yes\n3,a,1,\n3,b,1,0\n"
    )
    labels = table(text, label="fault").labels()
    assert labels["device"].tolist() == ["a", "b"]
    assert (labels["start"].astype("int64") // 10**9).tolist() == [1, 2]
    assert (labels["end"].astype("int64") // 10**9).tolist() == [2, 2]


def test_a_rejected_row_does_not_break_a_label_in_two(table):
    text = "time,x,fault\n0,0,0\n1,1,1\n2,bad,1\n3,3,1\n4,4,0\n"
    assert len(table(text, label="fault").labels()) == 1


def test_columns_can_be_left_out_and_named(table):
    text = "time,set,mote,x\n0,7,1,5\n1,7,2,6\n"
    recording = table(text, device_column="mote", leave_out=["set"])
    assert recording.profile.channel_names == ("x",)
    assert recording.readings().device.to_array().tolist() == ["1", "2"]


def test_the_channels_of_a_profile_may_be_asked_for(table):
    monitor = Profile.load("serial_monitor")
    recording = table("time,voltage,extra,temperature\n0,5,1,21\n1,5,1,22\n", profile=monitor)
    assert recording.readings().channels == ("temperature", "voltage")
    assert recording.readings().values[0].tolist() == [21, 5]
    assert (
        "is no channel of profile serial_monitor" in recording.meta["source"]["left_out"]["extra"]
    )
    with pytest.raises(UsageError, match="no column of numbers for channel 'voltage'"):
        table("time,temperature\n0,5\n", profile=monitor, name="b")


def test_names_are_made_fit_and_unlike_each_other(table):
    recording = table("time,T (K),T [C],1st,offset,T\n0,1,2,3,4,5\n")
    assert recording.profile.channel_names == ("T", "T_2", "c_1st", "offset_value", "T_3")


def test_two_columns_of_the_same_name_are_both_read(table):
    assert table("time,x,x\n0,1,2\n").readings().values.tolist() == [[1, 2]]


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "is empty; a CSV file with a header line"),
        ("# only a note\n\n", "is empty"),
        ("when,x\n0,1\n", "has no column 'time'; it has 'when', 'x'"),
        ("tine,x\n0,1\n", "did you mean 'tine'"),
        ("time,note\n0,a\n", "has no column of numbers beside 'time'"),
        ("time\n0\n", "has no column of numbers beside 'time' .no other column"),
        ("time,x\nsoon,1\n", "column 'time': holds no times"),
        ("time,x\n", "holds no times"),
    ],
)
def test_a_table_that_cannot_be_used_says_why(table, tmp_path, text, message):
    with pytest.raises(UsageError, match=message):
        table(text)
    assert not (tmp_path / "rec").exists()


def test_a_table_in_which_no_row_can_be_used_says_so(table):
    with pytest.raises(RecordingError, match=r"none of its 3 rows can be used \(number\)"):
        table("time,x,y,z\n0,bad,1,1\n1,1,bad,1\n2,1,1,bad\n")


def test_a_file_that_is_not_there_says_so(tmp_path):
    with pytest.raises(UsageError, match=r"gone\.csv: cannot be read: No such file"):
        import_csv(tmp_path / "gone.csv", time="t", out=tmp_path / "rec")


def test_replay_wants_the_same_table(table, tmp_path):
    recording = table("time,x\n" + rows(3))
    (tmp_path / "pump.csv").write_text("time,x\n" + rows(4))
    with pytest.raises(RecordingError, match="is not the file that"):
        replay(recording)
    (tmp_path / "pump.csv").unlink()
    with pytest.raises(RecordingError, match="which is not there; put the file back"):
        replay(recording)


def test_a_folder_that_was_moved_with_its_table_is_replayed(table, tmp_path):
    table("time,x\n" + rows(3), name="in/rec")
    (tmp_path / "moved" / "in").mkdir(parents=True)
    (tmp_path / "in" / "rec").rename(tmp_path / "moved" / "in" / "rec")
    (tmp_path / "pump.csv").rename(tmp_path / "moved" / "pump.csv")
    assert replay(Recording.open(tmp_path / "moved" / "in" / "rec")) == []


@pytest.mark.parametrize("text", ["Temp. innen (°C)", "1", "", "=x", "é", "a" * 200])
def test_any_text_becomes_a_name(text):
    name = identifier(text)
    Profile.from_dict({"name": name, "rate_hz": 1, "channels": [{"name": name}]}, "test")
