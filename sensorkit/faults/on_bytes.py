"""The faults of a line: what each one does to the bytes of frames."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from sensorkit.faults.base import Magnitude, Passage, TransportKind
from sensorkit.wire.uart import misread

BOOT_TEXT = b"boot: power on, self test passed\r\n"
"""What an emulated device says when it starts anew."""


SENT_AT = 1_000_000
"""Baud of a sender whose reader is at another speed; only the ratio matters."""

MOST_LATE_S = 1e9
"""A frame is not held up for longer: its time has to stay a time of 64 bits."""


def split_line_end(frame: bytes) -> tuple[bytes, bytes]:
    r"""Return a frame without its line end, and the line end.

    >>> split_line_end(b"T:25.13\r\n")
    (b'T:25.13', b'\r\n')
    """
    body = frame.removesuffix(b"\n").removesuffix(b"\r")
    return body, frame[len(body) :]


class Silence(TransportKind):
    """Nothing arrives, though the device goes on counting its frames."""

    name = "silence"
    needs_bytes = False

    def distort(self, passage: Passage) -> list[bytes]:
        """Return nothing for each frame."""
        return [b""] * len(passage.frames)


class Corrupt(TransportKind):
    """Bits of every frame are flipped; its line end is spared."""

    name = "corrupt"
    magnitude = Magnitude(
        "bits flipped in each frame", "bits", required=False, default=1.0, signed=False
    )

    def distort(self, passage: Passage) -> list[bytes]:
        """Return each frame with that many different bits flipped, at most all it has."""
        wanted = int(passage.magnitude or 1)
        arrived = []
        for frame in passage.frames:
            body, line_end = split_line_end(frame)
            damaged = bytearray(body)
            bits = 8 * len(damaged)
            for bit in passage.rng.choice(bits, size=min(wanted, bits), replace=False).tolist():
                damaged[bit // 8] ^= 1 << (bit % 8)
            arrived.append(bytes(damaged) + line_end)
        return arrived


class Truncate(TransportKind):
    """Every frame loses its tail; its line end still arrives."""

    name = "truncate"
    magnitude = Magnitude(
        "bytes lost from the end of each frame; not given: drawn for each frame",
        "bytes",
        required=False,
        signed=False,
    )

    def distort(self, passage: Passage) -> list[bytes]:
        """Return each frame cut short; at least its first byte is left."""
        arrived = []
        for frame in passage.frames:
            body, line_end = split_line_end(frame)
            most = max(len(body) - 1, 0)
            if passage.magnitude is None:
                lost = int(passage.rng.integers(1, most + 1)) if most else 0
            else:
                lost = min(int(passage.magnitude), most)
            arrived.append(body[: len(body) - lost] + line_end)
        return arrived


class Merge(TransportKind):
    """Frames run into each other in pairs: the line end between the two is lost."""

    name = "merge"
    fewest = 2

    def distort(self, passage: Passage) -> list[bytes]:
        """Return every first frame of a pair without its line end; an odd last one is spared."""
        arrived = list(passage.frames)
        for first in range(0, len(arrived) - 1, 2):
            arrived[first] = split_line_end(arrived[first])[0]
        return arrived


class Splice(TransportKind):
    """Bytes are lost from the middle of one frame to the middle of the next."""

    name = "splice"
    fewest = 2

    def distort(self, passage: Passage) -> list[bytes]:
        """Return pairs of which the first has lost its tail and the second as much of its head.

        The worst that an overrun does: what is left of the two has the shape of a frame.
        """
        arrived = list(passage.frames)
        for first in range(0, len(arrived) - 1, 2):
            shorter = min(len(arrived[first]), len(arrived[first + 1]))
            at = int(passage.rng.integers(1, shorter - 1)) if shorter > 2 else 0
            arrived[first] = arrived[first][:at]
            arrived[first + 1] = arrived[first + 1][at:]
        return arrived


class Duplicate(TransportKind):
    """Every frame arrives twice."""

    name = "duplicate"

    def distort(self, passage: Passage) -> list[bytes]:
        """Return each frame twice."""
        return [frame + frame for frame in passage.frames]


class Reorder(TransportKind):
    """Frames change places in pairs."""

    name = "reorder"
    fewest = 2

    def distort(self, passage: Passage) -> list[bytes]:
        """Return every second frame before the one it followed."""
        arrived = list(passage.frames)
        for first in range(0, len(arrived) - 1, 2):
            arrived[first : first + 2] = arrived[first + 1], arrived[first]
        return arrived


class Garbage(TransportKind):
    """Random bytes arrive before every frame."""

    name = "garbage"
    magnitude = Magnitude(
        "random bytes before each frame", "bytes", required=False, default=8.0, signed=False,
        most=1e6,
    )  # fmt: skip

    def distort(self, passage: Passage) -> list[bytes]:
        """Return each frame with random bytes of any value, line ends too, before it."""
        size = int(passage.magnitude or 8)
        return [passage.rng.bytes(size) + frame if frame else frame for frame in passage.frames]


class EndlessLine(TransportKind):
    """No line end arrives: all the frames are one line."""

    name = "endless_line"
    fewest = 2

    def distort(self, passage: Passage) -> list[bytes]:
        """Return the frames without their line ends; the last one keeps its own."""
        arrived = [split_line_end(frame)[0] for frame in passage.frames[:-1]]
        return arrived + list(passage.frames[-1:])


class Jitter(TransportKind):
    """Frames arrive late, each by another time; none overtakes another."""

    name = "jitter"
    magnitude = Magnitude(
        "mean delay of a frame, drawn from an exponential", "seconds", signed=False
    )
    needs_bytes = False
    delays = True

    def distort(self, passage: Passage) -> list[bytes]:
        """Return the frames as they are."""
        return list(passage.frames)

    def distort_times(self, times_ns: NDArray[np.int64], passage: Passage) -> NDArray[np.int64]:
        """Return the later times; one that is held up holds up those behind it."""
        mean = passage.magnitude or 0.0
        late_s = np.minimum(passage.rng.exponential(mean, len(times_ns)), MOST_LATE_S)
        # Whole microseconds, as recordings have them.
        late = np.rint(late_s * 1e6).astype(np.int64) * 1000
        arrived: NDArray[np.int64] = np.maximum.accumulate(times_ns + late)
        return arrived


class BaudMismatch(TransportKind):
    """The port is read at another speed than the device sends at."""

    name = "baud_mismatch"
    magnitude = Magnitude(
        "speed of the reader, the sender's being 1", "factor", required=False, default=0.5,
        signed=False, most=100.0,
    )  # fmt: skip

    def distort(self, passage: Passage) -> list[bytes]:
        """Return what a UART makes of each frame; the line rests between two frames.

        The line end is usually lost with the rest, so that what arrives has no lines, or too many.
        """
        read_at = round(SENT_AT * (passage.magnitude or 0.5))
        return [
            misread(frame, sent_at=SENT_AT, read_at=read_at) if frame else b""
            for frame in passage.frames
        ]


class Reset(TransportKind):
    """The device starts anew: silent while it starts, then a line of text, then from 1 again."""

    name = "reset"
    live = True
    restarts = True

    def distort(self, passage: Passage) -> list[bytes]:
        """Return nothing, and the words of the device in the place of the last frame."""
        return [b""] * (len(passage.frames) - 1) + [BOOT_TEXT]


class Disconnect(TransportKind):
    """The port is pulled out and comes back; the device goes on counting."""

    name = "disconnect"
    live = True
    unplugs = True

    def distort(self, passage: Passage) -> list[bytes]:
        """Return nothing for each frame."""
        return [b""] * len(passage.frames)


class PowerCycle(TransportKind):
    """The port goes away with the device's power, and the device starts anew."""

    name = "power_cycle"
    live = True
    unplugs = True
    restarts = True

    def distort(self, passage: Passage) -> list[bytes]:
        """Return nothing for each frame."""
        return [b""] * len(passage.frames)
