"""The schemas for editors: current, and of one mind with what reads the files."""

import json

import jsonschema
import pytest
import typer
import yaml

from sensorkit.cli.app import app, load_commands
from sensorkit.cli.config.command import schema_made, schema_text
from sensorkit.config.document import Config
from sensorkit.config.places import starter
from sensorkit.config.schema import MODELS, schema_of
from sensorkit.errors import UsageError
from sensorkit.faults import FaultPlan
from sensorkit.profile import Profile
from sensorkit.report.files import project_root

ROOT = project_root()
COMMITTED = ROOT / "docs" / "schemas"


@pytest.fixture(scope="module")
def made():
    load_commands()
    root = typer.main.get_command(app)
    return {what: schema_made(what, root) for what in MODELS}


def mistakes(schema, text):
    checker = jsonschema.Draft202012Validator(schema)
    return [error.json_path for error in checker.iter_errors(yaml.safe_load(text))]


@pytest.mark.parametrize("what", MODELS)
def test_the_committed_schema_is_what_the_code_makes(made, what):
    text = (COMMITTED / f"{what}.schema.json").read_text(encoding="utf-8")

    assert text == schema_text(made[what]), (
        f"write it anew: sensorkit config schema {what} --out docs/schemas/{what}.schema.json"
    )


@pytest.mark.parametrize("what", MODELS)
def test_a_schema_is_one(made, what):
    jsonschema.Draft202012Validator.check_schema(made[what])


@pytest.mark.parametrize(
    ("what", "model"), [("profile", Profile), ("plan", FaultPlan)], ids=["profile", "plan"]
)
def test_what_is_shipped_fits_its_schema(made, what, model):
    for name in model.shipped():
        text = (model.folder / f"{name}.yaml").read_text(encoding="utf-8")
        assert mistakes(made[what], text) == [], name


def test_what_init_writes_and_the_example_fit_the_schema_and_load(made, tmp_path):
    example = ROOT / "examples" / "sensorkit.yaml"
    written = tmp_path / "sensorkit.yaml"
    written.write_text(starter())

    for path in (example, written):
        assert mistakes(made["config"], path.read_text(encoding="utf-8")) == []
        Config.load(path)


def test_every_line_that_the_file_of_init_offers_can_be_used(made, tmp_path):
    lines = [
        line.replace("# ", "", 1) if line.lstrip().startswith(("# ", "#   ")) else line
        for line in starter().splitlines()
        if ":" in line
        and not line.startswith(("# yaml", "# SENSOR", "# before", "# what is wrong"))
    ]
    keys = ("ports", "profiles", "preset", "presets", "thresholds", "sinks", "defaults")
    kept = [line for line in lines if line.startswith((*keys, " ")) and "`" not in line]
    path = tmp_path / "sensorkit.yaml"
    path.write_text("\n".join(kept))

    config, _ = Config.load(path)

    assert set(keys) <= config.model_fields_set
    assert mistakes(made["config"], path.read_text()) == []


def test_the_example_names_the_committed_schema():
    first = (ROOT / "examples" / "sensorkit.yaml").read_text(encoding="utf-8").splitlines()[0]

    relative = first.removeprefix("# yaml-language-server: $schema=")
    assert (ROOT / "examples" / relative).resolve() == COMMITTED / "config.schema.json"


@pytest.mark.parametrize(
    "text",
    [
        "port: {}",
        "ports: {a: {}}",
        "ports: {a: {link: x, baud: fast}}",
        "thresholds: {quality_below: 200}",
        "presets: {a: {unit: 1}}",
        "defaults: {captrue: {}}",
        "defaults: {capture: {fsnc: 1}}",
        "presets: {a: {defaults: {capture: {fsnc: 1}}}}",
        "defaults: {capture: {reconnect: maybe}}",
    ],
)
def test_an_editor_marks_what_would_be_refused(made, text):
    assert mistakes(made["config"], text) != []


def test_fields_and_options_say_what_they_are(made):
    config = made["config"]

    assert config["$defs"]["Port"]["properties"]["baud"]["description"] == "Speed of a serial port."
    capture = config["$defs"]["Defaults"]["properties"]["capture"]["properties"]
    assert capture["duration"]["description"] == "Stop after these seconds."
    assert ">>>" not in json.dumps(made)
    waveform = made["profile"]["$defs"]["Channel"]["properties"]
    assert waveform["decimals"]["type"] == "integer"


def test_another_schema_is_refused_with_what_there_is():
    with pytest.raises(UsageError, match=r"unknown schema 'plans'.*did you mean 'plan'"):
        schema_of("plans")
