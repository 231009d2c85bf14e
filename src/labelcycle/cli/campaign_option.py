"""What most commands begin with: the campaign, or the flows that work on it."""

import os
from pathlib import Path
from types import ModuleType
from typing import TYPE_CHECKING, Any

import click

if TYPE_CHECKING:
    from labelcycle.campaign.campaign_paths import Campaign


class GivenPath(click.Path):
    """A path that somebody typed: an empty text, as of an unset variable, is not this folder."""

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> Any:
        """The path. Raises click's error of usage for a text of blanks, or of nothing."""
        if not str(value).strip():
            self.fail(f"wanted a path, got {value!r}; write . for this folder", param, ctx)
        return super().convert(value, param, ctx)


class GivenText(click.types.StringParamType):
    """A text that somebody typed: an empty one, as of an unset variable, is not the default."""

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> str:
        """The text. Raises click's error of usage for one of blanks, or of nothing."""
        if not str(value).strip():
            self.fail(f"wanted a text, got {value!r}; leave the option out", param, ctx)
        return str(value)


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
    if "PREFECT_API_URL" not in os.environ:
        click.echo(
            "Prefect starts for this command alone, which takes some seconds; `labelcycle up` keeps"
            " one running",
            err=True,
        )
    from labelcycle_flows import rounds

    return rounds
