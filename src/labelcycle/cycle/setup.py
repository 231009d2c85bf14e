"""What stands before round 0: a new campaign, its pool, the labels owned already."""

from collections.abc import Callable, Sequence
from pathlib import Path

from labelcycle import config, ingest, labels, owned, pipeline, store
from labelcycle.adapters import dvc, git, lock
from labelcycle.core.seeding import derive
from labelcycle.cycle.standing import COMMITTED, read
from labelcycle.errors import StateError
from labelcycle.nn.progress import Progress
from labelcycle.store import PART, Campaign, write_bytes, write_labels

IGNORED = (
    (".gitignore", "/.labelcycle/"),
    (".gitignore", f"*{PART}"),
    (".dvcignore", f"*{PART}"),
)
SETUP = (".dvc", ".dvcignore", ".gitignore")


def init(root: Path, settings: config.Config | None = None) -> Campaign:
    """A campaign in `root`: git, DVC, params.yaml, dvc.yaml, .gitignore, first commit.

    In a campaign that is there already, only what belongs to labelcycle itself (dvc.yaml) is
    printed anew; settings and data stay as they are.
    """
    campaign = Campaign(root)
    campaign.root.mkdir(parents=True, exist_ok=True)
    others = [p.name for p in campaign.root.iterdir() if p.name not in (".git", ".labelcycle")]
    if others and not campaign.params.exists():
        raise StateError(
            f"{campaign.root} is not empty: wanted a new folder for the campaign, got"
            f" {len(others)} files such as {min(others)}; name another one, images come in by"
            " `labelcycle ingest`"
        )
    git.init(campaign.root)
    git.check_identity(campaign.root)
    with lock.exclusive(campaign.lock):
        dvc.init(campaign.root)
        if not campaign.params.exists():
            write_bytes(campaign.params, config.print_params(settings).encode())
        write_bytes(campaign.dvc_yaml, pipeline.print_dvc_yaml().encode())
        if not campaign.schema.exists():
            labels.write_migrations(campaign, ())
        for name, line in IGNORED:
            _ignore(campaign.root / name, line)
        if (campaign.data / "labels.dvc").exists():
            printed = ("dvc.yaml", "schema.json", *SETUP)
            git.commit(campaign.root, printed, "Print the pipeline anew")
        else:
            write_labels(campaign.label_file(store.OWNED), [])
            write_labels(campaign.holdout, [])
            _track(campaign, ["data/labels", "data/holdout.jsonl"], "New campaign", SETUP)
    return campaign


def _ignore(path: Path, line: str) -> None:
    present = path.read_text(encoding="utf-8") if path.exists() else ""
    if line not in present.splitlines():
        write_bytes(path, f"{present}{line}\n".encode())


def add_images(
    root: Path,
    paths: Sequence[str],
    show: Callable[[Progress], None],
    *,
    follow_links: bool = False,
) -> ingest.Report:
    """Ingest images into the pool and commit it."""
    standing = read(root)
    campaign, settings = standing.campaign, standing.config
    rng = derive(settings.campaign.seed, 0, "ingest")
    report = ingest.ingest(campaign, paths, settings.ingest, rng, show, follow_links=follow_links)
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
