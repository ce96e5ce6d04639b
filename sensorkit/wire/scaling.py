"""Numbers on the wire to values in units, exactly: 12065 mV is 12.065 V to the last bit."""

from __future__ import annotations

from decimal import ROUND_HALF_EVEN, Context, Decimal

# 36 digits times a factor of 1e12 and more: nothing is rounded before it becomes a float.
_EXACT = Context(prec=100, rounding=ROUND_HALF_EVEN)


class Scale:
    """The value is the number times *scale*, plus *offset*.

    Examples
    --------
    >>> 3 * 0.1
    0.30000000000000004
    >>> Scale(0.1).value("3")
    0.3
    >>> Scale(0.001).number("12.0651")
    '12065'
    """

    def __init__(self, scale: float = 1.0, offset: float = 0.0) -> None:
        # `repr` is what people wrote in the profile.
        self.scale, self.offset = Decimal(repr(scale)), Decimal(repr(offset))
        self.changes = scale != 1.0 or offset != 0.0

    def value(self, number: str | int) -> float:
        """Return the value of *number*, a plain decimal."""
        return float(_EXACT.fma(Decimal(number), self.scale, self.offset))

    def number(self, value: str) -> str:
        """Return the whole number that stands for *value* on the wire, or comes nearest."""
        if not self.changes:
            return value
        number = _EXACT.divide(_EXACT.subtract(Decimal(value), self.offset), self.scale)
        return f"{_EXACT.to_integral_value(number):f}"
