"""What tasks show in Label Studio, told apart from what was pushed, and put right."""

from dataclasses import replace
from pathlib import Path
from typing import Any

import httpx
import pytest
from faults.double import TOKEN, URL, Double

from labelcycle.adapters.annotation.label_studio import (
    LabelStudioBackend,
    labeling_config,
    task_import,
    tidying,
)
from labelcycle.adapters.annotation.label_studio.listed_task import ListedTask
from labelcycle.adapters.ports import Address, Display, LabelSchema, Prediction, TaskSpec
from labelcycle.campaign.campaign_paths import Campaign

SCHEMA = LabelSchema(("cat", "dog"), "")
GUESS = Prediction("cat", 0.6, "round-000")


@pytest.fixture
def campaign(tmp_path: Path) -> Campaign:
    made = Campaign(tmp_path)
    image = made.media / "images" / "a b.png"
    image.parent.mkdir(parents=True)
    image.write_bytes(b"x")
    return made


def spec(campaign: Campaign, rank: int = 0, **more: Any) -> TaskSpec:
    image = campaign.media / "images" / "a b.png"
    return replace(TaskSpec(f"k/0/{rank}", str(rank), image, rank, 0, tasks=9), **more)


@pytest.mark.parametrize(
    ("image", "named"),
    [
        (None, "/data/local-files/?d=images/a%20b.png"),
        (Address("s3://bucket/a b.png", 5), "s3://bucket/a b.png"),
        (Address("https://example.org/a.png?x=1"), "https://example.org/a.png?x=1"),
    ],
)
@pytest.mark.parametrize("guess", [None, GUESS])
def test_a_pushed_task_shows_what_its_display_says(campaign, image, named, guess) -> None:
    """Of every kind of image; what is signed for a time is no part of it."""
    task = spec(campaign, prediction=guess, **({"image": image} if image else {}))
    record = task_import.record(task, campaign.media, SCHEMA.classes)
    wanted = task_import.display(task, campaign.media)
    assert wanted["image"] == named
    assert task_import.displayed(record["data"], record.get("predictions", ())) == wanted
    hidden = task_import.display(replace(task, shown=False), campaign.media)
    assert hidden == {"image": named, "place": "Image 1 of 9"}


def test_all_that_people_see_is_told() -> None:
    said = {"result": labeling_config.result("dog"), "model_version": "m"}
    other = {"result": labeling_config.result("cat"), "model_version": None}
    shown = task_import.displayed({"image": "x", "key": "k", "note": 7}, [said, other, said])
    assert shown == {"image": "x", "note": "7", "guess": "cat (None); dog (m)"}


class Place:
    """A project of the double, with two tasks, one of them with a pre-annotation."""

    def __init__(self, campaign: Campaign) -> None:
        self.server, self.campaign = Double(), campaign
        env = {"LABEL_STUDIO_URL": URL, "LABEL_STUDIO_API_KEY": TOKEN}
        self.backend = LabelStudioBackend(campaign, env, transport=self.server)
        self.project = self.backend.open_project("k", "Test", SCHEMA)
        self.specs = [spec(campaign, 0, prediction=GUESS), spec(campaign, 1)]
        self.ids = self.backend.push(self.project, self.specs)
        self.pushed = self.backend.display(self.specs)
        headers = {"Authorization": f"Token {TOKEN}"}
        self.web = httpx.Client(base_url=f"{URL}/api", headers=headers, transport=self.server)

    def shown(self) -> dict[str, list[Display]]:
        return self.backend.displayed(self.project, self.ids)

    def send(self, line: str, body: Any) -> None:
        method, _, path = line.partition(" ")
        self.web.request(method, path, json=body).raise_for_status()


@pytest.fixture
def place(campaign: Campaign) -> Place:
    return Place(campaign)


def test_images_that_were_exchanged_are_put_right(place: Place) -> None:
    right = {key: [display] for key, display in place.pushed.items()}
    assert place.shown() == right
    for key in place.ids:
        place.send(f"PATCH /tasks/{place.ids[key]}/", {"data": {"image": "y", "key": key}})
    assert place.shown()["k/0/1"] == [{"image": "y"}]
    place.backend.restore(place.project, place.ids, {"k/0/1": place.pushed["k/0/1"]})
    assert place.shown() == right | {"k/0/0": [{"image": "y", "guess": "cat (round-000)"}]}
    place.backend.restore(place.project, place.ids, place.pushed)
    assert place.shown() == right


def test_a_pre_annotation_that_was_not_pushed_goes_and_the_own_one_stays(place: Place) -> None:
    right = place.shown()
    said = {"result": labeling_config.result("dog"), "model_version": "round-000"}
    for number in place.ids.values():
        place.send("POST /predictions/", said | {"task": number})
    assert [shown[0]["guess"] for shown in place.shown().values()] == [
        "cat (round-000); dog (round-000)",
        "dog (round-000)",
    ]
    place.backend.restore(place.project, place.ids, place.pushed)
    assert place.shown() == right
    assert len(place.server.predictions) == 1


def test_a_twin_that_shows_something_else_is_told_and_put_right(place: Place) -> None:
    """A deleted task that was made anew is one."""
    _, second = place.ids.values()
    twin = [{"data": {"image": "y", "key": "k/0/1"}}]
    place.send(f"POST /projects/{place.project}/import", twin)
    assert place.shown()["k/0/1"] == [place.pushed["k/0/1"], {"image": "y"}]
    place.web.delete(f"/tasks/{second}/").raise_for_status()
    assert place.shown()["k/0/1"] == [{"image": "y"}]
    place.backend.restore(place.project, place.ids, place.pushed)
    assert place.shown()["k/0/1"] == [place.pushed["k/0/1"]]


def test_another_image_in_a_bucket_is_told_at_a_push_too() -> None:
    records = {"k": {"data": {"image": "s3://bucket/a.png"}}}
    shows = [ListedTask(1, "k", 0, 0, data={"image": f"s3://bucket/{name}.png"}) for name in "ab"]
    assert tidying.strange({"k": shows}, records) == shows[1:]


def test_the_servers_own_names_of_images_are_asked_for(place: Place) -> None:
    """Else an image in a bucket has another name at each look."""
    asked = []
    answer = place.server.handle_request
    place.server.handle_request = lambda request: asked.append(request.url) or answer(request)
    place.shown()
    listed = [url for url in asked if url.path.rstrip("/") == "/api/tasks" and "data" in str(url)]
    assert listed
    assert all(url.params["resolve_uri"].lower() == "false" for url in listed)
