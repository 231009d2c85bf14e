"""The sample that a task shows, for who was told of the task: people see no names of files."""

import re
import shlex
from typing import NamedTuple
from urllib.parse import parse_qs, urlsplit

from labelcycle.campaign.sample_files import Sample
from labelcycle.errors import DataError
from labelcycle.rounds import pushed_tasks
from labelcycle.rounds.snapshots import Snapshot


class TaskName(NamedTuple):
    """A task by its number; project : where it is, None if that was not said."""

    number: int
    project: int | None


def parse(text: str) -> TaskName:
    """The task that is meant: `37`, `#37` as the page shows it, or the address of its page.

    Raises DataError if the text names no task.

    >>> parse("#37")
    TaskName(number=37, project=None)
    >>> parse("http://127.0.0.1:8080/projects/2/data?tab=1&task=37")
    TaskName(number=37, project=2)
    """
    plain = re.fullmatch(r"\s*#?(\d{1,18})\s*", text)
    if plain:
        return TaskName(int(plain[1]), None)
    address = urlsplit(text.strip())
    numbers = [*parse_qs(address.query).get("task", ()), *_behind("tasks", address.path)]
    if not numbers or not re.fullmatch(r"\d{1,18}", numbers[0]):
        raise DataError(
            f"{text!r} names no task: wanted its number, such as 37 where the page shows #37 at the"
            " lower left, or an address with task=37 in it"
        )
    project = next(iter(_behind("projects", address.path)), None)
    return TaskName(int(numbers[0]), None if project is None else int(project))


def hint(text: str) -> str:
    """What to give instead of a text that names no sample; empty if it names no task either.

    >>> hint("#37")
    "; if it is a task, give `labelcycle explain --task '#37'`"
    """
    try:
        parse(text)
    except DataError:
        return ""
    return f"; if it is a task, give `labelcycle explain --task {shlex.quote(text)}`"


def _behind(name: str, path: str) -> list[str]:
    """The number behind `name` in the path of an address; none if there is none."""
    return re.findall(rf"/{name}/(\d{{1,18}})(?=/|$)", path)


def find(snapshot: Snapshot, text: str) -> Sample:
    """The sample of the task that `parse` reads from the text, of whichever round.

    Raises DataError if no round asked it, or if tasks of several projects have the number.
    """
    name = parse(text)
    found: dict[str, str] = {}
    for number in pushed_tasks.pushed_rounds(snapshot):
        pushed = snapshot.records.pushed(number)
        if name.project in (None, pushed.project):
            place = f"{pushed.backend}, project {pushed.project}"
            found |= {task.sample: place for task in pushed.tasks if task.task == name.number}
    if not found:
        raise DataError(
            f"no round asked task {name.number}"
            f"{'' if name.project is None else f' of project {name.project}'}: wanted a task of"
            " this campaign; name the sample instead, by its id or path"
        )
    if len(found) > 1:
        listed = ", ".join(f"{sample} ({place})" for sample, place in found.items())
        raise DataError(f"task {name.number} is ambiguous: {listed}; name the sample instead")
    samples = {sample.id: sample for sample in snapshot.records.samples(which="all")}
    return samples[next(iter(found))]
