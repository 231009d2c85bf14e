"""Tasks that show something else than was pushed: another image, or another pre-annotation.

In Label Studio everybody may change what a task shows. Whoever answers then says what is seen, and
the label of another image is wrong in an honest name. So each look compares what tasks show with
what was pushed, writes down which differ, and puts them right. Answers that came since the last
look wait, and so do those that come while somebody may still have the page open.
"""

import datetime
from collections.abc import Collection, Iterable, Mapping

from labelcycle.adapters.ports import GUESS, AnnotationBackend, Display
from labelcycle.core.consensus import cut
from labelcycle.rounds import answer_journal, pushed_tasks
from labelcycle.rounds.pushed_tasks import Asked
from labelcycle.rounds.snapshots import Snapshot

OPEN_IN_A_BROWSER = datetime.timedelta(minutes=30)
"""For so long somebody may have a task open as it was, and may still answer it."""

NAMED = 5
"""So many tasks are named in a line, and so much of what differs; all tasks are in the journal."""


def differing(
    pushed: Mapping[str, Display], now: Mapping[str, Iterable[Display]]
) -> dict[str, list[str]]:
    """By key, what differs in a task that shows something else than was pushed.

    pushed : by key; an empty display is compared with nothing
    now : what each task shows, and each twin of it
    """
    return {
        key: sorted(other)
        for key, shown in sorted(now.items())
        if (wanted := pushed.get(key))
        if (other := {name for each in shown for name in names(wanted, each)})
    }


def names(wanted: Display, shown: Display) -> list[str]:
    """What differs, by name. A pre-annotation that is gone misleads nobody."""
    return [
        name
        for name in sorted(wanted.keys() | shown.keys())
        if shown.get(name) != wanted.get(name) and not (name == GUESS and name not in shown)
    ]


def look(
    snapshot: Snapshot, backend: AnnotationBackend, project: int, tasks: Collection[Asked]
) -> None:
    """Write down which of `tasks` show something else than was pushed, and put them right."""
    pushed = {task.key: task.display for task in tasks if task.display}
    ids = {key: number for key, number in pushed_tasks.ids(tasks).items() if key in pushed}
    found = differing(pushed, backend.displayed(project, ids)) if ids else {}
    if not found:
        return
    until = datetime.datetime.now(datetime.UTC) + OPEN_IN_A_BROWSER
    said = {key: _readable(differs) for key, differs in found.items()}
    answer_journal.note_altered(snapshot, said, until.isoformat(timespec="seconds"))
    backend.restore(project, ids, {key: pushed[key] for key in found})


def _readable(differs: Iterable[str]) -> list[str]:
    """Names for a line: whoever changes the data of a task may call them anything."""
    some = [cut(name if name.isprintable() else ascii(name)) for name in differs]
    return [*some[:NAMED], *(["..."] if len(some) > NAMED else [])]


def told(snapshot: Snapshot) -> str:
    """A line on the tasks that looks at the round at work found so; empty if there are none."""
    found = answer_journal.altered(snapshot)
    if not found:
        return ""
    tasks: dict[str, Asked] = {}
    for number in pushed_tasks.pushed_rounds(snapshot):
        tasks |= {task.key: task for task in pushed_tasks.tasks(snapshot, number)}
    known = sorted((tasks[key] for key in found if key in tasks), key=lambda task: task.task)
    parts = [
        f"task {task.task} of sample {task.sample} ({', '.join(found[task.key].differs)})"
        for task in known
    ]
    subject = "1 task" if len(parts) == 1 else f"{len(parts)} tasks"
    return (
        f"{subject} showed something else than was pushed, for somebody changed"
        f" {'it' if len(parts) == 1 else 'them'}, and"
        f" {'was' if len(parts) == 1 else 'were'} put right: {', '.join(parts[:NAMED])}"
        f"{' ...' if len(parts) > NAMED else ''}; answers given meanwhile wait"
    )
