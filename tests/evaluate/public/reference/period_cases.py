"""Series whose period is asked for, of eight kinds; the same wherever they are made."""

import numpy as np

N = 160


def series():
    """Yield the series in order."""
    rng = np.random.default_rng(7)
    for i in range(N):
        n = int(rng.integers(30, 30_000)) if i % 3 else int(rng.integers(500, 4000))
        t = np.arange(n)
        match i % 8:
            case 0:
                yield rng.normal(size=n)
            case 1:
                noise = 0.2 * rng.normal(size=n)
                yield np.sin(2 * np.pi * t / rng.integers(3, 450)) + noise
            case 2:
                yield rng.normal(size=n).cumsum()
            case 3:
                yield np.round(rng.normal(size=n))
            case 4:
                slow = np.sin(2 * np.pi * t / rng.integers(10, 200))
                yield slow * np.sin(2 * np.pi * t / rng.integers(10, 90))
            case 5:
                yield (t % int(rng.integers(5, 350)) < 3).astype(float)
            case 6:
                yield t / n + np.sin(2 * np.pi * t / rng.integers(100, 390))
            case _:
                yield np.convolve(rng.normal(size=n), np.ones(9) / 9, "same")
