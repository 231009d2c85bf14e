"""DVC and the stages that it starts, in processes whose libraries are imported already."""

import os
import signal
import subprocess
import sys
import threading
import time
from pathlib import Path
from unittest import mock

import pytest
from dvc.stage.exceptions import StageCmdFailedError

from labelcycle.adapters import lock, programs, warm_programs
from labelcycle.adapters.dvc import altered_program, commands
from labelcycle.errors import Busy, ToolFailed

STARTED = """
import os, subprocess, sys
from labelcycle.adapters import warm_programs

if __name__ == "__main__":
    warm_programs.start(["evaluate"])
    os.umask(0o077)
    done = warm_programs.completed(
        ["labelcycle", "stage", "query"], sys.argv[1], dict(os.environ, MARK="x"), subprocess.PIPE
    )
    print(done.stdout.decode(), done.stderr.decode(), "code", done.returncode)
"""

PROGRAM = """
import os, sys
warm = "sklearn" in sys.modules
print(sys.argv[1:], os.getcwd(), os.environ["MARK"], warm, oct(os.umask(0)), flush=True)
print("to the user", file=sys.stderr, flush=True)
end = os.environ["END"]
os.kill(os.getpid(), int(end[1:])) if end[0] == "-" else sys.exit(int(end))
"""

linux = pytest.mark.skipif(sys.platform != "linux", reason="nothing is warm elsewhere")


@linux
@pytest.mark.slow
@pytest.mark.parametrize("end", ["0", "3", f"-{int(signal.SIGKILL)}"])
def test_a_program_has_its_folder_variables_umask_and_streams(tmp_path: Path, end: str) -> None:
    """A package in place of labelcycle's own `__main__` says what it was started with."""
    (tmp_path / "start.py").write_text(STARTED)
    instead = tmp_path / "site" / "sitecustomize.py"
    instead.parent.mkdir()
    instead.write_text(
        "import labelcycle, pathlib\n"
        f"labelcycle.__path__.insert(0, {str(tmp_path / 'instead')!r})\n"
    )
    (tmp_path / "instead").mkdir()
    (tmp_path / "instead" / "__main__.py").write_text(PROGRAM)
    folder = tmp_path / "campaign"
    folder.mkdir()
    ran = subprocess.run(
        [sys.executable, "-P", str(tmp_path / "start.py"), str(folder)],
        env={**os.environ, "PYTHONPATH": str(instead.parent), "END": end},
        capture_output=True,
        text=True,
        check=False,
    )
    said = f"['stage', 'query'] {folder} x True 0o77\n to the user\n code {end}\n"
    assert ran.stdout == said, ran.stderr


@pytest.fixture
def warm() -> None:
    warm_programs.start(["evaluate"])


@pytest.fixture
def repository(tmp_path: Path) -> Path:
    programs.run([*commands.PROGRAM, "init", "--no-scm", "--quiet"], tmp_path)
    (tmp_path / "dvc.yaml").write_text(
        "stages:\n  query:\n    cmd: labelcycle stage query\n    outs: [picked]\n"
    )
    return tmp_path


@linux
@pytest.mark.slow
def test_dvc_and_its_stage_come_from_one_server(warm: None, repository: Path) -> None:
    """The stage fails by its own words, which reach the user past DVC."""
    with mock.patch.object(subprocess, "run", side_effect=AssertionError("a cold program")):
        with pytest.raises(ToolFailed, match=r"`python -P -m .* repro .* ended with code 255"):
            programs.show([*commands.PROGRAM, "repro", "--single-item", "query"], repository)
        assert programs.run([*commands.PROGRAM, "--version"], repository)
        with pytest.raises(ToolFailed, match="no-such-command"):
            programs.run([*commands.PROGRAM, "no-such-command"], repository)


@linux
@pytest.mark.slow
def test_programs_of_a_program_come_from_the_same_server(
    warm: None, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    says = "print(os.getppid(), 'sklearn' in sys.modules, flush=True)\n"
    (tmp_path / "inner.py").write_text("import os, sys\n" + says)
    (tmp_path / "outer.py").write_text(
        "import os, sys\n"
        "from labelcycle.adapters import warm_programs\n"
        "if __name__ == '__main__':\n"
        f"    {says}"
        "    sys.exit(warm_programs.run(['inner'], '.', dict(os.environ)))\n"
    )
    monkeypatch.syspath_prepend(tmp_path)
    assert warm_programs.run(["outer"], tmp_path, dict(os.environ)) == 0
    outer, inner = capfd.readouterr().out.splitlines()
    assert outer == inner
    assert outer.endswith("True")


@pytest.mark.slow
def test_a_stage_that_fails_ends_the_repro_with_its_own_words(
    warm: None, repository: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(ToolFailed):
        programs.show([*commands.PROGRAM, "repro", "--single-item", "query"], repository)
    said = capfd.readouterr().err
    assert "labelcycle: " in said
    assert "failed to run: labelcycle stage query, exited with 1" in said


@linux
@pytest.mark.slow
def test_the_lock_is_held_until_the_program_has_ended(
    warm: None, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A killed run leaves programs behind, which nobody may work beside."""
    release, began = tmp_path / "release", tmp_path / "began"
    (tmp_path / "waits.py").write_text(
        "import os, pathlib, time\n"
        f"pathlib.Path({str(began)!r}).touch()\n"
        f"while not os.path.exists({str(release)!r}): time.sleep(0.05)\n"
    )
    monkeypatch.syspath_prepend(tmp_path)
    file = tmp_path / "lock"

    def held() -> None:
        with lock.exclusive(file):
            words, inherited = ["waits"], lock.inherited()
            threading.Thread(
                target=warm_programs.run,
                args=(words, tmp_path, dict(os.environ)),
                kwargs={"inherited": inherited},
            ).start()
            while not began.exists():
                time.sleep(0.05)

    held()
    try:
        with pytest.raises(Busy), lock.exclusive(file, wait_s=0.1):
            pass
    finally:
        release.touch()
    with lock.exclusive(file, wait_s=5):
        pass


@pytest.mark.parametrize(
    ("command", "taken"),
    [
        ("labelcycle stage train", True),
        ("labelcycle stage train --more", False),
        ("labelcycle status", False),
        ("cp labelcycle stage", False),
    ],
)
def test_only_stages_of_ours_are_taken(command: str, taken: bool) -> None:
    assert altered_program.is_stage(command) is taken


@pytest.mark.parametrize(
    ("command", "taken"),
    [
        ((*programs.MODULE, "labelcycle", "stage", "train"), True),
        ((*commands.PROGRAM, "add", "x"), True),
        ((*programs.MODULE, "dvc", "add", "x"), False),
        ((*programs.MODULE,), False),
        ((sys.executable, "-m", "labelcycle"), False),
        (("git", "status"), False),
    ],
)
def test_only_programs_of_ours_start_warm(command: tuple[str, ...], taken: bool) -> None:
    assert programs._is_ours(command) is taken


@pytest.mark.parametrize(("platform", "error"), [("darwin", None), ("linux", OSError("no room"))])
def test_where_nothing_can_be_warm_stages_start_as_dvc_has_it(
    monkeypatch: pytest.MonkeyPatch, platform: str, error: OSError | None
) -> None:
    asked = mock.Mock(side_effect=error)
    monkeypatch.setattr(sys, "platform", platform)
    monkeypatch.setattr(warm_programs, "_starter", None)
    monkeypatch.setattr(warm_programs.forkserver, "ensure_running", asked)
    monkeypatch.setattr(warm_programs, "get_context", mock.Mock())
    warm_programs.start()
    assert asked.called is (platform == "linux")
    assert not warm_programs.started()
    shell = mock.Mock()
    monkeypatch.setattr(altered_program, "_run", shell)
    altered_program.run_command("sh", "labelcycle stage train", cwd="here", env={})
    shell.assert_called_once_with("sh", "labelcycle stage train", cwd="here", env={})


def test_a_copy_of_a_warm_process_starts_its_programs_cold(monkeypatch: pytest.MonkeyPatch) -> None:
    """It is not the server's parent, and cannot know whether that lives."""
    monkeypatch.setattr(warm_programs, "_starter", os.getppid())
    assert not warm_programs.started()


def test_python_that_starts_meanwhile_takes_no_module_from_the_folder(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.delenv("PYTHONSAFEPATH", raising=False)
    with warm_programs._no_module_from_here():
        assert os.environ["PYTHONSAFEPATH"] == "1"
    assert "PYTHONSAFEPATH" not in os.environ


def test_a_warm_stage_that_fails_is_told_to_dvc(monkeypatch: pytest.MonkeyPatch) -> None:
    codes = iter([0, 7])
    given = []
    monkeypatch.setattr(warm_programs, "started", lambda: True)
    monkeypatch.setattr(warm_programs, "run", lambda *what: given.append(what) or next(codes))
    how = {"cwd": "here", "env": {"A": "b"}, "shell": False, "close_fds": True}
    altered_program.run_command("sh", "labelcycle stage train", **how)
    with pytest.raises(StageCmdFailedError, match="train, exited with 7"):
        altered_program.run_command("sh", "labelcycle stage train", **how)
    assert given == [(["labelcycle", "stage", "train"], "here", {"A": "b"})] * 2


def test_ctrl_c_while_a_stage_runs_is_the_stages() -> None:
    before = signal.getsignal(signal.SIGINT)
    with warm_programs.interrupt_is_for_the_program():
        assert signal.getsignal(signal.SIGINT) is signal.SIG_IGN
    assert signal.getsignal(signal.SIGINT) is before
