"""The commands that set a campaign up: what `init` refuses, what `doctor` tells."""

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from click.testing import CliRunner
from params import set_params

from labelcycle import config
from labelcycle.adapters import git
from labelcycle.adapters.local import services
from labelcycle.campaign.campaign_paths import Campaign
from labelcycle.campaign.round_states import State
from labelcycle.cli import doctor_checks
from labelcycle.cli.main import cli
from labelcycle.cycle import new_campaign
from labelcycle.rounds.snapshots import Snapshot


def test_init_refuses_wrong_class_names_before_it_writes_anything(tmp_path):
    done = subprocess.run(
        [sys.executable, "-m", "labelcycle", "init", "abc", "--classes", "a,a"],
        cwd=tmp_path, capture_output=True, text=True,
    )  # fmt: skip
    assert done.returncode == 1
    assert "more than once" in done.stderr
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["ab"], "the folder's name, as --name is not given: campaign.name: wanted at least 3"),
        (["ab", "--classes", "a,b"], "--name is not given and --classes: campaign.name: wanted"),
        (["abc", "--name", "x"], "--name: campaign.name: wanted at least 3"),
    ],
)
def test_init_says_where_a_wrong_name_comes_from(words, said, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    result = CliRunner().invoke(cli, ["init", *words])
    assert said in str(result.exception)
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    ("found", "shown", "problem"),
    [
        ([("disk", True, "9 GB free", "")], ["ok   disk: 9 GB free"], None),
        (
            [("MLflow", None, "not running", "start it"), ("Prefect", None, "not running", "")],
            ["off  MLflow: not running -> start it", "off  Prefect: not running -> "],
            "not running: MLflow, Prefect; `labelcycle up` starts them",
        ),
        (
            [("git", False, "not on PATH", "install git"), ("MLflow", None, "not running", "x")],
            ["FAIL git: not on PATH -> install git", "off  MLflow: not running -> x"],
            "not running: MLflow; `labelcycle up` starts them; checks that failed: 1; each line"
            " above names its remedy",
        ),
    ],
)
def test_the_doctor_tells_what_failed_from_what_was_not_started(
    found, shown, problem, tmp_path, monkeypatch
):
    monkeypatch.setattr(doctor_checks, "all_checks", lambda root: found)
    result = CliRunner().invoke(cli, ["-C", str(tmp_path), "doctor"])
    assert result.output.splitlines() == shown
    assert result.exit_code == (1 if problem else 0)
    assert not problem or str(result.exception) == problem


@pytest.fixture
def in_files(tmp_path, monkeypatch):
    """A campaign without git whose tasks are in its files."""
    set_params(tmp_path, push={"backend": "files"})
    monkeypatch.setattr(git, "check_usable", lambda root: None)
    return str(tmp_path)


def test_a_backend_without_a_server_has_mlflow_and_prefect_started_alone(in_files, monkeypatch):
    wanted = []

    def up(campaign, *, host, only, show):
        wanted.append((host, list(only)))
        return services.Services({})

    monkeypatch.setattr(services, "up", up)
    runner = CliRunner()
    assert runner.invoke(cli, ["-C", in_files, "up"]).exit_code == 0
    Path(in_files, "params.yaml").write_text("")
    assert runner.invoke(cli, ["-C", in_files, "up", "--host", "0.0.0.0"]).exit_code == 0
    every = ["label_studio", "mlflow", "prefect"]
    assert wanted == [("127.0.0.1", every[1:]), ("0.0.0.0", every)]


def test_nobody_is_invited_to_a_backend_without_accounts(in_files):
    result = CliRunner().invoke(cli, ["-C", in_files, "invite"])
    assert str(result.exception) == (
        "`labelcycle invite`: nobody needs an account (push.backend in params.yaml is files)"
    )


def test_the_doctor_asks_for_what_the_backend_needs(tmp_path, monkeypatch):
    settings = config.parse({"push": {"backend": "files"}})
    snapshot = Snapshot(Campaign(tmp_path), settings, frozenset(), 0, State.DUE)
    monkeypatch.setattr(doctor_checks.snapshots, "read", lambda root, memory=None: snapshot)
    said = CliRunner().invoke(cli, ["-C", str(tmp_path), "doctor"]).output
    assert "ok   tasks and answers: no file yet; round 0 makes it\n" in said
    assert "Label Studio" not in said
    (tmp_path / ".labelcycle").mkdir(exist_ok=True)
    (tmp_path / ".labelcycle" / "annotation.sqlite3").write_bytes(b"no database" * 99)
    said = CliRunner().invoke(cli, ["-C", str(tmp_path), "doctor"]).output
    assert "FAIL tasks and answers: " in said


@pytest.mark.slow
def test_the_first_command_in_a_fresh_clone_warns_of_nothing(tmp_path: Path) -> None:
    root = tmp_path / "clone"
    root.mkdir()
    subprocess.run(["git", "init", "-q", str(root)], check=True)
    set_params(root, campaign={"name": "fresh", "classes": ["a", "b"]})
    gone = ("PREFECT", "LABEL_STUDIO")
    own = {k: v for k, v in os.environ.items() if not k.startswith(gone)}
    words = [sys.executable, "-P", "-m", "labelcycle", "-C", str(root), "run"]
    done = subprocess.run(words, env=own, cwd=tmp_path, capture_output=True, text=True)
    assert done.returncode == 1
    said = [line[:11] for line in done.stderr.splitlines()]
    assert said == ["Prefect sta", "labelcycle:"], done.stderr  # the first says why it takes long


@pytest.mark.slow
def test_a_campaign_in_a_folder_of_any_name_is_printed_anew(tmp_path: Path) -> None:
    made = new_campaign.init(tmp_path / "campaign", config.parse({})).root
    result = CliRunner().invoke(cli, ["init", str(made.rename(tmp_path / "ab"))])
    assert (result.exit_code, result.exception) == (0, None)
    assert "ab is a campaign already; its settings and rounds are as they were" in result.output


@pytest.mark.slow  # git and DVC
def test_an_init_that_was_killed_goes_on_when_the_same_is_typed(tmp_path: Path) -> None:
    settings = config.parse({"campaign": {"name": "tiny", "classes": ["a", "b"]}})
    whole = new_campaign.init(tmp_path / "whole", settings).root
    root = tmp_path / "made"
    words = ["init", str(root), "--name", "tiny", "--classes", "a,b"]
    shutil.copytree(whole, root, ignore=shutil.ignore_patterns(".git", "campaign.json"))
    git.init(root)  # nothing was committed yet
    (root / f".schema.json.{'0' * 16}.part").touch()
    other = CliRunner().invoke(cli, [*words[:-1], "a,c"])
    assert "is a campaign already" in str(other.exception)
    result = CliRunner().invoke(cli, words)
    assert (result.exit_code, result.exception) == (0, None)
    assert f"campaign in {root}\n" in result.output
    assert git.present(root, ".") == git.tracked(root)
    sooner = tmp_path / "sooner"
    sooner.mkdir()
    git.init(sooner)
    (sooner / f".params.yaml.{'0' * 16}.part").touch()
    assert CliRunner().invoke(cli, ["init", str(sooner), *words[2:]]).exit_code == 0
    assert "is a campaign already" in str(CliRunner().invoke(cli, words).exception)
