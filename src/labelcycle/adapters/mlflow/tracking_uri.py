"""Where MLflow is, and the address of its page about a campaign. Nothing is asked for here."""

import os
import re
from pathlib import Path

from labelcycle.adapters.address_logins import without_login
from labelcycle.campaign import json_files
from labelcycle.campaign.campaign_paths import Campaign

VARIABLE = "MLFLOW_TRACKING_URI"
KEY = "labelcycle.campaign"
"""Tag of an experiment and of a registered model: whose they are."""

VIEW = "workflowType=machine_learning"
"""Part of an address without which MLflow's page is about traces of language models."""


def absolute(uri: str, base: Path) -> str:
    """The address with the folder or database that it names made absolute.

    Stages run in the campaign's folder, commands where the user is: both are to mean one place.
    """
    path = re.match(r"(sqlite:///|file:(?!/)|)(?!/|databricks|[a-z0-9+-]+:)(.+)", uri)
    if path is None:
        return uri
    whole = (base / path[2]).resolve()
    return f"sqlite:///{whole}" if path[1].startswith("sqlite") else whole.as_uri()


def served(uri: str) -> bool:
    """True if an address is that of a server, which has pages."""
    return uri.startswith(("http://", "https://"))


def page(uri: str, experiment: str | None = None) -> str:
    """The page with the curves and runs of an experiment, or that of all experiments.

    Of a place that is no server: that place, which MLflow's own command shows.
    """
    if not served(uri):
        return f"{without_login(uri)} (mlflow ui --backend-store-uri shows it)"
    root = f"{without_login(uri).rstrip('/')}/#/experiments"
    if experiment is None:
        return f"{root}?{VIEW}"
    return f"{root}/{experiment}/runs?{VIEW}&compareRunsMode=CHART"


def artifacts(uri: str) -> str | None:
    """Where files of runs go if a database is used without a server: beside it.

    MLflow's own choice is a folder wherever the command was started. None: MLflow chooses.
    """
    sqlite_path = re.fullmatch(r"sqlite:///(/[^?]*)(\?.*)?", uri)
    return Path(sqlite_path[1]).with_name("mlartifacts").as_uri() if sqlite_path else None


def remember(campaign: Campaign, address: str) -> None:
    """Keep where the campaign's curves are, for whoever is shown a link."""
    json_files.write_json(
        campaign.curves,
        {"server": without_login(os.environ.get(VARIABLE, "")), "address": address},
    )


def of_campaign(campaign: Campaign) -> str | None:
    """The page of the campaign's curves, None without MLflow.

    Before anything was logged there that of all experiments.
    """
    uri = os.environ.get(VARIABLE)
    if not uri:
        return None
    kept = json_files.read_json(campaign.curves) if campaign.curves.exists() else {}
    return str(kept["address"]) if kept.get("server") == without_login(uri) else page(uri)
