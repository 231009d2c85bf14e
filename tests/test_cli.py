"""The command: help for everything, one line and a code for what goes wrong."""

import re
import subprocess
import sys
from pathlib import Path

import pytest
from click.testing import CliRunner

from labelcycle import pipeline
from labelcycle.cli import STAGES, cli

ROOT = Path(__file__).parents[1]


@pytest.mark.parametrize("name", sorted(cli.commands))
def test_every_command_explains_itself_and_stands_in_the_readme(name):
    result = CliRunner().invoke(cli, [name, "--help"])
    assert result.exit_code == 0
    assert len(result.output.splitlines()) >= 4
    pages = (ROOT / "README.md").read_text() + (ROOT / "docs" / "design.md").read_text()
    assert re.search(rf"\b{re.escape(name)}\b", pages)


def test_the_command_knows_the_stages_of_the_pipeline():
    assert set(STAGES) == set(pipeline.NAMES)


def test_the_strategies_are_listed_with_a_line_each():
    lines = CliRunner().invoke(cli, ["strategies"]).output.splitlines()
    assert [line.split()[0] for line in lines] == ["margin", "random", "supclust", "typiclust"]
    assert all(len(line.split()) > 4 for line in lines)


@pytest.mark.parametrize(
    ("words", "text"),
    [
        (["status"], r"is not a campaign: wanted a git repository with params.yaml; .*init"),
        (["ingest", "x"], r"is not a campaign"),
        (["export", "-"], r"is not a campaign|is missing"),
        (["up"], r"is not a campaign"),
    ],
)
def test_outside_a_campaign_the_remedy_is_named(words, text, tmp_path):
    done = subprocess.run(
        [sys.executable, "-m", "labelcycle", *words], cwd=tmp_path, capture_output=True, text=True
    )
    assert done.returncode == 1
    assert re.fullmatch(rf"labelcycle: .*({text}).*\n", done.stderr)
    assert list(tmp_path.iterdir()) == []


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
