"""The flow that takes new images from the sources that were given before."""

from pathlib import Path

from prefect import flow

from labelcycle.adapters import git, lock
from labelcycle.campaign.campaign_paths import Campaign
from labelcycle.cycle import new_campaign
from labelcycle.rounds import lease, snapshots
from labelcycle_flows import run_names, send_notices
from labelcycle_flows.reports import say, unwatched

WAITS_S = 1800.0
"""For a round's step to end: the next look for images may be a day away."""


@flow(name="ingest-again", flow_run_name=run_names.flow_name("ingest"))
def ingest_again(folder: str) -> int:
    """Look at all sources again and take what is new; the number of new images.

    What comes in counts from the next plan on, so it does not matter what else is at work.
    """
    campaign = Campaign(Path(folder))
    git.check_usable(campaign.root)
    with (
        lock.exclusive(campaign.lock, wait_s=WAITS_S),
        send_notices.failures(campaign),
        lease.held(campaign, say),
    ):
        run_names.tag(snapshots.read(campaign.root))
        report = new_campaign.add_images_again(campaign.root, unwatched)
    for line in report.summary_lines():
        say(line)
    return report.added
