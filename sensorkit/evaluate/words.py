"""How numbers are said in a sentence."""

from __future__ import annotations

from collections.abc import Sequence

from sensorkit.display.formats import probability


def listed(words: Sequence[str]) -> str:
    """Return "a", "a and b" or "a, b and c".

    >>> listed(["a", "b", "c"])
    'a, b and c'
    """
    return words[0] if len(words) == 1 else f"{', '.join(words[:-1])} and {words[-1]}"


def p_words(p_value: float) -> str:
    """Return a p-value as the tables have it.

    >>> p_words(0.314), p_words(0.0496), p_words(0.0002)
    ('p = 0.31', 'p = 0.0496', 'p < 0.001')
    """
    said = probability(p_value)
    return f"p < {said[1:]}" if said.startswith("<") else f"p = {said}"
