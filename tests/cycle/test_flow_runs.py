"""What Prefect is told of a flow's run beside its states."""

import logging
from types import SimpleNamespace
from unittest import mock

import pytest
from prefect.events.clients import AssertingEventsClient
from prefect.events.worker import EventsWorker
from prefect.settings import get_current_settings

from labelcycle.campaign.campaign_paths import Campaign
from labelcycle.rounds import snapshots
from labelcycle_flows import rounds, run_names


@pytest.fixture
def run(monkeypatch: pytest.MonkeyPatch) -> mock.Mock:
    """A flow's run that is at work, served with a tag of the user's, in its second round."""
    flow_run = SimpleNamespace(id="some run", tags=["weekly", "round 7"])
    context = mock.Mock(get=lambda: SimpleNamespace(flow_run=flow_run))
    client = mock.MagicMock()
    monkeypatch.setattr(run_names, "FlowRunContext", context)
    monkeypatch.setattr(rounds, "FlowRunContext", context)
    monkeypatch.setattr(run_names, "get_client", lambda **_: client)
    told: mock.Mock = client.__enter__.return_value.update_flow_run
    return told


def test_a_run_has_the_campaign_and_the_round_as_tags(campaign: Campaign, run: mock.Mock) -> None:
    run_names.tag(snapshots.read(campaign.root))
    run.assert_called_once_with("some run", tags=["round 0", "tiny", "weekly"])


def test_a_served_run_gives_signs_of_life(campaign: Campaign, run: mock.Mock) -> None:
    with rounds._at_work(str(campaign.root)):
        assert get_current_settings().flows.heartbeat_frequency
    assert run.called


def test_who_waits_at_a_terminal_does_not_wait_for_signs_of_life(campaign: Campaign) -> None:
    before = get_current_settings().flows.heartbeat_frequency
    with rounds._at_work(str(campaign.root)):
        assert get_current_settings().flows.heartbeat_frequency is None
        said = EventsWorker(AssertingEventsClient, ())._logger.isEnabledFor(logging.WARNING)
        assert not said  # of events that are still on their way
    assert get_current_settings().flows.heartbeat_frequency == before
