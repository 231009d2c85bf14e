"""No attack does the harm it is meant to do."""

from pathlib import Path

import pytest

from attacks import Attack, attacks, running_servers
from labelcycle.campaign.campaign_paths import Campaign


def marks(attack: Attack) -> list[pytest.MarkDecorator]:
    return [pytest.mark.service] * attack.servers + [pytest.mark.slow] * attack.slow


@pytest.mark.parametrize(
    "attack",
    [pytest.param(one, id=one.what, marks=marks(one)) for one in attacks()],
)
def test_an_attack_fails(attack: Attack, tmp_path: Path, service_campaign: Campaign) -> None:
    running_servers.use(service_campaign)
    tries = list(attack.play(tmp_path))
    assert tries, "nothing was tried"
    assert [one.what for one in tries if one.succeeded] == []
