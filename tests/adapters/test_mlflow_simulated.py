"""Simulated campaigns in MLflow, in a file of its own."""

from pathlib import Path
from typing import Any

import pytest

from labelcycle.adapters.mlflow.simulated_runs import SimulatedTracker

pytestmark = pytest.mark.slow  # MLflow makes its tables: seconds


def row(strategy: str, budget: int) -> dict[str, Any]:
    parts = {"data": "npz", "learner": "linear", "clusterer": "kmeans", "strategy": strategy}
    figures = {
        "accuracy": budget / 100,
        "se": None,
        "gain": 0.0,
        "gain_low": None,
        "gain_high": None,
    }
    return {**parts, "budget": budget, "seeds": 1, **figures}


FOUND = {
    "experiment": "e",
    "rows": [row(name, n) for name in ("random", "typiclust") for n in (3, 6)],
}


@pytest.mark.filterwarnings("ignore")  # MLflow's own, of libraries it uses
def test_a_child_for_each_curve_with_labels_as_steps(tmp_path: Path) -> None:
    tracker = SimulatedTracker(f"sqlite:///{tmp_path / 'mlflow.db'}")
    address = tracker.log(FOUND)
    assert tracker.log(FOUND) == address
    client = tracker._client
    (experiment,) = [e for e in client.search_experiments() if e.name == "e"]
    runs = {run.info.run_name: run for run in client.search_runs([experiment.experiment_id])}
    assert set(runs) == {"e", "npz, linear, kmeans, random", "npz, linear, kmeans, typiclust"}
    child = runs["npz, linear, kmeans, typiclust"]
    assert child.data.params["strategy"] == "typiclust"
    assert child.data.tags["mlflow.parentRunId"] == runs["e"].info.run_id
    history = client.get_metric_history(child.info.run_id, "accuracy")
    assert [(each.step, each.value) for each in history] == [(3, 0.03), (6, 0.06)]
    assert "se" not in child.data.metrics
