"""The faults of a line: what each one does to the bytes of frames."""

from __future__ import annotations

from sensorkit.faults.base import Magnitude, Passage, TransportKind


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
