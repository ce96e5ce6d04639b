"""Public data sets, each by its own protocol, with the rows that its leaderboard publishes."""

from sensorkit.evaluate.public.loop import public_benchmark
from sensorkit.evaluate.public.results import PublicResults
from sensorkit.evaluate.public.sources import names, protocol

__all__ = ["PublicResults", "names", "protocol", "public_benchmark"]
