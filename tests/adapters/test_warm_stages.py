"""Stages in processes whose libraries are imported already, as DVC starts them."""

import os
import signal
import subprocess
import sys
from pathlib import Path
from unittest import mock

import pytest
from dvc.stage.exceptions import StageCmdFailedError

from labelcycle.adapters.dvc import altered_program, commands, warm_stages

STARTED = """
import os, sys
from labelcycle.adapters.dvc import warm_stages

if __name__ == "__main__":
    warm_stages.start(["evaluate"])
    code = warm_stages.run("labelcycle stage query", sys.argv[1], dict(os.environ, MARK="x"))
    print("code", code)
"""

STAGE = """
import os, sys
print(sys.argv[1:], os.getcwd(), os.environ["MARK"], "sklearn" in sys.modules, flush=True)
end = os.environ["END"]
os.kill(os.getpid(), int(end[1:])) if end[0] == "-" else sys.exit(int(end))
"""


@pytest.mark.slow
@pytest.mark.parametrize("end", ["0", "3", f"-{int(signal.SIGKILL)}"])
def test_a_stage_is_the_program_in_its_folder_with_its_variables(tmp_path: Path, end: str) -> None:
    """A package in place of labelcycle's own `__main__` says what it was started with."""
    (tmp_path / "start.py").write_text(STARTED)
    instead = tmp_path / "site" / "sitecustomize.py"
    instead.parent.mkdir()
    instead.write_text(
        "import labelcycle, pathlib\n"
        f"labelcycle.__path__.insert(0, {str(tmp_path / 'instead')!r})\n"
    )
    (tmp_path / "instead").mkdir()
    (tmp_path / "instead" / "__main__.py").write_text(STAGE)
    folder = tmp_path / "campaign"
    folder.mkdir()
    ran = subprocess.run(
        [sys.executable, "-P", str(tmp_path / "start.py"), str(folder)],
        env={**os.environ, "PYTHONPATH": str(instead.parent), "END": end},
        capture_output=True,
        text=True,
        check=False,
    )
    said = f"['stage', 'query'] {folder} x {sys.platform == 'linux'}\ncode {end}\n"
    assert ran.stdout == said, ran.stderr


@pytest.mark.slow
def test_a_stage_that_fails_ends_the_repro_with_its_own_words(tmp_path: Path) -> None:
    def said(*words: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [*commands.PROGRAM, *words], cwd=tmp_path, capture_output=True, text=True, check=False
        )

    said("init", "--no-scm", "--quiet")
    (tmp_path / "dvc.yaml").write_text(
        "stages:\n  query:\n    cmd: labelcycle stage query\n    outs: [picked]\n"
    )
    failed = said("repro", "--single-item", "query")
    assert failed.returncode != 0
    assert "labelcycle: " in failed.stderr
    assert "failed to run: labelcycle stage query, exited with" in failed.stderr


@pytest.mark.parametrize(
    ("command", "taken"),
    [
        ("labelcycle stage train", True),
        ("labelcycle stage train --more", False),
        ("labelcycle status", False),
        ("cp labelcycle stage", False),
    ],
)
def test_only_stages_of_ours_are_taken(
    monkeypatch: pytest.MonkeyPatch, command: str, taken: bool
) -> None:
    monkeypatch.setattr(warm_stages, "_started", True)
    assert warm_stages.runs(command) is taken
    monkeypatch.setattr(warm_stages, "_started", False)
    assert not warm_stages.runs(command)


@pytest.mark.parametrize(("platform", "error"), [("darwin", None), ("linux", OSError("no room"))])
def test_where_nothing_can_be_warm_stages_start_as_dvc_has_it(
    monkeypatch: pytest.MonkeyPatch, platform: str, error: OSError | None
) -> None:
    asked = mock.Mock(side_effect=error)
    monkeypatch.setattr(sys, "platform", platform)
    monkeypatch.setattr(warm_stages.forkserver, "ensure_running", asked)
    monkeypatch.setattr(warm_stages, "get_context", mock.Mock())
    warm_stages.start([])
    assert asked.called is (platform == "linux")
    shell = mock.Mock()
    monkeypatch.setattr(altered_program, "_run", shell)
    altered_program.run_command("sh", "labelcycle stage train", cwd="here", env={})
    shell.assert_called_once_with("sh", "labelcycle stage train", cwd="here", env={})


def test_a_warm_stage_that_fails_is_told_to_dvc(monkeypatch: pytest.MonkeyPatch) -> None:
    codes = iter([0, 7])
    given = []
    monkeypatch.setattr(warm_stages, "runs", lambda command: True)
    monkeypatch.setattr(warm_stages, "run", lambda *what: given.append(what) or next(codes))
    how = {"cwd": "here", "env": {"A": "b"}, "shell": False, "close_fds": True}
    altered_program.run_command("sh", "labelcycle stage train", **how)
    with pytest.raises(StageCmdFailedError, match="train, exited with 7"):
        altered_program.run_command("sh", "labelcycle stage train", **how)
    assert given == [("labelcycle stage train", "here", {"A": "b"})] * 2


def test_ctrl_c_while_a_stage_runs_is_the_stages() -> None:
    before = signal.getsignal(signal.SIGINT)
    with warm_stages._interrupt_is_for_the_stage():
        assert signal.getsignal(signal.SIGINT) is signal.SIG_IGN
    assert signal.getsignal(signal.SIGINT) is before
