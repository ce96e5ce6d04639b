"""The sentence for a name that nobody knows: what there is, and which one was probably meant."""

from __future__ import annotations

import difflib
from collections.abc import Iterable

LEAST_BEGINNING = 3
"""So many letters of a name, from its start, are near it, however long it is."""


def did_you_mean(had: str, known: Iterable[str], otherwise: str | None = None) -> str:
    """Return the question that names the nearest of *known*; if none is near, *otherwise*.

    >>> did_you_mean("sigam", ["forest", "sigma"])
    "did you mean 'sigma'?"
    >>> did_you_mean("x", ["forest", "sigma"])
    'there are forest, sigma'
    >>> did_you_mean("x", ["forest", "sigma"], "use one of them")
    'use one of them'
    >>> did_you_mean("found", ["found-within", "timeline"])
    "did you mean 'found-within'?"
    """
    names = sorted(known)
    near = difflib.get_close_matches(had, names, n=1) or [
        name for name in names if len(had) >= LEAST_BEGINNING and name.startswith(had)
    ]
    if near:
        return f"did you mean {near[0]!r}?"
    return f"there are {', '.join(names)}" if otherwise is None else otherwise


def unknown(
    what: str, had: str, known: Iterable[str], *, otherwise: str = "use one of them"
) -> str:
    """Say that *had* is no known *what*, list those that are and name the nearest.

    Parameters
    ----------
    what : str
        Kind of thing, as in "unknown detector".
    had : str
    known : iterable of str
    otherwise : str
        What to do when none is near.

    Examples
    --------
    >>> unknown("kind of fault", "spikes", ["spike", "bias"])
    "unknown kind of fault 'spikes'; there are bias, spike; did you mean 'spike'?"
    >>> unknown("detector", "x", [], otherwise="install one")
    "unknown detector 'x'; there is none; install one"
    """
    names = sorted(known)
    there = f"there are {', '.join(names)}" if names else "there is none"
    return f"unknown {what} {had!r}; {there}; {did_you_mean(had, names, otherwise)}"
