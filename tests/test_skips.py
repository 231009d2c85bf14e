"""A run with a skip that is on no list fails where CI=true."""

import os
import subprocess
import sys
from pathlib import Path

import pytest
import skips

FILES = {
    "call": "import pytest\ndef test_a(): pytest.skip('no such program')\ndef test_b(): pass\n",
    "file": "import pytest\npytest.skip('no such program', allow_module_level=True)\n",
    "mark": "import pytest\n@pytest.mark.skip('no such program')\ndef test_a(): pass\n",
}


def outcome(folder: Path, ci: str, *options: str) -> subprocess.CompletedProcess[str]:
    """What pytest says of FILES, with the rule and nothing else of this project."""
    for name, text in FILES.items():
        (folder / f"test_{name}.py").write_text(text)
    (folder / "conftest.py").write_text("from skips import *\n")
    (folder / "pytest.ini").write_text("[pytest]\n")
    places = [str(Path(skips.__file__).parent), str(folder)]
    environment = {**os.environ, "CI": ci, "PYTHONPATH": os.pathsep.join(places)}
    words = [sys.executable, "-m", "pytest", "-q", "--disable-plugin-autoload", *options]
    return subprocess.run(words, cwd=folder, env=environment, capture_output=True, text=True)


@pytest.mark.parametrize("options", [(), ("-p", "xdist", "-n", "1")], ids=["one", "workers"])
@pytest.mark.slow
def test_a_skip_fails_where_ci_is_true(options: tuple[str, ...], tmp_path: Path) -> None:
    run = outcome(tmp_path, "true", *options)
    assert run.returncode == 1
    assert "skips allowed where CI=true: none" in run.stdout
    for where in ("test_call.py::test_a", "test_file.py", "test_mark.py::test_a"):
        assert f"SKIPPED AGAINST THE LIST: no such program ({where})" in run.stdout


@pytest.mark.slow
def test_elsewhere_it_is_only_listed(tmp_path: Path) -> None:
    run = outcome(tmp_path, "")
    assert run.returncode == 0
    assert "SKIPPED AGAINST" not in run.stdout


@pytest.mark.slow
def test_a_reason_on_the_list_may_happen(tmp_path: Path) -> None:
    (tmp_path / "allowing.py").write_text("import skips\nskips.ALLOWED_SKIPS = ('no such',)\n")
    run = outcome(tmp_path, "true", "-p", "allowing")
    assert run.returncode == 0
    assert "skips allowed where CI=true: no such\n" in run.stdout


def test_the_list_holds_no_program_that_ci_installs() -> None:
    assert not any("docker" in reason for reason in skips.ALLOWED_SKIPS)
