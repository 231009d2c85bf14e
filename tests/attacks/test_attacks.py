"""No attack does the harm it is meant to do."""

from pathlib import Path

import pytest

from attacks import Attack, attacks


@pytest.mark.parametrize(
    "attack",
    [
        pytest.param(one, id=one.what, marks=pytest.mark.service if one.servers else [])
        for one in attacks()
    ],
)
def test_an_attack_fails(attack: Attack, tmp_path: Path) -> None:
    tries = list(attack.play(tmp_path))
    assert tries, "nothing was tried"
    assert [one.what for one in tries if one.succeeded] == []
