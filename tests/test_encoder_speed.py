"""The benchmark of the encoders' speed on the smallest settings."""

import json
import subprocess
import sys
from pathlib import Path

import pytest

pytestmark = pytest.mark.slow  # a process with torch for each row

PROGRAM = Path(__file__).parents[1] / "benchmarks" / "encoder_speed.py"
TINY = ["--batch", "2", "--side", "8", "--images", "6", "--steps", "1", "--repeats", "2"]


def test_rows_with_their_ratio_to_the_bare_network() -> None:
    done = subprocess.run(
        [sys.executable, PROGRAM, *TINY, "--threads", "1", "--json"],
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    rows = {row["what"]: row for row in json.loads(done.stdout)}
    ours = {f"{what} {whose}" for what in ("pretrain", "embed") for whose in ("bare", "labelcycle")}
    assert rows.keys() >= ours
    assert ("pretrain lightly" in rows) != ("lightly is not installed" in done.stderr)
    for name, row in rows.items():
        assert (row["network"], row["batch"], row["threads"]) == ("resnet18", 2, 1)
        assert row["images_per_s"] > 0
        assert len(row["images_per_s_of_each_turn"]) == 2
        assert row["device"]
        if name.endswith("bare"):
            assert row["ratio_to_bare"] == row["ratio_to_bare_cpu"] == 1
