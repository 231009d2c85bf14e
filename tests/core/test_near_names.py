"""core/near_names.py: which known names are offered for an unknown one."""

from labelcycle.core.near_names import LOOSE, did_you_mean, near_names, question

STRATEGIES = ["margin", "random", "supclust", "typiclust"]


def test_the_nearest_name_comes_first() -> None:
    assert near_names("typyclust", STRATEGIES) == ["typiclust", "supclust"]
    assert near_names("tupclust", STRATEGIES) == ["supclust", "typiclust"]
    assert near_names("tupclust", STRATEGIES, most=1) == ["supclust"]
    assert near_names("entropy", STRATEGIES) == []


def test_names_of_many_parts_may_differ_more() -> None:
    models = ["vit_small_patch14_dinov2", "resnet18"]
    assert near_names("vit_small_dino", models) == ["vit_small_patch14_dinov2"]
    assert near_names("vit_dino", models) == []
    assert near_names("vit_dino", models, likeness=LOOSE) == ["vit_small_patch14_dinov2"]


def test_a_question_quotes_each_name() -> None:
    assert question(["cat"]) == "did you mean 'cat'?"
    assert did_you_mean("tupclust", STRATEGIES, most=3) == (
        "did you mean 'supclust' or 'typiclust'?"
    )
    assert did_you_mean("entropy", STRATEGIES) == ""
