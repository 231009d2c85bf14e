"""`make test` and `make lint`: a part that fails hides no other. The programs are stand-ins."""

import os
import subprocess
from pathlib import Path

import pytest

TOP = Path(__file__).parents[1]
STAND_IN = """#!/bin/sh
call="${0##*/}${*:+ $*}"
echo "$call" >> "$CALLS"
case "$call" in *"$BROKEN"*) exit 3 ;; esac
"""
PARTS = (
    "ruff check .",
    "ruff format --check .",
    "mypy",
    "python tools/plug_in_types.py",
    "lint-imports",
    "python tools/reference.py --check",
    "python tools/results.py --check",
    "python benchmarks/results_figures.py --check",
    "python -m sphinx --fail-on-warning --keep-going --fresh-env --quiet docs build/docs",
    "python -m pytest --numprocesses 2 --dist loadfile --no-loadscope-reorder -m not service",
    "python -m pytest --numprocesses 2 --dist loadfile --no-loadscope-reorder -m service",
)


def made(folder: Path, target: str, broken: str) -> tuple[int, list[str], list[str]]:
    """Exit code of `make`, what it said, and the calls, where the call with this text fails."""
    for venv in ("pipeline", "server"):
        (folder / venv / "bin").mkdir(parents=True)
        (folder / venv / ".complete").touch()
    for program in ("python", "ruff", "mypy", "lint-imports"):
        path = folder / "pipeline" / "bin" / program
        path.write_text(STAND_IN, encoding="utf-8")
        path.chmod(0o755)
    calls = folder / "calls"
    calls.touch()
    own = {k: v for k, v in os.environ.items() if not k.startswith(("MAKE", "MFLAGS"))}
    done = subprocess.run(
        ["make", target, f"VENV={folder}/pipeline", f"LABEL_STUDIO={folder}/server"],
        cwd=TOP,
        env=own | {"CALLS": str(calls), "BROKEN": broken, "LC_ALL": "C"},
        capture_output=True,
        text=True,
    )
    return done.returncode, done.stdout.splitlines(), calls.read_text(encoding="utf-8").splitlines()


def test_all_parts_are_run(tmp_path: Path) -> None:
    code, said, calls = made(tmp_path, "test", "nothing of this is broken")
    assert code == 0
    assert said[-1] == "make test: all passed: lint docs test-plain test-services"
    assert calls == list(PARTS)


@pytest.mark.slow
@pytest.mark.parametrize(
    ("broken", "failed"),
    [
        ("ruff check", "lint"),
        ("mypy", "lint"),
        ("-m sphinx", "docs"),
        ("-m not service", "test-plain"),
        ("-m service", "test-services"),
        ("pytest", "test-plain test-services"),
    ],
)
def test_a_part_that_fails_hides_no_other(tmp_path: Path, broken: str, failed: str) -> None:
    code, said, calls = made(tmp_path, "test", broken)
    assert code != 0
    assert said[-1] == f"make test: FAILED: {failed}"
    assert calls == list(PARTS)


def test_lint_names_what_failed(tmp_path: Path) -> None:
    code, said, _ = made(tmp_path, "lint", "mypy")
    assert code != 0
    assert said[-1] == "make lint: FAILED: types"
