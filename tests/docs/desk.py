"""Where the blocks of a page run: a fresh folder, a device on every port, and nobody's network."""

from __future__ import annotations

import ast
import contextlib
import doctest
import io
import itertools
import os
import re
import shlex
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from unittest import mock

import blocks as pages
import stand_ins
import yaml
from beside import PATIENCE_S, Beside, PageError, until
from blocks import Block
from places import Places

from sensorkit.cli import app
from sensorkit.profile import Profile

ROOT = Path(__file__).parents[2]

PORTS = re.compile(r"([\w.-]+=)?/dev/(?:ttyUSB[01]|ttyACM0|cu\.usbserial-\w+|serial/by-id/[\w.-]+)")
"""The names under which pages speak of a port: an emulated device is behind each."""

RECORDINGS = ("monday", "tuesday", "bench", "healthy", "monday-faults")
"""In recordings/: three healthy hours each, the last with faults."""

FASTER = 10
"""Devices run so many times faster than they would, and captures are so many times shorter."""

LONGEST_S = 3.0
"""No capture on a page takes longer."""

ENOUGH_FRAMES = 5
"""A capture that ends with Ctrl+C is stopped when so many frames are on disk."""


class Desk:
    """Runs the blocks of one page, top to bottom.

    Parameters
    ----------
    folder : Path
        An empty folder.
    monday : Path
        Holds what pages call recordings/monday and recordings/monday-faults.
    instead : mapping
        Dotted name -> what stands there while `sensorkit` runs in this process.
    """

    def __init__(self, folder: Path, monday: Path, instead: dict[str, Any]) -> None:
        self.work = folder / "work"
        self.work.mkdir()
        for name in ("datasets", "examples"):
            shutil.copytree(ROOT / name, self.work / name)
        (self.work / "tests").symlink_to(ROOT / "tests")
        for name in RECORDINGS:
            shutil.copytree(monday / name, self.work / "recordings" / name)
        stand_ins.write_tables(self.work)
        shipped = ROOT / "sensorkit" / "profiles" / "serial_monitor.yaml"
        shutil.copy(shipped, self.work / "mydevice.yaml")
        stand_ins.write_skab(folder / "data" / "skab")
        self.tmp = folder / "tmp"
        self.tmp.mkdir()
        self.cwd = self.work
        self._instead = instead
        self.profile: Profile | None = None
        self.names: dict[str, Any] = {"__name__": "__main__"}
        self.env = {
            "SENSORKIT_DATA": str(folder / "data"),
            "SENSORKIT_CACHE": str(folder / "cache"),
            "SENSORKIT_QUIET": "1",
            "TZ": "UTC",
            "PATH": f"{stand_ins.shims(folder / 'bin')}{os.pathsep}{os.environ['PATH']}",
        }
        self._code = 0
        self._beside: list[Beside] = []
        self.places = Places(self.work, self.tmp)
        self._path: list[str] = []

    # What a page may contain.

    def run(self, block: Block) -> None:
        """Run or read *block*; raise if it is not as the page says."""
        if block.not_run is not None:
            return
        if block.language == "sh":
            self._sh(block)
        elif block.language == "console":
            self._console(block)
        elif block.language == "python":
            self._python(block)
        else:
            self._data(block)

    def _sh(self, block: Block) -> None:
        lines = pages.commands(block.text)
        for line in lines:
            said = self._command(line)
            wanted = block.exits if line == lines[-1] else 0
            if self._code != wanted:
                raise PageError(f"{block}: {line}\nexits with {self._code}:\n{said}")

    def _console(self, block: Block) -> None:
        lines = pages.shown(block.text)
        for at, (line, expected) in enumerate(lines):
            said = self._command(line, expected)
            if not pages.agrees(expected, said):
                missed = "".join(pages.missed(expected, said))
                raise PageError(
                    f"{block}: {line}\nthe page shows:\n{expected}\nwhat came:\n{said}\n"
                    f"shown, and nowhere in it:\n{missed or '(each line is there)'}"
                )
            asked = at + 1 < len(lines) and lines[at + 1][0] == "echo $?"
            wanted = block.exits if at + 1 == len(lines) else 0
            if self._code != wanted and not asked:
                raise PageError(f"{block}: {line}\nexits with {self._code}:\n{said}")

    def _python(self, block: Block) -> None:
        text = self.places.local(block.text)
        if PORTS.search(block.text):
            text = PORTS.sub(str(self._device(None)), text)
        with self._here():
            if not re.search(r"^\s*>>> ", text, re.MULTILINE):
                with contextlib.redirect_stdout(io.StringIO()):
                    self._run_cell(ast.parse(text), f"{block.page}, line {block.line}")
                return
            test = doctest.DocTestParser().get_doctest(
                text, self.names, str(block), block.page, block.line
            )
            said = io.StringIO()
            options = doctest.ELLIPSIS | doctest.NORMALIZE_WHITESPACE
            runner = doctest.DocTestRunner(optionflags=options)
            if runner.run(test, out=said.write, clear_globs=False).failed:
                raise PageError(f"{block}:\n{said.getvalue()}")
            self.names = test.globs

    def _run_cell(self, cell: ast.Module, where: str) -> None:
        """Run statements as JupyterLab does: what stands last is shown."""
        last = cell.body.pop() if cell.body and isinstance(cell.body[-1], ast.Expr) else None
        exec(compile(cell, where, "exec"), self.names)
        if last is not None:
            shown = eval(compile(ast.Expression(last.value), where, "eval"), self.names)
            repr(shown)
            if type(shown).__module__.startswith("sensorkit.") and hasattr(shown, "_repr_html_"):
                shown._repr_html_()

    def _data(self, block: Block) -> None:
        if block.language not in pages.PARSERS:
            known = ", ".join([*pages.RUN, *pages.PARSERS])
            raise PageError(f"{block}: nobody can read {block.language!r}; there are {known}")
        with self._here():  # a format may come from a package that the page has installed
            value = pages.parse(block, self.profile)
        if isinstance(value, Profile) and {"name", "rate_hz"} <= yaml.safe_load(block.text).keys():
            self.profile = value
        for line in pages.commands(pages.steps(value)):
            self._step(block, line)
        if block.file is not None:
            to = self.cwd / block.file
            to.parent.mkdir(parents=True, exist_ok=True)
            to.write_text(block.text, encoding="utf-8")

    def _step(self, block: Block, line: str) -> None:
        """Look at a command of a CI service; it is not run."""
        words = shlex.split(line)
        if words[0].rpartition("/")[2] == "sensorkit":
            said = self._in_process([*words[1:], "--help"])
            if self._code:
                raise PageError(f"{block}: {line}\n{said}")
        elif words[0] == "make":
            stand_ins.check_make(words[1:])

    # Commands.

    def _command(self, line: str, expected: str = "") -> str:
        """Run a command as it would be typed; return what it says."""
        try:
            words = shlex.split(self.places.local(line), comments=True)
        except ValueError as error:
            raise PageError(f"{line}: {error}") from error
        if words[:3] == ["python", "-m", "sensorkit"]:
            words = ["sensorkit", *words[3:]]
        if words[:3] == ["python", "-m", "pip"]:
            words = words[2:]
        program, arguments = words[0], words[1:]
        if pages.needs_a_shell(line):
            return self._shell(self.places.local(line))
        own = {
            "sensorkit": self._sensorkit,
            "make": lambda words: self._looked_at(stand_ins.check_make(words)),
            "pip": self._pip,
            "cd": self._cd,
            "export": self._export,
            "source": lambda _: self._looked_at(None),
            "jupyter": lambda words: self._looked_at(stand_ins.check_notebooks(words, self.cwd)),
        }
        if program == "sensorkit":
            return self.places.told(self._sensorkit(arguments, expected))
        return self.places.told(own[program](arguments)) if program in own else self._shell(line)

    def _shell(self, line: str) -> str:
        done = subprocess.run(
            ["/bin/sh", "-c", f"(exit {self._code}); {line}"],
            cwd=self.cwd,
            env={**os.environ, **self.env},
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            timeout=PATIENCE_S,
            check=False,
        )
        self._code = done.returncode
        return self.places.told(done.stdout)

    def _sensorkit(self, arguments: list[str], expected: str = "") -> str:
        command = arguments[0] if arguments else ""
        if command == "emulate" and not _finite(arguments):
            return self._emulate(arguments, expected)
        if command == "capture" and "--help" not in arguments:
            return self._capture(arguments)
        if command == "learn":
            arguments = self._attached(arguments)
        if command == "demo":
            arguments = [*arguments, "--speed", str(FASTER)]
        if "-" in arguments:  # bytes go out
            return self._shell(f"sensorkit {shlex.join(arguments)}")
        if arguments[:2] == ["datasets", "fetch"]:  # nothing is downloaded here
            names = [word for word in arguments[2:] if not word.startswith("-")]
            return "".join(self._in_process(["datasets", "show", name]) for name in names)
        return self._in_process(arguments)

    def _in_process(self, arguments: list[str]) -> str:
        said = io.StringIO()
        with contextlib.ExitStack() as stack:
            stack.enter_context(self._here())
            for name, instead in self._instead.items() if "evaluate" in arguments else ():
                stack.enter_context(mock.patch(name, instead))
            stack.enter_context(mock.patch.object(sys, "argv", ["sensorkit", *arguments]))
            stack.enter_context(contextlib.redirect_stdout(said))
            stack.enter_context(contextlib.redirect_stderr(said))
            try:
                app.main()
            except SystemExit as stopped:
                self._code = int(stopped.code or 0)
        return said.getvalue()

    def _emulate(self, arguments: list[str], expected: str) -> str:
        """Start a device beside the page; it goes on until it ends, or the page does."""
        if "--speed" not in arguments and "--duration" in arguments:
            arguments = [*arguments, "--speed", str(FASTER)]
        one = self._start(arguments)
        until(lambda: bool(one.said()) or one.ended(), "the emulated device")
        if expected:
            until(
                lambda: pages.agrees(expected, self.places.told(one.said())) or one.ended(),
                f"what the page shows of the device, not {one.said()!r}",
            )
        self._code = one.code if one.ended() else 0
        return one.said()

    def _capture(self, arguments: list[str]) -> str:
        said = self._captured(arguments)
        for device in self._beside:
            if "--once" in device.arguments:
                until(device.ended, f"the end of sensorkit {device.arguments}")
        return said

    def _attached(self, arguments: list[str]) -> list[str]:
        """Return *arguments* with a device at every port, little time, and nothing overwritten."""
        arguments = list(arguments)
        options = dict(itertools.pairwise(arguments))
        for at, word in enumerate(arguments):
            if port := PORTS.fullmatch(word):
                arguments[at] = f"{port[1] or ''}{self._device(options.get('--profile'))}"
            if arguments[at - 1] == "--out" and (self.cwd / word).exists():
                arguments[at] = str(self.tmp / f"beside{len(self._beside)}{Path(word).suffix}")
                self.places.moved[arguments[at]] = word
            if arguments[at - 1] in {"--duration", "--listen"}:
                arguments[at] = str(min(float(word) / FASTER, LONGEST_S))
        return arguments

    def _captured(self, arguments: list[str]) -> str:
        arguments = self._attached(arguments)
        ends = {"--duration", "--frames", "--max-size"} & set(arguments)
        if ends or any(word == "-" or word.startswith("file:") for word in arguments):
            return self._in_process(arguments)
        one = self._start(arguments)
        out = dict(itertools.pairwise(arguments)).get("--out", "?")
        folder = self.cwd / out
        if not any(d.ends and d.port in arguments and not d.ended() for d in self._beside):
            until(lambda: _rows(folder) >= ENOUGH_FRAMES or one.ended(), f"frames in {folder}")
            one.interrupt()
        until(one.ended, f"the end of sensorkit {shlex.join(arguments)}")
        self._code = one.code
        self._beside.remove(one)
        return one.said()

    def _device(self, profile: str | None) -> Path:
        """Return the port of a fresh emulated device that speaks as *profile* says."""
        link = self.tmp / f"device{len(self._beside)}"
        with self._here():
            speaks = stand_ins.with_waveforms(Profile.load(profile or "serial_monitor"))
        file = link.with_suffix(".yaml")
        file.write_text(yaml.safe_dump(speaks, allow_unicode=True), encoding="utf-8")
        one = self._start(["emulate", str(file), "--link", str(link), "--rate", "50"])
        until(lambda: link.exists() or one.ended(), "the device")
        if one.ended():
            self._beside.remove(one)
            raise PageError(f"no device speaks as {profile} says:\n{one.said()}")
        return link

    def _start(self, arguments: list[str]) -> Beside:
        env = {**os.environ, **self.env}
        self._beside.append(Beside(arguments, self.cwd, env, self.tmp / str(len(self._beside))))
        return self._beside[-1]

    def _looked_at(self, _: None) -> str:
        self._code = 0
        return ""

    def _pip(self, arguments: list[str]) -> str:
        """Install an example beside this Python; of anything else look whether there is such."""
        line = " ".join(arguments)
        if arguments[:1] == ["install"] and arguments[-1].startswith("./"):
            site = stand_ins.install(self.cwd / arguments[-1], self.tmp / "site")
            self._path = [str(site)]
            before = os.environ.get("PYTHONPATH")
            self.env["PYTHONPATH"] = os.pathsep.join([str(site), *filter(None, [before])])
        elif not stand_ins.check_extras(line):
            raise PageError(f"pip {line}: neither an extra of sensorkit nor a folder")
        self._code = 0
        return ""

    def _cd(self, arguments: list[str]) -> str:
        self.cwd = (self.cwd / arguments[0]).resolve(strict=True)
        self._code = 0
        return ""

    def _export(self, arguments: list[str]) -> str:
        self.env.update(word.split("=", 1) for word in arguments)
        self._code = 0
        return ""

    @contextlib.contextmanager
    def _here(self) -> Iterator[None]:
        with (
            contextlib.chdir(self.cwd),
            mock.patch.dict(os.environ, self.env),
            mock.patch.object(sys, "path", [*self._path, *sys.path]),
        ):
            yield

    def close(self) -> None:
        """Stop what still runs beside the page, as Ctrl+C does; nothing may have gone wrong."""
        for one in self._beside:
            one.interrupt()
        for one in self._beside:
            one.stop()
        for one in self._beside:
            if one.code not in (0, 130):
                raise PageError(f"sensorkit {one.arguments} ends with {one.code}:\n{one.said()}")


def _finite(arguments: list[str]) -> bool:
    """Say whether an emulated device writes to its end and needs no reader."""
    port = dict(itertools.pairwise(arguments)).get("--port", "")
    return port.startswith("file:") or port == "-" or "--help" in arguments


def _rows(folder: Path) -> int:
    """Return how many frames the recording in *folder* has, the fewest of a session's."""
    tables = list(folder.rglob("structured_metrics.csv"))
    return min((max(0, table.read_bytes().count(b"\n") - 1) for table in tables), default=0)
