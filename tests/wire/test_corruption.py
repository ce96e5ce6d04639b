"""How much corruption passes as data: every single fault on 60 frames, and what catches it.

The table is that of docs/capture.md, digit for digit. What a line says after a fault is wrong when
a reading comes out of it that nobody sent.
"""

import random
from functools import cache
from itertools import pairwise
from pathlib import Path

import numpy as np
import pytest

from sensorkit.profile import Profile
from sensorkit.wire.codec import make_codec
from sensorkit.wire.stream import FrameStream

PAGE = Path(__file__).parents[2] / "docs" / "capture.md"
MONITOR = Profile.load("serial_monitor")
WORDS = MONITOR.status_words
FRAMES = 60
START = 1_700_000_000_000_000_000


def like(*, words, limits, checksum):
    """The serial monitor with some of its checks taken away."""
    told = MONITOR.to_dict()
    told["frame"]["checksum"] = checksum
    told["status_words"] = list(WORDS) if words else []
    if not words:
        told["status_rules"] = []
    if not limits:
        told["channels"] = [
            {key: value for key, value in channel.items() if key != "plausible"}
            for channel in told["channels"]
        ]
    return Profile.from_dict(told, "test")


PROFILES = {
    "grammar": like(words=False, limits=False, checksum="none"),
    "+ vocabulary": like(words=True, limits=False, checksum="none"),
    "+ range": like(words=True, limits=True, checksum="none"),
    "+ XOR": like(words=True, limits=True, checksum="xor"),
    "+ CRC-16": MONITOR,
}
LAX = "split + float"
SHIPPED = "as emulated"
"""The frames of `sensorkit emulate`: counter, uptime and CRC-16."""


@cache
def said(i):
    """The values and the word of frame *i*."""
    rng = random.Random(i)
    temperature = f"{rng.uniform(20, 99):.1f}"
    return temperature, f"{rng.uniform(4, 6):.1f}", WORDS[rng.randrange(len(WORDS))]


def frames(profile, *, counted=False):
    codec = make_codec(profile)
    return [
        codec.encode(
            [temperature, voltage],
            status=word,
            sequence=i if counted else None,
            uptime=f"{i}.000" if counted else None,
        )
        for i, (temperature, voltage, word) in enumerate(map(said, range(FRAMES)))
    ]


def flipped(lines):
    """One bit, the line end's too."""
    for i, line in enumerate(lines):
        data = line + b"\n"
        for place in range(8 * len(data)):
            bad = bytearray(data)
            bad[place // 8] ^= 1 << place % 8
            yield i, bytes(bad)


def lost(lines):
    for i, line in enumerate(lines):
        data = line + b"\n"
        for place in range(len(data)):
            yield i, data[:place] + data[place + 1 :]


def doubled(lines):
    for i, line in enumerate(lines):
        data = line + b"\n"
        for place in range(len(data)):
            yield i, data[: place + 1] + data[place:]


def spliced(lines):
    """The head of a frame and the tail of the next: what lay between was overrun."""
    for i, (one, other) in enumerate(pairwise(lines)):
        for head in range(1, len(one)):
            for tail in range(1, len(other)):
                bad = one[:head] + other[tail:]
                if bad not in {one, other}:
                    yield i, bad + b"\n"


def truncated(lines):
    for i, line in enumerate(lines):
        for length in range(1, len(line)):
            yield i, line[:length] + b"\n"


def overwritten(lines):
    """Two to eight bytes in a row become something else."""
    rng = random.Random(16)
    for i, line in enumerate(lines):
        for _ in range(60):
            length = rng.randrange(2, 9)
            place = rng.randrange(len(line) - length + 1)
            yield i, line[:place] + rng.randbytes(length) + line[place + length :] + b"\n"


FAULTS = {
    "one bit flipped": flipped,
    "one byte lost": lost,
    "one byte doubled": doubled,
    "two frames spliced": spliced,
    "truncated": truncated,
    "2-8 bytes overwritten": overwritten,
}


def lax(data):
    """What everybody writes: split, and let `float` decide."""
    found = []
    for line in data.split(b"\n"):
        try:
            fields = dict(field.split(":") for field in line.decode().split(","))
            found.append((float(fields["T"]), float(fields["V"]), fields["S"]))
        except (ValueError, KeyError):
            continue
    return found


@cache
def sent(i):
    """What frame *i* says, and the frame after it, which stands behind every damaged one."""
    both = [said(i), said((i + 1) % FRAMES)]
    return {(float(temperature), float(voltage), word) for temperature, voltage, word in both}


def passed_lax(faults, lines):
    """Of each fault, whether a row came out that nobody sent."""
    return [
        any(row not in sent(i) for row in lax(bad + lines[(i + 1) % FRAMES] + b"\n"))
        for i, bad in faults
    ]


def passed(faults, lines, profile, *, to_the_byte=False):
    """The same, for all faults in one stream. A good frame stands first, and behind each fault.

    To the byte: a line that is accepted must be one of those sent, in its counter and uptime too
    (a checksum may be written in small letters).
    """
    pieces = [lines[0] + b"\n"]
    starts, at = [], len(pieces[0])
    for i, bad in faults:
        piece = bad + lines[(i + 1) % FRAMES] + b"\n"
        starts.append(at)
        at += len(piece)
        pieces.append(piece)
    data = b"".join(pieces)
    readings = FrameStream(profile).feed(START, data).readings
    owner = np.searchsorted(starts, readings.offset, side="right") - 1
    words = readings.status.to_array()
    wrong = [False] * len(faults)
    for fault, values, word, start in zip(
        owner.tolist(), readings.values.tolist(), words, readings.offset.tolist(), strict=True
    ):
        if fault < 0:
            continue
        i = faults[fault][0]
        if to_the_byte:
            line = data[start : data.index(b"\n", start)].upper()
            wrong[fault] |= line not in {lines[i], lines[(i + 1) % FRAMES]}
        else:
            wrong[fault] |= (*values, word) not in sent(i)
    return wrong


@pytest.fixture(scope="module")
def shares():
    """Fault -> reader -> how many it takes for data, of how many that were tried."""
    found = {}
    for name, make in FAULTS.items():
        lines = frames(PROFILES["grammar"])
        row = {LAX: of_all(passed_lax(list(make(lines)), lines))}
        for check, profile in PROFILES.items():
            lines = frames(profile)
            row[check] = of_all(passed(list(make(lines)), lines, profile))
        lines = frames(MONITOR, counted=True)
        row[SHIPPED] = of_all(passed(list(make(lines)), lines, MONITOR, to_the_byte=True))
        found[name] = row
    return found


def of_all(wrong):
    return sum(wrong), len(wrong)


def cell(wrong, tried):
    if wrong and 100 * wrong / tried < 0.01:
        return f"{wrong} of {tried:,}"
    return f"{100 * wrong / tried:.2f} %" if wrong else "0"


def table(shares):
    """The rows as they stand in the page."""
    columns = [LAX, *PROFILES, SHIPPED]
    lines = [
        f"| one fault | tried | {' | '.join(columns)} |",
        f"|---|--:|{'--:|' * len(columns)}",
    ]
    for name, row in shares.items():
        cells = [f"{row[LAX][1]:,}", *(cell(*row[column]) for column in columns)]
        lines.append(f"| {name} | {' | '.join(cells)} |".replace(",", " "))
    return "\n".join(lines)


@pytest.mark.slow
def test_the_page_shows_what_passes(shares):
    page = PAGE.read_text(encoding="utf-8")
    assert table(shares) in page, f"docs/capture.md should say:\n{table(shares)}"


@pytest.mark.slow
def test_each_check_catches_at_least_what_the_one_before_it_does(shares):
    for row in shares.values():
        found = [row[check][0] / row[check][1] for check in (LAX, *PROFILES)]
        assert found == sorted(found, reverse=True)


@pytest.mark.slow
def test_a_checksum_leaves_no_single_bit_or_byte(shares):
    for name in ("one bit flipped", "one byte lost", "one byte doubled", "truncated"):
        for check in ("+ XOR", "+ CRC-16", SHIPPED):
            assert shares[name][check][0] == 0, (name, check)


@pytest.mark.slow
def test_a_crc_leaves_no_more_than_one_in_its_65536_values(shares):
    for name, row in shares.items():
        assert row["+ CRC-16"][0] == 0, name
        wrong, tried = row[SHIPPED]
        # Three times what chance gives is out of reach; a check that is left out is far beyond.
        assert wrong <= 3 * tried / 2**16, name


def test_the_count_of_wrong_readings_catches_a_reader_that_takes_everything():
    lines = frames(PROFILES["grammar"])
    other = [(0, lines[0].replace(b"V:", b"V:1") + b"\n")]
    assert passed_lax(other, lines) == [True]
    assert passed(other, lines, PROFILES["grammar"]) == [True]
    assert passed(other, lines, PROFILES["grammar"], to_the_byte=True) == [True]


def test_every_frame_is_whole_before_the_faults():
    for profile in PROFILES.values():
        lines = frames(profile)
        whole = [(i, line + b"\n") for i, line in enumerate(lines)]
        assert not any(passed(whole, lines, profile))
        assert not any(passed_lax(whole, lines)) or profile.frame.checksum != "none"
        assert len(set(lines)) == FRAMES
