"""The settings of the core's parts: a default or a bound that changes, changes campaigns."""

import pytest

from labelcycle.core import clusterers, consensus, strategies
from labelcycle.options import Options

OPTIONS: dict[str, dict[str, tuple[object, str]]] = {
    "strategies.badge": {"cold_start": ("typiclust", ""), "normalise": (True, "")},
    "strategies.bald": {
        "cold_start": ("typiclust", ""),
        "normalise": (True, ""),
        "draws": (25, "ge 2 le 1000"),
        "dropout": (0.5, "gt 0 lt 1"),
    },
    "strategies.coreset": {"normalise": (True, "")},
    "strategies.dbal": {
        "cold_start": ("typiclust", ""),
        "normalise": (True, ""),
        "draws": (25, "ge 2 le 1000"),
        "dropout": (0.5, "gt 0 lt 1"),
    },
    "strategies.dropquery": {
        "cold_start": ("typiclust", ""),
        "normalise": (True, ""),
        "draws": (3, "ge 1 le 1000"),
        "dropout": (0.75, "gt 0 lt 1"),
        "candidates": (25, "ge 1"),
    },
    "strategies.entropy": {"cold_start": ("typiclust", ""), "normalise": (True, "")},
    "strategies.least_confidence": {"cold_start": ("typiclust", ""), "normalise": (True, "")},
    "strategies.margin": {"cold_start": ("typiclust", ""), "normalise": (True, "")},
    "strategies.maxherding": {"sigma": (1.0, "ge 0.05 le 10"), "targets": (20000, "ge 1")},
    "strategies.probcover": {
        "radius": (None, "gt 0 le 2"),
        "purity": (0.95, "gt 0 le 1"),
        "classes": (None, "ge 2"),
        "targets": (20000, "ge 2"),
    },
    "strategies.random": {},
    "strategies.supclust": {
        "neighbours": (20, "ge 1"),
        "neighbourhood": ("cluster", ""),
        "share": (0.1, "gt 0 le 1"),
        "rounding": ("up", ""),
        "temperature": (0.1, "gt 0"),
        "squared": (False, ""),
        "min_cluster_size": (5, "ge 0"),
        "few_free": ("labeled", ""),
        "without": ("nothing", ""),
        "normalise": (True, ""),
    },
    "strategies.tcm": {
        "neighbours": (20, "ge 1"),
        "min_cluster_size": (5, "ge 0"),
        "squared": (False, ""),
        "normalise": (True, ""),
        "cold_start": ("typiclust", ""),
        "labels_per_class": (3, "ge 1"),
    },
    "strategies.trustherding": {"sigma": (0.7, "ge 0.05 le 10"), "targets": (20000, "ge 1")},
    "strategies.typiclust": {
        "neighbours": (20, "ge 1"),
        "min_cluster_size": (5, "ge 0"),
        "squared": (False, ""),
        "normalise": (True, ""),
    },
    "strategies.uherding": {
        "uncertainty": ("margin", ""),
        "temperature": ("fitted", ""),
        "sigma": (None, "ge 0.05 le 10"),
        "least_sigma": (0.05, "ge 0.05 le 2"),
        "targets": (20000, "ge 1"),
    },
    "clusterers.hdbscan": {
        "min_cluster_size": (5, "ge 2"),
        "min_samples": (1, "ge 1"),
        "leaves": (True, ""),
    },
    "clusterers.kmeans": {"starts": (1, "ge 1 le 100"), "iterations": (50, "ge 1 le 10000")},
    "clusterers.minibatch": {"batch": (5000, "ge 1"), "passes": (100, "ge 1")},
    "consensus": {
        "method": ("majority", ""),
        "confidence": (0.6, "ge 0 le 1"),
        "longest": (300.0, "gt 0"),
    },
}


def described(kind: type[Options]) -> dict[str, tuple[object, str]]:
    """Default and bounds of each setting, as in `ge 1 le 100`."""
    words = ("gt", "ge", "lt", "le")
    return {
        name: (
            field.default,
            " ".join(
                f"{word} {getattr(bound, word)}"
                for bound in field.metadata
                for word in words
                if getattr(bound, word, None) is not None
            ),
        )
        for name, field in kind.model_fields.items()
    }


@pytest.mark.parametrize("name", OPTIONS)
def test_defaults_and_bounds(name: str) -> None:
    package, _, part = name.partition(".")
    module = {"strategies": strategies, "clusterers": clusterers}.get(package)
    kind = module.get(part).Options if module else consensus.Options
    assert described(kind) == OPTIONS[name]


def test_no_part_is_left_out() -> None:
    parts = [f"strategies.{name}" for name in strategies.names()]
    parts += [f"clusterers.{name}" for name in clusterers.names()]
    assert sorted(OPTIONS) == sorted([*parts, "consensus"])
