"""Several links at once: a process for each, which no other can hurt, and one session.json."""

from __future__ import annotations

import contextlib
import json
import os
import queue
import shlex
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager
from pathlib import Path
from typing import TYPE_CHECKING, Any

import typer
from rich.console import Group
from rich.live import Live
from rich.text import Text

from sensorkit import __version__
from sensorkit.cli.app import counted, err, log, out, print_json, printable
from sensorkit.cli.capture.sinking import Sinks
from sensorkit.cli.capture.status import fitted
from sensorkit.cli.capture.watching import hint
from sensorkit.cli.config.settling import current
from sensorkit.cli.session.links import NamedLink
from sensorkit.cli.session.process import CaptureProcess
from sensorkit.errors import RunError

if TYPE_CHECKING:
    from sensorkit.readings import Alert

LOOK_S = 0.1
"""How often Ctrl+C and the ends of processes are looked for."""

LAST_WORDS_S = 60.0
"""After a second Ctrl+C a process has so long to end before it is killed; `recover` does the
rest."""

OWN = {"links", "folder", "profile", "baud", "device", "as_json", "feed", "preset", "log_file"}
"""Parameters of the command that each process gets in a form of its own, or not at all."""

StopOnSignal = Callable[[], AbstractContextManager[Callable[[], bool]]]


def capture_all(
    links: Sequence[NamedLink], folder: Path, stop_on_signal: StopOnSignal, *, as_json: bool
) -> None:
    """Record all *links* until the last has ended, and say how it went.

    Raises
    ------
    RunError
        If one of them failed; the others were recorded to their end.
    """
    interrupted = False
    # From before there is anything to stop: Ctrl+C while modules are imported must not be lost.
    with stop_on_signal() as stop, contextlib.ExitStack() as stack:
        session = _SessionFile(folder, links)
        said: queue.SimpleQueue[tuple[str, str, Any]] = queue.SimpleQueue()
        captures = [
            stack.enter_context(
                CaptureProcess(str(link.name), _arguments(link, folder), said, folder)
            )
            for link in links
        ]
        watch = _SessionWatch(captures, session, quiet=as_json)
        try:
            watch.run(said, stop)
        except KeyboardInterrupt:
            interrupted = True
            err.print("sensorkit: stopping in the middle")
            watch.break_off(said, LAST_WORDS_S)
    session.end()
    _join_reports(folder, captures)
    if interrupted:
        err.print(
            f"sensorkit: {printable(str(folder))} was stopped in the middle; what is not whole is "
            f"finished by `sensorkit recover {shlex.quote(str(folder))}`"
        )
        raise typer.Exit(130)
    _summarize(folder, session, captures, as_json=as_json)


class _SessionFile:
    """session.json as it stands now; what it cannot write it says once and goes on."""

    def __init__(self, folder: Path, links: Sequence[NamedLink]) -> None:
        from sensorkit.capture import session_file
        from sensorkit.readings import isoformat

        self.folder = folder
        self._write = session_file.write_session
        self._told = False
        self.meta: dict[str, Any] = {
            "schema_version": session_file.SCHEMA_VERSION,
            "sensorkit": __version__,
            "name": folder.resolve().name,
            "status": "recording",
            "reason": "",
            "started": isoformat(time.time_ns()),
            "ended": None,
            "devices": [
                {
                    "name": link.name,
                    "link": link.url,
                    "profile": link.profile.name,
                    "baud": link.baud,
                    "folder": link.name,
                    "status": "starting",
                    "reason": "",
                    "counts": None,
                }
                for link in links
            ],
        }
        try:
            folder.parent.mkdir(parents=True, exist_ok=True)
            folder.mkdir()
            self._write(folder, self.meta)
        except OSError as error:
            with contextlib.suppress(OSError):
                folder.rmdir()
            raise RunError(
                f"{folder}: cannot be written: {error.strerror or error}; nothing is recorded: "
                "make room, or choose another --out"
            ) from error

    def change(self, name: str, **facts: Any) -> None:
        """Take over what is new of a device."""
        (device,) = [one for one in self.meta["devices"] if one["name"] == name]
        if any(device.get(key) != value for key, value in facts.items()):
            device.update(facts)
            self._save()

    def end(self) -> None:
        """Write how it all ended."""
        from sensorkit.capture.session_file import closed
        from sensorkit.readings import isoformat

        self.meta |= {"ended": isoformat(time.time_ns()), **closed(self.meta)}
        self._save()

    def _save(self) -> None:
        try:
            self._write(self.folder, self.meta)
        except OSError as error:
            log.error("session.json could not be written: %s", error)
            if not self._told:
                self._told = True
                hint(
                    f"session.json could not be written: {error.strerror or error}; the recordings "
                    f"go on, and `sensorkit recover {self.folder}` writes it"
                )


class _SessionWatch:
    """What the processes say, as lines on the terminal and as facts of the session."""

    def __init__(
        self, captures: Sequence[CaptureProcess], session: _SessionFile, *, quiet: bool
    ) -> None:
        self._captures = captures
        self._session = session
        self._quiet = quiet
        self._width = max(len(one.name) for one in captures)
        self._lines: dict[str, tuple[list[str], list[str]]] = {
            one.name: (["starting"], []) for one in captures
        }
        self._asked = False
        self._gone: set[str] = set()
        self._sinks = Sinks()

    def run(self, said: queue.SimpleQueue[tuple[str, str, Any]], stop: Callable[[], bool]) -> None:
        """Listen until all have ended."""
        moves = err.is_terminal and not self._quiet
        with Live(
            console=err,
            refresh_per_second=4,
            transient=True,
            get_renderable=self._shown if moves else Text,
            auto_refresh=moves,
            redirect_stdout=moves and sys.stdout.isatty(),
            redirect_stderr=moves,
        ):
            while len(self._gone) < len(self._captures):
                if stop() and not self._asked:
                    self._asked = True
                    for one in self._captures:
                        one.ask_to_stop()
                self._hear(said)

    def break_off(self, said: queue.SimpleQueue[tuple[str, str, Any]], patience_s: float) -> None:
        """Have all stop in the middle, and wait for them; kill what does not."""
        for one in self._captures:
            one.ask_to_stop()
            one.ask_to_stop()
        end = time.monotonic() + patience_s
        while len(self._gone) < len(self._captures) and time.monotonic() < end:
            self._hear(said)

    def _hear(self, said: queue.SimpleQueue[tuple[str, str, Any]]) -> None:
        try:
            name, what, value = said.get(timeout=LOOK_S)
        except queue.Empty:
            return
        (capture,) = [one for one in self._captures if one.name == name]
        match what:
            case "status":
                self._lines[name] = (value["must"], value["may"])
                lost = "the link is lost; it waits for it to come back" if value["lost"] else ""
                self._session.change(name, status="recording", reason=lost)
            case "alert":
                for problem in self._sinks.add([_alert(value)]):
                    hint(problem)
                if not self._quiet and self._sinks.says:
                    _say(name, value, self._width)
            case "hint":
                hint(f"{name}: {value}")
            case "gone":
                self._gone.add(name)
                facts = capture.facts()
                self._lines[name] = ([facts["status"], facts["reason"]], [])
                self._session.change(name, **facts)
                if capture.problem is not None and capture.problem != capture.last_words:
                    hint(f"{name}: {capture.problem}")

    def _shown(self) -> Group:
        room = err.width - self._width - 2
        lines = []
        for name, (must, may) in self._lines.items():
            lines.append(Text(f"{name:<{self._width}}  ") + fitted(must, may, room))
            lines[-1].no_wrap, lines[-1].overflow = True, "ellipsis"
        return Group(*lines)


def _alert(row: dict[str, Any]) -> Alert:
    """Return what a capture has told of an alert, as it was there."""
    from sensorkit.readings import Alert, Severity, parse_time

    told = {key: row[key] for key in ("type", "description", "detector", "device", "channel")}
    numbers = {key: row[key] for key in ("value", "score")}
    severity = Severity(row["severity"])
    return Alert(start=parse_time(row["timestamp"]), severity=severity, **told, **numbers)


def _say(name: str, alert: dict[str, Any], width: int) -> None:
    who = name if alert["device"] == name else f"{name} ({alert['device']})"
    text = (
        f"{alert['timestamp']}  {alert['severity']:<8}  {who:<{width}}  {alert['type']}  "
        f"{alert['description']}"
    )
    sys.stdout.write(printable(text) + "\n")
    sys.stdout.flush()  # a pipe reads along


def _arguments(link: NamedLink, folder: Path) -> list[str]:
    """Return the command line of one capture: what was asked for all, and what is its own."""
    profile = link.told_profile
    name = str(link.name)
    own = {"--out": folder / name, "--device": name, "--profile": profile, "--baud": link.baud}
    shared = list(_passed_on(current().context, name))
    words = [word for option, value in own.items() for word in (option, str(value))]
    return ["capture", *words, *shared, "--feed", "--", link.url]


def _passed_on(context: Any, name: str) -> Iterator[str]:
    """Yield the options that hold for all links, wherever they came from."""
    for parameter in context.command.params:
        value = context.params.get(parameter.name or "")
        option = max(parameter.opts, key=len)
        if parameter.name == "log_file" and value is not None:
            yield f"{option}={value.with_stem(f'{value.stem}-{name}')}"
        if parameter.name in OWN or value is None or value is False:
            continue
        if value is True:
            yield option
        elif getattr(parameter, "count", False):
            yield from [option] * int(value)
        elif isinstance(value, list | tuple):
            yield from (f"{option}={one}" for one in value)
        else:
            yield f"{option}={value}"


def environment() -> dict[str, str]:
    """Return the environment of a capture whose command line says all there is to say."""
    kept = {
        name: text
        for name, text in os.environ.items()
        if "COLOR" not in name
        and name != "SENSORKIT_PRESET"
        and not name.startswith("SENSORKIT_CAPTURE_")
    }
    plain = {"TERM": "dumb", "TTY_COMPATIBLE": "0", "PYTHONIOENCODING": "utf-8"}
    return kept | plain | {"SENSORKIT_CONFIG": "none"}


def _join_reports(folder: Path, captures: Sequence[CaptureProcess]) -> None:
    """Write one anomaly_report.json of what the detectors of all links said."""
    from sensorkit.capture import layout

    found: list[dict[str, Any]] = []
    for one in captures:
        with contextlib.suppress(OSError, ValueError):
            report = folder / one.name / layout.DERIVED / "anomaly_report.json"
            found += json.loads(report.read_text(encoding="utf-8"))
    found.sort(key=lambda entry: str(entry["timestamp"]))
    text = json.dumps(found, indent=2, ensure_ascii=False, allow_nan=False)
    try:
        (folder / layout.DERIVED).mkdir(exist_ok=True)
        layout.write_whole(folder / layout.DERIVED / "anomaly_report.json", text + "\n")
    except OSError as error:
        log.error("anomaly_report.json could not be written: %s", error)


def _summarize(
    folder: Path, session: _SessionFile, captures: Sequence[CaptureProcess], *, as_json: bool
) -> None:
    """Say how it went, a line a device."""
    from sensorkit.cli.capture.summary import sentence

    problems = {one.name: one.problem for one in captures if one.problem is not None}
    if as_json:
        facts = {"session": str(folder), "status": session.meta["status"]}
        devices = [
            {"name": one.name, **(one.end or one.facts()), "problem": one.problem}
            for one in captures
        ]
        print_json({**facts, "reason": session.meta["reason"], "devices": devices})
    else:
        for one in captures:
            if one.end is not None:
                out.print(sentence(one.end))
    if problems:
        told = "; ".join(f"{name}: {problem}" for name, problem in problems.items())
        raise RunError(f"{counted(len(problems), 'link')} of {len(captures)} failed: {told}")
