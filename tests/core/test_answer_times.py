"""What answers cost: by hand, and that one long lunch moves nothing but the cap's worth."""

import pytest
from example_counts import tries
from hypothesis import given
from hypothesis import strategies as st

from labelcycle.core.answer_times import Effort, effort


def test_a_lunch_counts_as_the_cap_and_an_unknown_time_as_none() -> None:
    found = effort([2.0, 4.0, 3600.0, None], labels=2, cap=60)
    assert found == Effort(4, 3, 1, 66.0, 4.0, 2, 33.0)


def test_without_times_or_labels_nothing_is_divided() -> None:
    assert effort([], 0, 60) == Effort(0, 0, 0, 0.0, None, 0, None)
    assert effort([None], 1, 60).per_label is None
    assert effort([3.0], 0, 60).per_label is None


@tries(30)
@given(st.lists(st.floats(0, 50), min_size=1, max_size=20), st.floats(61, 1e9))
def test_how_long_a_lunch_was_makes_no_difference(times, lunch) -> None:
    found = effort([*times, lunch], 1, 60)
    assert found == effort([*times, 61.0], 1, 60)
    assert found.capped == 1
    assert found.seconds == pytest.approx(sum(times) + 60, abs=0.01)
