"""What comes into a campaign: it is made, gets images, and labels that are owned already."""

import contextlib
import shutil
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

from labelcycle import config
from labelcycle.adapters import git, lock, private_folder
from labelcycle.adapters.dvc import commands, tracked_files
from labelcycle.campaign import label_csv, labels, layout
from labelcycle.campaign.atomic_files import PART, write_bytes
from labelcycle.campaign.campaign_paths import OWNED, Campaign
from labelcycle.campaign.label_files import write_labels
from labelcycle.campaign.round_states import State
from labelcycle.core.counted_nouns import counted
from labelcycle.cycle import unrecorded_images
from labelcycle.errors import StateError
from labelcycle.ingest import ingest_images, ingest_report, sources
from labelcycle.nn import encoders
from labelcycle.nn.progress import Progress
from labelcycle.rounds import campaign_key, plug_in_options, trusted_places
from labelcycle.rounds.snapshots import (
    COMMITTED,
    Snapshot,
    check_frozen,
    check_rolled_back,
    check_safe,
    check_withdrawn,
    present_time,
    read,
)
from labelcycle.stages import declaration

LINES = (
    # Bytes are digested: git must not turn the ends of lines, put a name in, or keep a pointer of
    # git-lfs, as people's own attributes for all their repositories may have it.
    (".gitattributes", "* -text -ident -filter"),
    (".gitignore", f"/{layout.PRIVATE}/"),
    (".gitignore", f"*{PART}"),
    # DVC says so too late for an ingest that was killed. By `*/` it would ignore data/images, too,
    # and with it the .dvc files there: no image would be pushed or pulled.
    (".gitignore", f"/{layout.IMAGES}/[0-9]*/"),
    (".dvcignore", f"*{PART}"),
)
SETUP = (".dvc", ".dvcignore", ".gitignore", ".gitattributes")
GROWN = (layout.DATA,)
"""What the commit of a later cohort holds: a round that is half way commits the rest itself."""
LEFT = {".git", layout.PRIVATE, *SETUP}
"""What an `init` that was killed may leave before params.yaml stands."""


def init(root: Path, settings: config.Config | None = None) -> Campaign:
    """A campaign in `root`: git, DVC, params.yaml, dvc.yaml, .gitignore, first commit.

    In a campaign that is there already, only what belongs to labelcycle itself (dvc.yaml) is
    printed anew; settings and data stay as they are. What a failed one made is removed; one that
    was killed can be run again.
    """
    campaign = Campaign(root)
    if not (campaign.root / ".git").exists():
        outer = git.enclosing(campaign.root)
        if outer:
            raise StateError(
                f"{campaign.root} is inside the git repository {outer}: wanted a folder outside of"
                " it, for that one would keep nothing of the campaign; choose another folder, or"
                f" write /{campaign.root.relative_to(outer.resolve())}/ into {outer / '.gitignore'}"
            )
    with _new(campaign.root):
        _make(campaign, settings)
    return campaign


def half_made(root: Path, settings: config.Config) -> bool:
    """Whether an `init` with just these settings was killed here: the next one goes on with it."""
    campaign = Campaign(root)
    same = campaign.params.read_bytes() == config.print_params(settings).encode()
    return same and (root / ".git").exists() and git.committed(root, layout.IDENTITY) is None


@contextlib.contextmanager
def _new(root: Path) -> Iterator[None]:
    """The folder `root`; what was not there before goes again if the block fails."""
    missing = [path for path in (root, *root.parents) if not path.exists()]
    empty = bool(missing) or not any(root.iterdir())
    root.mkdir(parents=True, exist_ok=True)
    try:
        yield
    except BaseException:
        if missing:
            shutil.rmtree(missing[-1])
        elif empty:
            for path in root.iterdir():
                shutil.rmtree(path) if path.is_dir() else path.unlink()
        raise


def _make(campaign: Campaign, settings: config.Config | None) -> None:
    names = [path.name for path in campaign.root.iterdir()]
    others = [name for name in names if name not in LEFT and not name.endswith(PART)]
    if others and not campaign.params.exists():
        raise StateError(
            f"{campaign.root} is not empty: wanted a new folder for the campaign, got"
            f" {counted(len(others), 'file')} such as {min(others)}; name another one, images"
            " come in by `labelcycle ingest`"
        )
    tracked_files.check_links(campaign.root)
    private_folder.secure(campaign)
    git.init(campaign.root)
    git.check_usable(campaign.root)
    tracked_files.check_data(campaign.root)
    git.check_identity(campaign.root)
    with lock.exclusive(campaign.lock):
        commands.init(campaign.root)
        if not campaign.params.exists():
            write_bytes(campaign.params, config.print_params(settings).encode())
        write_bytes(campaign.dvc_yaml, declaration.print_dvc_yaml().encode())
        if not campaign.schema.exists():
            labels.write_migrations(campaign, ())
        for name, line in LINES:
            _add_line(campaign.root / name, line)
        if git.committed(campaign.root, f"{layout.LABELS}.dvc") is not None:
            printed = ("dvc.yaml", "schema.json", *SETUP)
            git.commit(campaign.root, printed, "Print the pipeline anew")
        else:
            trusted_places.check(campaign)  # a new campaign, so what it names is said here
            for file in (campaign.label_file(OWNED), campaign.holdout):
                if not file.exists():
                    write_labels(file, [])
            _track(campaign, [layout.LABELS, layout.HOLDOUT], "New campaign", SETUP)
        campaign_key.record(campaign)  # it is the beginning of the first commit's id
        git.commit(campaign.root, [layout.IDENTITY], "Name the campaign")


def _add_line(path: Path, line: str) -> None:
    present = path.read_text(encoding="utf-8") if path.exists() else ""
    if line not in present.splitlines():
        write_bytes(path, f"{present}{line}\n".encode())


def add_images(
    root: Path,
    paths: Sequence[str],
    show: Callable[[Progress], None],
    *,
    follow_links: bool = False,
) -> ingest_report.Report:
    """Ingest images and commit them; from the first plan on they wait for the next one."""

    def find(campaign: Campaign) -> sources.Found:
        return sources.given(campaign, paths, follow_links=follow_links)

    return _add_images(root, find, show)


def add_images_again(root: Path, show: Callable[[Progress], None]) -> ingest_report.Report:
    """Ingest what is new at the sources that were given before, and commit it.

    Raises StateError if they came along with a clone and nobody confirmed them.
    """
    trusted_places.check_sources(Campaign(root))
    return _add_images(root, sources.again, show)


def _add_images(
    root: Path, find: Callable[[Campaign], sources.Found], show: Callable[[Progress], None]
) -> ingest_report.Report:
    snapshot, begun = _checked(root)
    campaign, settings = snapshot.campaign, snapshot.config
    report = ingest_images.ingest(
        campaign, find(campaign), settings.ingest, settings.campaign.seed, show, present_time()
    )
    message = (
        f"Ingest: {counted(report.pool, 'sample')} in the pool, {report.holdout} in the hold-out"
    )
    if report.cohort:
        message += f"\n\nCohort {report.cohort}: {counted(report.added, 'image')}"
    new = unrecorded_images.folders(campaign, report.cohort, begun=begun)
    # Manifests first: killed in between, the folder without a record tells that both are due.
    due = [layout.SAMPLES, *new] if new or not begun else []
    due += _named_file(campaign, settings)
    if due:
        commands.add(campaign.root, due)
    git.commit(campaign.root, GROWN if begun else COMMITTED, message)
    _push(campaign)
    return report


def _named_file(campaign: Campaign, settings: config.Config) -> list[str]:
    """The file that the encoder's options name, if DVC has yet to get it: else git would keep it.

    A list of one or none.
    """
    chosen = settings.pretrain
    if chosen.encoder == encoders.AUTO:  # which is never a file
        return []
    ready_made = encoders.get_ready_made(chosen.encoder)
    usual = getattr(ready_made.Options(), "file", None) if ready_made else None
    name = chosen.options.get("file", usual)
    due = isinstance(name, str) and plug_in_options.in_data(campaign, name)
    return [name] if due and not (campaign.root / f"{name}.dvc").exists() else []


def _checked(root: Path) -> tuple[Snapshot, bool]:
    """Where the campaign stands, and whether a round began: fit for a commit of what came in."""
    snapshot = read(root)
    campaign = snapshot.campaign
    check_safe(campaign)
    check_withdrawn(snapshot)
    trusted_places.note_sources(campaign)
    begun = snapshot.state is not State.DUE or snapshot.number > 0
    if begun:
        git.check_head(campaign.root, None)
    check_rolled_back(snapshot)
    check_frozen(snapshot)  # the commit would make what changed the right one
    return snapshot, begun


def forget_source(root: Path, text: str) -> str:
    """Have `ingest --again` look no more at a source, and commit that; the source's path."""
    snapshot, begun = _checked(root)
    path = sources.forget(snapshot.campaign, text)
    git.commit(root, GROWN if begun else COMMITTED, f"Ingest: forget the source {path}")
    return path


def _push(campaign: Campaign) -> None:
    """Bring what was committed to the remote, where a clone of the commit asks for its data.

    All that lacks there goes: a step that was killed may not have come so far.
    """
    if commands.has_remote(campaign.root):
        commands.push(campaign.root)


def add_labels(root: Path, file: Path) -> label_csv.ImportReport:
    """Import labels that are owned already and commit them."""
    snapshot = read(root)
    check_safe(snapshot.campaign)
    check_withdrawn(snapshot)
    report = label_csv.import_labels(snapshot.campaign, file, snapshot.config.classes)
    due = [layout.LABELS, *_named_file(snapshot.campaign, snapshot.config)]
    _track(snapshot.campaign, due, f"Import labels: {report.accepted} accepted")
    _push(snapshot.campaign)
    return report


def _track(
    campaign: Campaign, paths: Sequence[str], message: str, more: Sequence[str] = ()
) -> None:
    commands.add(campaign.root, paths)
    git.commit(campaign.root, (*COMMITTED, *more), message)
