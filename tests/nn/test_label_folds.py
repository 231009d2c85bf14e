"""Each third of the labels is held out once."""

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from labelcycle.core.pool import UNLABELED
from labelcycle.nn.label_folds import thirds


def test_a_class_is_spread_and_a_label_alone_is_not_held_out() -> None:
    labels = np.array([1, -1, 0, 1, 0, 1, 2])
    found = [(held.tolist(), left.tolist()) for held, left in thirds(labels)]
    # by class: 2 4 | 0 3 5 | 6
    assert found == [([2, 3], [4, 0, 5, 6]), ([4, 5], [2, 0, 3, 6]), ([0], [2, 4, 3, 5])]


def test_a_third_in_which_nothing_can_be_told_does_not_come() -> None:
    assert list(thirds(np.array([0, 1, 2]))) == []
    assert list(thirds(np.array([UNLABELED]))) == []


@given(st.lists(st.integers(-1, 4), max_size=40))
def test_every_label_whose_class_the_others_have_is_held_out_once(given: list[int]) -> None:
    labels = np.array(given, dtype=np.int64)
    all_held: list[int] = []
    for held, left in thirds(labels):
        assert not set(held) & set(left)
        assert (labels[left] != UNLABELED).all()
        assert set(labels[held]) <= set(labels[left])
        all_held += held.tolist()
    often = [row for row, c in enumerate(given) if c != UNLABELED and given.count(c) > 1]
    assert sorted(all_held) == often
