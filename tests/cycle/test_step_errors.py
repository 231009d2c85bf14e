"""What stops a step of a round, and what it commits; the records are made of values."""

from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any

import made_records
import pytest
from raised import told
from watched import asking

from labelcycle import config
from labelcycle.adapters.ports import Address, Prediction, TaskSpec
from labelcycle.campaign import round_states
from labelcycle.campaign.campaign_paths import Campaign
from labelcycle.campaign.json_files import read_json
from labelcycle.campaign.label_files import Label, read_labels, write_labels
from labelcycle.campaign.labels import read_migrations, write_migrations
from labelcycle.campaign.records.ending_record import Ending
from labelcycle.campaign.records.plan_record import PlanDigests
from labelcycle.campaign.records.pushed_record import PushedTask
from labelcycle.campaign.round_states import State
from labelcycle.campaign.sample_files import Sample, write_samples
from labelcycle.core import class_migrations
from labelcycle.core.class_migrations import Migration
from labelcycle.core.digests import file_digest
from labelcycle.core.metrics import Estimate
from labelcycle.cycle import class_changes, new_campaign, round_closing, round_opening
from labelcycle.errors import DataError, PoolExhausted, StateError
from labelcycle.people import simulated, simulated_round
from labelcycle.people.simulated import Done
from labelcycle.rounds import code_json, pushed_tasks, snapshots
from labelcycle.rounds.snapshots import Snapshot
from labelcycle.stages import code_digests

CANCEL = ", or give the round up with `labelcycle cancel`"


snapshot = partial(made_records.snapshot, state=State.PLANNED)


def planned(now: Snapshot, **changes: Any) -> None:
    digests = PlanDigests("", "", now.config.digest, "")
    made_records.plan(**{"digests": digests, **changes}).write(now.folder / round_states.PLAN)


# --- opening --------------------------------------------------------------------------------


def test_what_annotators_are_asked(tmp_path: Path) -> None:
    campaign = Campaign(tmp_path)
    write_migrations(campaign, ())
    write_labels(campaign.label_file(0), [Label("x", "dark"), Label("y", "light")])
    hint = " " + round_opening.GUESS
    for number, preannotate, end in ((0, True, ""), (2, True, hint), (2, False, "")):
        now = snapshot(
            tmp_path,
            push={"preannotate": preannotate},
            campaign={"classes": ["dark", "light"], "instruction": "Look."},
        )
        found = round_opening.schema(replace(now, number=number))
        assert (found.classes, found.instruction) == (("dark", "light"), f"Look.{end}")
    assert round_opening.GUESS == "A class that is chosen already is the model's guess: check it."


def test_nothing_is_said_of_guesses_before_a_model_knows_two_classes(tmp_path: Path) -> None:
    campaign = Campaign(tmp_path)
    write_migrations(campaign, ())
    write_labels(campaign.label_file(0), [Label("x", "dark"), Label("y", None)])
    later = replace(snapshot(tmp_path), number=2)
    assert round_opening.GUESS not in round_opening.schema(later).instruction
    write_labels(campaign.label_file(1), [Label("y", "light")])
    assert round_opening.GUESS in round_opening.schema(later).instruction


def test_a_pool_that_is_used_up(tmp_path: Path) -> None:
    campaign = Campaign(tmp_path)
    names = [f"{n:016x}" for n in range(4)]
    splits = ("pool", "pool", "pool", "holdout")
    samples = [Sample(n, f"{n}.png", n, s, 1, 1) for n, s in zip(names, splits, strict=True)]  # type: ignore[arg-type]
    write_samples(campaign.samples, samples)
    write_labels(campaign.label_file(0), [Label(names[0], None, reason="skipped")])
    write_migrations(campaign, ())
    now = snapshot(tmp_path, query={"budget": 2})
    assert round_opening.check_budget(now) == 2
    more = snapshot(tmp_path, query={"budget": 3})
    assert told(PoolExhausted, lambda: round_opening.check_budget(more)) == (
        "query.budget must be in 1..2, the samples left in the pool (got 3); lower it in"
        " params.yaml, or end the campaign here"
    )
    write_labels(campaign.label_file(1), [Label(name, "dark") for name in names[1:3]])
    assert told(PoolExhausted, lambda: round_opening.check_budget(snapshot(tmp_path))) == (
        "every sample of the pool has its label, so no round is left to open;"
        " `labelcycle export FILE` writes them all, `labelcycle ingest` brings new images"
    )


@pytest.mark.parametrize(
    ("state", "end"),
    [(State.PLANNED, CANCEL), (State.SELECTED, CANCEL), (State.PUSHED, ""), (State.OPEN, CANCEL)],
)
def test_settings_that_changed_since_the_plan(tmp_path: Path, state: State, end: str) -> None:
    now = snapshot(tmp_path, state=state)
    planned(now)
    round_opening.check_plan(now)
    planned(now, digests=PlanDigests("", "", "before", ""))
    again = snapshot(tmp_path, state=state)
    assert told(StateError, lambda: round_opening.check_plan(again)) == (
        "params.yaml changed since round 0 was planned (wanted digest before, got"
        f" {now.config.digest}); put it back{end}"
    )


def test_a_named_file_that_changed_since_the_plan(tmp_path: Path) -> None:
    file = tmp_path / "data" / "f.npy"
    file.parent.mkdir()
    file.write_bytes(b"x")
    now = snapshot(tmp_path)
    planned(now, files={"data/f.npy": file_digest(file)})
    round_opening.check_files(now)
    wanted = file_digest(file)
    file.write_bytes(b"y")
    text = (
        "data/f.npy, which params.yaml names, changed since round 0 was planned: wanted digest"
        f" {wanted}, got {file_digest(file)}; put it back until the round is closed"
    )
    assert told(StateError, lambda: round_opening.check_files(now)) == f"{text}{CANCEL}"
    (tmp_path / "data" / "f.npy.dvc").touch()
    pushed = snapshot(tmp_path, state=State.PUSHED)
    brought = f"{text}: dvc checkout data/f.npy.dvc"
    assert told(StateError, lambda: round_opening.check_files(pushed)) == brought
    round_opening.check_plan(pushed)  # people were asked: the close looks
    planned(now, files={"../secret": "0"})
    again = snapshot(tmp_path)
    assert told(StateError, lambda: round_opening.check_files(again)) == (
        f"{now.folder / 'plan.json'} names '../secret', which is outside the campaign, and"
        " params.yaml does not name it; whoever wrote it may be after files of yours"
    )
    outside = tmp_path.parent / f"{tmp_path.name}.npy"
    outside.write_bytes(b"x")
    name = f"../{outside.name}"
    planned(now, files={name: file_digest(outside)})
    options = {"encoder": "precomputed", "options": {"file": name}}
    round_opening.check_files(snapshot(tmp_path, pretrain=options))


def test_a_named_file_that_is_not_there(tmp_path: Path) -> None:
    campaign = Campaign(tmp_path)
    files = {"data/f.npy": code_digests.NO_FILE, "data/g.npy": "0"}
    text = "no file data/f.npy in the campaign: wanted the file that pretrain.options.file of"
    text += " params.yaml names, before a round is planned; put it there"
    assert told(StateError, lambda: round_opening._check_there(campaign, files)) == (
        f"{text}, or name another"
    )
    (tmp_path / "data").mkdir()
    (tmp_path / "data" / "f.npy.dvc").touch()
    assert told(StateError, lambda: round_opening._check_there(campaign, files)) == (
        f"{text}: dvc checkout data/f.npy.dvc, or name another"
    )
    round_opening._check_there(campaign, {"data/g.npy": "0"})


def test_images_that_browsers_cannot_load(monkeypatch: pytest.MonkeyPatch) -> None:
    from labelcycle.adapters import cors

    asked: list[tuple[object, str | None]] = []

    class Problem:
        reason, remedy = "no rule", "make one"

    def problem(image: object, origin: str | None) -> Problem | None:
        asked.append((image, origin))
        return Problem() if origin else None

    monkeypatch.setattr(cors, "problem", problem)
    tasks = [TaskSpec(str(n), str(n), Address(f"https://x/{n}"), n, 0) for n in range(2)]
    lines: list[str] = []
    for origin in ("https://page", None):
        round_opening._look(tasks, origin, lines.append)
    round_opening._look([], "https://page", lines.append)
    assert lines == ["annotators may not see the images: no rule; make one"]
    assert asked == [(tasks[0].image, "https://page"), (tasks[0].image, None)]


def test_a_plan_that_nobody_saw_is_dropped(tmp_path: Path) -> None:
    now = snapshot(tmp_path)
    planned(now)
    (now.folder / "selection.json").touch()
    round_opening.drop(now)
    assert not now.folder.exists()
    planned(now)
    round_opening.drop(now)
    assert not now.folder.exists()


# --- closing --------------------------------------------------------------------------------


def test_settings_that_changed_while_a_round_is_open(tmp_path: Path) -> None:
    now = snapshot(tmp_path, state=State.OPEN)
    planned(now)
    opened = now.config.model_dump(mode="json")
    round_closing.check_settings(now, opened)
    others = {"rounds": 99, "open_next": None, "name": "x", "instruction": "x"}
    for key, value in others.items():
        free = {**opened, "campaign": {**opened["campaign"], key: value}}
        round_closing.check_settings(now, free)
    for section in ("query", "push", "close", "notify"):
        free = {**opened, section: dict.fromkeys(opened[section], "other")}
        round_closing.check_settings(now, free)
    for section in ("campaign", "pretrain", "embed", "accept", "train", "evaluate"):
        keys = [k for k in opened[section] if k not in others or section != "campaign"]
        other = {**opened, section: {**opened[section], **dict.fromkeys(keys, "other")}}
        listed = ", ".join(f"{section}.{key}" for key in keys)
        assert told(StateError, lambda other=other: round_closing.check_settings(now, other)) == (
            f"params.yaml: {listed} changed while round 0 is open; wanted the values of open/000"
            " until it is closed; put them back now and change them afterwards"
        )


def test_how_a_round_is_ended_early(tmp_path: Path) -> None:
    now = snapshot(tmp_path, state=State.OPEN)
    now.folder.mkdir(parents=True)
    assert round_closing.ending(now) is None
    assert not round_closing._abandoned(now)
    round_closing.end_early(now, "cancel", "a reason", abandon=True)
    again = snapshot(tmp_path, state=State.ENDING)
    assert round_closing.ending(again) == "cancel"
    assert round_closing._abandoned(again)
    record = read_json(now.folder / "ending.json")
    assert {**record, "at": ""} == {
        "version": 1,
        "how": "cancel",
        "reason": "a reason",
        "abandon": True,
        "at": "",
    }
    round_closing.end_early(again, "deadline")
    last = snapshot(tmp_path, state=State.ENDING)
    made = Ending.read(last.folder / "ending.json")
    assert (made.how, made.reason, made.abandon) == ("deadline", "", False)
    assert not round_closing._abandoned(last)


def test_a_file_that_changed_matters_to_a_close_but_not_to_a_cancel(tmp_path: Path) -> None:
    now = snapshot(tmp_path, state=State.OPEN)
    planned(now, files={"data/f.npy": "0"})
    opened = now.config.model_dump(mode="json")
    text = told(StateError, lambda: round_closing.check_settings(now, opened))
    assert text.startswith("data/f.npy, which params.yaml names, changed since round 0")
    round_closing.end_early(now, "incomplete")
    with pytest.raises(StateError):
        round_closing.check_settings(snapshot(tmp_path, state=State.ENDING), opened)
    round_closing.end_early(now, "cancel")
    round_closing.check_settings(snapshot(tmp_path, state=State.ENDING), opened)


# --- other steps ----------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("state", "more", "then"),
    [
        (State.PLANNED, ", or give it up with `labelcycle cancel`", "go on with `labelcycle run`"),
        (State.PUSHED, "", "go on with `labelcycle run`"),
        (
            State.OPEN,
            ", or give it up with `labelcycle cancel`",
            "when the annotators are done, `labelcycle run`",
        ),
    ],
)
def test_classes_do_not_change_while_a_round_is_at_work(
    tmp_path: Path, state: State, more: str, then: str
) -> None:
    class_changes._check_between_rounds(snapshot(tmp_path, state=State.DUE))
    now = snapshot(tmp_path, state=state)
    assert told(StateError, lambda: class_changes._check_between_rounds(now)) == (
        f"round 0 is {state}, and its tasks ask for the classes as they are: wanted no round at"
        f" work; close it first{more}; {then}"
    )


def test_simulated_people_answer_an_open_round_alone(tmp_path: Path) -> None:
    now = snapshot(tmp_path, state=State.PULLED)
    answer = simulated_round.answer
    text = told(StateError, lambda: answer(now, tmp_path / "t.csv", show=print))
    assert text == (
        "round 0 is pulled; wanted an open round to annotate; go on with `labelcycle run`"
    )


def test_simulated_people_do_what_they_are_told(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Unless they are told otherwise, two of them answer everything, and rightly."""
    backend, truth = asking(Campaign(tmp_path), "abc"), tmp_path / "truth.csv"
    monkeypatch.setattr(pushed_tasks, "backend", lambda now: backend)
    monkeypatch.setattr(simulated, "read_truth", lambda campaign, file: {file.name: "truth"})
    asked: list[tuple[Any, Any]] = []
    monkeypatch.setattr(
        simulated, "annotate", lambda *given, **more: asked.append((given, more)) or Done(1, 0, 0)
    )
    now = snapshot(tmp_path, state=State.OPEN)
    tasks = [PushedTask(f"k/{n}", str(n), n, n + 5, wanted=n + 1) for n in range(2)]
    made_records.pushed(tasks).write(now.folder / round_states.PUSHED)
    told_otherwise = {"annotators": 5, "error_rates": (0.5,), "skip_rate": 0.25, "seed": 3}
    usual = {"annotators": 2, "error_rates": (0.0,), "skip_rate": 0.0, "seed": 0}
    for more in ({}, told_otherwise):
        assert simulated_round.answer(now, truth, show=print, **more) == Done(1, 0, 0)
        wanted = {**usual, **more, "wanted": {5: 1, 6: 2}, "show": print}
        assert asked.pop() == ((backend, 7, {"truth.csv": "truth"}), wanted)


def test_a_recorded_task_of_another_campaign_or_round_is_refused(tmp_path: Path) -> None:
    now = snapshot(tmp_path, state=State.OPEN, number=2)
    vars(now)["key"] = "own"
    snapshots._check_asked(now)  # nobody was asked yet
    right = PushedTask("own/002/s", "s", 0, 1)
    made_records.pushed([right]).write(now.folder / round_states.PUSHED)  # after two cancelled ones
    snapshots._check_asked(now)
    for key in ("other/002/s", "own/001/s", "own/002/t"):
        folder = now.campaign.round(2)
        made_records.pushed([right, replace(right, key=key)]).write(folder / round_states.PUSHED)
        again = snapshot(tmp_path, state=State.OPEN, number=2)
        vars(again)["key"] = "own"
        assert told(DataError, lambda again=again: snapshots._check_asked(again)) == (
            f"{folder / 'pushed.json'}: wanted the key 'own/002/s', got {key!r}, a task of another"
            " campaign or round; restore it with `git checkout`"
        )


def test_owned_labels_are_taken_in_and_committed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    now, done = snapshot(tmp_path, state=State.DUE), list[tuple[Any, ...]]()
    names = ["a" * 16, "b" * 16]
    write_samples(now.campaign.samples, [Sample(n, f"{n}.png", n, "pool", 1, 1) for n in names])
    table = tmp_path / "own.csv"
    table.write_text(f"sample,label\n{names[0]},dark\n{names[1]},emu\n")
    monkeypatch.setattr(new_campaign, "read", lambda root: {tmp_path: now}[root])
    monkeypatch.setattr(new_campaign, "check_safe", lambda *given: done.append(("safe", *given)))
    monkeypatch.setattr(new_campaign.commands, "add", lambda *given: done.append(("add", *given)))
    monkeypatch.setattr(new_campaign.git, "commit", lambda *given: done.append(("commit", *given)))
    report = new_campaign.add_labels(tmp_path, table)
    assert (report.accepted, report.total, len(report.rejected)) == (1, 1, 1)
    (label,) = read_labels(now.campaign.label_file("owned"))
    assert (label.sample, label.label) == (names[0], "dark")
    root = now.campaign.root
    assert done == [
        ("safe", now.campaign),
        ("add", root, ["data/labels"]),
        ("commit", root, snapshots.COMMITTED, "Import labels: 1 accepted"),
    ]


@pytest.mark.parametrize("end", ["\n", "\r\n"])
def test_a_change_of_the_classes_is_recorded_and_committed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, end: str
) -> None:
    now, done = snapshot(tmp_path, state=State.DUE, number=3), list[tuple[Any, ...]]()
    monkeypatch.setattr(class_changes, "ready", lambda root: {tmp_path: now}[root])
    monkeypatch.setattr(class_changes.git, "changed", lambda root, path: False)
    monkeypatch.setattr(class_changes.git, "commit", lambda *given: done.append(given))
    monkeypatch.setattr(class_changes, "present_time", lambda: made_records.AT)
    write_migrations(now.campaign, ())
    lines = ("campaign:", "  classes:  # ours", "    - dark", "    - light", "")
    now.campaign.params.write_bytes(end.join(lines).encode())
    made = class_changes.migrate(
        tmp_path, lambda classes, table: class_migrations.rename(classes, "dark", "black", table)
    )
    wanted = Migration(
        "rename", {"dark": "black"}, ("dark", "light"), ("black", "light"), 3, made_records.AT
    )
    assert made == wanted
    assert read_migrations(now.campaign) == (wanted,)
    assert now.campaign.params.read_bytes() == end.join(lines).replace("dark", "black").encode()
    kept = ("params.yaml", "schema.json")
    assert done == [(tmp_path, kept, "Classes: rename class 'dark' to 'black'")]


def test_a_task_as_it_is_recorded() -> None:
    from labelcycle.rounds.pushed_tasks import pushed_task

    spec = TaskSpec("k", "s", Address("x"), 3, 1, "gold", 2, Prediction("cat", 0.5, "m"), False)
    display = {"image": "x"}
    assert pushed_task(spec, 9, display) == PushedTask(
        "k", "s", 3, 9, "gold", 2, "cat", False, display
    )
    shown = replace(spec, shown=True)
    assert pushed_task(shown, 9, display).shown
    without = pushed_task(replace(shown, prediction=None), 9, display)
    assert (without.predicted, without.shown) == (None, False)


# --- what the commits say -------------------------------------------------------------------


@pytest.mark.parametrize("remote", [True, False])
def test_a_close_is_committed_pushed_and_tagged(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, remote: bool
) -> None:
    done: list[tuple[Any, ...]] = []
    monkeypatch.setattr(round_closing.git, "commit", lambda *given: done.append(given))
    monkeypatch.setattr(round_closing.git, "tag", lambda *given: done.append(given))
    monkeypatch.setattr(round_closing.commands, "has_remote", lambda root: remote)
    monkeypatch.setattr(round_closing.commands, "push", lambda root: done.append((root, "push")))
    now = snapshot(tmp_path, state=State.MEASURED)
    root = now.campaign.root
    changed = replace(made_records.NO_CHANGES, edited=2, labels=1, by={"ann": 2})
    share = Estimate(0.25, 0.1, 0.4)
    for metrics, message in (
        (made_records.metrics(labels=7), "Close round 0: 7 labels, no accuracy"),
        (
            made_records.metrics(labels=7, accuracy=share, corrections=changed),
            "Close round 0: 7 labels, accuracy 0.250\n\ncorrections of closed rounds: edited 2, by"
            " annotator ann (2); labels changed 1; each stands in corrections.jsonl of the round"
            " that found it",
        ),
    ):
        metrics.write(now.folder / round_states.METRICS)
        done.clear()
        round_closing.close(snapshot(tmp_path, state=State.MEASURED))
        pushed = [(root, "push")] if remote else []
        kept = ("rounds", "data", "work", "dvc.lock", "code.json")
        assert done == [(root, kept, message), *pushed, (root, "round/000", message)]


@pytest.mark.parametrize("remote", [True, False])
def test_an_open_is_committed_pushed_and_tagged(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, remote: bool
) -> None:
    done: list[tuple[Any, ...]] = []
    monkeypatch.setattr(round_opening.git, "commit", lambda *given: done.append(given))
    monkeypatch.setattr(round_opening.git, "tag", lambda *given: done.append(given))
    monkeypatch.setattr(round_opening.commands, "has_remote", lambda root: remote)
    monkeypatch.setattr(round_opening.commands, "push", lambda root: done.append((root, "push")))
    now = snapshot(tmp_path, state=State.PUSHED, query={"strategy": "margin"})
    planned(now)
    round_opening.mark_open(now)
    root = now.campaign.root
    kept = ("rounds", "data", "work", "dvc.lock", "code.json")
    kept += ("dvc.yaml", "params.yaml", "schema.json", "again.json")
    pushed = [(root, "push")] if remote else []
    message = "Open round 0: margin"
    assert done == [(root, kept, message), *pushed, (root, "open/000", message)]


def test_the_code_of_each_stage(monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[tuple[tuple[str, ...], dict[str, Any]]] = []

    def code_of(*modules: str, **more: Any) -> dict[str, str]:
        asked.append((modules, more))
        return {"digest": str(len(asked))}

    monkeypatch.setattr(code_json.code_digests, "code_of", code_of)
    named_parts = {"pretrain": {"encoder": "pixels"}, "query": {"strategy": "margin"}}
    found = code_json.digests_of(config.parse(named_parts, parts=False))
    stages = code_json.STAGES
    assert list(found) == [stage.name for stage in stages]
    for stage, (modules, more) in zip(stages, asked, strict=True):
        assert modules[:2] == (stage.module, "labelcycle.core.seeding")
        assert len(modules) == 2 + len(stage.plug_ins)
        assert more == {"alone": ("labelcycle.cycle.run_stage",), "declared": repr(stage)}
    named = {module for modules, _ in asked for module in modules}
    assert "labelcycle.core.strategies.margin" in named
    assert "labelcycle.nn.learners.linear" in named
