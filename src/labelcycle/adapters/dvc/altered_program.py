"""DVC's own program as it is, but for four things.

It is silent about files and folders that are empty. Those of a campaign mostly are so rightly (a
hold-out nobody has answered, a round without figures), and DVC would warn of each whenever it
looks.

It refuses the list of a folder's files if a name in it leads out of that folder. DVC 3.67 takes
such a name as it is, so that whoever wrote the list could write any file at a checkout.

It does several commands, with `--then` between them, until one fails.

A stage of ours starts with its libraries imported, where this program did (`warm_programs`).
"""

import logging
import shlex
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from dvc import cli  # type: ignore[import-untyped]
from dvc.exceptions import DvcException  # type: ignore[import-untyped]
from dvc.stage import run  # type: ignore[import-untyped]
from dvc.stage.exceptions import StageCmdFailedError  # type: ignore[import-untyped]
from dvc_data.hashfile.tree import Tree

from labelcycle.adapters import warm_programs
from labelcycle.adapters.dvc import recorded_outputs
from labelcycle.adapters.dvc.commands import THEN
from labelcycle.core import garbage_collection

STAGE = ("labelcycle", "stage")
"""What the command of a stage begins with; the stage's name follows."""

EMPTY = "'%s' is empty."
"""As `dvc.output` has it, before the name is put in."""


def wanted(record: logging.LogRecord) -> bool:
    """False for the one warning that tells users nothing."""
    return record.msg != EMPTY


def check_names(entries: Iterable[Mapping[str, Any]]) -> None:
    """Raise DvcException for the first entry whose name is not one below its folder."""
    for entry in entries:
        name = str(entry[Tree.PARAM_RELPATH])
        if recorded_outputs.leads_out(name):
            raise DvcException(
                f"a folder's list of files names {name!r}, which leads out of the folder;"
                " do not use data of whoever made it"
            )


def checked(entries: list[dict[str, Any]], hash_name: str | None = None) -> Any:
    """DVC's `Tree.from_list`, of names that stay in their folder."""
    check_names(entries)
    return _from_list(entries, hash_name)


def commands(words: Sequence[str]) -> list[list[str]]:
    """The words of each command."""
    found: list[list[str]] = [[]]
    for word in words:
        if word == THEN:
            found.append([])
        else:
            found[-1].append(word)
    return found


_from_list = Tree.from_list
_run = run._run


def run_command(executable: str | None, command: str, **how: Any) -> None:
    """DVC's `_run`: a stage's command by a shell. Raises StageCmdFailedError."""
    if not (warm_programs.started() and is_stage(command)):
        _run(executable, command, **how)
        return
    with warm_programs.interrupt_is_for_the_program():
        code = warm_programs.run(shlex.split(command), how["cwd"], how["env"])
    if code:
        raise StageCmdFailedError(command, code)


def is_stage(command: str) -> bool:
    """True if it starts a stage of ours, and nothing beside."""
    words = shlex.split(command)
    return len(words) == 3 and tuple(words[:2]) == STAGE


def main(words: Sequence[str]) -> int:
    """Do what the words of a command line say; the exit code."""
    garbage_collection.collect_less()
    logging.getLogger("dvc.output").addFilter(wanted)
    Tree.from_list = checked  # type: ignore[method-assign, assignment]
    run._run = run_command
    return next((code for each in commands(words) if (code := cli.main(each))), 0)
