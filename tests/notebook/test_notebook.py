import subprocess
import sys
import time
from pathlib import Path

import pandas as pd
import plotly.io as pio
import pytest

from sensorkit import notebook
from sensorkit.capture import Recording
from sensorkit.errors import ProfileError, RunError
from sensorkit.notebook import device
from sensorkit.report.files import project_root, read_json

HEALTHY = project_root() / "datasets" / "serial_monitor_healthy"
START = 1_767_225_600_000_000_000
SECOND = 1_000_000_000


@pytest.fixture(autouse=True)
def options_restored():
    with pd.option_context("display.precision", 6):
        renderer, template = pio.renderers.default, pio.templates.default
        yield
        pio.renderers.default, pio.templates.default = renderer, template
    for name in ("width", "max_columns", "max_rows", "html.use_mathjax"):
        pd.reset_option(f"display.{name}")


def test_results_go_where_they_are_wanted_or_into_a_folder_that_goes_away(tmp_path):
    work = notebook.setup(str(tmp_path / "new" / "folder"))
    work.write("a.json", value=1)

    assert read_json(tmp_path / "new" / "folder" / "a.json") == {"value": 1}
    temporary = notebook.setup().dir
    assert not temporary.exists()


def test_recordings_are_handed_on_by_their_full_paths(tmp_path):
    notebook.setup(str(tmp_path)).write_recordings("captured.json", [Recording.open(HEALTHY)])

    assert read_json(tmp_path / "captured.json") == {"recordings": [str(HEALTHY.resolve())]}


def test_figures_are_stored_as_data_and_tables_with_three_digits():
    notebook.setup()

    assert pio.renderers.default == "plotly_mimetype"
    assert pd.get_option("display.precision") == 3


def test_a_table_does_not_have_what_a_device_says_typeset():
    frame = pd.DataFrame({"said": ["$x^2$"]})
    assert "mathjax_ignore" not in frame.to_html()
    notebook.setup()

    assert "mathjax_ignore" in frame.to_html()


@pytest.mark.parametrize("quiet", [True, False])
def test_progress_is_silent_exactly_when_it_is_told_to_be(monkeypatch, capsys, quiet):
    monkeypatch.delenv("SENSORKIT_QUIET", raising=False)
    if quiet:
        monkeypatch.setenv("SENSORKIT_QUIET", "1")
    monkeypatch.setenv("TQDM_MININTERVAL", "0")

    assert list(notebook.progress([1, 2, 3], "counting")) == [1, 2, 3]
    move = notebook.progress_of("benchmark")
    for done, name in enumerate(("rules on a", "sigma on a", "")):
        move(done, 2, name)

    assert (capsys.readouterr().err == "") == quiet


def test_the_summary_has_a_row_for_each_recording():
    table = notebook.summary([Recording.open(HEALTHY)])

    row = table.loc["serial_monitor_healthy"]
    assert row["readings"] == 2700
    assert row["status"] == "complete"
    assert row["faults"] == 0


def test_an_emulator_that_does_not_start_says_why_in_its_own_words():
    with (
        pytest.raises(RunError, match="unknown fault plan 'mixd'"),
        notebook.emulated("serial_monitor", seconds=5, faults="mixd"),
    ):
        pass
    with (
        pytest.raises(ProfileError, match="unknown profile 'monitor'"),
        notebook.emulated("monitor", seconds=5),
    ):
        pass


def test_a_device_captured_twice_is_the_same_and_every_frame_is_there(tmp_path, monkeypatch):
    monkeypatch.setenv("SENSORKIT_QUIET", "1")

    one, two = (
        notebook.capture_emulated("serial_monitor", tmp_path / name, seconds=600, seed=3)
        for name in ("one", "two")
    )

    assert len(one.readings()) == 600
    assert (one.status, one.counts["lost"], one.counts["rejected"]) == ("complete", 0, {})
    assert one.verify() == two.verify() == []
    tables = [(r.dir / "structured_metrics.csv").read_bytes() for r in (one, two)]
    assert tables[0] == tables[1]
    assert tables[0].splitlines()[1].startswith(b"2026-01-01T00:00:00.000000Z")


def test_an_emulator_ends_with_the_block_that_started_it(monkeypatch):
    started = []
    popen = device.subprocess.Popen
    monkeypatch.setattr(
        device.subprocess, "Popen", lambda *a, **k: started.append(popen(*a, **k)) or started[0]
    )

    with notebook.emulated("serial_monitor", seconds=1e6) as port:
        assert started[0].poll() is None

    assert port
    assert started[0].poll() is not None


STARTS_AN_EMULATOR = """
import os
from sensorkit.notebook import emulated
with emulated("serial_monitor", seconds=1e6) as port:
    print(port, flush=True)
    os.kill(os.getpid(), 9)
"""


@pytest.mark.skipif(sys.platform == "win32", reason="looks at a pseudo-terminal")
def test_an_emulator_does_not_outlive_a_kernel_that_was_killed():
    killed = subprocess.run(
        [sys.executable, "-c", STARTS_AN_EMULATOR], capture_output=True, text=True
    )

    port = Path(killed.stdout.strip())
    assert killed.returncode == -9
    assert port.is_absolute()
    deadline = time.monotonic() + 20
    while port.exists():  # the pseudo-terminal goes with the emulator that made it
        assert time.monotonic() < deadline
        time.sleep(0.02)
