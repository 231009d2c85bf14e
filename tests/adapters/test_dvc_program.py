"""DVC as labelcycle starts it."""

import subprocess
from pathlib import Path

import pytest
from dvc.exceptions import DvcException

from labelcycle.adapters.dvc import altered_program, commands


@pytest.mark.slow
def test_dvc_says_nothing_of_empty_files_and_whatever_else_it_has_to_say(tmp_path: Path) -> None:
    def said(*words: str) -> str:
        command = [*commands.PROGRAM, *words]
        return subprocess.run(command, cwd=tmp_path, capture_output=True, text=True).stderr

    said("init", "--no-scm", "--quiet")
    (tmp_path / "empty").touch()
    (tmp_path / "dvc.yaml").write_text(
        "stages:\n  copy:\n    cmd: cp empty copied\n    deps: [empty]\n    outs: [copied]\n"
    )
    assert "is empty" not in said("repro")
    assert (tmp_path / "dvc.lock").exists()
    (tmp_path / "empty").unlink()
    assert "failed to reproduce 'copy'" in said("repro")


@pytest.mark.parametrize(
    ("words", "found"),
    [
        ("add a", [["add", "a"]]),
        ("--x add a --then --x add b", [["--x", "add", "a"], ["--x", "add", "b"]]),
    ],
)
def test_several_commands_are_told_apart(words: str, found: list[list[str]]) -> None:
    assert altered_program.commands(words.split()) == found


@pytest.mark.slow
def test_the_second_command_is_done_after_the_first_and_not_if_it_fails(tmp_path: Path) -> None:
    def run(*words: str) -> int:
        return subprocess.run(
            [*commands.PROGRAM, *words], cwd=tmp_path, capture_output=True
        ).returncode

    for name in "abc":
        (tmp_path / name).touch()
    assert run("init", "--no-scm", commands.THEN, "add", "a", commands.THEN, "add", "b") == 0
    assert run("add", "missing", commands.THEN, "add", "c") != 0
    there = sorted(path.name for path in tmp_path.glob("?.dvc"))
    assert there == ["a.dvc", "b.dvc"]


@pytest.mark.parametrize(
    ("name", "stays"),
    [
        ("a.png", True),
        ("sub/ä b..png", True),
        ("..a/b", True),
        ("../a", False),
        ("sub/../../a", False),
        ("/etc/a", False),
        ("sub//a", False),
        ("..\\a", False),
        (".git/hooks/a", False),
        ("", False),
    ],
)
def test_a_name_in_a_folders_list_stays_in_the_folder(name: str, stays: bool) -> None:
    entries = [{"relpath": "fine"}, {"relpath": name}]
    if stays:
        altered_program.check_names(entries)
    else:
        with pytest.raises(DvcException, match="leads out of the folder"):
            altered_program.check_names(entries)
