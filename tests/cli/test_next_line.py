"""Commands that change a campaign end with what to do next; the flows are taken out."""

import sys
from pathlib import Path
from types import SimpleNamespace

import made_records
import pytest
from click.testing import CliRunner

from labelcycle.adapters.local import services
from labelcycle.campaign.round_states import State
from labelcycle.campaign.sample_files import write_samples
from labelcycle.cli.main import cli
from labelcycle.cycle import next_step, resume_campaign
from labelcycle.errors import StateError
from labelcycle.rounds import snapshots
from labelcycle.rounds.snapshots import Snapshot

CLOSED = "next: `labelcycle open`"


def nothing(*given: object, **named: object) -> None:
    """Stands for work that a command has done."""


@pytest.fixture
def now(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Snapshot:
    """A campaign whose round 0 is closed."""
    snapshot = made_records.snapshot(tmp_path, State.DUE, 1, push={"backend": "files"})
    write_samples(snapshot.campaign.samples, ())
    made_records.metrics(round=0).write(snapshot.campaign.round(0) / "metrics.json")
    (tmp_path / "params.yaml").touch()
    monkeypatch.setattr(snapshots, "read", lambda root, memory=None: snapshot)
    monkeypatch.setattr("labelcycle.adapters.git.check_usable", nothing)
    monkeypatch.setattr(next_step.git, "changed", lambda root, path: False)
    monkeypatch.setattr(resume_campaign, "due", lambda campaign: False)
    monkeypatch.setattr(resume_campaign, "resume", nothing)
    names = ("run", "open_now", "collect_now", "close_now", "end_early", "roll_back")
    rounds = SimpleNamespace(**dict.fromkeys(names, nothing))
    monkeypatch.setitem(sys.modules, "labelcycle_flows", SimpleNamespace(rounds=rounds))
    return snapshot


@pytest.mark.parametrize(
    "words",
    [
        ["run"],
        ["resume"],
        ["open"],
        ["collect"],
        ["close"],
        ["close", "--incomplete"],
        ["cancel"],
        ["rollback", "round/000", "--answers", "use"],
    ],
)
def test_a_command_of_the_cycle_ends_with_what_is_next(words: list[str], now: Snapshot) -> None:
    done = CliRunner().invoke(cli, ["-C", str(now.campaign.root), *words])
    assert (done.exit_code, done.stdout.splitlines()[-1:]) == (0, [CLOSED]), done.output


def test_the_start_of_the_services_ends_with_what_is_next(
    now: Snapshot, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(services, "up", lambda *given, **named: services.Services({}))
    done = CliRunner().invoke(cli, ["-C", str(now.campaign.root), "up"])
    assert (done.exit_code, done.stdout.splitlines()[-1:]) == (0, [CLOSED]), done.output


def test_a_command_that_did_its_work_is_no_failure_for_what_is_wrong_now(
    now: Snapshot, monkeypatch: pytest.MonkeyPatch
) -> None:
    def read(root: Path, memory: object = None) -> Snapshot:
        raise StateError("a tag is missing; run `git fetch --tags`")

    monkeypatch.setattr(snapshots, "read", read)
    done = CliRunner().invoke(cli, ["-C", str(now.campaign.root), "open"])
    wanted = "next: mend this: a tag is missing; run `git fetch --tags`\n"
    assert (done.exit_code, done.stdout) == (0, wanted)
