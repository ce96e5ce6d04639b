"""The prompt of `sensorkit emulate --control`: faults on request while frames go out."""

from __future__ import annotations

import math
import os
import threading
from collections.abc import Callable, Iterator, Sequence
from typing import TYPE_CHECKING, Any, NamedTuple

from sensorkit.cli.app import counted
from sensorkit.display.formats import number
from sensorkit.errors import SensorkitError, UsageError
from sensorkit.nearest import did_you_mean
from sensorkit.wire.framing import LineFramer

if TYPE_CHECKING:
    from sensorkit.emulator import Emulator
    from sensorkit.readings import FaultLabel

USAGE = {
    "inject": "inject UNIT KIND [CHANNEL] [MAGNITUDE] [SECONDS]",
    "status": "status",
    "list": "list",
    "wait": "wait SECONDS",
    "help": "help",
    "quit": "quit",
}

MEANING = {
    "inject": "a fault, from the next reading on: inject 1 drift temperature 12 60s; 6sigma "
    "instead of 12 for sigmas of the channel",
    "status": "what each unit has sent, and what is wrong with it now",
    "list": "the units, the channels, the kinds of fault, and the faults of the profile by name",
    "wait": "for scripts: do nothing for so long",
    "help": "this",
    "quit": "end the emulator; Ctrl+C does too, the end of the input does not",
}

SAME = {"exit": "quit", "q": "quit", "stop": "quit", "?": "help", "h": "help", "ls": "list"}

LONGEST_LINE = 1000
LONGEST_WAIT_S = 86_400.0
BEGUN_S = 2.0
"""Longest wait, beside two periods, for what was injected to begin before `quit` ends it all."""


class Order(NamedTuple):
    """What `inject` was told."""

    unit: str
    kind: str
    channel: str | None = None
    magnitude: float | None = None
    magnitude_sigma: float | None = None
    duration_s: float | None = None


class Control:
    """Obeys the lines of a prompt; a line that it cannot obey is answered by one sentence.

    Parameters
    ----------
    emulators : sequence of Emulator
        Each with the units it has.
    wait : callable, optional
        Waits for so many seconds; returns whether it was told to stop meanwhile.
    """

    def __init__(
        self, emulators: Sequence[Emulator], wait: Callable[[float], bool] | None = None
    ) -> None:
        self._of_unit = {name: one for one in emulators for name in one.units}
        self._profile = emulators[0].profile
        self._emulators = list(emulators)
        self.ended = threading.Event()
        self._pause = wait or self.ended.wait
        self._waiting_for: list[tuple[Emulator, FaultLabel]] = []

    def obey(self, line: str) -> str:
        """Do what *line* says; return what to answer, nothing for an empty line."""
        words = line.replace(",", " ").split()
        if not words or words[0].startswith("#"):
            return ""
        name = words[0].lower()
        name = SAME.get(name, name)
        if name not in USAGE:
            hint = did_you_mean(name, USAGE, "`help` says which there are")
            return f"{_short(words[0])}: unknown command; {hint}"
        try:
            answer: str = getattr(self, f"_{name}")(words[1:])
        except SensorkitError as problem:
            return str(problem)
        return answer

    def _inject(self, words: list[str]) -> str:
        order = read_order(words, self._profile.channel_names)
        unit, emulator = self._unit(order.unit)
        label = emulator.inject_anomaly(
            unit,
            order.kind,
            channel=order.channel,
            magnitude=order.magnitude,
            magnitude_sigma=order.magnitude_sigma,
            duration_s=order.duration_s,
        )
        self._waiting_for.append((emulator, label))
        about = f" on {label.channel}" if label.channel else ""
        lasting = (label.end - label.start) / 1e9 + 1.0 / emulator.rate_hz
        return f"{unit}: {label.kind}{about} from the next reading on, for {lasting:g} s"

    def _unit(self, wanted: str) -> tuple[str, Emulator]:
        names = list(self._of_unit)
        name = wanted
        if wanted.isdecimal() and 1 <= int(wanted[:9]) <= len(names):
            name = names[int(wanted[:9]) - 1]
        if name not in self._of_unit:
            there = f"1 to {len(names)}" if len(names) > 1 else "1"
            raise UsageError(
                f"inject: no unit {_short(wanted)!r}; there are {', '.join(names)}, or {there}"
            )
        return name, self._of_unit[name]

    def _status(self, words: list[str]) -> str:
        _no_more("status", words)
        return "\n".join(status_lines(self._emulators))

    def _list(self, words: list[str]) -> str:
        from sensorkit.faults import KINDS

        _no_more("list", words)
        named = ", ".join(self._profile.anomalies) or "none"
        signal = [name for name, kind in KINDS.items() if kind.layer == "signal"]
        line = [name for name, kind in KINDS.items() if kind.layer != "signal"]
        return (
            f"units: {', '.join(self._of_unit)}\n"
            f"channels: {', '.join(self._profile.channel_names)}\n"
            f"faults of {self._profile.name}: {named}\n"
            f"kinds on a channel: {', '.join(signal)}\n"
            f"kinds on the line: {', '.join(line)}"
        )

    def _wait(self, words: list[str]) -> str:
        seconds = _number(words[0].lower().removesuffix("s")) if len(words) == 1 else None
        if seconds is None or not 0 <= seconds <= LONGEST_WAIT_S:
            raise UsageError(f"wait: {USAGE['wait']} is wanted, at most {LONGEST_WAIT_S:g}")
        self._pause(seconds)
        return ""

    def _help(self, words: list[str]) -> str:
        _no_more("help", words)
        width = max(len(usage) for usage in USAGE.values())
        return "\n".join(f"{USAGE[name]:<{width}}  {MEANING[name]}" for name in USAGE)

    def _quit(self, words: list[str]) -> str:
        _no_more("quit", words)
        left = BEGUN_S + max(2.0 / one.rate_hz for one in self._emulators)
        while left > 0 and not all(_begun(*one) for one in self._waiting_for):
            if self._pause(0.05):
                break
            left -= 0.05
        self.ended.set()
        return ""


def _begun(emulator: Emulator, label: FaultLabel) -> bool:
    return any(one.id == label.id for one in emulator.labels)


def read_order(words: Sequence[str], channels: Sequence[str]) -> Order:
    """Return what the words after `inject` ask for.

    After unit and kind come, in any order, a channel and numbers: the first is the magnitude, the
    second the seconds. `6sigma` is a magnitude in sigmas, `20s` are seconds.

    Raises
    ------
    UsageError
        If something is missing, there twice, or is no channel and no number.

    Examples
    --------
    >>> read_order(["1", "drift", "temperature", "12", "60s"], ["temperature"])
    Order(unit='1', kind='drift', channel='temperature', magnitude=12.0, magnitude_sigma=None, \
duration_s=60.0)
    """
    if len(words) < 2:
        raise UsageError(f"{USAGE['inject']} is wanted; `list` says which there are")
    order = Order(words[0], words[1])
    for word in words[2:]:
        field, value = _read(word, order)
        if field == "channel" and value not in channels:
            raise UsageError(
                f"inject: {_short(word)!r} is neither a number nor a channel; "
                f"{did_you_mean(word, channels)}"
            )
        if getattr(order, field) is not None:
            raise UsageError(f"inject: {_short(word)} is one too many; {USAGE['inject']} is wanted")
        order = order._replace(**{field: value})
    if order.magnitude is not None and order.magnitude_sigma is not None:
        raise UsageError("inject: give the magnitude in the unit of the channel or in sigmas")
    return order


SUFFIXES = {"sigmas": "magnitude_sigma", "sigma": "magnitude_sigma", "s": "duration_s"}


def _read(word: str, order: Order) -> tuple[str, Any]:
    """Return which part of *order* a word is, and its value."""
    for suffix, field in SUFFIXES.items():
        number = _number(word.lower().removesuffix(suffix))
        if word.lower().endswith(suffix) and number is not None:
            return field, number
    number = _number(word)
    if number is None:
        return "channel", word
    sized = order.magnitude is not None or order.magnitude_sigma is not None
    return ("duration_s" if sized or _has_no_size(order.kind) else "magnitude"), number


def _number(word: str) -> float | None:
    try:
        number = float(word)
    except ValueError:
        return None
    # "1_000" and "infinity" are numbers to Python only.
    return number if math.isfinite(number) and "_" not in word else None


def _has_no_size(kind: str) -> bool:
    from sensorkit.faults import KINDS

    return kind in KINDS and KINDS[kind].magnitude is None


def _no_more(command: str, words: list[str]) -> None:
    if words:
        raise UsageError(f"{_short(words[0])}: `{command}` takes nothing after it")


def _short(word: str) -> str:
    return word if len(word) <= 40 else f"{word[:37]}..."


def status_lines(emulators: Sequence[Emulator]) -> list[str]:
    """Return how emulated devices are getting on: a line for all, and one for each unit."""
    found = [emulator.metrics() for emulator in emulators]
    total = {name: sum(one[name] for one in found) for name in ("frames", "bytes", "lost")}
    lost = f", {total['lost']} lost" if total["lost"] else ""
    elapsed = max(one["elapsed_s"] for one in found)
    rate = sum(one["rate_hz"] for one in found) / len(found)
    lines = [
        f"{elapsed:.1f} s: {counted(total['frames'], 'frame')} and "
        f"{counted(total['bytes'], 'byte')} sent{lost}, {number(rate)} Hz a unit"
    ]
    for one in found:
        for name, unit in one["devices"].items():
            wrong = ", ".join(map(str, unit["active"])) or "nothing"
            lines.append(
                f"{name}: {counted(unit['readings'], 'reading')}, "
                f"{counted(unit['anomalies'], 'fault')} so far, now {wrong}"
            )
    return lines


def listen(control: Control, descriptor: int, say: Callable[[str], None]) -> threading.Thread:
    """Obey the lines that come on a file descriptor, in a thread, until `quit` or their end.

    Read without Python's buffers: a thread that waits in them cannot be left behind at the end.
    """

    def run() -> None:
        for line in _lines(descriptor):
            answer = control.obey(line)
            for told in answer.splitlines():
                say(told)
            if control.ended.is_set():
                return

    thread = threading.Thread(target=run, name="control", daemon=True)
    thread.start()
    return thread


def _lines(descriptor: int) -> Iterator[str]:
    """Yield the lines that come; the beginning only of one that is too long."""
    framer = LineFramer(LONGEST_LINE)
    while True:
        try:
            data = os.read(descriptor, 65_536)
        except OSError:  # the terminal is gone
            return
        lines = framer.feed(data) if data else filter(None, [framer.cut()])
        for line in lines:
            yield line.data.decode("utf-8", "replace")
        if not data:
            return
