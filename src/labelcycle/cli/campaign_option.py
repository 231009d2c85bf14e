"""What most commands begin with: the campaign, or the flows that work on it."""

from pathlib import Path
from types import ModuleType
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from labelcycle.campaign.store import Campaign


def campaign_in(root: Path) -> "Campaign":
    """The campaign in the folder `root`; the environment tells where its services are."""
    from labelcycle.adapters.local.environment import prepare

    return prepare(root)


def flows_of(root: Path) -> ModuleType:
    """The flows, ready for the campaign in `root`; StateError if that is no repository."""
    from labelcycle.adapters import git
    from labelcycle.adapters.local.environment import check_settings_here

    git.check_usable(root)
    check_settings_here()
    campaign_in(root)  # Prefect reads its settings when it is imported
    from labelcycle_flows import rounds

    return rounds
