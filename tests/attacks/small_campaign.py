"""A small campaign at a real Label Studio, its flows without Prefect and DVC, for attacks."""

import re
import uuid
from collections.abc import Iterator
from contextlib import ExitStack, closing, contextmanager
from pathlib import Path
from types import ModuleType
from typing import Any
from unittest import mock

import httpx
import numpy as np
from PIL import Image

from attacks import running_servers
from labelcycle import config
from labelcycle.adapters import annotation
from labelcycle.adapters.annotation.label_studio import LabelStudioBackend, labeling_config
from labelcycle.adapters.dvc import commands
from labelcycle.campaign import round_states
from labelcycle.campaign.campaign_paths import Campaign
from labelcycle.campaign.json_files import read_json, read_jsonl
from labelcycle.campaign.labels import read_all_labels, read_holdout
from labelcycle.cycle import new_campaign, run_stage
from labelcycle.rounds import snapshots
from labelcycle.stages import charts

CLASSES = ("dark", "light")
SETTINGS = {
    "campaign": {"name": "attacked", "classes": list(CLASSES), "rounds": 99, "open_next": False},
    "ingest": {"holdout": 6},
    "pretrain": {"encoder": "pixels"},
    "query": {"strategy": "typiclust", "budget": 8},
    "push": {"min_side": 32, "preannotate": False},
    "evaluate": {"bootstrap": 100},
}
WEB = {"Referer": "http://127.0.0.1/"}


class SmallCampaign:
    """The campaign, its server, and what one does with them."""

    def __init__(self, root: Path, flows: ModuleType, environment: dict[str, str]) -> None:
        self.flows, self.environment = flows, environment
        self.campaign = Campaign(root)
        self.url = environment["LABEL_STUDIO_URL"]
        key = {"Authorization": f"Token {environment['LABEL_STUDIO_API_KEY']}"}
        self._clients = ExitStack()
        self.admin = self._client(base_url=self.url, headers=key)

    def _client(self, **how: Any) -> httpx.Client:
        return self._clients.enter_context(httpx.Client(timeout=120, **how))

    def close(self) -> None:
        """End the connections of everybody."""
        self._clients.close()

    def person(self, url: str = "") -> httpx.Client:
        """A new annotator, who signed up by the invite link; at another address, if one is said."""
        link = self.admin.get("/api/invite").json()["invite_url"]
        path = link[link.index("/user/") :]
        web = self._client(base_url=url or self.url, follow_redirects=True)
        page = web.get(path).text
        token = re.findall(r'name="csrfmiddlewaretoken" value="([^"]+)"', page)[0]
        form = {"email": f"{uuid.uuid4().hex}@example.org", "password": "hut-und-stock"}
        web.post(path, data={**form, "csrfmiddlewaretoken": token}, headers=WEB)
        return web

    def pushed(self, number: int) -> list[dict[str, Any]]:
        return list(read_json(self.campaign.round(number) / round_states.PUSHED)["tasks"])

    def tasks(self) -> list[dict[str, Any]]:
        """Those of the round at work."""
        return self.pushed(snapshots.read(self.campaign.root).number)

    def stored(self, task: int) -> list[dict[str, Any]]:
        """The answers to a task, as the server has them."""
        return list(self.admin.get(f"/api/tasks/{task}/").json()["annotations"])

    def answer_all(self, people: list[httpx.Client]) -> None:
        """People answer the tasks of the open round truly, in turn."""
        truth = self.truth
        for place, task in enumerate(self.tasks()):
            say(people[place % len(people)], task["task"], truth[task["sample"]])

    @property
    def truth(self) -> dict[str, str]:
        images = self.campaign.images.glob("*/*.png")
        return {p.stem: CLASSES[int(np.asarray(Image.open(p)).mean() > 120)] for p in images}

    def labels(self) -> dict[str, str | None]:
        """The label of every sample, the hold-out's too."""
        held = {label.sample: label.label for label in read_holdout(self.campaign)}
        return held | {name: x.label for name, x in read_all_labels(self.campaign).items()}

    def answers(self, number: int) -> list[dict[str, Any]]:
        return list(read_jsonl(self.campaign.round(number) / round_states.ANNOTATIONS))


def say(who: httpx.Client, task: int, label: str, **more: object) -> httpx.Response:
    """Somebody answers a task."""
    body = {"result": labeling_config.result(label), "lead_time": 2.0, **more}
    return who.post(f"/api/tasks/{task}/annotations/", json=body)


@contextmanager
def running_at(folder: Path) -> Iterator[SmallCampaign]:
    """A campaign that has not begun, at a Label Studio."""
    served, found = running_servers.up("label_studio")
    found["LABEL_STUDIO_LOCAL_FILES_DOCUMENT_ROOT"] = str(served.media)
    with (
        _bare_flows(found) as flows,
        closing(SmallCampaign(_begin(folder, served), flows, found)) as small,
    ):
        yield small


def _begin(folder: Path, served: Campaign) -> Path:
    rng = np.random.default_rng(0)
    images = folder / "images"
    images.mkdir()
    for number in range(130):
        pixels = rng.integers(0, 90, (16, 16, 3)) + 150 * (number % 2)
        Image.fromarray(pixels.astype(np.uint8)).save(images / f"{number}.png")
    made = new_campaign.init(folder / "campaign", config.parse(SETTINGS))
    made.media.symlink_to(served.media, target_is_directory=True)
    new_campaign.add_images(made.root, [str(images)], lambda step: None)
    return made.root


def _run(root: Path, *stages: str) -> None:
    for stage in stages:
        run_stage.run_stage(stage, root, lambda step: None)


@contextmanager
def _bare_flows(environment: dict[str, str]) -> Iterator[ModuleType]:
    """The flows as bare functions in their own order, without Prefect and DVC."""
    from labelcycle_flows import reports
    from labelcycle_flows import rounds as flows

    def at(campaign: Campaign, _name: str) -> LabelStudioBackend:
        return LabelStudioBackend(campaign, environment)

    names = ("reproduce", "push", "look", "pull", "log_rounds", "open_round", "close_round")
    bare = {name: getattr(flows, name).fn for name in (*names, "collect")}
    names = [f"GIT_{who}_{what}" for who in ("AUTHOR", "COMMITTER") for what in ("NAME", "EMAIL")]
    with ExitStack() as stack:
        for name, function in {**bare, "_require_prefect": lambda: None}.items():
            stack.enter_context(mock.patch.object(flows, name, function))
        stack.enter_context(mock.patch.object(annotation, "of", at))
        for name in ("create_link_artifact", "create_table_artifact", "_show_table"):
            stack.enter_context(mock.patch.object(reports, name))
        for name in ("confusion", "per_class"):
            stack.enter_context(mock.patch.object(charts, name, return_value=b"chart"))
        for name, result in (("init", None), ("add", None), ("has_remote", False)):
            stack.enter_context(mock.patch.object(commands, name, return_value=result))
        stack.enter_context(mock.patch.object(commands, "repro", _run))
        stack.enter_context(mock.patch.dict("os.environ", dict.fromkeys(names, "t@localhost")))
        yield flows
