"""A bench device with two still channels, so that only what a test is about moves."""

import pytest

from sensorkit.profile import Profile


@pytest.fixture
def bench():
    """Return a function that makes a profile of channels `a` and `b` and more sections."""

    def make(**more) -> Profile:
        channels = [{"name": name, "decimals": 9, "waveform": {"level": 0}} for name in "ab"]
        return Profile.from_dict(
            {"name": "bench", "rate_hz": 1, "channels": channels, **more}, "test"
        )

    return make
