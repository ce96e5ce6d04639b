"""Public data sets: what they are, where they come from, and their series.

Nothing is downloaded unless `fetch` is called. `load` reads what is on this machine.
"""

from sensorkit.datasets.cards import Card, File, card, names
from sensorkit.datasets.fetching import fetch
from sensorkit.datasets.loading import load
from sensorkit.datasets.places import find, path, verify
from sensorkit.datasets.series import Series

__all__ = [
    "Card",
    "File",
    "Series",
    "card",
    "fetch",
    "find",
    "load",
    "names",
    "path",
    "verify",
]
