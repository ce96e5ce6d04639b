"""How fast the emulated device is, how evenly it speaks, and whether its memory stays flat.

Each figure stands beside its yardstick in the same run: what everybody writes at first (a loop
that formats random numbers) for the speed, and a bare loop that sleeps to the same due times for
the evenness.

    python benchmarks/emulator.py [--frames 300000] [--seconds 20] [--memory 10000000]
"""

import argparse
import random
import statistics
import threading
import time
from pathlib import Path

from sensorkit.emulator import Emulator
from sensorkit.profile import Profile
from sensorkit.wire.links import PtyLink, open_pty

PROFILE = Profile.load("serial_monitor")


def per_second(n, work):
    """Return how many of *n* things *work* does in a second of this process."""
    started = time.process_time()
    work(n)
    return n / (time.process_time() - started)


def drain(frames):
    """Take all *frames*."""
    for _ in frames:
        pass


def naive(n):
    """Write frames as a first draft does: a random number, a format, a checksum in Python."""
    for i in range(n):
        body = f"T:{random.gauss(25, 1):.2f},V:{random.gauss(5, 0.1):.2f},S:NORMAL,N:{i},U:{i}.000"
        crc = 0xFFFF
        for byte in body.encode():
            crc ^= byte << 8
            for _ in range(8):
                crc = (crc << 1 ^ 0x1021 if crc & 0x8000 else crc << 1) & 0xFFFF
        f"{body}*{crc:04X}\n".encode()


def speed(n):
    """Print frames a second."""
    cases = {
        "one unit": {},
        "ten units": {"units": 10},
        "one unit, 5 % anomalies": {"anomalies": 0.05},
    }
    for title, options in cases.items():
        runs = []
        for seed in range(3):
            emulator = Emulator(PROFILE, seed=seed, hold="NORMAL", **options)
            runs.append(per_second(n, lambda k, e=emulator: drain(e.frames(k))))
        print(f"{title}: {statistics.median(runs):,.0f} frames/s")
    print(f"yardstick, a naive loop: {per_second(n // 10, naive):,.0f} frames/s")


def late(times, period):
    """Return how late things were in ms: median, 99 %, most."""
    begin = min(t - i * period for i, t in enumerate(times))
    delays = sorted((t - begin - i * period) * 1000 for i, t in enumerate(times))
    return (
        f"{delays[len(delays) // 2]:.2f} / {delays[int(len(delays) * 0.99)]:.2f} / {delays[-1]:.2f}"
    )


def evenness(seconds):
    """Print how late each unit's frames leave at 10 units of 10 Hz, beside a bare loop."""
    profile = PROFILE.model_copy(
        update={"frame": PROFILE.frame.model_copy(update={"device": "D"}), "devices": ()}
    )
    emulator = Emulator(profile, units=10, rate_hz=10.0, hold="NORMAL")
    left = {name: [] for name in emulator.units}
    emulator.on_reading(lambda reading: left[reading.device].append(time.monotonic()))
    bare = []
    stop = threading.Event()
    with open_pty() as pair:
        reader = threading.Thread(target=_read_all, args=(pair.device, stop), daemon=True)
        reader.start()
        emulator.start(seconds, link=PtyLink(pair))
        begin = time.monotonic()
        for i in range(int(seconds * 100)):
            time.sleep(max(begin + i / 100 - time.monotonic(), 0))
            bare.append(time.monotonic())
        emulator.wait()
        stop.set()
    print("late in ms (median / 99 % / most), 10 units at 10 Hz each, beside a loop that sleeps:")
    worst = max(left, key=lambda name: max(left[name]) - min(left[name]))
    print(f"  {worst}: {late(left[worst], 0.1)}")
    print(f"  yardstick: {late(bare, 0.01)}")
    metrics = emulator.metrics()
    print(f"  rate of a unit {metrics['rate_hz']:.4f} Hz, {metrics['lost']} frames lost")


def _read_all(device, stop):
    with Path(device).open("rb", buffering=0) as port:
        while not stop.is_set():
            try:
                if not port.read(4096):
                    return
            except OSError:
                return


def resident():
    """Return the MB that this process holds."""
    return int(Path("/proc/self/statm").read_text().split()[1]) * 4096 / 1e6


def memory(n):
    """Print what the process holds while it makes *n* frames."""
    emulator = Emulator(PROFILE, units=2, seed=1, hold="NORMAL")
    drain(emulator.frames(n // 100))
    first = resident()
    for step in range(1, 5):
        drain(emulator.frames(n // 4))
        print(f"after {step * n // 4:,} frames: {resident():.1f} MB (early on {first:.1f} MB)")


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--frames", type=int, default=300_000)
    parser.add_argument("--seconds", type=float, default=20.0)
    parser.add_argument("--memory", type=int, default=10_000_000)
    options = parser.parse_args()
    speed(options.frames)
    evenness(options.seconds)
    if options.memory:
        memory(options.memory)
