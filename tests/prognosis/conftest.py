"""Make `wearing` importable; a small fleet that wears out, and files of C-MAPSS."""

import sys
from pathlib import Path

import numpy as np
import pytest

sys.path.insert(0, str(Path(__file__).resolve().parent))

from wearing import detector_of, fleet


@pytest.fixture
def fitted():
    """Return a detector that learned from machines 0 to 19, at the beginning of a stream."""
    detector = detector_of()
    detector.reset()
    return detector


@pytest.fixture
def machines():
    """Return the function that makes the readings of some machines."""
    return fleet


@pytest.fixture
def files(tmp_path):
    """Make a function that writes a subset of C-MAPSS: three engines to failure, two cut off."""

    def write(name="FD001", *, change=lambda text: text, leave_out=()):
        rng = np.random.default_rng(4)

        def table(*cycles):
            rows = [
                f"{unit} {cycle} " + " ".join(f"{x:.4f}" for x in rng.normal(500, 1, 24))
                for unit, n in enumerate(cycles, 1)
                for cycle in range(1, n + 1)
            ]
            return "  \n".join(rows) + "  \n"

        content = {
            f"train_{name}.txt": change(table(60, 80, 70)),
            f"test_{name}.txt": table(40, 31),
            f"RUL_{name}.txt": "20 \n45 \n",
        }
        for file, text in content.items():
            if file not in leave_out:
                (tmp_path / file).write_text(text)
        return tmp_path

    return write
