"""What lines look like -> which frame section reads them."""

import pytest
from device_logs import log, objects

from sensorkit.learning import LearnError, learn, of_bytes
from sensorkit.wire.checksum import append

FORMS = {
    "key_value": (
        lambda i, t, h: f"temp_C={t:.2f};hum_%={h:.1f};st=OK;seq={i % 256}",
        {"format": "key_value", "separator": ";", "assignment": "=", "status": "st"},
        ["temp_C", "hum"],
    ),
    "pairs with bars": (
        lambda i, t, h: f"PM1.0: {t:.2f} | PM2.5: {h:.2f}",
        {"format": "key_value", "separator": " | ", "assignment": ": "},
        ["PM1.0", "PM2.5"],
    ),
    "csv": (
        lambda i, t, h: f"{i},{t:.2f},{h:.1f},OK",
        {"format": "csv", "columns": ["@sequence", "column_2", "column_3", "@status"]},
        ["column_2", "column_3"],
    ),
    "whitespace with hexadecimals": (
        lambda i, t, h: f"{t:.2f}   {int(h * 20):04X}\t{h:.1f}",
        {"format": "whitespace"},
        ["column_1", "column_2", "column_3"],
    ),
    "one number": (lambda i, t, h: f"{t:.2f}", {"format": "whitespace"}, ["column_1"]),
    "json": (
        objects,
        {"format": "json", "status": "state", "sequence": "n", "uptime": "up"},
        ["t", "rh"],
    ),
    "nmea": (
        lambda i, t, h: "$" + append(f"WIXDR,C,{t:.1f},H,{h:.1f}".encode(), "xor").decode(),
        {"format": "nmea", "sentences": {"XDR": {"XDR_C": 2, "XDR_H": 4}}},
        ["XDR_C", "XDR_H"],
    ),
    "numbers in text": (
        lambda i, t, h: f"quat>w: {t:.2f} x: {h:.1f}",
        {"format": "regex"},
        ["w", "x"],
    ),
    "units behind the numbers": (
        lambda i, t, h: f"T:{t:.2f}C,H:{h:.1f}%",
        {"format": "regex"},
        ["T", "H"],
    ),
    "a field a line": (
        lambda i, t, h: f"V\t{t:.2f}" if i % 2 else f"I\t{h:.1f}",
        {"format": "regex"},
        ["I", "V"],
    ),
}


def told(learned):
    return learned.profile.frame.model_dump(mode="json", exclude_defaults=True)


@pytest.mark.parametrize("name", FORMS)
def test_the_format_of_lines_is_found(name):
    form, wanted, channels = FORMS[name]
    learned = learn(of_bytes(log(form), "log"))
    frame = told(learned)
    assert {key: frame.get(key) for key in wanted} == wanted
    assert sorted(learned.profile.channel_names) == sorted(channels)
    assert learned.share == 1.0


@pytest.mark.parametrize("kind", ["xor", "crc16"])
def test_a_checksum_that_is_right_is_found(kind):
    def form(i, t, h):
        return append(f"T:{t:.2f},V:{h:.1f}".encode(), kind).decode()

    assert told(learn(of_bytes(log(form), "log")))["checksum"] == kind


def test_hex_digits_that_are_no_checksum_are_none():
    learned = learn(of_bytes(log(lambda i, t, h: f"T:{t:.2f},V:{h:.1f}*47"), "log"))
    assert "checksum" not in told(learned)
    assert "neither xor nor crc16 is right" in learned.yaml


def test_a_header_names_the_columns_and_their_units():
    before = ["# time,T [degC],p (hPa)"]
    data = log(lambda i, t, h: f"{i / 2:.1f},{t:.2f},{h:.1f}", before=before)
    profile = learn(of_bytes(data, "log")).profile
    assert [(c.name, c.unit) for c in profile.channels] == [("T", "°C"), ("p", "hPa")]
    assert profile.frame.columns == ("@uptime", "T", "p")
    assert profile.frame.comment == "#"
    assert profile.rate_hz == 2.0


def test_a_clock_in_milliseconds_gives_the_rate():
    profile = learn(of_bytes(log(lambda i, t, h: f"{i * 250},{t:.2f},{h:.1f}"), "log")).profile
    assert profile.frame.columns[0] == "@skip"
    assert profile.rate_hz == 4.0


def test_a_clock_without_a_name_is_told_from_a_measurement_that_rises():
    def form(i, t, h):
        return f"{i}.500,{i + h / 100:.3f},{t:.2f}"

    assert learn(of_bytes(log(form), "log")).profile.frame.columns[:2] == ("@uptime", "column_2")


def test_stamps_give_the_rate_and_words_for_missing_values_are_kept():
    def form(i, t, h):
        hours, rest = divmod(i * 30, 3600)
        humidity = " NAN" if i % 20 == 0 else f"{h:.2f}"
        return f"20170409_{hours:02}{rest // 60:02}{rest % 60:02},{t:.2f},{humidity}"

    profile = learn(of_bytes(log(form), "log")).profile
    assert profile.rate_hz == pytest.approx(1 / 30)
    assert profile.frame.columns == ("@skip", "column_2", "column_3")
    assert " NAN" in profile.frame.missing


def test_several_devices_in_one_stream_each_count_for_themselves():
    def form(i, t, h):
        return f"node{1 + i % 3},{i // 3},{t:.2f}"

    learned = learn(of_bytes(log(form), "log"))
    assert learned.profile.frame.columns == ("@device", "@sequence", "column_3")
    assert "3 devices" in learned.yaml


def test_a_field_that_only_some_objects_have_is_left_out_and_said():
    def form(i, t, h):
        return f'{{"t":{t:.2f}' + (f',"h":{h:.1f}}}' if i % 4 else "}")

    learned = learn(of_bytes(log(form), "log"))
    assert learned.profile.channel_names == ("t",)
    assert learned.profile.frame.others == "accept"
    assert "'h' (in 225 of 300 objects only)" in learned.yaml


def test_lines_that_end_with_cr_alone():
    learned = learn(of_bytes(log(lambda i, t, h: f"T:{t:.2f},H:{h:.1f}", end="\r"), "log"))
    assert learned.profile.frame.line_end == "cr"
    assert learned.share == 1.0


def test_an_unknown_rate_is_said_to_be_unknown():
    learned = learn(of_bytes(log(lambda i, t, h: f"T:{t:.2f},H:{h:.1f}"), "log"))
    assert "NOT KNOWN" in learned.yaml
    assert learned.profile.heartbeat_s is None


@pytest.mark.parametrize(
    ("data", "said"),
    [
        (b"", "holds no byte"),
        (b"T:1,V:2\n" * 3, "has 3 whole lines"),
        (bytes(range(256)) * 40, "no text"),
        (b"\x00" * 5000, "no text"),
        (b"x" * 100_000, "no text|whole lines"),
        (b"hello world\n" * 50, "no frame format found"),
        (b"25,03;5,0\n25,10;5,1\n" * 20, "decimal commas"),
    ],
)
def test_what_cannot_be_learned_is_one_clear_sentence(data, said):
    with pytest.raises(LearnError, match=said) as caught:
        learn(of_bytes(data, "bench.log"))
    assert str(caught.value).startswith("bench.log: ")
    assert "\n" not in str(caught.value)
    assert caught.value.exit_code == 1


def test_a_log_at_the_wrong_speed_is_said_to_be_that():
    from sensorkit.wire.uart import misread

    text = log(lambda i, t, h: f"T:{t:.2f},V:{h:.1f},S:NORMAL")
    garbage = misread(text, sent_at=9600, read_at=115200, gap_bits=21)
    with pytest.raises(LearnError, match="baud"):
        learn(of_bytes(garbage, "port"))


def test_the_first_and_the_last_line_may_be_halves():
    whole = log(lambda i, t, h: f"T:{t:.2f},V:{h:.1f}")
    learned = learn(of_bytes(whole[5:-4], "log"))
    assert learned.profile.channel_names == ("T", "V")
    assert learned.frames == 298


def test_every_format_is_tried_by_these_tests():
    from sensorkit.learning.frames import GUESSES

    tried = {wanted["format"] for _, wanted, _ in FORMS.values()}
    assert tried == {name for name, _ in GUESSES}


@pytest.mark.parametrize("encoding", ["utf-8", "latin-1", "utf-8-sig"])
def test_a_header_may_have_characters_beyond_ascii(encoding):
    data = "Temp [°C];Druck (hPa)\n".encode(encoding) + log(
        lambda i, t, h: f"{t:.2f};{1000 + h:.1f}"
    )
    channels = learn(of_bytes(data, "log")).profile.channels
    assert [(c.name, c.unit) for c in channels] == [("Temp", "°C"), ("Druck", "hPa")]


@pytest.mark.parametrize(
    ("form", "said"),
    [
        (
            lambda t: f"01.03.2026 12:00:00;{t:.2f};7".replace(
                f"{t:.2f}", f"{t:.2f}".replace(".", ",")
            ),
            "have decimal commas",
        ),
        (lambda t: f"T={t:.2f};H=7".replace(".", ","), "have decimal commas"),
        (lambda t: f"{t:+.4E},-55.1", "have exponents"),
        (lambda t: f"T={t:.4e};H={t:.2e}", "have exponents"),
        (lambda t: f"T={t:.2f}°C", "characters beyond ASCII, as '°'"),
        (lambda t: f"Темп: {t:.2f}", "characters beyond ASCII"),
    ],
)
@pytest.mark.parametrize("encoding", ["utf-8", "latin-1"])
def test_numbers_and_signs_that_no_frame_has_are_refused_and_not_cut_up(form, said, encoding):
    lines = "".join(form(20 + (i * 7 % 13) / 10) + "\n" for i in range(200))
    if encoding == "latin-1" and form(20)[0] > "~":
        encoding = "utf-8"
    with pytest.raises(LearnError, match=said):
        learn(of_bytes(lines.encode(encoding), "log"))


def test_commas_between_numbers_with_points_are_columns():
    learned = learn(of_bytes(log(lambda i, t, h: f"{t:.2f},{h:.1f};{i % 7},{h:.2f}"), "log"))
    assert len(learned.profile.channels) >= 3
