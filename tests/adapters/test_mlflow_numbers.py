"""Which figures of a round become metrics in MLflow."""

from labelcycle.adapters.mlflow import _numbers


def test_figures_of_the_people_are_metrics_with_their_own_prefix() -> None:
    people = {
        "alpha": 0.7,
        "alpha_round": None,
        "seconds_per_label": 3,
        "method": {"used": "majority"},
        "cost": {"cap": 300},
    }
    accuracy = {"value": 0.5, "low": 0.4, "high": 0.6}
    found = _numbers({"accuracy": accuracy, "labels": 4, "cancelled": False, "people": people})
    assert found == {
        "accuracy": 0.5,
        "accuracy_low": 0.4,
        "accuracy_high": 0.6,
        "labels": 4.0,
        "people_alpha": 0.7,
        "people_seconds_per_label": 3.0,
    }


def test_what_pre_annotations_do_is_a_metric_with_its_interval() -> None:
    bias = {"value": 0.1, "low": -0.1, "high": 0.3}
    found = _numbers({"preannotation": {"shown": 4, "bias": bias, "errors": {"blind": None}}})
    assert found == {
        "preannotation_shown": 4.0,
        "preannotation_bias": 0.1,
        "preannotation_bias_low": -0.1,
        "preannotation_bias_high": 0.3,
    }
