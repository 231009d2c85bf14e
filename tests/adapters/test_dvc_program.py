"""DVC as labelcycle starts it."""

import subprocess
from pathlib import Path

import pytest
from dvc.exceptions import DvcException

from labelcycle.adapters.dvc import commands, program


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
        program.check_names(entries)
    else:
        with pytest.raises(DvcException, match="leads out of the folder"):
            program.check_names(entries)
