"""What all tests may ask for."""

import os
from pathlib import Path

import pytest


@pytest.fixture(scope="session")
def sensorkit_data() -> Path:
    """The folder of real data sets that SENSORKIT_DATA names; the project ships none."""
    named = os.environ.get("SENSORKIT_DATA")
    if not named:
        pytest.skip("SENSORKIT_DATA is not set; it names the folder of the real data sets")
    folder = Path(named).resolve()
    if not (folder / "MANIFEST.csv").is_file():
        pytest.fail(f"SENSORKIT_DATA names {folder}, which has no MANIFEST.csv", pytrace=False)
    return folder
