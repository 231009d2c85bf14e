"""`labelcycle schema`: its errors name the commands that may help, which the core does not know."""

import pytest

from labelcycle.cli import schema_commands
from labelcycle.core import class_migrations
from labelcycle.core.class_migrations import Change, Table
from labelcycle.errors import SettingsError


def test_an_error_names_the_commands() -> None:
    def taken(classes: tuple[str, ...], table: Table) -> Change:
        return class_migrations.rename(classes, "dog", "cat", table)

    with pytest.raises(SettingsError, match=r"merge them \(.*`labelcycle schema merge`"):
        schema_commands._changed(taken, ("cat", "dog"), {})
