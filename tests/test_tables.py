"""Tables in CSV: what is written is read back, and no spreadsheet runs what is guarded."""

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from labelcycle.core import csv_tables

CELLS = st.text(st.characters(exclude_categories=["Cs"]), max_size=9)


@given(st.lists(st.lists(CELLS, min_size=2, max_size=2), max_size=5))
def test_what_is_written_is_read_back(
    tmp_path_factory: pytest.TempPathFactory, rows: list[list[str]]
) -> None:
    path = tmp_path_factory.getbasetemp() / "table.csv"
    path.write_bytes(csv_tables.written([["a", "b"], *rows]).encode())
    assert [list(row.cells.values()) for row in csv_tables.read(path, (("a",),))] == rows


@given(st.text("'=+-@1ax\t\r", max_size=6))
def test_a_guard_is_taken_away_again(cell: str) -> None:
    assert csv_tables.unguarded(csv_tables.guarded(cell)) == cell


def test_no_guarded_cell_is_a_formula() -> None:
    for cell in ("=1+1", "+x", "-1+cmd|' /C calc'!A0", "@SUM(A1)", "\t=1", "\r=1", "＝1", "-"):
        assert csv_tables.guarded(cell) == f"'{cell}"
    for cell in ("-1", "+1.5", "cat", "a=b", "'", ""):
        assert csv_tables.guarded(cell) == cell


def test_the_first_line_of_a_row_is_named(tmp_path: Path) -> None:
    path = tmp_path / "table.csv"
    path.write_text('file,label\n"a\nb",cat\n\nc,dog\n')
    assert [row.line for row in csv_tables.read(path, (("file",),))] == [2, 5]
