"""Changes of a campaign's classes between its rounds, and what earlier names count as now. Pure.

A name that was given up counts as what the migrations made of it, whenever it was given; a name
that is a class now is that class. So that this is one answer for each name, no class may take a
name whose labels count as another class.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from labelcycle.core.class_names import composed, meant
from labelcycle.errors import SettingsError

LEAST = 2
"""Fewer classes are no question."""

Table = Mapping[str, str | None]
"""From a class name that was given up to the class it counts as now; None: it was removed."""


@dataclass(frozen=True)
class Change:
    """What is done to the classes.

    kind : add, rename, merge or remove
    table : old name -> new one, or None for a removed class; empty for `add`
    before, after : the class names, in the order of their hot keys
    """

    kind: str
    table: Table
    before: tuple[str, ...]
    after: tuple[str, ...]

    def __str__(self) -> str:
        """As in `rename class 'cow' to 'cattle'`."""
        old = ", ".join(map(repr, self.table))
        if self.kind == "add":
            old = ", ".join(repr(name) for name in self.after if name not in self.before)
        noun = "classes" if len(self.table) > 1 else "class"
        link = {"rename": " to ", "merge": " into "}.get(self.kind)
        new = next(iter(self.table.values()), None)
        return f"{self.kind} {noun} {old}{f'{link}{new!r}' if link else ''}"


@dataclass(frozen=True)
class Migration(Change):
    """A change that was made.

    round : number of the first round that asks for the new classes
    at : when it was made, ISO 8601
    """

    round: int
    at: str


def counted_as(changes: Iterable[Change]) -> dict[str, str | None]:
    """What each name that was given up counts as after all changes, in their order."""
    table: dict[str, str | None] = {}
    for change in changes:
        table = {
            old: None if new is None else change.table.get(new, new) for old, new in table.items()
        }
        table |= change.table
        for name in change.after:
            table.pop(name, None)
    return table


# --- the four kinds ------------------------------------------------------------------------


def add(classes: Sequence[str], name: str, after: str | None, table: Table) -> Change:
    """One more class, behind the class `after` or last; a removed one comes back, with its labels.

    table : what names count as so far. All four raise SettingsError if it cannot be done.
    """
    name = composed(name)
    _check_free(name, classes, table, {None})
    place = len(classes) if after is None else _index(after, classes) + 1
    return Change("add", {}, tuple(classes), (*classes[:place], name, *classes[place:]))


def rename(classes: Sequence[str], old: str, new: str, table: Table) -> Change:
    """Another name for a class, at its place; its labels go along."""
    place, new = _index(old, classes), composed(new)
    old = classes[place]
    _check_free(new, classes, table, {old})
    after = (*classes[:place], new, *classes[place + 1 :])
    return Change("rename", {old: new}, tuple(classes), after)


def merge(classes: Sequence[str], names: Sequence[str], into: str, table: Table) -> Change:
    """One class in place of several: one of the campaign's, or a new one at the first's place."""
    into = composed(into)
    places = sorted({_index(name, classes) for name in names})
    gone = [classes[place] for place in places if classes[place] != into]
    if len({*gone, into}) < 2 or not gone:
        raise SettingsError(
            f"wanted a class to merge into another one, got {into!r} alone; name those that are"
            " given up"
        )
    if into in classes:
        after = [name for name in classes if name not in gone]
    else:
        _check_free(into, classes, table, set(gone))
        merged = (into if place == places[0] else name for place, name in enumerate(classes))
        after = [name for name in merged if name not in gone]
    _check_enough(after)
    return Change("merge", dict.fromkeys(gone, into), tuple(classes), tuple(after))


def remove(classes: Sequence[str], name: str) -> Change:
    """One class less; its labels are rejected."""
    place = _index(name, classes)
    after = (*classes[:place], *classes[place + 1 :])
    _check_enough(after)
    return Change("remove", {classes[place]: None}, tuple(classes), after)


def _index(name: str, classes: Sequence[str]) -> int:
    if composed(name) in classes:
        return list(classes).index(composed(name))
    hint = meant(name, classes) or "choose one of them"
    raise SettingsError(
        f"unknown class {name!r}: wanted one of {', '.join(classes)} (got {name!r}); {hint}"
    )


def _check_free(name: str, classes: Sequence[str], table: Table, allowed: set[str | None]) -> None:
    """Raise SettingsError if the name is a class, or its earlier labels count as something else."""
    if name in classes:
        raise SettingsError(
            f"class {name!r} is there already: wanted a new name (got {name!r}); to put two"
            " classes together, merge them"
        )
    if name in table and table[name] not in allowed:
        fate = table[name]
        raise SettingsError(
            f"class {name!r} was there before, and its labels"
            f" {'are rejected' if fate is None else f'count as {fate!r}'}: wanted a name that means"
            " one thing in all rounds; choose another one"
            f"{', or add it again' if fate is None else ''}"
        )


def _check_enough(after: Sequence[str]) -> None:
    if len(after) < LEAST:
        raise SettingsError(
            f"wanted at least {LEAST} classes to be left, got {len(after)}: {', '.join(after)};"
            " add a class first"
        )
