"""Values to frames: the texts, the status word, the counter and the clock of the device."""

from __future__ import annotations

from functools import partial
from typing import NamedTuple, Protocol, runtime_checkable

import numpy as np
from numpy.typing import NDArray

from sensorkit.errors import ProfileError
from sensorkit.profile import Profile
from sensorkit.wire.checksum import Kind as ChecksumKind
from sensorkit.wire.codec import make_codec

USUAL_WORD = "OK"
"""What a healthy device says whose profile names no status words."""


class Told(NamedTuple):
    """What stands behind a frame: the reading that the device made."""

    values: NDArray[np.float64]
    """Shape (n_channels,)."""
    status: str
    fault: str | None
    """Kind of the fault that it is under."""


class EmulatedFrame(NamedTuple):
    """A frame and when it is due."""

    at_s: float
    """Seconds since the device started."""
    data: bytes
    """As it goes over the line, with its line end; `b""` where the device is silent or the line
    swallows it."""
    made: bytes | None = None
    """As the device made it, where a fault of the line has changed it."""
    sequence: int | None = None
    """What the device has counted it as; None where it is silent or does not count."""
    plugged: bool = True
    """Whether the device is there: False while a fault has it pulled out."""
    unit: int = 1
    """Which unit it is of, from 1."""
    told: Told | None = None
    """Its reading, if somebody wants to be told of readings."""


@runtime_checkable
class ToldAhead(Protocol):
    """Frames of which it is known when the next one is due."""

    @property
    def next_s(self) -> float | None:
        """Return its due time, None if there is none."""
        ...


class Served(NamedTuple):
    """What has been sent."""

    frames: int
    bytes: int
    lost: int
    """Frames that did not get over the line whole: nobody read, or too slowly."""
    passed: int
    """Frames whose time has come: sent, lost, or silent."""
    dropped: int = 0
    """Bytes of the frames that were lost."""
    held_s: float = 0.0
    """How long the line stood still because the emulator itself was held up (`baud`)."""


class Written(NamedTuple):
    """What a device has written: a frame, its number and its status word for each reading."""

    frames: list[bytes]
    sequence: list[int | None]
    words: list[str]


class FrameWriter:
    """Writes what one unit sends; other parameters as in `Emulator`.

    Parameters
    ----------
    device : str
        What its frames are called, if they say it.
    """

    def __init__(
        self,
        profile: Profile,
        rate_hz: float,
        *,
        device: str,
        checksum: ChecksumKind | None,
        sequence: bool,
        uptime: bool,
    ) -> None:
        if profile.frame is None:
            raise ProfileError(
                f"profile {profile.name!r} has no frame format, for its data never stood on a "
                "wire; give it a `frame` section to emulate it"
            )
        if checksum is not None:
            frame = profile.frame.model_copy(update={"checksum": checksum})
            profile = profile.model_copy(update={"frame": frame})
        self._profile = profile
        self._codec = make_codec(profile)
        # Codecs of other packages need not know of devices.
        speaks = profile.frame is not None and profile.frame.names_device
        encode = self._codec.encode
        self._encode = partial(encode, device=device) if speaks else encode
        self._rate_hz = rate_hz
        self._sequence, self._uptime = sequence, uptime
        period_ms = 1000 / rate_hz
        self._uptime_form = "%.3f" if period_ms == int(period_ms) else "%.6f"
        self._forms = [f"%.{channel.decimals}f" for channel in profile.channels]
        self._counted = 0
        self._first = 0

    @property
    def place(self) -> tuple[int, int]:
        """Return how many it has counted, and the reading its clock began with."""
        return self._counted, self._first

    def go_back(self, place: tuple[int, int], count: int = 0) -> None:
        """Go on as if it were at *place*, and had counted so many frames since."""
        self._counted, self._first = place[0] + count, place[1]

    def restart(self, row: int) -> None:
        """Let the device start anew with reading *row*: its counter and its clock begin again."""
        self._counted, self._first = 0, row

    def write(
        self, values: NDArray[np.float64], rows: NDArray[np.int64], silent: NDArray[np.bool_]
    ) -> Written:
        """Return a frame a reading with its line end, empty where the device is silent.

        Parameters
        ----------
        values : array of float64, shape (n, n_channels)
            NaN is sent as an empty value.
        rows : array of int64, shape (n,)
            Number of the reading since the device started, from 0.
        silent : array of bool, shape (n,)
            A silent reading is not counted.
        """
        columns = [
            # Not equal to itself: NaN, a missing value.
            [form % v if v == v else "" for v in values[:, column].tolist()]
            for column, form in enumerate(self._forms)
        ]
        counts = self._counted + np.cumsum(~silent)
        self._counted = int(counts[-1])
        rate, seconds = self._rate_hz, self._uptime_form
        encode, end = self._encode, self._codec.terminator
        words = self._words(values)
        sequence = [
            count if self._sequence and not quiet else None
            for count, quiet in zip(counts.tolist(), silent.tolist(), strict=True)
        ]
        frames = [
            b""
            if quiet
            else encode(
                texts,
                status=word,
                sequence=count,
                uptime=seconds % (row / rate) if self._uptime else None,
            )
            + end
            for texts, word, count, row, quiet in zip(
                zip(*columns, strict=True),
                words,
                sequence,
                (rows - self._first).tolist(),
                silent.tolist(),
                strict=True,
            )
        ]
        return Written(frames, sequence, words)

    def _words(self, values: NDArray[np.float64]) -> list[str]:
        """Return the status word of each reading: that of the first rule that applies."""
        profile = self._profile
        words = [profile.status_words[0] if profile.status_words else USUAL_WORD]
        codes = np.zeros(len(values), dtype=np.int64)
        for rule in reversed(profile.status_rules):
            column = values[:, profile.channel_names.index(rule.channel)]
            outside = np.zeros(len(values), dtype=np.bool_)
            if rule.low is not None:
                outside |= column < rule.low
            if rule.high is not None:
                outside |= column > rule.high
            codes[outside] = len(words)
            words.append(rule.word)
        return [words[code] for code in codes.tolist()]
