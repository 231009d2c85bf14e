"""Folders of images that DVC does not have as the manifests name them."""

from labelcycle.adapters.dvc import commands
from labelcycle.campaign import layout, sample_files
from labelcycle.campaign.campaign_paths import Campaign


def folders(campaign: Campaign, cohort: int | None = None, *, begun: bool) -> list[str]:
    """Folders of cohorts to be given to DVC, by number, as paths below the campaign's folder.

    A folder that DVC has is none of them: given again, a damaged image would become the right one.

    cohort : which has new images; None: whichever DVC lacks, for a command that was killed
    begun : from the first plan on, a cohort has its images once and for all
    """
    found = []
    for number in sample_files.cohort_numbers(campaign.samples):
        folder = f"{layout.IMAGES}/{number:03d}"
        recorded = commands.recorded_files(campaign.root, folder)
        late = recorded is None
        if not begun and not late:
            path = sample_files.manifest(campaign.samples, number)
            late = recorded != len(sample_files.read_manifest(path))
        if number == cohort or late:
            found.append(folder)
    return found
