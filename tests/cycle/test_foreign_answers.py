"""Answers that somebody else than their annotator wrote: what counts, what waits, who is named."""

import json
import shutil
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import click.testing
import pytest
from made_records import UNCHANGED, answer, pushed
from watched import WatchedFiles, asking, counting

from labelcycle import config
from labelcycle.campaign import round_states
from labelcycle.campaign.campaign_paths import Campaign
from labelcycle.campaign.json_files import read_json, read_jsonl
from labelcycle.campaign.label_files import write_labels
from labelcycle.campaign.labels import read_all_labels, write_migrations
from labelcycle.campaign.records.pushed_record import PushedTask
from labelcycle.campaign.round_states import State
from labelcycle.cli import correction_commands
from labelcycle.config import CloseOptions
from labelcycle.cycle import campaign_status, change_limits, round_closing, status_text
from labelcycle.cycle.change_limits import Harm
from labelcycle.errors import StateError
from labelcycle.rounds import (
    answer_journal,
    authors,
    changed_answers,
    corrected_labels,
    correction_decisions,
    snapshots,
)
from labelcycle.rounds.snapshots import Snapshot

KEYS = ("a", "b", "c")
OTHER = {"dark": "light", "light": "dark"}


@pytest.fixture
def at_work(tmp_path: Path) -> Snapshot:
    """Round 0, open, with three tasks; no repository."""
    campaign = Campaign(tmp_path)
    write_migrations(campaign, ())
    tasks = [PushedTask(k, k, i, 1 + i) for i, k in enumerate(KEYS)]
    pushed(tasks).write(campaign.round(0) / round_states.PUSHED)
    write_labels(campaign.holdout, [])
    made = Snapshot(campaign, config.parse({}, parts=False), frozenset(), 0, State.OPEN)
    vars(made)["key"] = "k"
    return made


@pytest.fixture
def place(tmp_path: Path) -> WatchedFiles:
    return asking(Campaign(tmp_path), KEYS)


def compare(at_work: Snapshot, place: WatchedFiles) -> changed_answers.Compared:
    given = place.pull(7, {key: 1 + i for i, key in enumerate(KEYS)}, optional=KEYS)
    return changed_answers.compare(at_work, place, given)


def told(found: changed_answers.Compared) -> list[tuple[str, str, str, str, str]]:
    return [(c.key, c.what, c.by, c.of, c.state) for c in found.changes]


def test_a_change_by_another_waits_and_what_a_look_saw_counts(at_work, place) -> None:
    for key in KEYS:
        place.answer(key, "dark")
    round_closing.progress(at_work, place)
    place.edit("a", "light", by="mallory")
    place.answer("b", "light", annotator="bob", by="mallory")
    place.delete_answers("c", by="mallory")
    found = compare(at_work, place)
    assert counting(found) == [(key, "ann", "dark") for key in KEYS]
    assert told(found) == [
        ("a", "edited", "mallory", "ann", "waits"),
        ("b", "added", "mallory", "bob", "waits"),
        ("c", "deleted", "mallory?", "ann", "waits"),
    ]
    correction_decisions.write(at_work, found.changes, "accept")
    found = compare(at_work, place)
    assert counting(found) == [("a", "ann", "light"), ("b", "ann", "dark"), ("b", "bob", "light")]
    assert {state for *_, state in told(found)} == {"counts"}
    place.edit("a", "dark", by="mallory")  # as it was: no change any more
    assert counting(compare(at_work, place))[0] == ("a", "ann", "dark")
    place.edit("a", "grey", by="mallory")  # a new version is asked anew
    assert told(compare(at_work, place))[0][-1] == "waits"


def test_what_no_look_saw_does_not_count_and_stops_a_round_of_many(at_work, place) -> None:
    place.answer("a", "dark", by="mallory")
    place.answer("b", "dark")
    place.edit("b", "light", by="mallory")
    place.answer("c", "dark")
    found = compare(at_work, place)
    assert counting(found) == [("c", "ann", "dark")]
    change_limits.check(at_work, found)
    strict = CloseOptions(most_changed=1)
    at_work = replace(at_work, config=at_work.config.model_copy(update={"close": strict}))
    with pytest.raises(StateError, match=r"of 2 of its 3 tasks no answer .*mallory \(2\).*reject"):
        change_limits.check(at_work, found)
    correction_decisions.write(at_work, found.changes, "reject")
    found = compare(at_work, place)
    change_limits.check(at_work, found)
    assert found.pending(at_work).changes == []


def test_an_answer_in_another_name_or_place(at_work, place) -> None:
    for key, who in zip(KEYS, ("ann", "ann", "bob"), strict=True):
        place.answer(key, "dark", annotator=who)
    round_closing.progress(at_work, place)
    place.rename("a", "mallory", "light")
    place.move("b", "c")
    found = compare(at_work, place)
    counts = zip(KEYS, ("ann", "ann", "bob"), ("dark",) * 3, strict=True)
    assert counting(found) == list(counts)
    assert told(found) == [
        ("a", "edited", "mallory", "ann", "waits"),
        ("b", "deleted", "unknown", "ann", "waits"),
        ("c", "added", "unknown", "ann", "waits"),
    ]


def test_who_wrote_it_is_not_known(at_work, place) -> None:
    """An import, and an answer whose annotator's account was removed before any look."""
    place.answer("a", "dark")
    place.answer("b", "dark")
    place.sql("UPDATE answer SET editor = NULL WHERE id = 1")
    gone(place, 2)
    found = compare(at_work, place)
    assert counting(found) == []
    assert told(found) == [
        ("a", "added", "unknown", "ann", "waits"),
        ("b", "added", "unknown", "removed/2", "waits"),
    ]
    assert authors.named("unknown") == "somebody unknown"
    assert corrected_labels.waiting_line(corrected_labels.waiting(found.changes)) == (
        "2 answers wait and do not count: somebody unknown gave 1 of annotator ann, 1 of accounts"
        " that were removed, which no look had seen before; decide with `labelcycle corrections`"
    )
    correction_decisions.write(at_work, found.changes, "accept")
    assert counting(compare(at_work, place)) == [("a", "ann", "dark"), ("b", "removed/2", "dark")]


# --- accounts that are removed ---------------------------------------------------------------


def gone(place: WatchedFiles, annotation: int, editor: str | None = None) -> None:
    """The account whose answer it is was removed; the server forgets it wherever it stands."""
    name = f"removed/{annotation}"
    place.sql("UPDATE answer SET annotator = ?, editor = ? WHERE id = ?", name, editor, annotation)


def test_an_answer_of_a_removed_account_counts_as_a_look_saw_it(at_work, place) -> None:
    """Its author left, or somebody who took it over before that: only what it says tells."""
    for key in KEYS:
        place.answer(key, "dark")
    round_closing.progress(at_work, place)
    place.edit("b", "light", by="mallory")
    place.edit("c", "light", by="mallory")
    gone(place, 1)  # the author left
    gone(place, 2)  # mallory had made it her own, and was removed
    gone(place, 3, "mallory")  # the author left, and mallory is still there
    for _ in range(2):
        found = compare(at_work, place)
        assert counting(found) == [(key, "ann", "dark") for key in KEYS]
        assert told(found) == [
            ("b", "edited", "unknown", "ann", "waits"),
            ("c", "edited", "mallory", "ann", "waits"),
        ]
        round_closing.progress(at_work, place)  # a look after it changes nothing


def test_an_editor_who_was_removed_leaves_nobodys_word(at_work, place) -> None:
    place.answer("a", "dark")
    place.answer("b", "dark")
    round_closing.progress(at_work, place)
    place.edit("a", "light", by="mallory")
    place.sql("UPDATE answer SET editor = NULL")
    found = compare(at_work, place)
    assert counting(found) == [("a", "ann", "dark"), ("b", "ann", "dark")]
    assert told(found) == [("a", "edited", "unknown", "ann", "waits")]


@pytest.mark.parametrize("editor", ["removed/1", "mallory", None])
@pytest.mark.parametrize("author", [None, "ann", "removed/1"])
def test_nothing_new_of_a_removed_account_is_its_own(author, editor) -> None:
    before = author and answer("k", 1, author, "dark")
    assert not authors.own(before, answer("k", 1, "removed/1", "dark", editor=editor))
    assert authors.own(before, answer("k", 1, "ann", "dark"))


# --- the journal ---------------------------------------------------------------------------


def lines(at_work: Snapshot) -> list[dict]:
    return [json.loads(line) for line in answer_journal.path(at_work).read_text().splitlines()]


def test_a_look_writes_what_is_new_and_loses_nothing(at_work, place, monkeypatch) -> None:
    place.answer("a", "dark")
    round_closing.progress(at_work, place)
    asked = []
    read = place.answers_to
    monkeypatch.setattr(place, "answers_to", lambda p, t: asked.append(list(t)) or read(p, t))
    round_closing.progress(at_work, place)
    place.answer("b", "light")
    place.delete_answers("a")
    round_closing.progress(at_work, place)
    round_closing.progress(at_work, place)
    assert asked == [[], [2, 1], []]
    assert [(line["key"], len(line["answers"])) for line in lines(at_work)] == [
        ("a", 1), ("a", 0), ("b", 1),
    ]  # fmt: skip
    assert sorted(answer_journal.read(at_work).known) == [("a", 1), ("b", 2)]
    assert sorted(answer_journal.read(at_work).latest) == [("b", 2)]
    assert answer_journal.path(at_work).stat().st_mode & 0o777 == 0o600
    marks = [line["mark"] for line in lines(at_work)]
    assert (bool(marks[0]), marks[1], bool(marks[2])) == (True, "", True)


def test_half_a_line_of_a_killed_look_costs_nothing(at_work, place) -> None:
    place.answer("a", "dark")
    round_closing.progress(at_work, place)
    path = answer_journal.path(at_work)
    path.write_bytes(path.read_bytes() + b'{"task": 101, "ans')
    place.answer("c", "dark")
    round_closing.progress(at_work, place)
    assert sorted(answer_journal.read(at_work).known) == [("a", 1), ("c", 2)]


def test_a_lost_project_keeps_the_answers_that_were_seen(at_work, place) -> None:
    place.answer("a", "dark")
    place.answer("b", "light", by="mallory")
    round_closing.progress(at_work, place)
    place.lose_project()
    round_closing.end_early(at_work, "cancel", abandon=True)
    round_closing.pull(at_work, place)
    records = list(read_jsonl(at_work.folder / round_states.ANNOTATIONS))
    assert [(r["key"], r["labels"], r["annotator"]) for r in records] == [("a", ["dark"], "ann")]


def test_a_deleted_task_of_the_open_round_keeps_its_answer(at_work, place) -> None:
    place.answer("a", "dark")
    round_closing.progress(at_work, place)
    place.delete_task("a")
    found = compare(at_work, place)
    assert counting(found) == [("a", "ann", "dark")]
    assert [(c.key, c.what) for c in found.changes] == [("a", "task deleted")]


# --- the brake -----------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("labels", "holdout", "of", "stops"),
    [(5, 0, 10, False), (6, 0, 10, True), (6, 0, 300, False), (7, 0, 300, True), (1, 1, 9, False),
     (2, 2, 10_000, True)],
)  # fmt: skip
def test_what_stops_a_close(labels: int, holdout: int, of: int, stops: bool) -> None:
    assert Harm(labels, holdout, of, {}).beyond(CloseOptions()) == stops


def test_a_decision_says_about_what(tmp_path: Path) -> None:
    run = click.testing.CliRunner().invoke
    vague = run(correction_commands.corrections, ["accept"], obj=tmp_path)
    assert vague.exit_code == 2
    assert "name corrections by their ids, or say --all or --by ANNOTATOR" in vague.output


Corrections = Callable[..., click.testing.Result]


@pytest.fixture
def changed(closed, flows, backend, truth, answer_all, monkeypatch) -> tuple[Corrections, str, str]:
    """The command `corrections` while round 1 waits for a decision; a sample and its true class.

    Two labels of the hold-out were changed by their own author, and the answer to the sample
    by somebody else.
    """
    sample = {key: task.sample for key, task in backend.tasks.items()}
    held = sorted(key for key, task in backend.tasks.items() if task.kind == "holdout")
    asked = min(set(sample) - set(held))
    for key in held[:2]:
        backend.edit(key, OTHER[truth[sample[key]]])
    backend.edit(asked, OTHER[truth[sample[asked]]], by="mallory")
    flows.open_now(str(closed.root))
    answer_all()
    monkeypatch.setattr(correction_commands, "campaign_in", Campaign)
    monkeypatch.setattr(WatchedFiles, "accounts", lambda _: {"ann": "ann@example.org"})
    invoke = click.testing.CliRunner().invoke

    def run(*words: str) -> click.testing.Result:
        return invoke(correction_commands.corrections, words, obj=closed.root)

    return run, sample[asked], truth[sample[asked]]


@pytest.mark.slow
def test_many_corrections_stop_the_close_until_somebody_decides(closed, flows, changed) -> None:
    run, _, _ = changed
    stopped = r"would change 2 of 10 labels, 2 of them in the hold-out, by annotator ann \(2\)"
    for _ in range(2):
        with pytest.raises(StateError, match=stopped):
            flows.collect(str(closed.root))
    assert snapshots.read(closed.root).state is State.OPEN
    listed = run().output
    rows = [line.split("  ") for line in listed.splitlines() if "edited" in line]
    assert sorted(row[-1].strip() for row in rows) == ["counts at the close"] * 2 + ["waits"]
    assert [listed.count(name) for name in ("ann (ann@example.org)", "mallory")] == [5, 1]
    done = run("accept", "--by", "ann")
    assert done.output.startswith("2 corrections accepted: they count when round 1 closes")
    assert flows.collect(str(closed.root))


@pytest.mark.slow
def test_a_change_by_another_waits_until_it_is_accepted(
    closed, flows, answer_all, changed, capsys
) -> None:
    run, sample, true_class = changed
    before = read_all_labels(closed)[sample]
    run("accept", "--by", "ann")
    flows.collect(str(closed.root))
    metrics = read_json(closed.round(1) / "metrics.json")
    assert metrics["corrections"] == UNCHANGED | {
        "edited": 2, "labels": 2, "by": {"ann": 2},
        "waiting": [{"by": "mallory", "of": "ann", "what": "edited", "answers": 1}],
    }  # fmt: skip
    waits = "1 answer waits and does not count"
    assert f"{waits}: annotator mallory changed 1 of annotator ann" in capsys.readouterr().out
    assert waits in status_text.as_text(campaign_status.status(snapshots.read(closed.root)))
    assert read_all_labels(closed)[sample] == before

    flows.open_now(str(closed.root))  # what waits is not told twice, and a decision ends it
    answer_all()
    run("accept", "--all")
    assert flows.collect(str(closed.root))
    again = read_json(closed.round(2) / "metrics.json")["corrections"]
    assert again == UNCHANGED | {"edited": 1, "labels": 1, "by": {"mallory": 1}}
    label = read_all_labels(closed)[sample]
    assert (label.label, label.source) == (OTHER[true_class], "round 2, correction of round 0")


def test_rejected_corrections_are_not_asked_again(at_work, place, tmp_path) -> None:
    place.answer("a", "dark", by="mallory")
    found = compare(at_work, place)
    assert [c.key for c in changed_answers.seen(at_work)] == []  # no look has seen it
    correction_decisions.write(at_work, found.changes, "reject")
    assert told(compare(at_work, place))[0][-1] == "rejected"
    kept = found.pending(at_work).changes
    assert kept[0].state == "waits"
    shutil.rmtree(tmp_path / "rounds" / "000")
    assert correction_decisions.read(at_work) == {found.changes[0].id: "reject"}
