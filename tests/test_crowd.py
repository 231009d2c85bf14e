"""benchmarks/crowd.py: its figures by hand on a few rows, and how draws are put together."""

from typing import Any

import crowd
import numpy as np
import pytest


@pytest.fixture(scope="module")
def found() -> dict[str, Any]:
    """The figures of 80 samples and three people, each of whom is wrong on ten or eleven."""
    truth = np.arange(80) % 10
    rows = {"clean_label": truth, "aggre_label": truth.copy()}
    for person, column in enumerate(crowd.COLUMNS):
        rows[column] = truth.copy()
        rows[column][person::8] += 1  # each is wrong on ten samples of their own
        rows[column] %= 10
    rows[crowd.COLUMNS[1]][0] = (truth[0] + 5) % 10  # the first sample is a tie of three
    rows["aggre_label"][:2] = 9
    return crowd.measure(rows)


def test_figures_of_made_up_people(found: dict[str, Any]) -> None:
    assert found["people"] == [10 / 80, 11 / 80, 10 / 80]
    assert found["aggre_label"] == 2 / 80
    assert found["one_coin"] == 1
    assert found["skill"][0] == pytest.approx(70 / 80, abs=0.02)


@pytest.mark.parametrize(
    ("rule", "figures"),
    [
        (
            "majority 0.6",
            {
                "back": 1 / 80,
                "wrong": 0,
                "best_person": 9 / 79,
                "aggre_label": 1 / 79,
                "like_aggre": 78 / 79,
            },
        ),
        # without unanimity: the samples on which somebody was wrong go back
        ("majority 0.7", {"back": 30 / 80}),
        ("dawid_skene 0", {"back": 0}),
    ],
)
def test_figures_of_a_rule(found: dict[str, Any], rule: str, figures: dict[str, float]) -> None:
    assert {name: found[rule][name] for name in figures} == pytest.approx(figures)


def test_draws_are_put_together_as_mean_and_range() -> None:
    found = crowd.together([{"a": 1.0, "b": [2.0]}, {"a": 3.0, "b": [4.0]}])
    assert found["a"] == {"mean": 2.0, "low": 1.0, "high": 3.0}
    assert found["b"] == [{"mean": 3.0, "low": 2.0, "high": 4.0}]
    assert crowd.mean_and_spread(found["a"]) == "200.00 (100.00 to 300.00)"


def test_without_the_data_it_says_where_it_looked(tmp_path) -> None:
    with pytest.raises(SystemExit, match=r"no cifar10n_train.npz in .*cifar10_human: wanted"):
        crowd.load(tmp_path)


def test_the_rows_of_the_table_are_the_figures(found: dict[str, Any]) -> None:
    size = {"rows": 80, "figures": crowd.together([found, found])}
    rows = {row["by"]: row for row in crowd.table_rows([size])}
    assert len(rows) == 6 + 2 + 4
    assert rows["column 2"] == {"by": "column 2", "samples": 80, "wrong": found["people"][1]}
    assert rows["majority 0.7"]["back"] == found["majority 0.7"]["back"] == 30 / 80
    assert rows["Dawid-Skene 0.9"]["wrong"] == found["dawid_skene 0.9"]["wrong"]
    assert crowd.flat("wrong", {"mean": 0.2, "low": 0.1, "high": 0.3})["wrong_high"] == 0.3
