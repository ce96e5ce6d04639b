"""A notebook for a device of yours: look at a recording, break a copy of it, choose a detector."""

from __future__ import annotations

import json
import os
import re
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import nbformat

from sensorkit.capture import Recording
from sensorkit.errors import UsageError
from sensorkit.evaluate.settings import Settings
from sensorkit.evaluate.trial import prepare
from sensorkit.faults import robust_sigma
from sensorkit.notebook.template_cells import BODY, IMPORTS, NEEDS, NEEDS_NONE, TITLE
from sensorkit.profile import Profile
from sensorkit.report.files import write_text
from sensorkit.report.parameters import TAG
from sensorkit.report.running.campaign import campaign

NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9_.-]{0,99}")

FIT = CALIBRATE = 0.25
KINDS = ("bias", "drift", "noise", "spike", "stuck")


def new_notebook(
    name: str,
    folder: str | Path = ".",
    *,
    recording: str | Path | None = None,
    port: str = "",
    baud: int = 115200,
    profile: str = "serial_monitor",
    force: bool = False,
) -> Path:
    """Write a notebook for a recording, or for a device at a port.

    It runs as it is. Without recording and port it is for an emulated device of the profile.

    Parameters
    ----------
    name : str
        Of the notebook; letters, digits, `_`, `.` and `-`.
    folder : path
        Where it goes; made where there is none.
    recording : path, optional
        Folder of a healthy recording. A path that is relative stays so, as seen from *folder*.
    port : str
        As `sensorkit capture` takes it.
    baud : int
        Speed of the port.
    profile : str
        Of the device at the port: a shipped name, or the path of a YAML file.
    force : bool
        Replace a notebook of that name.

    Returns
    -------
    Path
        Of the notebook.

    Raises
    ------
    UsageError
        If the name cannot be one or is taken, or the recording cannot be used: it is none, is too
        short, or nothing in it moves.
    """
    path = Path(folder) / f"{_checked(name)}.ipynb"
    if path.exists() and not force:
        raise UsageError(f"{path}: is there already; choose another name, or replace it by --force")
    if recording is None:
        device = Profile.load(profile)
        # What a device sends that nobody has listened to is found out by the notebook.
        varying = [] if port else [c.name for c in device.channels if c.waveform is not None]
        if not (varying or port):
            raise UsageError(
                f"profile {device.name!r} says no `waveform` for any channel, so its emulated "
                "device says nothing that moves; give --recording DIR or --port LINK"
            )
        place = ""
    else:
        opened = Recording.open(recording)
        device, varying = opened.profile, _varying(opened)
        place = _seen_from(path.parent, Path(recording))
    if profile.endswith((".yaml", ".yml")):
        profile = _seen_from(path.parent, Path(profile))
    rules: dict[str, Any] = {} if device.rules else {"source": "fit"}
    parameters = _parameters(path.stem, place, port, baud, profile, device, varying, rules)
    needs = NEEDS if port and not place else NEEDS_NONE
    cells = [
        _cell(path.stem, 0, "markdown", TITLE.format(name=path.stem, hardware=needs)),
        _cell(path.stem, 1, "code", parameters, TAG),
        _cell(path.stem, 2, "code", IMPORTS),
        *(_cell(path.stem, n, kind, source) for n, (kind, source) in enumerate(BODY, start=3)),
    ]
    path.parent.mkdir(parents=True, exist_ok=True)
    write_text(path, _as_notebook(cells))
    return path


def _checked(name: str) -> str:
    """Return the name without a suffix; UsageError if it cannot be that of a file."""
    stem = name.removesuffix(".ipynb")
    if NAME.fullmatch(stem) is None:
        raise UsageError(
            f"a notebook cannot be called {name!r}; letters, digits, _ . and - are wanted, the "
            "first a letter or digit; --folder says where it goes"
        )
    return stem


def _varying(recording: Recording) -> list[str]:
    """Return the channels that faults can go into; UsageError if the notebook could not run."""
    readings = recording.readings()
    varying = [name for name in readings.channels if robust_sigma(readings.channel(name)) > 0]
    if not varying:
        raise UsageError(
            f"recording {recording.name!r}: none of its channels moves ({len(readings)} readings), "
            "so no detector can learn from it; give a recording of the device at work"
        )
    if recording.labels().empty:
        campaign(
            recording, clean=FIT + CALIBRATE, kinds=KINDS, channels=varying, sizes_sigma=[4.0, 8.0],
            durations=[30], repeats=2, seed=1,
        )  # fmt: skip
    else:
        prepare(recording, Settings(fit=FIT, calibrate=CALIBRATE))
    return varying


def _seen_from(folder: Path, path: Path) -> str:
    """Return the path of *path* for whoever works in *folder*; an absolute one stays so.

    >>> _seen_from(Path("notebooks"), Path("recordings/monday"))
    '../recordings/monday'
    """
    if path.is_absolute():
        return str(path)
    try:
        return Path(os.path.relpath(path, folder)).as_posix()
    except ValueError:  # on another drive of Windows
        return str(path.resolve())


def _parameters(
    name: str,
    recording: str,
    port: str,
    baud: int,
    profile: str,
    device: Profile,
    channels: Sequence[str],
    rules: dict[str, Any],
) -> str:
    """Return the parameters cell."""
    listed = ["channels: list[str] = []  # that get faults; [] is all that vary"]
    if channels:
        lines = [f"    {literal(one)},{comment(device.channel(one).unit)}" for one in channels]
        listed = ["channels: list[str] = [", *lines, "]  # that get faults; [] is all that vary"]
    detectors = {"rules": rules, "sigma": {}, "guard": {}}
    entries = [
        f"    {literal(one)}: {given!r},".replace("'", '"') for one, given in detectors.items()
    ]
    return "\n".join(
        [
            f"recording: str = {literal(recording)}  # folder of a healthy recording",
            f"port: str = {literal(port)}  # of the device, as `sensorkit capture` takes it",
            f"baud: int = {baud}  # speed of the port",
            f"profile: str = {literal(profile)}  # without a recording: a name, or a .yaml file",
            "seconds: float = 3600.0  # of the device's time to capture, without a recording",
            "watch: bool = False  # watch the device at the port in the end",
            *listed,
            f"kinds: list[str] = {json.dumps(KINDS)}  # of faults",
            "sizes_sigma: list[float] = [4.0, 8.0]  # of the faults, in robust sigmas",
            "duration: int = 30  # readings that a fault lasts",
            "repeats: int = 2  # of each combination, if the recording is long enough",
            "detectors: dict[str, dict] = {",
            *entries,
            "}  # name and parameters of each that is tried",
            'chosen: str = "guard"  # the one of them that is kept',
            f"fit: float = {FIT}  # share of the readings, from the start, to learn from",
            f"calibrate: float = {CALIBRATE}  # share after that for the thresholds",
            "false_alarms_per_day: float = 1.0  # budget that thresholds are frozen for",
            f'model: str = "{name}.detector"  # file that it is kept in; "" is a temporary one',
            "seed: int = 1  # fixes where the faults go and what they do",
            'out_dir: str = ""  # folder for recordings and results; "" is a temporary one',
        ]
    )


def literal(text: str) -> str:
    r"""Return *text* as a Python literal of printable characters, whatever stands in it.

    >>> literal('say "hi"'), literal("a\u2028b")
    ('"say \\"hi\\""', "'a\\u2028b'")
    """
    return json.dumps(text, ensure_ascii=False) if text.isprintable() else repr(text)


def comment(text: str) -> str:
    r"""Return *text* as the comment of a line, which it cannot leave; "" for none.

    >>> comment("°C"), comment("V\nimport os")
    ('  # °C', '  # V\\nimport os')
    """
    shown = text if text.isprintable() else repr(text)[1:-1]
    return f"  # {shown}" if text else ""


def _cell(stem: str, number: int, kind: str, source: str, *tags: str) -> dict[str, Any]:
    cell: dict[str, Any] = {
        "cell_type": kind,
        "id": re.sub(r"[^A-Za-z0-9-]", "-", f"{stem[:50]}-{number:02}"),
        "metadata": {"tags": list(tags)} if tags else {},
        "source": source,
    }
    return cell | ({"execution_count": None, "outputs": []} if kind == "code" else {})


def _as_notebook(cells: list[dict[str, Any]]) -> str:
    """Return the file: checked, and the same for the same cells."""
    kernel = {"display_name": "Python 3", "language": "python", "name": "python3"}
    metadata = {"kernelspec": kernel, "language_info": {"name": "python"}}
    whole = {"cells": cells, "metadata": metadata, "nbformat": 4, "nbformat_minor": 5}
    notebook = nbformat.from_dict(whole)  # type: ignore[no-untyped-call]
    nbformat.validate(notebook)
    return str(nbformat.writes(notebook)) + "\n"  # type: ignore[no-untyped-call]
