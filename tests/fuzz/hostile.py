"""Streams that no device should send: frames of every profile, damaged, and what lies between.

Each test tries a fixed set of examples, the same every time. SENSORKIT_FUZZ=5000 tries so many new
ones instead.
"""

import itertools
import os
import random
from pathlib import Path

from hypothesis import HealthCheck, settings
from hypothesis import strategies as st

from sensorkit.profile import SHIPPED, Profile
from sensorkit.wire.codec import make_codec

ROOT = Path(__file__).parents[2]
S = 1_000_000_000
START = 1_700_000_000 * S

wanted = os.environ.get("SENSORKIT_FUZZ")
fuzz = settings(
    max_examples=int(wanted or 80),
    derandomize=wanted is None,
    deadline=None,
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large],
)


few = settings(fuzz, max_examples=max(fuzz.max_examples // 4, 1))
"""For what writes files."""


def on_the_wire():
    """Every profile that is shipped or shown and has frames, by name."""
    paths = [*SHIPPED.glob("*.yaml"), *(ROOT / "examples" / "profiles").glob("*.yaml")]
    profiles = [Profile.load(path) for path in sorted(paths)]
    found = {profile.name: profile for profile in profiles if profile.frame is not None}
    monitor, weather = found["serial_monitor"], found["weather_csv"]
    places = ["@sequence", "temperature", "pressure", "@uptime", "humidity", "@status"]
    return found | {
        "line end CR": like(monitor, line_end="cr", max_line_bytes=100),
        "no checksum": like(monitor, checksum="none"),
        "checksum demanded": like(monitor, checksum="xor", checksum_required=True),
        "columns with all": like(weather, columns=places, checksum="crc16", delimiter=";"),
        **of_several_devices(found, weather),
    }


DEVICES = ("one", "two.2", "three-3")


def of_several_devices(found, weather):
    """Every format that can say which device a frame is of."""
    monitor, station = found["serial_monitor"], found["station_json"]
    columns = ["@device", *weather.channel_names]
    heartbeat = {"heartbeat_s": 5.0}
    return {
        "devices by key": like(monitor, device="D"),
        "devices named": like(
            monitor, {"devices": [*DEVICES, "four"]}, device="D", checksum="none"
        ),
        "devices in JSON": like(station, heartbeat, device="from.id"),
        "devices in columns": like(weather, heartbeat, columns=[*columns, "@uptime"]),
        "devices between blanks": like(
            weather, heartbeat, format="whitespace", columns=columns, delimiter=None, missing=["-"]
        ),
        "devices in a pattern": like(
            weather,
            {"devices": DEVICES},
            format="regex",
            pattern=r"(?P<device>[a-z0-9.-]+): "
            + " ".join(rf"(?P<{channel.on_wire}>[^ ]*)" for channel in weather.channels),
            columns=None,
            delimiter=None,
            missing=None,
            comment=None,
        ),
    }


def like(base, more=None, **frame):
    """The same profile with another frame, without what is None in it."""
    told = base.to_dict()
    frame = {key: value for key, value in {**told["frame"], **frame}.items() if value is not None}
    return Profile.from_dict({**told, **(more or {}), "frame": frame}, "test")


PROFILES = on_the_wire()


def plausible(channel, i):
    """A text that the sensor can say."""
    low, high = channel.plausible or (-100.0, 100.0)
    share = (7 * i % 11) / 10
    return f"{low + share * (high - low):.{min(channel.decimals, 3)}f}"


def frame(profile, i):
    """Frame *i* of the device, without its line end; every seventh value is missing if it may."""
    texts = [plausible(channel, i + k) for k, channel in enumerate(profile.channels)]
    word = profile.status_words[i % len(profile.status_words)] if profile.status_words else "OK"
    told = {"status": word, "sequence": i, "uptime": f"{i}.250"}
    if profile.frame.names_device:  # each has a counter of its own
        told |= {"sequence": i // len(DEVICES), "device": DEVICES[i % len(DEVICES)]}
    return make_codec(profile).encode(texts, **told)


JUNK = [
    *(b"\n", b"\r\n", b"\r", b"\r\r\n", b"\n\n", b" \n", b"\t\n", b"\0", b"\0" * 64, b"\x7f"),
    *(
        b"\xff",
        b"\x80\x81\xfe\n",
        "\uff18\uff15.\uff15".encode(),
        "\ufeff".encode(),
        b"\x11\x13",
        b"\x1b[2J",
    ),
    *(b"x" * 700, b"y" * 600 + b"\n", b"*", b"*0000\n", b",", b":", b"$", b"{", b"}", b'"', b"-"),
    *(b"nan", b"1e5", b"8_5", b"=1+1\n", b"rst:0x1 (POWERON_RESET)\r\n", b"# comment\n"),
]
ENDS = (b"\n", b"\n", b"\r\n", b"")
"""An empty one merges a frame with what follows."""


def ended(profile, line, end=b"\n"):
    """*line* with *end*, or with what the device has in its place."""
    return line + (end[:1].replace(b"\n", b"\r") if profile.frame.line_end == "cr" else end)


damage = st.one_of(
    st.tuples(st.just("flip"), st.integers(0, 400), st.integers(0, 7)),
    st.tuples(st.just("set"), st.integers(0, 400), st.integers(0, 255)),
    st.tuples(st.just("lose"), st.integers(0, 400), st.integers(1, 40)),
    st.tuples(st.just("double"), st.integers(0, 400), st.integers(1, 40)),
    st.tuples(st.just("insert"), st.integers(0, 400), st.integers(0, 255)),
)


def damaged(data, kind, place, n):
    """Return *data* with one thing wrong."""
    if not data:
        return data
    place %= len(data)
    match kind:
        case "flip":
            return data[:place] + bytes([data[place] ^ 1 << n]) + data[place + 1 :]
        case "set":
            return data[:place] + bytes([n]) + data[place + 1 :]
        case "lose":
            return data[:place] + data[place + n :]
        case "double":
            return data[: place + n] + data[place:]
        case _:
            return data[:place] + bytes([n]) + data[place:]


@st.composite
def streams(draw, profile):
    """Some forty frames in a row with gaps, repeats, damage and junk between them."""
    pieces = []
    i = 0
    # 1: the next frame; 0: the same again; more: a gap; less: late, or a device that started anew.
    for step in draw(st.lists(st.sampled_from([1] * 12 + [0, 2, 5, -1, -3, -40]), max_size=40)):
        i = max(i + step, 0)
        piece = ended(profile, frame(profile, i), draw(st.sampled_from(ENDS)))
        if draw(st.integers(0, 5)) == 0:
            piece = damaged(piece, *draw(damage))
        if draw(st.integers(0, 7)) == 0:
            piece += draw(st.sampled_from(JUNK))
        pieces.append(piece)
    return b"".join(pieces)


def long_stream(profile, seed, frames):
    """Return so many frames with damage in one of eight and junk behind one of eight."""
    rng = random.Random(seed)
    pieces = []
    for i in range(frames):
        piece = ended(profile, frame(profile, i), rng.choice(ENDS))
        if not rng.randrange(8):
            kind = rng.choice(["flip", "set", "lose", "double", "insert"])
            piece = damaged(piece, kind, rng.randrange(400), rng.randrange(1, 8))
        if not rng.randrange(8):
            piece += rng.choice(JUNK)
        pieces.append(piece)
    return b"".join(pieces)


places = st.lists(st.integers(0, 4000), max_size=12)


def cut(data, places):
    """Cut *data* at *places*; no piece is empty, for a read brings something."""
    edges = sorted({0, len(data), *(place for place in places if place < len(data))})
    return [data[a:b] for a, b in itertools.pairwise(edges)]


steps = st.lists(st.sampled_from([0, 1, 999, 1000, 3_000_000, S, 6 * S, 400 * S]), min_size=13)
"""Nanoseconds between one read and the next."""


def at(pieces, steps):
    """The time of each piece."""
    times = itertools.accumulate(itertools.cycle(steps), initial=START)
    return list(itertools.islice(times, len(pieces)))
