"""Has the flows, DVC and the stages in one process: each start of a program takes a second.

Prefect is left out, as in the tests of the flows, and so are charts: no promise is about them.
"""

import contextlib
import os
import shlex
import subprocess
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from bare_flows import without_prefect
from dvc.stage.exceptions import StageCmdFailedError  # type: ignore[import-untyped]

from labelcycle.adapters import programs
from labelcycle.adapters.dvc import altered_program, commands
from labelcycle.cycle import run_stage
from labelcycle.errors import LabelcycleError, ToolFailed
from labelcycle.stages import charts

_start_program = programs._run


def arrange() -> None:
    """Have it so in this process, which is to end soon after: nothing is put back."""
    without_prefect()
    for name in ("confusion", "per_class"):
        setattr(charts, name, lambda *shown: b"chart")
    programs._run = _run  # type: ignore[assignment]
    altered_program.run_command = _run_stage


def _run(
    command: Sequence[str],
    cwd: Path,
    errors: int | None = subprocess.PIPE,
    given: bytes = b"",
) -> subprocess.CompletedProcess[bytes]:
    """As `programs._run`, but DVC is called."""
    own = len(commands.PROGRAM) - 1
    if tuple(command[:own]) != commands.PROGRAM[:own]:
        return _start_program(command, cwd, errors, given)
    before = dict(os.environ)
    os.environ.update(DVC_NO_ANALYTICS="1", DVC_SITE_CACHE_DIR=str(programs.site_cache(cwd)))
    try:
        with contextlib.chdir(cwd):
            code = altered_program.main(command[own:])
    finally:
        os.environ.clear()
        os.environ.update(before)
    if code:
        raise ToolFailed(f"`dvc {' '.join(command[own:])}` ended with code {code} in {cwd}")
    return subprocess.CompletedProcess(list(command), 0, b"", b"")


def _run_stage(executable: str | None, command: str, **how: Any) -> None:
    """A stage of ours, as DVC is told to run it."""
    words = shlex.split(command)
    assert words[:2] == ["labelcycle", "stage"], command
    try:
        run_stage.run_stage(words[2], Path(how["cwd"]), lambda step: None)
    except LabelcycleError as error:
        print(f"Error: {error}")
        raise StageCmdFailedError(command, 1) from error
