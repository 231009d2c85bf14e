"""Tiny campaigns: real git, real stages, the flows' own order of steps; no server."""

import shutil
from collections.abc import Callable
from copy import deepcopy
from pathlib import Path

import handmade_campaign
import numpy as np
import pytest
from handmade_campaign import HandmadeCampaign
from PIL import Image
from squares import CLASSES, SETTINGS, make_images
from stored_campaign import StoredCampaign, make
from watched import WatchedFiles

from labelcycle import config
from labelcycle.adapters import annotation, trust_record
from labelcycle.adapters.dvc import commands
from labelcycle.campaign.campaign_paths import Campaign
from labelcycle.cycle import new_campaign, run_stage
from labelcycle.stages import charts


@pytest.fixture(autouse=True)
def _identity(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("GIT_CONFIG_COUNT", "2")
    for i, (key, value) in enumerate({"user.name": "Test", "user.email": "t@localhost"}.items()):
        monkeypatch.setenv(f"GIT_CONFIG_KEY_{i}", key)
        monkeypatch.setenv(f"GIT_CONFIG_VALUE_{i}", value)


@pytest.fixture
def without_dvc(monkeypatch: pytest.MonkeyPatch) -> None:
    """DVC's part is left out: stages run in this process, nothing is cached; no charts."""
    for name in ("confusion", "per_class"):
        monkeypatch.setattr(charts, name, lambda *shown: b"chart")
    monkeypatch.setattr(commands, "init", lambda root: None)
    monkeypatch.setattr(commands, "add", lambda root, paths: None)
    monkeypatch.setattr(commands, "has_remote", lambda root: False)
    monkeypatch.setattr(
        commands,
        "repro",
        lambda root, *stages: [
            run_stage.run_stage(each, root, lambda step: None) for each in stages
        ],
    )


@pytest.fixture
def backend(tmp_path: Path) -> WatchedFiles:
    """The annotation backend that the flows get, in the folder of the campaign they work at."""
    return WatchedFiles(Campaign(tmp_path / "campaign"))


@pytest.fixture
def flows(monkeypatch: pytest.MonkeyPatch, backend: WatchedFiles):
    """The flows with Prefect taken out: the bare functions in their own order."""
    from labelcycle_flows import reports, rounds

    for name in ("reproduce", "push", "look", "pull", "log_rounds"):
        monkeypatch.setattr(rounds, name, getattr(rounds, name).fn)
    for name in ("open_round", "close_round", "collect"):
        monkeypatch.setattr(rounds, name, getattr(rounds, name).fn)
    monkeypatch.setattr(rounds, "_require_prefect", lambda: None)
    at = getattr(backend, "at", lambda campaign: backend)  # a real server is where it is
    monkeypatch.setattr(annotation, "of", lambda campaign, name: at(campaign))
    monkeypatch.delenv("MLFLOW_TRACKING_URI", raising=False)
    for name in ("create_link_artifact", "create_table_artifact", "_show_table"):
        monkeypatch.setattr(reports, name, lambda *shown, **artifact: None)
    return rounds


@pytest.fixture
def campaign(
    tmp_path: Path, without_dvc: None, tmp_path_factory: pytest.TempPathFactory
) -> Campaign:
    """A campaign of 24 samples in the pool and 6 in the hold-out; made once, copied each time."""
    template = tmp_path_factory.getbasetemp() / "template"
    if not template.exists():
        make_images(tmp_path / "images")
        made = new_campaign.init(tmp_path / "made", config.parse(SETTINGS))
        new_campaign.add_images(made.root, [str(tmp_path / "images")], lambda step: None)
        made.root.rename(template)
    shutil.copytree(template, tmp_path / "campaign")
    return Campaign(tmp_path / "campaign")


@pytest.fixture
def stored(
    tmp_path: Path, tmp_path_factory: pytest.TempPathFactory, _identity: None
) -> StoredCampaign:
    """A campaign with two closed rounds and real DVC data; made once, copied each time."""
    template = tmp_path_factory.getbasetemp() / "stored"
    if not template.exists():
        part = tmp_path_factory.mktemp("stored-part")
        make(part)
        part.rename(template)
    return StoredCampaign(template, tmp_path / "folder")


@pytest.fixture
def handmade(
    tmp_path: Path,
    tmp_path_factory: pytest.TempPathFactory,
    monkeypatch: pytest.MonkeyPatch,
    _identity: None,
) -> HandmadeCampaign:
    """Two closed rounds without a run of DVC; made once, copied each time; all counts as confirmed.

    A copy costs 15 ms, and each call of git 3 ms.
    """
    monkeypatch.setattr(trust_record, "check", lambda root, file, places: None)
    template = tmp_path_factory.getbasetemp() / "handmade"
    if not template.exists():
        part = tmp_path_factory.mktemp("handmade-part")
        handmade_campaign.make(part)
        part.rename(template)
    shutil.copytree(template, tmp_path / "folder")
    return HandmadeCampaign(tmp_path / "folder")


class Kept:
    """Campaigns that came to a state once, with what the annotation backend held then."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.backends: dict[str, WatchedFiles] = {}

    def bring(
        self, state: str, campaign: Campaign, backend: WatchedFiles, way: Callable[[], object]
    ):
        """Put a new campaign into `state`: by going the way once, by copying later."""
        if state not in self.backends:
            way()
            shutil.copytree(campaign.root, self.folder / state)
            self.backends[state] = deepcopy(backend)
        else:
            shutil.rmtree(campaign.root)
            shutil.copytree(self.folder / state, campaign.root)
            vars(backend).update(vars(deepcopy(self.backends[state])))
            backend.at(campaign)
        return campaign


@pytest.fixture(scope="session")
def kept(tmp_path_factory: pytest.TempPathFactory) -> Kept:
    return Kept(tmp_path_factory.mktemp("kept"))


@pytest.fixture
def opened(campaign: Campaign, flows, backend: WatchedFiles, kept: Kept) -> Campaign:
    """The campaign with round 0 open."""
    return kept.bring("opened", campaign, backend, lambda: flows.run(str(campaign.root)))


@pytest.fixture
def closed(opened: Campaign, flows, backend: WatchedFiles, answer_all, kept: Kept) -> Campaign:
    """The campaign with round 0 answered truthfully and closed."""

    def close() -> None:
        answer_all()
        flows.run(str(opened.root))

    return kept.bring("closed", opened, backend, close)


@pytest.fixture
def truth(campaign: Campaign) -> dict[str, str]:
    """True class by sample id: dark or light by the mean of the pixels."""
    from labelcycle.campaign.sample_files import read_samples

    found = {}
    for sample in read_samples(campaign.samples):
        with Image.open(campaign.images / sample.file) as image:
            found[sample.id] = CLASSES[int(np.asarray(image).mean() > 120)]
    return found


Answering = Callable[[], None]


@pytest.fixture
def answer_all(backend: WatchedFiles, truth: dict[str, str]) -> Answering:
    """Answers every open task truthfully."""

    def answer() -> None:
        done = {a.key for a in backend.answers}
        for key, task in sorted(backend.tasks.items()):
            if key not in done:
                backend.answer(key, truth[task.sample])

    return answer
