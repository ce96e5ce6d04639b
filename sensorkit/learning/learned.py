"""From healthy data to a profile: the format, the channels, the waveforms, the rules."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np

from sensorkit.capture.columns import identifier
from sensorkit.learning import frames, limits, resemblance, sample, signal, writing
from sensorkit.learning.draft import Draft, DraftChannel, Names
from sensorkit.learning.frames import Guess
from sensorkit.learning.resemblance import Result
from sensorkit.learning.sample import LearnError
from sensorkit.learning.signal import Signal
from sensorkit.learning.sources import Source, one_device
from sensorkit.learning.timing import Timing, even, rounded_up, timing
from sensorkit.profile import Profile
from sensorkit.readings import Readings
from sensorkit.wire.stream import FrameStream

UNKNOWN_RATE_HZ = 1.0
CLOCK_STEPS = 5.0
"""A device whose rate is known from its clock alone is silent after so many of its steps."""


@dataclass(frozen=True)
class Learned:
    """A profile that was learned, and how good it is.

    Attributes
    ----------
    profile : Profile
    yaml : str
        The same with comments that say what each part comes from.
    signals : tuple of Signal
        One a channel.
    results : list of Result
        How emulated readings compare with those that were learned from.
    frames : int
        Readings learned from.
    rejected : dict
        Reason -> lines that the learned format does not read.
    share : float
        Of the lines looked at that are frames of the profile; headers and lines that begin with a
        comment sign are not counted.
    where : str
        What was learned from.
    """

    profile: Profile
    yaml: str
    signals: tuple[Signal, ...]
    results: list[Result]
    frames: int
    rejected: dict[str, int] = field(default_factory=dict)
    share: float = 1.0
    where: str = ""
    rate_known: bool = True
    """Whether the rate of the profile is the device's; else it is to be filled in."""
    devices: tuple[str, ...] = ()
    """Those that the frames name; the waveforms are those of the one with most readings."""

    def to_dict(self) -> dict[str, Any]:
        """Return it for JSON."""
        return {
            "learned_from": self.where,
            "profile": self.profile.to_dict(),
            "frames": self.frames,
            "rejected": dict(sorted(self.rejected.items())),
            "share": self.share,
            "rate_known": self.rate_known,
            "devices": list(self.devices),
            "channels": [
                {
                    "name": channel.name,
                    "unit": channel.unit,
                    "kind": one.kind,
                    "values": one.values,
                    "low": one.low,
                    "high": one.high,
                    "sure": one.sureness,
                    "remarks": list(one.remarks),
                }
                for channel, one in zip(self.profile.channels, self.signals, strict=True)
            ],
            "resemblance": [one.to_dict() for one in self.results],
        }


@dataclass(frozen=True)
class Rate:
    """How often the device speaks, and from what that is known."""

    hz: float
    comment: str
    known: bool = True


def learn(source: Source, *, name: str | None = None, seed: int = 0) -> Learned:
    """Return what healthy data say of a device, as a profile.

    Parameters
    ----------
    source : Source
        See `sensorkit.learning.sources`.
    name : str, optional
        Of the profile; the source's by default.
    seed : int
        Of the emulated readings that it is tried with.

    Raises
    ------
    LearnError
        If there is too little, or nothing that can be read.

    Examples
    --------
    >>> from sensorkit.emulator import Emulator
    >>> from sensorkit.learning.sources import of_bytes
    >>> emulator = Emulator(Profile.load("serial_monitor"), hold="NORMAL", seed=1)
    >>> log = b"".join(frame.data for frame in emulator.frames(2000))
    >>> found = learn(of_bytes(log, "bench"))
    >>> found.profile.channel_names, found.profile.rate_hz, found.share
    (('T', 'V'), 1.0, 1.0)
    """
    if source.readings is None:
        readings, guess, rejected = _read(source)
    else:
        readings, rejected = _renamed(source.readings), {}
        guess = Guess(_known(readings, source.known), 1.0, {})
    draft = guess.draft
    mine, devices = one_device(readings)
    if len(mine) < sample.FEWEST_LINES:
        raise LearnError(
            f"{source.where}: has {len(mine)} readings, at least {sample.FEWEST_LINES} are wanted, "
            "some hundred are better"
        )
    when, rate = _timing(mine, draft, source)
    signals = tuple(
        signal.learn(
            _finite(mine.values[:, i]), when.positions, rate_hz=rate.hz, decimals=channel.decimals
        )
        for i, channel in enumerate(draft.channels)
    )
    named = dict(zip(readings.channels, signals, strict=True))
    parts = writing.Parts(
        name=identifier(name or source.name),
        where=source.where,
        draft=draft,
        framed=source.readings is None,
        rate_hz=rate.hz,
        rate_comment=rate.comment,
        timing=when,
        readings=len(mine),
        accepted=len(readings),
        rejected=rejected,
        others=guess.others,
        signals=signals,
        words=_words(readings),
        devices=devices,
        limits=limits.rules(readings, named, when),
        span_s=float(np.ptp(mine.time)) / 1e9,
        unit_sigmas=_unit_sigmas(readings),
    )
    text, profile = writing.write(parts)
    results = resemblance.compare(_finite(mine.values), when.positions, profile, seed=seed)
    return Learned(
        profile,
        text,
        signals,
        results,
        len(readings),
        rejected,
        guess.share,
        source.where,
        rate.known,
        devices,
    )


def check(source: Source, profile: Profile, *, seed: int = 0) -> list[Result]:
    """Return how readings that *profile* makes compare with those of *source*.

    Parameters
    ----------
    source : Source
        The original.
    profile : Profile
        With a waveform for each of its channels.
    seed : int
        Of the emulated device.

    Returns
    -------
    list of Result
        One a channel and test.

    Raises
    ------
    LearnError
        If the profile reads nothing of it.
    """
    if source.readings is None:
        readings, _ = _decode(source, profile)
    else:
        readings = _renamed(source.readings)
        missing = [c for c in profile.channel_names if c not in readings.channels]
        if missing:
            raise LearnError(
                f"{source.where}: has no channel {missing[0]!r} of profile {profile.name!r}; it "
                f"has {', '.join(readings.channels)}"
            )
    mine, _ = one_device(readings)
    if not len(mine):
        raise LearnError(
            f"{source.where}: profile {profile.name!r} reads none of it; give the profile that was "
            "learned from it, or leave --check out to learn one"
        )
    when = timing(mine.time)
    values = np.stack([_finite(mine.channel(c)) for c in profile.channel_names], axis=1)
    return resemblance.compare(values, when.positions, profile, seed=seed)


def _read(source: Source) -> tuple[Readings, Guess, dict[str, int]]:
    """Return the readings in the bytes of *source*, and the format they are in."""
    taken = sample.take(source.sample(), source.where, source.baud)
    found = frames.guess(taken, source.where)
    readings, rejected = _decode(source, found.draft.profile())
    return readings, found, rejected


def _decode(source: Source, profile: Profile) -> tuple[Readings, dict[str, int]]:
    stream = FrameStream(profile)
    batches = [
        stream.feed_reads(block.data, block.received_ns, block.lengths).readings
        for block in source.read()
    ]
    readings = Readings.concat(batches) if batches else Readings.empty(profile.channel_names)
    return readings, dict(stream.counts.rejected)


def _renamed(readings: Readings) -> Readings:
    """Return readings whose channels have names that a profile takes."""
    names = Names()
    return replace(readings, channels=tuple(names.give(c, c) for c in readings.channels))


def _known(readings: Readings, known: Profile | None) -> Draft:
    """Return what is known of the channels of readings that never were bytes."""
    told = {c.name: c for c in known.channels} if known else {}
    channels = []
    for i, name in enumerate(readings.channels):
        if name in told:
            one = told[name]
            channels.append(
                DraftChannel(name, unit=one.unit, label=one.label, decimals=one.decimals)
            )
        else:
            channels.append(DraftChannel(name, decimals=_decimals(readings.values[:, i])))
    return Draft({}, channels)


def _decimals(values: np.ndarray[Any, np.dtype[np.float64]]) -> int:
    """Return how many decimals values have, 9 at most; three digits of their spread if more.

    >>> _decimals(np.array([1.25, 3.5])), _decimals(np.array([1 / 3, 2 / 3]))
    (2, 9)
    """
    finite = values[np.isfinite(values)]
    for decimals in range(9):
        if len(finite) and np.allclose(np.round(finite, decimals), finite, rtol=1e-12, atol=1e-12):
            return decimals
    return 9


def _timing(readings: Readings, draft: Draft, source: Source) -> tuple[Timing, Rate]:
    """Return when the readings came and how often, by the best clock there is."""
    when = timing(readings.time)
    order = np.arange(len(readings), dtype=np.int64)
    by_device = "uptime" in draft.remarks or any("is the uptime" in n for n in draft.notes)
    if when.rate_hz is not None and (by_device or (source.timed and not when.batched)):
        clock = "the device's own clock" if by_device else "the times they came"
        comment = f"from {when.intervals} intervals by {clock}"
        if when.breaks:
            comment += f"; {when.breaks} breaks were left out"
        return when, Rate(when.rate_hz, comment)
    if draft.step_s:
        rate = even(1 / draft.step_s)
        when = when._replace(
            rate_hz=rate,
            positions=order,
        )
        if not source.timed:
            silence = rounded_up(CLOCK_STEPS * draft.step_s)
            when = when._replace(heartbeat_s=silence, longest_s=draft.step_s)
        return when, Rate(rate, f"by {draft.step_from}")
    if when.rate_hz is not None and source.timed:
        return when, Rate(
            when.rate_hz, "frames over time: several come in a read, so that no interval is known"
        )
    unknown = Timing(None, order, None, 0.0, 0, 0, False)
    return unknown, Rate(
        UNKNOWN_RATE_HZ,
        "NOT KNOWN: the lines have no times; say how many frames come a second",
        known=False,
    )


def _words(readings: Readings) -> dict[str, int]:
    """Return the status words that were said, the most frequent first."""
    codes = readings.status.codes
    counts = np.bincount(codes[codes >= 0], minlength=len(readings.status.vocabulary)).tolist()
    said = dict(zip(readings.status.vocabulary, counts, strict=True))
    return dict(sorted(said.items(), key=lambda item: -item[1]))


def _unit_sigmas(readings: Readings) -> dict[str, float]:
    """Return how much the levels of three devices or more differ, by channel."""
    codes = readings.device.codes
    devices = [code for code in np.unique(codes).tolist() if (codes == code).sum() >= signal.FEWEST]
    found: dict[str, float] = {}
    if len(devices) < 3:
        return found
    for name in readings.channels:
        values = _finite(readings.channel(name))
        levels = [values[(codes == code) & np.isfinite(values)] for code in devices]
        if all(len(level) for level in levels):
            found[name] = float(np.std([np.median(level) for level in levels], ddof=1))
    return found


def _finite(values: np.ndarray[Any, np.dtype[np.float64]]) -> np.ndarray[Any, np.dtype[np.float64]]:
    """Return *values* with NaN where they are infinite."""
    return np.where(np.isfinite(values), values, np.nan)


def failures(results: Sequence[Result]) -> list[Result]:
    """Return the tests that failed.

    Parameters
    ----------
    results : sequence of Result
        As `check` gives them.
    """
    return [one for one in results if one.verdict == "fail"]
