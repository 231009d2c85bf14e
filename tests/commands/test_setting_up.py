"""The commands that set a campaign up: what `init` refuses, what `doctor` tells."""

import subprocess
import sys

import pytest
from click.testing import CliRunner

from labelcycle import checks
from labelcycle.cli import cli


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
    monkeypatch.setattr(checks, "all_checks", lambda root: found)
    result = CliRunner().invoke(cli, ["-C", str(tmp_path), "doctor"])
    assert result.output.splitlines() == shown
    assert result.exit_code == (1 if problem else 0)
    assert not problem or str(result.exception) == problem
