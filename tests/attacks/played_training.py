"""What somebody else can do to a training while it runs."""

import json
import os
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import psutil
from squares import SETTINGS, make_images

from attacks import Try, attack, clones
from labelcycle import config
from labelcycle.cycle import new_campaign

SHARED = {
    "encoder": "smallconv",
    "threads": 1,
    "processes": 2,
    "options": {"epochs": 10_000, "batch": 4, "width": 4, "components": 6},
}


def _campaign(folder: Path, pretrain: dict[str, Any]) -> Path:
    make_images(folder / "images", 12)
    with clones.identity():
        made = new_campaign.init(
            folder / "campaign", config.parse({**SETTINGS, "pretrain": pretrain})
        )
        new_campaign.add_images(made.root, [str(folder / "images")], lambda step: None)
    return made.root


def _command(root: Path) -> list[str]:
    return [sys.executable, "-P", "-m", "labelcycle", "-C", str(root), "stage", "pretrain"]


@attack("another account prepares what torch.compile reads", slow=True)
def compiled_code(folder: Path) -> Iterator[Try]:
    own = {"epochs": 1, "batch": 4, "width": 4, "components": 6, "compile": True}
    root = _campaign(folder, {"encoder": "smallconv", "threads": 1, "options": own})
    temporary = folder / "tmp"
    temporary.mkdir()
    environment = {**os.environ, "OMP_NUM_THREADS": "1", "TMPDIR": str(temporary)}
    for name in ("TORCHINDUCTOR_CACHE_DIR", "TRITON_CACHE_DIR"):
        environment.pop(name, None)
    done = subprocess.run(_command(root), env=environment, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    private = root / ".labelcycle"
    assert list((private / "inductor").iterdir()), "nothing was compiled"
    yield Try("below /tmp", any(temporary.glob("torchinductor*")))
    yield Try("in the campaign", bool(private.stat().st_mode & 0o077))


@attack("whoever reaches the machine joins a pretraining in several processes", slow=True)
def open_training(folder: Path) -> Iterator[Try]:
    root = _campaign(folder, SHARED)
    environment = {**os.environ, "OMP_NUM_THREADS": "1"}
    with subprocess.Popen(_command(root), env=environment, stderr=subprocess.DEVNULL) as stage:
        try:
            seen = _listening(stage)
        finally:
            family = psutil.Process(stage.pid).children(recursive=True)
            for process in (*family, psutil.Process(stage.pid)):
                process.kill()
    assert seen, "nothing listened: the processes never met"
    outside = sorted(address for address, _ in seen if address not in ("127.0.0.1", "::1"))
    yield Try(f"from elsewhere, at {json.dumps(outside)}", bool(outside))
    yield Try("at a store of the process that started them", stage.pid in {pid for _, pid in seen})


def _listening(stage: subprocess.Popen[bytes]) -> set[tuple[str, int]]:
    """Addresses at which the stage's processes listen once two train, each with the process."""
    end = time.monotonic() + 120
    seen: set[tuple[str, int]] = set()
    while time.monotonic() < end:
        assert stage.poll() is None, "the stage ended"
        parent = psutil.Process(stage.pid)
        children = parent.children(recursive=True)
        each = {process.pid: _open(process) for process in (parent, *children)}
        seen |= {(address, pid) for pid, found in each.items() for address in found}
        if len(children) >= 2 and all(each[process.pid] for process in children):
            return seen
        time.sleep(0.1)
    return seen


def _open(process: psutil.Process) -> list[str]:
    try:
        found = process.net_connections(kind="inet")
    except psutil.NoSuchProcess:
        return []
    return [c.laddr.ip for c in found if c.status == psutil.CONN_LISTEN]
