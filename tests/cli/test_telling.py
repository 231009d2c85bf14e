"""What somebody who waits for a command is told at once."""

import sys
from pathlib import Path
from types import SimpleNamespace

import pytest
from click.testing import CliRunner

from labelcycle.cli import campaign_option
from labelcycle.cli.main import cli
from labelcycle.cycle import run_stage
from labelcycle.nn import process_rank
from labelcycle.stages import declaration


@pytest.fixture(autouse=True)
def _here(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    for module in ("cycle_commands", "campaign_option"):
        monkeypatch.setattr(f"labelcycle.cli.{module}.campaign_in", lambda root: None)
    monkeypatch.setattr("labelcycle.adapters.git.check_usable", lambda root: None)
    monkeypatch.chdir(tmp_path)


@pytest.mark.parametrize("name", declaration.names())
def test_a_stage_says_what_it_does(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(run_stage, "run_stage", lambda *given: None)
    said = CliRunner().invoke(cli, ["stage", name])
    assert (said.exit_code, said.stderr) == (0, f"{name}: {declaration.find(name).doing}\n")


def test_one_of_several_processes_says_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(run_stage, "run_stage", lambda *given: None)
    monkeypatch.setenv(process_rank.VARIABLE, "1/2:there")
    assert CliRunner().invoke(cli, ["stage", "pretrain"]).stderr == ""


@pytest.mark.parametrize("address", [None, "http://127.0.0.1:4200/api"])
def test_a_prefect_that_has_to_start_is_said(
    address: str | None,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    tmp_path: Path,
) -> None:
    without_prefect = SimpleNamespace(rounds=None)  # it takes seconds to import
    monkeypatch.setitem(sys.modules, "labelcycle_flows", without_prefect)
    monkeypatch.delenv("PREFECT_API_URL", raising=False)
    if address:
        monkeypatch.setenv("PREFECT_API_URL", address)
    campaign_option.flows_of(tmp_path)
    said = capsys.readouterr().err.startswith("Prefect starts for this command alone")
    assert said == (address is None)
