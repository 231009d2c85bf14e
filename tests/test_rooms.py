"""The names of modules: few at the top, and none twice, so that a reader guesses the right file."""

from collections import Counter
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
TOP = ROOT / "src" / "labelcycle"
PLUG_INS = (
    "adapters/annotation",
    "core/clusterers",
    "core/strategies",
    "nn/encoders",
    "nn/learners",
    "simulate/figures",
    "simulate/sets",
)
"""Folders in which a file's name is a key of params.yaml or of an experiment."""


def test_few_modules_stand_at_the_top() -> None:
    assert len(list(TOP.glob("*.py"))) <= 7


def test_no_name_of_a_module_occurs_twice() -> None:
    files = [*TOP.rglob("*.py"), *(ROOT / "flows").rglob("*.py")]
    within = [TOP / folder for folder in PLUG_INS]
    names = Counter(
        path.name
        for path in files
        if path.stem not in ("__init__", "__main__")
        and not any(folder in path.parents for folder in within)
    )
    assert [name for name, count in names.items() if count > 1] == []
