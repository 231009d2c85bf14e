"""The flow that reads back a share of what a campaign stores, once a day."""

from pathlib import Path

from prefect import flow

from labelcycle.adapters import git
from labelcycle.campaign.campaign_paths import Campaign
from labelcycle.cycle import storage_check, storage_findings
from labelcycle.errors import Busy
from labelcycle_flows import run_names, send_notices
from labelcycle_flows.reports import say, unwatched

SHARE = 0.15
"""What is read at a time: seven times that is all."""

EARLIEST_H = 20.0
"""Who restarts `serve` does not start over."""


@flow(name="check", flow_run_name=run_names.flow_name("check"))
def check(folder: str, share: float = SHARE) -> bool:
    """Read back a share of what is stored; True if it was read, False if the last is not long ago.

    Nothing is repaired. Damage makes the run fail, and whoever gets notices is told.
    """
    campaign = Campaign(Path(folder))
    git.check_usable(campaign.root)
    if storage_check.read_lately(campaign, EARLIEST_H):
        say(f"a check was made in the last {EARLIEST_H:g} hours")
        return False
    try:
        with send_notices.failures(campaign):
            outcome = storage_check.check(campaign.root, share, False, say, unwatched)
            storage_findings.raise_left(outcome, False)
    except Busy as busy:
        say(f"nothing is read today: {busy}")
        return False
    return True
