"""Rows of figures as tables in Markdown: in pages of results and in an experiment's table.md."""

from typing import Any

import pytest

from labelcycle.simulate import markdown_tables
from labelcycle.simulate.markdown_tables import Figure, Shape, cell
from labelcycle.simulate.table_page import SHAPE, printed_rows

SHARE = Figure("accuracy", digits=1, times=100, best="most")
GAIN = Figure("gain", digits=1, times=100, signed=True)
BOTH = [SHARE, GAIN]


@pytest.mark.parametrize(
    ("figures", "row", "text"),
    [
        (BOTH, {"accuracy": 0.2384, "accuracy_se": 0.009}, "23.8 ± 0.9"),
        (BOTH, {"accuracy": 0.5, "accuracy_se": 0.1, "gain": -0.03}, "**50.0** -3.0"),
        (BOTH, {"gain": 0.02, "gain_low": -0.01, "gain_high": 0.05}, "+2.0 [-1.0, +5.0]"),
        (BOTH, {"gain": 0.02, "gain_low": 0.01, "gain_high": 0.03}, "**+2.0 [+1.0, +3.0]**"),
        (
            BOTH,
            {"accuracy": 0.1, "gain": -0.02, "gain_low": -0.03, "gain_high": -0.01},
            "10.0 *-2.0 [-3.0, -1.0]*",
        ),
        ([GAIN], {"gain": 0.02, "gain_se": 0.011}, "+2.0 ± 1.1"),
        ([Figure("s", digits=1, unit=" s")], {"s": 1043.21}, "1,043.2 s"),
        ([Figure("s")], {"s": 116.8}, "116.8"),
        ([Figure("n"), Figure("s")], {"n": 10_000, "s": "a|b"}, "10,000, a\\|b"),
        ([Figure("same")], {"same": True}, "yes"),
        (BOTH, {"accuracy": None}, ""),
    ],
)
def test_a_cell(figures: list[Figure], row: dict[str, Any], text: str) -> None:
    assert cell(figures, row, best="50.0") == text


def test_campaigns_have_a_line_a_strategy_and_a_column_a_budget() -> None:
    gain = {"gain": 0.1, "gain_low": 0.05, "gain_high": 0.15}
    nothing = {"gain": 0.0, "gain_low": 0.0, "gain_high": 0.0}
    rows = printed_rows(
        [
            {"strategy": "random", "budget": 10, "accuracy": 0.3, "se": 0.02} | nothing,
            {"strategy": "random", "budget": 1000, "accuracy": 0.5, "se": 0.01} | nothing,
            {"strategy": "other", "budget": 10, "accuracy": 0.4, "se": 0.01} | gain,
            {"strategy": "other", "budget": 1000, "accuracy": 0.49999, "se": None}
            | {"gain": -0.00001, "gain_low": None, "gain_high": None},
        ],
        "random",
    )
    assert markdown_tables.table(rows, SHAPE).splitlines() == [
        "| strategy | 10 | 1,000 labels |",
        "|---|---|---|",
        "| random | 30.0 ± 2.0 | **50.0** ± 1.0 |",
        "| other | **40.0** +10.0 [+5.0, +15.0] | **50.0** -0.0 |",
    ]


def test_the_best_is_bold_in_each_group_and_a_stub_is_said_once() -> None:
    shape = Shape(figures=[Figure("s", best="least")], down=["set", "way"], groups=["set"])
    rows = [
        {"set": "a", "way": "x", "s": 1},
        {"set": "a", "way": "y", "s": 2},
        {"set": "b", "way": "x", "s": 8},
        {"set": "b", "way": "y", "s": 7},
    ]
    assert markdown_tables.table(rows, shape).splitlines()[2:] == [
        "| a | x | **1** |",
        "|  | y | 2 |",
        "| b | x | 8 |",
        "|  | y | **7** |",
    ]
