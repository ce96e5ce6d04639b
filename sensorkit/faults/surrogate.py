"""A series that could have been: the same values and nearly the same spectrum, in another order."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]

ROUNDS = 10
"""Of putting the spectrum and the values right in turns; little changes after these."""

RINGS = 6
"""That are drawn; of a slow signal one alone may go much as the signal does."""

CANDIDATES = 12
"""Stretches of a ring that are tried: those whose ends fit best."""


def surrogate(values: Floats, rng: np.random.Generator) -> Floats:
    """Return the values of *values* in another order, with nearly the same spectrum.

    Parameters
    ----------
    values : array of float64, shape (n,)
        Without NaN.
    rng : numpy.random.Generator

    Returns
    -------
    array of float64, shape (n,)
        A permutation of *values*.

    Notes
    -----
    An iterated amplitude adjusted Fourier transform [2]_: the phases of the spectrum are drawn
    anew [1]_, and the spectrum and the distribution are put right in turns. Two things are ours.
    The series goes through the transform together with its mirror image, which closes it into a
    ring without a jump; a jump would make a slow signal rough. Of several such rings, the stretches
    are tried that begin and end about where *values* do, and the one is taken that is about as
    rough as they are and resembles them least.

    References
    ----------
    .. [1] J. Theiler et al., "Testing for nonlinearity in time series: the method of surrogate
       data", Physica D 58 (1992), 77-94.
    .. [2] T. Schreiber and A. Schmitz, "Improved surrogate data for nonlinearity tests", Physical
       Review Letters 77 (1996), 635-638.

    Examples
    --------
    >>> slow = np.sin(np.arange(200) / 10)
    >>> other = surrogate(slow, np.random.default_rng(1))
    >>> bool((np.sort(other) == np.sort(slow)).all())
    True
    >>> bool(abs(np.corrcoef(slow, other)[0, 1]) < 0.5)
    True
    """
    n = len(values)
    if n < 3:
        return values[::-1].copy()
    ordered = np.sort(values)
    # Squares of the largest numbers there are would be beyond them.
    values = values / (np.abs(values).max() or 1.0)
    ring = np.concatenate([values, values[::-1]])
    among = np.sort(values)
    tried = [
        _ranked(stretch, among)
        for _ in range(RINGS)
        for stretch in _stretches(_ring_like(ring, rng), values)
    ]
    return _ranked(min(tried, key=lambda one: _oddness(one, values)), ordered)


def _ring_like(ring: Floats, rng: np.random.Generator) -> Floats:
    """Return a ring of the same values with nearly the same spectrum."""
    ordered, strength = np.sort(ring), np.abs(np.fft.rfft(ring))
    other = np.fft.irfft(
        strength * np.exp(1j * rng.uniform(0.0, 2.0 * np.pi, len(strength))), len(ring)
    )
    for _ in range(ROUNDS):
        spectrum = np.fft.rfft(_ranked(other, ordered))
        other = np.fft.irfft(strength * np.exp(1j * np.angle(spectrum)), len(ring))
    return _ranked(other, ordered)


def _stretches(ring: Floats, values: Floats) -> list[Floats]:
    """Return the stretches of *ring* whose ends are nearest to those of *values*."""
    n = len(values)
    ends = np.abs(ring - values[0]) + np.abs(np.roll(ring, 1 - n) - values[-1])
    twice = np.concatenate([ring, ring])
    best = np.argsort(ends, kind="stable")[: min(CANDIDATES, max(n // 5, 1))]
    return [twice[at : at + n] for at in best.tolist()]


def _ranked(like: Floats, ordered: Floats) -> Floats:
    """Return the values *ordered* in the order of size that *like* has."""
    put = np.empty_like(ordered)
    put[np.argsort(like, kind="stable")] = ordered
    return put


def _oddness(other: Floats, values: Floats) -> float:
    """Return how much *other* resembles *values*, and how much rougher or smoother it is."""
    deviation, rough = (float(np.std(series)) for series in (values, np.diff(values)))
    if not (deviation and rough):
        return 0.0
    centred = values - values.mean()
    likeness = float(np.abs(np.mean(centred * (other - other.mean())))) / deviation**2
    return 2.0 * likeness + abs(
        float(np.log(max(float(np.std(np.diff(other))), 1e-9 * rough) / rough))
    )
