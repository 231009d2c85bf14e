"""A closed round, rebuilt from its inputs and compared with what was recorded."""

from collections.abc import Callable
from dataclasses import asdict
from typing import Any

from labelcycle import config
from labelcycle.adapters import git, programs, warm_programs
from labelcycle.campaign import layout, params_file, round_states, sample_files
from labelcycle.campaign.atomic_files import write_bytes
from labelcycle.campaign.campaign_paths import Campaign
from labelcycle.campaign.records.metrics_record import Evaluation, Metrics
from labelcycle.campaign.records.round_records import Memory, RoundRecords
from labelcycle.campaign.records.selection_record import RoundSelection
from labelcycle.campaign.records.withdrawn_record import Tombstone
from labelcycle.core.counted_nouns import counted
from labelcycle.cycle import withdrawn_differences
from labelcycle.cycle.past_rounds import bring, restored
from labelcycle.errors import DataError, StateError
from labelcycle.nn import learners
from labelcycle.rounds import plug_in_options
from labelcycle.rounds.snapshots import Snapshot, check_closed
from labelcycle.stages import declaration

INPUTS = (f"{layout.SAMPLES}.dvc", f"{layout.LABELS}.dvc")
TOLERANCE = 1e-5
"""Relative difference of scores that another machine's arithmetic may cause."""


def number_of(snapshot: Snapshot, tag: str | None) -> int:
    """The round that a tag closes; without one the last. Raises StateError that lists them."""
    if tag is None and snapshot.closed:
        return snapshot.closed[-1]
    for number in snapshot.closed:
        if tag in (round_states.round_tag(number), str(number)):
            return number
    if not snapshot.closed:
        raise StateError(
            "no round is closed yet; wanted one to rebuild: `labelcycle status` says how far the"
            " open round is"
        )
    known = ", ".join(round_states.round_tag(n) for n in snapshot.closed)
    raise StateError(f"{tag!r} is no closed round; wanted one of: {known}")


def verify(snapshot: Snapshot, number: int, deep: bool, show: Callable[[str], None]) -> None:
    """Rebuild a closed round from its inputs and compare; say what was compared.

    Recomputes train, cluster and query as of `open/NNN` and the metrics as of `round/NNN` from
    pool, labels and features (with `deep`: from the images). Raises DataError with the first
    difference.
    """
    records = snapshot.records
    if records.metrics(number).cancelled:
        raise StateError(f"round {number} was cancelled; there is nothing to rebuild")
    try:
        check_closed(snapshot.records, number)
    except StateError as error:
        raise DataError(f"round {number} is not as it was closed: {error}") from error
    show(f"recorded files of round {number}: as they were closed")
    warm_programs.start(declaration.names(declaration.CLOSING))
    gone = _withdrawn(snapshot, number)
    if gone:
        show(withdrawn_differences.said(number, gone))
    trained = declaration.names(declaration.OPENING)
    if deep and gone and withdrawn_differences.encoder_is_gone(gone, records.plan(number).encoder):
        show("the encoder learned from what is gone, so its recorded weights are taken")
        trained = declaration.after(layout.ENCODER, declaration.OPENING)
    opening = trained
    if not deep:  # the features are brought
        opening = declaration.after(layout.FEATURES, declaration.OPENING)
    base: tuple[str, ...] = INPUTS if deep else (*INPUTS, layout.FEATURES)
    show(f"rebuilding round {number}: {', '.join(opening)}")
    with restored(snapshot, round_states.open_tag(number), base) as rebuilt:
        if deep:
            known = () if declaration.PRETRAIN in opening else (layout.ENCODER,)
            bring(snapshot, rebuilt, (*pictures(rebuilt), *known))
            _restore_named(snapshot, rebuilt)
        elif learners.sees_images(config.load(rebuilt.params, parts=False).train.learner):
            bring(snapshot, rebuilt, (*pictures(rebuilt), layout.ENCODER))
        recorded = snapshot.records.selection(number)
        if not withdrawn_differences.selection_may_differ(gone):
            _compute(rebuilt, opening)
            show(compare_selections(recorded, RoundSelection.read(rebuilt.selection)))
        elif _ask_for_what_is_left(rebuilt):
            _compute(rebuilt, opening)
            selection = RoundSelection.read(rebuilt.selection)
            show(withdrawn_differences.selections(recorded, selection))
        else:
            show("selection: without them, no sample was left to pick")
        closing = declaration.names(declaration.CLOSING)
        show(f"rebuilding round {number}: {', '.join(closing)}")
        git.switch(rebuilt.root, round_states.round_tag(number))
        answers = (
            f"{layout.LABELS}.dvc",
            f"{layout.HOLDOUT}.dvc",
            *(() if deep else (layout.FEATURES,)),
        )
        bring(snapshot, rebuilt, answers)
        _compute(rebuilt, closing)
        evaluation = Evaluation.read(rebuilt.metrics)
        metrics = snapshot.records.metrics(number)
        before = withdrawn_differences.measured_with(gone, number)
        if before:
            show(withdrawn_differences.metrics(metrics, evaluation, before))
        else:
            show(compare_metrics(metrics, evaluation))


def _withdrawn(snapshot: Snapshot, number: int) -> tuple[Tombstone, ...]:
    """The samples that a round was planned with and that are gone."""
    record = snapshot.records.withdrawn()
    if not record.samples:
        return ()
    return record.of_round(number, snapshot.records.plan(number).cohorts)


def _ask_for_what_is_left(rebuilt: Campaign) -> int:
    """Lower the budget to the samples that can be picked, where it is above; how many they are."""
    records = RoundRecords(rebuilt, Memory())
    labels = records.labels()
    left = sum(sample.id not in labels for sample in records.samples("pool"))
    if 0 < left < config.load(rebuilt.params, parts=False).query.budget:
        text = rebuilt.params.read_text(encoding="utf-8")
        written = params_file.with_values(text, "query", {"budget": left})
        write_bytes(rebuilt.params, written.encode())
    return left


def pictures(campaign: Campaign) -> tuple[str, ...]:
    """The images of the cohorts that count in a round, by the names of their .dvc files."""
    numbers = sample_files.counted(campaign.samples)
    return tuple(f"{layout.IMAGES}/{number:03d}.dvc" for number in numbers)


def _restore_named(snapshot: Snapshot, rebuilt: Campaign) -> None:
    """Bring the file that the encoder's options name, if DVC keeps it."""
    settings = config.load(rebuilt.params, parts=False)
    for file in plug_in_options.named_files(rebuilt, settings):
        if (rebuilt.root / f"{file}.dvc").exists():
            bring(snapshot, rebuilt, (f"{file}.dvc",))


def _compute(campaign: Campaign, stages: tuple[str, ...]) -> None:
    for stage in stages:
        programs.run([*programs.MODULE, "labelcycle", "stage", stage], campaign.root)


def compare_selections(recorded: RoundSelection, rebuilt: RoundSelection) -> str:
    """A line that says how equal they are. Raises DataError at the first difference that counts."""
    if len(recorded.samples) != len(rebuilt.samples):
        raise DataError(
            f"the selection differs: recorded {counted(len(recorded.samples), 'sample')},"
            f" rebuilt {len(rebuilt.samples)}"
        )
    pairs = list(zip(recorded.samples, rebuilt.samples, strict=True))
    for rank, (old, new) in enumerate(pairs):
        difference = _differs(asdict(old), asdict(new))
        if difference:
            raise DataError(f"the selection differs at rank {rank}: {difference}")
    exact = recorded == rebuilt
    how = "in every digit" if exact else f"scores within {TOLERANCE:g}"
    return f"selection: the same {counted(len(pairs), 'sample')} in the same order, {how}"


def compare_metrics(recorded: Metrics, rebuilt: Evaluation) -> str:
    """A line that says the metrics are equal. Raises DataError at the first difference."""
    figures = asdict(recorded)
    for key, value in asdict(rebuilt).items():
        difference = _differs(figures[key], value)
        if difference:
            raise DataError(f"the metrics differ in {key}: {difference}")
    accuracy = f"accuracy {recorded.accuracy.value:.4f}" if recorded.accuracy else "no accuracy"
    return f"metrics: the same ({accuracy})"


def _differs(old: Any, new: Any) -> str | None:
    """The first difference between two plain values, as text; floats may differ by TOLERANCE."""
    if isinstance(old, dict) and isinstance(new, dict) and old.keys() == new.keys():
        pairs = ((key, _differs(old[key], new[key])) for key in old)
        return next((f"{key}: {text}" for key, text in pairs if text), None)
    if isinstance(old, list | tuple) and isinstance(new, list | tuple) and len(old) == len(new):
        texts = (_differs(a, b) for a, b in zip(old, new, strict=True))
        return next((text for text in texts if text), None)
    if isinstance(old, float) and isinstance(new, float | int):
        close = abs(old - new) <= TOLERANCE * max(abs(old), abs(new))
        return None if close else f"recorded {old!r}, rebuilt {new!r}"
    return None if old == new else f"recorded {old!r}, rebuilt {new!r}"
