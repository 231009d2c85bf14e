"""The stage pretrain in other processes: two that share the work, and some that are killed."""

import os
import random
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import psutil
import pytest
from params import set_params

from labelcycle.campaign.campaign_paths import Campaign
from labelcycle.campaign.encoder_files import load_encoder
from labelcycle.cycle.run_stage import run_stage

OPTIONS = {"epochs": 30, "batch": 4, "width": 4, "components": 6}
PARAMS: dict[str, Any] = {
    "campaign": {"classes": ["a", "b"], "seed": 7},
    "pretrain": {"encoder": "smallconv", "threads": 1, "options": OPTIONS},
}
ENVIRONMENT = {**os.environ, "OMP_NUM_THREADS": "1"}
ENVIRONMENT.pop("MLFLOW_TRACKING_URI", None)

# Saves after every step, so that a kill at any moment may meet a write.
PRETRAIN = """
import sys
from pathlib import Path
from labelcycle.cycle.run_stage import run_stage
from labelcycle.stages import pretrain_training as fitting
fitting.SAVE_EVERY_S = 0.0
run_stage("pretrain", Path(sys.argv[1]), lambda step: print(step.step, flush=True))
"""


@pytest.fixture
def campaign(small_campaign: Campaign) -> Campaign:
    set_params(small_campaign.root, **PARAMS)
    return small_campaign


def files(campaign: Campaign) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in campaign.encoder.iterdir()}


@pytest.mark.slow
def test_killed_at_any_moment_and_started_again_gives_the_same_files(
    campaign: Campaign, tmp_path: Path
) -> None:
    unbroken = Campaign(tmp_path / "unbroken")
    shutil.copytree(campaign.root, unbroken.root)
    run_stage("pretrain", unbroken.root, lambda step: None)
    rng = random.Random()
    kills, steps = 0, []
    while True:
        words = [sys.executable, "-c", PRETRAIN, str(campaign.root)]
        with subprocess.Popen(words, env=ENVIRONMENT, stdout=subprocess.PIPE, text=True) as process:
            assert process.stdout is not None
            steps.append(int(process.stdout.readline()))
            if kills < 2:
                time.sleep(rng.uniform(0, 0.3))
                process.kill()
            process.stdout.read()
        if process.returncode == 0:
            break
        assert process.returncode == -signal.SIGKILL
        kills += 1
    assert steps == sorted(steps)
    if kills:
        assert steps[-1] > 1
    assert files(campaign) == files(unbroken)
    assert not list(campaign.checkpoints.glob("pretrain-*"))


@pytest.fixture
def shared(campaign: Campaign) -> Campaign:
    """Of two processes that train for longer than a test takes."""
    options = {**OPTIONS, "epochs": 10_000}
    set_params(campaign.root, pretrain={"processes": 2, "options": options})
    return campaign


def command(campaign: Campaign) -> list[str]:
    words = [sys.executable, "-m", "labelcycle", "--campaign", str(campaign.root)]
    return [*words, "stage", "pretrain"]


@contextmanager
def training(campaign: Campaign) -> Iterator[tuple[subprocess.Popen[str], list]]:
    """The stage in two processes, of which both are seen to train; whoever is left is killed."""
    with subprocess.Popen(
        command(campaign), env=ENVIRONMENT, stderr=subprocess.PIPE, text=True
    ) as parent:
        family: list[psutil.Process] = []

        def both() -> bool:
            assert parent.poll() is None, parent.stderr and parent.stderr.read()
            family[:] = psutil.Process(parent.pid).children(recursive=True)
            return len(family) == 2 and all(listening(p) for p in family)

        try:
            wait(both, 120)
            yield parent, family
        finally:
            for process in (*family, parent):
                try:
                    process.kill()
                except psutil.NoSuchProcess:
                    continue


def listening(process: psutil.Process) -> list[str]:
    """Addresses at which a process takes connections."""
    found = process.net_connections(kind="inet")
    return [c.laddr.ip for c in found if c.status == psutil.CONN_LISTEN]


def wait(done: Callable[[], bool], seconds: float) -> None:
    end = time.monotonic() + seconds
    while not done():
        assert time.monotonic() < end
        time.sleep(0.05)


def ended(process: psutil.Process) -> bool:
    try:
        return bool(process.status() == psutil.STATUS_ZOMBIE)
    except psutil.NoSuchProcess:
        return True


@pytest.mark.slow
def test_two_processes_train_one_encoder(campaign: Campaign) -> None:
    set_params(campaign.root, pretrain={"processes": 2})
    done = subprocess.run(
        command(campaign), env=ENVIRONMENT, capture_output=True, text=True, timeout=300
    )
    assert done.returncode == 0, done.stderr
    assert load_encoder(campaign.encoder).width == 6
    assert not list(campaign.checkpoints.glob("*"))
    assert not (campaign.private / "processes").exists()
    alone = files(campaign)["weights.safetensors"]
    set_params(campaign.root, pretrain={"processes": 1})
    run_stage("pretrain", campaign.root, lambda step: None)
    assert files(campaign)["weights.safetensors"] != alone  # batch norm saw half of each batch


@pytest.mark.slow
def test_several_processes_are_open_to_this_machine_alone(shared: Campaign) -> None:
    with training(shared) as (parent, family):
        assert not listening(psutil.Process(parent.pid))
        for process in family:
            assert set(listening(process)) == {"127.0.0.1"}
        folder = shared.private / "processes"
        assert [path.name for path in folder.iterdir()] == ["store"]
        assert folder.stat().st_mode & 0o077 == 0


@pytest.mark.slow
def test_one_that_dies_ends_the_others_with_an_error(shared: Campaign) -> None:
    with training(shared) as (parent, family):
        family[1].kill()
        assert parent.stderr is not None
        said = parent.stderr.read()
        assert parent.wait(30) == 1
        assert "of 2 ended with code" in said
        assert all(ended(process) for process in family)


@pytest.mark.slow
def test_whoever_started_them_is_killed_and_they_end(shared: Campaign) -> None:
    with training(shared) as (parent, family):
        parent.kill()
        parent.wait(30)
        wait(lambda: all(ended(process) for process in family), 10)
