import numpy as np
import pytest

from sensorkit.detect.wording import Wording, decimal
from sensorkit.profile import Profile

WORDS = Wording(Profile.load("serial_monitor"))


@pytest.mark.parametrize(
    ("limit", "text"),
    [(80, "80.0"), (4.5, "4.5"), (7.25, "7.25"), (-0.001, "-0.001"), (1e-6, "0.000001")],
)
def test_a_limit_keeps_its_decimals_and_has_at_least_one(limit, text):
    assert decimal(limit) == text


@pytest.mark.parametrize(
    ("value", "away_from", "text"),
    [
        (95.5, 80.0, "95.50°C"),
        (80.001, 80.0, "80.001°C"),
        (79.9996, 80.0, "79.9996°C"),
        (80.0, 80.0, "80.00°C"),
        (80.001, None, "80.00°C"),
        (float("inf"), 80.0, "inf°C"),
        (2e-9, 1e-9, "2.00e-09°C"),
        (1e-9, None, "0.00°C"),
        (-1e300, 80.0, "-1e+300°C"),
        (79.9996, (70.0, 80.0), "79.9996°C"),
        (70.0001, (70.0, 80.0), "70.0001°C"),
    ],
)
def test_a_value_has_the_decimals_of_its_channel_or_as_many_as_it_takes(value, away_from, text):
    assert WORDS.value("temperature", value, away_from=away_from) == text


def test_a_channel_nobody_knows_has_a_readable_name_and_no_unit():
    assert Wording().title("oil_pressure") == "Oil pressure"
    assert WORDS.value("oil_pressure", 1 / 3) == "0.333333"
    assert WORDS.value("oil_pressure", 80.00000001, away_from=80.0) == "80.00000001"


@pytest.mark.parametrize(
    ("limit", "text"),
    [
        (1e300, "1e+300"),
        (-1e16, "-1e+16"),
        (123456789012345.5, "123456789012345.5"),
        (1.5e-7, "1.5e-07"),
        (0.0, "0.0"),
    ],
)
def test_a_limit_nobody_could_count_the_digits_of_has_an_exponent(limit, text):
    assert decimal(limit) == text


@pytest.mark.parametrize(
    ("channel", "value", "other", "texts"),
    [
        ("temperature", 25.6, 25.1, ("25.60°C", "25.10°C")),
        ("temperature", 25.001, 25.0, ("25.001°C", "25.000°C")),
        ("temperature", 25.004, 25.001, ("25.004°C", "25.001°C")),
        ("temperature", 25.0, 25.0, ("25.00°C", "25.00°C")),
        ("temperature", 1e300, 2e300, ("1e+300°C", "2e+300°C")),
        ("temperature", 3e-9, 1e-9, ("3.00e-09°C", "1.00e-09°C")),
        ("C0", 24.4, 25.1, ("24.4", "25.1")),
        ("C0", 1e9 + 105, 1e9 + 0.3, ("1000000105", "1000000000")),
        ("C0", 1e17 + 1024, 1e17, ("1.00000000000001e+17", "1.00000000000000e+17")),
    ],
)
def test_two_values_that_differ_have_as_many_digits_as_it_takes_to_see_it(
    channel, value, other, texts
):
    assert WORDS.pair(channel, value, other) == texts


def test_two_values_are_told_apart_down_to_the_last_bit():
    for value in (25.0, 1e9, 1e-9, 5e-324, 0.1, 1.7e308, 2.0**53):
        first, second = WORDS.pair("temperature", value, float(np.nextafter(value, np.inf)))
        assert first != second
        assert len(first) < 45
