"""What a profile says of good data, as the tables that the kernel goes by."""

from __future__ import annotations

import math
import sys

import numpy as np
from numpy.typing import NDArray

from sensorkit.profile import Channel, Expectation, Profile
from sensorkit.profile.expectations import CHECKS, STATUS
from sensorkit.quality import layout
from sensorkit.quality.checks import CHANNEL, EVENTS, FRAME, REJECTED, Check, Place

MOST_LIKELY_REPEAT = 0.9
"""Where a value repeats more often, equal values say nothing."""
CHANCE = 1e-9
"""A run of equal values less likely than that is no chance."""
SHORTEST_RUN = 10
RESPONSE = 2000
"""Readings that a shock of the noise is followed for."""

SIGNS = {
    ">=": layout.GE,
    "<=": layout.LE,
    "==": layout.EQ,
    "!=": layout.NE,
    ">": layout.GT,
    "<": layout.LT,
    "near": layout.NEAR,
}
FINITE = sys.float_info.max


class Expected:
    """All that is known beforehand of the readings of a device.

    Parameters
    ----------
    channels : tuple of str
        Of the readings.
    profile : Profile, optional
        Without one nothing is expected of the values.
    """

    def __init__(self, channels: tuple[str, ...], profile: Profile | None) -> None:
        known = {one.name: one for one in profile.channels} if profile is not None else {}
        self.channels = channels
        self.expectations = tuple(
            one
            for one in (() if profile is None else profile.expectations)
            if all(name in channels for name in one.about if not _of_status(one, channels))
        )
        self.limits_of_runs = np.array(
            [longest_run(profile, known[name]) if profile and name in known else 0
             for name in channels],
            dtype=np.int64,
        )  # fmt: skip
        plausible = [known[name].plausible if name in known else None for name in channels]
        self.low = np.array([-FINITE if p is None else p[0] for p in plausible])
        self.high = np.array([FINITE if p is None else p[1] for p in plausible])
        self.status_words = () if profile is None else profile.status_words
        self.period_ns = 0 if profile is None else max(round(1e9 / profile.rate_hz), 1)
        self._tables()
        self.places = self._places()

    def _tables(self) -> None:
        n = len(self.expectations)
        self.spec: NDArray[np.int64] = np.zeros((n, layout.EXPECTED_INTS), dtype=np.int64)
        self.limits: NDArray[np.float64] = np.zeros((n, layout.EXPECTED_FLOATS))
        allowed: list[float] = []
        self.unique = 0
        self.words: list[frozenset[str]] = []
        """Of each expectation of the status word."""
        for e, one in enumerate(self.expectations):
            spec, limits, compared = self.spec[e], self.limits[e], one.compared
            if _of_status(one, self.channels):
                spec[layout.E_KIND], spec[layout.E_COLUMN] = layout.STATUS_ONE_OF, len(self.words)
                self.words.append(frozenset(map(str, one.one_of)))
                continue
            spec[layout.E_COLUMN] = self.channels.index(one.about[0])
            if compared is not None:
                spec[layout.E_KIND] = SIGNS[compared.sign]
                spec[layout.E_OTHER] = self.channels.index(compared.right)
                limits[layout.E_LOW] = compared.offset
            elif one.between is not None:
                spec[layout.E_KIND] = layout.BETWEEN
                limits[:] = one.between
            elif one.one_of:
                spec[layout.E_KIND] = layout.ONE_OF
                spec[layout.E_AT], spec[layout.E_LEN] = len(allowed), len(one.one_of)
                allowed += [float(value) for value in one.one_of]
            elif one.max_step is not None:
                spec[layout.E_KIND], limits[layout.E_LOW] = layout.MAX_STEP, one.max_step
            elif one.changes_within_s is not None:
                spec[layout.E_KIND] = layout.CHANGES
                limits[layout.E_LOW] = one.changes_within_s * 1e9
            elif one.unique:
                spec[layout.E_KIND], spec[layout.E_AT] = layout.UNIQUE, self.unique
                self.unique += 1
            else:
                spec[layout.E_KIND] = {
                    "not_null": layout.NOT_NULL,
                    "increasing": layout.INCREASING,
                    "not_falling": layout.NOT_FALLING,
                }[one.check]
        self.allowed = np.array(allowed, dtype=np.float64)

    def _places(self) -> list[Place]:
        """Return what each slot of the kernel stands for."""
        places = [Place(check, None) for check in (*FRAME, *EVENTS, *REJECTED)]
        places += [Place(check, name) for name in self.channels for check in CHANNEL]
        for one in self.expectations:
            about = one.about[0] if one.about and one.about[0] in self.channels else None
            found = f"value not as expected ({one.title})", f"values not as expected ({one.title})"
            check = Check(f"expected_{one.check}", CHECKS[one.check], one.severity, *found)
            places.append(Place(check, about))
        return places


def _of_status(one: Expectation, channels: tuple[str, ...]) -> bool:
    return one.channel == STATUS and STATUS not in channels


def longest_run(profile: Profile, channel: Channel) -> int:
    """Return how many equal values in a row are still healthy; 0 where that is not known.

    A rule of kind `stuck` says it. Else the noise of the waveform does: with steps of *q* and
    changes of standard deviation *s* from reading to reading, about q / (s sqrt(2 pi)) of the
    values repeat, and a run is too long when chance makes one in a billion of that length.

    Examples
    --------
    >>> monitor = Profile.load("serial_monitor")
    >>> longest_run(monitor, monitor.channel("temperature"))
    10
    """
    for rule in profile.rules:
        if rule.kind == "stuck" and rule.channel == channel.name and rule.readings is not None:
            return rule.readings
    waveform = channel.waveform
    noise = None if waveform is None else waveform.noise
    if waveform is None or noise is None or not noise.sigma:
        return 0
    change = noise.sigma * math.sqrt(max(2.0 * (1.0 - _next(noise.coefficients)), 1e-12))
    step = max(waveform.step or 0.0, 10.0**-channel.decimals)
    repeats = step / (change * math.sqrt(2.0 * math.pi))
    if repeats > MOST_LIKELY_REPEAT:
        return 0
    return max(SHORTEST_RUN, math.ceil(math.log(CHANCE) / math.log(repeats)))


def _next(coefficients: tuple[float, ...]) -> float:
    """Return the correlation of noise with these coefficients from one reading to the next."""
    if len(coefficients) < 2:
        return coefficients[0] if coefficients else 0.0
    response = [1.0]  # to one shock; its products with itself add up to the covariances
    for _ in range(RESPONSE):
        recent = reversed(response[-len(coefficients) :])
        response.append(sum(a * x for a, x in zip(coefficients, recent, strict=False)))
    shocks = np.array(response)
    return float(shocks[:-1] @ shocks[1:] / (shocks @ shocks))
