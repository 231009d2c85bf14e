"""How many people Label Studio asks about a task, and who has answered it.

The project stays at one annotation a task; single tasks ask for more. A project that asks for more
would open the tasks of closed rounds again, and serve begun tasks first, whatever their rank.
"""

from collections.abc import Collection, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Any

from labelcycle.adapters.annotation.label_studio.labeling_config import chunks
from labelcycle.adapters.annotation.label_studio.listed_task import ListedTask
from labelcycle.adapters.annotation.label_studio.rest_api import (
    IDS_A_QUESTION,
    LabelStudioApi,
    tasks_query,
)
from labelcycle.adapters.ports import AnnotationProgress

AT_A_TIME = 4
"""Requests in flight. There is no call that changes many tasks."""


def ask(
    api: LabelStudioApi, project: int, wanted: Mapping[int, int], present: Collection[ListedTask]
) -> None:
    """Have as many people asked about each task as `wanted` (by id) says; done twice, it is once.

    An answer may have come before: the server takes such a task for done until it is told.
    One that nobody has answered is not done, whoever said so.
    """
    ours = [task for task in present if task.id in wanted]
    wrong = [t for t in ours if t.overlap != wanted[t.id] or (t.untouched and not t.served)]
    early = annotators(api, project, [task.id for task in wrong if not task.untouched])

    def change(task: ListedTask) -> None:
        people = wanted[task.id]
        _change(api, task.id, people, served=len(early.get(task.id, ())) < people)

    with ThreadPoolExecutor(AT_A_TIME) as pool:
        for _ in pool.map(change, wrong):
            pass


def ask_no_more(api: LabelStudioApi, tasks: Collection[ListedTask]) -> None:
    """Have nobody asked any more about tasks that fewer people than wanted have answered."""
    with ThreadPoolExecutor(AT_A_TIME) as pool:
        for _ in pool.map(
            lambda task: _change(api, task.id, 1, served=False),
            [task for task in tasks if task.served],
        ):
            pass


def _change(api: LabelStudioApi, task: int, people: int, *, served: bool) -> None:
    """Both at once: the server works out whether a task is served at the next answer only."""
    api.call(
        f"asking {people} people about task {task}",
        lambda sdk: sdk.tasks.update(str(task), overlap=people, is_labeled=not served),
    )


def progress(
    api: LabelStudioApi,
    project: int,
    twins_by_key: Mapping[str, Sequence[ListedTask]],
    people_wanted: Mapping[str, int],
) -> AnnotationProgress:
    """How many of the tasks `twins_by_key` (by key, with their twins) are done.

    people_wanted : by key, where not one

    Who answered is asked where it can make a difference. The server's own counts do not say it:
    one person may answer twice, and of two answers at the same moment it may count one.
    """
    begun = {key: [t for t in twins if not t.untouched] for key, twins in twins_by_key.items()}
    begun = {key: twins for key, twins in begun.items() if twins}
    several = {key for key in begun if people_wanted.get(key, 1) > 1}
    people = annotators(api, project, [task.id for key in several for task in begun[key]])

    def enough(key: str) -> bool:
        who = {person for task in begun[key] for person in people.get(task.id, ())}
        return key not in several or len(who) >= people_wanted[key]

    done = [key for key in begun if enough(key)]
    answered = sum(any(task.answers for task in begun[key]) for key in done)
    answers = sum(task.touches for twins in begun.values() for task in twins)
    marks = {task.id: task.mark for twins in begun.values() for task in twins}
    partly = len(begun) - len(done)
    return AnnotationProgress(
        len(twins_by_key), answered, len(done) - answered, partly, answers, marks=marks
    )


def annotators(
    api: LabelStudioApi, project: int, tasks: Collection[int]
) -> dict[int, frozenset[int]]:
    """By task id, the accounts that answered or skipped it."""
    accounts: dict[int, frozenset[int]] = {}
    for some in chunks(sorted(tasks), IDS_A_QUESTION):
        query = {
            "project": project,
            "page_size": IDS_A_QUESTION,
            "fields": "all",  # with less, the server says that nobody answered
            "include": "id,annotators",
            "query": tasks_query(some),
        }
        accounts |= api.read("asking who answered", "tasks/", _accounts, project, query)
    return accounts


def _accounts(listed: Any) -> dict[int, frozenset[int]]:
    return {int(task["id"]): frozenset(task["annotators"] or ()) for task in listed["tasks"]}


def invitation(api: LabelStudioApi, renew: bool) -> str:
    """Path of the link with which people make accounts; `renew` makes the old one useless."""
    if renew:
        link = api.call("renewing the invitation", lambda sdk: sdk.organizations.reset_token())
    else:
        ask = "reading the invitation"
        link = api.call(ask, lambda sdk: sdk.organizations.invites.get_invite_link())
    return str(link.invite_url)
