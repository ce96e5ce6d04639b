"""Lines as devices send them, with values that move."""

import json

import numpy as np


def values(n=300, level=25.0, sigma=0.3, seed=1):
    """Noise around a level."""
    return level + sigma * np.random.default_rng(seed).standard_normal(n)


T, H = values(), values(level=40.0, seed=2)
ROWS = list(enumerate(zip(T.tolist(), H.tolist(), strict=True)))


def lines(form):
    """The lines that *form* makes of the number of a reading and its two values."""
    return [form(i, t, h) for i, (t, h) in ROWS]


def log(form, end="\r\n", before=()):
    """The same as bytes."""
    return "".join(line + end for line in [*before, *lines(form)]).encode("latin-1")


def objects(i, t, h):
    inner = {"rh": round(h, 1)}
    return json.dumps(
        {"t": round(t, 2), "env": inner, "n": i, "up": i / 2, "state": "ok", "on": True}
    )
