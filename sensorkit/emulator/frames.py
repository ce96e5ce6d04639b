"""Values to frames: the texts, the status word, the counter and the clock of the device."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from sensorkit.errors import ProfileError
from sensorkit.profile import Profile
from sensorkit.wire.checksum import Kind as ChecksumKind
from sensorkit.wire.codec import make_codec

USUAL_WORD = "OK"
"""What a healthy device says whose profile names no status words."""


class EmulatedFrame(NamedTuple):
    """A frame and when it is due."""

    at_s: float
    """Seconds since the device started."""
    data: bytes
    """With its line end; `b""` where the device is silent or the line swallows it."""


class FrameWriter:
    """Writes what an emulated device sends; parameters as in `Emulator`."""

    def __init__(
        self,
        profile: Profile,
        rate_hz: float,
        *,
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
        self._rate_hz = rate_hz
        self._sequence, self._uptime = sequence, uptime
        period_ms = 1000 / rate_hz
        self._uptime_form = "%.3f" if period_ms == int(period_ms) else "%.6f"
        self._counted = 0

    def write(
        self, values: NDArray[np.float64], rows: NDArray[np.int64], silent: NDArray[np.bool_]
    ) -> list[bytes]:
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
        columns = []
        for column, channel in enumerate(self._profile.channels):
            form = f"%.{channel.decimals}f"
            # Not equal to itself: NaN, a missing value.
            columns.append([form % v if v == v else "" for v in values[:, column].tolist()])
        counts = self._counted + np.cumsum(~silent)
        self._counted = int(counts[-1])
        rate, seconds = self._rate_hz, self._uptime_form
        encode = self._codec.encode
        return [
            b""
            if quiet
            else encode(
                texts,
                status=word,
                sequence=count if self._sequence else None,
                uptime=seconds % (row / rate) if self._uptime else None,
            )
            + b"\n"
            for texts, word, count, row, quiet in zip(
                zip(*columns, strict=True),
                self._words(values),
                counts.tolist(),
                rows.tolist(),
                silent.tolist(),
                strict=True,
            )
        ]

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
