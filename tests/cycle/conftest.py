"""Tiny campaigns: real git, real stages, the flows' own order of steps; no server."""

import shutil
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from fakes import FakeBackend
from PIL import Image

from labelcycle import config, running
from labelcycle.adapters import dvc
from labelcycle.cycle import setup
from labelcycle.stages import charts
from labelcycle.store import Campaign

CLASSES = ("dark", "light")
SETTINGS = {
    "campaign": {"name": "tiny", "classes": list(CLASSES), "rounds": 3, "open_next": False},
    "ingest": {"holdout": 6},
    "pretrain": {"encoder": "pixels"},
    "query": {"strategy": "typiclust", "budget": 4},
    "push": {"min_side": 32},
    "evaluate": {"bootstrap": 100},
}


@pytest.fixture(autouse=True)
def _identity(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("GIT_CONFIG_COUNT", "2")
    for i, (key, value) in enumerate({"user.name": "Test", "user.email": "t@localhost"}.items()):
        monkeypatch.setenv(f"GIT_CONFIG_KEY_{i}", key)
        monkeypatch.setenv(f"GIT_CONFIG_VALUE_{i}", value)


def make_images(folder: Path, count: int = 30) -> dict[str, str]:
    """Noisy dark and light squares; the true class by file name."""
    rng = np.random.default_rng(0)
    folder.mkdir(parents=True, exist_ok=True)
    truth = {}
    for _ in range(count):
        light = int(rng.integers(2))
        pixels = rng.integers(0, 90, (16, 16, 3)) + 150 * light
        name = f"{rng.integers(10**9):09d}.png"
        Image.fromarray(pixels.astype(np.uint8)).save(folder / name)
        truth[name] = CLASSES[light]
    return truth


@pytest.fixture
def without_dvc(monkeypatch: pytest.MonkeyPatch) -> None:
    """DVC's part is left out: stages run in this process, nothing is cached; no charts."""
    for name in ("confusion", "per_class"):
        monkeypatch.setattr(charts, name, lambda *shown: b"chart")
    monkeypatch.setattr(dvc, "init", lambda root: None)
    monkeypatch.setattr(dvc, "add", lambda root, paths: None)
    monkeypatch.setattr(dvc, "has_remote", lambda root: False)
    monkeypatch.setattr(
        dvc, "repro", lambda root, stage: running.run_stage(stage, root, lambda step: None)
    )


@pytest.fixture
def backend(monkeypatch: pytest.MonkeyPatch) -> FakeBackend:
    """The annotation backend that the flows get."""
    return FakeBackend()


@pytest.fixture
def flows(monkeypatch: pytest.MonkeyPatch, backend: FakeBackend):
    """The module flows.rounds with Prefect taken out: the bare functions in their own order."""
    from flows import reports, rounds, tasks

    for name in ("reproduce", "push", "look", "pull", "log_rounds"):
        monkeypatch.setattr(rounds, name, getattr(rounds, name).fn)
    for name in ("open_round", "close_round", "collect"):
        monkeypatch.setattr(rounds, name, getattr(rounds, name).fn)
    monkeypatch.setattr(rounds, "_require_prefect", lambda: None)
    for module in (rounds, tasks):
        monkeypatch.setattr(module, "LabelStudioBackend", lambda campaign: backend)
    monkeypatch.delenv("MLFLOW_TRACKING_URI", raising=False)
    for name in ("create_link_artifact", "create_table_artifact"):
        monkeypatch.setattr(reports, name, lambda **artifact: None)
    return rounds


@pytest.fixture
def campaign(
    tmp_path: Path, without_dvc: None, tmp_path_factory: pytest.TempPathFactory
) -> Campaign:
    """A campaign of 24 samples in the pool and 6 in the hold-out; made once, copied each time."""
    template = tmp_path_factory.getbasetemp() / "template"
    if not template.exists():
        make_images(tmp_path / "images")
        made = setup.init(tmp_path / "made", config.parse(SETTINGS))
        setup.add_images(made.root, [str(tmp_path / "images")], lambda step: None)
        made.root.rename(template)
    shutil.copytree(template, tmp_path / "campaign")
    return Campaign(tmp_path / "campaign")


@pytest.fixture
def truth(campaign: Campaign) -> dict[str, str]:
    """True class by sample id: dark or light by the mean of the pixels."""
    from labelcycle.store import read_samples

    found = {}
    for sample in read_samples(campaign.samples):
        with Image.open(campaign.images / sample.file) as image:
            found[sample.id] = CLASSES[int(np.asarray(image).mean() > 120)]
    return found


Answering = Callable[[], None]


@pytest.fixture
def answer_all(backend: FakeBackend, truth: dict[str, str]) -> Answering:
    """Answers every open task truthfully."""

    def answer() -> None:
        done = {a.key for a in backend.answers}
        for key, task in sorted(backend.tasks.items()):
            if key not in done:
                backend.answer(key, truth[task.sample])

    return answer
