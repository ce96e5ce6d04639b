"""What judging the data quality costs: one reading at a time, a hundred, and ten thousand.

Beside it a yardstick of the same run: the rules of the profile on the same readings. Times are
those of the processor, the middle of several rounds, so that others on the machine matter less.

    python benchmarks/data_quality.py
"""

from __future__ import annotations

import statistics
import time
from collections.abc import Callable, Sequence

import numpy as np

from sensorkit import detect
from sensorkit.profile import Profile
from sensorkit.quality import StreamingValidator
from sensorkit.readings import Readings

LIMIT_US = 50.0
"""Of a reading that comes alone."""

ROUNDS = 7
SIZES = {1: 3_000, 100: 100, 10_000: 10}
"""Readings of a batch -> batches."""

EXPECTATIONS = [
    {"channel": "temperature", "between": [20, 30]},
    {"channel": "temperature", "max_step": 15},
    {"channel": "status", "one_of": ["NORMAL", "WARNING_TEMP"]},
    {"relation": "temperature >= voltage"},
]


def main() -> None:
    """Print the table."""
    plain = Profile.load("serial_monitor")
    told = Profile.from_dict({**plain.to_dict(), "expectations": EXPECTATIONS}, "benchmark")
    print("microseconds of the processor per reading; the score is asked for after each batch")
    print(f"{'readings a batch':>16}  {'quality':>8}  {'+ 4 expectations':>16}  {'rules':>8}")
    for size, batches in SIZES.items():
        parts = cut(size, batches)
        costs = [
            cost(parts, lambda: follow(StreamingValidator(plain))),
            cost(parts, lambda: follow(StreamingValidator(told))),
            cost(parts, lambda: detect.make("rules", profile=plain).score),
        ]
        print(f"{size:>16}  {costs[0]:>8.2f}  {costs[1]:>16.2f}  {costs[2]:>8.2f}")
        if size == 1 and max(costs[:2]) > LIMIT_US:
            raise SystemExit(f"more than {LIMIT_US:g} microseconds a reading")


def follow(validator: StreamingValidator) -> Callable[[Readings], object]:
    """Return a function that takes a batch and asks for its score."""
    return lambda readings: validator.update(readings).score


def cut(size: int, batches: int) -> list[Readings]:
    """Return healthy readings in batches of one size."""
    n = size * batches
    noise = np.random.default_rng(1).normal(0, [0.2, 0.03], (n, 2))
    readings = Readings.build(
        np.arange(n) * 1_000_000_000,
        np.round(np.array([25.0, 5.0]) + noise, 2),
        ("temperature", "voltage"),
        sequence=np.arange(n),
        offset=np.arange(n) * 40,
    )
    return [readings[first : first + size] for first in range(0, n, size)]


def cost(parts: Sequence[Readings], make: Callable[[], Callable[[Readings], object]]) -> float:
    """Return the microseconds of a reading: the middle of some rounds, after one to warm up."""
    make()(parts[0])
    found = []
    for _ in range(ROUNDS):
        judge = make()
        begun = time.process_time()
        for part in parts:
            judge(part)
        found.append((time.process_time() - begun) / sum(map(len, parts)))
    return 1e6 * statistics.median(found)


if __name__ == "__main__":
    main()
