"""What a round says of its people, read off a campaign's files."""

from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from made_records import answer, labels, people_of
from test_answers import made_up

from labelcycle.campaign import round_states
from labelcycle.campaign.label_files import write_labels
from labelcycle.campaign.records.answer_record import Answer
from labelcycle.campaign.records.correction_record import Correction
from labelcycle.campaign.records.record_files import read_lines, write_lines
from labelcycle.rounds import answers, corrections
from labelcycle.rounds.snapshots import Snapshot

TIE = [("ann", "cat"), ("bob", "dog")]
SAME = [("ann", "cat"), ("bob", "cat")]
SETTLED = {(1, "x"): "adjudication"}


def test_two_people_agree_as_often_as_they_say_the_same(tmp_path: Path) -> None:
    at_work = made_up(tmp_path, [{"w": SAME, "x": TIE, "y": SAME, "z": TIE}])
    write_labels(at_work.campaign.label_file(0), labels(at_work, set("wxyz")))
    people = people_of(at_work)["annotators"]
    for name in ("ann", "bob"):
        assert people[name]["compared"] == 4
        found = people[name]["agreement_with_others"]
        assert found["value"] == 0.5
        assert found["low"] < 0.2 < 0.8 < found["high"]


def test_who_settles_what_others_disagree_on_is_not_compared_with_them(tmp_path: Path) -> None:
    first = {"x": TIE, "y": SAME, "z": [("ann", "dog"), ("bob", "dog")]}
    before = people_of(made_up(tmp_path, [first]))
    after = people_of(made_up(tmp_path, [first, {"x": [("cy", "dog")]}], SETTLED))
    assert after["alpha"] == before["alpha"] == pytest.approx(1 - 5 / 9)
    assert after["alpha_round"] is None
    assert after["annotators"]["ann"] == before["annotators"]["ann"]
    cy = after["annotators"]["cy"]
    assert (cy["answers"], cy["compared"], cy["agreement_with_others"]) == (1, 0, None)


def settled(root: Path) -> tuple[dict[str, Any], Snapshot]:
    """Round 0 ends with a tie on x and a label for z, at a cost; round 1 settles x."""
    first = {"x": TIE, "z": SAME}
    zero = made_up(root, [first])
    write_labels(zero.campaign.label_file(0), labels(zero, {"x", "z"}))
    costs = people_of(zero)["cost"]
    asked = {"x": [("cy", "dog")], "v": [("ann", "dog")]}
    return costs, made_up(root, [first, asked], SETTLED)


def test_what_settling_costs_and_brings_counts_where_the_sample_came_from(tmp_path: Path) -> None:
    first, one = settled(tmp_path)
    write_labels(one.campaign.label_file(1), labels(one, {"x", "v"}))
    costs = people_of(one)["cost"]
    strategies = [first["by_strategy"]["strategy 0"], *costs["by_strategy"].values()]
    assert list(costs["by_strategy"]) == ["strategy 0", "strategy 1"]
    assert [(each["seconds"], each["labels"]) for each in strategies] == [(8, 1), (2, 1), (2, 1)]


def test_an_answer_added_to_an_old_sample_makes_no_second_label(tmp_path: Path) -> None:
    _, one = settled(tmp_path)
    late = answer("k/000/z", 99, "cy", "cat", updated="t9999")
    added = Correction(0, "k/000/z", 99, "added", None, late)
    write_lines(one.folder / round_states.CORRECTIONS, [added])
    write_labels(one.campaign.label_file(1), labels(one, {"x", "v"}))
    costs = people_of(one)["cost"]
    assert (costs["all"]["answers"], costs["all"]["labels"]) == (3, 2)
    assert (costs["by_class"]["cat"]["answers"], costs["by_class"]["cat"]["labels"]) == (1, 0)
    assert costs["by_annotator"]["cy"]["labels"] == 1
    assert sum(each["labels"] for each in costs["by_strategy"].values()) == 2


def test_a_waiting_answer_counts_once_and_stays_whose_it_was(tmp_path: Path) -> None:
    """A hold-out tie is read again at each close, and an account is removed meanwhile."""
    later = made_up(tmp_path, [{"h": TIE}, {"s": [("ann", "cat")]}], {(0, "h"): "holdout"})
    tie = read_lines(Answer, later.campaign.round(0) / round_states.ANNOTATIONS)
    again = [tie[0], replace(tie[1], annotator="removed/2")]
    path = later.folder / round_states.ANNOTATIONS
    write_lines(path, [*again, *read_lines(Answer, path)])
    recorded = corrections.corrected(corrections.pulled(later))
    assert [answer.annotator for _, answer in recorded] == ["ann", "bob", "ann"]
    replies = answers.read(later)
    assert answers.last_words(replies)["h"] == {"ann": ("cat",), "bob": ("dog",)}
    assert people_of(later)["cost"]["all"]["answers"] == 1  # it is paid for once
    # nothing was said of it in this round, so it is not judged anew
    assert [label.sample for label in labels(later, {"h", "s"})] == ["s"]
    added = replace(again[1], annotation=50, annotator="cy", updated="t9999")
    write_lines(path, [*again, added])
    (found,) = labels(later, {"h", "s"})
    assert (found.label, found.votes, found.source) == ("dog", {"cat": 1, "dog": 2}, "round 1")
