"""What a round says of its people, read off a campaign's files."""

from dataclasses import asdict
from pathlib import Path
from typing import Any

import pytest
from test_answers import made_up

from labelcycle.campaign import round_states
from labelcycle.campaign.store import read_jsonl, write_jsonl, write_labels
from labelcycle.people import figures
from labelcycle.rounds import answers, corrections
from labelcycle.rounds.corrections import Correction
from labelcycle.rounds.snapshots import Snapshot

TIE = [("ann", "cat"), ("bob", "dog")]
SAME = [("ann", "cat"), ("bob", "cat")]
SETTLED = {(1, "x"): "adjudication"}


def test_two_people_agree_as_often_as_they_say_the_same(tmp_path: Path) -> None:
    at_work = made_up(tmp_path, [{"w": SAME, "x": TIE, "y": SAME, "z": TIE}])
    write_labels(at_work.campaign.label_file(0), answers.labels(at_work, set("wxyz")))
    people = figures.figures(at_work)["annotators"]
    for name in ("ann", "bob"):
        assert people[name]["compared"] == 4
        found = people[name]["agreement_with_others"]
        assert found["value"] == 0.5
        assert found["low"] < 0.2 < 0.8 < found["high"]


def test_who_settles_what_others_disagree_on_is_not_compared_with_them(tmp_path: Path) -> None:
    first = {"x": TIE, "y": SAME, "z": [("ann", "dog"), ("bob", "dog")]}
    before = figures.figures(made_up(tmp_path, [first]))
    after = figures.figures(made_up(tmp_path, [first, {"x": [("cy", "dog")]}], SETTLED))
    assert after["alpha"] == before["alpha"] == pytest.approx(1 - 5 / 9)
    assert after["alpha_round"] is None
    assert after["annotators"]["ann"] == before["annotators"]["ann"]
    cy = after["annotators"]["cy"]
    assert (cy["answers"], cy["compared"], cy["agreement_with_others"]) == (1, 0, None)


def settled(root: Path) -> tuple[dict[str, Any], Snapshot]:
    """Round 0 ends with a tie on x and a label for z, at a cost; round 1 settles x."""
    first = {"x": TIE, "z": SAME}
    zero = made_up(root, [first])
    write_labels(zero.campaign.label_file(0), answers.labels(zero, {"x", "z"}))
    costs = figures.figures(zero)["cost"]
    asked = {"x": [("cy", "dog")], "v": [("ann", "dog")]}
    return costs, made_up(root, [first, asked], SETTLED)


def test_what_settling_costs_and_brings_counts_where_the_sample_came_from(tmp_path: Path) -> None:
    first, one = settled(tmp_path)
    write_labels(one.campaign.label_file(1), answers.labels(one, {"x", "v"}))
    costs = figures.figures(one)["cost"]
    strategies = [first["by_strategy"]["strategy 0"], *costs["by_strategy"].values()]
    assert list(costs["by_strategy"]) == ["strategy 0", "strategy 1"]
    assert [(each["seconds"], each["labels"]) for each in strategies] == [(8, 1), (2, 1), (2, 1)]


def test_an_answer_added_to_an_old_sample_makes_no_second_label(tmp_path: Path) -> None:
    _, one = settled(tmp_path)
    late = {
        "key": "k/000/z", "annotation": 99, "annotator": "cy", "labels": ["cat"],
        "skipped": False, "reason": "", "lead_time_s": 2.0, "updated": "t9999",
    }  # fmt: skip
    added = Correction(0, "k/000/z", 99, "added", None, late)
    write_jsonl(one.folder / round_states.CORRECTIONS, [asdict(added)])
    write_labels(one.campaign.label_file(1), answers.labels(one, {"x", "v"}))
    costs = figures.figures(one)["cost"]
    assert (costs["all"]["answers"], costs["all"]["labels"]) == (3, 2)
    assert (costs["by_class"]["cat"]["answers"], costs["by_class"]["cat"]["labels"]) == (1, 0)
    assert costs["by_annotator"]["cy"]["labels"] == 1
    assert sum(each["labels"] for each in costs["by_strategy"].values()) == 2


def test_a_waiting_answer_counts_once_and_stays_whose_it_was(tmp_path: Path) -> None:
    """A hold-out tie is read again at each close, and an account is removed meanwhile."""
    later = made_up(tmp_path, [{"h": TIE}, {"s": [("ann", "cat")]}], {(0, "h"): "holdout"})
    again = [dict(r) for r in read_jsonl(later.campaign.round(0) / round_states.ANNOTATIONS)]
    again[1]["annotator"] = "removed/2"
    path = later.folder / round_states.ANNOTATIONS
    write_jsonl(path, [*again, *read_jsonl(path)])
    assert [record["annotator"] for record in corrections.corrected(later)] == ["ann", "bob", "ann"]
    replies = answers.read(later)
    assert answers.last_words(replies)["h"] == {"ann": ("cat",), "bob": ("dog",)}
    assert figures.figures(later)["cost"]["all"]["answers"] == 1  # it is paid for once
    # nothing was said of it in this round, so it is not judged anew
    assert [label.sample for label in answers.labels(later, {"h", "s"})] == ["s"]
    added = {**again[1], "annotation": 50, "annotator": "cy", "updated": "t9999"}
    write_jsonl(path, [*again, added])
    (found,) = answers.labels(later, {"h", "s"})
    assert (found.label, found.votes, found.source) == ("dog", {"cat": 1, "dog": 2}, "round 1")
