"""Which strategy is the default, from the tables of what labels bring."""

import pytest
import results_file
from strategies_over_sets import rows_over, stored


def test_the_worst_of_a_strategy_and_its_distance_from_the_best_by_hand() -> None:
    figures = {("a", 10): (0.20, 0.30, 0.26), ("a", 20): (0.40, 0.35, 0.48)}
    cells = [
        {"data": data, "budget": budget, "strategy": name, "accuracy": value}
        | ({"gain": value - values[0]} if name != "random" else {})
        for (data, budget), values in figures.items()
        for name, value in zip(("random", "early", "late"), values, strict=True)
    ]
    found = {row.pop("strategy"): row for row in rows_over(cells)}
    assert list(found) == ["late", "early", "random"]
    assert found["late"] == pytest.approx(
        {"gain": 0.07, "worst": 0.06, "behind": 0.02, "most_behind": 0.04}
    )
    assert found["early"] == pytest.approx(
        {"gain": 0.025, "worst": -0.05, "behind": 0.065, "most_behind": 0.13}
    )
    assert found["random"]["gain"] is None
    assert found["random"]["most_behind"] == pytest.approx(0.10)


def test_the_stored_table_follows_from_those_of_what_labels_bring() -> None:
    """After a change of one of them: `python benchmarks/strategies_over_sets.py --into ...`."""
    kept = {row["strategy"]: row for row in results_file.read("strategies-over-sets").rows}
    assert set(kept) == {row["strategy"] for row in stored()}
    for row in stored():
        figures = {key: value for key, value in row.items() if isinstance(value, float)}
        assert figures == pytest.approx(
            {key: kept[row["strategy"]][key] for key in figures}, abs=1e-6
        )
