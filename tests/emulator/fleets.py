"""Devices for the tests of several units and of faults on request."""

from sensorkit.emulator import VIRTUAL_START, EmulatedFrame, Emulator
from sensorkit.profile import Profile

NS = 1_000_000_000

CHANNELS = [
    {"name": "a", "decimals": 3, "waveform": {"level": 10, "noise": {"sigma": 1.0}}},
    {"name": "b", "decimals": 3, "waveform": {"level": 20, "noise": {"sigma": 1.0}}},
]
STATES = {
    "NORMAL": {"dwell_s": [20, 60], "next": {"OFFLINE": 1}},
    "OFFLINE": {"dwell_s": [5, 10], "silent": True, "next": {"NORMAL": 1}},
}
LIFE = {"mean_s": 200, "onset": [0.5, 0.5], "shift": {"a": 8.0}, "repair_s": 20}


def pump(**more) -> Profile:
    """Return a profile whose frames name their device: `pump-1,1,0.000,9.1,20.3`."""
    frame = {"format": "csv", "columns": ["@device", "@sequence", "@uptime", "a", "b"]}
    data = {"name": "pump", "device": "pump-1", "rate_hz": 1, "channels": CHANNELS}
    return Profile.from_dict({**data, "frame": frame, **more}, "test")


def texts(emulator: Emulator, n: int) -> list[str]:
    return [frame.data.decode().strip() for frame in emulator.frames(n)]


def second(time_ns: int) -> float:
    """Return seconds since the virtual start."""
    return (time_ns - VIRTUAL_START) / NS


def values(frames: list[EmulatedFrame], channel: int) -> list[float]:
    """Return the values of a channel of a pump, NaN where nothing came."""
    found = []
    for frame in frames:
        fields = frame.data.decode("latin-1").strip().split(",")
        found.append(float(fields[3 + channel]) if len(fields) == 5 else float("nan"))
    return found
