"""Every round is rebuilt, whatever fails; from the remote alone if that is wished."""

import shutil
from pathlib import Path

import made_records
import pytest
from stored_campaign import StoredCampaign

from labelcycle.campaign.campaign_paths import Campaign
from labelcycle.cycle import verify_all, verify_round
from labelcycle.errors import DataError, StateError
from labelcycle.rounds import snapshots


def test_a_round_that_fails_does_not_keep_the_others_from_being_rebuilt(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    now = made_records.snapshot(tmp_path, number=4)
    for number in range(4):
        metrics = made_records.metrics(round=number, cancelled=number == 2)
        metrics.write(now.campaign.round(number) / "metrics.json")
    tried: list[int] = []

    def verify(snapshot: object, number: int, deep: bool, show) -> None:
        tried.append(number)
        if number == 1:
            raise DataError("the selection differs")
        show("the same")

    monkeypatch.setattr(verify_round, "verify", verify)
    lines: list[str] = []
    with pytest.raises(DataError, match=r"^1 round is not reproduced: round/001; "):
        verify_all.verify_all(now, False, lines.append)
    assert tried == [0, 1, 3]
    assert lines == [
        "round/000: the same",
        "round/001: the selection differs",
        "round/002: was cancelled; there is nothing to rebuild",
        "round/003: the same",
    ]
    with pytest.raises(StateError, match=r"^no round is closed yet"):
        verify_all.verify_all(made_records.snapshot(tmp_path), False, lines.append)


@pytest.mark.slow
def test_the_clone_of_the_remote_does_not_use_the_cache(stored: StoredCampaign) -> None:
    shutil.rmtree(stored.stores["cache"])
    now = snapshots.read(stored.root)
    with verify_all.from_remote(now) as clone:
        assert (clone.number, clone.key) == (2, now.key)
        assert Campaign(clone.campaign.root).label_file(1).exists()
        assert clone.campaign.root != stored.root
        where = clone.campaign.root / ".dvc" / "cache"
        assert any(where.rglob("*.dir"))
    assert not stored.stores["cache"].exists()


@pytest.mark.slow
def test_without_a_remote_there_is_nothing_to_rebuild_from(stored: StoredCampaign) -> None:
    (stored.root / ".dvc" / "config").write_text("")
    with (
        pytest.raises(StateError, match="no remote to rebuild from"),
        verify_all.from_remote(snapshots.read(stored.root)),
    ):
        pass
