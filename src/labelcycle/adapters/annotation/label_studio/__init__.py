"""Label Studio as the place where people answer.

No server is started here (`adapters.local` does), and none of its answers is judged.
"""

import os
from collections.abc import Iterator

from labelcycle.adapters import cors
from labelcycle.adapters.annotation.label_studio import labeling_config, server_checks
from labelcycle.adapters.annotation.label_studio.label_studio_backend import LabelStudioBackend
from labelcycle.adapters.local import health, server_programs
from labelcycle.adapters.ports import AnnotationBackend
from labelcycle.campaign.campaign_paths import Campaign
from labelcycle.errors import LabelcycleError

TITLE = "Label Studio"

NEXT = "annotators press Label All Tasks"

SERVICE = "label_studio"

HOT_KEYS = labeling_config.HOT_KEYS


def connect(campaign: Campaign) -> AnnotationBackend:
    """The backend of a campaign. Raises ServiceDown or ServiceRefused without address or token."""
    return LabelStudioBackend(campaign)


def page_origin() -> str | None:
    """Where annotators' pages come from; None if Label Studio is off."""
    address = os.environ.get("LABEL_STUDIO_HOST") or os.environ.get("LABEL_STUDIO_URL")
    return cors.origin(address) if address else None


def checks(_campaign: Campaign) -> Iterator[health.Line]:
    """Whether the program is there that `labelcycle up` starts, and the server and its token."""
    try:
        yield "Label Studio's program", True, str(server_programs.find_label_studio()), ""
    except LabelcycleError as error:
        yield "Label Studio's program", False, str(error), "only needed for `labelcycle up`"
    yield from server_checks.check(os.environ)
