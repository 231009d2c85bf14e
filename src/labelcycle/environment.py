"""What the environment tells labelcycle and the tools it uses; set before they are imported."""

import os
from pathlib import Path

from labelcycle.adapters import mlflow_place, services
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
    if uri := os.environ.get(mlflow_place.VARIABLE):
        os.environ[mlflow_place.VARIABLE] = mlflow_place.absolute(uri, Path.cwd())
    services.load_environment(campaign)
    os.environ.setdefault("PREFECT_HOME", str(campaign.private / "prefect"))
    for name, value in PREFECT.items():
        os.environ.setdefault(name, value)
    for name in ("NO_PROXY", "no_proxy"):  # what runs here is not asked for through a proxy
        here = [*filter(None, os.environ.get(name, "").split(",")), "127.0.0.1", "localhost"]
        os.environ[name] = ",".join(dict.fromkeys(here))
    return campaign
