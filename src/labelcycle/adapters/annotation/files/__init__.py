"""A file of the campaign as the place where tasks and answers are: no server, accounts or pages.

It is `.labelcycle/annotation.sqlite3`. Answers come from simulated people (`labelcycle annotate`)
and out of tables (`labelcycle answer`).

No table is read here, and no simulated person answers.
"""

from labelcycle.adapters.annotation.files.files_backend import FilesBackend
from labelcycle.adapters.local.health import Line
from labelcycle.adapters.ports import AnnotationBackend
from labelcycle.campaign.campaign_paths import Campaign
from labelcycle.errors import LabelcycleError

TITLE = "the campaign's files"

NEXT = "fill in what `labelcycle tasks` lists, or run `labelcycle annotate`"


def connect(campaign: Campaign) -> AnnotationBackend:
    """The backend of a campaign."""
    return FilesBackend(campaign)


def page_origin() -> str | None:
    """There are no pages."""
    return None


def checks(campaign: Campaign) -> list[Line]:
    """Whether the file can be used."""
    backend = FilesBackend(campaign)
    try:
        backend.check()
    except LabelcycleError as error:
        return [("tasks and answers", False, str(error), "mend this first")]
    there = str(backend.path) if backend.path.exists() else "no file yet; round 0 makes it"
    return [("tasks and answers", True, there, "")]
