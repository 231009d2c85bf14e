"""The steps that open a round: plan, selection, push, the commit `open/NNN`."""

import contextlib
import shutil
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import asdict

from labelcycle.adapters import annotation, git
from labelcycle.adapters.dvc import commands
from labelcycle.adapters.ports import AnnotationBackend, LabelSchema, TaskSpec
from labelcycle.campaign import layout, round_states, sample_groups
from labelcycle.campaign.atomic_files import write_bytes
from labelcycle.campaign.campaign_paths import OWNED, Campaign
from labelcycle.campaign.json_files import value_digest
from labelcycle.campaign.records.plan_record import Plan, PlanDigests
from labelcycle.campaign.records.pool_record import PoolRecord
from labelcycle.campaign.records.pushed_record import Pushed
from labelcycle.campaign.round_states import State
from labelcycle.core.digests import file_digest
from labelcycle.cycle import pool_admission, task_plan
from labelcycle.errors import PoolExhausted, StateError
from labelcycle.rounds import plug_in_options, trusted_places
from labelcycle.rounds.pushed_tasks import pushed_task
from labelcycle.rounds.snapshots import COMMITTED, Snapshot, pool_digest, present_time
from labelcycle.stages import code_digests, ready_made_features

INPUTS = (layout.SAMPLES, layout.LABELS, layout.HOLDOUT)
"""What a round stands on, under DVC, beside the images."""


GUESS = "A class that is chosen already is the model's guess: check it."
"""Said in rounds that show one."""


def schema(snapshot: Snapshot) -> LabelSchema:
    """What annotators are asked in this round."""
    hint = f" {GUESS}" if task_plan.guesses(snapshot) else ""
    return LabelSchema(snapshot.config.classes, snapshot.config.campaign.instruction + hint)


def asked_schema(snapshot: Snapshot) -> LabelSchema:
    """What annotators were asked when the open round was pushed: the next may ask otherwise."""
    return snapshot.records.pushed(snapshot.number).schema


def schema_digest(snapshot: Snapshot) -> str:
    """Digest of the label schema."""
    return value_digest(asdict(schema(snapshot)))


def plan(snapshot: Snapshot) -> list[str]:
    """Write `plan.json`, after `check_wishes`; lines on cohorts that count from now on.

    Raises StateError if a file that the settings name is not there, DataError if it lacks features
    of a sample.
    """
    config, campaign = snapshot.config, snapshot.campaign
    files = plug_in_options.named_files(campaign, config)
    _check_there(campaign, files)
    _check_features(snapshot)
    # An ingest or import that was killed may not have come so far. What DVC knows already, it takes
    # in its present state when it brings the stages up to date.
    unknown = [path for path in INPUTS if not (campaign.root / f"{path}.dvc").exists()]
    if unknown:
        commands.add(campaign.root, unknown)
    for file in files:
        if plug_in_options.in_data(campaign, file):
            commands.add(campaign.root, [file])
    lines = pool_admission.admit(snapshot)
    pool, samples = PoolRecord.read(campaign.pool), snapshot.records.samples()
    held = sum(sample.split == "holdout" for sample in samples)
    labels = snapshot.records.labels()
    digests = PlanDigests(
        owned=file_digest(campaign.label_file(OWNED)),
        pool=pool_digest(pool.cohorts),
        params=config.digest,
        schema=schema_digest(snapshot),
    )
    plan = Plan(
        round=snapshot.number,
        campaign=snapshot.key,
        strategy=config.query.strategy,
        budget=config.query.budget,
        seed=config.campaign.seed,
        labels=sum(label.label is not None for label in labels.values()),
        classes=config.classes,
        planned=present_time(),
        digests=digests,
        files=files,
        cohorts=len(pool.cohorts),
        pool=len(samples) - held,
        holdout=held,
        encoder=len(pool.encoder),
    )
    plan.write(snapshot.folder / round_states.PLAN)
    return lines


def _check_there(campaign: Campaign, files: dict[str, str]) -> None:
    """Raise StateError for a file that the settings name and that is not there.

    Planned without it, the round would be held to its absence.
    """
    for name, content in files.items():
        if content == code_digests.NO_FILE:
            raise StateError(
                f"no file {name} in the campaign: wanted the file that pretrain.options.file of"
                " params.yaml names, before a round is planned; put it there"
                f"{_restore(campaign, name)}, or name another"
            )


def _check_features(snapshot: Snapshot) -> None:
    """Raise DataError if ready-made features lack a sample that counts from this plan on.

    Planned without it, the round could not go on: their file is held until it is closed.
    """
    chosen = snapshot.config.pretrain
    with contextlib.chdir(snapshot.campaign.root):
        ready_made_features.checked(snapshot.campaign, chosen.encoder, chosen.options, "all")


def _restore(campaign: Campaign, name: str) -> str:
    """How to bring a file back, where DVC has it."""
    return f": dvc checkout {name}.dvc" if (campaign.root / f"{name}.dvc").exists() else ""


def check_wishes(snapshot: Snapshot) -> None:
    """Raise PoolExhausted or SettingsError if the pool or the labels lack what a round asks for."""
    check_budget(snapshot)
    task_plan.check_gold(snapshot)


def check_budget(snapshot: Snapshot) -> int:
    """Samples of the pool without a label, before a round is planned, which all will count in.

    Raises PoolExhausted if the budget is above that.
    """
    labels, budget = snapshot.records.labels(), snapshot.config.query.budget
    pool = snapshot.records.samples("pool", "all")
    left = sum(sample.id not in labels for sample in pool)
    if not left:
        raise PoolExhausted(
            "every sample of the pool has its label, so no round is left to open;"
            " `labelcycle export FILE` writes them all, `labelcycle ingest` brings new images"
        )
    if budget > left:
        raise PoolExhausted(
            f"query.budget must be in 1..{left}, the samples left in the pool"
            f" (got {budget}); lower it in params.yaml, or end the campaign here"
        )
    return left


def most_picks(snapshot: Snapshot) -> int:
    """Samples that the next round can pick: one of near twins, as `query.per_group` limits it."""
    labels, most = snapshot.records.labels(), snapshot.config.query.per_group
    pool = snapshot.records.samples("pool", "all")
    group_of = {
        sample.picture: key
        for sample, key in zip(pool, sample_groups.components(pool), strict=True)
        if sample.id not in labels
    }
    sizes = Counter(group_of.values())
    return sum(size if most is None else min(size, most) for size in sizes.values())


def check_plan(snapshot: Snapshot) -> None:
    """Raise StateError if settings, or the files they name, changed since the round was planned."""
    planned = snapshot.records.plan(snapshot.number).digests.params
    if planned != snapshot.config.digest:
        raise StateError(
            f"params.yaml changed since round {snapshot.number} was planned (wanted digest"
            f" {planned}, got {snapshot.config.digest}); put it back{_cancel(snapshot)}"
        )
    if snapshot.state is not State.PUSHED:  # people were asked: from here on the close looks
        check_files(snapshot)


def check_files(snapshot: Snapshot) -> None:
    """Raise StateError if a file that the settings name is not the one the round was planned with.

    Features of other bytes are other inputs: what people were asked would not belong to them.
    """
    campaign, chosen = snapshot.campaign, snapshot.config.pretrain
    planned_files = snapshot.records.plan(snapshot.number).files
    chosen_file = chosen.options.get("file")
    for name, planned in planned_files.items():
        if name != chosen_file and trusted_places.outside(name):
            raise StateError(
                f"{snapshot.folder / round_states.PLAN} names {name!r}, which is outside the"
                " campaign, and params.yaml does not name it; whoever wrote it may be after files"
                " of yours"
            )
        path = campaign.root / name
        got = file_digest(path) if path.is_file() else code_digests.NO_FILE
        if got == planned:
            continue
        raise StateError(
            f"{name}, which params.yaml names, changed since round {snapshot.number} was planned:"
            f" wanted digest {planned}, got {got}; put it back until the round is closed"
            f"{_restore(campaign, name)}{_cancel(snapshot)}"
        )


def _cancel(snapshot: Snapshot) -> str:
    """What else can be done, where the round can be given up."""
    given_up = snapshot.state in round_states.CANCELLABLE
    return ", or give the round up with `labelcycle cancel`" if given_up else ""


def record_selection(snapshot: Snapshot) -> None:
    """Copy the query's output to the round's `selection.json`."""
    write_bytes(snapshot.folder / round_states.SELECTION, snapshot.campaign.selection.read_bytes())


def backend(snapshot: Snapshot) -> AnnotationBackend:
    """Where the next tasks go, as `push.backend` says."""
    return annotation.of(snapshot.campaign, snapshot.config.push.backend)


def push(snapshot: Snapshot, backend: AnnotationBackend, say: Callable[[str], None]) -> None:
    """Hand the selection to annotators and write `pushed.json`; done twice, it is done once.

    say : is told if browsers may not be able to load the images, of which one is asked for
    """
    config = snapshot.config
    label_schema = schema(snapshot)
    project = backend.open_project(snapshot.key, config.campaign.name, label_schema)
    backend.check_schema(project, label_schema)
    tasks = task_plan.tasks(snapshot)
    _look(tasks, annotation.get(config.push.backend).page_origin(), say)
    shown = (task.prediction for task in tasks if task.shown)
    model = next((prediction.model for prediction in shown if prediction), None)
    ids, displays = backend.push(project, tasks, model), backend.display(tasks)
    pushed = Pushed(
        backend=config.push.backend,
        project=project,
        url=backend.work_url(project),
        model=model,
        pushed=present_time(),
        schema=label_schema,
        tasks=tuple(pushed_task(task, ids[task.key], displays[task.key]) for task in tasks),
    )
    pushed.write(snapshot.folder / round_states.PUSHED)


def _look(tasks: Sequence[TaskSpec], origin: str | None, say: Callable[[str], None]) -> None:
    """Tell if browsers may not load the first image: no error, for they may go another way."""
    from labelcycle.adapters import cors  # brings a client of the web

    problem = cors.problem(tasks[0].image, origin) if tasks else None
    if problem:
        say(f"annotators may not see the images: {problem.reason}; {problem.remedy}")


def mark_open(snapshot: Snapshot) -> None:
    """Commit what was asked and tag it `open/NNN`.

    Raises StateError if the settings are not those it was asked with.
    """
    check_plan(snapshot)
    root, number = snapshot.campaign.root, snapshot.number
    message = f"Open round {number}: {snapshot.config.query.strategy}"
    git.commit(root, COMMITTED, message)
    if commands.has_remote(root):  # the labels as they are now are what `verify` elsewhere needs
        commands.push(root)
    git.tag(root, round_states.open_tag(number), message)


def drop(snapshot: Snapshot) -> None:
    """Remove a plan that was never handed to anybody.

    The plan goes last: a kill leaves a prefix of the round's files here, too.
    """
    (snapshot.folder / round_states.SELECTION).unlink(missing_ok=True)
    shutil.rmtree(snapshot.folder)
