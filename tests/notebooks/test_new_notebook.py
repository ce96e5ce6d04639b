"""`sensorkit new-notebook` writes what runs as it is, whatever a recording holds."""

import ast
import json
import os
import sys
from pathlib import Path

import numpy as np
import pytest

from sensorkit import detect
from sensorkit.capture import Recording, write_recording
from sensorkit.capture.importing import import_csv
from sensorkit.errors import RecordingError, UsageError
from sensorkit.evaluate import Evaluation
from sensorkit.notebook.template import new_notebook
from sensorkit.profile import Channel, Profile
from sensorkit.readings import Readings
from sensorkit.report.files import project_root
from sensorkit.report.parameters import declared, read_notebook
from sensorkit.report.running.notebooks import Job, execute

ROOT = project_root()
HEALTHY = ROOT / "datasets" / "serial_monitor_healthy"

SECOND = 10**9
HOSTILE = '"]\nimport os; os.system("touch hacked")  # \u2028\x1b[2J<img src=x onerror=alert(1)>'
QUICK = {"kinds": ["bias", "stuck"], "sizes_sigma": [6.0], "repeats": 1}


def of_two_channels(folder, *, unit="V", moving=True, n=1200):
    rng = np.random.default_rng(5)
    values = rng.normal([20.0, 5.0], [0.4, 0.05] if moving else [0, 0], (n, 2)).round(3)
    names = ("temp.in", "u-2")
    profile = Profile(
        name="bench",
        device="bench-1",
        rate_hz=1.0,
        channels=tuple(Channel(name=name, unit=unit, label=unit) for name in names),
    )
    readings = Readings.build(np.arange(n) * SECOND, values, names)
    texts = [tuple(f"{value:.3f}" for value in row) for row in values]
    return write_recording(folder, profile, readings, kind="imported", texts=texts)


@pytest.fixture
def ran(tmp_path):
    """Make a function that executes a notebook where it lies, as a run does; what it printed."""

    def run(path, **given):
        output = tmp_path / "executed" / path.name
        given = {"out_dir": str(tmp_path / "out"), **given}
        (outcome,) = execute([iter([Job(path, given, output)])], log_file=tmp_path / "log.txt")
        assert outcome.status == "passed", outcome.reason
        cells = read_notebook(output).cells
        return "".join(o.get("text", "") for cell in cells for o in cell.get("outputs", []))

    return run


def parameters_of(path):
    return {name: one.default for name, one in declared(path).items()}


@pytest.mark.slow
def test_it_runs_as_it_is_on_an_imported_table(tmp_path, ran, monkeypatch):
    monkeypatch.chdir(tmp_path)
    rng = np.random.default_rng(2)
    values = rng.normal(2.5, 0.05, 900)
    rows = [f"{n},{value:.3f}" for n, value in enumerate(values)]
    Path("pump.csv").write_text("time,pressure [bar]\n" + "\n".join(rows) + "\n")
    import_csv("pump.csv", time="time", time_format="s", out="recordings/pump")

    path = new_notebook("pump", "notebooks", recording="recordings/pump")
    text = ran(path, **QUICK)

    assert path == Path("notebooks/pump.ipynb")
    assert parameters_of(path)["recording"] == "../recordings/pump"
    assert parameters_of(path)["channels"] == ["pressure"]
    assert "900 readings" in text
    assert detect.load(tmp_path / "notebooks" / "pump.detector").name == "guard"
    assert {row["status"] for row in Evaluation.read(tmp_path / "out").results} == {"ok"}


@pytest.mark.slow
def test_it_captures_an_emulated_device_and_watches_a_port_in_the_end(tmp_path, ran):
    path = new_notebook("mine", tmp_path)
    port = "file:" + str(HEALTHY / "raw.log")
    given = {"chosen": "sigma", "detectors": {"sigma": {"k": 4.0}}, "model": ""}

    ran(path, port=port, watch=True, seconds=1800.0, **given, **QUICK)

    out = tmp_path / "out"
    assert len(Recording.open(out / "recording").readings()) == 2700
    assert len(Recording.open(out / "watched").readings()) == 2700
    assert detect.load(out / "chosen.detector").k == 4.0
    assert not list(tmp_path.glob("*.detector"))


@pytest.mark.slow
def test_nothing_that_a_recording_says_is_run_or_breaks_the_notebook(tmp_path, ran):
    # Windows allows no more in the name of a folder.
    nasty = tmp_path / ("a'b {x} # d" if os.name == "nt" else 'a"b\\c {x} \u2028\n# d')
    nasty.mkdir()
    of_two_channels(nasty / "rec", unit=HOSTILE)

    path = new_notebook("nasty", nasty, recording=nasty / "rec")
    ran(path, **QUICK)

    given = parameters_of(path)
    assert given["channels"] == ["temp.in", "u-2"]
    assert given["recording"] == str(nasty / "rec")
    assert not list(tmp_path.rglob("hacked*"))
    cell = next(c for c in read_notebook(path).cells if "parameters" in c.metadata.get("tags", []))
    assert {type(line) for line in ast.parse(cell.source).body} == {ast.AnnAssign}
    assert all(char.isprintable() or char == "\n" for char in cell.source)
    assert not [
        c for c in read_notebook(path).cells if c.cell_type == "markdown" and "<img" in c.source
    ]


def test_the_same_recording_gives_the_same_notebook_and_none_is_overwritten(tmp_path):
    recording = of_two_channels(tmp_path / "rec").dir
    path = new_notebook("bench.ipynb", tmp_path, recording=recording)
    first = path.read_bytes()
    path.write_text("precious")

    with pytest.raises(UsageError, match=r"bench\.ipynb: is there already; .*--force"):
        new_notebook("bench", tmp_path, recording=recording)
    assert path.read_text() == "precious"

    assert new_notebook("bench", tmp_path, recording=recording, force=True).read_bytes() == first


@pytest.mark.parametrize("folder", ["here", "a/b c", "../elsewhere", "."])
def test_a_relative_recording_is_found_from_the_folder_of_the_notebook(
    tmp_path, monkeypatch, folder
):
    (tmp_path / "project").mkdir()
    monkeypatch.chdir(tmp_path / "project")
    of_two_channels(Path("recordings") / "monday")

    path = new_notebook("mine", folder, recording="recordings/monday")

    place = path.parent / parameters_of(path)["recording"]
    assert not Path(parameters_of(path)["recording"]).is_absolute()
    assert place.resolve() == (tmp_path / "project" / "recordings" / "monday").resolve()


def test_an_absolute_recording_stays_absolute(tmp_path):
    recording = of_two_channels(tmp_path / "rec").dir.resolve()

    path = new_notebook("mine", tmp_path / "far" / "away", recording=recording)

    assert parameters_of(path)["recording"] == str(recording)


def test_a_profile_without_rules_has_them_learned(tmp_path):
    bench = new_notebook("bench", tmp_path, recording=of_two_channels(tmp_path / "rec").dir)
    emulated = new_notebook("emulated", tmp_path)

    assert parameters_of(bench)["detectors"]["rules"] == {"source": "fit"}
    assert parameters_of(emulated)["detectors"]["rules"] == {}


def test_for_a_port_it_says_that_the_device_is_needed_and_finds_its_channels_itself(tmp_path):
    path = new_notebook("bench", tmp_path, port="/dev/ttyUSB0", baud=9600)

    given = parameters_of(path)
    assert (given["port"], given["baud"], given["channels"]) == ("/dev/ttyUSB0", 9600, [])
    assert "needs the device at `port`" in read_notebook(path).cells[0].source


@pytest.mark.parametrize("name", ["", ".", "..", "a/b", "../a", "a b", "-a", "a\nb", "x" * 101])
def test_a_name_that_is_none_is_refused(tmp_path, name):
    with pytest.raises(UsageError, match="a notebook cannot be called"):
        new_notebook(name, tmp_path)
    assert not list(tmp_path.iterdir())


def test_a_recording_that_cannot_be_used_is_refused_before_anything_is_written(tmp_path):
    still = of_two_channels(tmp_path / "still", moving=False).dir
    short = of_two_channels(tmp_path / "short", n=60).dir
    folder = tmp_path / "new"

    with pytest.raises(UsageError, match="none of its channels moves"):
        new_notebook("a", folder, recording=still)
    with pytest.raises(UsageError, match=r"need at least .* record for longer"):
        new_notebook("a", folder, recording=short)
    with pytest.raises(RecordingError):
        new_notebook("a", folder, recording=tmp_path / "nothing")
    assert not folder.exists()


def test_a_profile_that_cannot_be_emulated_is_refused(tmp_path):
    weather = ROOT / "examples" / "profiles" / "weather_csv.yaml"

    with pytest.raises(UsageError, match="says no `waveform`"):
        new_notebook("a", tmp_path, profile=str(weather))
    assert new_notebook("a", tmp_path, profile=str(weather), port="COM5").exists()


def test_cells_are_short_and_imports_stand_in_one(tmp_path):
    cells = read_notebook(new_notebook("a", tmp_path)).cells
    code = [cell for cell in cells if cell.cell_type == "code"]

    trees = [ast.parse(cell.source) for cell in code]
    importing = [n for n, tree in enumerate(trees) if _imports(tree)]
    assert importing == [1]
    assert max(len(cell.source.splitlines()) for cell in code[1:]) <= 15
    assert any(isinstance(node, ast.Assert) for node in ast.walk(trees[-1]))


def _imports(tree):
    return any(isinstance(node, ast.Import | ast.ImportFrom) for node in ast.walk(tree))


def test_the_command_writes_it_into_notebooks_and_says_how_to_open_it(
    tmp_path, monkeypatch, capsys
):
    from sensorkit.cli import app

    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(sys, "argv", ["sensorkit", "new-notebook", "mydevice"])
    with pytest.raises(SystemExit) as stopped:
        app.main()

    assert not stopped.value.code
    assert "jupyter lab notebooks/mydevice.ipynb" in capsys.readouterr().out
    assert json.loads(Path("notebooks/mydevice.ipynb").read_text())["nbformat"] == 4
