"""`sensorkit learn`: from healthy data of a device to its profile."""

from __future__ import annotations

import re
import shlex
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from sensorkit.cli.app import command, counted, err, out, print_json, printable, stop_on_signal
from sensorkit.cli.quantities import duration, line_speed
from sensorkit.cli.session.shown import rate_of
from sensorkit.errors import LinkLost, RecordingError, UsageError, VerifyError

if TYPE_CHECKING:
    from sensorkit.learning import Learned, Result, Source
    from sensorkit.profile import Profile

LISTEN_S = 60.0


@command("learn")
def learn(
    source: Annotated[
        str,
        typer.Argument(
            help="A recording or session, a log of text (file:PATH), or a link to listen to."
        ),
    ],
    out_file: Annotated[
        Path | None,
        typer.Option(
            "--out", metavar="PROFILE.yaml", help="The new profile; NAME.yaml here by default."
        ),
    ] = None,
    force: Annotated[bool, typer.Option("--force", help="Overwrite the profile.")] = False,
    name: Annotated[
        str | None, typer.Option(help="Of the profile; the source's by default.")
    ] = None,
    listen: Annotated[
        float | None, typer.Option(help="Seconds to listen to a link; 60 by default.")
    ] = None,
    baud: Annotated[int, typer.Option(min=1, help="Speed of a serial port.")] = 115200,
    probe: Annotated[
        bool, typer.Option("--probe", help="Find the speed of a serial port first.")
    ] = False,
    keep: Annotated[
        Path | None, typer.Option(help="Keep what was heard as a recording in this new folder.")
    ] = None,
    check: Annotated[
        str | None,
        typer.Option(
            metavar="PROFILE",
            help="Learn nothing: hold what this profile emulates against the source.",
        ),
    ] = None,
    seed: Annotated[int, typer.Option(min=0, help="Of the emulation that is compared.")] = 0,
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON.")] = False,
) -> None:
    """Draft the profile of a device from healthy data: frames, channels, waveforms, rules.

    The YAML says in comments what each value comes from and what is unsure. Then as many readings
    are emulated as there were, and compared: mean, spread, autocorrelation, spectrum.

    Example: sensorkit learn recordings/monday --out mine.yaml
    """
    from sensorkit.profile import Profile

    profile = None if check is None else Profile.load(check)
    _check_options(source, listen=listen, keep=keep, probe=probe, out_file=out_file, force=force)
    seconds = None if listen is None else duration(listen, "--listen")
    with _sources(source, seconds, line_speed(baud, "--baud"), keep, probe=probe) as sources:
        if profile is not None:
            _check(sources, profile, seed, as_json=as_json)
            return
        _learn(sources, out_file, name, seed, force=force, as_json=as_json)


def _is_link(source: str) -> bool:
    return (
        not source.startswith("file:") and not Path(source).is_dir() and not Path(source).is_file()
    )


def _may_be_a_path(source: str) -> bool:
    """Return whether *source* is no URL, no COM port, and so the path of a file or a device."""
    return ":" not in source and re.fullmatch(r"(?i)com\d+", source) is None


def _check_options(
    source: str,
    *,
    listen: float | None,
    keep: Path | None,
    probe: bool,
    out_file: Path | None,
    force: bool,
) -> None:
    """Say what is wrong before a port is opened or a minute has passed."""
    if not _is_link(source):
        given = {"--listen": listen is not None, "--keep": keep is not None, "--probe": probe}
        for option, is_given in given.items():
            if is_given:
                raise UsageError(f"{option}: {source} is no link to listen to; leave it out")
    elif _may_be_a_path(source) and not Path(source).exists():
        raise UsageError(
            f"{source}: is not there; give a recording, a log, or a link (`sensorkit ports` lists "
            "the serial ports)"
        )
    if keep is not None and keep.exists():
        raise RecordingError(f"{keep}: is already there; choose another --keep or remove it")
    if out_file is not None:
        _must_be_free(out_file, force=force)


def _must_be_free(path: Path, *, force: bool) -> None:
    if path.suffix not in {".yaml", ".yml"}:
        raise UsageError(f"--out {path}: a profile is a .yaml file; try {path.name}.yaml")
    if path.exists() and not force:
        raise UsageError(
            f"{path}: is already there and may have been edited; give another --out, or --force to "
            "overwrite it"
        )


@contextmanager
def _sources(
    source: str, seconds: float | None, baud: int, keep: Path | None, *, probe: bool
) -> Iterator[list[Source]]:
    """Give what is to be learned from; what was only listened to is removed in the end."""
    from sensorkit.learning import of_file, of_folder, of_recording

    if not _is_link(source):
        path = Path(source.removeprefix("file:"))
        yield of_folder(path) if path.is_dir() else [of_file(path)]
        return
    with tempfile.TemporaryDirectory(prefix="sensorkit-learn-") as folder:
        recording = _heard(source, keep or Path(folder) / "heard", seconds, baud, probe=probe)
        found = of_recording(recording)
        link_name = Path(source.partition("://")[2] or source).name
        named = found if keep else _named(found, link_name or "device", source)
        yield [named]


def _named(source: Source, name: str, where: str) -> Source:
    from dataclasses import replace

    return replace(source, name=name, where=where)


def _heard(link: str, folder: Path, seconds: float | None, baud: int, *, probe: bool) -> Any:
    """Record what a link says, without knowing how to read it."""
    from sensorkit.capture import Recording
    from sensorkit.capture.recorder import record
    from sensorkit.capture.writer import RecordingWriter
    from sensorkit.profile import Profile
    from sensorkit.wire.links import open_link

    seconds = LISTEN_S if seconds is None else seconds
    unknown = Profile.model_validate(
        {
            "name": "not_yet_known",
            "rate_hz": 1.0,
            "channels": [{"name": "value"}],
            "frame": {"format": "whitespace", "columns": ["value"]},
        }
    )
    opened = open_link(link, baud=baud)
    try:
        if probe:
            baud = _speed(link, opened, unknown, baud)
        shown = opened.name if opened.name != link else link
        err.print(f"sensorkit: listening to {printable(shown)} for {seconds:g} s; Ctrl+C ends it")
        with stop_on_signal() as stop:
            writer = RecordingWriter(folder, unknown, link={"url": link, "baud": baud})
            try:
                for _ in record(opened, writer, duration_s=seconds, stop=stop):
                    pass
            except LinkLost as lost:
                err.print(f"sensorkit: {printable(str(lost))}; learning from what came until then")
    finally:
        opened.close()
    return Recording.open(folder)


def _speed(link: str, opened: Any, unknown: Profile, baud: int) -> int:
    """Set the speed at which text comes; return it."""
    from sensorkit.capture import probe
    from sensorkit.wire.links import has_baud, set_baud

    if not has_baud(link):
        raise UsageError(f"--probe: {link} has no speed to find; leave it out")
    best = probe.try_speeds(opened, [unknown], baud, seconds=probe.LISTEN_S, set_speed=set_baud)
    err.print(f"sensorkit: {printable(link)}: {best.baud} baud, {best.diagnosis.findings()}")
    return best.baud or baud


def _learn(
    sources: Sequence[Source],
    out_file: Path | None,
    name: str | None,
    seed: int,
    *,
    force: bool,
    as_json: bool,
) -> None:
    from sensorkit.capture import layout
    from sensorkit.capture.columns import identifier
    from sensorkit.learning import learn as learn_from

    if len(sources) > 1 and (out_file is not None or name is not None):
        names = ", ".join(source.name for source in sources)
        raise UsageError(
            f"--out and --name are for one device, and this session has {len(sources)} ({names}); "
            "leave them out, or name the folder of one"
        )
    paths = [out_file or Path(f"{identifier(name or source.name)}.yaml") for source in sources]
    for path in paths:
        _must_be_free(path, force=force)
    told = []
    for source, path in zip(sources, paths, strict=True):
        learned = learn_from(source, name=name, seed=seed)
        layout.write_whole(path, learned.yaml)
        if as_json:
            told.append({"written": str(path), **learned.to_dict()})
        else:
            _tell(learned, path)
    if as_json:
        print_json(told[0] if len(told) == 1 else told)


def _tell(learned: Learned, path: Path) -> None:
    frame = learned.profile.frame
    how = f"{learned.share:.1%} of the lines read as {frame.format}" if frame else "no frames"
    rate = rate_of(learned.profile.rate_hz) if learned.rate_known else "rate not known"
    out.print(printable(f"{learned.where}: {counted(learned.frames, 'reading')}, {how}, {rate}"))
    if len(learned.devices) > 1:
        told = ", ".join(learned.devices[:8]) + (", ..." if len(learned.devices) > 8 else "")
        many = counted(len(learned.devices), "device")
        out.print(printable(f"{many}: {told}; what follows is of the one with the most readings"))
    out.print()
    _print_table(_channels(learned))
    out.print()
    _print_results(learned.results)
    out.print()
    out.print(printable(f"{path}: written; its comments say what is sure and what is not"))
    if not learned.rate_known:
        out.print("the lines have no times: put the rate of the device into rate_hz")
    if frame is not None:
        out.print(printable(f"try it: sensorkit emulate {shlex.quote(str(path))}"))


def _channels(learned: Learned) -> list[list[str]]:
    rows = [["channel", "unit", "from", "to", "step", "noise", "cycle", "how sure", "kind"]]
    for channel, signal in zip(learned.profile.channels, learned.signals, strict=True):
        waveform = signal.waveform
        step = waveform.step or 10.0**-channel.decimals
        cycles = [f"{c.amplitude:.3g} in {c.period_s:.4g} s" for c in waveform.cycles[:1]]
        more = f" +{len(waveform.cycles) - 1}" if len(waveform.cycles) > 1 else ""
        rows.append(
            [
                channel.name,
                channel.unit or "-",
                f"{signal.low:g}" if signal.values else "-",
                f"{signal.high:g}" if signal.values else "-",
                f"{step:g}",
                f"{waveform.noise.sigma:.3g}" if waveform.noise else "-",
                f"{cycles[0]}{more}" if cycles else "-",
                signal.sureness,
                signal.kind,
            ]
        )
    return rows


def _print_results(results: Sequence[Result]) -> None:
    """Say for each channel what an emulated one has in common with it."""
    if not results:
        return
    tests = list(dict.fromkeys(one.test for one in results))
    by_channel: dict[str, dict[str, str]] = {}
    for one in results:
        by_channel.setdefault(one.channel, {})[one.test] = one.verdict
    rows = [["emulated", *tests]]
    rows += [[name, *(found[test] for test in tests)] for name, found in by_channel.items()]
    _print_table(rows)
    for one in results:
        if one.verdict == "fail":
            note = f" ({one.note})" if one.note else ""
            out.print(
                printable(
                    f"{one.channel}: {one.test} differs by {one.difference:.3g}, {one.allowed:.3g} "
                    f"are allowed{note}"
                )
            )
    if any(one.verdict == "open" for one in results):
        out.print("open: the data are too short for this test; record longer")


def _print_table(rows: Sequence[Sequence[str]]) -> None:
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    for row in rows:
        cells = (cell.ljust(width) for cell, width in zip(row, widths, strict=True))
        out.print(printable("  ".join(cells).rstrip()))


def _check(sources: Sequence[Source], profile: Profile, seed: int, *, as_json: bool) -> None:
    """Hold the emulation of a profile against data; a test that fails is an exit status of 1."""
    from sensorkit.learning import check, failures

    failed: list[str] = []
    told = []
    for source in sources:
        results = check(source, profile, seed=seed)
        failed += [f"{one.channel} ({one.test})" for one in failures(results)]
        if as_json:
            told.append({"source": source.where, "resemblance": [one.to_dict() for one in results]})
        else:
            out.print(printable(f"{source.where} and what profile {profile.name} emulates:"))
            _print_results(results)
    if as_json:
        print_json(told[0] if len(told) == 1 else told)
    if failed:
        raise VerifyError(
            f"what profile {profile.name} emulates differs from {sources[0].where} in "
            f"{', '.join(failed[:6])}{' and others' if len(failed) > 6 else ''}"
        )
