"""A command that is asked often must not wait for libraries that it does not need."""

import json
import subprocess
import sys
from pathlib import Path

import pytest
import status_speed

COMPUTING = {"faiss", "matplotlib", "pandas", "scipy", "sklearn", "torch", "torchvision"}
ASKING = {"boto3", "dvc", "httpx", "label_studio_sdk", "mlflow", "prefect", "requests", "urllib3"}
LOADED = """
import json, sys
from labelcycle.cli.main import main
try:
    main()
finally:
    print(json.dumps(sorted({name.partition(".")[0] for name in sys.modules})))
"""


def loaded(*words: str) -> tuple[str, set[str]]:
    """What a command says, and the packages it has loaded then."""
    done = subprocess.run([sys.executable, "-c", LOADED, *words], capture_output=True, text=True)
    *told, names = done.stdout.splitlines()
    return "\n".join(told) or done.stderr, set(json.loads(names))


@pytest.fixture
def closed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> str:
    """The folder of a campaign whose two rounds are closed."""
    for who in ("AUTHOR", "COMMITTER"):
        monkeypatch.setenv(f"GIT_{who}_NAME", "benchmark")
        monkeypatch.setenv(f"GIT_{who}_EMAIL", "benchmark")
    return str(status_speed.made_up(tmp_path, 2, 300).root)


@pytest.mark.slow
def test_a_campaign_without_an_open_round_is_told_of_without_heavy_libraries(closed: str) -> None:
    told, names = loaded("-C", closed, "status")
    assert "200  0.900 (0.800 to 0.950)" in told
    assert names & (COMPUTING | ASKING) == set()


def test_help_loads_nothing_but_what_parses_the_command_line() -> None:
    told, names = loaded("--help")
    assert "Exit codes: 0 done" in told
    assert names & (COMPUTING | ASKING | {"PIL", "numpy", "pydantic", "yaml"}) == set()
