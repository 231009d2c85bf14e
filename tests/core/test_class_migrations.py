"""Changes of classes: what each earlier name counts as, against labels moved one by one."""

import pytest
from example_counts import tries
from hypothesis import given
from hypothesis import strategies as st

from labelcycle.core import class_migrations
from labelcycle.core.class_migrations import Change, counted_as
from labelcycle.errors import SettingsError

NAMES = tuple("abcdef")
CLASSES = ("cat", "dog", "cow")
NAME = st.sampled_from(NAMES)
WISHES = st.lists(
    st.one_of(
        st.tuples(st.just("add"), NAME, st.one_of(st.none(), NAME)),
        st.tuples(st.just("rename"), NAME, NAME),
        st.tuples(st.just("merge"), st.lists(NAME, min_size=1, max_size=3), NAME),
        st.tuples(st.just("remove"), NAME),
    ),
    max_size=14,
)


def made(wish: tuple, classes: tuple[str, ...], table: dict[str, str | None]) -> Change:
    kind, *words = wish
    if kind == "remove":
        return class_migrations.remove(classes, *words)
    return getattr(class_migrations, kind)(classes, *words, table)


def moved(label: list, change: Change) -> None:
    """What a change does to one label: [name given, name now or None]."""
    if change.kind == "add":
        (new,) = set(change.after) - set(change.before)
        if label == [new, None]:
            label[1] = new
    elif label[1] in change.table:
        label[1] = change.table[label[1]]


@tries(50)
@given(WISHES)
def test_every_label_counts_as_if_it_had_been_moved_at_each_change(wishes: list[tuple]) -> None:
    classes, changes = ("a", "b", "c"), []
    labels = [[name, name] for name in classes]
    for wish in wishes:
        try:
            change = made(wish, classes, counted_as(changes))
        except SettingsError:
            continue
        assert change.before == classes
        assert len(set(change.after)) == len(change.after) >= 2
        assert set(change.before) - set(change.table) <= set(change.after)
        for label in labels:
            moved(label, change)
        classes = change.after
        changes.append(change)
        labels += [[name, name] for name in classes]  # people go on labelling
    table = counted_as(changes)
    assert not table.keys() & set(classes)
    assert {new for new in table.values() if new is not None} <= set(classes)
    for given_, now in labels:
        assert table.get(given_, given_) == now


def test_the_four_kinds_by_hand() -> None:
    none: dict[str, str | None] = {}
    assert class_migrations.add(CLASSES, "pig", None, none).after == ("cat", "dog", "cow", "pig")
    assert class_migrations.add(CLASSES, "pig", "cat", none).after == ("cat", "pig", "dog", "cow")
    renamed = class_migrations.rename(CLASSES, "dog", "wolf", none)
    assert (renamed.after, renamed.table) == (("cat", "wolf", "cow"), {"dog": "wolf"})
    merged = class_migrations.merge(CLASSES, ("cow",), "cat", none)
    assert (merged.after, merged.table) == (("cat", "dog"), {"cow": "cat"})
    merged = class_migrations.merge(CLASSES, ("cow", "dog"), "farm", none)
    assert (merged.after, merged.table) == (("cat", "farm"), {"dog": "farm", "cow": "farm"})
    removed = class_migrations.remove(CLASSES, "cat")
    assert (removed.after, removed.table) == (("dog", "cow"), {"cat": None})


@pytest.mark.parametrize(
    ("wish", "text"),
    [
        (("add", "pig", None), "add class 'pig'"),
        (("rename", "cow", "cattle"), "rename class 'cow' to 'cattle'"),
        (("merge", ("cow", "dog"), "pet"), "merge classes 'dog', 'cow' into 'pet'"),
        (("merge", ("cow", "dog"), "dog"), "merge class 'cow' into 'dog'"),
        (("remove", "cow"), "remove class 'cow'"),
    ],
)
def test_a_change_says_what_it_is(wish: tuple, text: str) -> None:
    assert str(made(wish, CLASSES, {})) == text


def test_a_removed_class_that_is_added_again_has_its_labels_back() -> None:
    changes = [class_migrations.remove(CLASSES, "cow")]
    assert counted_as(changes) == {"cow": None}
    changes.append(class_migrations.add(changes[0].after, "cow", None, counted_as(changes)))
    assert counted_as(changes) == {}


@pytest.mark.parametrize(
    ("wish", "text"),
    [
        (("add", "dog", None), "class 'dog' is there already: wanted a new name"),
        (("add", "pig", "catt"), "unknown class 'catt': wanted one of cat, dog, cow .*'cat'"),
        (("rename", "pig", "swine"), "unknown class 'pig': wanted one of .*; choose one of them$"),
        (("rename", "dog", "cat"), "class 'cat' is there already.*merge them$"),
        (("merge", ("dog", "pig"), "cat"), "unknown class 'pig'"),
        (("merge", ("dog",), "dog"), "wanted a class to merge into another one, got 'dog' alone"),
        (("merge", CLASSES, "animal"), "wanted at least 2 classes to be left, got 1: animal"),
        (("rename", "dog", "ox"), "'ox' was there before, and its labels count as 'cow': wanted"),
        (("add", "ox", None), "labels count as 'cow': wanted a name that means one thing"),
        (("rename", "dog", "gnu"), "'gnu' .* are rejected: .* or add it again$"),
    ],
)
def test_what_cannot_be_done_is_refused(wish: tuple, text: str) -> None:
    with pytest.raises(SettingsError, match=text):
        made(wish, CLASSES, {"ox": "cow", "gnu": None})


def test_the_last_two_classes_stay() -> None:
    with pytest.raises(SettingsError, match="wanted at least 2 classes to be left, got 1: dog"):
        class_migrations.remove(("cat", "dog"), "cat")


def test_a_class_may_have_its_old_name_back() -> None:
    changes = [class_migrations.rename(CLASSES, "dog", "wolf", {})]
    changes.append(class_migrations.rename(changes[0].after, "wolf", "dog", counted_as(changes)))
    assert counted_as(changes) == {"wolf": "dog"}


def test_names_with_decomposed_accents_are_the_same_names() -> None:
    classes, now, typed = ("caf\u00e9", "tea", "milk"), "caf\u00e9", "cafe\u0301"
    assert class_migrations.rename(classes, typed, "bar", {}).table == {now: "bar"}
    assert class_migrations.remove(classes, typed).table == {now: None}
    assert class_migrations.merge(classes, ["tea"], typed, {}).table == {"tea": now}
    with pytest.raises(SettingsError, match="is there already"):
        class_migrations.add(classes, typed, None, {})
