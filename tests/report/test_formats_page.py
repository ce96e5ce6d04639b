"""docs/formats.md shows report.json as its schema has it."""

import json
import re
from pathlib import Path

import pytest
from jsonschema import Draft202012Validator

from sensorkit.report.document import SCHEMA

PAGE = (Path(__file__).parents[2] / "docs" / "formats.md").read_text(encoding="utf-8")
PART = PAGE.split("\n## report.json\n")[1]
EXAMPLES = dict(re.findall(r"^### (\w+)\n\n```json\n(.*?)^```", PART, re.DOTALL | re.MULTILINE))
DEFINITIONS = {"cells": "cell", "requirements": "requirement"}


@pytest.fixture(scope="module")
def schema():
    return json.loads(SCHEMA.read_text(encoding="utf-8"))


def test_the_parts_on_the_page_are_those_of_the_schema(schema):
    assert re.findall(r"^\| `(\w+)` \| (?!.*\| )", PART.split("### ")[0], re.MULTILINE) == list(
        schema["properties"]
    )
    assert f"`schema_version` is {schema['properties']['schema_version']['const']};" in PART


def test_there_is_an_example_of_each_new_part():
    assert set(EXAMPLES) == {
        *("quality", "cells", "detectability"),
        *("critical_difference", "verdict", "requirements"),
    }


@pytest.mark.parametrize("part", EXAMPLES)
def test_an_example_fits_the_schema_and_has_its_keys_in_order(part, schema):
    definition = DEFINITIONS.get(part, part)
    example = json.loads(EXAMPLES[part])
    validator = Draft202012Validator({"$ref": f"#/$defs/{definition}", "$defs": schema["$defs"]})

    assert [error.message for error in validator.iter_errors(example)] == []
    assert [*validator.iter_errors(dict(list(example.items())[1:]))] != []
    assert list(example) == list(schema["$defs"][definition]["properties"])


def test_the_statuses_on_the_page_are_those_of_the_schema(schema):
    rows = PART.split("### detectability")[1].split("### ")[0]
    statuses = schema["$defs"]["detectability"]["properties"]["status"]["enum"]
    assert sorted(re.findall(r"^\| `(\w+)` \| ", rows, re.MULTILINE)[1:]) == sorted(statuses)
