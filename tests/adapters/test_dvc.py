"""DVC runs the stages of the campaign, in their order, and nothing else."""

from pathlib import Path

import pytest

from labelcycle.adapters import programs
from labelcycle.adapters.dvc import commands
from labelcycle.errors import ToolFailed
from labelcycle.stages import declaration


def test_a_stage_comes_after_all_that_it_needs(tmp_path: Path) -> None:
    (tmp_path / "dvc.yaml").write_text(declaration.print_dvc_yaml())
    (tmp_path / "data").mkdir()
    (tmp_path / "data" / "labels.dvc").touch()
    assert commands.needed(tmp_path, "pretrain") == ["pretrain"]  # data/pool.json is in git
    order = commands.needed(tmp_path, "query")
    assert [name for name in order if not name.startswith("data/")] == [
        "pretrain",
        "embed",
        "train",
        "cluster",
        "query",
    ]
    assert order.index("data/labels.dvc") < order.index("train")
    for stage in declaration.STAGES:
        order = commands.needed(tmp_path, stage.name)
        assert order[-1] == stage.name
        assert len(set(order)) == len(order)


def test_programs_take_no_modules_from_the_campaign_and_keep_its_own_cache(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "random.py").write_text("raise SystemExit('of the folder')")
    command = [programs.PYTHON[0], "-c", "import os, random; print(os.environ[{!r}])"]
    command[-1] = command[-1].format("DVC_SITE_CACHE_DIR")
    assert programs.run(command, tmp_path) == str(tmp_path / ".labelcycle" / "dvc")


def test_peoples_own_dvc_gets_the_campaigns_cache_and_keeps_its_settings(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("DVC_SITE_CACHE_DIR", raising=False)
    root = tmp_path / "my cämpaign"
    commands.keep_to_own_cache(root)  # nothing there: nothing happens
    assert not root.exists()
    (root / ".dvc").mkdir(parents=True)
    (root / commands.CONFIG).write_text(commands.SETTINGS)
    commands.keep_to_own_cache(root)
    local = root / ".dvc" / "config.local"
    text = local.read_text()
    assert f'site_cache_dir = "{root / ".labelcycle" / "dvc"}"' in text
    assert local.stat().st_mode & 0o077 == 0
    stamp = local.stat().st_mtime_ns
    commands.keep_to_own_cache(root)
    assert local.stat().st_mtime_ns == stamp


@pytest.mark.slow
def test_settings_that_are_there_stay_beside_the_cache(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("DVC_SITE_CACHE_DIR", raising=False)
    (tmp_path / ".dvc").mkdir()
    (tmp_path / commands.CONFIG).write_text(commands.SETTINGS)
    local = tmp_path / ".dvc" / "config.local"
    remote = "['remote \"store\"']\n    url = https://h\n    password = x\n"
    local.write_text(f"{remote}[core]\n    site_cache_dir = /moved\n")
    commands.keep_to_own_cache(tmp_path)
    text = local.read_text()
    assert "password = x" in text
    assert f"site_cache_dir = {tmp_path / '.labelcycle' / 'dvc'}" in text
    assert "/moved" not in text


def test_a_remote_counts_wherever_it_is_configured(tmp_path: Path) -> None:
    (tmp_path / ".dvc").mkdir()
    (tmp_path / commands.CONFIG).write_text(commands.SETTINGS)
    assert not commands.has_remote(tmp_path)
    local = tmp_path / ".dvc" / "config.local"
    store = "['remote \"store\"']\n    url = /somewhere\n"
    local.write_text(store)
    assert not commands.has_remote(tmp_path)  # DVC would not know where to push to
    assert commands.without_default(tmp_path) == ["store"]
    local.write_text(f"[core]\n    remote = store\n{store}")
    assert commands.has_remote(tmp_path)
    assert commands.without_default(tmp_path) == []
    local.write_text("['remote \"store\"']\n    wrong = 1\n")
    with pytest.raises(ToolFailed, match=r"\.dvc/config: .*; mend it, then run the same command"):
        commands.has_remote(tmp_path)
