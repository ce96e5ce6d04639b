import numpy as np
import pytest

from sensorkit.capture import diagnosis
from sensorkit.capture.diagnosis import COMMON_BAUD, diagnose, likely_baud, shape, share_read
from sensorkit.profile import Profile
from sensorkit.wire.codec import make_codec
from sensorkit.wire.uart import misread

MONITOR = Profile.load("serial_monitor")


def monitor_lines(n):
    codec, rng = make_codec(MONITOR), np.random.default_rng(7)
    return b"".join(
        codec.encode(
            [f"{rng.normal(25, 1):.2f}", f"{rng.normal(5, 0.02):.2f}"],
            status="NORMAL",
            sequence=1000 + i,
            uptime=f"{i}.000",
        )
        + b"\r\n"
        for i in range(n)
    )


def columns(n):
    rng = np.random.default_rng(8)
    return b"".join(b"%d,%d.%02d,%d\r\n" % tuple(rng.integers(0, 99, 4)) for _ in range(n))


# From the speed read at to the speeds of senders: wherever a byte of ours still says something of
# theirs (up to eleven times slower), and up to eight times faster.
PAIRS = [
    (read_at, sent_at)
    for read_at in (9600, 57600, 115200, 921600)
    for sent_at in sorted(COMMON_BAUD)
    if sent_at != read_at and sent_at * 11 > read_at and sent_at <= 8 * read_at
]


@pytest.mark.parametrize(("read_at", "sent_at"), PAIRS)
def test_the_bytes_say_at_which_speed_they_were_sent(read_at, sent_at):
    """Lines that are not those the estimate was made from."""
    got = misread(monitor_lines(30), sent_at=sent_at, read_at=read_at, gap_bits=500)
    assert likely_baud(got, read_at)[0] == sent_at


@pytest.mark.parametrize(("read_at", "sent_at"), PAIRS)
def test_another_text_gives_the_same_speed(read_at, sent_at):
    got = misread(columns(60), sent_at=sent_at, read_at=read_at, gap_bits=500)
    assert sent_at in likely_baud(got, read_at)


def test_a_sender_far_slower_is_said_to_be_so_or_slower():
    got = misread(monitor_lines(10), sent_at=4800, read_at=115200, gap_bits=500)
    found = diagnose(got, 115200)
    assert found.baud == (9600, 4800, 2400, 1200)
    assert (
        "probably sends at 9600 baud or slower: try --baud 9600, or let --probe" in found.advice()
    )
    assert "100% are NUL" in found.findings()


def test_a_wrong_speed_is_named_with_the_command_to_try():
    found = diagnose(misread(monitor_lines(30), sent_at=57600, read_at=115200), 115200)
    assert found.advice() == (
        "the device probably sends at 57600 baud: try --baud 57600, or let --probe find it"
    )
    assert "of the bytes have bit 7 set" in found.findings()


def test_noise_is_no_text_at_any_speed():
    noise = np.random.default_rng(3).integers(0, 256, 4096, dtype=np.uint8).tobytes()
    found = diagnose(noise, 115200)
    assert found.baud == ()
    assert "a binary protocol" in found.advice()


def test_where_there_is_no_speed_none_is_named():
    found = diagnose(misread(monitor_lines(30), sent_at=57600, read_at=115200), None)
    assert (found.baud, found.parity) == ((), "")
    assert "--baud" not in found.advice()


@pytest.mark.parametrize(("parity", "rest"), [("even", 0), ("odd", 1)])
def test_seven_bits_and_a_parity_are_seen(parity, rest):
    sent = bytes(byte | (0x80 if byte.bit_count() % 2 != rest else 0) for byte in monitor_lines(20))
    found = diagnose(sent, 9600)
    assert found.parity == parity
    assert f"seven data bits with {parity} parity; set it to 8N1" in found.advice()


@pytest.mark.parametrize(
    ("lines", "words"),
    [
        (["$GPGGA,123519,4807.038,N*47"], "NMEA sentences, as format nmea reads"),
        (['{"t": 1, "v": 2}'], "JSON objects (t, v)"),
        (["{not json}"], "objects that are not JSON"),
        (["T:85.5,V:5.0,S:NORMAL*A1B2"], "pairs with ':' (T, V, S), as format key_value reads"),
        (["temp=21.5 hum=40"], "pairs with '=' (temp, hum), as format key_value reads"),
        (["1;2,5;3"], "3 columns with ';', as format csv reads"),
        (["1.5\t2\t3"], "3 columns with '\\t', as format csv reads"),
        (["12 34.5  -7"], "3 columns with blanks"),
        (["21.5"], "one number a line"),
        (["ready"], "plain text"),
        ([], "plain text"),
    ],
)
def test_lines_are_said_to_look_like_a_format(lines, words):
    assert shape(lines) == words


def test_text_of_another_format_is_shown_with_a_line_of_it():
    found = diagnose(b"12.5;40\r\n13.5;41\r\n14.5;42\r\n", 115200)
    assert found.findings() == (
        "the lines are text and end with CRLF; they look like 2 columns with ';', as format csv "
        "reads: 14.5;42"
    )
    assert "describe yours as docs/attach-a-device.md shows" in found.advice()
    assert found.baud == ()  # it is text: the speed is right


def test_a_shipped_profile_that_reads_it_is_named():
    found = diagnose(monitor_lines(10), 115200)
    assert found.profile == "serial_monitor"
    assert found.advice() == "try --profile serial_monitor"


def test_lines_that_end_with_cr_alone_are_seen():
    found = diagnose(monitor_lines(10).replace(b"\r\n", b"\r"), 115200)
    assert found.line_ends == "CR"
    assert "line_end: cr" in found.advice("overlong")


def test_devices_that_the_profile_does_not_name_are_no_wrong_format():
    said = diagnose(monitor_lines(10)).advice("device", "pumps")
    assert "of devices that profile pumps does not name: add them to its `devices`" in said


def test_a_wrong_checksum_is_no_wrong_format():
    assert "the checksum is not" in diagnose(monitor_lines(10)).advice("checksum")


def test_what_a_device_says_is_escaped_and_cut():
    found = diagnose(b"ok\n" + 2 * (b"x" * 100 + b"\n"))
    assert found.example == "x" * 57 + "..."
    assert "\x1b" not in diagnose(b"\x1b[2J" * 100, 115200).example


def test_nothing_is_nothing():
    found = diagnose(b"", 115200)
    assert (found.findings(), found.baud) == ("nothing came", ())


def test_only_the_end_of_a_long_sample_is_looked_at():
    noise = np.random.default_rng(3).integers(0, 256, 4096, dtype=np.uint8).tobytes()
    found = diagnose(noise + monitor_lines(400), 115200)
    assert found.size == diagnosis.SAMPLE_BYTES
    assert found.printable == 1.0


def test_the_share_that_a_profile_reads_is_counted():
    data = monitor_lines(9) + b"noise\n"
    assert share_read(MONITOR, data) == pytest.approx(0.9)
    assert share_read(MONITOR, b"") == 0.0
    imported = Profile.from_dict(
        {"name": "t", "rate_hz": 1, "channels": [{"name": "x"}]}, "a recording.json"
    )
    assert share_read(imported, data) == 0.0


def test_the_profile_in_use_is_never_proposed():
    found = diagnose(monitor_lines(10))
    assert found.advice("", "mine") == "try --profile serial_monitor"
    advice = found.advice("", "serial_monitor")
    assert "--profile" not in advice
    assert "the newest lines are as the profile serial_monitor wants them" in advice


def test_text_with_a_terminals_colours_is_no_binary_protocol():
    found = diagnose(b"T=21\r\n\x1b[31mT=22\x1b[0m\r\n" * 30, 115200)
    assert "binary" not in found.advice()
    assert found.baud == ()
    assert "the lines are text and end with CRLF" in found.findings()


@pytest.mark.parametrize("encoding", ["utf-8", "latin-1"])
@pytest.mark.parametrize("baud", [None, 9600])
def test_a_degree_sign_is_no_wrong_speed(encoding, baud):
    found = diagnose(("T=21.5°C\n" * 50).encode(encoding), baud)
    assert "characters beyond ASCII, as '°'" in found.findings()
    assert "ASCII alone" in found.advice("encoding")
    assert found.baud == ()


def test_noise_has_no_characters_beyond_ascii():
    noise = np.random.default_rng(1).integers(0, 256, 4000, dtype=np.uint8).tobytes()
    assert diagnose(noise, 9600).beyond == ""
