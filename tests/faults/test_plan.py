"""A fault plan is checked when it is read, and a mistake is shown where it stands."""

from pathlib import Path

import pytest

from sensorkit.errors import PlanError
from sensorkit.faults import KINDS, Fault, FaultPlan, shipped

GOOD = """\
description: two faults
seed: 3
faults:
  - {kind: bias, channel: T, start_s: 10, duration_s: 30, magnitude: 2.5}
  - {kind: silence, start_s: 50, duration_s: 6}
"""


def load(tmp_path: Path, text: str) -> FaultPlan:
    path = tmp_path / "plan.yaml"
    path.write_text(text, encoding="utf-8")
    return FaultPlan.load(path)


@pytest.mark.parametrize("name", shipped())
def test_every_plan_we_ship_can_be_read_and_survives_json(name):
    plan = FaultPlan.load(name)
    assert FaultPlan.from_dict(plan.to_dict(), "test") == plan
    assert plan.description


def test_the_shipped_plans_have_every_kind():
    mixed, plausible, line, plug = (
        {fault.kind for fault in FaultPlan.load(name).faults}
        for name in ("mixed", "plausible", "rough_line", "unplugged")
    )
    assert {name for name in mixed | plausible if KINDS[name].layer == "signal"} == {
        name for name, kind in KINDS.items() if kind.layer == "signal"
    }
    assert mixed | plausible | line | plug == set(KINDS)
    assert {name for name in KINDS if getattr(KINDS[name], "live", False)} == plug


def test_a_good_plan_is_read(tmp_path):
    plan = load(tmp_path, GOOD)
    assert [fault.title for fault in plan.faults] == ["bias on T", "silence"]
    assert plan.gap == 60


@pytest.mark.parametrize(
    ("old", "new", "line", "wanted"),
    [
        ("kind: bias", "kind: biass", 4, "unknown kind of fault 'biass'; .*did you mean 'bias'?"),
        (
            "kind: silence",
            "kind: quiet",
            5,
            "unknown kind of fault 'quiet'; there are baud_mismatch, bias, corr",
        ),
        ("channel: T, ", "", 4, "a bias needs a channel: add `channel: NAME`"),
        ("silence,", "silence, channel: T,", 5, "acts on whole frames; leave the channel out"),
        (", duration_s: 6", "", 5, "a silence needs a duration: add `duration_s: SECONDS`"),
        (", magnitude: 2.5", "", 4, "needs magnitude or magnitude_sigma: what every value is"),
        ("2.5", "2.5, magnitude_sigma: 3", 4, "either magnitude or magnitude_sigma, not both"),
        ("2.5", "0", 4, "a bias of size 0 changes nothing"),
        ("2.5", "'2.5'", 4, "magnitude: Input should be a valid number"),
        ("2.5", "2.5e+300", 4, "magnitude: Input should be less than or equal to 1000000000000"),
        ("start_s: 50", "start_s: 5.0e+300", 5, "start_s: Input should be less than or equal to 1"),
        ("2.5", ".nan", 4, "magnitude: Input should be a finite number"),
        ("2.5", "2.5, value: 7", 4, "a bias takes no absolute value; give a magnitude"),
        ("duration_s: 6", "duration_s: 6, magnitude: 2", 5, "its size is its duration"),
        ("duration_s: 6", "duration_s: -6", 5, "greater than 0"),
        ("duration_s: 6", "duration_s: yes", 5, "duration_s: Input should be a valid number"),
        ("duration_s: 6", "duration_s: 6, onset: gradual", 5, "cannot begin gradually; those"),
        ("start_s: 50", "start_s: -1", 5, "greater than or equal to 0"),
        ("start_s: 50", "start: 50", 5, "start: unknown key; did you mean .start_s"),
        ("seed: 3", "seed: 3.5", 2, "seed: Input should be a valid integer"),
        ("seed: 3", "seed: 3\nwindow_s: [20, 10]", 3, "must begin .20. before it ends .10."),
        ("seed: 3", "seed: 3\nwindow_share: [0.5, 2]", 3, "ends at 2; 1 is the whole"),
        (
            "start_s: 50",
            "start_s: 39.5",
            5,
            r"fault 2 \(silence, 39.5-45.5 s\) overlaps fault 1 \(bias on T, 10-40 s\); move or",
        ),
    ],
)
def test_a_mistake_is_shown_with_file_and_line(tmp_path, old, new, line, wanted):
    assert old in GOOD
    with pytest.raises(PlanError, match=rf"plan\.yaml:{line}: .*{wanted}"):
        load(tmp_path, GOOD.replace(old, new, 1))


@pytest.mark.parametrize(
    ("fault", "wanted"),
    [
        ({"kind": "noise", "channel": "T", "magnitude": -1.0}, "must be above 0"),
        ({"kind": "corrupt", "magnitude": 1.5}, "a whole number of bits"),
        ({"kind": "truncate", "magnitude_sigma": 3.0}, "is in bytes, not in sigmas"),
    ],
)
def test_a_magnitude_has_to_suit_its_kind(fault, wanted):
    with pytest.raises(PlanError, match=wanted):
        FaultPlan.from_dict({"faults": [{"duration_s": 5, **fault}]}, "test")


def test_faults_that_touch_do_not_overlap():
    FaultPlan(
        faults=(
            Fault(kind="silence", start_s=0, duration_s=5),
            Fault(kind="silence", start_s=5, duration_s=5),
        )
    )


def two(first: str | None, second: str | None, **plan) -> FaultPlan:
    return FaultPlan.from_dict(
        {
            "faults": [
                {"kind": kind, "channel": channel, "start_s": start, "duration_s": 10}
                for kind, channel, start in (
                    ("stuck" if first else "silence", first, 0),
                    ("stuck" if second else "silence", second, 5),
                )
            ],
            **plan,
        },
        "test",
    )


def test_faults_on_different_channels_overlap_only_where_the_plan_says_so():
    with pytest.raises(PlanError, match="or say `overlap: channels`"):
        two("T", "V")
    assert len(two("T", "V", overlap="channels").faults) == 2


@pytest.mark.parametrize("pair", [("T", "T"), ("T", None), (None, None)])
def test_no_plan_lets_faults_overlap_on_one_channel_or_across_layers(pair):
    with pytest.raises(PlanError, match=r"move or shorten one$"):
        two(*pair, overlap="channels")


def test_a_plan_that_does_not_exist_names_the_nearest():
    with pytest.raises(PlanError, match=r"unknown fault plan 'mixt'.*did you mean 'mixed'"):
        FaultPlan.load("mixt")
    with pytest.raises(PlanError, match=r"gone\.yaml: cannot be read: No such file"):
        FaultPlan.load("gone.yaml")


def test_a_campaign_crosses_what_each_kind_takes():
    plan = FaultPlan.campaign(
        ["bias", "stuck", "spike", "silence"],
        ["T", "V"],
        sizes_sigma=[2, 4],
        durations_s=[10, 20, 30],
        repeats=2,
        seed=9,
    )
    count = {kind: sum(f.kind == kind for f in plan.faults) for kind in KINDS}
    assert {kind: n for kind, n in count.items() if n} == {
        "bias": 2 * 2 * 3 * 2,  # channels, sizes, durations, repeats
        "stuck": 2 * 3 * 2,  # no size
        "spike": 2 * 2 * 2,  # no duration
        "silence": 3 * 2,  # neither channel nor size
    }
    lengths = [fault.duration_s or 0 for fault in plan.faults]
    assert lengths == sorted(lengths, reverse=True)


def test_a_campaign_of_an_unknown_kind_names_the_nearest():
    with pytest.raises(PlanError, match=r"unknown kind of fault 'drft'.*did you mean 'drift'"):
        FaultPlan.campaign(["drft"], ["T"])
