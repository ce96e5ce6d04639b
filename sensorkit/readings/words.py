"""A column of words that repeat, kept as numbers."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any, Self

import numpy as np
from numpy.typing import NDArray

from sensorkit.display.labelling import cut


@dataclass(frozen=True, eq=False)
class Words:
    """A column of a few words that repeat, kept as codes so that it stays an array.

    Attributes
    ----------
    codes : array of int32, shape (n,)
        Index into *vocabulary*; -1 where there is no word.
    vocabulary : tuple of str

    Examples
    --------
    >>> Words.of(["NORMAL", None, "NORMAL"]).codes.tolist()
    [0, -1, 0]
    """

    codes: NDArray[np.int32]
    vocabulary: tuple[str, ...]

    @classmethod
    def of(cls, words: Iterable[str | None]) -> Self:
        """Code *words*; the vocabulary is in order of appearance."""
        index: dict[str, int] = {}
        codes = [-1 if word is None else index.setdefault(word, len(index)) for word in words]
        return cls(np.array(codes, dtype=np.int32), tuple(index))

    @classmethod
    def constant(cls, word: str | None, n: int) -> Self:
        """Return a column of *n* times the same word."""
        if word is None:
            return cls(np.full(n, -1, dtype=np.int32), ())
        return cls(np.zeros(n, dtype=np.int32), (word,))

    @classmethod
    def concat(cls, columns: Sequence[Words]) -> Self:
        """Join columns whose vocabularies may differ."""
        index: dict[str, int] = {}
        codes = []
        for column in columns:
            renamed = [index.setdefault(word, len(index)) for word in column.vocabulary]
            # The last entry catches the code -1.
            codes.append(np.array([*renamed, -1], dtype=np.int32)[column.codes])
        joined = np.concatenate(codes) if codes else np.empty(0, dtype=np.int32)
        return cls(joined, tuple(index))

    def __len__(self) -> int:
        return len(self.codes)

    def __getitem__(self, rows: slice | NDArray[Any]) -> Words:
        return Words(self.codes[rows], self.vocabulary)

    def __repr__(self) -> str:
        shown = ", ".join(repr(cut(word, 24)) for word in self.vocabulary[:6])
        more = f", {len(self.vocabulary) - 6} more" if len(self.vocabulary) > 6 else ""
        return (
            f"Words({len(self):,} of {shown}{more})" if shown else f"Words({len(self):,} missing)"
        )

    def to_array(self) -> NDArray[np.object_]:
        """Return the words, shape (n,), None where there is none."""
        words: NDArray[np.object_] = np.array([*self.vocabulary, None], dtype=object)[self.codes]
        return words
