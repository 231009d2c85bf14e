"""The fixtures of tests whose campaigns meet a real Label Studio."""

import pytest

from labelcycle.adapters.annotation.label_studio import LabelStudioBackend
from labelcycle.adapters.local import services
from labelcycle.adapters.local.services import Services
from labelcycle.campaign.campaign_paths import Campaign


@pytest.fixture
def where(service_campaign: Campaign, label_studio: Services) -> dict[str, str]:
    """The server's address and token, and the folder in which it looks for images."""
    root = {"LABEL_STUDIO_LOCAL_FILES_DOCUMENT_ROOT": str(service_campaign.media)}
    return {**services.environment(service_campaign), **root}


@pytest.fixture
def backend(campaign: Campaign, where: dict[str, str]) -> LabelStudioBackend:
    """The real one in place of the one in memory."""
    return LabelStudioBackend(campaign, where)
