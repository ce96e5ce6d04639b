"""A package that brings a frame format: built, installed, and used by the commands."""

import importlib.util
import json
import os
import shutil
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

EXAMPLE = Path(__file__).parents[2] / "examples" / "sensorkit-vedirect"
PROFILE = EXAMPLE / "solar_charger.yaml"

pytestmark = pytest.mark.slow


def run(*arguments, **options):
    return subprocess.run(
        [sys.executable, *map(str, arguments)],
        capture_output=True,
        text=True,
        check=False,
        **options,
    )


@pytest.fixture(scope="module")
def installed(tmp_path_factory):
    """The environment of a process in which the example package is installed."""
    folder = tmp_path_factory.mktemp("package")
    source = shutil.copytree(EXAMPLE, folder / "source")  # building leaves files behind
    target = folder / "site"
    if importlib.util.find_spec("pip"):
        options = ["--quiet", "--no-deps", "--no-build-isolation", "--no-index", "--target", target]
        done = run("-m", "pip", "install", "--disable-pip-version-check", *options, source)
        assert done.returncode == 0, done.stderr
    else:  # uv makes environments without pip; unpacking is what installing a wheel comes to
        build = "import sys, setuptools.build_meta as b; print(b.build_wheel(sys.argv[1]))"
        done = run("-c", build, folder, cwd=source)
        assert done.returncode == 0, done.stderr
        with zipfile.ZipFile(next(folder.glob("*.whl"))) as wheel:
            wheel.extractall(target)
    return {**os.environ, "PYTHONPATH": str(target)}


def test_without_the_package_the_commands_say_what_to_install(tmp_path):
    done = run(
        "-m", "sensorkit", "capture", "file:x", "--profile", PROFILE, "--out", tmp_path / "r"
    )
    assert done.returncode == 2
    assert "solar_charger.yaml:10: frame.format: unknown frame format 'vedirect'" in done.stderr
    assert "pip install PACKAGE" in done.stderr.replace("\n", " ")
    assert not (tmp_path / "r").exists()


def test_with_the_package_its_blocks_are_emulated_captured_and_replayed(installed, tmp_path):
    sent = tmp_path / "sent.bin"
    sensorkit = ("-m", "sensorkit")
    options = ("--frames", 50, "--speed", "max", "--seed", 3)
    profile = tmp_path / "mine.yaml"
    channels = PROFILE.read_text(encoding="utf-8").replace(
        "plausible: [0, 80]}", "plausible: [0, 80], waveform: {level: 12.5, noise: {sigma: 0.2}}}"
    )
    for name, level in (("current", 1), ("panel_voltage", 33), ("panel_power", 8)):
        channels = channels.replace(f"{name}, unit", f"{name}, waveform: {{level: {level}}}, unit")
    profile.write_text(channels, encoding="utf-8")
    done = run(*sensorkit, "emulate", profile, "--port", f"file:{sent}", *options, env=installed)
    assert done.returncode == 0, done.stderr
    blocks = sent.read_bytes()
    assert blocks.count(b"\r\nChecksum\t") == 50
    out = tmp_path / "rec"
    done = run(
        *sensorkit, "capture", f"file:{sent}", "--profile", profile, "--out", out, env=installed
    )
    assert done.returncode == 0, done.stderr
    told = json.loads((out / "recording.json").read_text(encoding="utf-8"))
    assert (told["counts"]["frames"], told["counts"]["rejected"]) == (50, {})
    for command in ("verify", "replay", "show"):
        done = run(*sensorkit, command, out, env=installed)
        assert done.returncode == 0, done.stderr
    # Without the package the recording can be looked at and verified, not decoded anew.
    for command, code in (("verify", 0), ("show", 0), ("replay", 2)):
        done = run(*sensorkit, command, out)
        assert done.returncode == code, (command, done.stderr)
    assert "unknown frame format 'vedirect'" in done.stderr
