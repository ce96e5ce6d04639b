"""What everybody writes: readline, split, float, a row of csv. Rows are flushed if asked to."""

import csv
import sys

import serial

port = serial.Serial(sys.argv[1], timeout=1)
frames, flush = int(sys.argv[3]), len(sys.argv) > 4
with open(sys.argv[2], "w", newline="") as file:  # noqa: PTH123 - as everybody writes it
    rows = csv.writer(file)
    count = 0
    while count < frames or not frames:
        line = port.readline()
        if not line:
            continue
        count += 1
        try:
            fields = dict(
                field.split(":") for field in line.decode().strip().split("*")[0].split(",")
            )
            rows.writerow([float(fields["T"]), float(fields["V"]), fields["S"], int(fields["N"])])
        except (ValueError, KeyError):
            continue
        if flush:
            file.flush()
