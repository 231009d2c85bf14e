"""The daily flow: once a day, damage is an error, nothing is repaired."""

from pathlib import Path

import pytest

from labelcycle.cycle import storage_check
from labelcycle.cycle.storage_findings import CheckOutcome, Finding
from labelcycle.errors import Busy, DataError
from labelcycle_flows import checking

FAULT = Finding("cache", "damaged", "data/images/a.png (round 0)", "abc", ("remote",))


@pytest.fixture
def asked(monkeypatch: pytest.MonkeyPatch) -> list[tuple[float, bool]]:
    calls: list[tuple[float, bool]] = []

    def check(root: Path, share: float, repair: bool, *how: object) -> CheckOutcome:
        calls.append((share, repair))
        return CheckOutcome()

    monkeypatch.setattr(storage_check, "check", check)
    monkeypatch.setattr(storage_check, "read_lately", lambda campaign, hours: False)
    monkeypatch.setattr(checking.git, "check_usable", lambda root: None)
    return calls


def test_a_share_is_read_and_nothing_repaired(asked: list, tmp_path: Path) -> None:
    assert checking.check.fn(str(tmp_path))
    assert asked == [(0.15, False)]


def test_nothing_is_read_twice_a_day(
    asked: list, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(storage_check, "read_lately", lambda campaign, hours: hours == 20)
    assert not checking.check.fn(str(tmp_path))
    assert asked == []


def test_damage_is_an_error_and_a_busy_campaign_is_none(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, asked: list
) -> None:
    found = CheckOutcome([FAULT], [], [FAULT])
    monkeypatch.setattr(storage_check, "check", lambda *how: found)
    with pytest.raises(DataError, match=r"1 fault stays, see above; .*restores 1 of them"):
        checking.check.fn(str(tmp_path))

    def busy(*how: object) -> CheckOutcome:
        raise Busy("in use")

    monkeypatch.setattr(storage_check, "check", busy)
    assert not checking.check.fn(str(tmp_path))
