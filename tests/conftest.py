"""The rule about skips; real services for the tests marked `service`.

They are started once, on free ports, and stopped by id.
"""

import gc
import os
from collections.abc import Iterator
from multiprocessing import forkserver

import pytest
from buckets import bucket, s3_client, s3_server
from hypothesis import settings
from marked_files import check_marks, pytest_ignore_collect
from memory_folder import memory_folder
from skips import pytest_sessionfinish, pytest_terminal_summary

from labelcycle.adapters import warm_programs
from labelcycle.adapters.local import services as local_services
from labelcycle.adapters.local.services import Services
from labelcycle.campaign.campaign_paths import Campaign
from labelcycle.nn import downloaded_weights
from labelcycle.notify import sending

__all__ = [
    "bucket",
    "pytest_ignore_collect",
    "pytest_sessionfinish",
    "pytest_terminal_summary",
    "s3_client",
    "s3_server",
]

settings.register_profile("quick", max_examples=6)
gc.disable()  # what is imported stays; looking through it time and again took a third of the time
os.environ.pop(sending.VARIABLE, None)  # nobody is told of the rounds of tests
os.environ[downloaded_weights.OFFLINE] = "1"  # nothing is downloaded
os.environ["GIT_TEMPLATE_DIR"] = ""  # examples of hooks, copied with every campaign
if "PYTEST_DEBUG_TEMPROOT" not in os.environ and (place := memory_folder()):
    os.environ["PYTEST_DEBUG_TEMPROOT"] = place  # pytest's name for where tmp_path lies


@pytest.hookimpl(tryfirst=True)
def pytest_runtestloop(session: pytest.Session) -> None:
    """Collect garbage from here on, of the tests alone: what is there by now stays.

    Slow tests play campaigns: the programs that these start have their libraries imported. For
    quick ones alone that would take longer than it saves.
    """
    gc.freeze()
    gc.enable()
    if any(item.get_closest_marker(mark) for item in session.items for mark in ("slow", "service")):
        warm_programs.start(["evaluate"])
    else:
        forkserver.ensure_running = _no_server


def _no_server() -> None:
    raise OSError("quick tests start no server")


def pytest_unconfigure() -> None:
    """Look once for what was left open; pytest would look five times, for seconds."""
    gc.collect()
    gc.freeze()


@pytest.fixture(autouse=True)
def _own_environment() -> Iterator[None]:
    """A command tells its children of services and rules by the environment: only its test's."""
    before = dict(os.environ)
    yield
    if os.environ != before:
        for name in os.environ.keys() - before.keys():
            del os.environ[name]
        os.environ.update(before)


LONGEST = ("test_campaign.py", "test_attacks.py", "test_fault_matrix.py", "test_browser.py")
"""Files of a minute and more. Begun by name some would come last, for one process alone."""


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Begin the longest files first; else the order is that of their names."""
    check_marks(items)
    order = {name: place for place, name in enumerate(LONGEST)}
    items.sort(key=lambda item: order.get(item.path.name, len(LONGEST)))


ANY_PORT = dict.fromkeys(local_services.NAMES, 0)


@pytest.fixture(scope="session")
def service_campaign(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Campaign]:
    """A folder with the state of the services that a test run needs."""
    campaign = Campaign(tmp_path_factory.mktemp("services"))
    yield campaign
    local_services.down(campaign)


def bring_up(campaign: Campaign, *names: str) -> Services:
    return local_services.up(campaign, only=names, ports=ANY_PORT, show=print)


@pytest.fixture(scope="session")
def label_studio(service_campaign: Campaign) -> Services:
    """A real Label Studio."""
    return bring_up(service_campaign, "label_studio")


@pytest.fixture(scope="session")
def mlflow_server(service_campaign: Campaign) -> Services:
    """A real MLflow."""
    return bring_up(service_campaign, "mlflow")


@pytest.fixture(scope="session")
def prefect_server(service_campaign: Campaign) -> Services:
    """A real Prefect."""
    return bring_up(service_campaign, "prefect")


@pytest.fixture(scope="session")
def services(service_campaign: Campaign) -> Services:
    """All three, started at the same time."""
    return bring_up(service_campaign, *local_services.NAMES)
