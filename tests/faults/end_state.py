"""All that a command left, as texts that can be compared: files, git, data, tasks, MLflow, notices.

Left out is what may differ rightly: names drawn at random, the numbers of folders, the text below
the first line of a commit, and what is private to git and DVC. A failure may leave the beginning of
a file or of an object, which git and DVC ignore. A notice may be sent twice, for a kill repeats it.
"""

import hashlib
import json
import re
import sqlite3
import subprocess
from collections.abc import Collection, Iterator, Mapping
from contextlib import closing
from pathlib import Path
from typing import Any

from labelcycle.adapters import git_lease
from labelcycle.campaign.atomic_files import PART

APART = re.compile(
    r"\.git(/|$)|\.dvc/(tmp|cache)(/|$)"
    r"|\.labelcycle/(dvc|mlflow|prefect|campaign\.lock|stage\.lock|annotation\.sqlite3.*)(/|$)"
)
"""Files of a campaign that are looked at in another way, or are caches and locks."""

TEMPORARY = ".tmp"
"""Ends the name of an object that DVC's library was writing."""

FIELDS = {
    ".labelcycle/lease.json": ("folder", "holder", "held"),
    ".labelcycle/trusted.json": ("folder", "commit"),
    ".labelcycle/notices.json": ("still", "failing"),
}
"""Of some files, what is left out: drawn at random, a time, or the commit of the last look."""

State = Mapping[str, str]


def read(place: Path) -> dict[str, str]:
    """From the name of each thing to what it holds."""
    campaign = place / "campaign"
    found = dict(_files(campaign))
    if (campaign / ".git").exists():
        found |= _git(campaign, place / "git")
    for name, folder in (("cache", campaign / ".dvc/cache"), ("store", place / "store")):
        found |= _objects(name, folder / "files/md5")
    found |= _tasks(campaign / ".labelcycle/annotation.sqlite3")
    if (place / "mlflow.db").exists():
        found |= _tracked(place)
    notices = place / "notices.txt"
    for line in notices.read_text(encoding="utf-8").splitlines() if notices.exists() else ():
        found[f"notice {line}"] = "sent"
    return found


def differences(wanted: State, got: State) -> list[str]:
    """What is not as wanted, a line each."""
    lines = []
    for name in sorted(wanted.keys() | got.keys()):
        if wanted.get(name) != got.get(name):
            there = [each.get(name, "nothing") for each in (wanted, got)]
            lines.append(f"{name}: wanted {there[0]:.200}, got {there[1]:.200}")
    return lines


def _digest(content: bytes) -> str:
    return hashlib.md5(content).hexdigest()


def _files(campaign: Path) -> Iterator[tuple[str, str]]:
    for path in sorted(campaign.rglob("*")):
        name = path.relative_to(campaign).as_posix()
        if APART.match(name) or path.name.endswith(PART) or not path.is_file():
            continue
        if name in FIELDS:
            kept = _without(json.loads(path.read_bytes()), FIELDS[name])
            yield f"file {name}", json.dumps(kept, sort_keys=True)
        else:
            yield f"file {name}", _digest(path.read_bytes())


def _without(value: Any, names: Collection[str]) -> Any:
    """A JSON value without the fields of these names, wherever they are."""
    if isinstance(value, dict):
        return {key: _without(each, names) for key, each in value.items() if key not in names}
    return value


def _git(campaign: Path, remote: Path) -> dict[str, str]:
    def say(folder: Path, *words: str) -> str:
        done = subprocess.run(["git", *words], cwd=folder, capture_output=True, text=True)
        return done.stdout.strip() or done.stderr.strip()

    found = {
        "git tree": say(campaign, "rev-parse", "HEAD^{tree}"),
        "git log": say(campaign, "log", "--format=%s"),
        "git refs": say(campaign, "for-each-ref", "--format=%(refname) %(tree)%(*tree)"),
        "git status": say(campaign, "status", "--porcelain"),
    }
    if remote.exists():
        lease = say(remote, "show", "--no-patch", "--format=%B", git_lease.REF)
        if lease.startswith("{"):
            record = _without(json.loads(lease), ("holder",))
            at_head = record.pop("commit") == say(campaign, "rev-parse", "HEAD")
            lease = json.dumps({**record, "at HEAD": at_head}, sort_keys=True)
        found["git lease"] = lease
    return found


def _objects(name: str, folder: Path) -> dict[str, str]:
    """DVC's objects; those whose bytes are not those of their name are damaged."""
    found = {}
    for path in folder.rglob("*"):
        if path.is_file() and not path.name.endswith(TEMPORARY):
            oid = path.relative_to(folder).as_posix().replace("/", "")
            whole = _digest(path.read_bytes()) == oid.partition(".")[0]
            found[f"{name} {oid}"] = "whole" if whole else "damaged"
    return found


def _rows(path: Path, query: str) -> list[tuple[Any, ...]]:
    with closing(sqlite3.connect(path)) as db:
        try:
            return db.execute(query).fetchall()
        except sqlite3.OperationalError:  # no table yet
            return []


def _tasks(path: Path) -> dict[str, str]:
    if not path.exists():
        return {}
    found = {}
    for table in ("project", "task", "answer"):
        for number, row in enumerate(_rows(path, f"SELECT * FROM {table} ORDER BY 1")):
            found[f"{table} {number}"] = repr(row)
    return found


def _tracked(place: Path) -> dict[str, str]:
    """The runs that count, by name: points, parameters, tags and files; and the models."""
    path = place / "mlflow.db"
    runs = _rows(
        path,
        "SELECT run_uuid, name, status, artifact_uri, experiment_id FROM runs"
        " WHERE lifecycle_stage = 'active'",
    )
    names = {row[0]: row[1] for row in runs}
    models = _rows(
        path,
        "SELECT model_id, name, source_run_id, status, artifact_location FROM logged_models"
        " WHERE lifecycle_stage = 'active'",
    )
    names |= {row[0]: f"{row[1]} of {names.get(row[2], 'no run')}" for row in models}

    def named(value: Any) -> str:
        text = str(value)
        for identifier, name in names.items():
            text = text.replace(identifier, f"<{name}>")
        return text

    found: dict[str, str] = {}

    def add(name: str, value: str) -> None:
        """A second one of the same name is another thing."""
        while name in found:
            name += " again"
        found[name] = value

    for identifier, name, status, where, _ in sorted(runs, key=lambda row: str(row[1])):
        add(f"run {name}", status)
        for table, columns in (
            ("metrics", "key, step, value, timestamp"),
            ("params", "key, value"),
            ("tags", "key, value"),
        ):
            query = f"SELECT {columns} FROM {table} WHERE run_uuid = '{identifier}' ORDER BY 1, 2"
            add(f"run {name}: {table}", named(sorted(_rows(path, query))))
        add(f"run {name}: files", named(_artifacts(where)))
    for _, name, run, status, where in sorted(models, key=str):
        add(f"model {name} of {names.get(run, 'no run')}", f"{status} {named(_artifacts(where))}")
    versions = "SELECT name, run_id, status FROM model_versions ORDER BY version"
    add("registered", named([row for row in _rows(path, versions) if row[1] in names]))
    aliases = (
        "SELECT a.name, a.alias, v.run_id FROM registered_model_aliases a"
        " JOIN model_versions v ON a.name = v.name AND a.version = v.version"
    )
    add("aliases", named(_rows(path, aliases)))
    return found


def _artifacts(where: str) -> list[tuple[str, str]]:
    """Files below a place; of those that name a model by a new number, no digest."""
    folder = Path(where.removeprefix("file://"))
    return [
        (
            path.relative_to(folder).as_posix(),
            "" if path.name == "MLmodel" else _digest(path.read_bytes()),
        )
        for path in sorted(folder.rglob("*"))
        if path.is_file()
    ]
