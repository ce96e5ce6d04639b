"""The learned profile as YAML: ordered, commented, and read back before it is handed out."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import yaml

from sensorkit.capture.columns import identifier
from sensorkit.display.formats import count, seconds
from sensorkit.learning import limits
from sensorkit.learning.draft import Draft, DraftChannel
from sensorkit.learning.limits import Limit
from sensorkit.learning.signal import Signal
from sensorkit.learning.timing import Timing
from sensorkit.learning.yaml_text import Text, flow, scalar
from sensorkit.profile import Profile, Waveform

ALWAYS = 1e9
"""Above anything a channel says: a status rule with it as its low limit always applies."""


@dataclass(frozen=True)
class Parts:
    """Everything that goes into the file."""

    name: str
    where: str
    draft: Draft
    framed: bool
    rate_hz: float
    rate_comment: str
    timing: Timing
    readings: int
    """Of the device whose signals were looked at."""
    accepted: int
    rejected: dict[str, int]
    others: dict[str, float]
    signals: tuple[Signal, ...]
    words: dict[str, int]
    devices: tuple[str, ...]
    limits: list[Limit]
    span_s: float
    unit_sigmas: dict[str, float]


def write(parts: Parts) -> tuple[str, Profile]:
    """Return the YAML and the profile that it says."""
    text = Text()
    _head(text, parts)
    if parts.framed:
        text.blank()
        _frame(text, parts)
    text.blank()
    text.line("channels:")
    for channel, signal in zip(parts.draft.channels, parts.signals, strict=True):
        _channel(text, channel, signal, parts.unit_sigmas.get(channel.name, 0.0))
    if parts.words:
        text.blank()
        _status(text, parts)
    if parts.limits:
        text.blank()
        _rules(text, parts)
    written = str(text)
    return written, Profile.model_validate(yaml.safe_load(written))


def _counted(n: int, what: str) -> str:
    return f"{count(n)} {what}" if n == 1 else f"{count(n)} {what}s"


def _head(text: Text, parts: Parts) -> None:
    text.say(f"Learned by `sensorkit learn` from {parts.where}.")
    lines = sum(parts.rejected.values())
    told = _counted(parts.accepted, "reading")
    if parts.span_s > 0:
        told += f" in {seconds(parts.span_s)}"
    if parts.framed:
        why = ", ".join(f"{reason} {n}" for reason, n in sorted(parts.rejected.items()))
        unread = f"; {_counted(lines, 'line')} could not be read ({why})"
        told += unread if lines else "; every line could be read"
    text.say(f"{told}. Whatever was in them is taken for healthy.")
    text.say("A comment says what a value comes from. Change what you know better.")
    text.key("name", parts.name)
    text.key("description", f"Learned from {parts.where.rstrip('/').rpartition('/')[2]}"[:200])
    if len(parts.devices) == 1 and not parts.framed:
        text.key("device", identifier(parts.devices[0]))
    text.key("rate_hz", parts.rate_hz, remark=parts.rate_comment)
    timing = parts.timing
    if timing.heartbeat_s is not None:
        remark = f"longest healthy silence; two readings were up to {timing.longest_s:.3g} s apart"
        text.key("heartbeat_s", timing.heartbeat_s, remark=remark)
    if len(parts.devices) > 1:
        listed = ", ".join(parts.devices[:12])
        text.say(
            f"{len(parts.devices)} devices: {listed}. The waveforms are those of the one with most "
            "readings; `devices: [...]` would refuse all others."
        )


def _frame(text: Text, parts: Parts) -> None:
    draft = parts.draft
    text.line("frame:")
    for note in draft.notes[:40]:
        text.say(note, 2)
    for key, value in draft.frame.items():
        remark = draft.remarks.get(key, "")
        if key in ("sentences", "columns") and len(flow(value)) > 80:
            if remark:
                text.say(remark, 2)
            text.line(f"{key}:", 2)
            if isinstance(value, dict):
                for sentence, fields in value.items():
                    text.key(sentence, fields, 4)
            else:
                for column in value:
                    text.line(f"- {flow(column)}", 4)
        else:
            text.key(key, value, 2, remark)
    # A pattern names special fields in itself.
    for role in ("status", "sequence", "uptime", "device"):
        if role in draft.remarks and role not in draft.frame:
            text.say(f"group {role}: {draft.remarks[role]}", 2)
    if parts.others:
        told = ", ".join(f"{name} {share:.0%}" for name, share in parts.others.items())
        text.say(f"of the lines looked at other formats would read: {told}", 2)


def _channel(text: Text, channel: DraftChannel, signal: Signal, unit_sigma: float) -> None:
    told = channel.to_dict()
    decimals = told.pop("decimals")
    text.line(f"- name: {scalar(told.pop('name'))}", 2)
    for key, value in told.items():
        text.key(key, value, 4)
    for remark in channel.remarks:
        text.say(remark, 4)
    text.key("decimals", decimals, 4)
    plausible = limits.plausible(signal, channel.unit)
    if plausible is not None:
        remark = f"{limits.WIDE:g} times as wide as seen, each way; beyond, a frame is rejected"
        text.key("plausible", list(plausible), 4, remark)
    text.line("waveform:", 4, remark=_about(signal))
    for remark in signal.remarks:
        text.say(remark, 6)
    _waveform(text, signal.waveform, unit_sigma)


def _about(signal: Signal) -> str:
    if not signal.values:
        return ""
    told = f"{count(signal.values)} values, {signal.low:g} to {signal.high:g}"
    if signal.kind in ("steady", "levels"):
        told += f", worth {signal.independent:.3g} independent ones: {signal.sureness}"
    return told


def _waveform(text: Text, waveform: Waveform, unit_sigma: float) -> None:
    text.key("level", waveform.level, 6)
    if unit_sigma > 0:
        text.key("unit_sigma", float(f"{unit_sigma:.3g}"), 6, "spread of the devices' medians")
    if waveform.drift is not None:
        text.key("drift", waveform.drift.model_dump(), 6)
    if waveform.cycles:
        text.line("cycles:", 6)
        for cycle in waveform.cycles:
            text.line(f"- {flow(cycle.model_dump(exclude_defaults=True))}", 8)
    if waveform.noise is not None:
        text.key("noise", waveform.noise.model_dump(exclude_defaults=True), 6)
    if waveform.step is not None:
        text.key("step", waveform.step, 6, "nearly all values are multiples of it")


def _status(text: Text, parts: Parts) -> None:
    said = ", ".join(f"{word} {n}" for word, n in list(parts.words.items())[:12])
    text.say(f"Status words seen: {said}.")
    text.say(
        "Any other word is accepted, too: the one that says that something is wrong may not have "
        "come yet. `status_words: [...]` would refuse all that are not listed."
    )
    word = next(iter(parts.words))
    rule = {"word": word, "channel": parts.draft.channels[0].name, "low": _above(parts.signals[0])}
    text.line("status_rules:", remark="what the emulated device says: always its usual word")
    text.line(f"- {flow(rule)}", 2)


def _above(signal: Signal) -> float:
    return max(ALWAYS, 10.0 * abs(signal.high))


def _rules(text: Text, parts: Parts) -> None:
    text.line("rules:", remark="none is breached by what was learned from")
    for limit in parts.limits:
        told: dict[str, Any] = limit.rule.model_dump(mode="json", exclude_defaults=True)
        shown = {key: told[key] for key in _ORDER if key in told}
        line = f"- {flow({**shown, **told})}"
        if limit.idle:
            text.say(f"{limit.comment}: too wide to say much. Set your own:", 2)
            text.say(line, 2)
        else:
            text.line(line, 2, limit.comment)
    others = list(parts.words)[1:]
    if others:
        text.say("perhaps (is one of these words a warning?):", 2)
        rule = {"kind": "status", "words": others[:8], "severity": "WARNING"}
        text.say(f"- {flow(rule)}", 2)


_ORDER = ("type", "kind", "channel", "severity", "low", "high", "limit", "readings", "seconds")
