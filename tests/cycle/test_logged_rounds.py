"""A closed round in MLflow, by the flows and with real DVC: what is logged, and links to it."""

import re
from collections.abc import Callable
from pathlib import Path

import pytest
import yaml
from squares import SETTINGS, make_images
from watched import WatchedFiles

from labelcycle import config
from labelcycle.adapters import git
from labelcycle.adapters.mlflow import tracking_uri
from labelcycle.campaign.campaign_paths import Campaign
from labelcycle.campaign.json_files import read_json
from labelcycle.cycle import campaign_status, log_round, new_campaign, status_text
from labelcycle.notify import notices
from labelcycle.rounds import snapshots

pytestmark = [pytest.mark.slow, pytest.mark.filterwarnings("ignore")]  # MLflow's, of its libraries


@pytest.fixture
def campaign(tmp_path: Path) -> Campaign:
    """A campaign with real DVC."""
    make_images(tmp_path / "images")
    made = new_campaign.init(tmp_path / "made", config.parse(SETTINGS))
    new_campaign.add_images(made.root, [str(tmp_path / "images")], lambda step: None)
    return made


def recorded(campaign: Campaign, path: str) -> str:
    text = (campaign.root / f"{path}.dvc").read_text()
    return str(yaml.safe_load(text)["outs"][0]["md5"])


def test_a_closed_round_is_logged_and_linked(
    campaign: Campaign,
    flows,
    answer_all: Callable[[], None],
    backend: WatchedFiles,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.setenv(tracking_uri.VARIABLE, f"sqlite:///{tmp_path}/mlflow.db")
    flows.run(str(campaign.root))
    before = tracking_uri.of_campaign(campaign)
    assert before == tracking_uri.page(f"sqlite:///{tmp_path}/mlflow.db")
    answer_all()
    capsys.readouterr()
    asked: list[str] = []
    restored = log_round.restored
    monkeypatch.setattr(
        log_round, "restored", lambda *given: asked.append(given[1]) or restored(*given)
    )
    flows.run(str(campaign.root))
    assert asked == [], "after a close the folder is the round"
    address = read_json(campaign.private / "curves.json")["address"]
    assert f"logged in MLflow: {address}\n" in capsys.readouterr().out
    snapshot = snapshots.read(campaign.root)
    assert f"\nCurves: {address}\n" in notices.closed(snapshot).body
    assert f"\ncurves: {address}\n" in status_text.as_text(campaign_status.status(snapshot))
    from mlflow import MlflowClient

    client = MlflowClient(f"sqlite:///{tmp_path}/mlflow.db")
    experiment = client.get_experiment_by_name("tiny").experiment_id
    (run,) = client.search_runs([experiment], "tags.`labelcycle.round` = '000'")
    found = {each.dataset.name: each.dataset for each in run.inputs.dataset_inputs}
    assert {name: each.digest for name, each in found.items()} == {
        "pool": read_json(campaign.round(0) / "plan.json")["digests"]["pool"],
        "labels": recorded(campaign, "data/labels"),
        "hold-out": recorded(campaign, "data/holdout.jsonl"),
    }
    rows = {name: int(re.sub(r"\D", "", each.profile)) for name, each in found.items()}
    assert rows == {"pool": 24, "labels": 4, "hold-out": 6}
    flows.run(str(campaign.root))
    assert "logged in MLflow" not in capsys.readouterr().out  # once


def test_a_round_whose_files_are_others_by_now_is_logged_as_it_was_closed(
    campaign: Campaign, flows, answer_all: Callable[[], None], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv(tracking_uri.VARIABLE, raising=False)
    flows.run(str(campaign.root))
    answer_all()
    flows.run(str(campaign.root))
    snapshot = snapshots.read(campaign.root)
    assert snapshot.number == 1
    closed = (campaign.model / "model.json").read_bytes()
    with log_round.closed_round(snapshot, 0) as closed_round:
        assert closed_round.folders.model == campaign.model
    for change in ("other bytes", "another commit"):
        if change == "other bytes":
            (campaign.model / "model.json").write_text("{}")
        else:
            (campaign.model / "model.json").write_bytes(closed)
            (campaign.root / "notes").write_text("later")
            git.commit(campaign.root, ["notes"], "Later")
        with log_round.closed_round(snapshot, 0) as closed_round:
            assert closed_round.folders.model != campaign.model, change
            assert (closed_round.folders.model / "model.json").read_bytes() == closed
