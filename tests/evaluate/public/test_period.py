"""The buffer of TSB-AD: its own function gave the numbers that these are compared with."""

import importlib.util
import json
from pathlib import Path

import numpy as np
import pytest

from sensorkit.evaluate.public.period import DEFAULT, period

REFERENCE = Path(__file__).parent / "reference"


def test_the_period_is_the_one_that_tsb_ad_takes_on_160_series():
    spec = importlib.util.spec_from_file_location("period_cases", REFERENCE / "period_cases.py")
    cases = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(cases)
    expected = json.loads((REFERENCE / "periods.json").read_text(encoding="utf-8"))
    assert len(expected) == cases.N
    assert len(set(expected)) > 80  # not all of them the default
    assert [period(one) for one in cases.series()] == expected


@pytest.mark.parametrize("length", [20, 64, 250])
def test_the_period_of_a_sine_is_found_in_noise(length):
    rng = np.random.default_rng(length)
    values = np.sin(2 * np.pi * np.arange(6000) / length) + 0.05 * rng.normal(size=6000)
    assert period(values) == pytest.approx(length, abs=1)


def test_missing_values_do_not_move_the_period():
    values = np.sin(2 * np.pi * np.arange(6000) / 50)
    values[1000:1100] = np.nan
    assert period(values) == 50


@pytest.mark.parametrize(
    "values", [np.arange(2000.0), np.full(500, np.nan), np.zeros(500), np.array([1.0, 2.0])]
)
def test_a_series_without_a_period_gets_the_default(values):
    assert period(values) == DEFAULT
