"""docs/formats.md says what the code writes."""

import json
import re
from pathlib import Path

import pytest

from sensorkit.capture import LABEL_COLUMNS, layout, tables
from sensorkit.capture.recover import recover
from sensorkit.profile import Profile
from sensorkit.readings import RejectReason
from sensorkit.wire.codec import make_codec
from sensorkit.wire.framing import Line

PAGE = (Path(__file__).parents[2] / "docs" / "formats.md").read_text(encoding="utf-8")


def section(heading):
    return re.split(r"^## ", PAGE.split(f"\n## {heading}", 1)[1], maxsplit=1, flags=re.M)[0]


def block(heading, language):
    return re.search(rf"```{language}\n(.*?)```", section(heading), re.S)[1]


def first_cells(heading):
    return re.findall(r"^\| `([^`]+)` \|", section(heading), re.MULTILINE)


def test_every_file_is_named():
    intro = PAGE.split("\n## ")[0]
    named = re.findall(r"^\| `([^`]+)` \|", intro, re.MULTILINE)
    assert named == [*layout.HASHED, layout.MANIFEST, f"{layout.DERIVED}/"]


def test_the_reasons_are_the_closed_list():
    assert first_cells("parser_errors.log") == sorted(reason.value for reason in RejectReason)


def test_the_shown_recording_json_has_the_keys_of_a_real_one(capture, frame):
    shown = json.loads(block("recording.json", "json"))
    real = capture([(1, frame(1))]).meta
    assert list(shown) == list(real)
    assert list(shown["counts"]) == list(real["counts"])
    counts = shown["counts"]
    assert counts["received_bytes"] == sum(
        counts[f"{place}_bytes"] for place in ("accepted", "rejected", "terminator", "tail")
    )


def test_what_was_recovered_is_told_in_full(capture, frame):
    recording = capture([(1, frame(1))])
    (recording.dir / layout.MANIFEST).unlink()
    told = section("recording.json").split("- `recovered`:", 1)[1]
    assert [
        key for key in recover(recording.dir).meta["recovered"] if f"`{key}`:" not in told
    ] == []


def test_the_shown_tables_have_the_columns_that_are_written(capture, frame):
    recording = capture([(1, frame(1))])
    for name in (layout.INDEX, layout.METRICS):
        heading = "raw.log and raw.index.csv" if name == layout.INDEX else name
        header = (recording.dir / name).read_text().splitlines()[0]
        assert block(heading, "csv").splitlines()[0] == header
    assert block(layout.LABELS, "csv").splitlines()[0] == ",".join(LABEL_COLUMNS)


def test_the_kinds_of_events_are_those_of_the_facts():
    source = Path(tables.__file__).parents[1] / "readings" / "facts.py"
    doc = re.search(r'kind: str\n    """(link_opened.*?)"""', source.read_text(), re.S)[1]
    assert sorted(first_cells("events.jsonl")) == sorted(re.findall(r"[a-z]+_[a-z]+|overrun", doc))


@pytest.mark.parametrize(
    ("name", "line", "texts"),
    [
        (
            "nmea_gps",
            b"$GPGGA,123519,4807.038,N,01131.000,E,1,08,0.9,545.4,M,46.9,M,,*47",
            ("1", "08", "0.9", "545.4", "", ""),
        ),
        ("weather_csv", b"20170409_192057,23.96,965.46, NAN", ("23.96", "965.46", "")),
    ],
)
def test_the_example_profiles_read_what_their_devices_say(name, line, texts):
    profile = Profile.load(Path(__file__).parents[2] / "examples" / "profiles" / f"{name}.yaml")
    assert make_codec(profile).decode([Line(0, line)]).frames[0].texts == texts
