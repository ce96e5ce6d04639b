import importlib
import json
import os

import pytest
from typer.testing import CliRunner

from sensorkit.capture import Recording, RecordingWriter
from sensorkit.capture.recorder import record
from sensorkit.cli import app as cli
from sensorkit.profile import Profile

S = 1_000_000_000
START = 1_700_000_000 * S
FRAMES = [b"T:21.50,V:5.01,S:NORMAL\n", b"T:22.50,V:,S:WARNING_TEMP\nnoise\x1b[2J\n"]

importlib.import_module("sensorkit.cli.recordings.command")


@pytest.fixture
def run(typing, capsys, monkeypatch, tmp_path):
    """Run a command as `main` does; return exit status, output and errors."""
    monkeypatch.chdir(tmp_path)
    return typing(capsys)


class OneByOne:
    name = "test"

    def __init__(self, pieces):
        self.pieces = list(pieces)

    def read(self, timeout):
        return self.pieces.pop(0) if self.pieces else None


@pytest.fixture
def recording(tmp_path):
    times = iter(range(START, START + 1000 * S, S))
    writer = RecordingWriter(
        tmp_path / "bench",
        Profile.load("serial_monitor"),
        link={"url": "/dev/ttyUSB0", "baud": 9600},
        started_ns=START,
        fsync=None,
    )
    list(record(OneByOne(FRAMES), writer, clock=lambda: next(times)))
    return Recording.open(tmp_path / "bench")


def edit_meta(recording, **fields):
    path = recording.dir / "recording.json"
    path.write_text(json.dumps(json.loads(path.read_text()) | fields))


def test_show_says_what_is_in_a_recording(run, recording):
    status, out, err = run("show", "bench")
    assert (status, err) == (0, "")
    for text in (
        "bench: captured, complete (the far end closed the link)",
        "/dev/ttyUSB0",
        "frames    2 in ",
        "rejected  1: encoding 1",
        "received 60, accepted 48, rejected 9, terminator 3, tail 0",
        "NORMAL 1, WARNING_TEMP 1",
        "link_opened 1",
    ):
        assert text in out
    rows = [line.split() for line in out.splitlines()]
    assert ["temperature", "°C", "21.5", "22", "22.5", "0"] in rows
    assert ["voltage", "V", "5.01", "5.01", "5.01", "1"] in rows


def test_show_says_it_in_json_too(run, recording):
    status, out, _ = run("show", "bench", "--json")
    summary = json.loads(out)
    assert status == 0
    assert summary["frames"] == 2
    assert summary["rejected"] == {"encoding": 1}
    assert summary["channels"][0] == {
        "name": "temperature", "unit": "°C", "min": 21.5, "mean": 22.0, "max": 22.5, "missing": 0,
    }  # fmt: skip
    assert summary["sha256"] == recording.sha256


def test_verify_is_silent_about_a_good_recording_and_names_a_changed_file(run, recording):
    assert run("verify", "bench")[:2] == (0, f"bench: unchanged, sha256 {recording.sha256}\n")
    with (recording.dir / "raw.log").open("ab") as file:
        file.write(b"x")
    (recording.dir / "events.jsonl").unlink()
    status, _, err = run("verify", "bench")
    assert status == 1
    assert err == (
        "sensorkit: bench: is not as it was recorded: raw.log (changed), events.jsonl (missing)\n"
    )
    status, out, _ = run("verify", "bench", "--json")
    assert status == 1
    assert json.loads(out)["changes"] == {"raw.log": "changed", "events.jsonl": "missing"}


@pytest.mark.parametrize("damaged", [b"", b"{}", None])
def test_verify_names_the_file_that_says_what_a_recording_is(run, recording, damaged):
    path = recording.dir / "recording.json"
    path.unlink() if damaged is None else path.write_bytes(damaged)
    what = "missing" if damaged is None else "changed"
    assert run("verify", "bench") == (
        1,
        "",
        f"sensorkit: bench: is not as it was recorded: recording.json ({what})\n",
    )


def test_replay_says_whether_the_files_are_the_same(run, recording):
    assert run("replay", "bench") == (0, "bench: rebuilt, byte for byte the same\n", "")
    path = recording.dir / "structured_metrics.csv"
    path.write_text(path.read_text().replace("21.50", "21.51"))
    status, _, err = run("replay", "bench", "--out", "again")
    assert status == 1
    assert "rebuilding gives other files: structured_metrics.csv" in err
    assert "21.50" in (recording.dir.parent / "again" / "structured_metrics.csv").read_text()
    status, out, _ = run("replay", "bench", "--json")
    assert json.loads(out)["different"] == ["structured_metrics.csv"]


def test_recover_finishes_what_was_cut_off(run, recording):
    assert run("recover", "bench") == (0, "bench: is finished, there is nothing to recover\n", "")
    (recording.dir / "manifest-sha256.txt").unlink()
    for command in ("show", "replay"):
        status, out, err = run(command, "bench")
        assert (status, out) == (2, "")
        assert "sensorkit recover bench" in err
    status, out, _ = run("recover", "bench")
    assert status == 0
    assert out.startswith("bench: recovered 2 frames, 1 lines rejected, from 60 bytes")
    assert run("verify", "bench")[0] == 0


@pytest.mark.parametrize("status", ["complete", "failed"])
def test_verify_names_the_manifest_that_a_finished_recording_has_lost(run, recording, status):
    edit_meta(recording, status=status)
    (recording.dir / "manifest-sha256.txt").unlink()
    code, out, err = run("verify", "bench")
    assert (code, out) == (1, "")
    assert err.startswith(
        "sensorkit: bench: is not as it was recorded: manifest-sha256.txt (missing); raw.log is "
        "vouched for up to byte 60 of 60, as it was at 2023-11-14T"
    )
    assert err.endswith(", and nothing vouches for the other files\n")
    assert err.count("\n") == 1
    code, out, _ = run("verify", "bench", "--json")
    told = json.loads(out)
    assert (code, told["unchanged"]) == (1, False)
    assert told["changes"] == {"manifest-sha256.txt": "missing"}
    assert told["vouched"]["bytes"] == 60


@pytest.mark.parametrize("name", ["raw.log", "raw.index.csv", "events.jsonl"])
def test_verify_names_all_that_was_removed_with_the_manifest(run, recording, name):
    for gone in (name, "manifest-sha256.txt"):
        (recording.dir / gone).unlink()
    status, _, err = run("verify", "bench")
    assert status == 1
    assert f"recorded: {name} (missing), manifest-sha256.txt (missing)" in err


def test_verify_names_the_lost_manifest_of_an_import(run, tmp_path):
    (tmp_path / "pump.csv").write_text("t,flow\n0,1\n1,2\n")
    assert run("import", "pump.csv", "--time", "t", "--out", "pump")[0] == 0
    assert run("verify", "pump")[0] == 0
    (tmp_path / "pump" / "manifest-sha256.txt").unlink()
    assert run("verify", "pump") == (
        1,
        "",
        "sensorkit: pump: is not as it was recorded: manifest-sha256.txt (missing)\n",
    )


@pytest.mark.parametrize("status", ["recording", "failed"])
def test_verify_says_how_far_an_unfinished_recording_is_vouched_for(run, recording, status):
    edit_meta(recording, status=status, counts=None, ended=None)
    (recording.dir / "manifest-sha256.txt").unlink()
    code, out, err = run("verify", "bench")
    assert (code, err) == (0, "")
    assert "bench: was cut off or is still being written; raw.log is vouched for up to" in out
    assert "byte 60 of 60, as it was at 2023-11-14T" in out
    index = recording.dir / "raw.index.csv"
    rows = index.read_text().splitlines(keepends=True)
    index.write_text("".join(row for row in rows if not row[-10:-1].isalnum()))
    code, out, err = run("verify", "bench")
    assert (code, err) == (0, "")
    assert "raw.log is vouched for by nothing: no hash was noted of its 60 bytes. Finish" in out


@pytest.mark.parametrize(
    "name", ["structured_metrics.csv", "parser_errors.log", "events.jsonl", "raw.index.csv"]
)
def test_verify_names_a_file_that_neither_folder_nor_manifest_has(run, recording, name):
    manifest = recording.dir / "manifest-sha256.txt"
    rows = manifest.read_text().splitlines(keepends=True)
    manifest.write_text("".join(row for row in rows if not row.endswith(f"  {name}\n")))
    (recording.dir / name).unlink()
    status, _, err = run("verify", "bench")
    assert (status, err) == (
        1,
        f"sensorkit: bench: is not as it was recorded: {name} (missing)\n",
    )


def test_recover_says_that_lines_of_the_events_were_lost(run, recording):
    (recording.dir / "manifest-sha256.txt").unlink()
    with (recording.dir / "events.jsonl").open("a") as events:
        events.write('{"time": "2023')
    status, out, _ = run("recover", "bench")
    assert status == 0
    assert "1 lines of events.jsonl could not be read; a link_lost or link_back in them" in out


def test_what_was_changed_before_it_was_recovered_is_named_then_and_ever_after(run, recording):
    (recording.dir / "manifest-sha256.txt").unlink()
    raw = bytearray((recording.dir / "raw.log").read_bytes())
    raw[3] ^= 1
    (recording.dir / "raw.log").write_bytes(raw)
    status, out, err = run("verify", "bench")
    assert (status, out) == (1, "")
    assert "raw.log (changed: it was changed: its first 60 bytes are not those whose hash" in err
    assert "manifest-sha256.txt (missing)" in err
    status, out, err = run("recover", "bench", "--json")
    assert status == 1
    assert json.loads(out)["recovered"]["vouched"]["changed_before"] == 60
    assert "bench: is finished, but raw.log was changed" in err
    status, _, err = run("verify", "bench")
    assert status == 1
    assert "raw.log (changed" in err


@pytest.mark.parametrize("command", ["show", "verify", "recover", "replay"])
def test_what_is_no_recording_is_said_in_one_sentence(run, command):
    status, out, err = run(command, "nowhere")
    assert (status, out) == (2, "")
    assert err.startswith("sensorkit: nowhere: is no recording: it does not exist; give a folder")
    assert err.count("\n") == 1


def test_a_table_is_imported_and_what_is_odd_about_it_is_said(run, tmp_path):
    (tmp_path / "pump.csv").write_text(
        "time,flow,note\n2024-01-01 12:00:00,1.5,hello\nsoon,2,\n2024-01-01 12:00:00,3,\n"
    )
    status, out, err = run("import", "pump.csv", "--time", "time", "--out", "pump")
    assert (status, out) == (0, "pump: 2 readings imported\n")
    assert "column 'note' holds text, as 'hello'; left out" in err
    assert "1 rows are no readings (time 1)" in err
    assert "1 times repeat" in err
    status, out, _ = run("show", "pump")
    assert "table     ../pump.csv, 3 rows" in out
    assert "left out  'note' holds text" in out
    assert run("replay", "pump")[0] == 0


def test_an_import_can_be_asked_for_in_json(run, tmp_path):
    (tmp_path / "pump.csv").write_text("t\tflow\tbad\n0\t1\t0\n1\t2\t1\n")
    status, out, _ = run(
        "import", "pump.csv", "--time", "t", "--out", "pump", "--delimiter", "\\t",
        "--label", "bad", "--device", "pump-7", "--json",
    )  # fmt: skip
    assert status == 0
    summary = json.loads(out)
    assert (summary["frames"], summary["labels"]) == (2, {"labelled": 1})
    assert summary["devices"] == {"pump-7": 2}


def test_a_column_that_is_not_there_is_said_with_those_that_are(run, tmp_path):
    (tmp_path / "pump.csv").write_text("when,flow\n0,1\n")
    status, _, err = run("import", "pump.csv", "--time", "time", "--out", "pump")
    assert status == 2
    assert "pump.csv: has no column 'time'; it has 'when', 'flow'" in err
    assert not (tmp_path / "pump").exists()


@pytest.mark.parametrize("command", ["show", "verify", "recover", "replay", "import"])
def test_every_command_has_a_help_with_an_example(command):
    result = CliRunner().invoke(cli.app, [command, "--help"], env={**os.environ, "COLUMNS": "100"})
    assert result.exit_code == 0
    assert f"Example: sensorkit {command}" in result.output
