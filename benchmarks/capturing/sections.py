"""What is measured; each function is one run of one reader."""

import contextlib
import csv
import subprocess
import time

import numpy as np

from capturing import frames, readers, wire

PRIMER = 2000
"""Frames before the clock starts: what is compiled, loaded and touched once is done by then."""


def blast(reader, folder, profile, make, first, n, *, cores=None, writer=None):
    """Send *n* frames as fast as they are taken.

    Returns
    -------
    dict
        `frames_per_s`: from the first byte until the last frame can be seen by another process;
        `cpu_s_per_million` from there until the reader has ended, its children included;
        `lost` frames, by their numbers; `memory_mb` of each process at the end.
    """
    out = folder / f"{reader.name.split()[0]}-{time.monotonic_ns()}"
    primer, data = make(first, PRIMER), make(first + PRIMER, n)
    last = first + PRIMER + n - 1
    with wire.Wire() as link:
        run = readers.Running(reader, link.port, out, profile, frames=PRIMER + n, cores=cores)
        try:
            run.ready(link, primer, first + PRIMER - 1)
            before, start = run.cpu_s(), time.perf_counter()
            process = wire.blast(link, data, writer)
            goal = len(primer) + len(data) if reader.column is None else last
            run.until_seen(goal)
            elapsed = time.perf_counter() - start
            process.join()
            memory = run.memory_mb()
        finally:
            used = run.stop()
    return {
        "frames_per_s": n / elapsed,
        "cpu_s_per_million": (used - before) / n * 1e6,
        "lost": PRIMER + n - kept(run, make, first, PRIMER + n),
        "memory_mb": memory,
    }


def kept(run, make, first, n):
    """Return how many of the frames are in what a reader has written."""
    if run.reader.column is None:
        return n if run.out.read_bytes() == make(first, n) else 0
    return len(set(numbers(run)))


def numbers(run):
    """Return the numbers of the frames in a table."""
    with (run.out / run.reader.file).open(newline="") as file:
        rows = csv.reader(file)
        column = run.reader.column
        return [int(row[column]) for row in rows if row[column].isdigit()]


def rate(reader, folder, profile, baud, seconds, *, stall_s=0.0, cores=None, writer=None):
    """Send at *baud* as a UART does, for so many seconds; what does not fit is dropped.

    Parameters
    ----------
    stall_s : float
        Stop the reader's own process for so long, once, in the middle.

    Returns
    -------
    dict
        `cpu_percent` of one core; `lost_percent` of the frames; `p50_ms`, `p99_ms` and `max_ms`
        from the write of a frame until another process can see its row; the writer's own
        `writer_late_ms`, which the machine has to answer for.
    """
    out = folder / f"{reader.name.split()[0]}-{time.monotonic_ns()}"
    size = len(frames.short(0, 1))
    per_second = baud / 10 / size
    n = int(per_second * seconds)
    data = frames.short(PRIMER, n)
    path = folder / f"written-{time.monotonic_ns()}.npz"
    with wire.Wire() as link:
        run = readers.Running(reader, link.port, out, profile, cores=cores)
        try:
            run.ready(link, frames.short(0, PRIMER), PRIMER - 1)
            time.sleep(0.2)
            before, start = run.cpu_s(), time.perf_counter()
            process = wire.paced(link, data, size, per_second, path, cores=writer)
            seen = watched(run, process, stall_s, seconds / 2)
            elapsed = time.perf_counter() - start
            used = run.cpu_s() - before
        finally:
            run.stop()
    told = np.load(path)
    got = np.array([i for i in numbers(run) if i >= PRIMER]) - PRIMER
    return {
        "cpu_percent": 100 * used / elapsed,
        "lost_percent": 100 * (1 - len(set(got.tolist())) / n),
        "dropped_bytes": int(told["dropped"]),
        "writer_late_ms": float(told["late"]) / 1e6,
        **latencies(told["times"], seen, got),
    }


def watched(run, process, stall_s, stall_at):
    """Note which row was the last one there, again and again, until nothing changes any more.

    Returns
    -------
    array, shape (n, 2)
        Nanoseconds (monotonic), and the number of the last frame that could be seen.
    """
    notes, changed, start = [], time.monotonic(), time.monotonic()
    stop_at, go_at = start + stall_at, start + stall_at + stall_s
    stalled = not stall_s
    while process.is_alive() or time.monotonic() - changed < 0.5:
        now = time.monotonic()
        if not stalled and now > stop_at:
            with stopped(run):
                time.sleep(max(go_at - now, 0))
            stalled = True
        last = run.seen()
        if not notes or last != notes[-1][1]:
            notes.append((time.monotonic_ns(), last))
            changed = time.monotonic()
        time.sleep(0.0005)
    process.join()
    return np.array(notes)


@contextlib.contextmanager
def stopped(run):
    """Stop the reader's own process, as a debugger, a swap or a busy notebook does."""
    run.process.send_signal(19)
    try:
        yield
    finally:
        run.process.send_signal(18)


def latencies(written, seen, got):
    """Return the percentiles of the waits, in ms, of the frames that arrived."""
    got = np.unique(got)
    last = np.maximum.accumulate(seen[:, 1]) - PRIMER
    place = np.searchsorted(last, got)
    known = place < len(seen)
    waits = (seen[place[known], 0] - written[got[known]]) / 1e6
    if not len(waits):
        return dict.fromkeys(("p50_ms", "p99_ms", "max_ms"), float("nan"))
    p50, p99 = np.percentile(waits, [50, 99])
    return {"p50_ms": p50, "p99_ms": p99, "max_ms": float(waits.max())}


REPLAY = """
import os, sys, time
from sensorkit.capture import Recording
from sensorkit.capture.replay import replay
small, large = map(Recording.open, sys.argv[1:])
assert replay(small) == []
start, cpu = time.perf_counter(), time.process_time()
assert replay(large) == []
print(time.perf_counter() - start, time.process_time() - cpu)
"""


def recorded(folder, profile, data):
    """Return a recording of *data*, made from a file."""
    path = folder / f"frames-{time.monotonic_ns()}.bin"
    path.write_bytes(data)
    out = folder / f"recording-{time.monotonic_ns()}"
    command = readers.sensorkit("--detector", "none")(f"file:{path}", out, profile, 0)
    subprocess.run(command, check=True, capture_output=True)
    path.unlink()
    return out


def replay(small, large, n, *, cores=None):
    """Rebuild a recording of *n* frames and compare it, after a small one."""
    done = subprocess.run(
        [readers.PYTHON, "-c", REPLAY, str(small), str(large)],
        check=True,
        capture_output=True,
        text=True,
        preexec_fn=lambda: wire.pin(cores),
    )
    elapsed, cpu = map(float, done.stdout.split())
    return {"frames_per_s": n / elapsed, "cpu_s_per_million": cpu / n * 1e6}


def soak(folder, profile, n, *, sample_s=1.0):
    """Send *n* frames without a pause; return the memory of each process as it goes."""
    width = max(7, len(str(n + PRIMER)))
    size = len(frames.short(0, 1, width))
    out = folder / f"soak-{time.monotonic_ns()}"
    block = 100_000
    data = (frames.short(PRIMER + i, min(block, n - i), width) for i in range(0, n, block))
    samples = []
    with wire.Wire() as link:
        run = readers.Running(readers.OURS, link.port, out, profile)
        try:
            run.ready(link, frames.short(0, PRIMER, width), PRIMER - 1)
            start = time.perf_counter()
            process = wire.blast(link, data)
            while (seen := run.seen()) < PRIMER + n - 1:
                if run.over():
                    raise RuntimeError("the capture has ended by itself")
                lag = (out / "raw.log").stat().st_size // size - seen
                samples.append((time.perf_counter() - start, seen, lag, run.memory_mb()))
                time.sleep(sample_s)
            elapsed = time.perf_counter() - start
            samples.append((elapsed, seen, 0, run.memory_mb()))
            process.join()
        finally:
            run.stop()
    sums = [sum(memory) for *_, memory in samples]
    tenth = [total for (_, seen, *_), total in zip(samples, sums, strict=True) if seen > n / 10]
    return {
        "frames": n,
        "frames_per_s": n / elapsed,
        "memory_mb": samples[-1][3],
        "first_mb": tenth[0],
        "highest_mb": max(sums),
        "largest_lag_frames": max(lag for _, _, lag, _ in samples),
        "samples": samples,
    }
