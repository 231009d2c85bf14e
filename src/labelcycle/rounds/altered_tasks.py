"""Tasks that show something else than was pushed: another image, or another pre-annotation.

In Label Studio everybody may change what a task shows. Whoever answers then says what is seen, and
the label of another image is wrong in an honest name. So each look compares what tasks show with
what was pushed, writes down which differ, and puts them right. Answers that came since the last
look wait, and so do those that come while somebody may still have the page open.
"""

import datetime
from collections.abc import Iterable, Mapping

from labelcycle.adapters.ports import GUESS, Display
from labelcycle.core.consensus import cut
from labelcycle.core.counted_nouns import counted
from labelcycle.rounds import answer_journal, pushed_tasks
from labelcycle.rounds.snapshots import Snapshot

OPEN_IN_A_BROWSER = datetime.timedelta(minutes=30)
"""For so long somebody may have a task open as it was, and may still answer it."""

NAMED = 5
"""So many tasks are named in a line, and so much of what differs; all tasks are in the journal."""


def differing(
    pushed: Mapping[str, Display], present: Mapping[str, Iterable[Display]]
) -> dict[str, list[str]]:
    """By key, what differs in a task that shows something else than was pushed.

    pushed : by key; an empty display is compared with nothing
    present : what each task shows, and each twin of it
    """
    return {
        key: sorted(different)
        for key, displays in sorted(present.items())
        if (display := pushed.get(key))
        if (different := {name for shown in displays for name in names(display, shown)})
    }


def names(pushed: Display, shown: Display) -> list[str]:
    """What differs, by name. A pre-annotation that is gone misleads nobody."""
    return [
        name
        for name in sorted(pushed.keys() | shown.keys())
        if shown.get(name) != pushed.get(name) and not (name == GUESS and name not in shown)
    ]


def readable(names: Iterable[str]) -> list[str]:
    """Names for line and journal: whoever changes the data of a task may call them anything."""
    some = [cut(name if name.isprintable() else ascii(name)) for name in names]
    return [*some[:NAMED], *(["..."] if len(some) > NAMED else [])]


def summary_line(snapshot: Snapshot) -> str:
    """A line on the tasks that looks at the round at work found so; empty if there are none."""
    altered = answer_journal.read(snapshot).altered
    if not altered:
        return ""
    tasks = pushed_tasks.tasks_by_key(snapshot)
    known = sorted((tasks[key] for key in altered if key in tasks), key=lambda task: task.task)
    parts = [
        f"task {task.task} of sample {task.sample} ({', '.join(altered[task.key].altered)})"
        for task in known
    ]
    return (
        f"{counted(len(parts), 'task')} showed something else than was pushed, for somebody changed"
        f" {'it' if len(parts) == 1 else 'them'}, and"
        f" {'was' if len(parts) == 1 else 'were'} put right: {', '.join(parts[:NAMED])}"
        f"{' ...' if len(parts) > NAMED else ''}; answers given meanwhile wait"
    )
