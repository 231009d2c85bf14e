"""Every precondition of a campaign, for `labelcycle doctor`: name, well or not, found, remedy."""

import shutil
from collections.abc import Iterator
from pathlib import Path

from labelcycle.adapters import health, local_servers
from labelcycle.cycle import standing
from labelcycle.errors import LabelcycleError
from labelcycle.store import Campaign, read_samples

Line = health.Line
MIN_FREE_GB = 2.0


def all_checks(root: Path) -> Iterator[Line]:
    """A line for each precondition, the cheap ones first."""
    yield _program("git", "install git")
    yield _disk(root)
    try:
        now = standing.read(root)
        yield "campaign", True, f"{now.config.campaign.name}, round {now.number} is {now.state}", ""
    except LabelcycleError as error:
        yield "campaign", False, str(error), "mend this first"
    else:
        try:
            standing.ready(root)
            yield "tree, settings, closed rounds", True, "as they must be", ""
        except LabelcycleError as error:
            yield "tree, settings, closed rounds", False, str(error), "mend this, then ask again"
        yield from _images(Campaign(root))
    try:
        yield "Label Studio's program", True, str(local_servers.find_label_studio()), ""
    except LabelcycleError as error:
        yield "Label Studio's program", False, str(error), "only needed for `labelcycle up`"
    yield from health.check()


def _program(name: str, remedy: str) -> Line:
    found = shutil.which(name)
    return name, found is not None, found or "not on PATH", remedy


def _disk(root: Path) -> Line:
    free = shutil.disk_usage(root).free / 1e9
    return "disk", free >= MIN_FREE_GB, f"{free:.1f} GB free", f"free {MIN_FREE_GB:g} GB or more"


def _images(campaign: Campaign) -> Iterator[Line]:
    if not campaign.samples.exists():
        return
    samples = read_samples(campaign.samples)
    present = {path.name for path in campaign.images.glob("*")}
    missing = [sample.file for sample in samples if sample.file not in present]
    detail = f"{len(missing)} of {len(samples)} are missing" if missing else f"{len(samples)}"
    yield "images", not missing, detail, "run `dvc checkout` or `dvc pull`"
