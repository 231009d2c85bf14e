"""Answers of closed rounds that people change later: found, counted, told once; files as closed."""

import json
from dataclasses import replace

import pytest
from example_counts import tries
from hypothesis import given
from hypothesis import strategies as st
from made_records import answer, corrected, plan, pushed
from params import set_params
from squares import CLASSES
from watched import WatchedFiles, asking

from labelcycle import config
from labelcycle.campaign import round_states
from labelcycle.campaign.campaign_paths import Campaign
from labelcycle.campaign.json_files import read_json, read_jsonl
from labelcycle.campaign.label_files import Label, read_labels, write_labels
from labelcycle.campaign.labels import read_all_labels, write_migrations
from labelcycle.campaign.records.correction_record import Correction, Decision
from labelcycle.campaign.records.pushed_record import PushedTask
from labelcycle.campaign.records.record_files import write_lines
from labelcycle.campaign.round_states import State
from labelcycle.core.class_migrations import Migration
from labelcycle.cycle import campaign_status, round_closing, status_text
from labelcycle.errors import DataError, StateError
from labelcycle.rounds import (
    answers,
    changed_answers,
    corrected_labels,
    correction_decisions,
    corrections,
    snapshots,
)
from labelcycle.rounds.snapshots import Snapshot

pytestmark = pytest.mark.slow

OTHER = {"dark": "light", "light": "dark"}
NOTHING = {
    "edited": 0, "added": 0, "deleted": 0, "tasks": 0, "labels": 0, "by": {}, "waiting": [],
}  # fmt: skip


class Played:
    """A campaign whose round 0 is closed, and what happens to it next."""

    def __init__(self, campaign: Campaign, flows, backend: WatchedFiles, truth, kept) -> None:
        self.campaign, self.flows, self.backend, self.truth = campaign, flows, backend, truth
        kept.bring("played", campaign, backend, self.play)
        self.sample = {key: task.sample for key, task in backend.tasks.items()}
        self.right = {key: truth[sample] for key, sample in self.sample.items()}
        self.wrong = {key: OTHER[name] for key, name in self.right.items()}
        self.own, self.held = self.keys("selected"), self.keys("holdout")

    def keys(self, kind: str) -> list[str]:
        return sorted(key for key, task in self.backend.tasks.items() if task.kind == kind)

    def play(self) -> None:
        """A round with a tie, which nobody settles."""
        set_params(self.campaign.root, push={"adjudicate": 0})
        self.flows.run(str(self.campaign.root))
        tied = self.keys("selected")[3]
        wrong = OTHER[self.truth[self.backend.tasks[tied].sample]]
        self.backend.answer(tied, wrong, annotator="bob")
        self.close()

    def close(self) -> dict[str, int]:
        """Answer the tasks of the open round alone, and close it; what it says of corrections."""
        number = snapshots.read(self.campaign.root).number
        for key, task in sorted(self.backend.tasks.items()):
            if task.round == number:
                self.backend.answer(key, self.truth[task.sample])
        self.flows.run(str(self.campaign.root))
        return read_json(self.campaign.round(number) / "metrics.json")["corrections"]

    def open(self) -> None:
        self.flows.open_now(str(self.campaign.root))

    def decide(self, decision: Decision, *what: str) -> None:
        """As `labelcycle corrections accept --all` does, or on some kinds of change alone."""
        snapshot = snapshots.ready(self.campaign.root)
        there = [c for c in round_closing.changes(snapshot, self.backend) if c.annotation]
        correction_decisions.write(
            snapshot, [c for c in there if not what or c.what in what], decision
        )

    def found(self, number: int) -> list[tuple[str, str, object, object]]:
        """Of each correction: what, key, and the classes said before and after."""
        records = read_jsonl(self.campaign.round(number) / "corrections.jsonl")
        return [
            (
                c["what"],
                c["key"],
                *(c[side] and c[side]["labels"][0] for side in ("before", "after")),
            )
            for c in records
        ]

    def files(self, number: int) -> dict[str, bytes]:
        paths = [*self.campaign.round(number).iterdir(), self.campaign.label_file(number)]
        return {path.name: path.read_bytes() for path in paths}


@pytest.fixture
def played(campaign: Campaign, flows, backend: WatchedFiles, truth, kept) -> Played:
    return Played(campaign, flows, backend, truth, kept)


TOLD = "corrections of closed rounds: edited 2, added 2, deleted 2, tasks deleted 1"


class Corrected:
    """A campaign whose answers to round 0 people changed after its close; round 1 is closed."""

    def __init__(self, played: Played, capsys: pytest.CaptureFixture[str]) -> None:
        self.played, self.backend = played, played.backend
        right, wrong = played.right, played.wrong
        self.edited, self.deleted, self.housekept, self.tied = played.own
        self.false, self.withdrawn, self.confirmed = played.held[:3]
        self.files, self.before = played.files(0), read_all_labels(played.campaign)
        for key in (self.edited, self.false):
            self.backend.edit(key, wrong[key])
        for key in (self.deleted, self.withdrawn):
            self.backend.delete_answers(key)
        self.backend.delete_task(self.housekept)
        for key in (self.tied, self.confirmed):
            self.backend.answer(key, right[key], annotator="cy")
        played.open()
        self.while_open = read_all_labels(played.campaign)
        played.decide("accept")
        self.counts = played.close()
        self.said = capsys.readouterr().out


@pytest.fixture
def late(played: Played, capsys: pytest.CaptureFixture[str]) -> Corrected:
    return Corrected(played, capsys)


def test_changes_after_the_close_come_into_the_next_round(late: Corrected) -> None:
    its, played = late, late.played
    tie = its.before[played.sample[its.tied]]
    assert (tie.label, its.while_open) == (None, its.before)
    assert its.counts == NOTHING | {
        "edited": 2, "added": 2, "deleted": 2, "tasks": 1, "labels": 5,
        "by": {"ann": 2, "cy": 2, "unknown": 2},
    }  # fmt: skip
    people = "by annotator ann (2), annotator cy (2), somebody unknown (2)"
    where = "each stands in corrections.jsonl of the round that found it"
    assert f"{TOLD}, {people}; labels changed 5; {where}" in its.said
    right, wrong = played.right, played.wrong
    assert played.found(0) == []
    assert sorted(played.found(1)) == sorted(
        [
            *(("edited", key, right[key], wrong[key]) for key in (its.edited, its.false)),
            *(("deleted", key, right[key], None) for key in (its.deleted, its.withdrawn)),
            *(("added", key, None, right[key]) for key in (its.tied, its.confirmed)),
            ("task deleted", its.housekept, None, None),
        ]
    )
    assert played.files(0) == its.files
    status = campaign_status.status(snapshots.ready(played.campaign.root))
    assert TOLD in status_text.as_text(status)
    json.dumps(status.as_json())


def test_corrections_are_labels_of_the_round_that_found_them(late: Corrected) -> None:
    its, played, campaign = late, late.played, late.played.campaign
    sample, right, wrong = played.sample, played.right, played.wrong
    written = {x.sample: x for x in read_labels(campaign.label_file(1)) if "corr" in x.source}
    assert {name: (x.label, x.reason) for name, x in written.items()} == {
        sample[its.edited]: (wrong[its.edited], None),
        sample[its.deleted]: (None, corrected_labels.WITHDRAWN),
        sample[its.tied]: (right[its.tied], None),
    }
    assert {x.source for x in written.values()} == {"round 1, correction of round 0"}
    assert written[sample[its.tied]].votes == {"dark": 1, "light": 1} | {right[its.tied]: 2}
    holdout = {x.sample: (x.label, x.reason) for x in read_labels(campaign.holdout)}
    changed = (its.false, its.withdrawn, its.confirmed)
    assert [holdout[sample[key]] for key in changed] == [
        (wrong[its.false], None),
        (None, corrected_labels.WITHDRAWN),
        (right[its.confirmed], None),
    ]
    labels = read_all_labels(campaign)
    assert labels[sample[its.housekept]] == its.before[sample[its.housekept]]
    metrics = read_json(campaign.round(1) / "metrics.json")
    assert metrics["labels"] == sum(x.label is not None for x in labels.values()) == 7
    assert (metrics["accepted"], metrics["rejected"], metrics["returned"]) == (4, 0, 0)
    strategies = metrics["people"]["cost"]["by_strategy"]
    assert {name: cost["answers"] for name, cost in strategies.items()} == {
        "typiclust": 5, "holdout": 1,
    }  # fmt: skip


def test_a_further_round_finds_nothing_again_and_asks_nobody_anew(late: Corrected) -> None:
    its, played, campaign = late, late.played, late.played.campaign
    labels = read_all_labels(campaign)
    played.open()
    asked = {task.sample for task in its.backend.tasks.values() if task.round == 2}
    assert not asked & labels.keys()
    assert played.close() == NOTHING
    assert played.found(2) == []
    assert TOLD not in status_text.as_text(campaign_status.status(snapshots.ready(campaign.root)))
    label = read_all_labels(campaign)[played.sample[its.deleted]]
    assert "round 1, correction" in label.source


def test_a_correction_can_be_corrected_and_a_withdrawn_answer_given_anew(played) -> None:
    edited, deleted = played.own[:2]
    right, wrong = played.right, played.wrong
    played.open()
    played.backend.edit(edited, wrong[edited])
    played.backend.delete_answers(deleted)
    played.decide("accept", "deleted")
    played.close()
    played.open()
    played.backend.edit(edited, right[edited])
    played.backend.answer(deleted, wrong[deleted])  # its task was open again
    made = NOTHING | {"edited": 1, "added": 1, "labels": 2, "by": {"ann": 2}}
    assert played.close() == made
    assert sorted(played.found(2)) == sorted(
        [("edited", edited, wrong[edited], right[edited]), ("added", deleted, None, wrong[deleted])]
    )
    now = read_all_labels(played.campaign)
    assert now[played.sample[edited]].label == right[edited]
    assert now[played.sample[deleted]].label == wrong[deleted]
    replies = answers.read(snapshots.read(played.campaign.root))
    names = [reply.answer.name for reply in replies]
    assert len(names) == len(set(names)) == len(played.backend.answers)


def test_an_edit_that_changes_no_verdict_is_told_and_changes_no_label(played) -> None:
    tied = played.own[3]
    before = played.campaign.label_file(0).read_bytes()
    played.backend.answer(played.own[0], played.right[played.own[0]], annotator="cy")
    played.backend.edit(tied, played.right[tied], annotator="bob")
    played.backend.edit(tied, played.wrong[tied], annotator="ann")  # they changed places
    played.open()
    by = {"ann": 1, "bob": 1, "cy": 1}
    assert played.close() == NOTHING | {"edited": 2, "added": 1, "by": by}
    replies = answers.read(snapshots.read(played.campaign.root))
    assert {reply.annotator for reply in replies} == {"ann", "bob", "cy"}
    assert {x.source for x in read_labels(played.campaign.label_file(1))} == {"round 1"}
    assert played.campaign.label_file(0).read_bytes() == before

    gone = "UPDATE answer SET annotator = 'removed/' || id, editor = NULL WHERE annotator = 'bob'"
    played.backend.sql(gone)  # an account that is removed changes nothing
    played.open()
    assert played.close() == NOTHING
    replies = answers.read(snapshots.read(played.campaign.root))
    assert {reply.annotator for reply in replies} == {"ann", "bob", "cy"}


def test_a_pull_that_was_killed_reads_the_changes_anew(played, monkeypatch) -> None:
    write = round_closing.write_lines

    def dying(path, records) -> None:
        if path.name == "annotations.jsonl":
            raise DataError("killed")
        write(path, records)

    played.open()
    played.backend.delete_task(played.own[0])
    monkeypatch.setattr(round_closing, "write_lines", dying)
    with pytest.raises(DataError, match="killed"):
        played.close()
    monkeypatch.setattr(round_closing, "write_lines", write)
    assert [what for what, *_ in played.found(1)] == ["task deleted"]
    snapshot = snapshots.read(played.campaign.root)
    assert snapshot.state is State.OPEN
    assert len(answers.read(snapshot)) == 11  # nothing of the killed pull counts
    played.backend.edit(played.own[1], played.wrong[played.own[1]])
    played.flows.run(str(played.campaign.root))
    assert sorted(what for what, *_ in played.found(1)) == ["edited", "task deleted"]


def test_the_file_is_one_of_the_closed_rounds(played) -> None:
    path = played.campaign.round(0) / "corrections.jsonl"
    path.write_text("{}")
    with pytest.raises(StateError, match=r"rounds/000/corrections.jsonl .* was changed"):
        played.open()


def test_more_answers_of_a_removed_class_are_no_new_verdict(tmp_path) -> None:
    campaign = Campaign(tmp_path)
    at_work = made_up(campaign, 0)
    write_migrations(campaign, ())
    write_labels(campaign.holdout, [])
    write_labels(campaign.label_file(0), [Label("a", CLASSES[0], votes={CLASSES[0]: 1})])
    said = answer("a", 1, "ann", CLASSES[0])
    write_lines(at_work.folder / round_states.ANNOTATIONS, [said])
    at_work = made_up(campaign, 1)
    write_lines(at_work.folder / round_states.ANNOTATIONS, [])
    more = answer("a", 2, "bob", CLASSES[0])
    added = Correction(0, "a", 2, "added", None, more)
    write_lines(at_work.folder / round_states.CORRECTIONS, [added])
    after = (*CLASSES[1:], "odd")
    table = Migration("remove", {CLASSES[0]: None}, (*CLASSES, "odd"), after, 1, "2026-01-01")
    write_migrations(campaign, [table])
    now = replace(at_work, config=config.parse({"campaign": {"classes": after}}, parts=False))
    assert read_all_labels(campaign)["a"].reason == f"class {CLASSES[0]!r} was removed"
    assert corrected(now) == []
    # an answer of another class is one
    change = replace(added, after=answer("a", 2, "bob", CLASSES[1]))
    write_lines(at_work.folder / round_states.CORRECTIONS, [change])
    assert [(x.sample, x.label) for x in corrected(now)] == [("a", CLASSES[1])]


# --- against the state of the world, over any history --------------------------------------

KEYS = ("a", "b", "c")
CHANGES = st.lists(
    st.tuples(
        st.sampled_from(["edit", "answer", "delete", "delete task"]),
        st.sampled_from(KEYS),
        st.sampled_from(CLASSES),
        st.sampled_from([None, "mallory"]),
    ),
    max_size=8,
)


def made_up(campaign: Campaign, number: int) -> Snapshot:
    """A round of one own task, which is at work."""
    task = PushedTask(f"k/{number}", f"s{number}", 0, 100 + number)
    first = [PushedTask(k, k, 0, 1 + i) for i, k in enumerate(KEYS)]
    pushed([task] if number else first).write(campaign.round(number) / round_states.PUSHED)
    plan(round=number).write(campaign.round(number) / round_states.PLAN)
    made = Snapshot(campaign, config.parse({}, parts=False), frozenset(), number, State.OPEN)
    vars(made)["key"] = "k"
    return made


def do(backend: WatchedFiles, change: str, key: str, label: str, by: str | None) -> None:
    if key not in backend.ids:
        return
    answered = any(answer.key == key for answer in backend.answers)
    if change == "answer" or not answered:
        backend.answer(key, label, by=by)
    elif change == "edit":
        backend.edit(key, label, by=by)
    elif change == "delete":
        backend.delete_answers(key)
    else:
        backend.delete_task(key)


@tries(30)
@given(st.lists(CHANGES, min_size=2, max_size=3), st.sets(st.sampled_from(KEYS)), st.booleans())
def test_what_is_recorded_is_what_its_author_said_last(
    tmp_path_factory, history, late, accepted
) -> None:
    """Whatever others do to it; once that is accepted, it is what there is."""
    campaign = Campaign(tmp_path_factory.mktemp("history"))
    write_migrations(campaign, ())
    backend = asking(campaign, KEYS)
    said: dict[tuple[str, int], tuple[str, ...]] = {}
    for number, changes in enumerate(history):
        for change in changes:
            do(backend, *change)
        at_work = made_up(campaign, number)

        def look(at_work: Snapshot = at_work) -> changed_answers.Compared:
            given_ = backend.pull(7, {key: 1 + i for i, key in enumerate(KEYS)}, optional=KEYS)
            return changed_answers.compare(at_work, backend, given_, late)

        if accepted:
            correction_decisions.write(at_work, look().changes, "accept")
        found = look()
        assert not any(c.what == "added" and c.key in late and c.by == "ann" for c in found.changes)
        assert not accepted or all(c.state == "counts" for c in found.changes)
        made = found.pending(at_work)
        folder = campaign.round(number)
        write_lines(folder / round_states.CORRECTIONS, made.changes)
        write_lines(folder / round_states.ANNOTATIONS, made.answers)
        there = {(a.key, a.annotation): a for a in backend.answers}
        # a task that was deleted keeps what was known of it
        gone = [n for n in said if accepted and n not in there and n[0] in backend.ids]
        said = {name: labels for name, labels in said.items() if name not in gone}
        said |= {n: a.labels for n, a in there.items() if accepted or a.editor == a.annotator}
        recorded = corrections.corrected(corrections.pulled(at_work))
        known = [(answer.name, answer.labels) for _, answer in recorded]
        assert sorted(known) == sorted(said.items())  # nothing twice
        later = made_up(campaign, number + 1)
        again = look(later).pending(later)
        assert again.changes == []
