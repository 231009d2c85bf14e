"""Several people: what becomes of their answers over rounds, and what is said of them."""

import json
from collections.abc import Mapping
from types import MappingProxyType
from unittest.mock import ANY

import numpy as np
import pytest
from made_records import answer, corrected, counted, labels, people_of, plan, pushed
from params import set_params
from records import at

from labelcycle import config
from labelcycle.campaign import round_states
from labelcycle.campaign.campaign_paths import Campaign
from labelcycle.campaign.json_files import read_json, write_jsonl
from labelcycle.campaign.label_files import read_labels, write_labels
from labelcycle.campaign.labels import read_all_labels, write_migrations
from labelcycle.campaign.records.correction_record import Correction
from labelcycle.campaign.records.people_record import UnknownClasses
from labelcycle.campaign.records.pushed_record import Pushed, PushedTask
from labelcycle.campaign.records.record_files import write_lines
from labelcycle.campaign.round_states import State
from labelcycle.core import consensus
from labelcycle.core.agreement import alpha
from labelcycle.core.class_migrations import Migration
from labelcycle.core.skip_reasons import Skip
from labelcycle.cycle import campaign_status, status_text
from labelcycle.people import unknown_classes
from labelcycle.rounds import answers, snapshots
from labelcycle.rounds.answers import CountedAnswer


def judged(replies: list[CountedAnswer], **options: object) -> dict[str, consensus.Verdict]:
    words = answers.last_words(replies)
    wanted = dict.fromkeys(words, 1)
    return answers.verdicts(words, wanted, words, ("cat", "dog"), consensus.Options(**options))


def test_the_adjudicators_answer_and_those_of_earlier_rounds_count_together() -> None:
    first = [counted("s", "ann", "cat", 0, 1), counted("s", "bob", "dog", 0, 2)]
    assert judged(first)["s"].adjudicate
    assert judged([*first, counted("s", "cy", "dog", 1, 3)])["s"].label == "dog"
    # whoever answered before is no second voice, however often they are asked
    same = [*first, counted("s", "ann", "cat", 1, 3), counted("s", "ann", "cat", 2, 4)]
    assert judged(same)["s"] == judged(first)["s"]
    valid = answers.valid(answers.last_words(same), ("cat", "dog"))
    assert valid.votes().tolist() == [[1, 1]]  # what agreement and reliability are made of
    # ann changes her mind in a later round: she counts once
    again = judged([*first, counted("s", "ann", "dog", 1, 3)])["s"]
    assert (again.label, again.votes) == ("dog", {"dog": 2})


def test_dawid_skene_learns_over_rounds_and_falls_back_until_it_can() -> None:
    known = [
        counted(f"s{n:03d}", who, "dog" if who == "bad" and n % 2 else "cat", at=n)
        for n in range(60)
        for who in ("ann", "bob", "cy", "bad")
    ]
    known += [counted(f"d{n:03d}", who, "dog") for n in range(30) for who in ("ann", "bob", "cy")]
    tie = [counted("x", "ann", "dog", 1), counted("x", "bad", "cat", 1)]
    assert judged([*known, *tie])["x"].adjudicate
    weighed = judged([*known, *tie], method="dawid_skene")["x"]
    assert weighed.label == "dog"
    assert 0.6 < weighed.confidence < 1
    # too little to fit: the majority decides, and says why
    assert judged(tie, method="dawid_skene")["x"].reason == "tie between cat, dog"
    words = answers.valid(answers.last_words(tie), ("cat", "dog"))
    used = answers.learned(words, consensus.Options(method="dawid_skene"))
    assert used == (None, "answers to samples with several came from 2 people, wanted 3")


def made_up(
    root,
    rounds_: list[dict[str, list[tuple[str, str | None]]]],
    kinds: Mapping[tuple[int, str], str] = MappingProxyType({}),
    wanted: int = 1,
) -> snapshots.Snapshot:
    """A campaign's files as of its last round: sample -> (annotator, class) for each round.

    kinds : of tasks (round, sample) that are not of the selection
    wanted : how many people were to answer those that are
    """
    campaign, at = Campaign(root), 0
    write_migrations(campaign, ())
    for number, asked in enumerate(rounds_):
        folder = campaign.round(number)
        tasks, records = [], []
        for sample, given in asked.items():
            kind = kinds.get((number, sample), "selected")
            several = wanted if kind == "selected" else 1
            key = f"k/{number:03d}/{sample}"
            tasks.append(PushedTask(key, sample, 0, 1, kind, several))
            for annotator, name in given:
                at += 1
                records.append(answer(key, at, annotator, name))
        pushed(tasks).write(folder / round_states.PUSHED)
        plan(round=number, strategy=f"strategy {number}").write(folder / round_states.PLAN)
        write_lines(folder / round_states.ANNOTATIONS, records)
    write_jsonl(campaign.holdout, [])
    settings = config.parse({"campaign": {"classes": ["cat", "dog"]}}, parts=False)
    return snapshots.Snapshot(campaign, settings, frozenset(), len(rounds_) - 1, State.PULLED)


def test_answers_are_read_in_the_class_names_of_now(tmp_path) -> None:
    given = {"x": [("ann", "kitten"), ("bob", "cat")], "y": [("ann", "fox"), ("bob", Skip())]}
    now = made_up(tmp_path, [given])
    renamed = Migration("rename", {"kitten": "cat"}, ("kitten",), ("cat",), 1, "")
    removed = Migration("remove", {"fox": None}, ("cat", "fox"), ("cat",), 1, "")
    write_migrations(now.campaign, (renamed, removed))
    said = [(each.sample, each.annotator, each.given) for each in answers.read(now)]
    assert said == [
        ("x", "ann", ("cat",)),
        ("x", "bob", ("cat",)),
        ("y", "ann", ("fox",)),  # which is no class any more
        ("y", "bob", Skip()),
    ]


def test_a_later_round_settles_a_tie_and_says_nothing_of_what_it_did_not_hear(tmp_path) -> None:
    tie = [("ann", "cat"), ("bob", "dog")]
    first = made_up(tmp_path, [{"x": tie, "y": tie, "z": [("ann", "cat"), ("bob", "cat")]}])
    write_labels(first.campaign.label_file(0), labels(first, {"x", "y", "z"}))
    assert answers.awaiting(read_all_labels(first.campaign).values()) == ["x", "y"]
    asked = {"x": [("cy", "dog")], "y": [], "v": [("ann", "dog"), ("cy", "cat")]}
    first_asked = {"x": tie, "y": tie, "z": [("ann", "cat"), ("bob", "cat")]}
    settles = {(1, "x"): "adjudication", (1, "y"): "adjudication"}
    later = made_up(tmp_path, [first_asked, asked], settles)
    found = labels(later, {"x", "y", "v"})
    assert [label.sample for label in found] == ["v", "x"]
    write_labels(later.campaign.label_file(1), found)
    latest = read_all_labels(later.campaign)
    assert (latest["x"].label, latest["x"].votes) == ("dog", {"cat": 1, "dog": 2})
    assert sorted(answers.awaiting(latest.values())) == ["v", "y"]
    people = people_of(later)
    # cy was asked about x because ann and bob disagreed: that says nothing of how far people agree
    assert people["alpha_round"] == alpha(np.array([[1, 1]]))  # v
    assert people["alpha"] == pytest.approx(alpha(np.array([[1, 1], [1, 1], [1, 1], [2, 0]])))
    assert people["answers"] == 3
    assert people["seconds"] == 6.0
    assert people["annotators"]["cy"] == {
        "answers": 2, "compared": 1, "agreement_with_others": {"value": 0, "low": 0, "high": ANY},
        "skill": None, "recall": None,
    }  # fmt: skip


def test_one_answer_of_two_awaits_adjudication_and_two_answers_make_a_label(tmp_path) -> None:
    first = {
        "skipped": [("ann", "cat"), ("bob", Skip())],
        "cut short": [("ann", "cat")],
        "said twice": [("ann", "cat"), ("ann", "cat")],
        "no class": [("ann", "cat"), ("bob", "Dress")],
        "agreed": [("ann", "cat"), ("bob", "cat")],
        "nothing": [("ann", Skip())],
    }
    now = made_up(tmp_path, [first], wanted=2)
    found = {each.sample: each for each in labels(now, first)}
    alone = ["cut short", "no class", "said twice", "skipped"]
    assert answers.awaiting(found.values()) == alone
    assert {found[name].reason for name in alone} == {"1 valid answer of 2 wanted"}
    assert (found["agreed"].label, found["nothing"].reason) == ("cat", "skipped")
    # adjudications ask one person each, and change nothing in what was wanted
    kinds = {(n, name): "adjudication" for n in (1, 2) for name in alone}
    second: dict = {"skipped": [("cy", "cat")], "cut short": [("cy", Skip())], "no class": []}
    third: dict = {"cut short": [("ann", "cat")]}
    later = made_up(tmp_path, [first, second], kinds, wanted=2)
    found = {each.sample: each for each in labels(later, first)}
    assert (found["skipped"].label, found["skipped"].votes) == ("cat", {"cat": 2})
    assert found["cut short"].adjudicate
    last = made_up(tmp_path, [first, second, third], kinds, wanted=2)
    (left,) = labels(last, first)
    assert (left.sample, left.reason) == ("cut short", "1 valid answer of 2 wanted")
    assert answers.to_settle([left], answers.read(last)) == []


def test_answers_that_name_no_class_are_counted_and_named() -> None:
    of = ("cat", "dog")
    fine = [counted("s", "ann", "cat"), counted("s", "bob", Skip())]
    assert unknown_classes.summary_line(unknown_classes.figures(fine, of)) == ""
    wrong = [counted("s", "cy", name) for name in ("Dress", "Bag", "Dress")]
    found = unknown_classes.figures([*fine, *wrong], of)
    assert found == UnknownClasses(answers=3, names=("Bag", "Dress"))
    assert unknown_classes.summary_line(found) == (
        "3 answers name no class of this campaign ('Bag', 'Dress') and do not count"
    )
    many = unknown_classes.figures([counted("s", "cy", f"c{n}") for n in range(9)], of)
    assert "('c0', 'c1', 'c2', 'c3', 'c4' ...)" in unknown_classes.summary_line(many)


def test_names_that_anybody_sends_fill_no_file_and_no_line() -> None:
    """A megabyte of a name, and a thousand names."""
    long = [counted("s", "cy", letter * 1_000_000) for letter in "ab"]
    found = unknown_classes.figures(
        [*long, *(counted("s", "cy", f"n{n}") for n in range(1000))], ("cat",)
    )
    assert (found.answers, len(found.names)) == (1002, unknown_classes.KEPT)
    assert found.names[:2] == ("a" * 40 + "...", "b" * 40 + "...")
    assert len(unknown_classes.summary_line(found)) < 400
    verdict = consensus.accept([("a" * 1_000_000,)], ("cat",))
    assert verdict.reason == f"unknown class {'a' * 40 + '...'!r}"


def test_a_sample_that_was_returned_wants_as_many_people_as_when_it_is_chosen_again(tmp_path):
    made_up(tmp_path, [{"x": []}], wanted=2)
    two_wanted = Pushed.read(tmp_path / "rounds/000/pushed.json")
    later = made_up(tmp_path, [{"x": []}, {"x": [("ann", "cat")]}])
    two_wanted.write(tmp_path / "rounds/000/pushed.json")
    (found,) = labels(later, {"x"})
    assert found.label == "cat"


def test_the_one_answer_that_a_correction_leaves_of_two_awaits_adjudication(tmp_path) -> None:
    first = {"x": [("ann", "cat"), ("bob", "cat")]}
    now = made_up(tmp_path, [first, {"y": []}], wanted=2)
    gone = Correction(0, "k/000/x", 2, "deleted")
    write_lines(now.folder / round_states.CORRECTIONS, [gone])
    (found,) = corrected(now)
    assert (found.label, found.reason) == (None, "1 valid answer of 2 wanted")


@pytest.mark.slow
def test_a_round_of_several_people(campaign, flows, backend, truth) -> None:
    set_params(campaign.root, push={"adjudicate": 0})
    root = str(campaign.root)
    flows.run(root)
    own = sorted(key for key, task in backend.tasks.items() if task.kind != "holdout")
    held = sorted(key for key, task in backend.tasks.items() if task.kind == "holdout")
    other = {"dark": "light", "light": "dark"}
    right = {key: truth[task.sample] for key, task in backend.tasks.items()}
    for key in own + held:
        backend.answer(key, right[key], annotator="1")
    for key in (own[0], own[1], held[0]):
        backend.answer(key, other[right[key]], annotator="2")
    backend.answer(own[1], right[own[1]], annotator="3")
    backend.answer(own[2], annotator="3", skipped=True)
    flows.run(root)
    sample = {key: backend.tasks[key].sample for key in own + held}
    found = {label.sample: label for label in read_labels(campaign.label_file(0))}
    assert answers.awaiting(found.values()) == [sample[own[0]]]
    tied, settled = (found[sample[key]] for key in own[:2])
    assert (tied.label, tied.confidence) == (None, 0.5)
    assert (settled.label, settled.confidence) == (right[own[1]], pytest.approx(2 / 3, abs=1e-6))
    people = read_json(campaign.round(0) / "metrics.json")["people"]
    expected = {
        "answers": 15,
        "skipped": 1,
        "adjudicate": 2,  # one of the hold-out
        "seconds": 15 * 1.5,
        "seconds_per_label": pytest.approx(15 * 1.5 / 8, abs=0.01),
        "method": {"used": "majority", "instead": None},
        "alpha": people["alpha_round"],
        "cost.by_strategy.holdout.answers": 7,
        "cost.by_strategy.typiclust.labels": 3,
        "cost.by_annotator.2.per_label": None,
        "cost.without_label.answers": 4,
        "annotators.2.agreement_with_others.value": 0,
        "annotators.1.agreement_with_others.value": pytest.approx(0.5 / 3),
        "annotators.1.compared": 3,
    }
    assert {path: at(people, path) for path in expected} == expected
    assert sum(group["labels"] for group in people["cost"]["by_class"].values()) == 8
    json.dumps(people, allow_nan=False)
    text = status_text.as_text(campaign_status.status(snapshots.read(campaign.root)))
    assert "s a label in the last round, 2 samples await adjudication" in text
    # a third word for the hold-out's tie comes in with the next round and settles it
    backend.answer(held[0], right[held[0]], annotator="3")
    before = campaign.label_file(0).read_bytes()
    flows.open_now(root)
    for key, task in list(backend.tasks.items()):
        if task.round == 1:
            backend.answer(key, truth[task.sample], annotator="1")
    flows.run(root)
    assert answers.awaiting(read_labels(campaign.holdout)) == []
    assert answers.awaiting(read_all_labels(campaign).values()) == [sample[own[0]]]
    assert campaign.label_file(0).read_bytes() == before
    people = read_json(campaign.round(1) / "metrics.json")["people"]
    assert (people["answers"], at(people, "cost.by_strategy.holdout.answers")) == (5, 1)


@pytest.mark.usefixtures("opened")
def test_how_answers_are_accepted_is_held_while_a_round_is_open(campaign, flows, answer_all):
    from labelcycle.errors import StateError

    root = str(campaign.root)
    set_params(campaign.root, accept={"confidence": 0.9})
    answer_all()
    with pytest.raises(StateError, match=r"accept\.confidence changed while round 0 is open"):
        flows.run(root)
