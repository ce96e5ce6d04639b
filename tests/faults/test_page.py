"""docs/faults.md says of every kind what the code says of it."""

import re
from pathlib import Path

import yaml

from sensorkit.faults import KINDS, FaultPlan

PAGE = (Path(__file__).parents[2] / "docs" / "faults.md").read_text(encoding="utf-8")
ROW = re.compile(r"^\| `(\w+)` \| (signal|transport) \| (.+?) \| (.+?) \|$", re.MULTILINE)


def test_the_table_of_kinds_is_the_kinds_own_words():
    said = {name: (layer, size, summary) for name, layer, size, summary in ROW.findall(PAGE)}
    assert said == {
        name: (kind.layer, kind.magnitude.meaning if kind.magnitude else "-", kind.summary)
        for name, kind in KINDS.items()
    }


def test_the_plan_on_the_page_can_be_read():
    (text,) = re.findall(r"```yaml\n(.*?)```", PAGE, re.DOTALL)
    assert len(FaultPlan.from_dict(yaml.safe_load(text), "docs/faults.md").faults) == 3


def test_the_kinds_that_may_begin_gradually_are_named():
    able = ", ".join(f"`{name}`" for name, kind in KINDS.items() if kind.gradual)
    assert f"`gradual` ({able})" in PAGE
