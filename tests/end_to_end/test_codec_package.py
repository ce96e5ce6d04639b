"""A package that brings a frame format: built, installed, and used by the commands."""

import json
from pathlib import Path

import pytest

EXAMPLE = Path(__file__).parents[2] / "examples" / "sensorkit-vedirect"
PROFILE = EXAMPLE / "solar_charger.yaml"

pytestmark = pytest.mark.slow


@pytest.fixture
def with_package(installed):
    return installed(EXAMPLE.name)


def test_without_the_package_the_commands_say_what_to_install(python, tmp_path):
    done = python(
        "-m", "sensorkit", "capture", "file:x", "--profile", PROFILE, "--out", tmp_path / "r"
    )
    assert done.returncode == 2
    assert "solar_charger.yaml:10: frame.format: unknown frame format 'vedirect'" in done.stderr
    assert "pip install PACKAGE" in done.stderr.replace("\n", " ")
    assert not (tmp_path / "r").exists()


def test_with_the_package_its_blocks_are_emulated_captured_and_replayed(
    with_package, python, tmp_path
):
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
    done = python(
        *sensorkit, "emulate", profile, "--port", f"file:{sent}", *options, env=with_package
    )
    assert done.returncode == 0, done.stderr
    blocks = sent.read_bytes()
    assert blocks.count(b"\r\nChecksum\t") == 50
    out = tmp_path / "rec"
    done = python(
        *sensorkit, "capture", f"file:{sent}", "--profile", profile, "--out", out, env=with_package
    )
    assert done.returncode == 0, done.stderr
    told = json.loads((out / "recording.json").read_text(encoding="utf-8"))
    assert (told["counts"]["frames"], told["counts"]["rejected"]) == (50, {})
    for command in ("verify", "replay", "show"):
        done = python(*sensorkit, command, out, env=with_package)
        assert done.returncode == 0, done.stderr
    # Without the package the recording can be looked at and verified, not decoded anew.
    for command, code in (("verify", 0), ("show", 0), ("replay", 2)):
        done = python(*sensorkit, command, out)
        assert done.returncode == code, (command, done.stderr)
    assert "unknown frame format 'vedirect'" in done.stderr
