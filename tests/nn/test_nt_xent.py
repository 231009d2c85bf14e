"""NT-Xent against Algorithm 1 of the paper, written as its two loops."""

import math

import pytest
import torch
from example_counts import tries
from hypothesis import given
from hypothesis import strategies as st

from labelcycle.nn.nt_xent import nt_xent


def algorithm_1(z0: torch.Tensor, z1: torch.Tensor, temperature: float) -> torch.Tensor:
    """Chen et al. 2020, Algorithm 1: rows 2k-1 and 2k are the views of image k."""
    z = [view.double() for pair in zip(z0, z1, strict=True) for view in pair]
    rows = torch.stack(z)
    s = [rows @ a / (rows.norm(dim=1) * a.norm()) for a in z]

    def loss(i: int, j: int) -> torch.Tensor:
        powers = torch.exp(s[i] / temperature)
        others = torch.cat([powers[:i], powers[i + 1 :]])
        return -torch.log(powers[j] / others.sum())

    pairs = [(2 * k, 2 * k + 1) for k in range(len(z) // 2)]
    total = sum(loss(i, j) + loss(j, i) for i, j in pairs)
    assert isinstance(total, torch.Tensor)
    return total / len(z)


def check(n: int, d: int, temperature: float, dtype: torch.dtype) -> None:
    """Loss and gradients are those of the loops."""
    drawn = torch.randn((2, n, d), generator=torch.Generator().manual_seed(n * d))
    ours, slow = (drawn.to(dtype).requires_grad_() for _ in range(2))
    found, expected = nt_xent(*ours, temperature), algorithm_1(*slow, temperature)
    assert found.dtype == (torch.float64 if dtype == torch.float64 else torch.float32)
    found.backward()
    expected.backward()
    near = {torch.float64: 1e-9, torch.float32: 1e-4, torch.bfloat16: 1e-2}[dtype]
    assert found.item() == pytest.approx(expected.item(), rel=near, abs=near)
    assert ours.grad is not None
    assert slow.grad is not None
    largest = float(slow.grad.abs().max())
    torch.testing.assert_close(ours.grad, slow.grad, rtol=near, atol=near * max(largest, 1))


@tries(25)
@given(
    st.integers(1, 12),
    st.integers(2, 40),
    st.floats(0.05, 5),
    st.sampled_from([torch.float64, torch.float32]),
)
def test_is_algorithm_1(n: int, d: int, temperature: float, dtype: torch.dtype) -> None:
    check(n, d, temperature, dtype)


@pytest.mark.parametrize("n", [1, 2, 16])
@pytest.mark.parametrize("temperature", [0.05, 0.5, 5.0])
@pytest.mark.parametrize("dtype", [torch.float64, torch.float32, torch.bfloat16])
def test_is_algorithm_1_at_the_ends(n: int, temperature: float, dtype: torch.dtype) -> None:
    check(n, 128 if n == 16 else 3, temperature, dtype)


@tries(25)
@given(st.integers(1, 6), st.integers(2, 8), st.floats(0.05, 5), st.integers(0, 1000))
def test_views_may_swap_and_lengths_do_not_count(n: int, d: int, t: float, seed: int) -> None:
    generator = torch.Generator().manual_seed(seed)
    z0, z1 = torch.randn((2, n, d), generator=generator)
    lengths = torch.rand((n, 1), generator=generator) + 0.1
    loss = nt_xent(z0, z1, t).item()
    assert nt_xent(z1, z0, t).item() == pytest.approx(loss, rel=1e-4, abs=1e-5)
    assert nt_xent(z0 * lengths, z1, t).item() == pytest.approx(loss, rel=1e-4, abs=1e-5)


@pytest.mark.parametrize("n", [1, 2, 50])
@pytest.mark.parametrize("temperature", [0.001, 0.1, 10.0])
def test_one_direction_gives_the_log_of_the_number_of_others(n: int, temperature: float) -> None:
    z = torch.ones((n, 3))
    assert nt_xent(z, z, temperature).item() == pytest.approx(math.log(2 * n - 1), abs=1e-3)


def test_opposite_pairs_by_hand() -> None:
    # two images on opposite ends: positive at 1, both negatives at -1
    z = torch.tensor([[1.0, 0.0], [-1.0, 0.0]])
    assert nt_xent(z, z, 1.0).item() == pytest.approx(math.log(1 + 2 * math.exp(-2)), abs=1e-6)


def test_small_temperature_stays_finite_with_gradient() -> None:
    z = torch.randn((8, 4), generator=torch.Generator().manual_seed(0), requires_grad=True)
    loss = nt_xent(z, z.flip(0), 1e-3)
    loss.backward()
    assert torch.isfinite(loss)
    assert z.grad is not None
    assert torch.isfinite(z.grad).all()


def test_a_zero_row_gives_no_nan() -> None:
    assert torch.isfinite(nt_xent(torch.zeros((3, 4)), torch.ones((3, 4)), 0.1))


@pytest.mark.parametrize("temperature", [0.0, -1.0, float("nan")])
def test_temperature_must_be_above_0(temperature: float) -> None:
    with pytest.raises(ValueError, match="temperature must be above 0, got"):
        nt_xent(torch.ones((2, 2)), torch.ones((2, 2)), temperature)


@pytest.mark.parametrize(
    ("first", "second"), [((2, 3), (3, 3)), ((0, 3), (0, 3)), ((3,), (3,)), ((2, 3), (2, 4))]
)
def test_shapes_must_match(first: tuple[int, ...], second: tuple[int, ...]) -> None:
    with pytest.raises(ValueError, match="must have one shape"):
        nt_xent(torch.ones(first), torch.ones(second), 0.1)
