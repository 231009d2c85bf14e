"""Each promise is broken once, by code that is changed on purpose, and the check says which."""

import json
import subprocess
from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from labelcycle.adapters import git
from labelcycle.adapters.annotation.files import FilesBackend
from labelcycle.campaign import sample_files
from labelcycle.cycle import round_closing, round_opening, status_text, withdraw_samples
from labelcycle.ingest import ingest_images
from labelcycle.stages import pool_files
from soak import batches, invariants, life
from soak.life import Life

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def young(tmp_path_factory: pytest.TempPathFactory) -> Life:
    """A campaign with a closed round."""
    with pytest.MonkeyPatch.context() as patch:
        for name, value in batches.SURROUNDINGS.items():
            patch.setenv(name, value)
        return life.young(tmp_path_factory.mktemp("young"), 1)


@pytest.fixture
def lived(young: Life, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Life:
    for name, value in batches.SURROUNDINGS.items():
        monkeypatch.setenv(name, value)
    return life.copied(young, tmp_path / "life")


def before(place: Any, name: str, effect: Callable[..., Any], patch: pytest.MonkeyPatch) -> None:
    """Something else is done first, with what the function is given."""
    function = getattr(place, name)

    def changed(*given: Any, **more: Any) -> Any:
        effect(*given, **more)
        return function(*given, **more)

    patch.setattr(place, name, changed)


def broken(lived: Life) -> set[str]:
    """The names of the promises that do not hold."""
    return {each.__name__ for each in invariants.ALL if list(each(lived))}


def open_round(lived: Life) -> None:
    lived.command("open")


def close_round(lived: Life) -> None:
    lived.command("open")
    lived.answer(lived.unanswered, "ann", lived.truth)
    lived.command("close")


def grow(lived: Life) -> None:
    """Images of a group whose samples are there."""
    group = next(s for s in lived.seen.manifest if s.named_groups[0].startswith("g"))
    lived.put_images([0], int(group.named_groups[0][1:]), 0)
    lived.command("ingest", "--again")


def withdraw(lived: Life) -> None:
    name = lived.seen.manifest[0].id
    lived.withdraw([name], [name])


# --- how each is broken ----------------------------------------------------------------------


def labels_of_the_holdout_are_trained_on(patch: pytest.MonkeyPatch) -> None:
    write, known = round_closing.write_labels, []

    def written(path: Path, labels: Any) -> None:
        known.extend(labels)
        write(path, known)

    patch.setattr(round_closing, "write_labels", written)


def new_samples_are_on_the_other_side(patch: pytest.MonkeyPatch) -> None:
    def turned(folder: Path, samples: Sequence[sample_files.Sample]) -> None:
        other = {"pool": "holdout", "holdout": "pool"}
        new = [s if s.cohort == 0 else replace(s, split=other[s.split]) for s in samples]
        write(folder, new)

    write = sample_files.write_samples
    patch.setattr(ingest_images.sample_files, "write_samples", turned)


def an_answer_is_not_written(patch: pytest.MonkeyPatch) -> None:
    write = round_closing.write_lines
    patch.setattr(round_closing, "write_lines", lambda path, lines: write(path, [*lines][1:]))


def a_closed_round_is_written_again(patch: pytest.MonkeyPatch) -> None:
    def written(snapshot: Any) -> None:
        path = snapshot.campaign.round(0) / "plan.json"
        path.write_text(json.dumps(json.loads(path.read_text()) | {"budget": 9}))

    before(round_opening, "record_selection", written, patch)


def a_task_is_made_twice(patch: pytest.MonkeyPatch) -> None:
    push = FilesBackend.push

    def pushed(self: FilesBackend, project: int, tasks: Any, model: Any = None) -> dict[str, int]:
        push(self, project, [replace(tasks[0], key=f"{tasks[0].key}x")], model)
        return push(self, project, tasks, model)

    patch.setattr(FilesBackend, "push", pushed)


def nothing_is_deleted_from_the_cache(patch: pytest.MonkeyPatch) -> None:
    patch.setattr(withdraw_samples, "_delete_objects", lambda *given: None)


def a_tag_goes(patch: pytest.MonkeyPatch) -> None:
    def gone(root: Path, *given: str) -> None:
        subprocess.run(["git", "tag", "-d", "open/000"], cwd=root, check=False)

    before(git, "tag", gone, patch)


def status_says_nothing(patch: pytest.MonkeyPatch) -> None:
    patch.setattr(status_text, "as_text", lambda report: "")


def git_commits_nothing(patch: pytest.MonkeyPatch) -> None:
    patch.setattr(git, "commit", lambda root, *given: git.head(root))


def a_new_sample_is_left_out(patch: pytest.MonkeyPatch) -> None:
    write = sample_files.write_samples
    patch.setattr(
        ingest_images.sample_files,
        "write_samples",
        lambda folder, samples: write(folder, [s for s in samples if s.cohort == 0]),
    )


def labels_are_not_looked_at(patch: pytest.MonkeyPatch) -> None:
    patch.setattr(pool_files, "read_all_labels", lambda campaign: {})


BREAKS = (
    (invariants.no_sample_on_both_sides, labels_of_the_holdout_are_trained_on, close_round),
    (invariants.no_group_on_both_sides, new_samples_are_on_the_other_side, grow),
    (invariants.no_answer_is_lost, an_answer_is_not_written, close_round),
    (invariants.closed_rounds_do_not_change, a_closed_round_is_written_again, open_round),
    (invariants.one_task_a_key, a_task_is_made_twice, open_round),
    (invariants.tombstones_hold, nothing_is_deleted_from_the_cache, withdraw),
    (invariants.tags_stay, a_tag_goes, open_round),
    (invariants.status_works, status_says_nothing, open_round),
    (invariants.git_is_clean, git_commits_nothing, grow),
    (invariants.nothing_that_came_in_is_lost, a_new_sample_is_left_out, grow),
    (invariants.no_sample_is_picked_twice, labels_are_not_looked_at, open_round),
)


@pytest.mark.parametrize(
    ("promise", "change", "step"), BREAKS, ids=[each[0].__name__ for each in BREAKS]
)
def test_a_broken_promise_is_named(
    lived: Life,
    monkeypatch: pytest.MonkeyPatch,
    promise: invariants.Invariant,
    change: Callable[[pytest.MonkeyPatch], None],
    step: Callable[[Life], None],
) -> None:
    assert broken(lived) == set()
    change(monkeypatch)
    step(lived)
    assert promise.__name__ in broken(lived)


def test_each_promise_is_broken_once() -> None:
    assert {each[0] for each in BREAKS} == set(invariants.ALL)
