"""Every word with a meaning of its own is one click from it."""

import re

from markupsafe import Markup

from sensorkit.report.terms import SECTIONS, definitions, linked
from sensorkit.report.views import html


def test_every_link_to_a_definition_leads_to_one_and_none_stands_twice(run_dir):
    text = html.render(run_dir).read_text(encoding="utf-8")

    wanted = set(re.findall(r'href="#(means-[\w-]+)"', text))
    there = re.findall(r'id="(means-[\w-]+)"', text)
    assert wanted <= set(there)
    assert len(there) == len(set(there))
    assert set(there) == {one["anchor"] for part in definitions() for one in part["terms"]}


def test_every_link_within_the_page_leads_somewhere(run_dir):
    text = html.render(run_dir).read_text(encoding="utf-8")

    ids = set(re.findall(r'\bid="([^"]+)"', text))
    assert set(re.findall(r'href="#([^"]+)"', text)) <= ids


def test_the_words_a_reader_must_know_are_linked_from_the_page(run_dir):
    text = html.render(run_dir).read_text(encoding="utf-8")

    for key in (
        *("a90_95", "vus_pr", "threshold", "group", "interval", "false_alarm", "missed", "found"),
        *("delay_median_s", "baseline", "sigma", "jitter", "gap", "checksum", "rejected", "test"),
        *("p_value", "after_end", "rank", "alert", "a90"),
    ):
        assert f'href="#means-{key}"' in text, key


def test_a_word_is_linked_at_its_first_use_only_and_the_longest_form_wins():
    text = linked("False alarms a day, false alarms and a false alarm; pre-alert, alert/s")

    assert text.count("<a ") == 2
    assert text.startswith('<a class="term" href="#means-false_alarms_per_day">False alarms a day')
    assert '#means-false_alarm">false alarms</a> and a false alarm;' in text
    assert text.endswith("pre-alert, alert/s")


def test_what_stands_between_the_words_cannot_act():
    text = linked("<img src=x onerror=a()> gap \x1b[2J</script>")

    assert isinstance(text, Markup)
    assert "&lt;img src=x onerror=a()&gt;" in text
    assert "\\x1b[2J&lt;/script&gt;" in text


def test_names_and_anchors_are_given_once():
    names = [one["name"].lower() for part in definitions() for one in part["terms"]]
    assert len(names) == len(set(names))
    forms = [
        form.lower() for _, terms in SECTIONS for term in terms for form in (term.name, *term.words)
    ]
    assert len(forms) == len(set(forms))
