"""How numbers are said in a sentence."""

from __future__ import annotations

import math
from collections.abc import Sequence


def listed(words: Sequence[str]) -> str:
    """Return "a", "a and b" or "a, b and c".

    >>> listed(["a", "b", "c"])
    'a, b and c'
    """
    return words[0] if len(words) == 1 else f"{', '.join(words[:-1])} and {words[-1]}"


def short(value: float) -> str:
    """Return a rate in two digits.

    >>> short(0.0251), short(12.4)
    ('0.025', '12')
    """
    return f"{value:.0f}" if value >= 10 else f"{value:.2g}"


def at_most(value: float) -> str:
    """Return a bound in two digits, rounded up: what was shown from 1.84 on is not said of 1.8.

    >>> at_most(1.84), at_most(0.02), at_most(131.0), at_most(0.0)
    ('1.9', '0.02', '140', '0')
    """
    if value <= 0:
        return "0"
    step = 10.0 ** (math.floor(math.log10(value)) - 1)
    # Rounding of the division must not push a number of two digits up.
    return f"{math.ceil(round(value / step, 6)) * step:.6g}"


def p_words(p_value: float) -> str:
    """Return a p-value so that it never rounds to the other side of 0.05.

    >>> p_words(0.314), p_words(0.0496), p_words(0.0002)
    ('p = 0.31', 'p = 0.0496', 'p < 0.001')
    """
    if p_value < 0.001:
        return "p < 0.001"
    said = f"{p_value:.2g}"
    digits = 2
    while float(said) == 0.05 != p_value and digits < 6:
        digits += 1
        said = f"{p_value:.{digits}g}"
    return f"p = {said}"
