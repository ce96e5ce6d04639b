"""What all commands share: the application, its errors, its log and its terminal.

The command modules import the rest of the package inside their functions, so that
`sensorkit --help` answers at once.
"""

from __future__ import annotations

import functools
import importlib
import inspect
import json
import logging
import logging.handlers
import shlex
import signal
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Annotated, Any

import typer
from rich.console import Console
from typer.core import TyperCommand

from sensorkit import __version__
from sensorkit.cli.config.naming import named
from sensorkit.cli.config.settling import current, settle, take_back
from sensorkit.errors import SensorkitError, UsageError

FAMILIES = (
    "emulate.command",
    "capture.command",
    "ports",
    "doctor.command",
    "recordings.command",
    "learn",
    "recordings.quality",
    "detect.command",
    "evaluate.command",
    "rul",
    "compare",
    "datasets",
    "config.command",
    "demo",
    "new_notebook",
)

app = typer.Typer(
    name="sensorkit",
    help="Capture a serial sensor, inject faults, and find out which detector to trust on it.",
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    rich_markup_mode=None,
    context_settings={"help_option_names": ["-h", "--help"]},
)

# Device text is printed as text: markup, emoji codes and highlighting would let it act.
out = Console(markup=False, emoji=False, highlight=False, soft_wrap=True)
err = Console(markup=False, emoji=False, highlight=False, soft_wrap=True, stderr=True)

log = logging.getLogger("sensorkit")

LOG_FILE_BYTES = 10_000_000
LOG_FILES_KEPT = 5


class JsonLines(logging.Formatter):
    """One JSON object a line, for machines that read logs."""

    def format(self, record: logging.LogRecord) -> str:
        """Return the record as JSON."""
        fields = {
            "time": self.formatTime(record, "%Y-%m-%dT%H:%M:%S%z"),
            "level": record.levelname,
            "logger": record.name,
            "message": record.getMessage(),
        }
        if record.exc_info:
            fields["exception"] = self.formatException(record.exc_info)
        return json.dumps(fields, ensure_ascii=True)


def set_up_log(log_file: Path | None, *, log_json: bool, verbose: int) -> None:
    """Send the application log to stderr and, with *log_file*, to a file that rotates."""
    level = (logging.WARNING, logging.INFO, logging.DEBUG)[min(verbose, 2)]
    lines = logging.Formatter("%(asctime)s %(levelname)s %(name)s: %(message)s")
    handlers: list[logging.Handler] = [logging.StreamHandler()]
    handlers[0].setLevel(level)
    if log_file is not None:
        try:
            log_file.parent.mkdir(parents=True, exist_ok=True)
            to_file = logging.handlers.RotatingFileHandler(
                log_file, maxBytes=LOG_FILE_BYTES, backupCount=LOG_FILES_KEPT, encoding="utf-8"
            )
        except OSError as error:
            raise typer.BadParameter(
                f"{log_file}: cannot be written: {error.strerror}", param_hint="--log-file"
            ) from error
        to_file.setLevel(min(level, logging.INFO))
        handlers.append(to_file)
    for handler in handlers:
        handler.setFormatter(JsonLines() if log_json else lines)
    log.handlers[:] = handlers
    log.setLevel(min(handler.level for handler in handlers))
    log.propagate = False


LogFile = Annotated[
    Path | None, typer.Option("--log-file", help="Also log to this file; it rotates at 10 MB.")
]
LogJson = Annotated[bool, typer.Option("--log-json", help="Log JSON lines.")]
Verbose = Annotated[int, typer.Option("--verbose", "-v", count=True, help="Log more; -vv all.")]
PRESETS = "development, demo, production, testing, or one of sensorkit.yaml"


def _settle(context: typer.Context, preset: str | None) -> str | None:
    return settle(context, preset)


Preset = Annotated[
    str | None,
    typer.Option(
        "--preset",
        metavar="NAME",
        # Before all others, which take their defaults from it.
        is_eager=True,
        callback=_settle,
        help=f"Take the defaults of this preset: {PRESETS}.",
    ),
]


class Command(TyperCommand):
    """A command that says where `--config` stands."""

    def parse_args(self, ctx: Any, args: list[str]) -> list[str]:
        """Parse as ever; the file of the configuration is named before the command."""
        try:
            return super().parse_args(ctx, args)
        except Exception as error:
            if getattr(error, "option_name", None) == "--config":
                raise UsageError(
                    f"--config stands before the command: `sensorkit --config FILE {ctx.info_name} "
                    "...`"
                ) from error
            raise


def command(
    name: str, group: typer.Typer = app
) -> Callable[[Callable[..., None]], Callable[..., None]]:
    """Register a function as `sensorkit [GROUP] NAME`, with the options every command has."""

    def register(function: Callable[..., None]) -> Callable[..., None]:
        @functools.wraps(function)
        def run(*args: Any, log_file: Path | None, log_json: bool, verbose: int, **kw: Any) -> None:
            set_up_log(log_file, log_json=log_json, verbose=verbose)
            log.info("sensorkit %s: %s", __version__, shlex.join(sys.argv[1:]))
            kw.pop("preset")
            function(*args, **named(kw, current()))

        signature = inspect.signature(function, eval_str=True)
        kind = inspect.Parameter.KEYWORD_ONLY
        shared = [
            inspect.Parameter("preset", kind, default=None, annotation=Preset),
            inspect.Parameter("log_file", kind, default=None, annotation=LogFile),
            inspect.Parameter("log_json", kind, default=False, annotation=LogJson),
            inspect.Parameter("verbose", kind, default=0, annotation=Verbose),
        ]
        run.__signature__ = signature.replace(  # type: ignore[attr-defined]
            parameters=[*signature.parameters.values(), *shared]
        )
        run.__annotations__ = {p.name: p.annotation for p in run.__signature__.parameters.values()}  # type: ignore[attr-defined]
        group.command(name, cls=Command)(run)
        return function

    return register


def printable(text: str) -> str:
    r"""Return *text* with control characters escaped: what a device says never acts.

    >>> printable("\x1b[2Jhello")
    '\\x1b[2Jhello'
    """
    return "".join(
        char if char.isprintable() or char == " " else char.encode("unicode_escape").decode()
        for char in text
    )


def counted(n: int, what: str) -> str:
    """Return *n* and the noun, in the plural unless it is one.

    >>> counted(1, "frame"), counted(0, "frame")
    ('1 frame', '0 frames')
    """
    return f"{n} {what}" if n == 1 else f"{n} {what}s"


def warn_of_changes(folder: Path) -> None:
    """Say which tables of a recording are not as they were recorded."""
    from sensorkit.capture import layout

    try:
        changed = layout.changes(folder, raw=False)
    except SensorkitError:  # no manifest: it was cut off, and whoever opens it says so
        return
    if changed:
        names = ", ".join(f"{name} ({what})" for name, what in changed.items())
        err.print(
            printable(
                f"sensorkit: {folder}: is not as it was recorded: {names}; what follows is of the "
                f"changed files, and `sensorkit replay {folder} --out DIR` makes the recorded ones"
            )
        )


@contextmanager
def stop_on_signal() -> Iterator[Callable[[], bool]]:
    """Give a function that says whether Ctrl+C or a request to end has come.

    A second Ctrl+C interrupts whatever is going on.
    """
    asked = False

    def ask(*_: object) -> None:
        nonlocal asked
        if asked:
            raise KeyboardInterrupt
        asked = True

    signals = [signal.SIGINT, signal.SIGTERM]
    # A closed terminal hangs up, which `nohup` wants ignored; Windows knows no such thing.
    if hasattr(signal, "SIGHUP") and signal.getsignal(signal.SIGHUP) is not signal.SIG_IGN:
        signals.append(signal.SIGHUP)
    before = {number: signal.signal(number, ask) for number in signals}
    try:
        yield lambda: asked
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


def print_json(value: Any) -> None:
    """Print *value* for a machine."""
    sys.stdout.write(json.dumps(value, indent=2, ensure_ascii=False, allow_nan=False) + "\n")


def _version(wanted: bool) -> None:
    if wanted:
        out.print(f"sensorkit {__version__}")
        raise typer.Exit


@app.callback()
def _options(
    version: Annotated[
        bool, typer.Option("--version", callback=_version, is_eager=True, help="Say the version.")
    ] = False,
    config: Annotated[
        str | None,
        typer.Option(
            metavar="FILE",
            help="The configuration; SENSORKIT_CONFIG or sensorkit.yaml of the current folder by "
            "default, and none for neither.",
        ),
    ] = None,
    preset: Annotated[
        str | None,
        typer.Option(metavar="NAME", help="As after the command; SENSORKIT_PRESET by default."),
    ] = None,
) -> None:
    pass


def load_commands() -> None:
    """Let every family of commands register its own."""
    for family in FAMILIES:
        importlib.import_module(f"sensorkit.cli.{family}")


def main() -> None:
    """Run the command line: errors as one sentence, exit 0, 1 (failed) or 2 (wrong use)."""
    try:
        load_commands()
        app()
    except SensorkitError as error:
        log.info("failed: %s", error)
        err.print(f"sensorkit: {printable(str(error))}")
        sys.exit(error.exit_code)
    except BrokenPipeError:
        # `sensorkit show DIR | head`: the reader has seen enough.
        sys.stderr.close()
        sys.exit(0)
    except OSError as error:
        where = f"{error.filename}: " if error.filename else ""
        err.print(f"sensorkit: {printable(f'{where}{error.strerror or error}')}")
        sys.exit(1)
    except KeyboardInterrupt:
        err.print("sensorkit: stopped")
        sys.exit(130)
    except Exception as error:  # a mistake of ours, not of the user or the device
        log.debug("the traceback", exc_info=True)
        what = printable(f"{type(error).__name__}: {error}")
        err.print(
            f"sensorkit: a mistake in sensorkit itself: {what}; -vv shows the traceback, which "
            "belongs in a bug report"
        )
        sys.exit(1)
    finally:
        take_back()
