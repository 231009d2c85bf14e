"""Parts of a round as values: who changed an answer, how much may change, what is mixed in."""

from collections import Counter
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any

import made_records
import numpy as np
import pytest

from labelcycle import config
from labelcycle.adapters.ports import Prediction
from labelcycle.campaign.campaign_paths import Campaign
from labelcycle.campaign.json_files import read_json
from labelcycle.campaign.label_files import Label, write_labels
from labelcycle.campaign.labels import write_migrations
from labelcycle.campaign.numpy_files import write_array
from labelcycle.campaign.records.answer_record import Answer
from labelcycle.campaign.records.correction_record import Correction
from labelcycle.campaign.records.metrics_record import CorrectionFigures, WaitingChanges
from labelcycle.campaign.records.pushed_record import PushedTask
from labelcycle.campaign.round_states import State
from labelcycle.campaign.sample_files import Sample, write_samples
from labelcycle.cycle import change_limits, task_plan
from labelcycle.cycle.change_limits import Harm
from labelcycle.cycle.task_plan import Ask
from labelcycle.errors import SettingsError
from labelcycle.rounds import (
    authors,
    corrected_labels,
    corrections,
    pushed_tasks,
    skipped_samples,
    trusted_places,
)
from labelcycle.rounds.corrections import PulledRound

snapshot = partial(made_records.snapshot, number=2, classes=("cat", "dog"))


def answer(annotation: int = 1, who: str = "ann", **more: Any) -> Answer:
    at = {"editor": who, "updated": "2026-01-01T12:00:00+00:00"}
    return made_records.answer("k", annotation, who, "cat", **{**at, **more})


GONE = answer(who="removed/1")


# --- who wrote it ---------------------------------------------------------------------------


def test_answers_that_say_the_same() -> None:
    assert authors.same(answer(), answer(who="bob", updated="later"))
    for change in ({"labels": ("dog",)}, {"skipped": True}, {"reason": "x"}):
        assert not authors.same(answer(), answer(**change))


def test_an_account_that_was_removed() -> None:
    assert authors.removed(GONE)
    assert not authors.removed(answer())


@pytest.mark.parametrize(
    ("before", "after", "own"),
    [
        (answer(), answer(labels=("dog",)), True),
        (None, answer(), True),
        (answer(), None, False),
        (answer(), answer(editor="bob"), False),
        (answer(), answer(who="bob"), False),
        (answer(), GONE, False),
    ],
)
def test_whose_word_an_answer_is(before: Answer | None, after: Answer | None, own: bool) -> None:
    assert authors.own(before, after) == own


@pytest.mark.parametrize(
    ("before", "after", "claimed"),
    [
        (answer(), answer(who="bob"), True),
        (None, answer(), False),
        (answer(), answer(), False),
        (GONE, answer(), False),
        (answer(), GONE, False),
    ],
)
def test_an_answer_that_another_person_took(
    before: Answer | None, after: Answer, claimed: bool
) -> None:
    assert authors.claimed(before, after) == claimed


def test_an_answer_that_was_given_to_another_image() -> None:
    assert authors.misled(answer(), "2026-01-01T12:00:00+00:00")
    assert authors.misled(answer(), "2026-01-01T12:00:01")
    assert not authors.misled(answer(), "2026-01-01T11:59:59+00:00")
    assert authors.misled(answer(updated="2026-01-01T13:59:00+02:00"), "2026-01-01T12:00:00Z")
    assert not authors.misled(answer(), None)


def test_who_made_a_change() -> None:
    assert authors.by(answer(editor="bob")) == "bob"
    assert authors.by(answer(editor=None)) == "unknown"
    assert authors.by(None) == "unknown"
    assert authors.by(None, "bob") == "bob?"
    assert authors.named("unknown") == "somebody unknown"
    assert authors.named("bob") == "annotator bob"
    assert authors.named("bob?") == "probably annotator bob"


# --- corrections ----------------------------------------------------------------------------


def test_a_change_has_a_name_of_its_own() -> None:
    first = Correction(0, "k", 1, "edited", answer(), answer(labels=("dog",)), "bob")
    assert first.of == "ann"
    assert len(first.id) == 8
    same = Correction(
        1, "k", 1, "edited", None, answer(labels=("dog",), updated="x"), "cy", "waits"
    )
    assert same.id == first.id
    others = [
        Correction(0, "j", 1, "edited", answer(), answer(labels=("dog",))),
        Correction(0, "k", 2, "edited", answer(), answer(labels=("dog",))),
        Correction(0, "k", 1, "edited", answer(), answer(labels=("cat",))),
        Correction(0, "k", 1, "edited", answer(), answer(labels=("dog",), skipped=True)),
        Correction(0, "k", 1, "edited", answer(), answer(labels=("dog",), editor="bob")),
        Correction(0, "k", 1, "edited", answer(), answer(who="bob", labels=("dog",))),
        Correction(0, "k", 1, "deleted", answer(), None),
    ]
    assert len({first.id, *(each.id for each in others)}) == 8
    assert Correction(0, "k", 1, "added", None, answer(who="bob")).of == "bob"
    assert Correction(0, "k", None, "task deleted").of == "unknown"
    assert Correction(0, "k", None, "task deleted").by == "unknown"


def test_what_counts_after_one_more_round() -> None:
    changes = [
        Correction(0, "k", 1, "edited", answer(1), answer(1, who="removed/1", labels=("dog",))),
        Correction(0, "k", 2, "deleted", answer(2), None),
        Correction(0, "k", None, "task deleted"),
        Correction(0, "k", 3, "edited", answer(3), answer(3, labels=("dog",)), state="waits"),
        Correction(0, "k", 4, "deleted", answer(4), None, state="waits"),
        Correction(0, "k", 9, "added", None, answer(9)),
    ]
    rounds = [
        PulledRound(0, [answer(n) for n in (1, 2, 3, 4)], []),
        PulledRound(1, [answer(4, labels=("dog",)), answer(5)], changes),
    ]
    counting = corrections.corrected(rounds)
    assert [(each.annotation, each.annotator, each.labels, n) for n, each in counting] == [
        (1, "ann", ("dog",), 0),  # whose it is stays
        (3, "ann", ("cat",), 0),
        (4, "ann", ("cat",), 0),  # the first record counts
        (5, "ann", ("cat",), 1),
        (9, "ann", ("cat",), 1),
    ]
    assert [change.annotation for change in corrections.waiting(rounds)] == [3, 4]
    waited = [replace(change, state="counts") for change in changes if change.state == "waits"]
    settled = [*rounds, PulledRound(2, [], waited)]
    assert corrections.waiting(settled) == []


# --- how much may change --------------------------------------------------------------------


@pytest.mark.parametrize(
    ("labels", "holdout", "of", "beyond"),
    [
        (5, 0, 10, False),  # few, however large a share
        (6, 0, 10, True),
        (6, 0, 60, False),  # a small share, however many
        (7, 0, 60, True),
        (1, 2, 1000, False),
        (3, 3, 1000, True),
    ],
)
def test_more_than_may_change_without_a_word(
    labels: int, holdout: int, of: int, beyond: bool
) -> None:
    close = {"most_changed": 5, "share_changed": 0.1, "most_changed_holdout": 2}
    options = snapshot(close=close).config.close
    assert Harm(labels, holdout, of, Counter()).beyond(options) == beyond
    assert change_limits._limits(options) == (
        "at most 5 (close.most_changed) or 10% (close.share_changed), and 2 of the hold-out"
        " (close.most_changed_holdout)"
    )


def test_who_changed_how_much_is_said() -> None:
    by = Counter({"ann": 1, "bob?": 3, "unknown": 2})
    said = "probably annotator bob (3), somebody unknown (2), annotator ann (1)"
    assert change_limits.people(by) == said


# --- what is mixed in -----------------------------------------------------------------------


def test_a_share_of_names_is_kept_in_the_long_run() -> None:
    rng = np.random.default_rng(0)
    names = [str(n) for n in range(10)]
    assert task_plan.share(rng, names, 0) == set()
    assert task_plan.share(rng, names, 1) == set(names)
    assert all(len(task_plan.share(rng, names, 0.3)) == 3 for _ in range(20))
    counts = Counter(len(task_plan.share(rng, names[:1], 0.25)) for _ in range(400))
    assert set(counts) == {0, 1}
    assert 60 < counts[1] < 140
    drawn = Counter(name for _ in range(400) for name in task_plan.share(rng, names, 0.5))
    assert set(drawn) == set(names)
    assert min(drawn.values()) > 150


def test_what_is_mixed_in_stands_anywhere_and_the_order_stays() -> None:
    rng = np.random.default_rng(0)
    chosen = [Ask(str(n), "selected") for n in range(4)]
    extra = [Ask("gold", "gold"), Ask("again", "adjudication")]
    places = set()
    for _ in range(200):
        found = task_plan.mixed(rng, chosen, extra)
        assert [each for each in found if each.kind == "selected"] == chosen
        assert len(found) == 6
        places.add(tuple(sorted(found.index(each) for each in extra)))
    assert len(places) == 15  # every pair of places
    assert task_plan.mixed(rng, chosen, []) == chosen


def test_gold_tasks_need_owned_labels(tmp_path: Path) -> None:
    campaign = Campaign(tmp_path)
    campaign.labels.mkdir(parents=True)
    write_migrations(campaign, ())
    now = snapshot(tmp_path, push={"gold_share": 0.2})
    with pytest.raises(SettingsError) as told:
        task_plan.check_gold(now)
    assert str(told.value) == (
        "push.gold_share is 0.2; wanted owned labels of the pool to ask people about, got none;"
        " take some in with `labelcycle import-labels` before round 0, or set it to 0"
    )
    task_plan.check_gold(snapshot(tmp_path, push={"gold_share": 0}))
    write_labels(campaign.label_file("owned"), [Label("s", "emu", source="owned")])
    with pytest.raises(SettingsError):  # of a class that is none
        task_plan.check_gold(now)
    write_labels(campaign.label_file("owned"), [Label("s", "cat", source="owned")])
    task_plan.check_gold(now)


def test_as_many_gold_tasks_as_the_share_says_come_from_those_asked_least(tmp_path: Path) -> None:
    campaign = Campaign(tmp_path)
    write_migrations(campaign, ())
    known = [Label(f"s{n}", "cat", source="owned") for n in range(6)]
    write_labels(campaign.label_file("owned"), known)
    for number, samples in enumerate((("s0", "s1"), ("s1", "s2", "s3"))):
        tasks = [PushedTask(f"k/{number}/{s}", s, 0, 1, "gold") for s in samples]
        tasks.append(PushedTask(f"k/{number}/s4", "s4", 0, 1, "selected"))
        made_records.pushed(tasks).write(campaign.round(number) / "pushed.json")
    rng = np.random.default_rng(0)
    now = snapshot(tmp_path, push={"gold_share": 0.5})
    found = [task_plan._gold(now, 10, rng) for _ in range(20)]
    assert {frozenset(each[:2]) for each in found} == {frozenset({"s4", "s5"})}  # never yet
    assert {frozenset(each[2:]) for each in found} == {frozenset({"s0", "s2", "s3"})}
    assert len({tuple(each) for each in found}) > 5
    assert task_plan._gold(snapshot(tmp_path, push={"gold_share": 0}), 10, rng) == []


def test_what_waits_for_people_is_told_in_one_line() -> None:
    def told(**kinds: int) -> str:
        return pushed_tasks.summary_line(
            PushedTask("k", "s", 0, 1, kind)  # type: ignore[arg-type]
            for kind, count in kinds.items()
            for _ in range(count)
        )

    assert told(selected=1) == "1 sample"
    assert told(selected=4, gold=2) == "4 samples and 2 with a known class"
    everything = told(holdout=6, gold=2, selected=4, adjudication=1)
    assert everything == ("4 samples, 1 to be settled, 2 with a known class and 6 of the hold-out")


# --- skips ----------------------------------------------------------------------------------


def test_skipped_samples_are_asked_again(tmp_path: Path) -> None:
    campaign = Campaign(tmp_path)
    for path in (campaign.labels / "x", campaign.rounds / "x"):
        path.parent.mkdir(parents=True, exist_ok=True)
    write_migrations(campaign, ())
    write_labels(
        campaign.label_file(0),
        [
            Label("a", None, reason="skipped", source="round 0"),
            Label("b", None, reason="skipped: none of these", source="round 0"),
            Label("c", "cat", source="round 0"),
            Label("d", None, reason="tie between cat, dog", source="round 0"),
        ],
    )
    late = Label("e", None, reason="skipped", source="round 1, late")
    write_labels(campaign.label_file(1), [late])
    write_labels(campaign.holdout, [Label("h", None, reason="skipped", source="round 0")])
    now = snapshot(tmp_path)
    assert skipped_samples.waiting(now) == []
    assert skipped_samples.ask_again(now, ["several of these"], "t") == []
    assert not campaign.again.exists()
    assert skipped_samples.ask_again(now, [""], "t0") == ["a", "h", "e"]
    made = {"round": 2, "reasons": [""], "at": "t0"}
    assert read_json(campaign.again) == {"version": 1, "requests": [made]}
    at_work = snapshot(tmp_path, State.OPEN)
    assert skipped_samples.ask_again(at_work, ["none of these", ""], "t1") == ["a", "b", "h", "e"]
    assert skipped_samples.requests(campaign) == (
        skipped_samples.Request(2, ("",), "t0"),
        skipped_samples.Request(3, ("", "none of these"), "t1"),
    )


def test_reasons_by_their_words() -> None:
    words = ("none of these", "several of these", "cannot be judged", "")
    assert skipped_samples.reasons_of([]) == words
    assert skipped_samples.reasons_of(["no reason", "cannot be judged"]) == ("", words[2])


@pytest.mark.parametrize(
    ("none", "answers", "missing"), [(3, 10, True), (2, 4, False), (3, 30, False), (4, 30, True)]
)
def test_a_class_that_seems_to_be_missing(none: int, answers: int, missing: bool) -> None:
    skips = {"none of these": none, "no reason": 1}
    lines = skipped_samples.summary_lines(made_records.people(skips=skips, answers=answers), 0.1)
    assert lines[0] == f"Skips: {none + 1} of {answers} answers ({none} none of these, 1 no reason)"
    wanted = (
        f"{none} of {answers} answers say 'none of these': a class may be missing; look at these"
        " images (`labelcycle export - --rejected`), add it with `labelcycle schema add`, then"
        ' `labelcycle ask-again --reason "none of these"`'
    )
    assert lines[1:] == ([wanted] if missing else [])
    assert skipped_samples.summary_lines(made_records.people(skips={}, answers=3), 0.1) == []


# --- places outside -------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("text", "places"),
    [
        ("push: {images: s3, bucket: s3://b/k}", ("push.bucket = s3://b/k",)),
        ("push: {images: media, bucket: s3://b/k}", ()),
        ("push: {images: s3}", ()),
        ("pretrain: {options: {file: ../x.npy}}", ("pretrain.options.file = ../x.npy",)),
        ("pretrain: {options: {file: /x.npy}}", ("pretrain.options.file = /x.npy",)),
        ("pretrain: {options: {file: data/x.npy}}", ()),
        ("pretrain: {options: {file: 3}}", ()),
        ("pretrain: [options]", ()),
        ("push: {images: s3", ()),
        ("", ()),
    ],
)
def test_places_outside_that_settings_name(text: str, places: tuple[str, ...]) -> None:
    assert trusted_places.places(text) == places


# --- what corrections come to ---------------------------------------------------------------


def correction(number: int, what: Any, who: str, of: str, **more: Any) -> Correction:
    before = None if what == "added" else answer(number, of)
    after = None if what == "deleted" else answer(number, of, labels=("dog",))
    annotation = more.pop("annotation", number)
    return Correction(0, f"k{number}", annotation, what, before, after, who, **more)


def test_what_a_round_found_changed_is_counted() -> None:
    changes = [
        correction(1, "edited", "bob", "ann"),
        correction(2, "edited", "ann", "ann"),
        correction(3, "added", "cy", "cy"),
        correction(4, "deleted", "unknown", "ann"),
        Correction(0, "k5", None, "task deleted"),
        correction(6, "edited", "bob", "ann", state="waits"),
        correction(7, "added", "bob", "cy", state="rejected"),
    ]
    written = [
        Label("a", "cat", source="round 2, correction of round 0"),
        Label("b", "cat", source="round 2"),
        Label("c", "cat", source="round 1, correction of round 0"),
        Label("d", None, source="round 2, correction of round 1"),
    ]
    waits = [
        correction(6, "edited", "bob", "ann"),
        correction(8, "edited", "bob", "ann"),
        correction(9, "edited", "unknown", "ann", misled=True),
        correction(10, "added", "unknown", "removed/1"),
        correction(11, "added", "unknown", "removed/2"),
        correction(12, "deleted", "bob?", "cy"),
    ]
    found = corrected_labels.figures(2, changes, written, waits)
    assert found == CorrectionFigures(
        edited=2,
        added=1,
        deleted=1,
        tasks=1,
        labels=2,
        by={"ann": 1, "bob": 1, "cy": 1, "unknown": 1},
        waiting=(
            WaitingChanges("bob", "ann", "edited", 2),
            WaitingChanges("bob?", "cy", "deleted", 1),
            WaitingChanges("unknown", "ann", "misled", 1),
            WaitingChanges("unknown", "removed", "added", 2),
        ),
    )
    assert corrected_labels.summary_line(found) == (
        "corrections of closed rounds: edited 2, added 1, deleted 1, tasks deleted 1, by annotator"
        " ann (1), annotator bob (1), annotator cy (1), somebody unknown (1); labels changed 2;"
        " each stands in corrections.jsonl of the round that found it"
    )
    assert corrected_labels.waiting_line(found.waiting) == (
        "6 answers wait and do not count: annotator bob changed 2 of annotator ann, probably"
        " annotator bob deleted 1 of annotator cy, 1 of annotator ann, whose task may have shown"
        " something else, 2 of accounts that were removed, which no look had seen before; decide"
        " with `labelcycle corrections`"
    )
    assert corrected_labels.summary_line(made_records.NO_CHANGES) == ""
    assert corrected_labels.waiting_line(()) == ""
    one = WaitingChanges("bob", "removed", "edited", 1)
    assert corrected_labels.waiting_line([one]) == (
        "1 answer waits and does not count: annotator bob changed 1 of accounts that were removed;"
        " decide with `labelcycle corrections`"
    )
    gave = [WaitingChanges(str(n), "ann", "added", 1) for n in range(6)]
    assert corrected_labels.waiting_line(gave).endswith(
        ", annotator 4 gave 1 of annotator ann ...; decide with `labelcycle corrections`"
    )
    assert " ..." not in corrected_labels.waiting_line(gave[:5])


def test_corrected_answers_make_new_labels() -> None:
    def asked(sample: str, kind: Any = "selected") -> PushedTask:
        return PushedTask(f"k/0/{sample}", sample, 0, 1, kind)

    watched = {f"k/0/{s}": (n, asked(s)) for s, n in (("a", 0), ("b", 1), ("c", 0), ("d", 0))}
    watched["k/0/g"] = (0, asked("g", "gold"))
    changes = [
        *(Correction(0, f"k/0/{sample}", 1, "edited") for sample in "abcg"),
        Correction(0, "k/0/d", 1, "edited", state="waits"),
        Correction(0, "k/0/d", None, "task deleted"),
        Correction(0, "elsewhere", 1, "edited"),
    ]
    given = [
        made_records.counted("a", "ann", "dog"),
        made_records.counted("b", "ann", "cat"),
        made_records.counted("d", "ann", "dog"),
        made_records.counted("g", "ann", "dog", kind="gold"),
    ]
    present = {name: Label(name, "cat", votes={"cat": 1}, confidence=1.0) for name in "abcdg"}
    options = config.parse({}, parts=False).accept
    found = corrected_labels.labels(
        3, changes, watched, given, present, dict.fromkeys("abcd", 1), ("cat", "dog"), options, {}
    )
    assert [(x.sample, x.label, x.reason, x.source) for x in found] == [
        ("a", "dog", None, "round 3, correction of round 0"),
        ("c", None, "its answer was withdrawn", "round 3, correction of round 0"),
    ]
    assert corrected_labels.revised(3, [*found, Label("x", "cat", source="round 3")]) == found


# --- what the model guesses -----------------------------------------------------------------


def test_the_guesses_of_the_current_model(tmp_path: Path) -> None:
    campaign = Campaign(tmp_path)
    write_migrations(campaign, ())
    names = [f"{n:016x}" for n in range(3)]
    write_samples(
        campaign.samples,
        [
            Sample(name, f"{name}.png", name, "holdout" if n == 2 else "pool", 1, 1)
            for n, name in enumerate(names)
        ],
    )
    write_array(campaign.model / "probabilities.npy", np.array([[0.25, 0.75], [1, 0]], "f4"))
    write_labels(campaign.label_file(0), [Label("x", "cat"), Label("y", "dog")])
    wanted = {
        names[0]: Prediction("dog", 0.75, "round-001"),
        names[1]: Prediction("cat", 1.0, "round-001"),
    }
    assert task_plan._predictions(snapshot(tmp_path)) == wanted
    assert task_plan._predictions(snapshot(tmp_path, push={"preannotate": False})) == {}
    assert task_plan._predictions(replace(snapshot(tmp_path), number=0)) == {}
    write_labels(campaign.label_file(0), [Label("x", "cat"), Label("y", None)])
    assert task_plan._predictions(snapshot(tmp_path)) == {}  # it knows one class alone


def test_a_pool_of_another_size_than_the_models_has_no_guesses(tmp_path: Path) -> None:
    campaign = Campaign(tmp_path)
    write_migrations(campaign, ())
    name = "a" * 16
    write_samples(campaign.samples, [Sample(name, f"{name}.png", "a", "pool", 1, 1)])
    write_labels(campaign.label_file(0), [Label("x", "cat"), Label("y", "dog")])
    write_array(campaign.model / "probabilities.npy", np.array([[0.25, 0.75], [1, 0]], "f4"))
    with pytest.raises(ValueError, match=r"^zip"):  # a sample would get the guess of another
        task_plan._predictions(snapshot(tmp_path))
