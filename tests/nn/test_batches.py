"""The places of a training: every image once a pass, halving, the learning rate."""

import math

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from labelcycle.nn.batches import TrainingPosition, schedule, seeded


def parts(place: TrainingPosition, seed: int = 1) -> list[torch.Tensor]:
    """The rows of every step from `place` on."""
    found = []
    while not place.done:
        found.append(place.rows(seed))
        assert len(found[-1]) == place.count
        place = place.after()
    return found


@given(st.integers(1, 300), st.integers(2, 64), st.integers(1, 3))
def test_an_epoch_is_every_image_once_in_even_batches(n: int, batch: int, epochs: int) -> None:
    found = parts(TrainingPosition(n, epochs, batch))
    per_epoch = math.ceil(n / batch)
    assert len(found) == epochs * per_epoch == TrainingPosition(n, epochs, batch).total
    for epoch in range(epochs):
        own = found[epoch * per_epoch : (epoch + 1) * per_epoch]
        assert sorted(torch.cat(own).tolist()) == list(range(n))
        sizes = [len(part) for part in own]
        assert max(sizes) <= batch
        assert max(sizes) - min(sizes) <= 1


def test_an_epochs_parts_are_those_of_its_order() -> None:
    order = torch.randperm(100, generator=seeded(3, 2, 0))
    expected = order.tensor_split(7)
    assert all(map(torch.equal, parts(TrainingPosition(100, 1, 15), 3), expected))


def test_epochs_and_seeds_have_different_orders() -> None:
    first, second = parts(TrainingPosition(50, 2, 50))
    assert not torch.equal(first, second)
    assert not torch.equal(first, parts(TrainingPosition(50, 1, 50), 2)[0])


@given(st.integers(4, 300), st.integers(4, 64), st.integers(0, 20))
def test_halving_loses_no_image_and_keeps_the_share_that_is_done(
    n: int, batch: int, stop: int
) -> None:
    place = TrainingPosition(n, 2, batch)
    for _ in range(min(stop, place.total - 1)):
        place = place.after()
    if place.count < 4:
        return
    halved = place.halved()
    assert halved.batch == place.count // 2
    assert halved.total == halved.step + len(parts(halved))
    left = torch.cat(parts(halved))[: n - place.start]
    assert sorted(left.tolist()) == sorted(torch.cat(parts(place))[: n - place.start].tolist())
    share = place.position / (2 * place.per_epoch)
    assert halved.position / (2 * halved.per_epoch) == pytest.approx(share, abs=1 / place.per_epoch)


def test_the_position_counts_the_steps_where_nothing_was_halved() -> None:
    place = TrainingPosition(23, 3, 5)
    while not place.done:
        assert place.position == place.step
        assert place.total == 15
        place = place.after()
    assert (place.step, place.position) == (15, 15)


def test_the_learning_rate_rises_then_falls() -> None:
    rates = [schedule(step, 100, 0.1) for step in range(100)]
    assert rates.index(max(rates)) == 10
    assert max(rates) == pytest.approx(1)
    assert rates[:10] == sorted(rates[:10])
    assert rates[10:] == sorted(rates[10:], reverse=True)
    assert 0 < rates[-1] < 0.01


def test_without_warmup_the_rate_is_half_a_cosine_from_one_to_a_thousandth() -> None:
    assert schedule(0, 100, 0) == 1
    assert schedule(50, 100, 0) == pytest.approx(0.5005)
    assert schedule(100, 100, 0) == pytest.approx(0.001)


@given(st.integers(2, 50), st.integers(1, 9))
def test_no_image_is_compared_with_none(n: int, batch: int) -> None:
    place, before = TrainingPosition(n, 1, batch), []
    while not place.done:
        rows, found = place.rows(1).tolist(), place.compared(1).tolist()
        assert found[-len(rows) :] == rows
        if place.start and len(rows) == 1:
            assert found == [before[-1], *rows]
        elif len(rows) > 1:
            assert found == rows
        before, place = rows, place.after()
