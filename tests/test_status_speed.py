"""`labelcycle status` is asked often: it must not wait for libraries that it does not need."""

import json
import subprocess
import sys
from pathlib import Path

import pytest
import status_speed

HEAVY = {"dvc", "mlflow", "pandas", "prefect", "scipy", "torch"}
LOADED = """
import json, sys
from labelcycle.cli.main import main
main()
print(json.dumps(sorted({name.partition(".")[0] for name in sys.modules})))
"""


def test_a_campaign_without_an_open_round_is_told_of_without_heavy_libraries(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("GIT_AUTHOR_NAME", "GIT_AUTHOR_EMAIL", "GIT_COMMITTER_NAME"):
        monkeypatch.setenv(name, "benchmark")
    monkeypatch.setenv("GIT_COMMITTER_EMAIL", "benchmark")
    campaign = status_speed.made_up(tmp_path, 2, 300)
    command = [sys.executable, "-c", LOADED, "-C", str(campaign.root), "status"]
    done = subprocess.run(command, capture_output=True, text=True)
    *told, loaded = done.stdout.splitlines()
    assert "200  0.900 (0.800 to 0.950)" in "\n".join(told), done.stderr
    assert HEAVY & set(json.loads(loaded)) == set()
