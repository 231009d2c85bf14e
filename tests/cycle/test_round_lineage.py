"""Which rounds the campaign stands on, against a walk up the tree of rounds."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from labelcycle.campaign.records.rollback_record import LaterAnswers, Rollback
from labelcycle.errors import DataError
from labelcycle.rounds import round_lineage


def rollback(to: int, following: int, answers: LaterAnswers) -> Rollback:
    return Rollback(to, following, answers, "", "", "")


@st.composite
def histories(draw: st.DrawFn) -> tuple[list[Rollback], int]:
    number = draw(st.integers(0, 8))
    places = draw(st.lists(st.integers(1, 8), max_size=5).map(sorted)) if number else []
    found = []
    for place in places:
        answers: LaterAnswers = draw(st.sampled_from(("use", "apart")))
        found.append(rollback(draw(st.integers(0, place - 1)), place, answers))
    return found, number


def parents(rollbacks: list[Rollback], number: int) -> list[int]:
    """The obvious way: from a round to the one before, up to round 0."""
    last = {each.next: each.to for each in rollbacks}
    found = []
    while number > 0:
        number = last.get(number, number - 1)
        found.append(number)
    return found[::-1]


@given(histories())
def test_the_standing_rounds_are_the_way_up(history: tuple[list[Rollback], int]) -> None:
    rollbacks, number = history
    found = round_lineage.before(rollbacks, number)
    assert list(found.standing) == parents(rollbacks, number)
    assert set(found.standing) <= found.counting <= set(range(number))


@given(histories())
def test_what_is_apart_never_counts_and_what_is_used_always_does(
    history: tuple[list[Rollback], int],
) -> None:
    rollbacks, number = history
    apart = [rollback(each.to, each.next, "apart") for each in rollbacks]
    only = round_lineage.before(apart, number)
    assert only.counting == set(only.standing)
    use = [rollback(each.to, each.next, "use") for each in rollbacks]
    assert round_lineage.before(use, number).counting == set(range(number))


def test_of_several_rollbacks_in_one_place_the_last_counts() -> None:
    several = [rollback(0, 3, "apart"), rollback(1, 3, "use")]
    assert round_lineage.before(several, 3) == round_lineage.before(several[1:], 3)


def test_what_was_put_apart_does_not_come_back_by_a_later_rollback() -> None:
    found = round_lineage.before([rollback(1, 3, "apart"), rollback(0, 5, "use")], 5)
    assert found.standing == (0,)
    assert found.counting == {0, 1, 3, 4}


@pytest.mark.parametrize("to", [3, 9, -1])
def test_a_rollback_to_a_later_round_is_refused(to: int) -> None:
    with pytest.raises(DataError, match="wanted an earlier one"):
        round_lineage.before([rollback(to, 3, "use")], 4)
