"""What all commands share: exit codes, one-sentence errors, and the application log."""

import json
import logging
import subprocess
import sys

import pytest

from sensorkit.cli import app as cli


def sensorkit(*arguments: object, cwd=None) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "sensorkit", *map(str, arguments)],
        cwd=cwd,
        capture_output=True,
        text=True,
        check=False,
    )


@pytest.fixture
def restored_log():
    before = cli.log.handlers[:], cli.log.level, cli.log.propagate
    yield
    for handler in cli.log.handlers:
        handler.close()
    cli.log.handlers[:], cli.log.level, cli.log.propagate = before


def test_an_error_is_one_sentence_on_stderr_and_wrong_use_exits_with_2():
    done = sensorkit("show", "nowhere")
    assert done.returncode == 2
    assert done.stdout == ""
    assert done.stderr.startswith("sensorkit: nowhere: is no recording")
    assert done.stderr.count("\n") == 1


def test_an_unknown_command_gets_the_nearest():
    done = sensorkit("captur")
    assert done.returncode == 2
    assert "Did you mean 'capture'" in done.stderr


def test_no_command_at_all_shows_the_help():
    done = sensorkit()
    assert "Commands:" in done.stdout + done.stderr
    assert "Traceback" not in done.stderr


def test_the_version_is_that_of_the_package():
    assert sensorkit("--version").stdout == f"sensorkit {cli.__version__}\n"


def test_the_log_file_tells_the_story_of_a_capture(tmp_path):
    stream = tmp_path / "stream"
    stream.write_bytes(b"T:21.5,V:5.0,S:NORMAL,N:1\nT:21.5,V:5.0,S:NORMAL,N:4\n")
    log = tmp_path / "logs" / "capture.log"
    done = sensorkit(
        "capture", f"file:{stream}", "--out", tmp_path / "r", "--log-file", log, "--log-json"
    )
    assert done.returncode == 0, done.stderr
    lines = [json.loads(line) for line in log.read_text(encoding="utf-8").splitlines()]
    said = [line["message"] for line in lines]
    assert said[0].startswith(f"sensorkit {cli.__version__}: capture file:")
    assert any("sequence_gap" in message and '"lost": 2' in message for message in said)
    assert " complete " in said[-1]
    assert {line["level"] for line in lines} == {"INFO"}


def test_a_failure_stands_in_the_log_file(tmp_path):
    log = tmp_path / "show.log"
    sensorkit("show", tmp_path / "nowhere", "--log-file", log)
    assert "failed: " in log.read_text(encoding="utf-8").splitlines()[-1]


def test_a_log_file_that_cannot_be_written_is_named(tmp_path):
    done = sensorkit("ports", "--log-file", tmp_path)
    assert done.returncode == 2
    assert "Traceback" not in done.stderr
    assert "--log-file" in done.stderr


def test_the_log_file_rotates(tmp_path, monkeypatch, restored_log):
    monkeypatch.setattr(cli, "LOG_FILE_BYTES", 1000)
    path = tmp_path / "long.log"
    cli.set_up_log(path, log_json=False, verbose=0)
    for i in range(200):
        logging.getLogger("sensorkit.test").info("line %d of a long story", i)
    files = sorted(tmp_path.glob("long.log*"))
    assert len(files) == 1 + cli.LOG_FILES_KEPT
    assert all(file.stat().st_size <= 1000 for file in files)


def test_help_answers_without_the_heavy_libraries():
    done = subprocess.run(
        [sys.executable, "-X", "importtime", "-m", "sensorkit", "--help"],
        capture_output=True,
        text=True,
        check=True,
    )
    imported = {line.rsplit("|", 1)[-1].strip() for line in done.stderr.splitlines()}
    assert not imported & {"numpy", "pandas", "sklearn", "plotly", "numba", "papermill"}


def test_ctrl_c_while_the_commands_are_loaded_is_no_traceback(monkeypatch, capsys):
    def interrupted(_name):
        raise KeyboardInterrupt

    monkeypatch.setattr(cli.importlib, "import_module", interrupted)
    with pytest.raises(SystemExit) as exit_:
        cli.main()
    assert exit_.value.code == 130
    assert capsys.readouterr().err == "sensorkit: stopped\n"


@pytest.mark.parametrize(("flags", "traceback"), [([], False), (["-vv"], True)])
def test_a_mistake_of_our_own_is_a_sentence_and_a_traceback_only_when_asked(flags, traceback):
    broken = (
        "import sys, sensorkit.cli.app as cli, sensorkit.wire.links as links\n"
        "def ports(): raise ZeroDivisionError('by\\x1b[2J zero')\n"
        "links.ports = ports\n"
        f"sys.argv = ['sensorkit', 'ports', *{flags!r}]\n"
        "cli.main()\n"
    )
    done = subprocess.run([sys.executable, "-c", broken], capture_output=True, text=True)
    assert done.returncode == 1
    last = done.stderr.splitlines()[-1]
    assert last.startswith(
        r"sensorkit: a mistake in sensorkit itself: ZeroDivisionError: by\x1b[2J"
    )
    assert ("Traceback" in done.stderr) is traceback
