"""How fast the capture is, beside its yardsticks: every reader takes the same bytes from a pty.

`cat` is the limit of the machine; `naive` is the design everybody writes (pyserial readline,
split, float, one csv row a frame). The figures to compare are the ratios: absolute ones move
with the machine. A pty blocks its writer, so nothing is lost here by a slow reader; lost frames
are counted all the same.

Run with `make bench` or `python benchmarks/capture.py [FRAMES]`.
"""

import csv
import os
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

ROUNDS = 3
# The naive reader is so slow that it gets this share of the frames.
NAIVE_SHARE = 0.05

WRITER = """
import sys
from sensorkit.emulator import Emulator
from sensorkit.profile import Profile
device = Emulator(Profile.load("serial_monitor"), hold="NORMAL", uptime=False)
sys.stdout.buffer.write(b"".join(frame.data for frame in device.frames(int(sys.argv[1]))))
"""

NAIVE = """
import csv, sys, serial
port, path, n = serial.Serial(sys.argv[1], timeout=1), sys.argv[2], int(sys.argv[3])
print("open", flush=True)
with open(path, "w", newline="") as file:
    rows = csv.writer(file)
    for _ in range(n):
        line = port.readline().decode()
        fields = dict(field.split(":") for field in line.split("*")[0].split(","))
        rows.writerow([float(fields["T"]), float(fields["V"]), fields["S"], int(fields["N"])])
"""


def blast(port_end: int, data: bytes) -> None:
    view = memoryview(data)
    while view:
        view = view[os.write(port_end, view[:65536]) :]


def timed(reader: str, data: bytes, frames: int, folder: Path) -> float:
    """Return frames a second of one reader, from its first byte to its last row."""
    master, slave = os.openpty()
    subprocess.run(["stty", "raw", "-echo"], stdin=slave, check=True)  # noqa: S607
    port = os.ttyname(slave)
    out = folder / f"{reader}-{time.monotonic_ns()}"
    python = [sys.executable, "-c"]
    command = {
        "cat": ["sh", "-c", f"echo open; exec head -c {len(data)} {port} > {out}"],
        "naive": [*python, NAIVE, port, str(out), str(frames)],
        "sensorkit": [
            *(sys.executable, "-m", "sensorkit", "capture", port, "--out", str(out)),
            *("--frames", str(frames), "--detector", "none", "--json"),
        ],
    }[reader]
    process = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)
    if reader == "sensorkit":
        while not (out / "events.jsonl").exists() or not (out / "events.jsonl").stat().st_size:
            time.sleep(0.005)
    else:
        process.stdout.readline()
    start = time.perf_counter()
    blast(master, data)
    process.wait()
    elapsed = time.perf_counter() - start
    os.close(slave)
    os.close(master)
    if reader == "sensorkit":
        rows = sum(1 for _ in (out / "structured_metrics.csv").open()) - 1
        assert rows == frames, f"lost {frames - rows} frames"
        assert (out / "raw.log").read_bytes() == data
    elif reader == "naive":
        assert sum(1 for _ in csv.reader(out.open())) == frames
    else:
        assert out.read_bytes() == data
    return frames / elapsed


def main() -> None:
    frames = int(sys.argv[1]) if len(sys.argv) > 1 else 200_000
    made = subprocess.run(
        [sys.executable, "-c", WRITER, str(frames)], capture_output=True, check=True
    )
    data = made.stdout
    few = int(frames * NAIVE_SHARE)
    part = b"".join(data.splitlines(keepends=True)[:few])
    rates: dict[str, list[float]] = {"cat": [], "naive": [], "sensorkit": []}
    with tempfile.TemporaryDirectory() as folder:
        for _ in range(ROUNDS):  # in turn, so that a slow minute hits all alike
            for reader, found in rates.items():
                naive = reader == "naive"
                found.append(
                    timed(reader, part if naive else data, few if naive else frames, Path(folder))
                )
    middle = {reader: statistics.median(found) for reader, found in rates.items()}
    print(f"{frames} frames of {len(data) / frames:.0f} bytes, median of {ROUNDS} rounds")
    for reader, rate in middle.items():
        print(
            f"  {reader:<10} {rate:>12,.0f} frames/s   {rate / middle['cat']:8.4f} x cat   "
            f"{rate / middle['naive']:8.1f} x naive"
        )


if __name__ == "__main__":
    main()
