"""Readings with everything wrong that can be, and what was not readable between them."""

import numpy as np
import pytest

from sensorkit.profile import Profile
from sensorkit.readings import NO_SEQUENCE, Event, Readings, Rejection, RejectReason, Words

S = 1_000_000_000
START = 1_700_000_000 * S


@pytest.fixture
def monitor():
    return Profile.load("serial_monitor")


@pytest.fixture
def profile_with(monitor):
    """The serial monitor with expectations."""

    def make(*expectations, **fields):
        told = {**monitor.to_dict(), "expectations": list(expectations), **fields}
        return Profile.from_dict(told, "test")

    return make


@pytest.fixture
def steady():
    """Healthy readings of the serial monitor: one a second, values that never repeat for long."""

    def make(n, *, sequence=True, device="monitor-1", offset=True, status="NORMAL"):
        rng = np.random.default_rng(7)
        noise = rng.normal(0, [0.2, 0.03], (n, 2))
        return Readings.build(
            START + np.arange(n) * S,
            np.round(np.array([25.0, 5.0]) + noise, 2),
            ("temperature", "voltage"),
            device=device,
            status=Words.constant(status, n),
            sequence=np.arange(n) if sequence else np.full(n, NO_SEQUENCE),
            offset=np.arange(n) * 40 if offset else None,
        )

    return make


@pytest.fixture
def changed():
    """Return readings with some of their columns replaced."""

    def make(readings, **columns):
        have = {name: getattr(readings, name) for name in Readings.__dataclass_fields__}
        return Readings(**{**have, **columns})

    return make


@pytest.fixture
def dirty(steady, changed):
    """Six hundred lines of two devices with every flaw there is; also what was no reading."""
    n = 600
    rng = np.random.default_rng(3)
    readings = steady(n)
    values, time, sequence = readings.values.copy(), readings.time.copy(), readings.sequence.copy()
    values[20:24, 0] = np.nan
    values[50, 1], values[51, 0], values[52, 0], values[53, 1] = np.inf, 1e300, -1e300, -np.inf
    values[100:140, 0] = values[100, 0]
    time[200:] += 30 * S  # a gap
    time[230:235] = time[235] + 1  # a burst
    time[300] -= 400 * S  # a step back
    time[310:313] = time[310]
    sequence[320:] += 5
    sequence[330] = sequence[329]  # repeated
    sequence[340], sequence[341] = sequence[341], sequence[340]  # out of order
    sequence[360:] = np.arange(n - 360)  # anew
    sequence[400:] += 10**9  # no counter goes on like that
    device = Words.of(rng.choice(["monitor-1", "monitor-2"], n, p=[0.8, 0.2]).tolist())
    words = np.array(["NORMAL", "WARNING_TEMP", "<script>", None], dtype=object)
    status = Words.of(rng.choice(words, n, p=[0.9, 0.05, 0.03, 0.02]).tolist())
    readings = changed(
        readings, values=values, time=time, sequence=sequence, device=device, status=status
    )
    reasons = list(RejectReason)
    rows = [*rng.choice(n, 60, replace=False).tolist(), 250, 250, 250]
    rejections = [
        Rejection(int(time[row]), int(row) * 40 + 20 + k % 5, reasons[k % len(reasons)], b"x")
        for k, row in enumerate(sorted(rows))
    ]
    kinds = ["clock_step", "link_lost", "overrun", "device_reset", "heartbeat_lost"]
    events = [
        Event(int(time[row]), kinds[k % 5], int(row) * 40, {})
        for k, row in enumerate(range(40, n, 70))
    ]
    return readings, rejections, events
