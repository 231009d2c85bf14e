"""What an annotator, who has an account like everybody, can do to the answers of others."""

import contextlib
import io
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import httpx

from attacks import Try, attack
from attacks.small_campaign import CLASSES, SmallCampaign, running_at, say
from labelcycle.adapters.annotation.label_studio import labeling_config
from labelcycle.errors import LabelcycleError

Answer = dict[str, Any]
Harm = Callable[[httpx.Client, Answer, Answer], httpx.Response]
"""What the attacker does to one answer; the second is one of somebody else, of another class."""


def other(answer: Answer) -> list[dict[str, Any]]:
    """The result that says the other class."""
    return labeling_config.result(CLASSES[answer["labels"] == [CLASSES[0]]])


def edit(web: httpx.Client, answer: Answer, _: Answer) -> httpx.Response:
    return web.patch(f"/api/annotations/{answer['annotation']}/", json={"result": other(answer)})


def edit_as_its_author(web: httpx.Client, answer: Answer, _: Answer) -> httpx.Response:
    author = int(answer["annotator"])
    forged = {"updated_by": author, "completed_by": author, "last_created_by": author}
    path = f"/api/annotations/{answer['annotation']}/"
    return web.patch(path, json={"result": other(answer), **forged})


def take_over(web: httpx.Client, answer: Answer, _: Answer) -> httpx.Response:
    """The answer of somebody else becomes one's own."""
    me = web.get("/api/current-user/whoami").json()["id"]
    path = f"/api/annotations/{answer['annotation']}/"
    return web.patch(path, json={"result": other(answer), "completed_by": me})


def delete(web: httpx.Client, answer: Answer, _: Answer) -> httpx.Response:
    return web.delete(f"/api/annotations/{answer['annotation']}/")


def delete_as_its_author(web: httpx.Client, answer: Answer, _: Answer) -> httpx.Response:
    web.delete(f"/api/annotations/{answer['annotation']}/")
    path = f"/api/tasks/{answer['task']}/"
    return web.patch(path, json={"updated_by": int(answer["annotator"])})


def make_a_draft_of_it(web: httpx.Client, answer: Answer, _: Answer) -> httpx.Response:
    return web.post(f"/api/annotations/{answer['annotation']}/convert-to-draft", json={})


def answer_for_somebody(web: httpx.Client, answer: Answer, stranger: Answer) -> httpx.Response:
    """Two voices more, of people who had no part in it."""
    label = str(stranger["labels"][0])
    say(web, answer["task"], label, completed_by=int(stranger["annotator"]))
    return say(web, answer["task"], label, completed_by=1)


def import_for_somebody(web: httpx.Client, answer: Answer, stranger: Answer) -> httpx.Response:
    said = {"result": other(answer), "completed_by": int(stranger["annotator"])}
    twin = {"data": {"image": "x", "key": answer["key"]}, "annotations": [said, said]}
    return web.post(f"/api/projects/{answer['raw']['project']}/import", json=[twin])


def move(web: httpx.Client, answer: Answer, stranger: Answer) -> httpx.Response:
    """A true answer goes to a task of the other class."""
    path = f"/api/annotations/{stranger['annotation']}/"
    return web.patch(path, json={"task": answer["task"]})


def swap_keys(web: httpx.Client, answer: Answer, stranger: Answer) -> httpx.Response:
    """Two tasks change their names, so that each has the answers of the other."""
    keys = [answer["key"], stranger["key"]]
    for task, key in zip((stranger["task"], answer["task"]), keys, strict=True):
        made = web.patch(f"/api/tasks/{task}/", json={"data": {"image": "x", "key": key}})
    return made


HARMS: tuple[Harm, ...] = (
    *(edit, edit_as_its_author, take_over, delete, delete_as_its_author, make_a_draft_of_it),
    *(answer_for_somebody, import_for_somebody, move, swap_keys),
)


def closes(small: SmallCampaign, people: list[httpx.Client]) -> bool:
    """Whether the next round closes without anybody deciding on anything."""
    root = str(small.campaign.root)
    with contextlib.redirect_stdout(io.StringIO()):
        try:
            small.flows.open_now(root)
            small.answer_all(people)
            return bool(small.flows.collect(root))
        except LabelcycleError as stopped:
            if "is not closed: " not in str(stopped):
                raise
            return False


def differs(before: dict[str, Any], after: dict[str, Any]) -> set[str]:
    return {name for name, label in before.items() if after.get(name) != label}


@attack("an annotator rewrites answers of closed rounds", servers=True)
def closed_rounds(folder: Path) -> Iterator[Try]:
    """Each way on an answer of its own, then all of them on all answers."""
    with running_at(folder) as small:
        people, enemy = [small.person() for _ in range(2)], small.person()
        if not closes_first(small, people):
            raise AssertionError("round 0 was not closed")
        before = small.labels()
        sample = {t["key"]: str(t["sample"]) for t in small.pushed(0)}
        said = {name: [a for a in small.answers(0) if a["labels"] == [name]] for name in CLASSES}
        for number, harm in enumerate(HARMS):
            mine, others = (said[name] for name in (CLASSES[number % 2], CLASSES[1 - number % 2]))
            target, stranger = mine.pop(), others[0]
            harm(enemy, target, stranger).raise_for_status()
            closed = closes(small, people)
            changed = sample[target["key"]] in differs(before, small.labels())
            yield Try(harm.__name__.replace("_", " "), closed and changed)
        for answer in (a for answers in said.values() for a in answers):
            edit(enemy, answer, answer)
        closes(small, people)
        yield Try("edit all at once", bool(differs(before, small.labels())))


@attack("an annotator rewrites answers of the open round", servers=True)
def open_round(folder: Path) -> Iterator[Try]:
    """Before a look has seen them, and afterwards."""
    with running_at(folder) as small:
        people, enemy = [small.person() for _ in range(2)], small.person()
        root, truth = str(small.campaign.root), small.truth
        with contextlib.redirect_stdout(io.StringIO()):
            small.flows.run(root)
            first, *rest = small.tasks()
            say(people[0], first["task"], truth[first["sample"]])
            small.flows.collect(root)
        for place, task in enumerate(rest):
            say(people[place % 2], task["task"], truth[task["sample"]])
        stored = [a for task in (first, rest[0]) for a in small.stored(task["task"])]
        for answer in stored:
            wrong = CLASSES[answer["result"][0]["value"]["choices"] == [CLASSES[0]]]
            result = labeling_config.result(wrong)
            enemy.patch(f"/api/annotations/{answer['id']}/", json={"result": result})
        with contextlib.redirect_stdout(io.StringIO()):
            small.flows.collect(root)
        labels = small.labels()
        for what, task in (("seen by a look", first), ("not seen before", rest[0])):
            got = labels.get(task["sample"])
            yield Try(f"an answer {what}", got not in (None, truth[task["sample"]]))


def closes_first(small: SmallCampaign, people: list[httpx.Client]) -> bool:
    root = str(small.campaign.root)
    with contextlib.redirect_stdout(io.StringIO()):
        small.flows.run(root)
        small.answer_all(people)
        return bool(small.flows.collect(root))
