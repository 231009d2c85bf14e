"""Addresses of MLflow: what people are shown, and where a database's files go."""

from pathlib import Path

import pytest

from labelcycle.adapters.mlflow import tracking_uri
from labelcycle.campaign.campaign_paths import Campaign

HERE = Path("/home/me")


@pytest.mark.parametrize(
    ("uri", "whole"),
    [
        ("sqlite:///mlflow.db", "sqlite:////home/me/mlflow.db"),
        ("sqlite:///./a/m.db", "sqlite:////home/me/a/m.db"),
        ("sqlite:////abs/m.db", "sqlite:////abs/m.db"),
        ("./mlruns", "file:///home/me/mlruns"),
        ("mlruns", "file:///home/me/mlruns"),
        ("file:mlruns", "file:///home/me/mlruns"),
        ("file:./mlruns", "file:///home/me/mlruns"),
        ("file:///abs/mlruns", "file:///abs/mlruns"),
        ("/abs/mlruns", "/abs/mlruns"),
        ("http://127.0.0.1:5000", "http://127.0.0.1:5000"),
        ("postgresql+psycopg2://u:p@h/db", "postgresql+psycopg2://u:p@h/db"),
        ("databricks", "databricks"),
    ],
)
def test_one_place_from_whichever_folder(uri: str, whole: str) -> None:
    assert tracking_uri.absolute(uri, HERE) == whole


@pytest.mark.parametrize(
    ("uri", "folder"),
    [
        ("sqlite:////a/m.db", "file:///a/mlartifacts"),
        ("sqlite:////a/m.db?timeout=9", "file:///a/mlartifacts"),
        ("http://x", None),
        ("file:///a/mlruns", None),
    ],
)
def test_files_lie_beside_a_database(uri: str, folder: str | None) -> None:
    assert tracking_uri.artifacts(uri) == folder


def test_pages_show_models_and_no_password() -> None:
    root = "https://host/ml/#/experiments"
    assert tracking_uri.page("https://u:pw@host/ml/") == f"{root}?workflowType=machine_learning"
    wanted = f"{root}/3/runs?workflowType=machine_learning&compareRunsMode=CHART"
    assert tracking_uri.page("https://u:pw@host/ml", "3") == wanted
    assert tracking_uri.page("sqlite:////a.db", "3").startswith("sqlite:////a.db (mlflow ui ")


def test_the_link_is_that_of_the_server_in_use(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    campaign = Campaign(tmp_path)
    monkeypatch.delenv(tracking_uri.VARIABLE, raising=False)
    assert tracking_uri.of_campaign(campaign) is None
    monkeypatch.setenv(tracking_uri.VARIABLE, "http://u:hush@a")
    assert tracking_uri.of_campaign(campaign) == tracking_uri.page("http://a")
    tracking_uri.remember(campaign, "http://a/curves")
    assert tracking_uri.of_campaign(campaign) == "http://a/curves"
    assert "hush" not in (campaign.private / "curves.json").read_text()
    monkeypatch.setenv(tracking_uri.VARIABLE, "http://b")
    assert tracking_uri.of_campaign(campaign) == tracking_uri.page("http://b")
