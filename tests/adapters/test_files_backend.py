"""What the backend `files` has of its own: one file that no kill and no second writer harms."""

import signal
import sqlite3
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from dataclasses import replace
from pathlib import Path

import pytest

from labelcycle.adapters.annotation import files
from labelcycle.adapters.annotation.files import FilesBackend, sqlite_file
from labelcycle.adapters.ports import Address, LabelSchema, OpenTask, Prediction, TaskSpec
from labelcycle.campaign.campaign_paths import Campaign
from labelcycle.errors import DataError, ServiceDown, ServiceRefused

SCHEMA = LabelSchema(("cat", "dog"), "Choose.")


@pytest.fixture
def backend(tmp_path: Path) -> FilesBackend:
    return FilesBackend(Campaign(tmp_path))


def specs(count: int) -> list[TaskSpec]:
    return [TaskSpec(f"k/000/{i}", f"{i}", Address("https://x/y"), i, 0) for i in range(count)]


def pushed(backend: FilesBackend, count: int = 3) -> tuple[int, dict[str, int]]:
    project = backend.open_project("k", "Test", SCHEMA)
    return project, backend.push(project, specs(count))


def test_looking_makes_no_file(backend: FilesBackend) -> None:
    backend.check()
    assert backend.pushed("k", "k/") == {}
    with pytest.raises(ServiceRefused, match="wanted project 7, got none of that number"):
        backend.answers_to(7, [1])
    assert not backend.path.exists()


def test_the_file_is_for_its_owner_alone(backend: FilesBackend) -> None:
    pushed(backend)
    assert backend.path.stat().st_mode & 0o777 == 0o600


def test_a_push_that_fails_leaves_nothing(backend: FilesBackend, tmp_path: Path) -> None:
    project = backend.open_project("k", "Test", SCHEMA)
    inside, outside = tmp_path / "a.png", tmp_path.parent / f"{tmp_path.name}.png"
    outside.touch()
    for image in (inside, outside):  # not there; not of the campaign
        tasks = [*specs(2), replace(specs(3)[2], image=image)]
        with pytest.raises(DataError, match=rf"sample 2: wanted an image file below .*{image}"):
            backend.push(project, tasks)
        assert backend.pushed("k", "") == {}
    inside.touch()
    ids = backend.push(project, [*specs(2), replace(specs(3)[2], image=inside)])
    assert [image for image, _ in backend.shown(project).values()] == [
        "https://x/y", "https://x/y", "a.png",
    ]  # fmt: skip
    assert len(ids) == 3


def test_a_guess_is_there_for_whoever_is_to_see_it(backend: FilesBackend) -> None:
    project = backend.open_project("k", "Test", SCHEMA)
    guess = Prediction("dog", 0.9, "round-000")
    first, second, third = (replace(spec, prediction=guess) for spec in specs(3))
    backend.push(project, [first, replace(second, shown=False)], "round-000")
    backend.push(project, [third])  # no model's guesses are to be seen
    assert [guess for _, guess in backend.shown(project).values()] == ["dog", None, None]


WRITE = """
import sys, time
from pathlib import Path
from labelcycle.adapters.annotation.files import FilesBackend, sqlite_file
from labelcycle.campaign.campaign_paths import Campaign
backend = FilesBackend(Campaign(Path(sys.argv[1])))
with backend._file.writing() as db:
    db.execute("UPDATE task SET sample = 'torn'")
    db.execute("PRAGMA cache_spill = 1")
    db.execute("INSERT INTO task (key) VALUES (?)", ("x" * 10_000_000,))
    print("half", flush=True)
    time.sleep(60)
"""


@pytest.mark.slow
def test_a_writer_that_is_killed_leaves_what_was_there(
    backend: FilesBackend, tmp_path: Path
) -> None:
    project, ids = pushed(backend)
    size = backend.path.stat().st_size
    with subprocess.Popen(
        [sys.executable, "-c", WRITE, str(tmp_path)], stdout=subprocess.PIPE
    ) as writer:
        assert writer.stdout is not None
        assert writer.stdout.readline() == b"half\n"
        writer.send_signal(signal.SIGKILL)
    assert backend.path.stat().st_size > size  # it had begun to write
    assert backend.pushed("k", "") == ids
    assert {task.sample for task in backend.open_tasks(project)} == {"0", "1", "2"}
    again = backend.push(project, specs(4))
    assert {key: again[key] for key in ids} == ids


def test_a_first_writer_that_is_killed_is_as_if_nobody_had_begun(backend: FilesBackend) -> None:
    backend.path.parent.mkdir()
    backend.path.touch()
    backend.check()
    assert backend.pushed("k", "") == {}
    assert len(pushed(backend)[1]) == 3


@pytest.mark.slow
def test_people_who_answer_at_the_same_time_wait_for_each_other(backend: FilesBackend) -> None:
    project, ids = pushed(backend, 20)
    tasks = backend.open_tasks(project, dict.fromkeys(ids.values(), 4))

    def work(person: str) -> None:
        own = FilesBackend(Campaign(backend.path.parents[1]))
        for task in tasks:
            own.give(task, person, ["cat"])

    with ThreadPoolExecutor(4) as pool:
        for _ in pool.map(work, ("ann", "bob", "cy", "dan")):
            pass
    wanted = dict.fromkeys(ids, 4)
    done = backend.progress(project, ids, wanted)
    assert (done.answered, done.given) == (20, 80)


def test_a_file_that_somebody_holds_is_told(
    backend: FilesBackend, monkeypatch: pytest.MonkeyPatch
) -> None:
    project, _ = pushed(backend)
    monkeypatch.setattr(sqlite_file, "PATIENCE_S", 0.05)
    with closing(sqlite3.connect(backend.path, isolation_level=None)) as other:
        other.execute("BEGIN IMMEDIATE")
        with pytest.raises(ServiceDown, match=r"annotation\.sqlite3: database is locked; free"):
            backend.push(project, specs(5))
        assert len(backend.pushed("k", "")) == 3  # who reads need not wait
    assert len(backend.push(project, specs(5))) == 5


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (b"no database" * 100, "wanted the campaign's tasks and answers, got file is not a datab"),
        (None, "wanted tables of version 1, got version 2: another labelcycle wrote it"),
    ],
)
def test_a_file_that_cannot_be_read_is_told(
    backend: FilesBackend, content: bytes | None, said: str
) -> None:
    project, _ = pushed(backend)
    if content:
        backend.path.write_bytes(content)
    else:
        with closing(sqlite3.connect(backend.path)) as db:
            db.execute("PRAGMA user_version = 2")
    for call in (backend.check, lambda: backend.push(project, specs(1))):
        with pytest.raises(ServiceRefused, match=said):
            call()
    ((_, ok, found, _),) = files.checks(Campaign(backend.path.parents[1]))
    assert (ok, said in found) == (False, True)


def test_a_folder_that_cannot_be_had_is_told(backend: FilesBackend) -> None:
    backend.path.parent.touch()
    with pytest.raises(ServiceDown, match=r"cannot use .*annotation\.sqlite3: .* exists"):
        backend.open_project("k", "Test", SCHEMA)


def test_who_writes_for_another_is_known(backend: FilesBackend) -> None:
    project, ids = pushed(backend, 1)
    (task,) = backend.open_tasks(project)
    assert backend.touched(project, ids) == {"k/000/0": None}
    backend.give(task, "ann", ["cat"])
    assert backend.touched(project, ids) == {"k/000/0": "ann"}
    backend.give(task, "ann", ["dog"], editor="mallory")
    (answer,) = backend.answers_to(project, [task.id])
    assert (answer.annotator, answer.editor, answer.labels) == ("ann", "mallory", ("dog",))
    assert backend.touched(project, ids) == {"k/000/0": "mallory"}
    backend.give(task, "ann", ["dog"])  # and she says so, too
    (again,) = backend.answers_to(project, [task.id])
    assert (again.editor, again.annotation) == ("ann", answer.annotation)


def test_no_new_task_gets_the_number_of_one_that_was_removed(backend: FilesBackend) -> None:
    project, ids = pushed(backend)
    backend.tidy(project, ids)
    assert not set(backend.push(project, specs(3)).values()) & set(ids.values())


def test_an_answer_to_a_task_that_is_gone_is_refused(backend: FilesBackend) -> None:
    project, ids = pushed(backend, 1)
    backend.tidy(project, ids)
    with pytest.raises(ServiceRefused, match="task 1 of sample 0 was deleted"):
        backend.give(OpenTask(1, "k/000/0", "0", 0), "ann", ["cat"])


def test_a_file_that_was_removed_is_another_project(backend: FilesBackend) -> None:
    """A clone, or a campaign whose folder was emptied, is not taken for the old one."""
    project, ids = pushed(backend)
    backend.path.unlink()
    with pytest.raises(ServiceRefused, match=rf"wanted project {project}, got none of that number"):
        backend.progress(project, ids)
    again, _ = pushed(backend)
    assert again != project


def test_a_withdrawn_task_is_asked_of_nobody(backend: FilesBackend) -> None:
    project, ids = pushed(backend)
    backend.withdraw(project, {"k/000/1": ids["k/000/1"], "k/000/2": 99})
    assert [task.key for task in backend.open_tasks(project)] == ["k/000/0", "k/000/2"]
    assert backend.push(project, specs(3)) == ids  # asked again
    assert [task.key for task in backend.open_tasks(project)] == list(ids)


def test_a_task_as_it_is_stored_and_shown(backend: FilesBackend) -> None:
    project = backend.open_project("k", "Test", SCHEMA)
    (task,) = specs(1)
    guess = Prediction("dog", 0.5, "m")
    for spec, model, shown in (
        (replace(task, prediction=guess), "m", {"image": "https://x/y", "guess": "dog"}),
        (replace(task, prediction=guess, shown=False), "m", {"image": "https://x/y"}),
        (replace(task, prediction=guess), "another", {"image": "https://x/y"}),
    ):
        ids = backend.push(project, [spec], model)
        assert backend.displayed(project, ids) == {task.key: [shown]}
        assert backend.shown(project) == {ids[task.key]: ("https://x/y", shown.get("guess"))}
    assert backend.display([replace(task, prediction=guess)]) == {
        task.key: {"image": "https://x/y", "guess": "dog"}
    }
    assert backend.displayed(project, {task.key: 99}) == {}
    wanted = {"image": "https://x/z", "guess": "cat"}
    backend.restore(project, ids, {task.key: wanted, "another": wanted})
    assert backend.displayed(project, ids) == {task.key: [wanted]}
    with pytest.raises(ServiceRefused) as told:
        backend.push(project, [replace(task, prediction=replace(guess, label="emu"))], "m")
    assert str(told.value) == "wanted a pre-annotation among 'cat', 'dog', got 'emu'"


def test_a_changed_question_is_told(backend: FilesBackend) -> None:
    project, _ = pushed(backend)
    backend.check_schema(project, SCHEMA)
    assert backend.classes(project) == ("cat", "dog")
    for schema, said in (
        (replace(SCHEMA, classes=("cat",)), "the classes ('cat',), got ('cat', 'dog')"),
        (replace(SCHEMA, instruction="Look."), "the instruction 'Look.', got 'Choose.'"),
    ):
        with pytest.raises(ServiceRefused) as told:
            backend.check_schema(project, schema)
        assert str(told.value) == f"{backend.path}: wanted {said}"
    assert backend.open_project("k", "Other", replace(SCHEMA, classes=("cat",))) == project
    assert backend.classes(project) == ("cat",)


def test_open_tasks_come_by_rank_with_who_was_there(backend: FilesBackend) -> None:
    project, ids = pushed(backend)
    first = backend.open_tasks(project)[0]
    assert first == OpenTask(ids["k/000/0"], "k/000/0", "0", 0, 1, frozenset())
    backend.give(first, "ann", ["cat"])
    assert [task.key for task in backend.open_tasks(project)] == ["k/000/1", "k/000/2"]
    people_wanted = {ids["k/000/0"]: 3, ids["k/000/1"]: 1}
    tasks = backend.open_tasks(project, people_wanted)
    assert [(t.key, t.lacking, t.there) for t in tasks] == [
        ("k/000/0", 2, {"ann"}),
        ("k/000/1", 1, frozenset()),
    ]


def test_two_answers_to_a_task_that_wants_two(backend: FilesBackend) -> None:
    project, ids = pushed(backend)
    task = backend.open_tasks(project)[0]
    backend.give(task, "ann", ["cat"], lead_time_s=2.0)
    done = backend.progress(project, ids, {"k/000/0": 2})
    assert (done.tasks, done.answered, done.skipped, done.partly, done.given) == (3, 0, 0, 1, 1)
    backend.give(task, "bob", [], reason="unclear")
    done = backend.progress(project, ids, {"k/000/0": 2})
    assert (done.answered, done.skipped, done.partly, done.given) == (1, 0, 0, 2)
    (one, two) = backend.pull(project, ids)
    assert (one.lead_time_s, one.labels, one.skipped, one.reason) == (2.0, ("cat",), False, "")
    assert (two.lead_time_s, two.labels, two.skipped, two.reason) == (None, (), True, "unclear")
    assert (one.created, one.raw["annotator"]) == (one.updated, "ann")
    assert done.marks == {task.id: f"{one.annotation}@{one.updated} {two.annotation}@{two.updated}"}


def test_people_of_the_file_have_no_accounts(backend: FilesBackend) -> None:
    project, _ = pushed(backend)
    assert backend.people(2) == ["simulated-1", "simulated-2"]
    assert backend.accounts() == {}
    assert backend.work_url(project) == backend.path.as_uri()


def test_the_state_of_the_file_is_told(backend: FilesBackend) -> None:
    campaign = Campaign(backend.path.parents[1])
    assert files.checks(campaign) == [
        ("tasks and answers", True, "no file yet; round 0 makes it", "")
    ]
    pushed(backend)
    assert files.checks(campaign) == [("tasks and answers", True, str(backend.path), "")]
    backend.path.write_bytes(b"no database" * 100)
    ((name, ok, _, remedy),) = files.checks(campaign)
    assert (name, ok, remedy) == ("tasks and answers", False, "mend this first")
    assert files.page_origin() is None
    assert repr(files.connect(campaign)) == "files"


def test_what_is_removed_is_not_in_the_file_any_more(backend: FilesBackend) -> None:
    project, ids = pushed(backend)
    address = "https://x/of-somebody"
    spec = TaskSpec("k/000/secret", "secret", Address(address), 9, 0)
    ids |= backend.push(project, [spec])
    assert address.encode() in backend.path.read_bytes()
    backend.remove(project, {spec.key: ids[spec.key]})
    assert address.encode() not in backend.path.read_bytes()
    assert len(backend.pushed("k", "k/")) == 3
