"""What the environment tells labelcycle and the tools it uses; set before they are imported."""

import os
import secrets
import tomllib
from pathlib import Path

from labelcycle.adapters import git, private_folder
from labelcycle.adapters.dvc import commands, tracked_files
from labelcycle.adapters.local import services
from labelcycle.adapters.mlflow import tracking_uri
from labelcycle.campaign.campaign_paths import Campaign
from labelcycle.errors import StateError

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

    What is set already wins. Raises StateError if `.labelcycle` may be somebody else's.
    """
    campaign = Campaign(root)
    repository = (campaign.root / commands.CONFIG).exists() and (campaign.root / ".git").exists()
    if repository:
        git.check_usable(campaign.root)
        tracked_files.check_local(campaign.root)
    private_folder.secure(campaign)
    if repository:
        commands.keep_to_own_cache(campaign.root)
    if uri := os.environ.get(tracking_uri.VARIABLE):
        os.environ[tracking_uri.VARIABLE] = tracking_uri.absolute(uri, Path.cwd())
    services.load_environment(campaign)
    _close_ephemeral()
    private_folder.keep_compiled(campaign.private)
    os.environ.setdefault("PREFECT_HOME", str(campaign.prefect))
    for name, value in PREFECT.items():
        os.environ.setdefault(name, value)
    # Programs that we start take no modules from the folder we work in.
    os.environ["PYTHONSAFEPATH"] = "1"
    for name in ("NO_PROXY", "no_proxy"):  # what runs here is not asked for through a proxy
        here = [*filter(None, os.environ.get(name, "").split(",")), "127.0.0.1", "localhost"]
        os.environ[name] = ",".join(dict.fromkeys(here))
    return campaign


def _close_ephemeral() -> None:
    """Give a Prefect that only lives for this run a password, as `labelcycle up` gives its own.

    It uses the same database: what a page of the web writes there, served flows would run later.
    """
    if "PREFECT_API_URL" not in os.environ:
        login = f"labelcycle:{secrets.token_urlsafe(16)}"
        login = os.environ.setdefault("PREFECT_API_AUTH_STRING", login)
        os.environ["PREFECT_SERVER_API_AUTH_STRING"] = login
        os.environ["PREFECT_SERVER_CORS_ALLOWED_ORIGINS"] = ""


def check_settings_here() -> None:
    """Raise StateError if a file of the working folder would steer Prefect.

    It reads three. What came with a campaign could have it log in elsewhere, or run a program.
    """
    here = Path.cwd()
    named = [here / name for name in ("prefect.toml", ".env", "pyproject.toml")]
    for path in named:
        if path.exists() and _steers(path):
            raise StateError(
                f"{path} has settings of Prefect, which would come from whoever wrote that file;"
                " wanted them in the environment, or nowhere: remove them from the file, or work"
                " in another folder (labelcycle -C)"
            )


def _steers(path: Path) -> bool:
    try:
        text = path.read_text(encoding="utf-8")
        if path.name == ".env":
            return "prefect" in text.lower()
        return path.name == "prefect.toml" or "prefect" in tomllib.loads(text).get("tool", {})
    except (OSError, ValueError):  # neither can Prefect, which then ends with an error of its own
        return True
