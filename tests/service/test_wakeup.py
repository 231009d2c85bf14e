"""An answer in a real Label Studio starts one run of the served `collect` in a real Prefect."""

import os
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING, Any

import made_records
import pytest
from mailboxes import Box, http_box
from params import set_params
from wheel import SERVICES

from labelcycle import config
from labelcycle.adapters.annotation.label_studio import project_webhook
from labelcycle.adapters.annotation.label_studio.rest_api import LabelStudioApi
from labelcycle.adapters.local import processes, services
from labelcycle.adapters.local.server_programs import WAKE
from labelcycle.adapters.local.services import Services
from labelcycle.campaign import round_states
from labelcycle.campaign.campaign_paths import Campaign
from labelcycle.cycle import new_campaign
from labelcycle.errors import ServiceRefused

if TYPE_CHECKING:
    from prefect.client.orchestration import SyncPrefectClient

pytestmark = pytest.mark.service

CONFIG = """<View><Text name="t" value="$key"/>
<Choices name="c" toName="t"><Choice value="a"/></Choices></View>"""
RESULT = [{"from_name": "c", "to_name": "t", "type": "choices", "value": {"choices": ["a"]}}]


def wait_for(what: Callable[[], Any], patience_s: float = 240) -> Any:
    end = time.monotonic() + patience_s
    while not (found := what()):
        assert time.monotonic() < end
        time.sleep(0.5)
    return found


class Pushed:
    """A campaign that was pushed to Label Studio; one task, served with a receiver."""

    def __init__(self, campaign: Campaign, where: dict[str, str]) -> None:
        self.campaign, self.where = campaign, where
        self.api = LabelStudioApi(
            self.where["LABEL_STUDIO_URL"], self.where["LABEL_STUDIO_API_KEY"]
        )
        self.project = self.api.create_project(title="wakeup", label_config=CONFIG)
        self.api.import_tasks(self.project, [{"data": {"key": "one"}}])
        self.task = self.api.tasks(self.project)[0].id
        record = made_records.pushed(backend="label_studio", project=self.project, url="")
        record.write(campaign.round(0) / round_states.PUSHED)
        self.log = campaign.private / "deploy.log"

    def webhooks(self) -> list[Any]:
        return self.api.call("listing", lambda sdk: sdk.webhooks.list(project=str(self.project)))

    def prefect(self) -> "SyncPrefectClient":
        from prefect.client.orchestration import SyncPrefectClient

        login = self.where["PREFECT_API_AUTH_STRING"]
        return SyncPrefectClient(self.where["PREFECT_API_URL"], auth_string=login)

    def runs(self) -> list[Any]:
        """The runs of `collect`; that of `check`, once a day, is another matter."""
        from prefect.client.schemas.filters import FlowFilter, FlowFilterName

        looks = FlowFilter(name=FlowFilterName(any_=["collect"]))
        with self.prefect() as client:
            return list(client.read_flow_runs(flow_filter=looks))

    def look(self) -> None:
        """Ask Prefect for a run of `collect`, as somebody does on its page."""
        with self.prefect() as client:
            served = client.read_deployment_by_name("collect/woken")
            client.create_flow_run_from_deployment(served.id)

    def logs(self) -> list[str]:
        """What all runs said, as Prefect keeps it."""
        with self.prefect() as client:
            return [log.message for log in client.read_logs()]

    def ended(self, count: int) -> list[str]:
        """How the runs ended, once there are so many and all have, or nothing."""
        states = [run.state for run in self.runs()]
        whole = len(states) >= count and all(state.is_final() for state in states)
        return sorted(state.name for state in states) if whole else []

    def serve(self, url: str, notify: str) -> subprocess.Popen[bytes]:
        words = ["-C", str(self.campaign.root), "serve", "--every", "3600", "--webhook", url]
        inherited = {k: v for k, v in os.environ.items() if k not in SERVICES}
        soon = {"PREFECT_RUNNER_POLL_FREQUENCY": "1"}
        with self.log.open("wb") as log:
            return subprocess.Popen(
                [sys.executable, "-P", "-m", "labelcycle", *words],
                cwd=self.campaign.root,
                env={**inherited, **self.where, **soon, "LABELCYCLE_NOTIFY": notify},
                stdout=log,
                stderr=log,
            )


@pytest.fixture(scope="module")
def pushed(
    service_campaign: Campaign,
    label_studio: Services,
    prefect_server: Services,
    tmp_path_factory: pytest.TempPathFactory,
) -> Pushed:
    settings = {"campaign": {"name": "woken", "classes": ["a", "b"]}}
    with pytest.MonkeyPatch.context() as patch:
        for role in ("AUTHOR", "COMMITTER"):
            patch.setenv(f"GIT_{role}_NAME", "Test")
            patch.setenv(f"GIT_{role}_EMAIL", "test@localhost")
        campaign = new_campaign.init(
            tmp_path_factory.mktemp("wakeup") / "campaign", config.parse(settings)
        )
    return Pushed(campaign, services.environment(service_campaign))


def test_the_webhook_is_made_once_and_kept(pushed: Pushed) -> None:
    one, other = f"http://{WAKE}:9/", f"http://{WAKE}:9/x"
    for url, secret in ((one, "s1"), (one, "s1"), (one, "s2"), (other, "s2"), (other, "s2")):
        project_webhook.keep(pushed.api, pushed.project, url, secret)
        [webhook] = pushed.webhooks()
        assert webhook.url == url
        assert list(webhook.headers.values()) == [secret]
    pushed.api.call("pausing", lambda sdk: sdk.webhooks.update(webhook.id, is_active=False))
    project_webhook.keep(pushed.api, pushed.project, other, "s2")
    assert pushed.webhooks()[0].is_active
    project_webhook.remove(pushed.api, pushed.project)
    assert pushed.webhooks() == []


@pytest.mark.parametrize(
    ("url", "wanted"),
    [
        ("http://10.0.0.1:9/", r"sends no webhooks to http://10\.0\.0\.1:9/: its guard \(SSRF"),
        ("http://127.0.0.1:9/", r"one that may call http://127\.87\.0\.1"),
        ("http://collector:9/", r"wanted a host name with a dot or a number, got 'collector'"),
    ],
)
def test_an_address_that_label_studio_refuses_is_explained(
    pushed: Pushed, url: str, wanted: str
) -> None:
    with pytest.raises(ServiceRefused, match=wanted):
        project_webhook.keep(pushed.api, pushed.project, url, "s")


@pytest.fixture
def box() -> Iterator[Box]:
    with http_box() as box:
        yield box


def test_an_answer_starts_one_look_and_a_look_that_fails_is_told(pushed: Pushed, box: Box) -> None:
    url = f"http://{WAKE}:{processes.free_port(0, WAKE)}/"
    serving = pushed.serve(url, box.url)
    try:
        assert wait_for(lambda: pushed.ended(1)) == ["Completed"]  # the look at the start
        wait_for(pushed.webhooks)
        assert pushed.api.annotate(pushed.task, result=RESULT, unique_id=f"{1:032x}")
        assert wait_for(lambda: pushed.ended(2)) == ["Completed"] * 2
        assert box.titles == []
        with pushed.prefect() as client:
            served = client.read_deployment_by_name("collect/woken")
        set_params(pushed.campaign.root, campaign={"rounds": "none"})
        pushed.look()
        assert wait_for(lambda: pushed.ended(3)) == ["Completed", "Completed", "Failed"]
        assert box.titles == ["campaign: a step failed"]
        # Prefect sends the last lines of a run after its end, and who is ended sends none
        wait_for(lambda: any(x.startswith("a step failed: ") for x in pushed.logs()))
    finally:
        serving.terminate()
        serving.wait(60)
        print(pushed.log.read_text())
    page = pushed.where["PREFECT_API_URL"].removesuffix("/api")
    for line in (f"{page}/deployments/deployment/{served.id}", f"Label Studio wakes us at {url}"):
        assert line in pushed.log.read_text()
    assert pushed.webhooks() == []  # nobody waits for a receiver that is gone
    runs = sorted((run.name, sorted(run.tags)) for run in pushed.runs())
    look = ("woken, round 0, look", ["round 0", "woken"])
    assert runs == [("campaign, look", ["woken"]), look, look]
    assert "round 0 is pushed: nothing to collect" in pushed.logs()
