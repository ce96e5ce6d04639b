"""Measuring in turns, with jobs that tell their own time: some run in another process."""

import statistics
import time

from measuring.ours import plain

SLOW_S = 5.0
SLOW_ROUNDS = 2
"""As often a job that takes longer than `SLOW_S` is measured, and without a call before."""


CLOCKS = {"wall": time.perf_counter, "cpu": time.process_time}


def here(job, clock="wall"):
    """Return a job that gives its seconds and its numbers."""
    now = CLOCKS[clock]

    def run():
        start = now()
        found = job()
        seconds = now() - start
        return seconds, plain(found)

    return run


def in_turns(jobs, rounds):
    """Return for each job the median seconds, how often it was measured, and its numbers.

    All jobs run once in each round. Each is called once untimed before it is measured, so that
    memory is touched, code compiled and caches are as they were; of a slow one the first call
    counts, and there are only `SLOW_ROUNDS` of them.

    Parameters
    ----------
    jobs : dict of str to callable
        Each returns (seconds, numbers).
    rounds : int
    """
    taken = {name: [] for name in jobs}
    numbers = {}
    for _ in range(rounds):
        for name, job in jobs.items():
            slow = taken[name] and taken[name][0] > SLOW_S
            if slow and len(taken[name]) >= SLOW_ROUNDS:
                continue
            seconds, numbers[name] = job()
            if seconds <= SLOW_S:
                seconds, numbers[name] = job()
            taken[name].append(seconds)
    return {
        name: {
            "seconds": statistics.median(times),
            "measured": len(times),
            "numbers": numbers[name],
        }
        for name, times in taken.items()
    }
