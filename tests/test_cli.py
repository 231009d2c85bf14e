"""The command: help for everything, one line and a code for what goes wrong."""

import os
import re
import subprocess
import sys
from pathlib import Path
from unittest import mock

import pytest
from click.testing import CliRunner

from labelcycle import checks, pipeline
from labelcycle.cli import STAGES, cli, main
from labelcycle.core import strategies

ROOT = Path(__file__).parents[1]


@pytest.fixture(autouse=True)
def _environment():
    """Commands tell the programs they start what to do through the environment."""
    with mock.patch.dict(os.environ):
        yield


@pytest.mark.parametrize("name", sorted(cli.commands))
def test_every_command_explains_itself_and_stands_in_the_readme(name):
    result = CliRunner().invoke(cli, [name, "--help"])
    assert result.exit_code == 0
    assert len(result.output.splitlines()) >= 4
    assert is_shown(name, (ROOT / "README.md").read_text())


def is_shown(name: str, page: str) -> bool:
    """True if the page shows the command as one types it, or names it between code marks."""
    typed = rf"\blabelcycle (-C \S+ |--campaign \S+ )?{re.escape(name)}(?![\w-])"
    return bool(re.search(typed, page) or re.search(rf"`{re.escape(name)}( [^`]*)?`", page))


@pytest.mark.parametrize(
    ("page", "shown"),
    [
        ("    labelcycle open     # the next round", True),
        ("`.venv/bin/labelcycle -C demo open`", True),
        ("then `open` it", True),
        ("`open --now`", True),
        ("if the next round opens by itself, open the project", False),
        ("labelcycle opens", False),
        ("labelcycle open-round", False),
        ("in `campaign.open_next` of `open_next`", False),
    ],
)
def test_prose_shows_no_command(page: str, shown: bool):
    assert is_shown("open", page) == shown


def test_the_command_knows_the_stages_of_the_pipeline():
    assert set(STAGES) == set(pipeline.NAMES)


def test_the_strategies_are_listed_with_their_paper():
    lines = CliRunner().invoke(cli, ["strategies"], env={"COLUMNS": "120"}).output.splitlines()
    assert max(map(len, lines)) <= 120
    names = [line.split()[0] for line in lines if not line.startswith(" ")]
    assert names == strategies.names()
    at = next(i for i, line in enumerate(lines) if line.startswith("supclust "))
    assert "for the first labels" in lines[at]
    assert "Ono, Aczel, Estermann, Wattenhofer" in lines[at + 1]
    assert "arXiv 2403.03741" in lines[at + 2]


def test_the_options_of_a_strategy_are_listed():
    text = CliRunner().invoke(cli, ["strategies", "maxherding"]).output
    assert "Bae, Noh, Sutherland" in text
    assert "\nsigma: 1.0\n    width of the kernel" in text
    assert "probcover" not in text
    missing = CliRunner().invoke(cli, ["strategies", "maxherdin"])
    assert missing.exit_code == 1
    assert "did you mean maxherding" in str(missing.exception) + missing.output


@pytest.mark.parametrize(
    ("command", "name", "option"),
    [
        ("encoders", "patches", "centres"),
        ("learners", "finetune", "epochs: 200"),
        ("clusterers", "kmeans", "starts: 1"),
    ],
)
def test_the_other_parts_are_listed_likewise(command: str, name: str, option: str) -> None:
    lines = CliRunner().invoke(cli, [command], env={"COLUMNS": "120"}).output.splitlines()
    (line,) = [line for line in lines if line.startswith(f"{name} ")]
    assert len(line.split()) > 4
    text = CliRunner().invoke(cli, [command, name]).output
    assert f"\n{option}" in text


@pytest.mark.parametrize(
    ("words", "text"),
    [
        (["status"], r"is not a campaign: wanted a git repository with params.yaml; .*init"),
        (["ingest", "x"], r"is not a campaign"),
        (["export", "-"], r"is not a campaign|is missing"),
        (["up"], r"is not a campaign"),
    ],
)
def test_outside_a_campaign_the_remedy_is_named(words, text, tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(sys, "argv", ["labelcycle", *words])
    with pytest.raises(SystemExit, match=r"^1$"):
        main()
    assert re.fullmatch(rf"labelcycle: .*({text}).*\n", capsys.readouterr().err)
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
    monkeypatch.setattr(checks, "all_checks", lambda root: found)
    result = CliRunner().invoke(cli, ["-C", str(tmp_path), "doctor"])
    assert result.output.splitlines() == shown
    assert result.exit_code == (1 if problem else 0)
    assert not problem or str(result.exception) == problem


def test_wrong_usage_ends_with_2(tmp_path):
    done = subprocess.run(
        [sys.executable, "-m", "labelcycle", "runn"], cwd=tmp_path, capture_output=True, text=True
    )
    assert done.returncode == 2
    assert "No such command 'runn'" in done.stderr


def test_init_refuses_wrong_class_names_before_it_writes_anything(tmp_path):
    done = subprocess.run(
        [sys.executable, "-m", "labelcycle", "init", "abc", "--classes", "a,a"],
        cwd=tmp_path, capture_output=True, text=True,
    )  # fmt: skip
    assert done.returncode == 1
    assert "more than once" in done.stderr
    assert list(tmp_path.iterdir()) == []
