"""What objects say of themselves: escaped, cut, the same every time, and headed for a reader."""

import re

import numpy as np
import pytest

from sensorkit import detect
from sensorkit.display.cards import Card, Table
from sensorkit.faults import Fault, FaultPlan
from sensorkit.profile import Profile
from sensorkit.readings import Readings, Words

HOSTILE = "<script>a()</script><img src=x onerror=a()>\x1b[2J\x00\u2028"
COLOUR = re.compile(r"#[0-9a-f]{3,6}\b|rgb|(?<!-)color:")


def readings(n=300, **more):
    rng = np.random.default_rng(1)
    values = np.round(np.column_stack([rng.normal(25, 0.2, n), rng.normal(5, 0.02, n)]), 2)
    return Readings.build(np.arange(n) * 10**9, values, ["temperature", "voltage"], **more)


def shown():
    guard = detect.make("guard", profile=Profile.load("serial_monitor"))
    return {
        "readings": readings(),
        "plan": FaultPlan.campaign(["bias", "silence"], ["T"]),
        "new detector": guard,
        "detector": detect.make("sigma").fit(readings()).calibrate(readings()),
    }


@pytest.mark.parametrize("name", shown())
def test_what_is_shown_is_small_headed_and_without_colours(name):
    html = shown()[name]._repr_html_()

    assert re.match('<div class="sensorkit-card [a-z0-9_ ]+"><p><strong>', html)
    assert 'scope="row"' in html
    assert not COLOUR.search(html)
    assert len(html) < 6000
    assert html == shown()[name]._repr_html_()


def test_nothing_of_a_device_acts():
    said = readings(device=HOSTILE, status=Words.of([HOSTILE] * 150 + ["x" * 10**7] * 150))

    for text in (said._repr_html_(), repr(said), repr(said.status)):
        assert len(text) < 5000
        assert all(char.isprintable() or char == "\n" for char in text)
    tags = set(re.findall(r"<(\w+)", said._repr_html_()))
    assert tags == {"div", "p", "strong", "table", "tbody", "tr", "th", "td", "thead", "caption"}


def test_what_looks_like_mathematics_is_left_as_it_is():
    html = readings(device="$x$")._repr_html_()

    # By these names MathJax of JupyterLab, old and new, is kept out.
    assert re.match('<div class="[^"]*tex2jax_ignore mathjax_ignore[^"]*">', html)
    assert "$x$" in html


def test_a_table_names_its_rows_and_columns_for_a_screen_reader():
    html = Table("sizes", ("channel", "n"), [("T", "1")]).html()

    assert '<th scope="col" style="text-align:left">channel</th>' in html
    assert '<th scope="row" style="text-align:left">T</th>' in html
    assert "<caption" in html


def test_facts_and_tables_that_are_empty_are_left_out():
    card = Card("Plan", "a", [("x", ""), ("y", "1")], [Table("none", ("a",), [])])

    assert card.text() == "Plan a\n  y  1"
    assert "none" not in card.html()


def test_readings_say_how_many_from_when_and_what_is_missing():
    data = readings()
    data.values[10:15, 1] = np.nan
    data.time[200:] += 3600 * 10**9

    text = repr(data)

    assert text.startswith("Readings 300 of 2 channels\n  from    1970-01-01 00:00:00 UTC\n")
    assert "every   1 s" in text
    assert "gaps    1, longest 60 min" in text
    assert re.search(r"voltage +4\.9\d +5\.00\d+ +5\.0\d +\S+ +\S+ +5\n?", text)


def test_readings_of_several_devices_count_them():
    assert "a 200, b 100" in repr(readings(device=Words.of(["a", "b", "a"] * 100)))


def test_no_readings_are_shown_as_none():
    assert repr(Readings.empty(["T"])).splitlines()[0] == "Readings 0 of 1 channel"


def test_a_plan_lists_its_faults_and_cuts_a_long_list():
    plan = FaultPlan(
        seed=7,
        faults=(
            Fault(kind="stuck", channel="T", start_s=10, duration_s=90),
            Fault(kind="spike", channel="T", magnitude_sigma=8),
        ),
    )
    text = repr(plan)

    assert "seed                  7" in text
    assert re.search(r"stuck +T +the first +10 s +1\.5 min +abrupt", text)
    assert re.search(r"spike +T +the first +by the seed +one reading +8 sigma +abrupt", text)
    long = FaultPlan.campaign(["bias"], ["T"], repeats=500)
    assert "461 more" in repr(long)


def test_a_detector_says_what_it_has_learned_and_what_its_threshold_is_worth():
    one = detect.make("sigma", k=4)
    assert "threshold   4" in card(one)
    assert "no; it works without" in card(one)

    one.fit(readings()).calibrate(readings(), false_alarms_per_day=2)

    assert "fitted         yes" in card(one)
    assert "calibrated on  4.98 min of clean readings" in card(one)
    assert "budget         2 a day; extrapolated" in card(one)
    assert re.search(r"\n  k +4\.0\n", card(one))


def test_enough_clean_days_are_not_called_extrapolated():
    time = np.arange(20_000) * 60 * 10**9
    clean = Readings.build(time, np.random.default_rng(2).normal(size=(20_000, 1)), ["T"])

    one = detect.make("sigma").fit(clean).calibrate(clean, false_alarms_per_day=1)

    assert "budget         1 a day\n" in card(one)


def test_looking_at_a_detector_scores_nothing(monkeypatch):
    one = detect.make("forest", trees=5, seed=1).fit(readings())
    with monkeypatch.context() as patch:
        patch.setattr(one, "score", None)
        assert "taken when it is asked for" in card(one)

    known = one.threshold_

    assert f"threshold   {known:.4g}" in card(one)


def test_an_ensemble_shows_its_members_with_their_thresholds():
    text = card(detect.make("guard", profile=Profile.load("serial_monitor")).fit(readings(2000)))

    assert re.search(r"rules +fixed limits +Rules\(source='both'\)", text)
    assert re.search(r"mewma +1 +Mewma", text)


def test_a_function_in_the_parameters_has_no_address():
    one = detect.from_function(lambda rows: np.abs(rows - 25).max(axis=1), name="mine")

    assert "0x" not in card(one)


def card(detector):
    from sensorkit.detect.showing import card

    return card(detector).text()
