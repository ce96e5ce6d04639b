"""Every code block of every page runs, and what a page shows is what comes out.

A page runs top to bottom in a fresh folder that has `datasets/`, `examples/` and `tests/` of the
clone beside it. In `recordings/` are `monday`, three healthy hours of the emulated serial monitor,
`tuesday`, three others, `bench` and `healthy`, those of monday once more, and `monday-faults`, a
copy with seven faults in its last part. The tables `pump.csv` and `station.csv` are there, and
`mydevice.yaml`, the serial monitor's profile.

`sh` and `console` blocks are typed. Output is compared; `...` stands for any text, and times of
today, names of runs and hashes stand for any other. The `python` blocks of a page share their
names. Data is read and checked as what it is, and written where the page says which file it is.
What a desk cannot have has a stand-in, and these are all of them (tests/docs/desk.py):

| on the page | here |
|---|---|
| `/dev/ttyUSB0`, other ports | an emulated device that speaks as the profile says |
| `/tmp/...`, `127.0.0.1:PORT` | the same in a folder of the test, at a free port |
| `emulate --duration N` | ten times faster than the device |
| `capture --duration N`, `learn --listen N` | a tenth of it, three seconds at most |
| `capture` until Ctrl+C | Ctrl+C after five frames, or to the end of a device that ends |
| `capture --out` a folder that is there | another one: recordings/monday stays what it is |
| `demo` | ten times faster |
| `evaluate` | the notebooks have found what they find in recordings/monday; the rest is real |
| `evaluate --dataset`, `datasets fetch` | two files in the layout of SKAB; no download |
| `make TARGET` | the Makefile has the target |
| `jupyter ...` | the notebook is there |
| `pip install ./examples/...` | built and installed for the page only |
| `pip install sensorkit[EXTRA]` | there is such an extra |
"""

import shutil
import subprocess
import sys
from collections import Counter
from pathlib import Path

import pytest
import yaml

sys.path.insert(0, str(Path(__file__).parent))
import blocks as pages
from desk import Desk

from sensorkit.report.files import find_run
from sensorkit.report.running.notebooks import Outcome

ROOT = Path(__file__).parents[2]
PAGES = {
    path.relative_to(ROOT).as_posix(): list(
        pages.blocks(path.read_text(encoding="utf-8"), path.relative_to(ROOT).as_posix())
    )
    for path in pages.pages(ROOT)
}

NOT_RUN = {
    "docs/attach-a-device.md": 2,  # COM ports of Windows
    "docs/data-quality.md": 1,  # a device that sends meanwhile
    "docs/how-to/learn-a-profile.md": 1,  # a part of a file, for its comments
    "docs/live-plot.md": 2,  # a live plot waits for somebody to stop it
    "docs/remaining-life.md": 2,  # recordings of a device that failed; C-MAPSS
    "docs/troubleshooting.md": 3,  # root, Windows, apt
}
"""How many blocks of a page run nowhere; each says why in the comment before it."""

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="Windows has no pseudo-terminals")


def typed(*words: object) -> None:
    """Run `sensorkit WORDS` in a process of its own; it has to succeed."""
    command = [sys.executable, "-m", "sensorkit", *map(str, words)]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr


@pytest.fixture(scope="session")
def monday(tmp_path_factory) -> Path:
    """Holds three healthy hours of the emulated serial monitor, and a copy with faults."""
    folder = tmp_path_factory.mktemp("monday")
    device = ("emulate", "serial_monitor", "--hold", "NORMAL", "--duration", 10800)
    for name, seed in {"monday": 0, "tuesday": 2}.items():
        stream = folder / f"{name}.bytes"
        typed(*device, "--speed", "max", "--seed", seed, "--port", f"file:{stream}")
        typed("capture", f"file:{stream}", "--out", folder / name)
    for name in ("bench", "healthy"):
        shutil.copytree(folder / "monday", folder / name)
    kinds = [
        {"kind": kind, "channel": channel, "duration_s": 60, "magnitude_sigma": 5}
        for kind in ("bias", "drift", "noise")
        for channel in ("temperature", "voltage")
    ]
    stuck = [{"kind": "stuck", "channel": "temperature", "duration_s": 60}]
    plan = folder / "late.yaml"
    plan.write_text(yaml.safe_dump({"window_share": [0.62, 0.99], "faults": kinds + stuck}))
    typed("inject", folder / "monday", "--faults", plan, "--out", folder / "monday-faults")
    return folder


WRITTEN_ANEW = {
    *("run.json", "report.json", "report.html", "config.yaml", "parameters.json", "examples.json"),
    *("environment.json", "junit.xml", "summary.md", "log.txt"),
}
"""What a run makes of what its notebooks have found."""


class Runs:
    """What stands in for the notebooks of an evaluation: what they found when they ran once."""

    def __init__(self, folder: Path, monday: Path) -> None:
        self._folder = folder
        self._asked = {
            "own": ("--recording", monday / "monday"),
            "public": ("--dataset", "skab", "--detectors", "mewma"),
        }
        self.made: dict[str, Path] = {}

    def execute(self, chains, *, log_file, **_) -> list[Outcome]:
        """`sensorkit.report.running.notebooks.execute`; all around it is as ever."""
        kind = "own" if len(chains) > 1 else "public"
        if kind not in self.made:
            typed("evaluate", *self._asked[kind], "--out", self._folder / kind)
            self.made[kind] = find_run("latest", self._folder / kind)
        for path in self.made[kind].iterdir():
            to = log_file.parent / path.name
            if path.is_dir():
                shutil.copytree(path, to, dirs_exist_ok=True)
            elif path.name not in WRITTEN_ANEW:
                shutil.copy(path, to)
        return [Outcome(job.name, "passed", "", 0.0) for chain in chains for job in chain]


@pytest.fixture(scope="session")
def runs(monday, tmp_path_factory) -> Runs:
    return Runs(tmp_path_factory.mktemp("runs"), monday)


@pytest.fixture
def desk(tmp_path, monday, runs):
    """Where a page runs; all that it started has ended afterwards."""
    one = Desk(tmp_path, monday, {"sensorkit.report.running.notebooks.execute": runs.execute})
    yield one
    one.close()


@pytest.mark.slow
@pytest.mark.pty
@pytest.mark.parametrize("page", [page for page, found in PAGES.items() if found])
def test_every_block_of_a_page_does_what_the_page_says(page, desk):
    for block in PAGES[page]:
        desk.run(block)


def test_blocks_that_run_nowhere_say_why_and_are_few():
    found = [block for page in PAGES.values() for block in page if block.not_run is not None]
    assert [str(block) for block in found if len(block.not_run) < 10] == []
    assert Counter(block.page for block in found) == NOT_RUN


def test_every_block_is_in_a_language_that_is_read():
    known = {*pages.RUN, *pages.PARSERS}
    found = [block for page in PAGES.values() for block in page]
    assert [f"{b}: {b.language!r}" for b in found if b.language not in known] == []
    assert len(found) > 60


# That the pages are held to what they say, each way in which one can be wrong.


def run(desk: Desk, text: str) -> None:
    for block in pages.blocks(text):
        desk.run(block)


def block(language: str, *lines: str, before: str = "") -> str:
    return "\n".join([before, f"```{language}", *lines, "```", ""])


def shows(*lines: str) -> str:
    return block("console", "$ sensorkit show recordings/monday", *lines)


RIGHT = [
    shows("recording monday: captured, ...", "...", "frames    10800 in 3 h, 1 Hz", "..."),
    block("console", "$ ls recordings/monday/labels.csv 2> /dev/null", "$ echo $?", "2"),
    block("sh", "sensorkit show nothing", before="<!-- exits with 2 -->"),
    block("python", "from sensorkit.capture import Recording"),
    "1. In a list\n\n   ```python\n   >>> Recording.__name__\n   'Recording'\n   ```\n",
    block("cobol", "STOP RUN.", before="<!-- not run: nobody has\na compiler -->"),
    block("yaml", "# late.yaml", "faults: [{kind: silence, duration_s: 8}]"),
    block(
        "sh", "sensorkit inject datasets/serial_monitor_healthy \\", "  --faults late.yaml --out a"
    ),
    block("sh", "cd a", "sensorkit show ."),
]


@pytest.mark.pty
def test_a_page_that_is_right_passes(desk):
    run(desk, "\n".join(RIGHT))


WRONG = {
    "another number": (shows("...", "frames    10801 in 3 h, 1 Hz", "..."), "10801"),
    "output that is not all": (shows("recording monday: captured, complete"), "what came"),
    "output where there is none": (block("console", "$ cd recordings", "recordings"), "what came"),
    "no command in a console": (block("console", "recording monday"), "before the first command"),
    "an unknown option": (block("sh", "sensorkit show recordings/monday --colour"), "--colour"),
    "an unknown command": (block("sh", "sensorkit shwo recordings/monday"), "shwo"),
    "a missing file": (block("sh", "sensorkit show recordings/sunday"), "exits with 2"),
    "an unknown setting": (
        block("sh", "sensorkit evaluate --recording recordings/monday --set sed=2"),
        "did you mean 'seed'",
    ),
    "a program that is not there": (block("sh", "sensorkitten show"), "exits with 127"),
    "a pipe that fails": (
        block("sh", "sensorkit show recordings/monday | grep sunday"),
        "exits with 1",
    ),
    "an unknown target": (block("sh", "make coffee"), "no such target"),
    "an unknown extra": (block("sh", "pip install 'sensorkit[coffee]'"), "the extras are"),
    "an unknown package": (block("sh", "pip install coffee"), "neither an extra"),
    "a success where an error is told": (
        block("sh", "sensorkit ports", before="<!-- exits with 2 -->"), "exits with 0"
    ),
    "an error in Python": (block("python", "1 / 0"), "division by zero"),
    "a warning in Python": (block("python", "import warnings", "warnings.warn('old')"), "old"),
    "another value in Python": (block("python", ">>> 1 + 1", "3"), "Got:\n *2"),
    "a name that no block has made": (block("python", "healthy"), "'healthy' is not defined"),
    "a profile with a mistake": (
        block("yaml", "{name: a, rate_hz: -1, channels: [{name: t}]}"), "rate_hz"
    ),
    "a frame with a mistake": (block("yaml", "frame: {format: csv, columms: [t]}"), "columms"),
    "a rule with a mistake": (
        block("yaml", "rules: [{kind: rate, channel: temprature, limit: 1, severity: WARNING}]"),
        "did you mean 'temperature'",
    ),
    "a plan with a mistake": (block("yaml", "faults: [{kind: spyke, channel: t}]"), "spyke"),
    "a setting with a mistake": (block("yaml", "false_alarm_per_day: 1"), "false_alarm_per_day"),
    "a command of a workflow": (
        block("yaml", "jobs: {a: {steps: [{run: sensorkit evaluat}]}}"), "No such command"
    ),
    "an option in a script": (
        block("yaml", "a: {script: [.venv/bin/sensorkit evaluate --requires x]}"), "No such option"
    ),
    "JSON that is none": (block("json", "{'a': 1}"), "double quotes"),
    "a row too long": (block("csv", "a,b", "1,2,3"), "rows of different length"),
    "TOML that is none": (block("toml", "a ="), "Invalid value"),
    "XML that is none": (block("xml", "<a>"), "no element found"),
    "a language nobody reads": (block("cobol", "STOP RUN."), "nobody can read 'cobol'"),
    "no language": (block("", "sensorkit ports"), "nobody can read ''"),
    "a block that is not closed": ("```sh\nsensorkit ports\n", "is not closed"),
}  # fmt: skip


@pytest.mark.pty
@pytest.mark.parametrize(("text", "why"), WRONG.values(), ids=WRONG)
def test_a_page_that_is_wrong_is_told(text, why, desk):
    with pytest.raises(Exception, match=why):
        run(desk, text)
