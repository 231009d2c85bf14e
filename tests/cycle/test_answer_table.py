"""Answers in a table: what is printed, and what is taken out of one that was filled in."""

import csv
import io
from pathlib import Path

import pytest
from made_records import pushed
from watched import WatchedFiles, asking

from labelcycle import config
from labelcycle.adapters import annotation
from labelcycle.adapters.ports import Address, Prediction, TaskSpec
from labelcycle.campaign import round_states
from labelcycle.campaign.campaign_paths import Campaign
from labelcycle.campaign.records.pushed_record import PushedTask
from labelcycle.campaign.round_states import State
from labelcycle.cycle import answer_table
from labelcycle.errors import DataError, StateError
from labelcycle.rounds.snapshots import Snapshot

KEYS = ("a", "b", "c")


@pytest.fixture
def backend(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> WatchedFiles:
    made = asking(Campaign(tmp_path), KEYS)
    monkeypatch.setattr(annotation, "of", lambda campaign, name: made)
    return made


@pytest.fixture
def snapshot(tmp_path: Path, backend: WatchedFiles) -> Snapshot:
    """Round 0, open, with three tasks; no repository. Task b is for two people."""
    campaign = Campaign(tmp_path)
    tasks = [PushedTask(k, k, i, 1 + i, wanted=1 + (k == "b")) for i, k in enumerate(KEYS)]
    pushed(tasks).write(campaign.round(0) / round_states.PUSHED)
    return Snapshot(campaign, config.parse({}, parts=False), frozenset(), 0, State.OPEN)


def test_how_far_it_is(snapshot: Snapshot, backend: WatchedFiles) -> None:
    assert answer_table.progress(snapshot).summary == "0 of 3 tasks done"
    for key in KEYS:
        backend.answer(key, "dark")
    assert answer_table.progress(snapshot).summary == "2 of 3 tasks done"  # b is for two people


def table(text: str, folder: Path) -> Path:
    path = folder / "filled.csv"
    path.write_text(text)
    return path


def test_what_waits_is_listed_with_its_image_and_the_guess(
    snapshot: Snapshot, backend: WatchedFiles, tmp_path: Path
) -> None:
    image = tmp_path / "a.png"
    image.touch()
    guess = Prediction("dark", 0.9, "round-000")
    backend.push(
        7,
        [
            TaskSpec("a", "a", image, 0, 0, prediction=guess),
            TaskSpec("b", "b", Address("https://x/b.png"), 1, 0, wanted=2),
        ],
        "round-000",
    )
    backend.answer("b", "dark", annotator="ann")
    backend.answer("c", "dark", annotator="ann")
    rows = list(csv.reader(io.StringIO(answer_table.text(snapshot))))
    assert rows == [
        ["task", "sample", "image", "guess", "answer"],
        ["1", "a", str(image), "dark", ""],
        ["2", "b", "https://x/b.png", "", ""],
    ]
    backend.answer("b", "light", annotator="bob")
    backend.answer("a", "light", annotator="bob")
    assert answer_table.text(snapshot).count("\n") == 1


def test_answers_are_taken_as_one_person_s_and_changed_by_a_later_table(
    snapshot: Snapshot, backend: WatchedFiles, tmp_path: Path
) -> None:
    first = table("task,answer\n1,dark\n2,none of these\n3,\n", tmp_path)
    assert answer_table.take(snapshot, first, "ann") == {"answers": 1, "skips": 1}
    assert [(a.key, a.annotator, a.labels, a.skipped, a.reason) for a in backend.answers] == [
        ("a", "ann", ("dark",), False, ""),
        ("b", "ann", (), True, "none of these"),
    ]
    later = table("answer;task\nlight;1\nskip;3\n", tmp_path)
    assert answer_table.take(snapshot, later, "ann") == {"answers": 1, "skips": 1}
    assert answer_table.take(snapshot, later, "bob") == {"answers": 1, "skips": 1}
    said = [(a.key, a.annotator, *a.labels) for a in backend.answers]
    assert sorted(said) == [
        ("a", "ann", "light"), ("a", "bob", "light"), ("b", "ann"), ("c", "ann"), ("c", "bob"),
    ]  # fmt: skip
    assert {a.reason for a in backend.answers if a.key == "c"} == {""}


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("task,answer\n1,dark\n9,dark\n", "line 3: wanted a task of round 0, got '9'; fill in"),
        ("task,answer\n1,dark\n1,light\n", "line 3: task 1 has an answer above; leave one of"),
        ("task,answer\n1,dark\n2,grey\n", "line 3: wanted one of 'dark', 'light', 'skip', 'none"),
        ("task,answer\n1,Dark\n", "line 2: wanted one of .*, got 'Dark'; did you mean 'dark'\\?$"),
        ("task,answer\n1,owl\n", "line 2: wanted one of .*, got 'owl'$"),
        ("task,label\n1,dark\n", "answer"),
    ],
)
def test_a_table_with_a_fault_is_refused_whole(
    snapshot: Snapshot, backend: WatchedFiles, tmp_path: Path, text: str, said: str
) -> None:
    with pytest.raises(DataError, match=f"^{tmp_path / 'filled.csv'}.*{said}"):
        answer_table.take(snapshot, table(text, tmp_path), "ann")
    assert backend.answers == []


def test_a_class_that_is_called_as_a_skip_is_the_class(
    snapshot: Snapshot, backend: WatchedFiles, tmp_path: Path
) -> None:
    backend.sql("UPDATE project SET classes = ?", '["skip", "none of these"]')
    path = table("task,answer\n1,skip\n2,none of these\n3,several of these\n", tmp_path)
    assert answer_table.take(snapshot, path, "ann") == {"answers": 2, "skips": 1}


def test_without_an_open_round_or_with_a_page_there_is_no_table(
    snapshot: Snapshot, monkeypatch: pytest.MonkeyPatch
) -> None:
    due = Snapshot(snapshot.campaign, snapshot.config, snapshot.tags, 0, State.DUE)
    with pytest.raises(StateError, match=r"^round 0 is due; wanted an open round to answer"):
        answer_table.text(due)
    monkeypatch.setattr(annotation, "of", lambda campaign, name: object())
    with pytest.raises(StateError, match=r"^people answer at file:///there, not in a table"):
        answer_table.text(snapshot)
