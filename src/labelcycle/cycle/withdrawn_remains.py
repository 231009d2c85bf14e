"""What people are told before samples are withdrawn: which they are, and what of them stays."""

from collections.abc import Iterator, Sequence

from labelcycle.adapters import git
from labelcycle.adapters.dvc import commands
from labelcycle.adapters.dvc.object_store import ObjectStore
from labelcycle.campaign import layout
from labelcycle.campaign.sample_files import Sample
from labelcycle.core.counted_nouns import counted
from labelcycle.rounds import plug_in_options, stored_objects
from labelcycle.rounds.snapshots import Snapshot

SHOWN = 10

DATA = (f"{layout.FEATURES}/", f"{layout.IMAGES}/[0-9]*/*", f"{layout.SAMPLES}/")
"""What DVC keeps, and git has only where a run was killed before DVC said so."""


def lines(
    snapshot: Snapshot, samples: Sequence[Sample], stores: Sequence[ObjectStore]
) -> list[str]:
    """Lines on the samples, and on what a withdrawal does not reach.

    stores : DVC's cache, and its remote if there is one
    """
    found = [_sample(sample) for sample in samples[:SHOWN]]
    if len(samples) > SHOWN:
        found.append(f"and {len(samples) - SHOWN} more")
    return [
        *found,
        "what stays, and is yours to see to:",
        *(f"  {x}" for x in _stays(snapshot, samples, stores)),
    ]


def _sample(sample: Sample) -> str:
    places = ", ".join((sample.source, *sample.also))
    where = "hold-out" if sample.split == "holdout" else "pool"
    return f"{sample.id}, in the {where}: {places}"


def _stays(
    snapshot: Snapshot, samples: Sequence[Sample], stores: Sequence[ObjectStore]
) -> Iterator[str]:
    root = snapshot.campaign.root
    yield "the files that the images came from"
    by_mistake = git.commits_of(root, *DATA)
    yield (
        "git's history: ids, answers and labels of earlier commits, and features or images that a"
        f" killed run had committed, first in {by_mistake[-1][:12]}"
        if by_mistake
        else "git's history: ids, answers and labels of earlier commits, no pixels and no features"
    )
    if snapshot.number:
        yield "the weights that learned from them: of the encoder and of closed rounds' models"
    stored = stored_objects.read(root)
    elsewhere = set(stored.oids).difference(*(store.present(stored.oids) for store in stores))
    if elsewhere:
        rounds = stored_objects.rounds_text(set().union(*map(stored.needed_by, elsewhere)))
        yield (
            f"data of {rounds} that neither cache nor remote have here: if another computer has"
            " them, withdraw there"
        )
    gone = {sample.id for sample in samples}
    pictures = {sample.picture for sample in samples}
    everyone = snapshot.records.samples(which="all")
    twins = [s for s in everyone if s.picture in pictures and s.id not in gone]
    if twins:
        yield (
            f"{counted(len(twins), 'sample')} with nearly the same picture, such as {twins[0].id}:"
            " withdraw them, too, if they are meant"
        )
    settings = commands.settings(root)
    default = settings.get("core", {}).get("remote")
    others = sorted(name for name in settings.get("remote", {}) if name != default)
    if others:
        yield f"what DVC's other remotes have: {', '.join(others)}"
    if git.remotes(root):
        yield "clones and their caches: give `git pull` and `labelcycle withdraw` in each"
    for name in plug_in_options.named_files(snapshot.campaign, snapshot.config):
        yield f"their rows in {name}, which params.yaml names, and in its earlier versions"
    yield "backups"
