"""docs/faults.md says of every kind what the code says of it."""

import re
import sys
from pathlib import Path

import yaml

from sensorkit.faults import KINDS, FaultPlan

PICTURES = Path(__file__).parents[2] / "docs"
sys.path.insert(0, str(PICTURES / "making"))

import fault_pictures  # noqa: E402 - it is a folder of scripts, not a package

PAGE = (PICTURES / "faults.md").read_text(encoding="utf-8")
ROW = re.compile(r"^\| `(\w+)` \| (signal|transport) \| (.+?) \| (.+?) \|$", re.MULTILINE)


def test_the_table_of_kinds_is_the_kinds_own_words():
    said = {name: (layer, size, summary) for name, layer, size, summary in ROW.findall(PAGE)}
    assert said == {
        name: (kind.layer, kind.magnitude.meaning if kind.magnitude else "-", kind.summary)
        for name, kind in KINDS.items()
    }


def test_the_plans_on_the_page_can_be_read():
    texts = re.findall(r"```yaml\n(.*?)```", PAGE, re.DOTALL)
    plans = [FaultPlan.from_dict(yaml.safe_load(text), "docs/faults.md") for text in texts]
    assert [len(plan.faults) for plan in plans] == [3, 2]


def test_the_kinds_that_may_begin_gradually_are_named():
    able = ", ".join(f"`{name}`" for name, kind in KINDS.items() if kind.gradual)
    assert f"`gradual` ({able})" in PAGE


def test_every_kind_has_a_picture_and_it_is_as_the_code_draws_it():
    drawn = fault_pictures.files()
    folder = PICTURES / "images" / "faults"
    assert {f"images/faults/{path.name}" for path in folder.glob("*.svg")} == set(drawn)
    assert {Path(name).stem for name in drawn} >= set(KINDS)
    for name, svg in drawn.items():
        assert same_but_for_rounding((PICTURES / name).read_text(encoding="utf-8"), svg), name


def test_a_picture_that_is_not_as_drawn_is_told():
    svg = fault_pictures.files()["images/faults/bias.svg"]
    assert not same_but_for_rounding(svg.replace("polyline", "path", 1), svg)
    first = re.search(r"\d+\.\d", svg)
    assert first is not None
    moved = f"{float(first[0]) + 2:.1f}"
    assert not same_but_for_rounding(svg.replace(first[0], moved, 1), svg)


def test_the_gallery_on_the_page_is_as_the_code_writes_it():
    assert fault_pictures.page() == PAGE
    for name in KINDS:
        assert re.search(rf"^### `{name}`$", PAGE, re.MULTILINE), name
        assert re.search(rf"!\[[^\]]{{20,}}\]\(images/faults/{name}\.svg\)", PAGE), name


def same_but_for_rounding(one: str, other: str) -> bool:
    """Tell whether two pictures differ by no more than the last digit of a coordinate."""
    number = re.compile(r"-?\d+\.\d")
    if number.sub("", one) != number.sub("", other):
        return False
    pairs = zip(number.findall(one), number.findall(other), strict=True)
    return all(abs(float(a) - float(b)) <= 0.2 for a, b in pairs)
