"""Timing in turns: a slow minute of a shared machine hits all competitors alike."""

import statistics
import time


def in_turns(jobs, *, rounds=7, repeat=1):
    """Return the median seconds of one call of each job.

    Every round runs all jobs; each is called once untimed first, so that memory is touched and
    code compiled (the first touch of fresh memory costs more than most of the work here).

    Parameters
    ----------
    jobs : dict of str to callable
    rounds : int
    repeat : int
        Calls behind one measurement, for what takes microseconds.
    """
    taken = {name: [] for name in jobs}
    for _ in range(rounds):
        for name, job in jobs.items():
            job()
            start = time.perf_counter()
            for _ in range(repeat):
                job()
            taken[name].append((time.perf_counter() - start) / repeat)
    return {name: statistics.median(times) for name, times in taken.items()}


def imported(name):
    """Return the module *name*, or None where it is not installed."""
    try:
        return __import__(name, fromlist=["x"])
    except ImportError:
        return None


def rows(title, header, lines):
    """Return a table of text, the first column to the left."""
    cells = [header, *[[str(cell) for cell in line] for line in lines]]
    width = [max(len(line[i]) for line in cells) for i in range(len(header))]
    lines = [
        "  ".join([line[0].ljust(width[0]), *map(str.rjust, line[1:], width[1:])]) for line in cells
    ]
    return "\n".join([title, *lines])
