"""Runs one pure stage, as DVC calls it and as it is declared."""

import contextlib
import os
import threading
import time
from collections.abc import Callable
from contextlib import AbstractContextManager
from pathlib import Path
from typing import Any

from labelcycle import config
from labelcycle.adapters import lock, process_group, programs
from labelcycle.campaign.campaign_paths import Campaign
from labelcycle.config import Config
from labelcycle.core.seeding import derive
from labelcycle.nn import process_rank
from labelcycle.stages import declaration
from labelcycle.stages.declaration import Stage

ORPHANED = 70
"""Exit code of a stage whose runner died."""


def run_stage(name: str, root: Path, show: Callable[[Any], None]) -> None:
    """Run stage `name` in the campaign `root`: files in, files out, at fixed paths.

    The round, from which random draws derive, is the number of rounds whose labels are there.
    Where the settings ask for several processes, this one starts them and waits for them.
    """
    _end_with_runner()
    campaign = Campaign(root)
    settings = config.load(campaign.params, parts=False)
    stage = declaration.find(name)
    processes = settings.at(stage.processes) if stage.processes else 1
    if processes > 1 and process_rank.own() is None:
        _in_several(stage, campaign, processes)
        return
    # Two programs that compute in the same folder would overwrite each other's files.
    # Files that the settings name are relative to the campaign.
    with (
        _lock(campaign),
        contextlib.chdir(campaign.root),
    ):
        stage.load()(campaign, **_arguments(stage, campaign, settings, show))


def _arguments(
    stage: Stage, campaign: Campaign, settings: Config, show: Callable[[Any], None]
) -> dict[str, Any]:
    """What the function of a stage is called with beside the campaign."""
    found = {name: settings.at(key) for name, key in stage.settings.items()}
    if "rng" in found:
        number = sum(path.stem.isdigit() for path in campaign.labels.glob("*.jsonl"))
        found["rng"] = derive(found["rng"], number, stage.name)
    return {**found, "show": show} if stage.shows else found


def _in_several(stage: Stage, campaign: Campaign, processes: int) -> None:
    words = [*programs.MODULE, "labelcycle", "--campaign", str(campaign.root)]
    with _lock(campaign):
        words += ["stage", stage.name]
        process_group.run(words, processes, campaign.root, campaign.processes)


def _lock(campaign: Campaign) -> AbstractContextManager[None]:
    """The lock of stages; for one of several processes whoever started it holds the lock."""
    if process_rank.own() is not None:
        return contextlib.nullcontext()
    return lock.exclusive(campaign.stage_lock, wait_s=60.0)


def _end_with_runner() -> None:
    """End this process soon after the one that runs the campaign was killed.

    Otherwise a stage would go on computing for nobody, in the way of the next run.
    """
    token = os.environ.get(lock.RUNNER)
    if token is None:
        return

    def watch() -> None:
        while lock.runner_alive(token):
            time.sleep(1.0)
        os._exit(ORPHANED)

    threading.Thread(target=watch, daemon=True).start()
