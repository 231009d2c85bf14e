"""Every precondition of a campaign, for `labelcycle doctor`: name, well or not, found, remedy."""

import contextlib
import shutil
from collections.abc import Iterator
from pathlib import Path

from labelcycle.adapters import annotation, cors, s3
from labelcycle.adapters.dvc import commands, object_store
from labelcycle.adapters.local import health
from labelcycle.adapters.ports import Address
from labelcycle.campaign.campaign_paths import Campaign
from labelcycle.campaign.round_states import State
from labelcycle.campaign.sample_files import Which, read_samples
from labelcycle.core.counted_nouns import counted
from labelcycle.cycle import campaign_status, encoder_choice, round_opening, task_images
from labelcycle.errors import LabelcycleError
from labelcycle.nn import encoders
from labelcycle.rounds import lease, snapshots
from labelcycle.rounds.snapshots import Snapshot
from labelcycle.stages import ready_made_features
from labelcycle.stages.pretrain import Options as PretrainOptions

MIN_FREE_GB = 2.0


def all_checks(root: Path) -> Iterator[health.Line]:
    """A line for each precondition, the cheap ones first."""
    yield _program("git", "install git")
    yield _disk(root)
    backend = annotation.DEFAULT
    try:
        snapshot = snapshots.read(root)
        yield (
            "campaign",
            True,
            f"{snapshot.config.campaign.name}, round {snapshot.number} is {snapshot.state}",
            "",
        )
    except LabelcycleError as error:
        yield "campaign", False, str(error), "mend this first"
    else:
        try:
            snapshots.ready(root, memory=snapshot.memory)
            yield "tree, settings, closed rounds", True, "as they must be", ""
        except LabelcycleError as error:
            yield "tree, settings, closed rounds", False, str(error), "mend this, then ask again"
        yield _lease(root)
        yield from _data_remote(root)
        yield from _images(Campaign(root))
        yield from _withdrawn(snapshot)
        yield from _encoder(snapshot)
        yield from _groups(snapshot)
        yield from _budget(snapshot)
        yield from _shown(snapshot)
        backend = snapshot.config.push.backend
    yield from annotation.get(backend).checks(Campaign(root))
    for name, well, state, remedy in health.check():
        optional = well is None and annotation.service(backend) is None
        yield name, optional or well, f"{state}, and not needed" if optional else state, remedy


def _lease(root: Path) -> health.Line:
    try:
        well, state, remedy = lease.described(Campaign(root))
    except LabelcycleError as error:
        return "lease", False, str(error), "mend this, then ask again"
    return "lease", well, state, remedy


def _program(name: str, remedy: str) -> health.Line:
    program_path = shutil.which(name)
    return name, program_path is not None, program_path or "not on PATH", remedy


def _disk(root: Path) -> health.Line:
    free = shutil.disk_usage(root).free / 1e9
    return "disk", free >= MIN_FREE_GB, f"{free:.1f} GB free", f"free {MIN_FREE_GB:g} GB or more"


def _data_remote(root: Path) -> Iterator[health.Line]:
    """Whether DVC's remote, if there is one, is where a close pushes to."""
    try:
        names = commands.without_default(root)
    except LabelcycleError:  # said already, with the tree
        return
    if names:
        remedy = f"run `dvc remote default {names[0]}` and commit .dvc/config"
        yield "data remote", False, f"{', '.join(names)}: none is DVC's default one", remedy


def _images(campaign: Campaign) -> Iterator[health.Line]:
    if not campaign.has_samples:
        return
    samples = read_samples(campaign.samples, which="all")
    found = campaign.images.glob("*/*")
    present = {path.relative_to(campaign.images).as_posix() for path in found}
    missing = [sample.file for sample in samples if sample.file not in present]
    detail = f"{len(missing)} of {len(samples)} are missing" if missing else f"{len(samples)}"
    yield "images", not missing, detail, "run `dvc checkout` or `labelcycle pull`"


def _withdrawn(snapshot: Snapshot) -> Iterator[health.Line]:
    """Whether anything is left of withdrawn samples, as in a clone that only pulled."""
    held = snapshot.records.withdrawn().objects
    if not held:
        return
    root = snapshot.campaign.root
    try:
        stores = (object_store.cache(root), object_store.remote(root))
        there = [(store.kind, len(store.present(held))) for store in stores if store]
    except LabelcycleError as error:
        yield "withdrawn samples", False, str(error), "mend this, then ask again"
        return
    found = [f"DVC's {kind} has {counted(n, 'object')} with some of them" for kind, n in there if n]
    said = "; ".join(found) or "none is in DVC's cache or remote"
    remedy = "run `labelcycle withdraw` without a sample" if found else ""
    yield "withdrawn samples", not found, said, remedy


def _encoder(snapshot: Snapshot) -> Iterator[health.Line]:
    """What auto stands for; the file of features or weights, as `pretrain` reads it."""
    chosen = snapshot.config.pretrain
    key = "pretrain.options.file" if chosen.weights is None else "pretrain.weights"
    if chosen.encoder == encoders.AUTO:
        try:
            choice = encoder_choice.certain(snapshot)
        except LabelcycleError as error:
            yield "pretrain.encoder", False, str(error), "mend this before the next round"
            return
        if choice is None:
            yield "pretrain.encoder", True, "auto: the next open chooses one, which then stays", ""
            return
        said = f"auto: the next open takes {choice.encoder}: {choice.reason}"
        yield "pretrain.encoder", True, said, ""
        found = {"encoder": choice.encoder, "options": choice.options}
        chosen = chosen.model_copy(update=found)
    try:
        named = encoders.options_of(chosen.encoder, chosen.options)
    except LabelcycleError:  # said already, with the settings
        return
    file = getattr(named, "file", None)
    if file is None or not snapshot.campaign.has_samples:
        return
    name = f"{key}, {file}"
    try:
        with contextlib.chdir(snapshot.campaign.root):
            yield name, True, _read(snapshot, chosen, file), ""
    except LabelcycleError as error:
        yield name, False, str(error), "mend this, then ask again"


def _read(snapshot: Snapshot, chosen: PretrainOptions, file: str) -> str:
    """What the file holds, in words. Raises DataError as the stage `pretrain` would."""
    which: Which = "all" if snapshot.state is State.DUE else "counting"
    ready_encoder = ready_made_features.checked(
        snapshot.campaign, chosen.encoder, chosen.options, which
    )
    if ready_encoder is not None:
        return ready_made_features.described(ready_encoder)
    from labelcycle.nn import pretrained_weights  # torch

    weights = pretrained_weights.from_file(file, chosen.options.get("model", chosen.encoder))
    return f"{len(weights)} arrays of weights"


def _groups(snapshot: Snapshot) -> Iterator[health.Line]:
    """Is each group whole in the hold-out or in the pool? Nothing where there are no groups."""
    most = snapshot.config.query.per_group
    found = campaign_status.sides(snapshot)
    if found is not None:
        remedy = (
            "what is measured on those is partly memory, and no split can be taken back: begin a"
            " new campaign with ingest.group, or do not count on the accuracy"
        )
        yield "groups", not found.both, found.summary_line(), "" if not found.both else remedy
    elif most is not None and snapshot.campaign.has_samples:
        said = f"{most}, and no sample has a group: only near copies count as one"
        yield "query.per_group", True, said, ""


def _budget(snapshot: Snapshot) -> Iterator[health.Line]:
    if snapshot.state is not State.DUE or not snapshot.campaign.has_samples:
        return  # what an open round asks for is settled
    try:
        left = round_opening.check_budget(snapshot)
        most = round_opening.most_picks(snapshot)
        said = f"{snapshot.config.query.budget} of {counted(left, 'sample', spec=',')} left"
        if most < snapshot.config.query.budget:
            per_group = snapshot.config.query.per_group
            why = "one of near twins a round" if per_group is None else "query.per_group"
            said += f"; {why} leaves {most} of them for the next round"
        yield "query.budget", True, said, ""
    except LabelcycleError as error:
        yield "query.budget", False, str(error), "mend this before the next round"


def _shown(snapshot: Snapshot) -> Iterator[health.Line]:
    """Can images that are elsewhere be had? The bucket is listed, one image asked for."""
    push = snapshot.config.push
    origin = annotation.get(push.backend).page_origin()
    if push.images == "media" or not snapshot.campaign.has_samples:
        return
    name = "push.images: source" if push.images == "source" else f"push.bucket, {push.bucket}"
    try:
        image = _one(snapshot)
        problem = image and cors.problem(image, origin)
    except LabelcycleError as error:
        yield name, False, str(error), "mend this, then ask again"
        return
    if problem:
        yield name, False, f"annotators may not see {problem.reason}", problem.remedy
    elif image is None:
        yield name, True, "nothing in it yet; a round's opening asks what browsers may load", ""
    else:
        summary_line = (
            "browsers may load it" if origin else "browsers' way is asked where there are pages"
        )
        yield name, True, f"{image.text}: {summary_line}", ""


def _one(snapshot: Snapshot) -> Address | None:
    """An image as browsers are shown it; None if the bucket holds none yet."""
    push = snapshot.config.push
    if push.images == "s3":
        address = s3.some(f"{push.bucket.rstrip('/')}/")
        return Address(address, push.presign_minutes) if address else None
    image = task_images.image(snapshot, read_samples(snapshot.campaign.samples)[0])
    return image if isinstance(image, Address) else None
