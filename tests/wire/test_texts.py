import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from sensorkit.wire.texts import NOT_PLAIN, Texts

rows = st.lists(st.tuples(*[st.text(max_size=5) | st.none()] * 2), max_size=8)


@given(rows)
def test_texts_come_back(rows):
    texts = Texts.of(rows, 2)
    assert texts.rows() == rows
    assert [*texts] == rows
    assert len(texts) == len(rows)
    assert texts.start.shape == texts.length.shape == (len(rows), 2)


@given(st.lists(rows, min_size=1, max_size=4))
def test_joined_texts_are_those_of_the_parts(parts):
    joined = Texts.concat([Texts.of(part, 2) for part in parts])
    assert joined.rows() == [row for part in parts for row in part]


def test_a_part_shares_the_bytes_of_the_whole():
    texts = Texts.of([("1", "2"), ("3", None), ("", "4")])
    assert texts[1:].rows() == [("3", None), ("", "4")]
    assert texts[np.array([True, False, True])].rows() == [("1", "2"), ("", "4")]
    assert texts[1:].data is texts.data


def test_what_is_missing_and_what_is_no_plain_decimal_are_told_apart():
    assert Texts.of([("", None, "1")]).length.tolist() == [[0, NOT_PLAIN, 1]]


def test_the_bytes_cannot_be_changed():
    for texts in (Texts.of([("1",)]), Texts.concat([Texts.of([("1",)])])):
        assert not texts.data.flags.writeable


def test_nothing_cannot_be_joined():
    with pytest.raises(ValueError, match="no texts to join"):
        Texts.concat([])


def test_start_and_length_must_have_one_shape():
    with pytest.raises(ValueError, match="both want"):
        Texts(np.zeros(0, dtype=np.uint8), np.zeros((1, 2), int), np.zeros((2, 1), int))
