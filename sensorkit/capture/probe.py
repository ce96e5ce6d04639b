"""Try speeds and formats on a link until its frames can be read."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from sensorkit.capture.diagnosis import (
    COMMON_BAUD,
    READS_SHARE,
    TEXT_SHARE,
    Diagnosis,
    diagnose,
    share_read,
)
from sensorkit.errors import LinkError, LinkLost
from sensorkit.profile import Profile
from sensorkit.wire.closing import Closing
from sensorkit.wire.links import Link

LISTEN_S = 2.0
"""The least time to listen at a speed; a slow device gets two and a half of its periods."""

LISTEN_MOST_S = 30.0

ENOUGH_BYTES = 4096
"""A sample of this size says what there is to say."""

ENOUGH_LINES = 5
"""So many lines, nearly all of them read, and no other speed need be tried."""

SURE_SHARE = 0.9


@dataclass(frozen=True)
class Trial:
    """What a link said at one speed."""

    baud: int | None
    """None for a link that has no speed."""
    data: bytes
    profile: Profile
    """The one that reads most of it."""
    share: float
    """Of the lines that *profile* reads."""
    diagnosis: Diagnosis

    @property
    def reads(self) -> bool:
        """Return whether *profile* reads it."""
        return self.share >= READS_SHARE

    @property
    def sure(self) -> bool:
        """Return whether nothing better need be looked for."""
        return self.share >= SURE_SHARE and self.data.count(b"\n") >= ENOUGH_LINES

    def rank(self) -> tuple[float, float, int]:
        """Return what a better trial has more of."""
        return self.share, self.diagnosis.printable, len(self.data)


class Rewound(Closing):
    """A link that gives back first what was read from it to look at, so that nothing is lost."""

    def __init__(self, link: Link, data: bytes) -> None:
        self.name = link.name
        self.mid_stream = link.mid_stream
        self._link = link
        self._data = data

    def read(self, timeout: float) -> bytes | None:
        """Return the bytes looked at, then those of the link."""
        data, self._data = self._data, b""
        return data or self._link.read(timeout)

    def write(self, data: bytes) -> int:
        """Send *data* over the link."""
        return self._link.write(data)

    def close(self) -> None:
        """Close the link."""
        self._link.close()


def listen_s(profiles: Sequence[Profile]) -> float:
    """Return how long to listen, for the slowest of *profiles* to say something."""
    slowest = min(profile.rate_hz for profile in profiles)
    return min(max(LISTEN_S, 2.5 / slowest), LISTEN_MOST_S)


def listen(
    link: Link,
    seconds: float,
    clock: Callable[[], float] = time.monotonic,
    enough: int = ENOUGH_BYTES,
) -> bytes:
    """Return what comes within *seconds*, or sooner when it is enough or the link ends."""
    data, end = b"", clock() + seconds
    while len(data) < enough and (left := end - clock()) > 0:
        try:
            piece = link.read(min(left, 0.2))
        except LinkLost:
            break
        if piece is None:
            break
        data += piece
    return data


def judge(data: bytes, profiles: Sequence[Profile], baud: int | None) -> Trial:
    """Return how well the best of *profiles* reads *data*; the first wins where two do."""
    whole = data.partition(b"\n")[2] or data  # the first line may be the end of one
    shares = [share_read(profile, whole) for profile in profiles]
    best = max(range(len(profiles)), key=lambda i: (shares[i], -i))
    return Trial(baud, data, profiles[best], shares[best], diagnose(data, baud))


def try_speeds(
    link: Link,
    profiles: Sequence[Profile],
    first: int,
    *,
    seconds: float,
    set_speed: Callable[[Link, int], None],
    say: Callable[[Trial], None] = lambda _: None,
    clock: Callable[[], float] = time.monotonic,
) -> Trial:
    """Listen at the common speeds, set the best and return its trial.

    What arrives at a wrong speed says which is likely right (`diagnosis.likely_baud`): that one is
    tried next. It ends at the first speed at which nearly every line is read.

    Parameters
    ----------
    link : Link
        Stays open: a board that listens to DTR is not reset.
    profiles : sequence of Profile
        Formats to try, the user's first.
    first : int
        Speed to begin with.
    seconds : float
        Longest time to listen at each.
    set_speed : callable
        `links.set_baud`; a speed at which it raises `LinkError`, for the system does not know it,
        is passed over.
    say : callable
        Told each trial.
    """
    waiting = [first, *(baud for baud in COMMON_BAUD if baud != first)]
    trials: list[Trial] = []
    while waiting:
        baud = waiting.pop(0)
        try:
            set_speed(link, baud)
        except LinkError:
            if not waiting and not trials:
                raise
            continue
        data = listen(link, seconds, clock)
        trial = judge(data, profiles, baud)
        trials.append(trial)
        say(trial)
        if trial.sure or (trial.diagnosis.printable >= TEXT_SHARE and len(data) >= ENOUGH_BYTES):
            break
        likely = [b for b in trial.diagnosis.baud if b in waiting]
        waiting = likely + [b for b in waiting if b not in likely]
    best = max(trials, key=Trial.rank)
    if best.baud is not None:
        set_speed(link, best.baud)
    return best
