"""Closed rounds, told to a tracker with the files as they were closed."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager

from labelcycle import config
from labelcycle.adapters import git
from labelcycle.adapters.dvc import commands, locked_digests
from labelcycle.adapters.mlflow import tracking_uri
from labelcycle.adapters.ports import ClosedRound, DataSet, RoundFolders, Tracker
from labelcycle.campaign import layout, round_states
from labelcycle.campaign.campaign_paths import Campaign
from labelcycle.campaign.records.metrics_record import Metrics
from labelcycle.campaign.records.plan_record import Plan
from labelcycle.campaign.records.round_records import RoundRecords
from labelcycle.cycle.past_rounds import restored
from labelcycle.rounds.snapshots import Snapshot


@contextmanager
def closed_round(snapshot: Snapshot, number: int) -> Iterator[ClosedRound]:
    """What a tracker is told of a closed round; files in it live as long as the context."""
    tag = round_states.round_tag(number)
    targets = (layout.MODEL, layout.ENCODER, layout.FIGURES)
    with _as_closed(snapshot, tag, targets) as campaign:
        records = RoundRecords(campaign, snapshot.memory)
        plan, metrics = records.plan(number), records.metrics(number)
        # The tag's files have what was withdrawn since.
        own = snapshot.campaign if snapshot.records.withdrawn().samples else campaign
        yield ClosedRound(
            campaign=snapshot.config.campaign.name,
            key=snapshot.key,
            tag=tag,
            commit=git.head(snapshot.campaign.root, tag),
            params=config.load(campaign.params, parts=False).model_dump(mode="json"),
            data=_data(campaign, plan, metrics),
            plan=plan,
            metrics=metrics,
            folders=RoundFolders(
                record=own.round(number),
                figures=campaign.figures,
                model=campaign.model,
                encoder=campaign.encoder,
            ),
        )


@contextmanager
def _as_closed(snapshot: Snapshot, tag: str, targets: tuple[str, ...]) -> Iterator[Campaign]:
    """The campaign as of a tag: its own folder if all there is as of then, else a restored clone.

    After a close it is, and nothing needs to be copied.
    """
    own = snapshot.campaign
    same = git.head(own.root, tag) == git.head(own.root) and not git.dirty(own.root, ())
    if same and locked_digests.match(own.root, targets):
        yield own
    else:
        with restored(snapshot, tag, targets) as rebuilt:
            yield rebuilt


def _data(campaign: Campaign, plan: Plan, metrics: Metrics) -> dict[str, DataSet]:
    """The data sets of a round: the file, its digest then, and its rows.

    Of the pool it is the plan's, of labels DVC's: DVC's of all manifests would be another with each
    cohort that waits.
    """
    kept = {
        name: DataSet(file, commands.recorded(campaign.root, file), rows)
        for name, file, rows in (
            ("labels", layout.LABELS, metrics.labels),
            ("hold-out", layout.HOLDOUT, metrics.holdout or 0),
        )
    }
    return {"pool": DataSet(layout.SAMPLES, plan.digests.pool, plan.pool), **kept}


def log_missing(snapshot: Snapshot, tracker: Tracker, say: Callable[[str], None]) -> str | None:
    """Tell the tracker of each closed round that it lacks; where they are seen, if there were any.

    The address is kept in the campaign's private folder.
    """
    name = snapshot.config.campaign.name
    logged = tracker.logged(snapshot.key, name)
    tracking_uri.remember(snapshot.campaign, tracker.address(snapshot.key, name))
    new = False
    for number in snapshot.closed:
        if number not in logged and not snapshot.records.metrics(number).cancelled:
            say(f"round {number}: logging in MLflow")
            with closed_round(snapshot, number) as closed:
                tracker.log_round(closed)
            new = True
    standing = snapshot.lineage.standing
    trained = [n for n in standing if not snapshot.records.metrics(n).cancelled]
    if trained and len(standing) < len(snapshot.closed):
        tracker.appoint(snapshot.key, name, trained[-1])
    return tracking_uri.of_campaign(snapshot.campaign) if new else None
