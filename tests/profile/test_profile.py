"""A profile is checked when it is read, and a mistake is shown where it stands."""

import re
from pathlib import Path

import pytest
import yaml

from sensorkit.errors import ProfileError
from sensorkit.profile import SHIPPED, Profile, Rule, shipped
from sensorkit.profile.rules import TAKES, default_type

EXAMPLES = Path(__file__).parents[2] / "examples" / "profiles"
PAGE = Path(__file__).parents[2] / "docs" / "detectors.md"

GOOD = """\
name: boiler
rate_hz: 2
frame: {format: csv, columns: [T, "@status"]}
channels:
  - name: T
    unit: degC
    plausible: [20, 90]
rules:
  - {type: HOT, kind: range, channel: T, high: 80, severity: CRITICAL}
"""


def load(tmp_path: Path, text: str) -> Profile:
    path = tmp_path / "boiler.yaml"
    path.write_text(text, encoding="utf-8")
    return Profile.load(path)


@pytest.mark.parametrize("name", [*shipped(), *sorted(EXAMPLES.glob("*.yaml"))], ids=str)
def test_every_profile_we_ship_can_be_read_and_survives_json(name):
    profile = Profile.load(name)
    assert Profile.from_dict(profile.to_dict(), "test") == profile


@pytest.mark.parametrize(
    ("text", "wanted"),
    [("true", True), ("false", False), ("once_seen", "once_seen"), (None, "once_seen")],
)
def test_a_profile_says_when_a_checksum_may_be_missing(tmp_path, text, wanted):
    given = "" if text is None else f"checksum_required: {text}, "
    profile = load(tmp_path, GOOD.replace("frame: {", "frame: {" + given))
    assert profile.frame.checksum_required == wanted
    assert Profile.from_dict(profile.to_dict(), "test") == profile


def test_a_section_that_two_anchors_share_is_no_doubled_key(tmp_path):
    text = GOOD + "states:\n  A: &a {dwell_s: [1, 2], next: {A: 1}}\n  B: *a\n"
    assert list(load(tmp_path, text).states) == ["A", "B"]


def test_the_name_of_a_shipped_profile_is_its_file():
    assert [Profile.load(name).name for name in shipped()] == shipped()


def test_a_good_profile_is_read(tmp_path):
    profile = load(tmp_path, GOOD)
    assert profile.channel("T").plausible == (20, 90)
    assert profile.channel("T").title == "T"


@pytest.mark.parametrize(
    ("old", "new", "line", "wanted"),
    [
        ("[20, 90]", "[90, 20]", 5, "low (90 degC) must be below high (20 degC); swap them"),
        ("rate_hz: 2", "rate_hz: fast", 2, "rate_hz"),
        ("rate_hz: 2", "rate_hz: 0", 2, "greater than 0"),
        ("rate_hz: 2\n", "", 1, "rate_hz: Field required"),
        ("rate_hz: 2", "rate: 2", 2, "rate: unknown key; did you mean 'rate_hz'?"),
        ("unit: degC", "unitt: degC", 6, "channels.0.unitt: unknown key; did you mean 'unit'?"),
        ("unit: degC", "colour: red", 6, "colour: unknown key; there are name, unit, label"),
        ("rate_hz: 2", "rate_hz: 2\nname: kettle", 3, "name: stands here a second time"),
        ("unit: degC", "unit: K\n    unit: degC", 7, "unit: stands here a second time"),
        ("channel: T,", "channel: U,", 9, "rules.0.channel: no channel 'U'; there are T"),
        ("high: 80, ", "", 9, "needs low or high"),
        ("columns: [T,", "columns: [X,", 3, "frame.columns.0: no channel 'X'"),
        (
            "format: csv",
            "format: cvs",
            3,
            "frame.format: unknown frame format 'cvs'; there are",
        ),
        ("severity: CRITICAL", "severity: BAD", 9, "severity"),
        ('"@status"]', '"@state"]', 3, "unknown column '@state'; there are @device"),
        ("[T,", "[T_,", 3, "frame.columns.0: no channel 'T_'; did you mean 'T'?"),
        ("format: csv", "format: [csv]", 3, "frame.format: a name is wanted; there are csv"),
        ("format: csv, ", "", 3, "frame.format: a name is wanted; there are csv, js"),
        ("frame: {", "frame: {line_end: crlf, ", 3, "frame.line_end: Input should be 'lf' or 'cr'"),
        ("frame: {", "frame: {checksum_required: 1, ", 3, "frame.checksum_required"),
        ("frame: {", "frame: {checksum_required: once, ", 3, "frame.checksum_required"),
        ('[T, "@status"]', "[T, T]", 3, "two columns are 'T'"),
        ('"@status"]', '"@status"], delimiter: ""', 3, "delimiter: String should have at least 1"),
    ],
)
def test_a_mistake_is_shown_with_file_line_and_field(tmp_path, old, new, line, wanted):
    assert old in GOOD
    with pytest.raises(ProfileError) as caught:
        load(tmp_path, GOOD.replace(old, new))
    assert wanted in str(caught.value)
    assert f"boiler.yaml:{line}:" in str(caught.value)


KEYED = """\
name: boiler
rate_hz: 2
frame: {format: key_value, separator: ",", assignment: ":", status: S}
channels:
  - {name: temperature, key: T}
  - {name: pressure, key: P}
status_words: [OK, HOT]
states:
  RUN: {dwell_s: [10, 20], next: {RUN: 1}}
"""


@pytest.mark.parametrize(
    ("old", "new", "line", "wanted"),
    [
        ('separator: ","', 'separator: ":"', 3, "':' cannot be told from the separator ':'"),
        ('separator: ","', 'separator: ""', 3, "separator: String should have at least 1"),
        ("key: P", "key: T", 3, "two fields have the key 'T'"),
        ("status: S", "status: T", 3, "two fields have the key 'T'"),
        ("key: P", 'key: "P:1"', 3, "the key 'P:1' holds a sign that ends it"),
        ("HOT]", '"HOT,1"]', 7, "'HOT,1' holds ',', which ends a field"),
        ("next: {RUN: 1}", "next: {RUNS: 1}", 9, "no state 'RUNS'; did you mean 'RUN'?"),
        ("[10, 20]", "[20, 10]", 9, "shortest (20 s) is above mean (10 s)"),
    ],
)
def test_frames_whose_fields_cannot_be_told_apart_are_refused(tmp_path, old, new, line, wanted):
    load(tmp_path, KEYED)
    with pytest.raises(ProfileError, match=re.escape(wanted)) as caught:
        load(tmp_path, KEYED.replace(old, new))
    assert f"boiler.yaml:{line}:" in str(caught.value)


@pytest.mark.parametrize(
    ("text", "wanted"),
    [
        ("a: [1, 2", "boiler.yaml:1: not readable as YAML"),
        ("a: 1\nb: \x00", "not readable as YAML"),
        ("- a\n- b\n", "holds list, a mapping of keys to values is wanted"),
        ("", "holds NoneType"),
    ],
)
def test_a_file_that_is_no_profile_is_refused(tmp_path, text, wanted):
    with pytest.raises(ProfileError, match=wanted):
        load(tmp_path, text)


def test_a_file_that_is_not_there_is_named(tmp_path):
    with pytest.raises(ProfileError, match=r"nowhere\.yaml: cannot be read: No such file"):
        Profile.load(tmp_path / "nowhere.yaml")


def test_an_unknown_name_gets_the_nearest_and_the_list():
    with pytest.raises(ProfileError, match=r"there are .*serial_monitor.*did you mean 'serial_m"):
        Profile.load("serial_moniter")


def test_a_name_cannot_lead_out_of_the_folder():
    with pytest.raises(ProfileError, match="unknown profile"):
        Profile.load("../profile")


def test_the_frame_comment_of_the_shipped_profile_names_all_keys():
    data = yaml.safe_load((SHIPPED / "serial_monitor.yaml").read_text(encoding="utf-8"))
    assert [c["key"] for c in data["channels"]] == ["T", "V"]
    assert (data["frame"]["status"], data["frame"]["sequence"], data["frame"]["uptime"]) == tuple(
        "SNU"
    )


@pytest.mark.parametrize(
    ("frame", "wanted"),
    [
        ('csv, delimiter: "*", checksum: xor', "delimiter: '*' holds '*', which the checksum xor"),
        ('csv, delimiter: "5"', "delimiter: '5' holds a letter or digit"),
        ('csv, delimiter: "x"', "delimiter: 'x' holds a letter or digit"),
        ('csv, delimiter: "\\r"', r"delimiter: '\r' is a line end, where the frame is over"),
        ('key_value, separator: "\\n"', r"separator: '\n' is a line end"),
        ('key_value, separator: "*", checksum: crc16', "separator: '*' holds '*', which the chec"),
        ('key_value, assignment: "is"', "assignment: 'is' holds a letter or digit"),
    ],
)
def test_a_sign_no_line_can_be_cut_at_is_refused_where_it_stands(tmp_path, frame, wanted):
    columns = ', columns: [T, "@status"]' if frame.startswith("csv") else ""
    text = GOOD.replace('{format: csv, columns: [T, "@status"]}', f"{{format: {frame}{columns}}}")
    with pytest.raises(ProfileError) as error:
        load(tmp_path, text)
    assert f"boiler.yaml:3: frame.{wanted}" in str(error.value)
    assert str(error.value).endswith("give another sign, such as ',' or ';'")


def test_a_star_between_fields_is_no_checksum_where_there_is_none(tmp_path):
    text = GOOD.replace("format: csv", 'format: csv, delimiter: "*"')
    assert load(tmp_path, text).frame.delimiter == "*"


# Rules

HOT = "{type: HOT, kind: range, channel: T, high: 80, severity: CRITICAL}"


@pytest.mark.parametrize(
    ("rule", "wanted"),
    [
        ("kind: rate, channel: T", "rule 'IT' of kind rate needs limit"),
        ("kind: rate, limit: 1", "rule 'IT' of kind rate needs a channel"),
        ("kind: stuck, channel: T", "rule 'IT' of kind stuck needs readings or seconds"),
        ("kind: stuck, readings: 3", "rule 'IT' of kind stuck needs a channel"),
        (
            "kind: stuck, channel: T, readings: 3, seconds: 2",
            "rules.0.seconds: rule 'IT' of kind stuck has readings and seconds; give one",
        ),
        ("kind: missing, channel: T, readings: 0", "rules.0.readings: Input should be greater"),
        ("kind: heartbeat", "rule 'IT' of kind heartbeat needs limit"),
        ("kind: heartbeat, limit: 5, channel: T", "takes no channel; it takes limit, margin"),
        ("kind: status", "rule 'IT' of kind status needs words"),
        ("kind: status, words: [HOTT]", "rules.0.words.0: 'HOTT' is not among status_words; did"),
        ("kind: status, words: [HOT], margin: 2", "rules.0.margin: rule 'IT' of kind status takes"),
        ("kind: range, channel: T, high: 8, limit: 2", "rules.0.limit: rule 'IT' of kind range"),
        ("kind: rate, channel: T, limit: 8, per: day", "rules.0.per: Input should be 'reading'"),
        ("kind: stuck, channel: T, readings: 3, for_s: 3", "rules.0.for_s: rule 'IT' of kind"),
        (
            "kind: range, channel: T, high: 8, for_s: 3, for_readings: 2",
            "rules.0.for_s: rule 'IT' of kind range has for_readings and for_s; give one",
        ),
        (
            "kind: range, channel: T, low: 6, high: 8, hysteresis: 1",
            "rules.0.hysteresis: rule 'IT' of kind range could never be over: no value is 1 inside "
            "its limits; less than 1 is wanted",
        ),
        ("kind: rate, channel: T, limit: 2, hysteresis: 3", "rules.0.hysteresis: rule 'IT'"),
        ("kind: range, channel: T, high: 8, hysteresis: -1", "rules.0.hysteresis: Input should"),
        ("kind: frozen, channel: T", "rules.0.kind: unknown kind of rule; there are"),
        ("kind: rnage, channel: T", "rules.0.kind: unknown kind of rule; there are"),
        ("kind: [range], channel: T", "rules.0.kind: the name of a kind is wanted; there are"),
        ("channel: T", "rules.0.kind: a rule needs a kind; there are heartbeat, missing, range"),
        ("kind: status, words: HOT", "rules.0.words: a list of words is wanted: [HOT]"),
        ("kind: range, channel: T, high: true", "rules.0.high: a number is wanted (had True)"),
        ("kind: stuck, channel: T, readings: true", "rules.0.readings: a number is wanted"),
        ("kind: heartbeat, limit: false", "rules.0.limit: a number is wanted (had False)"),
        ("knd: range, channel: T", "rules.0.knd: unknown key; did you mean 'kind'?"),
        ("kind: range, channel: T, hihg: 8", "rules.0.hihg: unknown key; did you mean 'high'?"),
    ],
)
def test_a_rule_says_which_field_is_wrong(tmp_path, rule, wanted):
    text = GOOD.replace(HOT, f"{{type: IT, {rule}, severity: WARNING}}")
    with pytest.raises(ProfileError) as caught:
        load(tmp_path, text + "status_words: [OK, HOT]\n")
    assert wanted in str(caught.value)
    assert "boiler.yaml:9:" in str(caught.value)


def test_a_rule_without_a_type_is_named_after_its_kind_and_channel(tmp_path):
    profile = load(tmp_path, GOOD.replace("type: HOT, ", ""))
    assert [rule.type for rule in profile.rules] == ["THRESHOLD_BREACH_T"]
    assert Profile.from_dict(profile.to_dict(), "test") == profile


@pytest.mark.parametrize("rule", ["{kind: nothing}", "{channel: 3}", "{kind: status, words: 3}"])
def test_a_rule_that_is_none_is_refused_not_named(tmp_path, rule):
    with pytest.raises(ProfileError, match=r"boiler.yaml:9: rules.0"):
        load(tmp_path, GOOD.replace(HOT, rule))


@pytest.mark.parametrize(
    ("rule", "wanted"),
    [
        (
            "kind: rnage, channel: T, high: 80",
            "rules.0.kind: unknown kind of rule; there are heartbeat, missing",
        ),
        ("kind: rnage, channel: T, high: 80", "did you mean 'range'?"),
        ("channel: T, high: 80", "rules.0.kind: a rule needs a kind; there are heartbeat, missing"),
        ("kind: status, words: HOT", "rules.0.words: a list of words is wanted: [HOT]"),
    ],
)
def test_a_rule_without_a_type_says_which_field_is_wrong(tmp_path, rule, wanted):
    with pytest.raises(ProfileError) as caught:
        load(tmp_path, GOOD.replace(HOT, f"{{{rule}, severity: WARNING}}"))
    assert wanted in str(caught.value)
    assert "boiler.yaml:9:" in str(caught.value)


@pytest.mark.parametrize("rule", ["range", "[range]", "3"])
def test_what_is_no_mapping_is_told_what_a_rule_looks_like(tmp_path, rule):
    with pytest.raises(ProfileError) as caught:
        load(tmp_path, GOOD.replace(HOT, rule))
    assert "rules.0: a rule is wanted, such as {kind: range, channel: " in str(caught.value)


def test_a_number_with_an_exponent_is_a_limit(tmp_path):
    assert load(tmp_path, GOOD.replace("high: 80", "high: 1e6")).rules[0].high == 1e6


def rules_on_the_page():
    blocks = re.findall(r"^```yaml\n(rules:.*?)^```", PAGE.read_text("utf-8"), re.M | re.S)
    return [rule for block in blocks for rule in yaml.safe_load(block)["rules"]]


def test_the_rules_on_the_page_are_rules_of_every_kind():
    kinds = {Rule.model_validate(rule).kind for rule in rules_on_the_page()}
    assert kinds == set(TAKES)


def test_the_page_names_the_fields_and_the_type_of_every_kind():
    table = PAGE.read_text("utf-8").split("## Rules")[1].split("\n## ")[0]
    rows = re.findall(r"^\| `(\w+)` \|.*\| ([^|]+) \| `([A-Z_]+)` \|$", table, re.M)
    told = {kind: (tuple(re.findall(r"`(\w+)`", fields)), type_) for kind, fields, type_ in rows}
    shared = ("channel", "margin", "hysteresis", "for_readings", "for_s")
    about = {"heartbeat": (), "status": ("word",)}
    assert told == {
        kind: (
            tuple(field for field in takes if field not in shared),
            default_type(kind, *about.get(kind, ("x",))),
        )
        for kind, takes in TAKES.items()
    }
