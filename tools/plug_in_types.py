"""Checks that each plug-in has what the protocol of its package asks for, with their types.

    python tools/plug_in_types.py

labelcycle finds plug-ins by their file names, so no import names them and mypy alone compares none
of them with its protocol. This writes a module that does, and has mypy check it. It exits with
mypy's status.
"""

import os
import subprocess
import sys
import tempfile
from pathlib import Path

import labelcycle
from labelcycle.adapters import annotation
from labelcycle.core import clusterers, strategies
from labelcycle.nn import encoders, learners

ROOT = Path(__file__).resolve().parents[1]

SOURCE = Path(labelcycle.__file__).resolve().parents[1]
"""The folder from which labelcycle is imported; a copy of `src` in tests."""


def protocols() -> dict[str, str]:
    """By the dotted name of each plug-in, that of the protocol it has to follow."""
    found = {}
    for package, protocol in (
        (strategies, "Strategy"),
        (clusterers, "Clusterer"),
        (annotation, "BackendModule"),
    ):
        for name in package.names():
            found[f"{package.__name__}.{name}"] = f"{package.__name__}.{protocol}"
    for name in encoders.names():
        kind = "ReadyMadeModule" if encoders.is_ready_made(name) else "EncoderModule"
        found[f"{encoders.__name__}.{name}"] = f"{encoders.__name__}.{kind}"
    for name in learners.names():
        kind = "ImageLearnerModule" if learners.sees_images(name) else "LearnerModule"
        found[f"{learners.__name__}.{name}"] = f"{learners.__name__}.{kind}"
    return found


def module_text(plug_ins: dict[str, str]) -> str:
    """A module in which each plug-in is given to a name with the type of its protocol."""
    lines = [f"import {name}" for name in sorted({*plug_ins, *map(package, plug_ins.values())})]
    lines += [
        f"plug_in_{n}: {protocol} = {name}" for n, (name, protocol) in enumerate(plug_ins.items())
    ]
    return "\n".join(lines) + "\n"


def package(protocol: str) -> str:
    """The package in which a protocol stands."""
    return protocol.rpartition(".")[0]


def check(plug_ins: dict[str, str]) -> int:
    """Have mypy compare the plug-ins with their protocols; its exit status."""
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder) / "all_plug_ins.py"
        file.write_text(module_text(plug_ins), encoding="utf-8")
        command = [sys.executable, "-m", "mypy", "--config-file", "pyproject.toml", str(file)]
        environment = {**os.environ, "MYPYPATH": str(SOURCE)}
        return subprocess.run(command, cwd=ROOT, env=environment, check=False).returncode


def main() -> int:
    """Check all plug-ins; mypy's exit status."""
    plug_ins = protocols()
    status = check(plug_ins)
    if status == 0:
        print(f"{len(plug_ins)} plug-ins have what their protocols ask for")
    return status


if __name__ == "__main__":
    sys.exit(main())
