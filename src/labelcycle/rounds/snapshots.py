"""Where a campaign stands, and whether it may be worked on."""

import datetime
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path

from labelcycle import config
from labelcycle.adapters import git
from labelcycle.adapters.dvc import commands, tracked_files
from labelcycle.campaign import layout, round_states
from labelcycle.campaign.atomic_files import remove_parts
from labelcycle.campaign.campaign_paths import OWNED, Campaign
from labelcycle.campaign.json_files import value_digest
from labelcycle.campaign.labels import rounds_apart
from labelcycle.campaign.records.plan_record import Plan
from labelcycle.campaign.records.pool_record import PoolRecord
from labelcycle.campaign.records.pushed_record import Pushed
from labelcycle.campaign.records.rollback_record import Rollback
from labelcycle.campaign.records.round_records import Memory, RoundRecords
from labelcycle.campaign.round_states import State
from labelcycle.config import Config
from labelcycle.core.counted_nouns import counted
from labelcycle.core.digests import digest, file_digest
from labelcycle.errors import DataError, StateError, ToolFailed
from labelcycle.rounds import campaign_key, plug_in_options, round_lineage, trusted_places
from labelcycle.rounds.round_lineage import Lineage
from labelcycle.stages import declaration

OWN_PATHS = (
    "rounds/",
    "data/",
    "work/",
    "dvc.lock",
    "dvc.yaml",
    "params.yaml",
    "code.json",
    "schema.json",
    "again.json",
    ".dvc/config",
    ".gitignore",
    ".gitattributes",
)
"""What the campaign writes itself; changes there never count as a dirty tree."""

RESULTS = ("rounds", "data", "work", "dvc.lock", "code.json")
"""What the commit that closes a round holds (of data and work: the .dvc files and .gitignore)."""
COMMITTED = (*RESULTS, "dvc.yaml", "params.yaml", "schema.json", "again.json")
"""What the commit that opens a round holds: changed settings take effect with it."""


@dataclass(frozen=True)
class Snapshot:
    """A campaign at one moment: its settings, the round at work and that round's state.

    memory : the records that were read already, which a renewed snapshot has, too
    """

    campaign: Campaign
    config: Config
    tags: frozenset[str]
    number: int
    state: State
    memory: Memory = field(default_factory=Memory, repr=False, compare=False)

    @cached_property
    def records(self) -> RoundRecords:
        """The records of the rounds, and the labels."""
        return RoundRecords(self.campaign, self.memory)

    @cached_property
    def key(self) -> str:
        """What names the campaign in Label Studio and MLflow: the same in every clone."""
        return campaign_key.of(self.campaign.root)

    @property
    def folder(self) -> Path:
        """Folder of the round at work."""
        return self.campaign.round(self.number)

    @property
    def closed(self) -> range:
        """Numbers of the closed rounds."""
        return range(self.number)

    @cached_property
    def lineage(self) -> Lineage:
        """The closed rounds that the round at work stands on; all, if none was rolled back."""
        return round_lineage.before(self.records.rollbacks(), self.number)

    @property
    def finished(self) -> int:
        """Number of closed rounds that count against `campaign.rounds`.

        All but cancelled ones, and those that were rolled back.
        """
        standing = self.lineage.standing
        return sum(not self.records.metrics(number).cancelled for number in standing)


def present_time() -> str:
    """The present time in UTC, ISO 8601, whole seconds."""
    return datetime.datetime.now(datetime.UTC).isoformat(timespec="seconds")


def read(root: Path, memory: Memory | None = None) -> Snapshot:
    """Where the campaign in `root` stands. Raises StateError if it is none, or not all of one.

    memory : records that were read before
    """
    campaign = Campaign(root)
    git.check_usable(campaign.root)
    settings = config.load(campaign.params, parts=False)
    tags = git.tags(campaign.root)
    number = round_states.current(tags)
    folder = campaign.round(number)
    files = {path.name for path in folder.iterdir()} if folder.exists() else set()
    if campaign.label_file(number).exists():
        files.add(round_states.LABELS)
    missing = round_states.missing_tag(number, files, tags)
    if missing:
        raise StateError(
            f"{campaign.root} lacks the tag {missing}, though that step of the round was taken:"
            " wanted the tags of all rounds, for they say which are closed; run"
            " `git fetch --tags`, or bring them from where the campaign was copied"
        )
    state = round_states.state(number, files, tags)
    return Snapshot(campaign, settings, tags, number, state, memory or Memory())


def renewed(snapshot: Snapshot) -> Snapshot:
    """Where the same campaign stands by now; no record is read again that stayed the same."""
    return read(snapshot.campaign.root, snapshot.memory)


def ready(
    root: Path,
    *,
    parts: bool = True,
    memory: Memory | None = None,
    withdrawing: bool = False,
) -> Snapshot:
    """Like `read`, once it is sure that a step may be taken: tree clean, closed rounds intact.

    For the holder of the campaign's lock: what killed writes left behind is swept away.

    parts : check the own options of encoder, strategy and learner too, which may import torch;
        not needed for a step that computes nothing
    memory : records that were read before
    withdrawing : for the step that ends what a killed withdrawal began; no other may come between
    """
    snapshot = read(root, memory)
    campaign = snapshot.campaign
    check_safe(campaign)
    sweep(campaign)
    if not withdrawing:
        check_withdrawn(snapshot)
    _ = snapshot.config.classes
    if parts:
        plug_in_options.checked(campaign, snapshot.config)
    git.check_identity(campaign.root)
    last = round_states.round_tag(snapshot.number - 1) if snapshot.number else None
    record = f"{layout.ROUNDS}/{snapshot.number - 1:03d}/{round_states.METRICS}"
    git.check_head(campaign.root, last, record)
    changed = git.dirty(campaign.root, OWN_PATHS)
    if changed:
        raise StateError(
            f"the git tree is dirty: wanted no uncommitted changes, got {', '.join(changed[:5])}"
            f"{' ...' if len(changed) > 5 else ''}; commit them or put them back (git stash)"
        )
    if not campaign.has_samples:
        raise StateError(
            f"{campaign.samples} is missing; wanted the pool's samples; run"
            f" {brings_samples(campaign)}"
        )
    if campaign.dvc_yaml.read_text(encoding="utf-8") != declaration.print_dvc_yaml():
        raise StateError(
            "dvc.yaml is not the pipeline of this version of labelcycle;"
            " run `labelcycle init .` to print it anew, look at `git diff dvc.yaml`"
        )
    if not snapshot.records.withdrawn().unfinished:  # else some files are there without a sample
        for number in snapshot.closed:
            check_closed(snapshot.records, number)
        check_frozen(snapshot)
    _check_asked(snapshot)
    check_rolled_back(snapshot)
    check_classes(snapshot)
    return snapshot


def check_withdrawn(snapshot: Snapshot) -> None:
    """Raise StateError while the removal of a withdrawn sample is not finished."""
    unfinished = snapshot.records.withdrawn().unfinished
    if unfinished:
        raise StateError(
            f"the withdrawal of {counted(len(unfinished), 'sample')}, the first is"
            f" {unfinished[0].sample}, is not finished: wanted it finished before any other step;"
            " run `labelcycle withdraw` without a sample, which goes on with it"
        )


def brings_samples(campaign: Campaign) -> str:
    """The command that brings the samples of a campaign without any: a clone has yet to pull."""
    tracked = campaign.samples.with_name("samples.dvc").exists()
    return "`labelcycle pull`" if tracked else "`labelcycle ingest PATH...`"


def sweep(campaign: Campaign) -> None:
    """Remove what killed writes left behind. Only for the one who holds the campaign's lock."""
    for folder in (campaign.data, campaign.rounds, campaign.work):
        remove_parts(folder)


def check_safe(campaign: Campaign) -> None:
    """Raise StateError for what came along with a clone and must not be obeyed unasked."""
    tracked_files.check(campaign.root)
    trusted_places.check(campaign)
    commands.check_links(campaign.root)


def _check_asked(snapshot: Snapshot) -> None:
    """Raise DataError for a recorded task that is not this campaign's, wherever it was asked.

    What is done with a round's tasks would be done to those of another campaign.
    """
    for number in range(snapshot.number + 1):
        if not snapshot.records.has(number, round_states.PUSHED):
            continue
        for task in snapshot.records.pushed(number).tasks:
            key = f"{snapshot.key}/{number:03d}/{task.sample}"
            if task.key != key:
                path = snapshot.records.path(number, round_states.PUSHED)
                raise DataError(
                    f"{path}: wanted the key {key!r}, got {task.key!r}, a task of another"
                    f" campaign or round; restore it with `git checkout`"
                )


def check_rolled_back(snapshot: Snapshot) -> None:
    """Raise StateError if a rollback was not ended, or if other labels count than it says."""
    rollbacks = snapshot.records.rollbacks()
    if not rollbacks:
        return
    if half_rolled_back(snapshot):
        raise StateError(
            f"a rollback to {round_states.round_tag(rollbacks[-1].to)} was not ended: wanted it"
            f" whole; run `{rollback_command(rollbacks[-1])}` again"
        )
    counting = snapshot.lineage.counting
    wanted = [number for number in snapshot.closed if number not in counting]
    got = sorted(rounds_apart(snapshot.campaign))
    if got != wanted:
        raise StateError(
            f"{layout.LABELS_APART} is not as {layout.ROLLBACKS} has it: wanted the rounds"
            f" {wanted}, got {got}; put it back: dvc checkout {layout.LABELS}.dvc"
        )


def half_rolled_back(snapshot: Snapshot) -> bool:
    """Whether a rollback was begun and not ended: its commit is the last thing that it does."""
    path = snapshot.campaign.rollbacks
    if not path.exists():
        return False
    return git.committed(snapshot.campaign.root, layout.ROLLBACKS) != path.read_bytes()


def rollback_command(rollback: Rollback) -> str:
    """The command that does a rollback, or ends it."""
    return f"labelcycle rollback {round_states.round_tag(rollback.to)} --answers {rollback.answers}"


def check_frozen(snapshot: Snapshot) -> None:
    """Raise StateError if the pool, the hold-out or the owned labels are not as they were planned.

    Cohorts may come in at any time; what those before them hold never changes.
    """
    campaign, records = snapshot.campaign, snapshot.records
    if not records.has(0, round_states.PLAN):
        return
    withdrawn = records.withdrawn()
    owned = campaign.label_file(OWNED)
    wanted = withdrawn.now(records.plan(0).digests.owned)
    got = file_digest(owned) if owned.exists() else "no file"
    if got != wanted:
        raise StateError(
            f"{owned.relative_to(campaign.root)} changed since round 0, which froze it: wanted"
            f" digest {wanted}, got {got}; put it back: dvc checkout data/labels.dvc"
        )
    for name, wanted in _planned_cohorts(snapshot).items():
        path = campaign.samples / f"{name}.jsonl"
        got = file_digest(path) if path.exists() else "no file"
        if got != wanted:
            raise StateError(
                f"{path.relative_to(campaign.root)} changed since a round was planned with it,"
                f" which froze it: wanted digest {wanted}, got {got}; put it back: dvc checkout"
                f" {layout.SAMPLES}.dvc"
            )


def _planned_cohorts(snapshot: Snapshot) -> dict[str, str]:
    """The cohorts of the last plan, with the digest of each manifest as data/pool.json has it.

    Raises StateError if that file is another one than was planned with.
    """
    records = snapshot.records
    at_work = records.has(snapshot.number, round_states.PLAN)
    last = snapshot.lineage.last
    plan = records.plan(snapshot.number if at_work or last is None else last)
    pool = records.pool() or PoolRecord({}, {})
    # By number: a name becomes a path, and pool.json may have come along with a clone.
    names = [f"{number:03d}" for number in range(min(plan.cohorts, len(pool.cohorts)))]
    cohorts = {name: pool.cohorts.get(name, "none") for name in names}
    # Without a plan at work there may be more: one that was dropped let them count.
    got = pool_digest(pool.cohorts if at_work else cohorts)
    withdrawn = records.withdrawn()
    frozen = withdrawn.now(plan.digests.pool)
    if got != frozen:
        raise _changed_pool(plan, f"digest {frozen}", got)
    trained = {name: cohorts[name] for name in names[: plan.encoder]}
    # What was withdrawn since stays in the digests of what the encoder was trained on.
    encoder = {name: withdrawn.now(value) for name, value in pool.encoder.items()}
    if at_work and encoder != trained:
        wanted = f"an encoder of the cohorts {', '.join(trained)}, as they count"
        raise _changed_pool(plan, wanted, ", ".join(pool.encoder) or "none")
    return cohorts


def _changed_pool(plan: Plan, wanted: str, got: str) -> StateError:
    return StateError(
        f"{layout.POOL} changed since round {plan.round} was planned, which froze it: wanted"
        f" {wanted}, got {got}; put it back: git checkout -- {layout.POOL}"
    )


def pool_digest(cohorts: Mapping[str, str]) -> str:
    """Digest of the pool of a round: that of the manifests of its cohorts."""
    return value_digest(dict(cohorts))


def check_classes(snapshot: Snapshot) -> None:
    """Raise StateError if classes were added, renamed or removed in params.yaml by hand.

    Their order is free: it decides hot keys, and no label depends on it.
    """
    migrations = snapshot.records.migrations()
    if migrations:
        classes = migrations[-1].after
    elif snapshot.records.has(0, round_states.PLAN):
        classes = snapshot.records.plan(0).classes
    else:
        return
    if set(snapshot.config.classes) != set(classes):
        raise StateError(
            "params.yaml: campaign.classes is not what labels were given in: wanted"
            f" {', '.join(map(repr, classes))}, got"
            f" {', '.join(map(repr, snapshot.config.classes))}; put them back, then change them by"
            " `labelcycle schema add`, `rename`, `merge` or `remove`, which also says what becomes"
            " of the labels"
        )


def record_digests(campaign: Campaign, number: int) -> dict[str, str]:
    """Digest of each file of a round but `metrics.json`, which holds these digests."""
    paths = sorted(p for p in campaign.round(number).iterdir() if p.name != round_states.METRICS)
    paths = [p for p in paths if not p.name.startswith(".")] + [campaign.label_file(number)]
    return {str(path.relative_to(campaign.root)): file_digest(path) for path in paths}


def check_closed(records: RoundRecords, number: int) -> None:
    """Raise StateError that names the first file of a closed round that is not as it was closed."""
    campaign, tag = records.campaign, round_states.round_tag(number)
    metrics = campaign.round(number) / round_states.METRICS
    inside = str(metrics.relative_to(campaign.root))
    try:
        closed = digest(git.show(campaign.root, tag, inside))
    except ToolFailed as error:
        raise StateError(f"tag {tag} holds no {inside}: {error}") from error
    digests = {inside: closed}
    if _plain(metrics) and file_digest(metrics) == closed:
        digests |= _digests(records, number)
    withdrawn = records.withdrawn()
    for name, recorded in digests.items():
        value = withdrawn.now(recorded)
        path = campaign.root / name
        got = file_digest(path) if _plain(path) else "no file"
        if got != value:
            # The tag's own file would bring a withdrawn sample back.
            there = "HEAD" if value != recorded else tag
            remedy = (
                "dvc checkout data/labels"
                if name.startswith("data/")
                else f"git checkout {there} -- {name}"
            )
            raise StateError(
                f"{name} of the closed round {number} was changed: wanted digest {value}, got"
                f" {got}; put it back: {remedy}"
            )


def _digests(records: RoundRecords, number: int) -> dict[str, str]:
    """The digests that a closed round recorded, by file.

    Raises StateError for a name that `record_digests` does not write: any file of this computer
    could be read by it, one without an end, too.
    """
    campaign, path = records.campaign, records.path(number, round_states.METRICS)
    folder = str(path.parent.relative_to(campaign.root))
    labels = str(campaign.label_file(number).relative_to(campaign.root))
    digests = dict(records.metrics(number).digests)
    for name in digests:
        parent, _, file = name.rpartition("/")
        if name != labels and (parent != folder or file.startswith(".") or not file):
            raise StateError(
                f"{path}: digests has {name!r}; wanted files in {folder}/ and {labels} alone;"
                " whoever wrote it may be after files of yours: do not use this campaign"
            )
    return digests


def _plain(path: Path) -> bool:
    """Whether there is a file, and no link to one."""
    return path.is_file() and not path.is_symlink()


def last_push(campaign: Campaign) -> tuple[str, int] | None:
    """Backend and project that were pushed to last; None before round 0 is pushed."""
    pushed = sorted(campaign.rounds.glob(f"*/{round_states.PUSHED}"))
    return Pushed.read(pushed[-1]).place if pushed else None
