"""What holds of a campaign whatever was done to it: one function each, with what it promises."""

import json
from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from typing import Any

from soak.life import Life, Word, round_of
from soak.look import Said

Invariant = Callable[[Life], Iterator[str]]
"""Yields what is not as it should be, after a step that ended."""


def no_sample_on_both_sides(life: Life) -> Iterator[str]:
    """No sample is in the hold-out and in what is trained on."""
    split = {each.id: each.split for each in life.seen.manifest}
    for name, count in Counter(each.id for each in life.seen.manifest).items():
        if count > 1:
            yield f"{name} is there {count} times"
    for file, names in life.seen.files.items():
        for name in names:
            if split.get(name) != "pool":
                yield f"{name} in {file} is no sample of the pool"
    for name in life.seen.holdout:
        if split.get(name) != "holdout":
            yield f"{name} is among the hold-out's answers and is not of it"


def no_group_on_both_sides(life: Life) -> Iterator[str]:
    """No group, and no picture in two versions, is on both sides."""
    sides: dict[str, set[str]] = {}
    for sample in life.seen.manifest:
        for name in (*sample.named_groups, sample.picture):
            sides.setdefault(name, set()).add(sample.split)
    for name, found in sides.items():
        if len(found) > 1:
            yield f"{name} is on both sides"


def no_answer_is_lost(life: Life) -> Iterator[str]:
    """Every answer to a sample that is there is in the record once, by who gave it."""
    seen = life.seen
    yield from _differ("the backend", life.said, seen.answers)
    for number, found in life.found.items():
        own = [each for each in seen.written[number] if round_of(each.key) == number]
        said = {place: word for place, word in found.items() if round_of(place[0]) == number}
        yield from _differ(f"round {number}", said, own)
    counting: dict[tuple[str, str], Word] = {}
    for number in sorted(seen.standing):
        counting |= life.found[number]
    yield from _differ("what counts", counting, seen.counting)


def _differ(where: str, wanted: dict[tuple[str, str], Word], got: Iterable[Said]) -> Iterator[str]:
    found = list(got)
    for place, count in Counter(each.place for each in found).items():
        if count > 1:
            yield f"{where} has {count} answers of {place}"
    there = {each.place: Word(each.labels, each.reason) for each in found}
    for place in wanted.keys() | there.keys():
        if wanted.get(place) != there.get(place):
            yield f"{where}: {place} said {wanted.get(place)}, got {there.get(place)}"


def closed_rounds_do_not_change(life: Life) -> Iterator[str]:
    """Files of closed rounds stay as they were, but for lines on withdrawn samples."""
    gone = tuple(life.withdrawn)
    for name, before in life.closed.items():
        now = life.seen.closed.get(name)
        if now is None:
            yield f"{name} is gone"
        elif now != before and _without(name, before, gone) != _without(name, now, ()):
            yield f"{name} changed"


def _without(name: str, content: bytes, gone: tuple[str, ...]) -> Any:
    """The values of a file without the entries that name one of the samples."""
    text = content.decode()
    if name.endswith(".jsonl"):
        return [line for line in text.splitlines() if not any(each in line for each in gone)]
    return _pruned(json.loads(text), gone)


def _pruned(value: Any, gone: tuple[str, ...]) -> Any:
    if isinstance(value, dict):
        return {key: _pruned(each, gone) for key, each in value.items()}
    if isinstance(value, list):
        return [x for x in value if not any(each in json.dumps(x) for each in gone)]
    return value


def one_task_a_key(life: Life) -> Iterator[str]:
    """Each sample that a round asks for is one task in the backend, and no other is there."""
    asked = Counter((task.round, task.sample) for task in life.seen.tasks)
    for (number, name), count in asked.items():
        if count > 1:
            yield f"round {number} asks {count} times for {name}"
    wanted = Counter(key for keys in life.seen.pushed.values() for key in keys)
    there = Counter(task.key for task in life.seen.tasks)
    if wanted != there:
        yield f"tasks: recorded alone {wanted - there}, in the backend alone {there - wanted}"


def tombstones_hold(life: Life) -> Iterator[str]:
    """A withdrawn sample never returns, and its bytes are nowhere."""
    there = {life.known[each.id]: each.id for each in life.seen.manifest}
    for name, pixels in life.withdrawn.items():
        if not life.seen.tombstones.get(name):
            yield f"{name} has no tombstone"
        if pixels in there:
            yield f"{name} is back as {there[pixels]}"
    for place in life.seen.left:
        yield f"{place} has bytes of a withdrawn sample"


def tags_stay(life: Life) -> Iterator[str]:
    """The tags of rounds stay, and where they are."""
    for name, commit in life.tags.items():
        got = life.seen.tags.get(name)
        if got != commit:
            yield f"tag {name} was at {commit} and is at {got}"
    life.tags |= life.seen.tags


def status_works(life: Life) -> Iterator[str]:
    """`status` works after every step, and knows every round."""
    seen = life.seen
    ended = {seen.told.get(number) for number in range(seen.number)}
    if not ended <= {"closed", "rolled back", "cancelled"} or "\nnext: " not in seen.status:
        yield f"status says {seen.told} of {seen.number} closed rounds: {seen.status}"


def git_is_clean(life: Life) -> Iterator[str]:
    """git has nothing to commit after a step that ended."""
    yield from life.seen.changed


def nothing_that_came_in_is_lost(life: Life) -> Iterator[str]:
    """Pool, hold-out and withdrawn samples are all that was ever ingested."""
    there = {each.id for each in life.seen.manifest}
    for name in life.known.keys() ^ (there | life.withdrawn.keys()):
        yield f"{name} came in: {name in life.known}; is there: {name in there}"
    for name in there & life.withdrawn.keys():
        yield f"{name} is there and withdrawn"
    pictures = {life.known[name] for name in life.known}
    for place, pixels in life.given.items():
        if pixels not in pictures and place not in life.seen.quarantined:
            yield f"{place} is nowhere"


def no_sample_is_picked_twice(life: Life) -> Iterator[str]:
    """A round picks no sample that has a label."""
    if life.seen.open:
        for name in set(life.seen.chosen) & life.seen.labels:
            yield f"round {life.seen.number} picked {name}, which has a label"


ALL: tuple[Invariant, ...] = (
    no_sample_on_both_sides,
    no_group_on_both_sides,
    no_answer_is_lost,
    closed_rounds_do_not_change,
    one_task_a_key,
    tombstones_hold,
    tags_stay,
    status_works,
    git_is_clean,
    nothing_that_came_in_is_lost,
    no_sample_is_picked_twice,
)


def check(life: Life) -> None:
    """Raise AssertionError that names each promise that does not hold."""
    broken = [f"{each.__name__}: {text}" for each in ALL for text in each(life)]
    assert not broken, "\n".join(broken)
