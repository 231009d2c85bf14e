"""Where a campaign stands, as values: for `labelcycle status`, for programs and for tests."""

from dataclasses import asdict, dataclass
from typing import Any

from labelcycle.adapters import git
from labelcycle.adapters.mlflow import tracking_uri
from labelcycle.adapters.ports import AnnotationProgress
from labelcycle.campaign import round_states, sample_files, sample_groups
from labelcycle.campaign.campaign_paths import OWNED, Campaign
from labelcycle.campaign.records.drift_record import Drift
from labelcycle.campaign.records.metrics_record import (
    CorrectionFigures,
    ShownGuesses,
    WaitingChanges,
)
from labelcycle.campaign.records.people_record import PeopleFigures
from labelcycle.campaign.records.rollback_record import Rollback
from labelcycle.campaign.round_states import State
from labelcycle.campaign.sample_groups import Sides
from labelcycle.core.metrics import Estimate
from labelcycle.cycle import campaign_rollback, next_step, round_closing
from labelcycle.errors import ServiceDown, ServiceRefused
from labelcycle.ingest.group_names import GroupNames
from labelcycle.rounds import (
    altered_tasks,
    changed_answers,
    corrected_labels,
    correction_decisions,
    pushed_tasks,
    skipped_samples,
)
from labelcycle.rounds.snapshots import Snapshot

PEOPLE = (
    "alpha", "seconds_per_label", "adjudicate", "gold", "method", "no_class", "skips", "answers",
)  # fmt: skip
"""What of a closed round's figures of its people is shown."""


ROLLED_BACK = "rolled back"
"""State of a closed round that the campaign does not stand on any more."""


@dataclass(frozen=True)
class Counts:
    """Samples in the pool and in the hold-out, and what is known of them.

    labels : to train on; bought : samples answered, the hold-out's and skipped ones among them
    again : skipped samples that the next rounds ask again
    withdrawn : samples that were taken out for good, and are in none of the other counts
    """

    pool: int = 0
    holdout: int = 0
    labels: int = 0
    bought: int = 0
    again: int = 0
    withdrawn: int = 0


@dataclass(frozen=True)
class CohortStatus:
    """A cohort of images: when it came in, and how good the model of the last round is on it.

    counts : whether it counts in the round at work, or waits for the next one
    accuracy : of the last closed round that was measured; None where nothing was
    measured : images of its hold-out that this accuracy is of
    drift : whether it looks like the images before; None where it was not compared here
    unusual : picture of its most unusual images, if it looks different
    """

    number: int
    at: str
    pool: int
    holdout: int
    counts: bool
    accuracy: Estimate | None = None
    measured: int | None = None
    drift: Drift | None = None
    unusual: str | None = None


@dataclass(frozen=True)
class OpenRound:
    """How far people are with an open round, and where they answer.

    progress : None if it cannot be told, for the reason in `problem`
    away : that reason is a server that does not answer
    altered : a line on tasks that showed something else than was pushed; may be empty
    """

    url: str
    progress: AnnotationProgress | None
    problem: str = ""
    altered: str = ""
    waiting: tuple[WaitingChanges, ...] = ()
    away: bool = False

    def as_json(self) -> dict[str, Any]:
        """The part of the status that is there while the round is open."""
        if self.progress is None:
            numbers = dict.fromkeys(("tasks", "answered", "skipped"))
            return {"url": self.url, **numbers, "problem": self.problem}
        waiting = [asdict(changes) for changes in self.waiting]
        return {
            "url": self.url,
            **self.progress.figures,
            "altered": self.altered,
            "waiting": waiting,
        }


@dataclass(frozen=True)
class RoundStatus:
    """A round of the campaign.

    stood_in : who picked in place of the strategy, before a model had anything to say
    groups : that the interval of the accuracy is a bootstrap over; None: it is of single samples
    budget : of the round at work; open : while people are asked
    measured, holdout : images of the hold-out that the accuracy is of, and all that there were
    people, preannotation, corrections : of a closed round
    """

    round: int
    state: str
    strategy: str
    stood_in: str | None
    labels: int
    accuracy: Estimate | None = None
    measured: int | None = None
    holdout: int | None = None
    groups: int | None = None
    people: PeopleFigures | None = None
    preannotation: ShownGuesses | None = None
    corrections: CorrectionFigures | None = None
    budget: int | None = None
    open: OpenRound | None = None

    def as_json(self) -> dict[str, Any]:
        """The round as plain values."""
        estimate = self.accuracy
        entry = {
            "round": self.round,
            "state": self.state,
            "strategy": self.strategy,
            "stood_in": self.stood_in,
            "labels": self.labels,
            "accuracy": estimate and estimate.value,
            "accuracy_low": estimate and estimate.low,
            "accuracy_high": estimate and estimate.high,
            "measured": self.measured,
            "holdout": self.holdout,
        }
        if self.groups is not None:
            entry |= {"groups": self.groups}
        if self.people and self.preannotation and self.corrections:
            people = asdict(self.people)
            entry |= {
                "people": {name: people[name] for name in PEOPLE},
                "preannotation": asdict(self.preannotation),
                "corrections": asdict(self.corrections),
            }
        else:
            entry |= {"budget": self.budget}
        return entry | (self.open.as_json() if self.open else {})


@dataclass(frozen=True)
class CampaignStatus:
    """Where a campaign stands, and what is next.

    groups : on which side they are; None if there are none
    missing_class : as `notify.missing_class`
    params_wait : params.yaml differs from what the last round opened with
    waiting : changed answers that wait, of closed rounds
    mlflow : address of the curves
    rollbacks : where it was rolled back to, in order; rolled_back : what that means, in words
    """

    campaign: str
    counts: Counts
    cohorts: tuple[CohortStatus, ...]
    missing_class: float
    rounds: tuple[RoundStatus, ...]
    params_wait: bool
    waiting: tuple[WaitingChanges, ...]
    mlflow: str | None
    next: str
    groups: Sides | None = None
    rollbacks: tuple[Rollback, ...] = ()
    rolled_back: tuple[str, ...] = ()

    def as_json(self) -> dict[str, Any]:
        """The status as plain values, for programs."""
        return {
            "campaign": self.campaign,
            **asdict(self.counts),
            "cohorts": [asdict(cohort) for cohort in self.cohorts],
            **({"groups": asdict(self.groups)} if self.groups else {}),
            "missing_class": self.missing_class,
            "rounds": [entry.as_json() for entry in self.rounds],
            "params_wait": self.params_wait,
            "waiting": [asdict(changes) for changes in self.waiting],
            "mlflow": self.mlflow,
            "next": self.next,
            "rollbacks": [asdict(rollback) for rollback in self.rollbacks],
        }


def status(snapshot: Snapshot) -> CampaignStatus:
    """The campaign: rounds with state, labels and accuracy, and what is next."""
    closed = [_closed(snapshot, number) for number in snapshot.closed]
    at_work = [] if snapshot.state is State.DUE else [_at_work(snapshot)]
    look = at_work[0].open if at_work else None
    return CampaignStatus(
        campaign=snapshot.config.campaign.name,
        counts=_counts(snapshot),
        cohorts=_cohorts(snapshot),
        groups=sides(snapshot),
        missing_class=snapshot.config.notify.missing_class,
        rounds=(*closed, *at_work),
        params_wait=_params_wait(snapshot),
        waiting=corrected_labels.waiting(correction_decisions.undecided(snapshot)),
        mlflow=tracking_uri.of_campaign(snapshot.campaign),
        next=next_step.find(snapshot, look.progress, away=look.away)
        if look
        else next_step.find(snapshot),
        rollbacks=tuple(snapshot.records.rollbacks()),
        rolled_back=tuple(campaign_rollback.lines(snapshot)),
    )


def _params_wait(snapshot: Snapshot) -> bool:
    """True if params.yaml differs from what the last round opened with."""
    begun = snapshot.number > 0 or snapshot.state is not State.DUE
    return begun and git.changed(snapshot.campaign.root, "params.yaml")


def _counts(snapshot: Snapshot) -> Counts:
    campaign = snapshot.campaign
    if not campaign.has_samples:
        return Counts()
    numbers = sample_files.counted(campaign.samples) or [0]  # which is missing, and told so
    counts = [snapshot.records.manifest_counts(number) for number in numbers]
    labels = snapshot.records.labels().values()
    holdout = snapshot.records.holdout()
    return Counts(
        pool=sum(cohort.pool for cohort in counts),
        holdout=sum(cohort.holdout for cohort in counts),
        labels=sum(label.label is not None for label in labels),
        bought=sum(label.source != OWNED for label in labels) + len(holdout),
        again=len(skipped_samples.waiting(snapshot)),
        withdrawn=len(snapshot.records.withdrawn().samples),
    )


def _cohorts(snapshot: Snapshot) -> tuple[CohortStatus, ...]:
    """The cohorts, those that wait for the next round too."""
    records = snapshot.records
    if not snapshot.campaign.has_samples:
        return ()
    measured = [n for n in snapshot.lineage.standing if records.metrics(n).cohorts]
    figures = (records.metrics(measured[-1]).cohorts or {}) if measured else {}
    counting = sample_files.counted(snapshot.campaign.samples)
    known = {cohort.number: cohort for cohort in records.cohorts().cohorts}
    found = []
    for number in sample_files.cohort_numbers(snapshot.campaign.samples):
        counts, cohort = records.manifest_counts(number), figures.get(f"{number:03d}")
        found.append(
            CohortStatus(
                number=number,
                at=known[number].at if number in known else "",
                pool=counts.pool,
                holdout=counts.holdout,
                counts=number in counting,
                accuracy=cohort.accuracy if cohort else None,
                measured=cohort.holdout if cohort else None,
                drift=_drift(snapshot.campaign, number),
                unusual=_unusual(snapshot.campaign, number),
            )
        )
    return tuple(found)


def sides(snapshot: Snapshot) -> Sides | None:
    """On which side each group is, those of cohorts that wait among them.

    The groups of samples that came in before `ingest.group` was set are found by it.
    """
    rule, campaign = snapshot.config.ingest.group, snapshot.campaign
    if not campaign.has_samples:
        return None
    numbers = sample_files.cohort_numbers(campaign.samples)
    if rule is None and not any(snapshot.records.manifest_counts(n).grouped for n in numbers):
        return None  # no sample is read, of which there may be a million
    samples = snapshot.records.samples(which="all")
    if rule is None:
        return sample_groups.sides(samples)
    names = GroupNames(rule, campaign.root)
    return sample_groups.sides(samples, lambda s: s.named_groups or names.of(s))


def _drift(campaign: Campaign, cohort: int) -> Drift | None:
    path = campaign.drift(cohort)
    return Drift.read(path) if path.exists() else None


def _unusual(campaign: Campaign, cohort: int) -> str | None:
    sheet = campaign.unusual_sheet(cohort)
    return sheet.relative_to(campaign.root).as_posix() if sheet.exists() else None


def _closed(snapshot: Snapshot, number: int) -> RoundStatus:
    metrics = snapshot.records.metrics(number)
    state = "cancelled" if metrics.cancelled else str(State.CLOSED)
    return RoundStatus(
        round=number,
        state=state if number in snapshot.lineage.standing else ROLLED_BACK,
        strategy=metrics.strategy,
        stood_in=_stood_in(snapshot, number),
        labels=metrics.labels,
        accuracy=metrics.accuracy,
        measured=metrics.holdout,
        holdout=snapshot.records.plan(number).holdout,
        groups=metrics.groups,
        people=metrics.people,
        preannotation=metrics.preannotation.campaign,
        corrections=metrics.corrections,
    )


def _at_work(snapshot: Snapshot) -> RoundStatus:
    plan = snapshot.records.plan(snapshot.number)
    return RoundStatus(
        round=snapshot.number,
        state=str(snapshot.state),
        strategy=plan.strategy,
        stood_in=_stood_in(snapshot, snapshot.number),
        labels=plan.labels,
        budget=plan.budget,
        open=_open(snapshot) if snapshot.state is State.OPEN else None,
    )


def _stood_in(snapshot: Snapshot, number: int) -> str | None:
    """Who picked in place of the strategy, before a model had anything to say."""
    if not snapshot.records.has(number, round_states.SELECTION):
        return None
    return snapshot.records.selection(number).stood_in


def _open(snapshot: Snapshot) -> OpenRound:
    url = snapshot.records.pushed(snapshot.number).url
    try:
        progress = round_closing.progress(snapshot, pushed_tasks.backend(snapshot))
    except (ServiceDown, ServiceRefused) as error:
        away = isinstance(error, ServiceDown)
        return OpenRound(url, None, problem=str(error), away=away)
    waiting = corrected_labels.waiting(changed_answers.seen(snapshot))
    return OpenRound(url, progress, altered=altered_tasks.summary_line(snapshot), waiting=waiting)
