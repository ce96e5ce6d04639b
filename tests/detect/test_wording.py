import pytest

from sensorkit.detect.wording import Wording, decimal
from sensorkit.profile import Profile

WORDS = Wording(Profile.load("serial_monitor"))


@pytest.mark.parametrize(
    ("limit", "text"),
    [(80, "80.0"), (4.5, "4.5"), (7.25, "7.25"), (-0.001, "-0.001"), (1e-7, "0.0000001")],
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
    ],
)
def test_a_value_has_the_decimals_of_its_channel_or_as_many_as_it_takes(value, away_from, text):
    assert WORDS.value("temperature", value, away_from=away_from) == text


def test_a_channel_nobody_knows_has_a_readable_name_and_no_unit():
    assert Wording().title("oil_pressure") == "Oil pressure"
    assert WORDS.value("oil_pressure", 1 / 3) == "0.333333"
    assert WORDS.value("oil_pressure", 80.00000001, away_from=80.0) == "80.00000001"
