"""What stands in for what a desk cannot have: packages, tables, data sets, signals."""

from __future__ import annotations

import re
import shutil
import subprocess
import sys
import tomllib
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from beside import PageError

from sensorkit.datasets.load_skab import CHANNELS
from sensorkit.profile import Profile

ROOT = Path(__file__).parents[2]

EXTRAS = re.compile(r"'?sensorkit\[([\w,]+)\]'?|(?:-e )?'?\.\[([\w,]+)\]'?")


def check_make(arguments: list[str]) -> None:
    """Look whether the Makefile has the targets."""
    targets = re.findall(r"^([a-z-]+):.*##", (ROOT / "Makefile").read_text(), re.MULTILINE)
    for word in arguments:
        if "=" not in word and not word.startswith("-") and word not in targets:
            raise PageError(f"make {word}: the Makefile has no such target")


def check_extras(line: str) -> bool:
    """Say whether `pip LINE` installs extras of sensorkit, and look whether there are such."""
    extras = EXTRAS.search(line)
    if not extras:
        return False
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    known = project["optional-dependencies"]
    if set((extras[1] or extras[2]).split(",")) - set(known):
        raise PageError(f"pip {line}: the extras are {', '.join(known)}")
    return True


def check_notebooks(arguments: list[str], folder: Path) -> None:
    """Look whether the notebooks and folders that `jupyter ...` is to open are there."""
    for word in arguments[1:]:
        if not word.startswith("-") and not any((p / word).exists() for p in (folder, ROOT)):
            raise PageError(f"jupyter {' '.join(arguments)}: there is no {word}")


def with_waveforms(profile: Profile) -> dict[str, Any]:
    """Return *profile* with a healthy signal for each channel, so that it can be emulated."""
    said = profile.to_dict()
    for channel in said["channels"]:
        low, high = channel.get("plausible") or (0.0, 2.0)
        middle = {"level": (low + high) / 2, "noise": {"sigma": (high - low) / 1000}}
        channel.setdefault("waveform", middle)
    return said


def shims(folder: Path) -> Path:
    """Put `sensorkit` and `python` of this Python into *folder*, for lines of a shell."""
    folder.mkdir()
    for name, words in {"sensorkit": "-m sensorkit ", "python": ""}.items():
        shim = folder / name
        shim.write_text(f'#!/bin/sh\nexec "{sys.executable}" {words}"$@"\n')
        shim.chmod(0o755)
    return folder


def install(source: Path, site: Path) -> Path:
    """Install a package of examples/ into *site*, as `pip install` does into an environment."""
    built = shutil.copytree(source, site.with_name("source"))  # building leaves files behind
    wheels = site.with_name("wheels")
    wheels.mkdir()
    build = "import sys, setuptools.build_meta as b; b.build_wheel(sys.argv[1])"
    subprocess.run(
        [sys.executable, "-c", build, wheels],
        cwd=built,
        check=True,
        capture_output=True,
        timeout=60,
    )
    shutil.unpack_archive(next(wheels.glob("*.whl")), site, "zip")
    return site


def write_tables(folder: Path) -> None:
    """Write the tables that pages import: half an hour of two columns, one with marked rows."""
    rng = np.random.default_rng(5)
    frame = pd.DataFrame(
        {
            "timestamp": pd.date_range("2026-01-01", periods=1800, freq="s", tz="UTC"),
            "pressure": (2 + 0.02 * rng.normal(size=1800)).round(3),
            "flow": (10 + 0.1 * rng.normal(size=1800)).round(2),
        }
    )
    frame.to_csv(folder / "pump.csv", index=False)
    error = (np.arange(1800) // 60 == 20).astype(int)
    frame.rename(columns={"timestamp": "time"}).assign(error=error).to_csv(
        folder / "station.csv", index=False
    )


def write_skab(folder: Path) -> None:
    """Write two short files in the layout of SKAB: pages speak of the set, and nobody has it."""
    rng = np.random.default_rng(7)
    for name in ("valve1/0.csv", "valve1/1.csv"):
        frame = pd.DataFrame(rng.normal(size=(700, len(CHANNELS))).round(4), columns=CHANNELS)
        frame.insert(0, "datetime", pd.date_range("2020-03-09 10:00:00", periods=700, freq="s"))
        late = np.arange(700) >= 600
        frame.loc[late, "Current"] += 8.0
        frame = frame.assign(anomaly=late * 1.0, changepoint=(np.arange(700) == 600) * 1.0)
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        frame.to_csv(folder / name, sep=";", index=False)
