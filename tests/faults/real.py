"""The real Label Studio as a place for trials."""

import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import httpx

from faults.rounds import Place
from faults.transport import FAULTS, PEOPLE, TOGETHER
from faults.trials import Outcome, all_steps
from labelcycle.adapters.local import services
from labelcycle.campaign.campaign_paths import Campaign


@contextmanager
def at(campaign: Campaign) -> Iterator[Place]:
    """The running Label Studio of a campaign."""
    with httpx.HTTPTransport() as network:
        found = services.environment(campaign)
        url, token = found["LABEL_STUDIO_URL"], found["LABEL_STUDIO_API_KEY"]
        yield Place(campaign.root / "campaigns", campaign.media, network, url, token)


@contextmanager
def server() -> Iterator[Place]:
    """A new Label Studio on a free port, stopped at the end."""
    with tempfile.TemporaryDirectory() as folder:
        campaign = Campaign(Path(folder))
        try:
            ports = {"label_studio": 0}
            services.up(campaign, only=["label_studio"], ports=ports, show=print)
            with at(campaign) as place:
                yield place
        finally:
            services.down(campaign)


def outcomes(place: Place) -> Iterator[Outcome]:
    """Every fault at every step of a whole round, a round a fault."""
    for name in (*FAULTS, *TOGETHER, *PEOPLE):
        yield all_steps(place, name)
