"""How the kernels are compiled: once, kept on disk, and without counting references."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from numba import njit


def compiled(*, inline: bool = False) -> Callable[[Callable[..., Any]], Callable[..., Any]]:
    """Return the decorator of a kernel; its functions allocate nothing and return numbers.

    Numba counts references to each array that is handed to a function, by an atomic addition; in
    the walk over a line that was half of the time. Nothing here can outlive its arrays, for the
    caller holds them, so it is left out (`_nrt`).

    Parameters
    ----------
    inline : bool
        Put the body where it is called, for a small function in the innermost loop.
    """
    options: dict[str, Any] = {
        "nogil": True,
        "cache": True,
        "inline": "always" if inline else "never",
        "_nrt": False,
    }

    def compile_it(function: Callable[..., Any]) -> Callable[..., Any]:
        kernel: Callable[..., Any] = njit(**options)(function)
        return kernel

    return compile_it
