"""`labelcycle demo --quick`: three rounds, a table, and no server."""

import json
import os
import re
import subprocess
import sys
from pathlib import Path

import psutil
import pytest
from click.testing import CliRunner

from labelcycle.adapters import git
from labelcycle.campaign import contents
from labelcycle.cli import demo
from labelcycle.cli.main import cli
from labelcycle.errors import StateError

ROW = r"\s+{round}\s+{labels}  0\.\d{{3}} \(0\.\d{{3}} to \d\.\d{{3}}\)\s+0\.\d{{3}} ± 0\.\d{{3}}"
ELSEWHERE = {
    "PREFECT_API_URL": "http://127.0.0.1:9/api",  # nobody there: the quick demo must not ask
    "MLFLOW_TRACKING_URI": "http://127.0.0.1:9",
}


def test_the_sample_data_are_those_beside_the_sources() -> None:
    assert demo.sample_data() == Path(__file__).parents[1] / "examples" / "fashion"


@pytest.mark.parametrize("stop", [True, False])
def test_a_demo_that_breaks_off_stops_its_services_or_says_how(
    stop: bool, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def up(*arguments: object, **options: object) -> None:
        raise StateError("no port is free")

    stopped: list[object] = []
    monkeypatch.setattr(demo.new_campaign, "init", lambda root, settings: None)
    monkeypatch.setattr(demo, "ingest", lambda *arguments: None)
    monkeypatch.setattr(demo.services, "up", up)
    monkeypatch.setattr(demo.services, "down", lambda campaign, show: stopped.append(campaign))
    with pytest.raises(StateError, match="no port"):
        demo.run(tmp_path / "demo", stop=stop)
    assert len(stopped) == stop
    assert ("/demo down" in capsys.readouterr().err) is not stop


@pytest.mark.slow
def test_the_quick_demo_plays_three_rounds_and_leaves_no_server(tmp_path: Path) -> None:
    who = {
        f"GIT_{w}_{v}": "t@localhost" for w in ("AUTHOR", "COMMITTER") for v in ("NAME", "EMAIL")
    }
    done = subprocess.run(
        [sys.executable, "-m", "labelcycle", "demo", "--quick", "shown"],
        cwd=tmp_path, env={**os.environ, **ELSEWHERE, **who}, capture_output=True, text=True,
    )  # fmt: skip
    assert done.returncode == 0, done.stdout + done.stderr
    for number in range(3):
        row = ROW.format(round=number, labels=25 * (number + 1))
        assert re.search(rf"^{row}$", done.stdout, re.M), done.stdout
    assert re.search(
        r"^That took \d+ s, with no server to install or to stop\. ", done.stdout, re.M
    )
    assert done.stdout.count("logged in MLflow: sqlite:///") == 3
    root = tmp_path / "shown"
    assert git.tags(root) == {f"{kind}/{n:03d}" for kind in ("open", "round") for n in range(3)}
    assert json.loads((root / ".labelcycle" / "services.json").read_text())["services"] == {}
    check_contents(root)
    at_work = [p for p in psutil.process_iter(["environ"]) if str(root) in str(p.info["environ"])]
    assert at_work == []


def check_contents(root: Path) -> None:
    """Every file is explained, and kept where that says."""
    names = subprocess.run(["git", "ls-files"], cwd=root, capture_output=True, text=True)
    tracked = set(names.stdout.splitlines())
    paths = [path for path in root.rglob("*") if path.is_file() and ".git" not in path.parts]
    for name in (path.relative_to(root).as_posix() for path in paths):
        found = contents.entry(name)
        assert found, name
        assert (found.keeper == "git") == (name in tracked), name


def test_the_quick_demo_has_no_services_to_stop() -> None:
    result = CliRunner().invoke(cli, ["demo", "--quick", "--stop", "x"])
    assert result.exit_code == 2
    assert "--quick starts no services that --stop could stop" in result.output
