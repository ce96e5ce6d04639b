"""What people may write as a requirement, and how a mistake in it is named."""

import pytest

from sensorkit.errors import UsageError
from sensorkit.evaluate import Config
from sensorkit.evaluate.requirement import METRICS, Requirement, parsed


@pytest.mark.parametrize(
    ("text", "named", "operator", "limit"),
    [
        ("guard.event_recall>=0.9", ("guard", "event_recall", None, None), ">=", 0.9),
        (" guard . event_recall ≥ 90 % ", ("guard", "event_recall", None, None), ">=", 0.9),
        ("guard.event_recall.drift>0.5", ("guard", "event_recall", "drift", None), ">", 0.5),
        ("best.false_alarms_per_day<1e-1", ("best", "false_alarms_per_day", None, None), "<", 0.1),
        ("my sigma 2.5.vus_pr>=.8", ("my sigma 2.5", "vus_pr", None, None), ">=", 0.8),
        ("a.delay_median_s<=1500ms", ("a", "delay_median_s", None, None), "<=", 1.5),
        ("a.delay_median_s<=2min", ("a", "delay_median_s", None, None), "<=", 120.0),
        ("a.a90_95.drift.out.side<=2", ("a", "a90_95", "drift", "out.side"), "<=", 2.0),
        ("a.a90_95.stuck<=30s", ("a", "a90_95", "stuck", None), "<=", 30.0),
        ("a.a50_sigma.spike<=5", ("a", "a50_sigma", "spike", None), "<=", 5.0),
        ("a.microseconds_per_reading<=2µs", ("a", "microseconds_per_reading", None, None), "<=", 2),
        ("a.microseconds_per_reading<1ms", ("a", "microseconds_per_reading", None, None), "<", 1e3),
    ],
)
def test_a_requirement_names_a_figure_and_its_limit(text, named, operator, limit):
    found = Requirement.parse(text)

    assert (found.detector, found.metric, found.kind, found.channel) == named
    assert (found.operator, found.limit) == (operator, limit)
    assert found.text == text.strip()


@pytest.mark.parametrize(
    ("text", "named"),
    [
        ("a.vus_pr.event_recall>=0.5", ("a.vus_pr", "event_recall", None, None)),
        ("a.a90.drift.vus_pr<=5", ("a", "a90", "drift", "vus_pr")),
        ("vus_pr.vus_pr>=0.5", ("vus_pr", "vus_pr", None, None)),
    ],
)
def test_a_detector_or_channel_may_be_called_like_a_metric(text, named):
    found = Requirement.parse(text)

    assert (found.detector, found.metric, found.kind, found.channel) == named


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("guard.event_recall", "holds no comparison of a figure with a number; DETECTOR.METRIC"),
        ("0.5<guard.event_recall<0.9", "holds no comparison"),
        ("guard.event_recall==0.9", "'==' is no comparison; >=, <=, > or < is wanted"),
        ("guard.event_recall=>0.9", "'=>' is no comparison"),
        ("guard.event_recal>=0.9", "names no metric; did you mean 'event_recall'?"),
        ("guard.drift.event_recal>=0.9", "names no metric; did you mean 'event_recall'?"),
        ("guard.xyz>=0.9", "names no metric; use one of a50, a50_sigma, a90, a90_95"),
        ("event_recall>=0.9", "names no detector and metric: put its detector before event_recall"),
        ("guard>=0.9", "names no detector and metric; DETECTOR.METRIC>=NUMBER is wanted"),
        (".event_recall>=0.9", "a name in it is empty"),
        ("guard.event_recall.>=0.9", "a name in it is empty"),
        ("guard.event_recall.drift.temperature>=0.9", "not known by channel; leave out .temperatu"),
        ("guard.a90_95<=3", "a90_95 is of a kind of fault; name one, as guard.a90_95.drift"),
        ("guard.a90_95_sigma.stuck<=3", "the size of a stuck is how long it lasts; use a90_95"),
        ("guard.microseconds_per_reading.drift<=3", "does not depend on faults; leave out .drift"),
        ("guard.event_recall>=", "'' is no number"),
        ("guard.event_recall>=nan", "'nan' is no number"),
        (
            "guard.event_recall>=0,9",
            "',9' cannot follow a number of event_recall; the number",
        ),
        ("guard.event_recall>=0.9s", "'s' cannot follow a number of event_recall"),
        ("guard.false_alarms_per_day<=1%", "'%' cannot follow .* no unit is wanted"),
        ("guard.a90_95.drift<=3s", "'s' cannot follow a number of a90_95; no unit is wanted"),
        (
            "guard.event_recall>=90",
            "is a share, from 0 to 1 or 0% to 100%; for 90 percent",
        ),
        ("guard.event_recall>=101%", "is a share, from 0 to 1 or 0% to 100%$"),
        ("guard.delay_median_s<=-1", "'-1' is no limit for delay_median_s; a number from 0 on"),
        ("guard.delay_median_s<=1e999", "'1e999' is no limit"),
    ],
)
def test_a_mistake_is_named_with_what_is_wanted(text, told):
    with pytest.raises(UsageError, match=rf"^requirement '.*': .*{told.replace('.', '.')}"):
        Requirement.parse(text)


@pytest.mark.parametrize(
    ("operator", "met"),
    [
        (">=", (False, True, True)),
        (">", (False, False, True)),
        ("<=", (True, True, False)),
        ("<", (True, False, False)),
    ],
)
def test_a_limit_is_kept_as_its_sign_says_and_never_by_nothing(operator, met):
    one = Requirement.parse(f"a.vus_pr{operator}0.5")

    assert tuple(one.met_by(value) for value in (0.4, 0.5, 0.6)) == met
    assert not one.met_by(None)
    assert not one.met_by(float("nan"))


def test_what_is_required_twice_is_required_once():
    assert len(parsed(["a.vus_pr>=0.5", " a.vus_pr>=0.5 ", "b.vus_pr>=0.5"])) == 2


def test_every_measure_of_a_report_can_be_required():
    from sensorkit.report.measures import MEASURES

    assert {measure.key for measure in MEASURES} <= set(METRICS)


def test_a_file_may_hold_requirements_and_a_mistake_has_its_line(tmp_path):
    file = tmp_path / "bench.yaml"
    file.write_text(
        "seed: 1\nrequire:\n- guard.event_recall>=0.9\n- guard.false_alarms_per_day<=1\n"
    )
    assert Config.load(file).require == (
        "guard.event_recall>=0.9",
        "guard.false_alarms_per_day<=1",
    )
    assert "require" not in Config.load(file).parameters()
    file.write_text("require: guard.event_recall>=0.9\n")
    assert Config.load(file).require == ("guard.event_recall>=0.9",)

    file.write_text("seed: 1\nrequire:\n- guard.event_recall>=0.9\n- guard.event_recal>=0.9\n")
    with pytest.raises(UsageError, match=r"bench.yaml:4: require.1: requirement .* did you mean"):
        Config.load(file)
