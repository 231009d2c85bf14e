"""Records of rounds made of little, and what a round makes of its files."""

from collections.abc import Collection, Iterable
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any

from labelcycle import config
from labelcycle.campaign.campaign_paths import Campaign
from labelcycle.campaign.label_files import Label
from labelcycle.campaign.records.answer_record import Answer
from labelcycle.campaign.records.metrics_record import CorrectionFigures, Metrics
from labelcycle.campaign.records.people_record import PeopleFigures
from labelcycle.campaign.records.plan_record import Plan, PlanDigests
from labelcycle.campaign.records.pushed_record import Kind, LabelSchema, Pushed, PushedTask
from labelcycle.campaign.records.selection_record import RoundSelection, SelectedSample
from labelcycle.campaign.round_states import State
from labelcycle.core.skip_reasons import Skip
from labelcycle.cycle import change_limits
from labelcycle.people import people_figures, preannotation
from labelcycle.rounds import answers, campaign_history
from labelcycle.rounds.answers import CountedAnswer
from labelcycle.rounds.campaign_history import History
from labelcycle.rounds.snapshots import Snapshot

CONFIG = config.parse({"campaign": {"classes": ["dark", "light"]}}, parts=False)
AT = "2026-11-01T12:00:00+00:00"
NO_CHANGES = CorrectionFigures(0, 0, 0, 0, 0, {}, ())
"""What a round found that found nothing changed."""
UNCHANGED = asdict(NO_CHANGES) | {"waiting": []}
"""The same in `metrics.json`."""


def snapshot(
    root: Path = Path(),
    state: State = State.DUE,
    number: int = 0,
    classes: Collection[str] = ("dark", "light"),
    **settings: Any,
) -> Snapshot:
    """Where a campaign in `root` stands, by what is said here instead of by its files."""
    values = {"campaign": {"classes": list(classes)}, **settings}
    return Snapshot(Campaign(root), config.parse(values, parts=False), frozenset(), number, state)


def plan(**changes: Any) -> Plan:
    return replace(
        Plan(
            round=0,
            campaign="k",
            strategy="random",
            budget=4,
            seed=0,
            labels=0,
            classes=("dark", "light"),
            planned=AT,
            digests=PlanDigests("", "", "", ""),
            files={},
            cohorts=1,
            pool=2,
            holdout=0,
            encoder=1,
        ),
        **changes,
    )


def selection(names: Iterable[str], **changes: Any) -> RoundSelection:
    picks = tuple(SelectedSample(name, rank, 1.0, {}) for rank, name in enumerate(names))
    return replace(RoundSelection("random", None, len(picks), {}, picks), **changes)


def pushed(tasks: Iterable[PushedTask] = (), **changes: Any) -> Pushed:
    schema = LabelSchema(("dark", "light"), "")
    made = Pushed("files", 7, "file:///there", None, AT, schema, tuple(tasks))
    return replace(made, **changes)


def answer(key: str, annotation: int, annotator: str, given: str | Skip, **changes: Any) -> Answer:
    """A person's own answer."""
    skipped = isinstance(given, Skip)
    made = Answer(
        annotation=annotation,
        task=0,
        key=key,
        annotator=annotator,
        editor=annotator,
        labels=() if isinstance(given, Skip) else (given,),
        skipped=skipped,
        reason=given.reason if isinstance(given, Skip) else "",
        lead_time_s=2.0,
        created="",
        updated=f"t{annotation:04d}",
    )
    return replace(made, **changes)


def counted(
    sample: str,
    annotator: str,
    given: str | Skip,
    number: int = 0,
    at: int = 0,
    kind: Kind = "selected",
) -> CountedAnswer:
    """An answer that counts, to a task of the same round."""
    key = f"k/{number}/{sample}"
    task = PushedTask(key, sample, 0, 1, kind)
    return CountedAnswer(number, task, answer(key, at, annotator, given))


def people(**changes: Any) -> PeopleFigures:
    """The figures of a round that nobody answered."""
    return replace(people_figures.figures(History(0), CONFIG), **changes)


def metrics(**changes: Any) -> Metrics:
    """The figures of a closed round without answers."""
    made = Metrics(
        round=0,
        strategy="random",
        budget=4,
        labels=4,
        accepted=4,
        rejected=0,
        tasks=4,
        undone=0,
        returned=0,
        bought=4,
        ended="complete",
        cancelled=False,
        people=people(),
        preannotation=preannotation.figures(History(0), CONFIG),
        corrections=NO_CHANGES,
        closed=AT,
        digests={},
    )
    return replace(made, **changes)


# --- what a round makes of its files -------------------------------------------------------


def labels(snapshot: Snapshot, samples: Collection[str]) -> list[Label]:
    """The labels that the answers of the round at work make."""
    history, chosen = campaign_history.read(snapshot), snapshot.config
    return answers.labels(
        snapshot.number, history.answers, history.wanted, samples, chosen.classes, chosen.accept
    )


def corrected(snapshot: Snapshot) -> list[Label]:
    """The labels of closed rounds that the corrections of the round at work make."""
    changes = snapshot.records.corrections(snapshot.number)
    return change_limits.corrected(snapshot, campaign_history.read(snapshot), changes)


def people_of(snapshot: Snapshot) -> dict[str, Any]:
    """The figures of its people, as plain values."""
    return asdict(people_figures.figures(campaign_history.read(snapshot), snapshot.config))
