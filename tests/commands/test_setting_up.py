"""The commands that set a campaign up: what `init` refuses, what `doctor` tells."""

import subprocess
import sys

import pytest
from click.testing import CliRunner

from labelcycle.cli import doctor_checks
from labelcycle.cli.main import cli


def test_init_refuses_wrong_class_names_before_it_writes_anything(tmp_path):
    done = subprocess.run(
        [sys.executable, "-m", "labelcycle", "init", "abc", "--classes", "a,a"],
        cwd=tmp_path, capture_output=True, text=True,
    )  # fmt: skip
    assert done.returncode == 1
    assert "more than once" in done.stderr
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
