from itertools import pairwise

import naive
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from sensorkit.detect.episodes import Episodes
from sensorkit.readings import Alert, Severity


def run(flags, merge, cuts=()):
    """Begin and end of each episode, with the reading's number as its time."""
    episodes, begun = Episodes(1, merge), []
    edges = [0, *sorted(cuts), len(flags)]
    for start, stop in pairwise(edges):
        time = np.arange(start, stop)

        def begin(row, track, time=time):
            return Alert(int(time[row]), "T", Severity.WARNING, "", "d", "device")

        part = np.array(flags[start:stop], dtype=bool).reshape(-1, 1)
        begun += [alert for _, alert in episodes.update(time, part, begin)]
    open_ = [alert for alert in begun if alert.end is None]
    episodes.close()
    return [(alert.start, alert.end) for alert in begun], len(open_)


@pytest.mark.parametrize(
    ("flags", "merge", "episodes", "still_open"),
    [
        ("", 0, [], 0),
        ("....", 0, [], 0),
        ("#...", 0, [(0, 0)], 0),
        ("...#", 0, [(3, 3)], 1),
        ("##.#", 0, [(0, 1), (3, 3)], 1),
        ("##.#", 1, [(0, 3)], 1),
        ("#..#", 1, [(0, 0), (3, 3)], 1),
        ("#..#.", 2, [(0, 3)], 1),
        ("#..#...", 2, [(0, 3)], 0),
    ],
)
def test_unflagged_readings_up_to_merge_belong_to_an_episode(flags, merge, episodes, still_open):
    assert run([flag == "#" for flag in flags], merge) == (episodes, still_open)


@settings(max_examples=200, deadline=None, derandomize=True)
@given(
    flags=st.lists(st.booleans(), max_size=40),
    merge=st.integers(0, 4),
    cuts=st.lists(st.integers(0, 40), max_size=6),
)
def test_episodes_are_those_of_the_slow_twin_for_any_cut(flags, merge, cuts):
    cuts = [min(cut, len(flags)) for cut in cuts]
    assert run(flags, merge, cuts)[0] == naive.episodes(flags, merge=merge)


def test_a_clock_set_back_does_not_end_an_episode_before_it_began():
    episodes = Episodes(1, 0)
    time = np.array([100, 50, 60])
    ((_, alert),) = episodes.update(
        time,
        np.array([[True], [True], [False]]),
        lambda row, track: Alert(int(time[row]), "T", Severity.WARNING, "", "d", "device"),
    )
    assert alert.end == 100
