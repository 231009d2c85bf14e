"""What stands before round 0: a new campaign, its pool, the labels owned already."""

from collections.abc import Callable, Sequence
from pathlib import Path

from labelcycle import config, ingest, owned, pipeline, store
from labelcycle.adapters import dvc, git
from labelcycle.core.seeding import derive
from labelcycle.cycle.standing import COMMITTED, read
from labelcycle.nn.progress import Progress
from labelcycle.store import Campaign, write_bytes, write_labels

IGNORED = "/.labelcycle/\n"
SETUP = (".dvc", ".dvcignore", ".gitignore")


def init(root: Path, settings: config.Config | None = None) -> Campaign:
    """A campaign in `root`: git, DVC, params.yaml, dvc.yaml, .gitignore, first commit.

    In a campaign that is there already, only what belongs to labelcycle itself (dvc.yaml) is
    printed anew; settings and data stay as they are.
    """
    campaign = Campaign(root)
    campaign.root.mkdir(parents=True, exist_ok=True)
    git.init(campaign.root)
    git.check_usable(campaign.root)
    dvc.init(campaign.root)
    if not campaign.params.exists():
        write_bytes(campaign.params, config.print_params(settings).encode())
    write_bytes(campaign.dvc_yaml, pipeline.print_dvc_yaml().encode())
    ignore = campaign.root / ".gitignore"
    present = ignore.read_text(encoding="utf-8") if ignore.exists() else ""
    if IGNORED not in present:
        write_bytes(ignore, (present + IGNORED).encode())
    for path in (campaign.label_file(store.OWNED), campaign.holdout):
        if not path.exists() and not path.parent.with_suffix(".dvc").exists():
            write_labels(path, [])
    _track(campaign, ["data/labels", "data/holdout.jsonl"], "New campaign", SETUP)
    return campaign


def add_images(root: Path, paths: Sequence[str], show: Callable[[Progress], None]) -> ingest.Report:
    """Ingest images into the pool and commit it."""
    standing = read(root)
    campaign, settings = standing.campaign, standing.config
    rng = derive(settings.campaign.seed, 0, "ingest")
    report = ingest.ingest(campaign, paths, settings.ingest, rng, show)
    message = f"Ingest: {report.pool} samples in the pool, {report.holdout} in the hold-out"
    _track(campaign, ["data/images", "data/samples.jsonl"], message)
    return report


def add_labels(root: Path, file: Path) -> owned.ImportReport:
    """Import labels that are owned already and commit them."""
    standing = read(root)
    report = owned.import_labels(standing.campaign, file, standing.config.classes)
    _track(standing.campaign, ["data/labels"], f"Import labels: {report.accepted} accepted")
    return report


def _track(
    campaign: Campaign, paths: Sequence[str], message: str, more: Sequence[str] = ()
) -> None:
    dvc.add(campaign.root, paths)
    git.commit(campaign.root, (*COMMITTED, *more), message)
