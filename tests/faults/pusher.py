"""A process that pushes one round: campaign's folder and name as arguments, to be killed."""

import sys
from pathlib import Path

from faults.rounds import CHUNK, PAGE, Place, Round
from labelcycle.adapters import label_studio_api
from labelcycle.adapters.annotation import label_studio
from labelcycle.adapters.annotation.label_studio import LabelStudioBackend
from labelcycle.store import Campaign

if __name__ == "__main__":
    folder, url, token, name = sys.argv[1:]
    environment = {"LABEL_STUDIO_URL": url, "LABEL_STUDIO_API_KEY": token}
    campaign = Campaign(Path(folder))
    backend = LabelStudioBackend(campaign, environment)
    label_studio_api.PAGE, label_studio.CHUNK = PAGE, CHUNK
    Round(Place(campaign, None, environment), name).push(backend)  # type: ignore[arg-type]
