"""What an annotator can do to the tasks that others answer, and by an account that is removed."""

import contextlib
import io
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx

from attacks import Try, attack
from attacks.small_campaign import CLASSES, SmallCampaign, running_at, say
from labelcycle.adapters.annotation.label_studio import LabelStudioBackend, labeling_config
from labelcycle.cycle import round_closing
from labelcycle.rounds import correction_decisions, snapshots

Asked = dict[str, Any]


def quiet(step: Any, root: str) -> Any:
    with contextlib.redirect_stdout(io.StringIO()):
        return step(root)


def data(small: SmallCampaign, task: Asked) -> dict[str, Any]:
    return dict(small.admin.get(f"/api/tasks/{task['task']}/").json()["data"])


def exchange(small: SmallCampaign, enemy: httpx.Client, one: Asked, two: Asked) -> None:
    """Each task shows the image of the other."""
    images = [data(small, task)["image"] for task in (two, one)]
    for task, image in zip((one, two), images, strict=True):
        changed = {"data": {**data(small, task), "image": image}}
        enemy.patch(f"/api/tasks/{task['task']}/", json=changed).raise_for_status()


def pair(tasks: list[Asked], truth: dict[str, str]) -> tuple[Asked, Asked]:
    """Two of `tasks` whose images are of different classes; they are taken from the list."""
    one = tasks.pop()
    two = next(task for task in reversed(tasks) if truth[task["sample"]] != truth[one["sample"]])
    tasks.remove(two)
    return one, two


def wrong(label: str) -> str:
    return CLASSES[1 - CLASSES.index(label)]


@attack("an annotator exchanges what tasks show", servers=True)
def exchanged(folder: Path) -> Iterator[Try]:
    """Honest people say what they see: before a look puts it right, and on a page open since."""
    with running_at(folder) as small:
        person, enemy = small.person(), small.person()
        root, truth = str(small.campaign.root), small.truth
        quiet(small.flows.run, root)
        tasks = small.tasks()
        seen, open_page, twinned, hinted = (pair(tasks, truth) for _ in range(4))
        for task in tasks:
            say(person, task["task"], truth[task["sample"]])
        exchange(small, enemy, *seen)
        exchange(small, enemy, *open_page)
        for task in hinted:
            words = {"place": f"This one is {wrong(truth[task['sample']])}"}
            body = {"data": {**data(small, task), **words}}
            enemy.patch(f"/api/tasks/{task['task']}/", json=body).raise_for_status()
            guess = labeling_config.result(wrong(truth[task["sample"]]))
            guess = {"task": task["task"], "result": guess, "model_version": "round-000"}
            enemy.post("/api/predictions/", json=guess).raise_for_status()
        for task, other in (twinned, reversed(twinned)):
            mine = {**data(small, task), "image": data(small, other)["image"]}
            project = small.admin.get(f"/api/tasks/{task['task']}/").json()["project"]
            made = enemy.post(f"/api/projects/{project}/import?return_task_ids=true", json=[mine])
            say(person, made.json()["task_ids"][0], truth[other["sample"]])
        for task, other in (seen, reversed(seen)):
            say(person, task["task"], truth[other["sample"]])
        for task in hinted:
            say(person, task["task"], wrong(truth[task["sample"]]))
        quiet(small.flows.collect, root)
        pushed = {t["task"]: t["display"]["image"] for t in (*seen, *open_page)}
        now = {t["task"]: data(small, t)["image"] for t in (*seen, *open_page)}
        yield Try("the images stay exchanged", pushed != now)
        for task, other in (open_page, reversed(open_page)):
            say(person, task["task"], truth[other["sample"]])
        _reject_all(small)
        closed = quiet(small.flows.collect, root)
        labels = small.labels()
        for what, both in (
            ("images exchanged", seen),
            ("images exchanged, answered after the look", open_page),
            ("a twin with another image", twinned),
            ("a false hint and pre-annotation", hinted),
        ):
            bad = [t for t in both if labels.get(t["sample"]) == wrong(truth[t["sample"]])]
            yield Try(what, not closed or bool(bad))


def _reject_all(small: SmallCampaign) -> None:
    """More tasks have no answer that counts than a close loses without a word."""
    snapshot = snapshots.ready(small.campaign.root)
    backend = LabelStudioBackend(small.campaign, small.environment)
    correction_decisions.write(snapshot, round_closing.changes(snapshot, backend), "reject")


@attack("an annotator takes answers over and is removed", servers=True)
def removed(folder: Path) -> Iterator[Try]:
    """The administrator does what one does when such a person is found."""
    with running_at(folder) as small:
        person, enemy = small.person(), small.person()
        root, truth = str(small.campaign.root), small.truth
        quiet(small.flows.run, root)
        seen, unseen, *rest = small.tasks()
        say(person, seen["task"], truth[seen["sample"]])
        quiet(small.flows.collect, root)
        for task in (unseen, *rest):
            say(person, task["task"], truth[task["sample"]])
        me = enemy.get("/api/current-user/whoami").json()["id"]
        for task in (seen, unseen):
            (answer,) = small.stored(task["task"])
            body = {
                "result": labeling_config.result(wrong(truth[task["sample"]])),
                "completed_by": me,
            }
            enemy.patch(f"/api/annotations/{answer['id']}/", json=body).raise_for_status()
        small.admin.delete(f"/api/users/{me}/").raise_for_status()
        closed = quiet(small.flows.collect, root)
        labels = small.labels()
        right = labels.get(seen["sample"]) == truth[seen["sample"]]
        yield Try("an answer that a look had seen", not closed or not right)
        bad = labels.get(unseen["sample"]) == wrong(truth[unseen["sample"]])
        yield Try("an answer that no look had seen", not closed or bad)
