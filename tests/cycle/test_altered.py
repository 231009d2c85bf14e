"""Tasks that show something else than was pushed: what is told, put right, and waits."""

import datetime
from dataclasses import replace
from pathlib import Path

import pytest
from made_records import answer, pushed
from watched import WatchedFiles, asking, counting

from labelcycle import config
from labelcycle.adapters.ports import GUESS
from labelcycle.campaign import round_states
from labelcycle.campaign.campaign_paths import Campaign
from labelcycle.campaign.json_files import read_json
from labelcycle.campaign.label_files import write_labels
from labelcycle.campaign.labels import read_all_labels, write_migrations
from labelcycle.campaign.records.pushed_record import PushedTask
from labelcycle.campaign.records.record_files import write_lines
from labelcycle.campaign.round_states import State
from labelcycle.cycle import campaign_status, round_closing, status_text
from labelcycle.notify import notices
from labelcycle.rounds import (
    altered_tasks,
    answer_journal,
    authors,
    changed_answers,
    corrected_labels,
    correction_decisions,
    corrections,
    snapshots,
)
from labelcycle.rounds.snapshots import Snapshot

KEYS = ("a", "b", "c")
LONG_AFTER = "2099-01-01T00:00:00Z"
OTHER = {"dark": "light", "light": "dark"}


# --- values --------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("shown", "differs"),
    [
        ({"image": "x", "place": "1"}, []),
        ({"image": "y", "place": "1"}, ["image"]),
        ({"place": "1"}, ["image"]),
        ({"image": "x", "place": "it is a cat"}, ["place"]),
        ({"image": "x", "place": "1", "hint": "cat"}, ["hint"]),
        ({"image": "x", "place": "1", GUESS: "cat"}, [GUESS]),
    ],
)
def test_what_differs(shown: dict[str, str], differs: list[str]) -> None:
    assert altered_tasks.names({"image": "x", "place": "1"}, shown) == differs


def test_a_pre_annotation_that_is_gone_misleads_nobody() -> None:
    wanted = {"image": "x", GUESS: "cat"}
    assert altered_tasks.names(wanted, {"image": "x"}) == []
    assert altered_tasks.names(wanted, {"image": "x", GUESS: "dog"}) == [GUESS]


def test_which_tasks_differ() -> None:
    """A twin counts; an empty display, and a task that was deleted, is no difference."""
    pushed = {"a": {"image": "x"}, "b": {"image": "x"}, "c": {"image": "x"}, "d": {}}
    present = {"a": [{"image": "x"}], "b": [{"image": "x"}, {"image": "y"}], "d": [{"image": "z"}]}
    assert altered_tasks.differing(pushed, present) == {"b": ["image"]}


def test_until_when_an_answer_may_be_about_something_else() -> None:
    said = answer("k", 1, "ann", "cat", updated="2026-01-01T12:00:00.5Z")
    assert not authors.misled(said, None)
    assert authors.misled(said, "2026-01-01T12:00:01+00:00")
    assert authors.misled(said, "2026-01-01T14:00:01+02:00")
    assert not authors.misled(said, "2026-01-01T12:00:00+00:00")


# --- looks ---------------------------------------------------------------------------------


@pytest.fixture
def place(tmp_path: Path) -> WatchedFiles:
    return asking(Campaign(tmp_path), KEYS)


@pytest.fixture
def at_work(tmp_path: Path, place: WatchedFiles) -> Snapshot:
    """Round 0, open, with three tasks; no repository."""
    return make(Campaign(tmp_path), 0, place)


def make(campaign: Campaign, number: int, place: WatchedFiles) -> Snapshot:
    displays = place.display(list(place.tasks.values()))
    tasks = [
        PushedTask(k, k, i, place.ids[k], display=displays[k])
        for i, k in enumerate(KEYS if number == 0 else ())
    ]
    pushed(tasks).write(campaign.round(number) / round_states.PUSHED)
    write_labels(campaign.holdout, [])
    write_migrations(campaign, ())
    made = Snapshot(campaign, config.parse({}, parts=False), frozenset(), number, State.OPEN)
    vars(made)["key"] = "k"
    return made


def compare(at_work: Snapshot, place: WatchedFiles) -> changed_answers.Compared:
    given = place.pull(7, place.ids, optional=KEYS)
    return changed_answers.compare(at_work, place, given)


def test_what_a_look_saw_before_counts_and_what_came_since_waits(at_work, place) -> None:
    place.answer("a", "dark")
    place.answer("c", "dark")
    round_closing.progress(at_work, place)
    place.altered = {"a": {"image": "other"}, "b": {"image": "other"}}
    place.answer("b", "light")
    place.edit("a", "light")
    place.edit("c", "light")
    round_closing.progress(at_work, place)
    assert place.altered == {}  # put right
    for found in (compare(at_work, place), compare(at_work, place)):
        assert counting(found) == [("a", "ann", "dark"), ("c", "ann", "light")]
        assert [(c.key, c.what, c.by, c.misled, c.state) for c in found.changes] == [
            ("a", "edited", "unknown", True, "waits"),
            ("b", "added", "unknown", True, "waits"),
        ]
    round_closing.progress(at_work, place)
    assert [(c.key, c.misled) for c in changed_answers.seen(at_work)] == [("a", True), ("b", True)]
    correction_decisions.write(at_work, compare(at_work, place).changes, "accept")
    assert counting(compare(at_work, place)) == [(key, "ann", "light") for key in KEYS]
    assert changed_answers.seen(at_work) == []


def test_a_page_that_is_still_open_misleads_for_half_an_hour(at_work, place) -> None:
    place.altered = {"a": {"image": "other"}, "b": {GUESS: "light"}}
    begun = datetime.datetime.now(datetime.UTC).replace(microsecond=0)
    round_closing.progress(at_work, place)  # before anybody answered
    untils = {line.until for line in answer_journal.read(at_work).altered.values()}
    (until,) = map(datetime.datetime.fromisoformat, untils)
    assert until.utcoffset() == datetime.timedelta(0)  # whatever zone this computer is in
    assert datetime.timedelta(0) <= until - begun - altered_tasks.OPEN_IN_A_BROWSER
    assert until - begun - altered_tasks.OPEN_IN_A_BROWSER < datetime.timedelta(minutes=5)
    place.answer("a", "dark")
    place.answer("b", "dark")
    round_closing.progress(at_work, place)
    assert counting(compare(at_work, place)) == []
    # the page was loaded anew: the author says the same, or something else
    place.sql("UPDATE answer SET updated = ?", LONG_AFTER)
    place.sql("UPDATE answer SET labels = ? WHERE id = 2", '["light"]')
    round_closing.progress(at_work, place)
    assert counting(compare(at_work, place)) == [("a", "ann", "dark"), ("b", "ann", "light")]
    assert compare(at_work, place).changes == []


def test_a_round_that_is_ended_early_looks_too(at_work, place) -> None:
    place.altered = {"a": {"image": "other"}}
    place.answer("a", "dark")
    place.answer("b", "dark")
    round_closing.end_early(at_work, "incomplete")
    place.check_schema = lambda project, schema: None
    round_closing.pull(at_work, place)
    rounds = corrections.pulled(at_work)
    ((_, left),) = corrections.corrected(rounds)
    assert left.key == "b"
    assert [(c.key, c.state) for c in corrections.waiting(rounds)] == [("a", "waits")]
    assert place.altered == {}


def test_what_waited_goes_on_waiting_in_later_rounds(at_work, place) -> None:
    """The task shows again what it should, and its author is somebody honest."""
    place.altered = {"a": {"image": "other"}}
    place.answer("a", "dark")
    round_closing.progress(at_work, place)
    made = compare(at_work, place).pending(at_work)
    write_lines(at_work.folder / round_states.CORRECTIONS, made.changes)
    write_lines(at_work.folder / round_states.ANNOTATIONS, made.answers)
    later = make(at_work.campaign, 1, place)
    found = compare(later, place)
    assert [(c.key, c.state, c.misled, c.by) for c in found.changes] == [
        ("a", "waits", True, "unknown")
    ]
    assert found.pending(later).changes == []  # it is told already
    correction_decisions.write(later, found.changes, "accept")
    assert [c.state for c in compare(later, place).changes] == ["counts"]


def test_tasks_of_closed_rounds_are_looked_at_when_answers_are_compared(at_work, place) -> None:
    place.answer("a", "dark")
    round_closing.progress(at_work, place)
    made = compare(at_work, place).pending(at_work)
    write_lines(at_work.folder / round_states.CORRECTIONS, made.changes)
    write_lines(at_work.folder / round_states.ANNOTATIONS, made.answers)
    later = make(at_work.campaign, 1, place)
    place.altered = {"a": {"image": "other"}}
    place.edit("a", "light")
    (change,) = round_closing.changes(later, place)
    assert (change.state, change.misled) == ("waits", True)
    assert place.altered == {}


def test_a_lost_project_keeps_only_what_was_surely_about_its_image(at_work, place) -> None:
    place.answer("a", "dark")
    round_closing.progress(at_work, place)
    place.altered = {"b": {"image": "other"}}
    place.answer("b", "dark")
    round_closing.progress(at_work, place)
    round_closing.end_early(at_work, "cancel", abandon=True)
    round_closing.pull(at_work, place)
    recorded = corrections.corrected(corrections.pulled(at_work))
    assert [answer.key for _, answer in recorded] == ["a"]


def test_a_task_with_an_empty_display_is_compared_with_nothing(at_work, place) -> None:
    recorded = at_work.records.pushed(0)
    tasks = tuple(replace(task, display={}) for task in recorded.tasks)
    replace(recorded, tasks=tasks).write(at_work.folder / round_states.PUSHED)
    place.altered = {"a": {"image": "other"}}
    round_closing.progress(at_work, place)
    assert answer_journal.read(at_work).altered == {}


def test_the_tasks_and_who_was_misled_are_told(at_work, place) -> None:
    assert altered_tasks.summary_line(at_work) == ""
    place.altered = {"a": {"image": "other"}, "c": {GUESS: "light", "image": "other"}}
    place.answer("a", "dark")
    round_closing.progress(at_work, place)
    told = (
        "2 tasks showed something else than was pushed, for somebody changed them,"
        " and were put right: task 1 of sample a (image), task 3 of sample c (guess, image);"
        " answers given meanwhile wait"
    )
    assert altered_tasks.summary_line(at_work) == told
    waits = (
        "1 answer waits and does not count: 1 of annotator ann, whose task may have shown something"
        " else; decide with `labelcycle corrections`"
    )
    assert (
        corrected_labels.waiting_line(corrected_labels.waiting(changed_answers.seen(at_work)))
        == waits
    )
    (notice,) = notices._altered(at_work)
    assert notice.body.splitlines()[:2] == [f"{told}.", f"{waits}."]
    assert notices._waiting(at_work) == []  # nobody is named for it
    place.altered = {"b": {"image": "other"}}
    round_closing.progress(at_work, place)
    assert notices._altered(at_work)[0].key != notice.key


def test_names_that_anybody_sends_fill_no_file_and_no_line(at_work, place) -> None:
    """A megabyte of a name, what no file can hold, and a thousand names."""
    odd = {"a" * 1_000_000: "x", "b\ud800\x1b[31m": "x" * 1_000_000}
    place.altered = {"a": odd | {f"n{number}": "" for number in range(1000)}}
    round_closing.progress(at_work, place)
    assert len(altered_tasks.summary_line(at_work)) < 500
    assert altered_tasks.summary_line(at_work).isprintable()
    assert answer_journal.path(at_work).stat().st_size < 1000
    assert "'b\\ud800\\x1b[31m', n0, n1, n10, ..." in altered_tasks.summary_line(at_work)


# --- a campaign ----------------------------------------------------------------------------


@pytest.mark.slow
def test_exchanged_images_make_no_label(opened, flows, backend, truth, capsys) -> None:
    """Two tasks show each other's image, and people say what they see."""
    root = str(opened.root)
    tasks = sorted(backend.tasks.values(), key=lambda task: task.key)
    first = next(t for t in tasks if t.kind == "selected")
    second = next(t for t in tasks if truth[t.sample] != truth[first.sample])
    swapped = {first.key: second, second.key: first}
    backend.altered = {key: {"image": str(other.image)} for key, other in swapped.items()}
    for task in tasks:
        backend.answer(task.key, truth[swapped.get(task.key, task).sample])
    assert "display" in read_json(opened.round(0) / round_states.PUSHED)["tasks"][0]
    assert flows.collect(root)
    said = capsys.readouterr().out
    assert "2 tasks showed something else than was pushed" in said
    assert "2 answers wait and do not count: 2 of annotator ann, whose task may have" in said
    snapshot = snapshots.read(opened.root)
    assert first.sample not in read_all_labels(opened)
    metrics = read_json(opened.round(0) / "metrics.json")
    assert metrics["corrections"]["waiting"] == [
        {"by": "unknown", "of": "ann", "what": "misled", "answers": 2}
    ]
    assert "2 answers wait and do not count" in status_text.as_text(
        campaign_status.status(snapshot)
    )
