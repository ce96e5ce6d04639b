"""What all kernels here share: how they are compiled, and the step from time to time."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from numba import njit

LARGEST_NS = 2**63 - 1


def compiled(kernel: Callable[..., Any]) -> Callable[..., Any]:
    """Compile a function on first use, and keep the machine code on disk."""
    made: Callable[..., Any] = njit(cache=True, nogil=True, error_model="numpy")(kernel)
    return made


@compiled
def passed(before: int, now: int) -> int:
    """Return *now* - *before*; the largest number there is where that does not fit."""
    step = now - before
    if now >= before and step < 0:
        return LARGEST_NS
    if now < before and step >= 0:
        return -LARGEST_NS
    return step
