"""The files around the package agree with each other."""

import re
import subprocess
import tomllib
from pathlib import Path

import pytest
import yaml

ROOT = Path(__file__).parent.parent
PIN = re.compile(r"^([A-Za-z0-9_.-]+==[^\s\\;]+)", re.MULTILINE)


def text(name: str) -> str:
    return (ROOT / name).read_text(encoding="utf-8")


def test_the_two_lock_files_pin_the_same_versions():
    pins = PIN.findall(text("requirements.lock"))
    assert len(pins) > 50
    assert PIN.findall(text("constraints.txt")) == pins


@pytest.mark.parametrize("name", ["requirements.lock", "constraints.txt"])
def test_a_lock_file_names_no_index(name):
    assert not re.search(r"https?://|--index|--find-links|--extra-index", text(name))


def test_every_requirement_in_the_lock_file_has_a_hash():
    requirements = re.split(r"\n(?=[a-z0-9])", text("requirements.lock"))
    assert [r.split()[0] for r in requirements if "--hash=sha256:" not in r] == []


def test_every_dependency_is_locked():
    project = tomllib.loads(text("pyproject.toml"))["project"]
    wanted = project["dependencies"] + project["optional-dependencies"]["test"]
    names = {re.split(r"[<>=\[]", line)[0] for line in wanted}
    locked = {pin.split("==")[0] for pin in PIN.findall(text("requirements.lock"))}
    assert names - locked == set()


def test_conda_gets_its_packages_from_the_same_pins():
    environment = yaml.safe_load(text("environment.yml"))
    *conda, pip = environment["dependencies"]
    assert {re.split(r"[<>=]", name)[0] for name in conda} == {"python", "pip", "make"}
    assert pip == {"pip": ["-c constraints.txt", "-e .[test,docs]"]}


def test_make_alone_prints_the_targets():
    done = subprocess.run(
        ["make", "-C", str(ROOT)], capture_output=True, text=True, check=True
    ).stdout
    shown = set(re.findall(r"^  make ([a-z-]+)", done, re.MULTILINE))
    phony = re.search(r"^\.PHONY: (.*)$", text("Makefile"), re.MULTILINE)
    assert shown == set(phony[1].split())


def test_make_refuses_an_old_python(tmp_path):
    old = tmp_path / "python2"
    old.write_text("#!/bin/sh\nexit 1\n")
    old.chmod(0o755)
    done = subprocess.run(
        ["make", "-C", str(ROOT), "setup", f"PYTHON={old}", f"VENV={tmp_path}/venv"],
        capture_output=True,
        text=True,
        check=False,
        env={"PATH": "/usr/bin:/bin"},
    )
    assert done.returncode == 2
    assert not (tmp_path / "venv").exists()
