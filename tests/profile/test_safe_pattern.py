"""A pattern is taken only if no line can make it slow."""

import re
import time

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from sensorkit.profile.safe_pattern import SafePattern, UnsafePatternError

SAFE = [
    r"w: (?P<w>-?\d+) x: (?P<x>-?\d+)",
    r"(?P<t>-?\d+(?:\.\d+)?),(?P<status>OK|OKAY|NORMAL|WARNING_TEMP|WARNING_VOLT)",
    r"^\[(?P<sequence>\d+)\]\s*T=(?P<t>[^;]*);.*$",
    r"(?:#[0-9A-F]{2} ){3}T(?P<t>\d*)(?: N(?P<n>\d+))?",
    r"(?:\d+,)*end",
    r"T(?P<t>\d++)(?>ab|cd)",
    r"(?x) T (?P<t> \d+ )  # temperature",
    r"(?:a|b|cc)+?d",
    r"(?:OK|OKAY)AY?",
    r"a?a?a?aaa",
    r"T(?: x(?P<x>\d+))?(?: y(?P<y>\d+))?(?: z)?",
    r"(?:a|ab)(?:bc|c)(?:d*|e*)",
]


@pytest.mark.parametrize("pattern", SAFE)
def test_a_pattern_that_cannot_be_slow_is_taken(pattern):
    assert SafePattern(pattern).groups == tuple(re.compile(pattern).groupindex)


@pytest.mark.parametrize(
    ("pattern", "wanted"),
    [
        (r"(?P<a>.*),(?P<b>\d+)", r"what is repeated (.*) can begin like the ',' that follows it"),
        (r"(?:a+)+b", "what is repeated"),
        (r"(?:\d|\w\w)*!", "two alternatives can both begin with '0'"),
        (r"(?:a|ab)(?:bc|c)d*d", "what is repeated (d*) can begin like the 'd'"),
        (r"(?:\d+)?\d", "what is repeated ([...]+) can begin like the '0'"),
        (r"(?:a*)*b", "repeats what may be empty"),
        (r"(?:a?){20}a{20}", "repeats what may be empty"),
        (r"a?" * 7 + "a" * 7, "what may be left out (a?) can begin like the 'a'"),
        (r"(?:\d+-|\w+!)" * 7, "two alternatives can both begin with '0'"),
        (r"(?:a(?:bc)?b)*d", "what may be left out ((...)?) can begin like the 'b'"),
        (r"\d+\d", "what is repeated ([...]+) can begin like the '0'"),
        (r"(?P<a>x)(?P=a)", "looks around or back"),
        (r"(?=x)y", "looks around or back"),
        (r"(?<!x)y", "looks around or back"),
        (r"(?i)temp", "sets a flag such as (?i)"),
        (r"(?i:temp)", "sets a flag inside"),
        (r"(?:(?P<a>\d),)+", "repeats the group 'a'"),
        (r"(" * 20 + "a" + ")" * 20, "nests groups more than 12 deep"),
        (r"(?:(?:a)?)?", "repeats what may be empty"),
        (r"T(?P<t>\d+", "is no regular expression"),
        (r"(?P<t>a)(?P<t>b)", "is no regular expression"),
        (r"a**", "is no regular expression"),
    ],
)
def test_a_pattern_that_could_be_slow_is_refused_with_the_reason(pattern, wanted):
    with pytest.raises(UnsafePatternError) as caught:
        SafePattern(pattern)
    assert wanted in str(caught.value)


@pytest.mark.parametrize("pattern", SAFE)
def test_no_long_line_makes_a_pattern_slow(pattern):
    safe = SafePattern(pattern)
    pieces = ["1", "a", ",", "12,", "#0A ", "T", " ", "w: 1 x: ", "[1]T=", "cc", "OK"]
    for piece in pieces:
        line = piece * (60_000 // len(piece)) + "!"
        started = time.process_time()
        safe.fullmatch(line)
        # An exponent of 2 would take minutes.
        assert time.process_time() - started < 1.0


def test_the_time_to_refuse_a_line_grows_with_its_length_only():
    """The pattern that is refused above is the slow one: here is what it would have done."""
    slow, steps = re.compile(r"(?:a+)+b"), []
    for n in (14, 16, 18, 20):
        started = time.perf_counter()
        assert slow.fullmatch("a" * n) is None
        steps.append(time.perf_counter() - started)
    assert steps[-1] > 8 * steps[0]


@pytest.mark.parametrize(
    ("pattern", "begins"),
    [("T(?P<t>.)", True), ("^T", True), (r"\d+", False), ("(?:T|U)x", False), ("(?P<t>a)", False)],
)
def test_a_pattern_knows_whether_its_lines_begin_with_the_same_text(pattern, begins):
    assert SafePattern(pattern).begins_with_text is begins


@pytest.mark.parametrize(
    ("pattern", "texts", "line"),
    [
        (r"w: (?P<w>-?\d+) x: (?P<x>-?\d+)", {"w": "-1", "x": "2"}, "w: -1 x: 2"),
        (r"T(?P<t>\d*)(?: N(?P<n>\d+))?", {"t": "5"}, "T5"),
        (r"T(?P<t>\d*)(?: N(?P<n>\d+))?", {"t": "5", "n": "7"}, "T5 N7"),
        (r"(?:A(?P<a>\d)|B(?P<b>\d))", {"b": "3"}, "B3"),
        (r"(?:[A-F0-9]{2} ){2}\s*=(?P<a>\d)", {"a": "3"}, "00 00 =3"),
        (r"^x.[^a](?>y)$", {}, "x\t\ty"),
    ],
)
def test_a_line_is_written_as_the_pattern_says(pattern, texts, line):
    safe = SafePattern(pattern)
    assert safe.render(texts) == line
    match = safe.fullmatch(line)
    assert match is not None
    assert {name: text for name, text in match.groupdict().items() if text} == texts


pieces = st.sampled_from(
    ["a", "b", "[ab]", ".", r"\d", "x", "a*", "b+", r"\d?", "(?:ab|c)", "(?:a|ab)?"]
)


@settings(deadline=None)
@given(st.lists(pieces, max_size=6).map("".join), st.text("abcx1", max_size=12))
def test_what_is_taken_matches_as_re_says(pattern, line):
    try:
        safe = SafePattern(pattern)
    except UnsafePatternError:
        return
    assert bool(safe.fullmatch(line)) == bool(re.fullmatch(pattern, line))
    assert safe.fullmatch(safe.render({})) is not None
