"""What a served model asks for depends on what it is made of."""

from labelcycle.adapters.mlflow import _requirements


def names(*parts: str) -> set[str]:
    return {line.partition("==")[0] for line in _requirements(*parts)}


def test_only_learners_that_look_for_neighbours_need_faiss() -> None:
    plain = names("smallconv", "linear")
    assert {"torch", "scikit-learn", "scipy"} <= plain
    assert not {"faiss-cpu", "faiss-gpu", "timm"} & plain
    for learner in ("knn", "propagate"):
        more = names("smallconv", learner) - plain
        assert len(more) == 1
        assert more < {"faiss-cpu", "faiss-gpu"}
    assert names("timm_pretrained", "linear") - plain == {"timm"}
