"""`labelcycle schema`: its errors name the commands that may help, which the core does not know."""

from pathlib import Path
from types import SimpleNamespace

import pytest

from labelcycle.campaign.label_files import Label
from labelcycle.cli import schema_commands
from labelcycle.core import class_migrations
from labelcycle.core.class_migrations import Change, Table
from labelcycle.errors import SettingsError
from labelcycle.rounds import snapshots


def test_an_error_names_the_commands() -> None:
    def taken(classes: tuple[str, ...], table: Table) -> Change:
        return class_migrations.rename(classes, "dog", "cat", table)

    with pytest.raises(SettingsError, match=r"merge them \(.*`labelcycle schema merge`"):
        schema_commands._changed(taken, ("cat", "dog"), {})


def campaign_of(
    monkeypatch: pytest.MonkeyPatch,
    classes: tuple[str, ...],
    backend: str,
    labels: dict[str, Label],
) -> None:
    """A campaign without changes of its classes, whichever folder is read."""
    settings = SimpleNamespace(classes=classes, push=SimpleNamespace(backend=backend))
    records = SimpleNamespace(labels=lambda: labels, migrations=list)
    snapshot = SimpleNamespace(config=settings, records=records)
    monkeypatch.setattr(snapshots, "read", lambda root: snapshot)


@pytest.mark.parametrize(
    ("backend", "lines"),
    [
        ("label_studio", ["key  class  labels", "1    bag         2", "2    coat        0"]),
        ("files", ["class  labels", "bag         2", "coat        0"]),
    ],
)
def test_hot_keys_are_those_of_the_backend(
    backend: str, lines: list[str], monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture
) -> None:
    read = {sample: Label(sample, "bag") for sample in "ab"}
    campaign_of(monkeypatch, ("bag", "coat"), backend, read)
    schema_commands._print(Path())
    assert capsys.readouterr().out.splitlines() == [*lines, "", "no changes so far"]


def test_more_classes_than_keys_are_all_listed(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture
) -> None:
    names = tuple(f"c{number:02d}" for number in range(40))
    campaign_of(monkeypatch, names, "label_studio", {})
    schema_commands._print(Path())
    listed = capsys.readouterr().out.splitlines()[1:41]
    assert [line.split()[-2] for line in listed] == list(names)
    assert listed[-1] == "     c39         0"
