"""The servers of `labelcycle up` that attacks are played at, started once for all of them.

An attack works with a project, accounts and flows of its own there.
"""

import atexit
import tempfile
from functools import cache
from pathlib import Path

from labelcycle.adapters.local import services
from labelcycle.campaign.campaign_paths import Campaign

_chosen: list[Campaign] = []


def use(campaign: Campaign) -> None:
    """From here on, the servers of this campaign, which its owner stops."""
    _chosen[:] = [campaign]


@cache
def _own() -> Campaign:
    """A campaign for its servers alone, stopped at the end of this process."""
    kept = tempfile.TemporaryDirectory()
    campaign = Campaign(Path(kept.name))
    atexit.register(kept.cleanup)
    atexit.register(services.down, campaign)  # before that
    return campaign


def up(*names: str) -> tuple[Campaign, dict[str, str]]:
    """The campaign whose servers these are, and where they are, by variable."""
    campaign = _chosen[0] if _chosen else _own()
    services.up(campaign, only=names, ports=dict.fromkeys(names, 0), show=lambda _: None)
    return campaign, services.environment(campaign)
