"""How much life is left: C-MAPSS and lives of one's own, predictions, and how good they are."""

from sensorkit.prognosis.fleet import Fleet, here, load
from sensorkit.prognosis.life import Life, lives
from sensorkit.prognosis.literature import published
from sensorkit.prognosis.official import columns
from sensorkit.prognosis.remaining_life import RemainingLife
from sensorkit.prognosis.scores import Estimate, over_engines, phm08, rmse

__all__ = [
    "Estimate",
    "Fleet",
    "Life",
    "RemainingLife",
    "columns",
    "here",
    "lives",
    "load",
    "over_engines",
    "phm08",
    "published",
    "rmse",
]
