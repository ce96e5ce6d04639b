"""A clock that only sleeping moves, and links whose far end takes what the test lets it take."""

import sys
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).resolve().parent))


class Clock:
    """Starts at 100 s; sleeping takes always a little more than asked for."""

    def __init__(self, late: float = 0.0) -> None:
        self.now = 100.0
        self.late = late

    def __call__(self) -> float:
        return self.now

    def sleep(self, seconds: float) -> None:
        assert seconds > 0
        self.now += seconds + self.late


class Port:
    """A link with a reader that is away in these seconds, and a buffer it empties at a rate."""

    name = "port"

    def __init__(self, clock: Clock) -> None:
        self.clock = clock
        self.away = (0.0, 0.0)
        self.room = float("inf")
        self.got: list[tuple[float, bytes]] = []

    @property
    def seconds(self) -> float:
        return self.clock.now - 100.0

    def has_reader(self) -> bool:
        return not self.away[0] <= self.seconds < self.away[1]

    def write(self, data: bytes) -> int:
        n = int(min(len(data), self.room))
        self.room -= n
        if n:
            self.got.append((self.seconds, data[:n]))
        return n

    def read(self, timeout: float) -> bytes:
        return b""

    def close(self) -> None:
        pass

    @property
    def bytes(self) -> bytes:
        return b"".join(data for _, data in self.got)


@pytest.fixture
def clock():
    return Clock()


@pytest.fixture
def port(clock):
    return Port(clock)
