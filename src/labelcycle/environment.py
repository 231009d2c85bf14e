"""What the environment tells labelcycle and the tools it uses; set before they are imported."""

import os
from pathlib import Path

from labelcycle.adapters import dvc, dvc_files, git, services
from labelcycle.store import Campaign

PREFECT = {
    "PREFECT_LOGGING_LEVEL": "CRITICAL",
    "PREFECT_SERVER_ANALYTICS_ENABLED": "false",
    "DO_NOT_TRACK": "1",
    # The migrations of a first ephemeral server take longer than Prefect's 20 s.
    "PREFECT_SERVER_EPHEMERAL_STARTUP_TIMEOUT_SECONDS": "180",
}
"""For flows run by hand: errors are told in our words, once, and nothing is sent anywhere."""


def prepare(root: Path) -> Campaign:
    """The campaign's paths; addresses of its local services stand in the environment.

    What is set already wins.
    """
    campaign = Campaign(root)
    if (campaign.root / dvc.CONFIG).exists() and (campaign.root / ".git").exists():
        git.check_usable(campaign.root)
        dvc_files.check_local(campaign.root)
        campaign.private.mkdir(mode=0o700, exist_ok=True)
        dvc.keep_to_own_cache(campaign.root)
    os.environ["PYTHONSAFEPATH"] = "1"  # no program that we start takes modules from its folder
    services.load_environment(campaign)
    os.environ.setdefault("PREFECT_HOME", str(campaign.private / "prefect"))
    for name, value in PREFECT.items():
        os.environ.setdefault(name, value)
    for name in ("NO_PROXY", "no_proxy"):  # what runs here is not asked for through a proxy
        here = [*filter(None, os.environ.get(name, "").split(",")), "127.0.0.1", "localhost"]
        os.environ[name] = ",".join(dict.fromkeys(here))
    return campaign
