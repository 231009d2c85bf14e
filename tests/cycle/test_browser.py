"""An annotator at the real page of a real Label Studio, from the invitation to the closed round.

The images' own names are hard ones. Annotators are shown copies named by sample id, so what is
tested is that no name of a source gets in the way.

`LABELCYCLE_PICTURES=docs/images pytest tests/cycle/test_browser.py` also takes the pictures of
docs/annotators.md.
"""

import csv
import json
import os
import tarfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import chromium
import numpy as np
import pytest
from chromium import wait
from PIL import Image
from real_server import backend, where
from selenium.webdriver import Chrome
from selenium.webdriver.common.action_chains import ActionChains
from selenium.webdriver.common.by import By
from selenium.webdriver.common.keys import Keys
from selenium.webdriver.support.ui import WebDriverWait

from labelcycle import config
from labelcycle.adapters.annotation.label_studio import LabelStudioBackend, labeling_config
from labelcycle.adapters.annotation.label_studio.rest_api import LabelStudioApi
from labelcycle.adapters.local.services import Services
from labelcycle.adapters.ports import LabelSchema, TaskSpec
from labelcycle.campaign import round_states
from labelcycle.campaign.campaign_paths import Campaign
from labelcycle.campaign.json_files import read_json
from labelcycle.campaign.label_files import read_labels
from labelcycle.campaign.numpy_files import read_array
from labelcycle.campaign.sample_files import read_samples
from labelcycle.core import skip_reasons
from labelcycle.cycle import new_campaign, round_opening
from labelcycle.people import simulated

pytestmark = [
    pytest.mark.service,
    pytest.mark.skipif(
        bool(chromium.missing()), reason=f"not installed: {', '.join(chromium.missing())}"
    ),
]

__all__ = ["backend", "where"]

EXAMPLE = Path(__file__).parents[2] / "examples" / "fashion"
CLASSES = ("Bag", "Coat", "Sandal", "Trouser")
EACH = 12
BUDGET = 5
NAME = "{} & größe #{} 100%+ 靴?.png"
EMAIL, PASSWORD = "ann@example.org", "hut-und-stock"
SETTINGS = {
    "campaign": {"name": "Clothes", "classes": list(CLASSES), "rounds": 2, "open_next": True},
    "ingest": {"holdout": 4},
    "pretrain": {"encoder": "pixels"},
    "query": {"strategy": "typiclust", "budget": BUDGET},
    "evaluate": {"bootstrap": 100},
}


@pytest.fixture(scope="module")
def images(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Path]:
    """A folder of clothes under hard names, and the file of their true classes."""
    folder = tmp_path_factory.mktemp("browser") / "images"
    folder.mkdir()
    with (EXAMPLE / "truth.csv").open(newline="") as stream:
        known = {row["file"]: row["label"] for row in csv.DictReader(stream)}
    left = dict.fromkeys(CLASSES, EACH)
    rows = []
    with tarfile.open(EXAMPLE / "images.tar.xz") as archive:
        for member in archive:
            label = known.get(Path(member.name).name, "")
            if left.get(label):
                name = NAME.format(label, left[label])
                image = archive.extractfile(member)
                assert image
                (folder / name).write_bytes(image.read())
                rows.append((name, label))
                left[label] -= 1
    truth = folder.parent / "truth.csv"
    with truth.open("w", newline="") as stream:
        csv.writer(stream).writerows([("file", "label"), *rows])
    return folder, truth


@pytest.fixture
def campaign(
    tmp_path: Path, without_dvc: None, images: tuple[Path, Path], service_campaign: Campaign
) -> Campaign:
    """A campaign with these images, which shows them where the server looks for images."""
    made = new_campaign.init(tmp_path / "campaign", config.parse(SETTINGS))
    made.media.symlink_to(service_campaign.media, target_is_directory=True)
    report = new_campaign.add_images(made.root, [str(images[0])], lambda step: None)
    assert (report.added, report.quarantined) == (len(CLASSES) * EACH, 0)
    return made


@contextmanager
def browser() -> Iterator[Chrome]:
    driver = chromium.browser(1280, 860)
    try:
        yield driver
    finally:
        driver.quit()


@pytest.fixture
def driver() -> Iterator[Chrome]:
    with browser() as driver:
        yield driver


class Page:
    """What an annotator sees and does."""

    def __init__(self, driver: Chrome) -> None:
        self.driver = driver

    def picture(self, name: str) -> None:
        folder = os.environ.get("LABELCYCLE_PICTURES")
        if folder:
            chromium.save(self.driver, Path(folder) / f"annotator-{name}.png")

    def until(self, what: Any) -> Any:
        return WebDriverWait(self.driver, chromium.PATIENCE_S).until(lambda _: what())

    def task(self) -> int | None:
        """Id of the task that is shown, with its image loaded and its choices."""
        shown = self.driver.execute_script(
            """const image = document.querySelector("img[alt=image]");
            const number = document.querySelector(".lsf-current-task__task-id");
            const loaded = image && image.complete && image.naturalWidth > 0;
            const ready = loaded && document.querySelector("input[type=radio]");
            return ready && number ? number.firstChild.textContent : null"""
        )
        return int(shown) if shown else None

    def chosen(self) -> list[str]:
        boxes = self.driver.find_elements(By.CSS_SELECTOR, "input[type=radio]:checked")
        return [box.get_attribute("name") for box in boxes]

    def shows(self, number: int, label: str) -> None:
        """Wait for a task and for the class that is chosen in it."""
        self.until(lambda: (self.task(), self.chosen()) == (number, [label]))

    def text(self) -> str:
        return str(self.driver.find_element(By.TAG_NAME, "body").text)

    def image_end(self) -> int:
        """Pixels from the top."""
        place = self.driver.find_element(By.CSS_SELECTOR, "img[alt=image]").rect
        return int(place["y"] + place["height"])

    def bar_begin(self) -> int:
        """Pixels from the top."""
        button = "[data-testid=bottombar-submit-button]"
        return int(self.driver.find_element(By.CSS_SELECTOR, button).rect["y"])

    def press(self, label: str) -> None:
        """The hot key of a class."""
        self.type_(labeling_config.HOT_KEYS[CLASSES.index(label)])
        self.until(lambda: self.chosen() == [label])

    def type_(self, keys: str) -> None:
        ActionChains(self.driver).send_keys(keys).perform()

    def size(self, width: int, height: int) -> None:
        """A screen of that size; a tablet's has touch."""
        metrics = {"width": width, "height": height, "deviceScaleFactor": 1, "mobile": False}
        self.driver.execute_cdp_cmd("Emulation.setDeviceMetricsOverride", metrics)
        touch = {"enabled": width <= 1024, "maxTouchPoints": 5}
        self.driver.execute_cdp_cmd("Emulation.setTouchEmulationEnabled", touch)

    def look(self) -> dict[str, Any]:
        """Whatever a key could change besides the choice, and where things are."""
        found: dict[str, Any] = self.driver.execute_script(
            """const box = e => e.getBoundingClientRect();
            const all = s => [...document.querySelectorAll(s)];
            const seen = all(".lc .lsf-choice__checkbox").map(box).filter(r => r.height);
            return {url: location.href,
              task: document.querySelector(".lsf-current-task__task-id").textContent,
              tools: all(".lsf-tool").map(e => e.className.includes("_active")),
              focus: document.activeElement.tagName,
              image: ["left", "top", "right", "bottom"].map(k => box(all("img[alt=image]")[0])[k]),
              right: box(all(".lc-image")[0]).right,
              target: Math.min(...seen.map(r => r.height)),
              choices: Math.max(...seen.map(r => r.bottom)), count: seen.length,
              bar: box(all(".lsf-bottombar")[0]).top}"""
        )
        return found

    def control(self, key: str) -> None:
        keys = ActionChains(self.driver).key_down(Keys.CONTROL).send_keys(key)
        keys.key_up(Keys.CONTROL).perform()

    def click(self, test_id: str) -> None:
        wait(self.driver, f"[data-testid={test_id}]:not([disabled])").click()


def guesses(campaign: Campaign) -> dict[str, str]:
    """Class by sample, of the model that the last round trained."""
    names = [sample.id for sample in read_samples(campaign.samples, "pool")]
    best = np.argmax(read_array(campaign.model / "probabilities.npy"), axis=1)
    return {name: CLASSES[index] for name, index in zip(names, best, strict=True)}


def other(label: str) -> str:
    """A class that is not this one."""
    return CLASSES[CLASSES.index(label) - 1]


def open_a_round_with_guesses(
    campaign: Campaign, truth: Path, flows: Any, where: dict[str, str]
) -> None:
    """Round 0 answered by simulated people and closed, round 1 open."""
    flows.run(str(campaign.root))
    simulated.annotate(
        LabelStudioBackend(campaign, where),
        read_json(campaign.round(0) / round_states.PUSHED)["project"],
        simulated.read_truth(campaign, truth),
        annotators=1,
        show=print,
    )
    flows.run(str(campaign.root))


def create_account(invite: str) -> None:
    """Follow the invitation, in a browser of its own: tomorrow's asks who comes."""
    with browser() as driver:
        driver.get(invite)
        chromium.enter(driver, EMAIL, PASSWORD)
        Page(driver).picture("account")
        chromium.send(driver)


def test_an_annotator_answers_a_round_at_the_page(
    campaign: Campaign,
    images: tuple[Path, Path],
    flows: Any,
    where: dict[str, str],
    backend: LabelStudioBackend,
    driver: Chrome,
) -> None:
    open_a_round_with_guesses(campaign, images[1], flows, where)
    pushed = read_json(campaign.round(1) / round_states.PUSHED)
    tasks = sorted(pushed["tasks"], key=lambda task: task["rank"])
    guess = {task["task"]: guesses(campaign)[task["sample"]] for task in tasks}
    first, second, third, fourth, fifth = guess
    create_account(backend.invitation(renew=False))
    page = Page(driver)
    driver.get(pushed["url"])
    chromium.enter(driver, EMAIL, PASSWORD)
    chromium.send(driver)

    page.shows(first, guess[first])
    page.picture("guess")
    assert round_opening.GUESS in page.text()
    assert page.image_end() <= page.bar_begin()
    page.control(Keys.ENTER)

    page.shows(second, guess[second])
    page.press(other(guess[second]))
    page.control(Keys.ENTER)

    page.shows(third, guess[third])
    page.control(Keys.SPACE)

    page.shows(fourth, guess[fourth])
    page.click("prev-task")
    page.shows(third, guess[third])
    page.click("prev-task")
    page.shows(second, other(guess[second]))
    page.press(guess[second])
    page.picture("back")
    page.control(Keys.ENTER)
    wait(driver, "[data-testid=bottombar-update-button][disabled]")
    page.click("next-task")
    page.shows(third, guess[third])
    page.click("next-task")
    page.shows(fourth, guess[fourth])
    page.type_(labeling_config.REASON_KEYS[skip_reasons.NONE])
    page.until(lambda: page.chosen() == ["None of these"])
    page.picture("reason")
    page.control(Keys.ENTER)

    page.shows(fifth, guess[fifth])
    assert not flows.collect(str(campaign.root))
    page.press(other(guess[fifth]))
    page.press(guess[fifth])
    page.control(Keys.ENTER)
    page.until(lambda: "No More Tasks" in page.text())
    page.picture("done")

    assert flows.collect(str(campaign.root))
    said = guess | {third: None, fourth: None}
    assert answers(campaign, where) == [(task, said[task]) for task in sorted(said)]
    labels = {label.sample: label for label in read_labels(campaign.label_file(1))}
    assert {name: label.label for name, label in labels.items()} == {
        task["sample"]: said[task["task"]] for task in tasks
    }
    reasons = sorted(label.reason or "" for label in labels.values() if label.label is None)
    assert reasons == ["skipped", "skipped: none of these"]


def open_page(
    page: Page, classes: int, backend: LabelStudioBackend, campaign: Campaign, services: Services
) -> list[str]:
    """The page of a project with so many classes, open for whoever runs the server."""
    names = [f"class {place:02d}" for place in range(classes)]
    schema = LabelSchema(tuple(names), "Which class?")
    project = backend.open_project(f"page of {classes}", f"{classes} classes", schema)
    image = campaign.media / "images" / "wide.png"
    image.parent.mkdir(exist_ok=True)
    Image.new("RGB", (1600, 900), "teal").save(image)
    backend.push(project, [TaskSpec(f"{classes}/000/s", "s", image, 0, 0, tasks=7)])
    page.driver.get(backend.work_url(project))
    if page.driver.find_elements(By.CSS_SELECTOR, "input[name=email]"):
        chromium.enter(page.driver, str(services.login), str(services.password))
        chromium.send(page.driver)
        page.driver.get(backend.work_url(project))
    page.until(page.task)
    return names


def test_every_hot_key_chooses_its_class_and_does_nothing_else(
    campaign: Campaign, backend: LabelStudioBackend, label_studio: Services, driver: Chrome
) -> None:
    page = Page(driver)
    names = open_page(page, 60, backend, campaign, label_studio)
    reasons = [(key, text.capitalize()) for text, key in labeling_config.REASON_KEYS.items()]
    before = page.look()
    for key, name in [*zip(labeling_config.HOT_KEYS, names, strict=False), *reasons]:
        page.type_(key)
        page.until(lambda name=name: page.chosen() == [name])
        assert page.look() == before, key
    for key in labeling_config.TAKEN:
        page.type_(key)
        assert page.chosen() == [reasons[-1][1]]
    page.type_(labeling_config.SEARCH_KEY)
    page.type_("s 5")
    page.until(lambda: page.look()["count"] == 10 + len(reasons))
    page.picture("search")
    page.type_("8")
    page.until(lambda: page.look()["count"] == 1 + len(reasons))
    page.type_(Keys.ENTER)
    page.until(lambda: page.chosen() == ["class 58"])


SIZES = ((1280, 800), (1920, 1080), (1024, 768), (768, 1024))


@pytest.mark.parametrize(("classes", "sizes"), [(11, SIZES), (30, SIZES[:2]), (60, SIZES[:2])])
def test_image_and_choices_are_in_sight(
    campaign: Campaign,
    backend: LabelStudioBackend,
    label_studio: Services,
    driver: Chrome,
    classes: int,
    sizes: tuple[tuple[int, int], ...],
) -> None:
    page = Page(driver)
    open_page(page, classes, backend, campaign, label_studio)
    for width, height in sizes:
        page.size(width, height)
        driver.refresh()
        page.until(page.task)
        page.until(lambda: page.look()["image"][2] <= page.look()["right"])
        look = page.look()
        left, top, right, bottom = look["image"]
        assert max(bottom, look["choices"]) <= look["bar"], (width, height)
        assert min(left, top) >= 0
        assert look["target"] >= (44 if classes <= 11 else 28)
        assert (right - left) * (bottom - top) > 0.12 * width * height
        assert "Image 1 of 7" in page.text()


def answers(campaign: Campaign, where: dict[str, str]) -> list[tuple[int, str | None]]:
    """Task and class, None for a skip, of each answer of round 1, all by the one annotator."""
    account = LabelStudioApi(where["LABEL_STUDIO_URL"], where["LABEL_STUDIO_API_KEY"]).users()
    lines = (campaign.round(1) / round_states.ANNOTATIONS).read_text().splitlines()
    records = [json.loads(line) for line in lines]
    assert {record["annotator"] for record in records} == {str(account[EMAIL])}
    assert all(len(record["labels"]) == 1 for record in records if not record["skipped"])
    return sorted(
        (record["task"], None if record["skipped"] else record["labels"][0]) for record in records
    )
