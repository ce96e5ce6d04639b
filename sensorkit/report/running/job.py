"""What `sensorkit evaluate` was asked for, made into parameters of notebooks, and checked."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import yaml

from sensorkit.capture import Recording
from sensorkit.errors import NotebookError, SensorkitError, UsageError
from sensorkit.evaluate import Config as _File
from sensorkit.evaluate import Settings
from sensorkit.evaluate.requirement import parsed
from sensorkit.evaluate.running.grid import entries
from sensorkit.evaluate.settings import DetectabilityGrid
from sensorkit.evaluate.trial import prepare
from sensorkit.faults import FaultPlan
from sensorkit.faults.signal import injections
from sensorkit.nearest import did_you_mean, unknown
from sensorkit.profile import Profile
from sensorkit.report.ci.for_ci import Copies
from sensorkit.report.parameters import Parameter, check, declared, from_text
from sensorkit.report.running.campaign import campaign
from sensorkit.report.running.of_device import FULL_HOURS, parameters_of
from sensorkit.report.verdict import requirements

QUICKSTART = "00_quickstart"
CHAIN = ("01_capture", "02_inject_faults", "03_benchmark", "04_report")
NOTEBOOKS = (QUICKSTART, *CHAIN)
GIVEN_BY_THE_DRIVER = {
    "recordings": "--recording",
    "out_dir": "--out",
    "results": "--out",
    "keep": "--out",
}
SETTINGS = ("fit", "calibrate", "false_alarms_per_day", "tolerance", "buffer", "resamples", "seed")
"""Parameters of 03_benchmark that go into the settings of the benchmark as they are."""

OR_NONE = ("thresholds", "detectors", "detectability", "timeout_s", "memory_mb")
"""The same, where 0 and {} stand for None."""

FULL: Mapping[str, Any] = {
    "fit": 0.3,
    "calibrate": 0.3,
    "sizes_sigma": [2.0, 4.0, 8.0],
    "durations": [30, 120],
    "repeats": 3,
    "resamples": 500,
    "workers": 0,
    "detectability": DetectabilityGrid().model_dump(mode="json"),
}
"""The main job. The notebooks' own defaults are the small case, for reading and for tests."""

EMULATED: Mapping[str, Any] = {"hours": 121.0, "fit": 0.15, "calibrate": 0.6}
"""Clean days of an emulated device are cheap: three of them show that a budget of one false alarm
a day is kept (none in three days bounds the rate by 3/3); one more day is for the faults."""

NOTEBOOK_TIMEOUT_S = 1800.0


@dataclass(frozen=True)
class Config:
    """What `sensorkit evaluate` was asked for."""

    recordings: Sequence[Path] = ()
    """Folders of recordings; none captures the emulated device of *profile*."""
    profile: str = "serial_monitor"
    faults: str = ""
    """Name or path of a fault plan; "" is a campaign over kinds, channels and sizes."""
    settings: Mapping[str, Any] = field(default_factory=dict)
    """Notebook parameters: `name` or `notebook.name` -> value, text from a command line too."""
    quick: bool = False
    """The notebooks' own small defaults."""
    fresh: bool = False
    """Forget the finished cells of earlier runs."""
    require: Sequence[str] = ()
    """What the run is to find, as `sensorkit.evaluate.requirement` reads it."""
    base: str = ""
    """The run to compare with; else the newest earlier one of the same data."""
    arguments: Sequence[str] = ("evaluate",)
    """The command line, for the report."""
    timeout_s: float = NOTEBOOK_TIMEOUT_S
    """Of each notebook."""
    quickstart: bool = True
    """Run 00_quickstart as well, which is the same whatever the device."""
    copies: Copies = field(default_factory=Copies)
    """Where else the run writes what is for CI."""

    @property
    def notebooks(self) -> tuple[str, ...]:
        """Return the names of those that are run."""
        return NOTEBOOKS if self.quickstart else CHAIN


def asked_for(
    file: Path | None,
    *,
    recordings: Sequence[Path] | None = None,
    profile: str | None = None,
    faults: str | None = None,
    settings: Mapping[str, Any] | None = None,
    require: Sequence[str] = (),
    **others: Any,
) -> Config:
    """Return what a file asks for and what goes before it; None of an argument: not said.

    Parameters
    ----------
    file : Path, optional
        As `sensorkit.evaluate.Config` reads it.
    recordings, profile, faults, settings
        Of `Config`. Recordings stand in for the devices of the file, a profile for its recordings
        and devices, a plan for its plans.
    require : sequence of str
        Of `Config`; what the file requires holds as well.
    **others
        Of `Config`.

    Raises
    ------
    UsageError
        If the file cannot be read or holds a mistake.
    """
    said = _File.load(file) if file is not None else _File()
    values = said.parameters()
    if recordings or profile:
        values.pop("profiles", None)
    if faults is not None:
        values.pop("plans", None)
    folders = recordings or ([] if profile else [Path(folder) for folder in said.recordings])
    return Config(
        recordings=tuple(folders),
        profile=profile or said.profile or Config.profile,
        faults=said.plan or "" if faults is None else faults,
        settings=values | dict(settings or {}),
        require=tuple(dict.fromkeys([*said.require, *require])),
        **others,
    )


def plan_parameters(config: Config, folder: Path) -> dict[str, dict[str, Any]]:
    """Return what each notebook in *folder* is given, checked against what it declares.

    Raises
    ------
    NotebookError
        If a setting is no parameter of any notebook, is one that the driver gives, or is of
        another type.
    """
    known = {name: declared(folder / f"{name}.ipynb") for name in NOTEBOOKS}
    given: dict[str, dict[str, Any]] = {name: {} for name in NOTEBOOKS}
    of_device = _of_device(config)
    emulated = not config.recordings and of_device.get("hours", FULL_HOURS) >= FULL_HOURS
    base = {} if config.quick else {**FULL, **(EMULATED if emulated else {})}
    own = {"profile": _resolved(config.profile), "plan": _resolved(config.faults)}
    for key, value in {**base, **of_device, **own, **config.settings}.items():
        for name, parameter in _addressed(key, known):
            where = f"{name}.ipynb"
            given[name][parameter.name] = (
                from_text(value, parameter, where)
                if isinstance(value, str)
                else check({parameter.name: value}, known[name], where)[parameter.name]
            )
    return given


def _of_device(config: Config) -> dict[str, Any]:
    """Return what the profile of the device says; none is asked where there are several."""
    if any(key.rpartition(".")[2] == "profiles" for key in config.settings):
        return {}
    try:
        profiles = [Recording.open(folder).profile for folder in config.recordings]
        return parameters_of(
            profiles or [Profile.load(config.profile)],
            emulated=not config.recordings,
            quick=config.quick,
        )
    except SensorkitError:  # whoever looks at the input says so
        return {}


def _resolved(name: str) -> str:
    """Return the absolute path of a YAML file: a notebook works in a folder of its own."""
    return str(Path(name).resolve()) if Path(name).suffix in {".yaml", ".yml"} else name


def settings_of(parameters: Mapping[str, Any]) -> Settings:
    """Return the settings that 03_benchmark makes of its parameters."""
    taken = {name: parameters[name] for name in SETTINGS}
    return Settings.from_dict(taken | {name: parameters[name] or None for name in OR_NONE})


def _addressed(
    key: str, known: Mapping[str, Mapping[str, Parameter]]
) -> list[tuple[str, Parameter]]:
    """Return the parameters that *key* means: `name` in the chain, or `notebook.name` in one."""
    notebook, dot, name = key.rpartition(".")
    if name in GIVEN_BY_THE_DRIVER:
        raise NotebookError(f"{key!r} cannot be set; use {GIVEN_BY_THE_DRIVER[name]}")
    if dot and notebook not in known:
        raise NotebookError(f"{key!r}: no notebook {notebook!r}; {did_you_mean(notebook, known)}")
    places = [notebook] if dot else list(CHAIN)
    found = [(place, known[place][name]) for place in places if name in known[place]]
    if not found:
        names = {p for place in places for p in known[place]} - set(GIVEN_BY_THE_DRIVER)
        where = f"{notebook}.ipynb has" if dot else "the notebooks have"
        raise NotebookError(f"{where} no parameter {name!r}; {did_you_mean(name, names)}")
    return found


Parameters = dict[str, dict[str, Any]]
"""Notebook -> parameter -> value."""


def in_force(given: Mapping[str, Mapping[str, Any]], folder: Path) -> Parameters:
    """Return *given* and, for all other parameters, the notebooks' own defaults."""
    return {
        name: {p.name: p.default for p in declared(folder / f"{name}.ipynb").values()}
        | dict(given[name])
        for name in NOTEBOOKS
    }


def as_file(config: Config, parameters: Mapping[str, Mapping[str, Any]]) -> str:
    """Return all that is in force as a file that `--config` takes, in YAML.

    Parameters
    ----------
    config : Config
    parameters : mapping
        All parameters in force.
    """
    recordings = [str(folder.resolve()) for folder in config.recordings]
    sections = {
        name: {key: value for key, value in given.items() if key not in GIVEN_BY_THE_DRIVER}
        for name, given in parameters.items()
    }
    said: dict[str, Any] = {"recordings": recordings} if recordings else {}
    said |= {"require": list(config.require)} if config.require else {}
    text: str = yaml.safe_dump({**said, **sections}, sort_keys=False, allow_unicode=True)
    return text


def look_at_input(config: Config, parameters: Mapping[str, Mapping[str, Any]]) -> None:
    """Raise now what a notebook would only find out later.

    Parameters
    ----------
    config : Config
    parameters : mapping
        All parameters in force.

    Raises
    ------
    UsageError
        If a profile, a plan or a recording cannot be used, or a recording is too short.
    """
    capture, inject = parameters["01_capture"], parameters["02_inject_faults"]
    _make_sense(parameters)
    settings = settings_of(parameters["03_benchmark"])
    profiles = [Profile.load(name) for name in capture["profiles"] or [config.profile]]
    FaultPlan.campaign(inject["kinds"], ["any"])
    for profile in [] if config.recordings else profiles:
        known = [channel.name for channel in profile.channels]
        for name in inject["channels"]:
            if name not in known:
                raise UsageError(f"profile {profile.name!r}: {unknown('channel', name, known)}")
    plans = [FaultPlan.load(name) for name in plans_of(inject)]
    recordings = [Recording.open(folder) for folder in config.recordings]
    names = [recording.name for recording in recordings]
    for name in names:
        if names.count(name) > 1:
            raise UsageError(
                f"two recordings are called {name!r}, and a report could not tell them apart; "
                "rename one of the folders"
            )
    devices = [recording.profile for recording in recordings] or profiles
    table = entries(settings, {}, devices)
    requirements.look_at(
        parsed(config.require),
        detectors=[entry.name for entry in table],
        kinds=_kinds(recordings, plans, inject),
        units=_units(devices),
        detectability=settings.detectability,
    )
    for recording in recordings:
        if not recording.labels().empty:
            prepare(recording, settings)
            continue
        for plan in plans:
            injections(recording.readings(), plan, inject["seed"])
        if not plans:
            _campaign(recording, inject)


def _kinds(
    recordings: Sequence[Recording], plans: Sequence[FaultPlan], inject: Mapping[str, Any]
) -> set[str]:
    """Return the kinds of the faults that detectors will be tried on."""
    found = {str(kind) for recording in recordings for kind in recording.labels()["kind"]}
    if recordings and all(len(recording.labels()) for recording in recordings):
        return found
    if plans:
        return found | {fault.kind for plan in plans for fault in plan.faults}
    return found | set(inject["kinds"])


def _units(profiles: Sequence[Profile]) -> dict[str, set[str]]:
    """Return the units of each channel, over all devices."""
    found: dict[str, set[str]] = {}
    for profile in profiles:
        for channel in profile.channels:
            found.setdefault(channel.name, set()).add(channel.unit)
    return found


def _make_sense(parameters: Mapping[str, Mapping[str, Any]]) -> None:
    """Raise if a value could not stand in a file that `--config` takes, wherever it came from."""
    # A profile is always there, and several go before it; kinds and detectors are looked up by
    # those who know them.
    own = {"profile", "kinds", "detectors", *GIVEN_BY_THE_DRIVER}
    for notebook in CHAIN:
        given = {
            name: None if name in OR_NONE and not value else value
            for name, value in parameters[notebook].items()
            if name in _File.model_fields and name not in own
        }
        _File.from_dict(given, notebook)


def plans_of(inject: Mapping[str, Any]) -> list[str]:
    """Return the fault plans of 02_inject_faults; none is a campaign."""
    return [inject["plan"]] if inject["plan"] else list(inject["plans"])


def _campaign(recording: Recording, own: Mapping[str, Any]) -> None:
    sizes = ("kinds", "channels", "sizes_sigma", "durations", "repeats", "seed")
    clean = own["fit"] + own["calibrate"]
    campaign(recording, clean=clean, **{name: own[name] for name in sizes})
