import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from labelcycle.core.stable_order import best_first, steady


def test_values_that_differ_in_the_last_digits_are_equal_and_go_by_row() -> None:
    values = np.array([0.3, 0.1 + 0.2, 0.4, 0.3])
    assert best_first(values).tolist() == [2, 0, 1, 3]
    assert best_first(values[::-1]).tolist() == [1, 0, 2, 3]


def test_values_that_differ_in_the_eighth_digit_are_not_equal() -> None:
    assert best_first(np.array([1.0, 1.0 + 1e-8])).tolist() == [1, 0]


@given(st.lists(st.floats(-1e300, 1e300), min_size=1))
def test_rounding_is_close_and_keeps_the_order(numbers: list[float]) -> None:
    values = np.sort(np.array(numbers))
    rounded = steady(values)
    np.testing.assert_allclose(rounded, values, rtol=1e-9, atol=1e-310)
    assert (np.diff(rounded) >= 0).all()
