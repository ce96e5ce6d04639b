"""The detectors of a part of the quality benchmark: all there are, with their defaults."""

from sensorkit import detect
from sensorkit.errors import DetectorError
from sensorkit.evaluate.public.contestants import CHANCE, OPTIONS

__all__ = ["CHANCE", "OPTIONS", "VARIANTS", "contestants", "tuned", "with_variants"]

# Other ways to ask the same question, beside the defaults.
VARIANTS = {
    "sigma, median": ("sigma", {"centre": "median"}),
    "sigma, frozen": ("sigma", {"baseline": "frozen"}),
}

WHAT_WAS_TUNED = {
    "rules": "how far out learned limits lie, on clean signals of the kinds of `injected`, to be "
    "quiet on them",
    "sigma": "nothing: window 50 and 3 sigma are the textbook's",
    "forest": "samples and foreign readings on a synthetic trial; the features after a look at the "
    "three sites of de Bruijn; a fifth, which is off, on `injected`, seeds 0-29, and Intel Lab",
    "volatility": "window, statistic and floor on `injected`, seeds 0-29; the statistic also by a "
    "look at the three sites of de Bruijn",
    "mewma": "the memory of a channel and the shrinkage on SKAB, so SKAB is not new to it; the "
    "clip on `injected`, seeds 0-29",
    "novelty": "its memories, lengths, delay, power, age term and threshold on NAB, so NAB is not "
    "new to it",
    "guard": "how evidence beyond a member's threshold counts: `injected`, seeds 0-29, and the "
    "three sites of de Bruijn; else what its members were tuned on",
}
"""What was chosen by looking at which data; all else of a detector is new to all data."""


def contestants(names=()):
    """Return the detectors that can be made without a profile, by name, and why others cannot.

    Parameters
    ----------
    names : sequence of str, optional
        Only these.

    Returns
    -------
    detectors : dict of str to Detector
    refused : dict of str to str
    """
    made, refused = {}, {}
    for name in names or detect.names():
        try:
            made[name] = detect.make(name, **OPTIONS.get(name, {}))
        except (DetectorError, ImportError, TypeError) as error:
            refused[name] = str(error)
    return made, refused


def with_variants(names=()):
    """Return what `contestants` does, and the variants beside them unless there are *names*."""
    made, refused = contestants(names)
    if not names:
        made |= {name: detect.make(kind, **params) for name, (kind, params) in VARIANTS.items()}
    return made, refused


def tuned(names):
    """Return lines that say what was tuned on what, for the detectors that have an entry."""
    return [f"  {name}: {WHAT_WAS_TUNED[name]}" for name in names if name in WHAT_WAS_TUNED]
