"""The stage pretrain in other processes: two under torchrun, and one that is killed."""

import os
import random
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
import yaml

from labelcycle import store
from labelcycle.encoder_files import load_encoder
from labelcycle.running import run_stage

OPTIONS = {"epochs": 30, "batch": 4, "width": 4, "components": 6}
PARAMS = {
    "campaign": {"classes": ["a", "b"], "seed": 7},
    "pretrain": {"encoder": "smallconv", "threads": 1, "options": OPTIONS},
}
ENVIRONMENT = {**os.environ, "OMP_NUM_THREADS": "1"}
ENVIRONMENT.pop("MLFLOW_TRACKING_URI", None)

# Saves after every step, so that a kill at any moment may meet a write.
PRETRAIN = """
import sys
from pathlib import Path
from labelcycle.running import run_stage
from labelcycle.stages import fitting
fitting.SAVE_EVERY_S = 0.0
run_stage("pretrain", Path(sys.argv[1]), lambda step: print(step.step, flush=True))
"""


@pytest.fixture
def campaign(small_campaign: store.Campaign) -> store.Campaign:
    small_campaign.params.write_text(yaml.safe_dump(PARAMS))
    return small_campaign


def files(campaign: store.Campaign) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in campaign.encoder.iterdir()}


@pytest.mark.slow
def test_killed_at_any_moment_and_started_again_gives_the_same_files(
    campaign: store.Campaign, tmp_path: Path
) -> None:
    unbroken = store.Campaign(tmp_path / "unbroken")
    shutil.copytree(campaign.root, unbroken.root)
    run_stage("pretrain", unbroken.root, lambda step: None)
    rng = random.Random()
    kills, steps = 0, []
    while True:
        words = [sys.executable, "-c", PRETRAIN, str(campaign.root)]
        with subprocess.Popen(words, env=ENVIRONMENT, stdout=subprocess.PIPE, text=True) as process:
            assert process.stdout is not None
            steps.append(int(process.stdout.readline()))
            if kills < 3:
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


@pytest.mark.slow
def test_torchrun_trains_one_encoder_in_two_processes(campaign: store.Campaign) -> None:
    launch = [sys.executable, "-m", "torch.distributed.run", "--standalone", "--nproc-per-node=2"]
    words = ["-m", "labelcycle", "--campaign", str(campaign.root), "stage"]
    done = subprocess.run(
        [*launch, *words, "pretrain"], env=ENVIRONMENT, capture_output=True, text=True, timeout=300
    )
    assert done.returncode == 0, done.stderr
    assert load_encoder(campaign.encoder).width == 6
    assert not list(campaign.checkpoints.glob("*"))
    refused = subprocess.run(
        [*launch, *words, "embed"], env=ENVIRONMENT, capture_output=True, text=True, timeout=300
    )
    assert refused.returncode != 0
    assert "stage embed runs in one process: wanted no torchrun" in refused.stderr
