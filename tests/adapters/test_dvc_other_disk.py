"""DVC's cache on another disk, where files cannot be linked: they are copied."""

import subprocess
from pathlib import Path

import pytest
from squares import SETTINGS, make_images

from labelcycle import config
from labelcycle.adapters import git
from labelcycle.adapters.dvc import commands, local_config
from labelcycle.cycle import new_campaign, storage_check
from labelcycle.rounds import snapshots

pytestmark = pytest.mark.slow


def test_a_cache_on_another_disk_in_a_folder_with_blanks_and_umlauts(
    tmp_path: Path, tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch
) -> None:
    for i, (key, value) in enumerate({"user.name": "Test", "user.email": "t@localhost"}.items()):
        monkeypatch.setenv(f"GIT_CONFIG_KEY_{i}", key)
        monkeypatch.setenv(f"GIT_CONFIG_VALUE_{i}", value)
    monkeypatch.setenv("GIT_CONFIG_COUNT", "2")
    other = next(
        (
            disk
            for disk in (Path("/var/tmp"), Path("/tmp"), Path("/dev/shm"))
            if disk.is_dir() and disk.stat().st_dev != tmp_path.stat().st_dev
        ),
        None,
    )
    if other is None:
        pytest.skip("this computer has one disk")
    cache = other / f"{tmp_path.name} Käse"
    make_images(tmp_path / "images", 14)
    made = new_campaign.init(tmp_path / "Kühe & Käse", config.parse(SETTINGS))
    try:
        local_config.put(made.root, "cache", "dir", str(cache))
        new_campaign.add_images(made.root, [str(tmp_path / "images")], lambda step: None)
        assert any(cache.rglob("*.dir"))
        snapshots.check_safe(made)
        outcome = storage_check.check(made.root, 1.0, False, print, lambda step: None)
        # What `init` kept is in the first cache.
        assert {each.state for each in outcome.found} <= {"missing"}
        assert storage_check.check(made.root, 1.0, True, print, lambda step: None).left == []
        image = next(path for path in (made.root / "data").rglob("*.png"))
        assert not image.is_symlink()
        assert image.stat().st_dev != cache.stat().st_dev
        with git.clone(made.root, "HEAD") as rebuilt:
            commands.restore(rebuilt, made.root, ["data/labels.dvc"])
            assert (rebuilt / "data" / "labels").is_dir()
    finally:
        subprocess.run(["rm", "-rf", str(cache)], check=True)
