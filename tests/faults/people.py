"""What people and accidents do to a round, past every fault, and rounds in which they did it."""

import uuid
from collections.abc import Callable, Collection

from faults import campaigns
from faults.rounds import Round
from labelcycle.adapters.annotation.label_studio import LabelStudioBackend, labeling_config
from labelcycle.adapters.ports import GUESS
from labelcycle.campaign import round_states
from labelcycle.campaign.records.correction_record import Correction
from labelcycle.campaign.records.pushed_record import (
    ADJUDICATION,
    GOLD,
    HOLDOUT,
    SELECTED,
    PushedTask,
)
from labelcycle.cycle import round_closing
from labelcycle.rounds import correction_decisions

SAID = ("cat", "dog", None)
"""What the first, second and third person say; None is a skip."""


def answer(round_: Round, task: int, key: str, person: int) -> None:
    """The person of that number, from 0, says what that person says."""
    label = SAID[person]
    said = {"result": labeling_config.result(label), "was_cancelled": label is None}
    said |= {"completed_by": round_.place.people[person], "unique_id": str(uuid.uuid4())}
    made = round_.place.ask(f"POST tasks/{task}/annotations/", said)
    round_.given[int(made["id"])] = key


def everybody(round_: Round) -> None:
    """As many people as are wanted answer each task of the round."""
    here, who = round_.by_key(), round_.people_of()
    for task in round_.tasks:
        missing = max(0, task.wanted - len(who[task.key]))
        for person in _others(round_, who[task.key])[:missing]:
            answer(round_, here[task.key].id, task.key, person)


def somebody(round_: Round) -> None:
    """The next answer to a task that the server shows to people; of twins to the last."""
    served = [task for task in round_.held() if task.served]
    for task in sorted(served, key=lambda task: (not task.people, task.id), reverse=True):
        others = _others(round_, task.people)
        if others and len(task.people) < task.overlap:
            answer(round_, task.id, task.key, others[0])
            return


def half(round_: Round) -> None:
    """One person answers every second task."""
    for number, task in enumerate(round_.tasks[::2]):
        answer(round_, task.task, task.key, number % len(SAID))


def _others(round_: Round, who: Collection[int]) -> list[int]:
    return [number for number, person in enumerate(round_.place.people) if person not in who]


# --- after a round was closed ----------------------------------------------------------------


def change_their_minds(round_: Round) -> None:
    """They edit, withdraw and add answers and delete a task, of the round that was closed."""
    _edit(round_, _of(round_, SELECTED, several=True))
    _edit(round_, _of(round_, HOLDOUT, several=True))
    _withdraw(round_, _of(round_, SELECTED, several=False))
    gold, settled = (_of(round_, kind, several=False) for kind in (GOLD, ADJUDICATION))
    answer(round_, gold.task, gold.key, _others(round_, round_.people_of()[gold.key])[0])
    round_.place.ask(f"DELETE tasks/{settled.task}/")
    round_.changed.append(("task deleted", settled.key))
    round_.given = {number: key for number, key in round_.given.items() if key != settled.key}


def _of(round_: Round, kind: str, *, several: bool) -> PushedTask:
    return next(t for t in round_.tasks if t.kind == kind and (t.wanted > 1) == several)


def _edit(round_: Round, task: PushedTask) -> None:
    given = next(answer for key, answer in round_.stored() if key == task.key)
    other = "cat" if labeling_config.labels_and_reason(given["result"]) == (("dog",), "") else "dog"
    round_.place.ask(f"PATCH annotations/{given['id']}/", {"result": labeling_config.result(other)})
    round_.changed.append(("edited", int(given["id"])))


def _withdraw(round_: Round, task: PushedTask) -> None:
    for number in [number for number, key in round_.given.items() if key == task.key]:
        round_.place.ask(f"DELETE annotations/{number}/")
        round_.changed.append(("deleted", number))
        del round_.given[number]
        gone = Correction(round_.number, task.key, number, "deleted")
        correction_decisions.write(round_.snapshot, [gone], "accept")  # else it would wait


def go_on(round_: Round, *, asking: bool = True) -> None:
    """The next round, before its push; one that asks nothing is open at once."""
    round_.over()
    project = round_.snapshot.records.pushed(round_.number).project
    round_closing.accept(round_.snapshot)
    round_.number += 1
    if asking:
        campaigns.select(round_.folder, round_.number)
    else:
        campaigns.ask_nothing(round_.folder, round_.number, project)


# --- accidents -------------------------------------------------------------------------------


def add_twins(round_: Round, count: int) -> None:
    """What a server that was slow may leave behind."""
    project = round_.projects()[0]["id"]
    which = {"project": project, "include": "data", "page_size": 100}
    data = {x["data"]["key"]: x["data"] for x in round_.place.ask("GET tasks", **which)["tasks"]}
    records = [{"data": data[task.key]} for task in round_.tasks[:count]]
    round_.place.ask(f"POST projects/{project}/import", records)


def break_off(round_: Round) -> None:
    """What a push leaves that was killed at a slow server, and what people do with it.

    There are twins, nobody recorded the tasks, and of several people who are wanted for one only
    one was asked, and has answered.
    """
    add_twins(round_, 2)
    task = next(task for task in round_.tasks if task.wanted > 1)
    round_.place.ask(f"PATCH tasks/{task.task}/", {"overlap": 1, "is_labeled": False})
    answer(round_, task.task, task.key, 0)
    (round_.snapshot.folder / round_states.PUSHED).unlink()


# --- rounds to begin with --------------------------------------------------------------------


def nothing(round_: Round) -> None:
    """A campaign without a project."""


def pushed(round_: Round) -> None:
    round_.push(round_.backend())


def with_twins(round_: Round) -> None:
    pushed(round_)
    break_off(round_)


def mislead(round_: Round) -> None:
    """Somebody has a task that nobody answered show another image, and a class that is no guess."""
    who = round_.people_of()
    task = next(task for task in round_.tasks if not who[task.key])
    other = next(each for each in round_.tasks if each.key != task.key)
    shown = {name: text for name, text in task.display.items() if name != GUESS}
    wrong = shown | {"key": task.key, "image": other.display["image"]}
    round_.place.ask(f"PATCH tasks/{task.task}/", {"data": wrong})
    hint = {"task": task.task, "result": labeling_config.result("dog"), "model_version": "hint"}
    round_.place.ask("POST predictions/", hint)


def misled(round_: Round) -> None:
    half_answered(round_)
    mislead(round_)


def half_answered(round_: Round) -> None:
    pushed(round_)
    half(round_)
    add_twins(round_, 2)


def corrected(round_: Round) -> None:
    """Round 2 is answered, and answers of round 1 were changed after it was closed."""
    pushed(round_)
    everybody(round_)
    round_.pull(round_.backend())
    change_their_minds(round_)
    go_on(round_)
    pushed(round_)
    everybody(round_)
    add_twins(round_, 1)


Step = Callable[[Round, LabelStudioBackend], object]
STORY: tuple[Step, ...] = (
    Round.push,
    lambda round_, _: half(round_),
    lambda round_, _: break_off(round_),
    Round.push,
    Round.progress,
    lambda round_, _: everybody(round_),
    Round.pull,
    lambda round_, _: change_their_minds(round_),
    lambda round_, _: go_on(round_),
    Round.push,
    lambda round_, _: half(round_),
    Round.close_early,
)
"""Two rounds: all that happens from a new project on to the close at a deadline."""


def whole_story(round_: Round, backend: LabelStudioBackend) -> None:
    """Everything in a row; it goes on where it broke off."""
    for step in STORY[round_.reached :]:
        step(round_, backend)
        round_.reached += 1
