"""The values of many readings as they stood on the wire, without an object a value."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any, Self

import numpy as np
from numpy.typing import NDArray

NOT_PLAIN = -1
"""Stands in `Texts.length` for a value that did not stand there as a plain decimal."""


class Texts:
    """The texts of n readings of c channels: places in a piece of the stream.

    Attributes
    ----------
    data : array of uint8, shape (n_bytes,)
        What the places point into; read-only, and shared with slices.
    start, length : arrays of int64, shape (n, c)
        A length of 0 is a missing value; `NOT_PLAIN` one that is to be written with `repr`.

    Examples
    --------
    >>> texts = Texts.of([("85.5", "5.0"), ("", None)])
    >>> texts.rows()
    [('85.5', '5.0'), ('', None)]
    >>> texts[1:].rows()
    [('', None)]
    """

    __slots__ = ("data", "length", "start")

    def __init__(
        self, data: NDArray[np.uint8], start: NDArray[np.int64], length: NDArray[np.int64]
    ) -> None:
        if start.shape != length.shape or start.ndim != 2:
            raise ValueError(
                f"start has shape {start.shape} and length {length.shape}; "
                "both want (readings, channels)"
            )
        self.data, self.start, self.length = data, start, length

    @classmethod
    def of(cls, rows: Sequence[Sequence[str | None]], channels: int = 0) -> Self:
        """Take the texts of each reading; None for a value that did not stand there.

        Parameters
        ----------
        rows : n sequences of c texts
        channels : int
            What c is where there is no row to tell.
        """
        channels = len(rows[0]) if len(rows) else channels
        texts = [text for row in rows for text in row]
        pieces = [b"" if text is None else text.encode() for text in texts]
        full = np.fromiter(map(len, pieces), dtype=np.int64, count=len(pieces))
        start = np.cumsum(full) - full
        length = full.copy()
        length[[text is None for text in texts]] = NOT_PLAIN
        shape = (len(rows), channels)
        data = np.frombuffer(b"".join(pieces), dtype=np.uint8)
        return cls(data, start.reshape(shape), length.reshape(shape))

    @classmethod
    def concat(cls, parts: Sequence[Texts]) -> Self:
        """Join texts of the same channels, in the order given."""
        if not parts:
            raise ValueError("no texts to join; use Texts.of([], channels)")
        shifts = np.cumsum([0, *(len(part.data) for part in parts[:-1])], dtype=np.int64)
        data = np.concatenate([part.data for part in parts])
        data.flags.writeable = False
        return cls(
            data,
            np.concatenate([part.start + shift for part, shift in zip(parts, shifts, strict=True)]),
            np.concatenate([part.length for part in parts]),
        )

    def rows(self) -> list[tuple[str | None, ...]]:
        """Return the texts, a tuple a reading; None where there is none."""
        data = self.data.tobytes()
        return [
            tuple(
                None if length < 0 else data[start : start + length].decode()
                for start, length in zip(starts, lengths, strict=True)
            )
            for starts, lengths in zip(self.start.tolist(), self.length.tolist(), strict=True)
        ]

    def __len__(self) -> int:
        return len(self.start)

    def __getitem__(self, rows: slice | NDArray[Any]) -> Texts:
        """Return the texts that a slice, a mask or an index array selects."""
        return Texts(self.data, self.start[rows], self.length[rows])

    def __iter__(self) -> Iterator[tuple[str | None, ...]]:
        return iter(self.rows())

    def __repr__(self) -> str:
        return f"Texts({len(self)} readings, {self.start.shape[1]} channels)"
