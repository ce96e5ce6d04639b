import pytest

from sensorkit.wire.checksum import append, crc16, split, xor8


def test_crc16_gives_the_check_value_of_the_catalogue():
    assert crc16(b"123456789") == 0x29B1


def test_xor_is_that_of_nmea_0183():
    # The example of the standard's appendix: $GPGLL,5300.97914,N,00259.98174,E,125926,A*28
    assert xor8(b"GPGLL,5300.97914,N,00259.98174,E,125926,A") == 0x28


def test_nothing_has_the_checksum_of_nothing():
    assert (xor8(b""), crc16(b"")) == (0, 0xFFFF)


@pytest.mark.parametrize("kind", ["xor", "crc16"])
def test_what_was_appended_is_found_right(kind):
    assert split(append(b"T:21.5", kind), kind) == (b"T:21.5", True)


@pytest.mark.parametrize("kind", ["xor", "crc16"])
@pytest.mark.parametrize("bit", range(8))
def test_every_flipped_bit_is_found_wrong(kind, bit):
    frame = append(b"T:21.5,V:5.0", kind)
    for place in range(len(frame)):
        flipped = bytearray(frame)
        flipped[place] ^= 1 << bit
        assert split(bytes(flipped), kind)[1] is not True or flipped.upper() == frame.upper()


@pytest.mark.parametrize("line", [b"T:1*", b"T:1*2", b"T:1*29B", b"T:1*29B11", b"T:1*29Bx"])
def test_a_checksum_that_is_cut_short_or_no_number_is_wrong(line):
    assert split(line, "crc16")[1] is False


def test_a_line_without_a_star_has_no_checksum():
    assert split(b"T:21.5", "crc16") == (b"T:21.5", None)


def test_a_star_is_no_checksum_where_the_profile_has_none():
    assert split(b"T:21.5*00", "none") == (b"T:21.5*00", None)
    assert append(b"T:21.5", "none") == b"T:21.5"


def test_hex_digits_may_be_small():
    assert split(append(b"123456789", "crc16").lower(), "crc16")[1] is True
