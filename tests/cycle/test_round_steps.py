"""The steps of a round, one after the other, on a campaign written by hand: all that they write."""

from pathlib import Path
from typing import Any

import made_records
import numpy as np
import pytest
import repositories
from handmade_campaign import HOLDOUT, PARAMS, HandmadeCampaign
from PIL import Image
from watched import WatchedFiles

from labelcycle.adapters import annotation, git
from labelcycle.adapters.dvc import commands
from labelcycle.campaign.label_files import Label, read_labels, write_labels
from labelcycle.campaign.labels import read_holdout, write_migrations
from labelcycle.campaign.records.metrics_record import Evaluation
from labelcycle.campaign.records.plan_record import Plan, PlanDigests
from labelcycle.campaign.records.pool_record import PoolRecord
from labelcycle.campaign.records.pushed_record import Pushed, PushedTask
from labelcycle.campaign.round_states import State
from labelcycle.campaign.sample_files import Sample, write_samples
from labelcycle.core.digests import file_digest
from labelcycle.core.metrics import Estimate
from labelcycle.cycle import round_closing, round_opening
from labelcycle.errors import StateError
from labelcycle.rounds import answer_journal, snapshots
from labelcycle.rounds.snapshots import Snapshot

NEW = ("1" * 16, "2" * 16, "3" * 16)
"""They came in since: two for the pool and one for the hold-out."""
SHARE = Estimate(0.5, 0.25, 0.75)
INSTRUCTION = "  instruction: look\n  seed: 9\n"


class Steps:
    """Round 2 of the campaign; `dvc` : what DVC is asked to do, which is not done."""

    def __init__(self, made: HandmadeCampaign, monkeypatch: pytest.MonkeyPatch) -> None:
        self.made, self.campaign, self.dvc = made, made.campaign, list[Any]()
        for name in ("add", "push"):
            noted = lambda *given, name=name: self.dvc.append((name, *given))  # noqa: E731
            monkeypatch.setattr(commands, name, noted)
        self.backend = WatchedFiles(self.campaign)
        backends = {"files": self.backend}
        monkeypatch.setattr(
            annotation, "of", lambda campaign, name: campaign.root.is_dir() and backends[name]
        )
        for module in (round_opening, round_closing):
            monkeypatch.setattr(module, "present_time", lambda: made_records.AT)
        text = PARAMS.format(budget=2, learner="knn").replace(
            "pretrain:", f"{INSTRUCTION}pretrain:"
        )
        self.campaign.params.write_text(text)
        write_labels(self.campaign.label_file("owned"), [])
        self._images()

    def _images(self) -> None:
        samples = []
        for number, name in enumerate(NEW):
            path = self.campaign.images / "001" / f"{name}.png"
            path.parent.mkdir(parents=True, exist_ok=True)
            Image.fromarray(np.full((8, 8, 3), 40 * number, "u1")).save(path)
            split = "holdout" if number == 2 else "pool"
            samples.append(Sample(name, f"001/{name}.png", f"x/{number}.png", split, 8, 8))  # type: ignore[arg-type]
        write_samples(self.campaign.samples, samples)

    @property
    def now(self) -> Snapshot:
        return snapshots.read(self.made.root)

    def selected(self) -> None:
        round_opening.plan(self.now)
        made_records.selection(NEW[:2]).write(self.campaign.selection)
        round_opening.record_selection(self.now)

    def opened(self) -> None:
        self.selected()
        round_opening.push(self.now, self.backend, print)
        round_opening.mark_open(self.now)

    def pulled(self) -> None:
        """One of the pool is skipped."""
        self.opened()
        self.answer(NEW[0], "light")
        self.answer(NEW[1], "", skipped=True)
        self.answer(NEW[2], "dark")
        round_closing.pull(self.now, self.backend)

    def measured(self) -> None:
        self.pulled()
        round_closing.accept(self.now)
        round_closing.version_labels(self.now)
        Evaluation(labels=99, accuracy=SHARE, holdout=3).write(self.campaign.metrics)
        round_closing.measure(self.now)

    def answer(self, name: str, label: str, **more: Any) -> None:
        self.backend.answer(f"{self.now.key}/002/{name}", label, **more)


@pytest.fixture
def steps(handmade: HandmadeCampaign, monkeypatch: pytest.MonkeyPatch) -> Steps:
    return Steps(handmade, monkeypatch)


def test_what_a_round_is_planned_with(steps: Steps) -> None:
    campaign = steps.campaign
    first = PoolRecord.read(campaign.pool).cohorts["000"]
    lines = round_opening.plan(steps.now)
    assert lines == ["cohort 1 counts from now on: 2 samples in the pool, 1 in the hold-out"]
    now = steps.now
    assert now.state is State.PLANNED
    cohorts = {"000": first, "001": file_digest(campaign.samples / "001.jsonl")}
    assert now.records.plan(2) == Plan(
        round=2,
        campaign=now.key,
        strategy=now.config.query.strategy,
        budget=2,
        seed=9,
        labels=4,
        classes=("dark", "light"),
        planned=made_records.AT,
        digests=PlanDigests(
            file_digest(campaign.label_file("owned")),
            snapshots.pool_digest(cohorts),
            now.config.digest,
            round_opening.schema_digest(now),
        ),
        files={},
        cohorts=2,
        pool=6,
        holdout=3,
        encoder=1,
    )
    assert steps.dvc == [("add", steps.made.root, ["data/samples", "data/images/001"])]
    round_opening.drop(now)
    assert steps.now.state is State.DUE
    (steps.made.root / "data" / "labels.dvc").unlink()
    round_opening.plan(steps.now)
    assert steps.dvc[1:] == [("add", steps.made.root, ["data/labels"])]


def test_the_selection_is_kept_as_it_was_made(steps: Steps) -> None:
    campaign = steps.campaign
    steps.selected()
    assert steps.now.state is State.SELECTED
    assert (campaign.round(2) / "selection.json").read_bytes() == campaign.selection.read_bytes()


def test_what_a_round_asks(steps: Steps) -> None:
    steps.selected()
    round_opening.push(steps.now, steps.backend, print)
    round_opening.push(steps.now, steps.backend, print)  # done twice, it is done once
    now = steps.now
    assert now.state is State.PUSHED
    pushed = now.records.pushed(2)
    assert pushed == Pushed(
        backend="files",
        project=pushed.project,
        url=steps.backend.work_url(pushed.project),
        model=None,
        pushed=made_records.AT,
        schema=round_opening.schema(now),
        tasks=pushed.tasks,
    )
    assert pushed.schema.instruction == "look"
    asked = [(task.key, task.sample, task.rank, task.kind, task.wanted) for task in pushed.tasks]
    assert asked == [
        (f"{now.key}/002/{name}", name, rank, kind, 1)
        for rank, (name, kind) in enumerate(
            zip(NEW, ("selected", "selected", "holdout"), strict=True)
        )
    ]
    assert {task.key: task.task for task in pushed.tasks} == steps.backend.ids


def test_an_open_round_is_committed_tagged_and_pushed(steps: Steps) -> None:
    made = steps.made
    steps.selected()
    round_opening.push(steps.now, steps.backend, print)
    steps.dvc.clear()
    round_opening.mark_open(steps.now)
    assert steps.now.state is State.OPEN
    message = repositories.said(made.root, "log", "-1", "--format=%B")
    assert message == f"Open round 2: {steps.now.config.query.strategy}"
    assert repositories.said(made.root, "tag", "-l", "open/002", "--format=%(contents)") == message
    assert git.head(made.root, "open/002") == git.head(made.root)
    assert git.committed(made.root, "params.yaml") == steps.campaign.params.read_bytes()
    assert git.dirty(made.root, []) == []
    assert steps.dvc == [("push", made.root)]


def test_a_round_is_pulled_when_each_task_is_answered_or_skipped(steps: Steps) -> None:
    steps.opened()
    steps.answer(NEW[0], "light")
    with pytest.raises(StateError) as told:
        round_closing.pull(steps.now, steps.backend)
    assert str(told.value) == (
        "round 2 is not complete: wanted an answer or a skip for each of 3 tasks, got 1; wait, or"
        " run `labelcycle close --incomplete`"
    )
    steps.answer(NEW[1], "", skipped=True)
    steps.answer(NEW[2], "dark")
    progress = round_closing.progress(steps.now, steps.backend)
    assert (progress.tasks, progress.done_tasks, progress.done) == (3, 3, True)
    round_closing.pull(steps.now, steps.backend)
    assert steps.now.state is State.PULLED
    given = steps.now.records.answers(2)
    assert [(each.key.rpartition("/")[2], each.labels) for each in given] == [
        (NEW[0], ("light",)),
        (NEW[1], ("",)),
        (NEW[2], ("dark",)),
    ]
    assert steps.now.records.corrections(2) == []


def test_accepted_answers_are_labels_of_the_pool_and_the_holdout(steps: Steps) -> None:
    campaign = steps.campaign
    steps.pulled()
    round_closing.accept(steps.now)
    assert steps.now.state is State.LABELED
    labels = {
        label.sample: (label.label, label.source) for label in read_labels(campaign.label_file(2))
    }
    assert labels[NEW[0]] == ("light", "round 2")
    assert labels[NEW[1]][0] is None
    assert labels.keys() == {NEW[0], NEW[1]}
    held = {label.sample: label.label for label in read_holdout(campaign)}
    assert held == {HOLDOUT[0]: "dark", HOLDOUT[1]: "dark", NEW[2]: "dark"}
    steps.dvc.clear()
    round_closing.version_labels(steps.now)
    assert steps.dvc == [("add", steps.made.root, ["data/labels", "data/holdout.jsonl"])]


def test_the_figures_of_a_round_that_is_answered(steps: Steps) -> None:
    steps.measured()
    assert steps.now.state is State.MEASURED
    metrics = steps.now.records.metrics(2)
    assert (metrics.round, metrics.budget, metrics.labels) == (2, 2, 5)
    assert (metrics.accepted, metrics.rejected, metrics.returned) == (1, 1, 0)
    assert (metrics.tasks, metrics.undone, metrics.bought) == (3, 0, 9)
    ended = (metrics.ended, metrics.cancelled, metrics.closed)
    assert ended == ("complete", False, made_records.AT)
    assert (metrics.accuracy, metrics.holdout) == (SHARE, 3)
    assert (metrics.people.answers, metrics.people.skipped) == (3, 0)
    assert metrics.corrections == made_records.NO_CHANGES
    assert metrics.digests == snapshots.record_digests(steps.campaign, 2)


def test_a_round_that_is_measured_is_closed(steps: Steps) -> None:
    made = steps.made
    steps.measured()
    steps.dvc.clear()
    round_closing.close(steps.now)
    assert (steps.now.number, steps.now.state) == (3, State.DUE)
    message = repositories.said(made.root, "log", "-1", "--format=%B")
    assert message == "Close round 2: 5 labels, accuracy 0.500"
    assert repositories.said(made.root, "tag", "-l", "round/002", "--format=%(contents)") == message
    assert git.dirty(made.root, []) == []
    assert steps.dvc == [("push", made.root)]
    snapshots.check_closed(steps.now.records, 2)


def test_a_round_that_is_given_up_keeps_what_was_said(
    steps: Steps, monkeypatch: pytest.MonkeyPatch
) -> None:
    steps.opened()
    steps.answer(NEW[0], "light")
    round_closing.end_early(steps.now, "cancel", "no time")
    now = steps.now
    assert now.state is State.ENDING
    assert vars(now.records.ending(2)) == {
        "how": "cancel",
        "reason": "no time",
        "abandon": False,
        "at": made_records.AT,
    }
    assert round_closing.ending(now) == "cancel"
    altered = f"{now.key}/002/{NEW[1]}"
    steps.backend.altered[altered] = {"image": "http://another"}
    round_closing.pull(steps.now, steps.backend)
    assert steps.backend.altered == {}  # it is put right, and written down
    assert list(answer_journal.read(now).altered) == [altered]
    keys = {f"{now.key}/002/{name}" for name in NEW[1:]}
    assert steps.backend.withdrawn == keys
    round_closing.accept(steps.now)
    round_closing.measure(steps.now)  # nothing is computed: there is no work/metrics.json
    metrics = steps.now.records.metrics(2)
    assert (metrics.ended, metrics.cancelled, metrics.labels) == ("cancel", True, 5)
    assert (metrics.accepted, metrics.returned, metrics.undone) == (1, 1, 2)
    monkeypatch.setattr(commands, "has_remote", lambda root: False)
    steps.dvc.clear()
    round_closing.close(steps.now)
    message = repositories.said(steps.made.root, "log", "-1", "--format=%B")
    assert message == "Close round 2: 5 labels, no accuracy"
    assert steps.dvc == []


def test_a_round_whose_project_is_gone_keeps_what_looks_saw(steps: Steps) -> None:
    steps.opened()
    steps.answer(NEW[0], "light")
    round_closing.progress(steps.now, steps.backend)
    round_closing.end_early(steps.now, "cancel", abandon=True)
    steps.backend.lose_project()
    round_closing.pull(steps.now, steps.backend)
    given = steps.now.records.answers(2)
    assert [(each.key.rpartition("/")[2], each.labels) for each in given] == [(NEW[0], ("light",))]
    assert steps.now.records.corrections(2) == []


def test_settings_that_steer_the_close_are_held(steps: Steps) -> None:
    steps.opened()
    now = steps.now
    opened = now.config.model_dump(mode="json")
    round_closing.check_settings(now, opened)
    opened["campaign"] |= {"rounds": 99, "open_next": True, "name": "x", "instruction": "y"}
    round_closing.check_settings(now, opened)
    opened["campaign"]["seed"] = 1
    opened["evaluate"]["confidence"] = 0.5
    opened["accept"]["longest"] = 7
    with pytest.raises(StateError) as told:
        round_closing.check_settings(now, opened)
    assert str(told.value) == (
        "params.yaml: accept.longest, campaign.seed, evaluate.confidence changed while round 2 is"
        " open; wanted the values of open/002 until it is closed; put them back now and change"
        " them afterwards"
    )


def test_the_hold_out_of_earlier_rounds_is_asked_for_until_there_is_a_verdict(
    tmp_path: Path,
) -> None:
    now = made_records.snapshot(tmp_path, State.OPEN, 2)
    for number, (name, project) in enumerate((("e", 7), ("f", 8), ("g", 8))):
        tasks = [
            PushedTask(f"k/{number}/{each}", each, 0, 5, kind)  # type: ignore[arg-type]
            for each, kind in ((name, "holdout"), (f"{name}{name}", "holdout"), ("s", "selected"))
        ]
        path = now.campaign.round(number) / "pushed.json"
        made_records.pushed(tasks, project=project).write(path)
    write_migrations(now.campaign, ())
    settled, waits = Label("ff", "dark"), Label("gg", None, "tie", adjudicate=True)
    write_labels(now.campaign.holdout, [settled, waits])
    found = round_closing._open_holdout(now)
    assert [(task.key, task.sample) for task in found] == [
        ("k/1/f", "f"),
        ("k/2/g", "g"),
        ("k/2/gg", "gg"),
    ]
