"""The detectors of a public benchmark: ours with their defaults, and chance beside them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from sensorkit import detect
from sensorkit.detect.base import Detector
from sensorkit.detect.registry import find

CHANCE = ("always", "never", "random")
"""In every table. What they reach, anything has to beat."""

CHEAP = ("rules", "sigma", "volatility", "mewma", "forest", "guard")
"""Tried unless others are named. `novelty` takes a minute where these take a second."""

# There is no profile of a public set, so rules learn their limits.
OPTIONS: Mapping[str, Mapping[str, Any]] = {"rules": {"source": "fit"}}


def contestants(
    wanted: Sequence[str] | Mapping[str, Detector] | None, seed: int
) -> dict[str, Detector]:
    """Return the detectors of a table by name, chance first.

    Parameters
    ----------
    wanted : sequence of str, or mapping of str to Detector, optional
        Names as `detect.names()` gives them, or detectors of one's own; None is `CHEAP`.
    seed : int
        Of `random`.

    Raises
    ------
    DetectorError
        If there is no detector of a name.

    Examples
    --------
    >>> list(contestants(["sigma"], seed=0))
    ['always', 'never', 'random', 'sigma']
    """
    made: dict[str, Detector] = {name: detect.make(name) for name in CHANCE}
    made["random"] = detect.make("random", seed=seed)
    if isinstance(wanted, Mapping):
        return {**made, **{k: one for k, one in wanted.items() if k not in CHANCE}}
    for name in CHEAP if wanted is None else wanted:
        find(name)
        if name not in made:
            made[name] = detect.make(name, **OPTIONS.get(name, {}))
    return made
