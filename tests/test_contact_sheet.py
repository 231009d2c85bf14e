import numpy as np
import pytest
from example_counts import tries
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image

from labelcycle.ingest.contact_sheet import CELL, GAP, LINE, SIDE, below


def plain(size: tuple[int, int], colour: str) -> Image.Image:
    return Image.new("RGB", size, colour)


def test_without_neighbours_it_is_the_picture() -> None:
    picture = plain((30, 20), "red")
    assert below(picture, [], "x") is picture


@tries(10)
@given(
    st.tuples(st.integers(1, 600), st.integers(1, 90)),
    st.lists(st.tuples(st.integers(1, 150), st.integers(1, 150)), min_size=1, max_size=8),
    st.text(max_size=40),
)
def test_the_picture_is_untouched_and_every_small_one_whole(
    size: tuple[int, int], sizes: list[tuple[int, int]], name: str
) -> None:
    picture = plain(size, "red")
    sheet = np.asarray(below(picture, [(plain(s, "blue"), name) for s in sizes], "like it"))
    left = (sheet.shape[1] - size[0]) // 2
    assert (sheet[: size[1], left : left + size[0]] == (255, 0, 0)).all()
    assert not (sheet[size[1] :] == (255, 0, 0)).all(axis=2).any()
    blue = (sheet == (0, 0, 255)).all(axis=2).sum()
    area = sum(
        max(1, round(w * SIDE / max(w, h))) * max(1, round(h * SIDE / max(w, h))) for w, h in sizes
    )
    assert blue == area


@pytest.mark.parametrize(("count", "columns", "rows"), [(1, 1, 1), (4, 4, 1), (5, 4, 2), (8, 4, 2)])
def test_four_in_a_row_below_a_narrow_picture(count: int, columns: int, rows: int) -> None:
    sheet = below(plain((50, 40), "red"), [(plain((9, 9), "blue"), "a")] * count, "x")
    assert sheet.width == columns * CELL + GAP
    assert sheet.height == 40 + GAP + LINE + rows * (CELL + LINE) + GAP


def test_names_are_drawn_and_cut_where_they_are_too_long() -> None:
    def drawn(name: str) -> bytes:
        return below(plain((9, 9), "red"), [(plain((9, 9), "blue"), name)], "x").tobytes()

    assert len({drawn(""), drawn("Hündin"), drawn("Hundin"), drawn("кот")}) == 4
    long = "a name that is much too long for its place"
    assert drawn(long) == drawn(long + " and longer")
