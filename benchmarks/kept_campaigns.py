"""Finished campaigns in a file, one a line, so that an interrupted benchmark goes on."""

import hashlib
import json
from dataclasses import asdict
from pathlib import Path
from typing import Any

from simulated import Choice, Measured, Problem


def fingerprint(problem: Problem) -> str:
    """Of the features and labels."""
    data, digest = problem.source.data, hashlib.sha256()
    for array in (data.train, data.train_labels, data.test, data.test_labels):
        digest.update(f"{array.dtype}{array.shape}".encode())
        digest.update(array.tobytes())
    return digest.hexdigest()[:16]


class Kept:
    """Campaigns of one problem, found again by all settings that a figure depends on.

    The commit is kept, but does not tell campaigns apart: what an older commit measured counts,
    and `commits` names them. Without a path nothing is written.
    """

    def __init__(self, path: Path | None, problem: Problem, commit: str) -> None:
        self._path = path
        self._commit = commit
        self._shared = {
            "data": problem.source.name,
            "fingerprint": fingerprint(problem),
            "pool": problem.pool,
            "budgets": list(problem.budgets),
            "learner": problem.learner.record(),
            "clusterer": problem.clusterer.record(),
        }
        self._found = {_key(record): record for record in self._read()}

    def get(self, strategy: Choice, seed: int) -> Measured | None:
        """The campaign, if it is there."""
        record = self._found.get(_key(self._settings(strategy, seed)))
        return record and Measured(record["accuracy"], record["balanced"])

    def add(self, strategy: Choice, seed: int, measured: Measured) -> None:
        """Keep a campaign."""
        settings = self._settings(strategy, seed)
        record = {**settings, **asdict(measured), "commit": self._commit}
        self._found[_key(settings)] = record
        if self._path:
            self._path.parent.mkdir(parents=True, exist_ok=True)
            with self._path.open("a") as file:
                file.write(json.dumps(record) + "\n")

    def commits(self, strategies: list[Choice], seeds: int) -> list[str]:
        """Those whose code these campaigns ran."""
        keys = [_key(self._settings(each, seed)) for each in strategies for seed in range(seeds)]
        return sorted({self._found[key]["commit"] for key in keys})

    def _settings(self, strategy: Choice, seed: int) -> dict[str, Any]:
        return {**self._shared, "strategy": strategy.record(), "seed": seed}

    def _read(self) -> list[dict[str, Any]]:
        """All whole lines; half a line, of a program that was ended while it wrote, is cut off."""
        if self._path is None or not self._path.is_file():
            return []
        text = self._path.read_text()
        whole = text[: text.rfind("\n") + 1]
        if whole != text:
            self._path.write_text(whole)
        return [json.loads(line) for line in whole.splitlines()]


def _key(record: dict[str, Any]) -> str:
    settings = {k: v for k, v in record.items() if k not in ("accuracy", "balanced", "commit")}
    return json.dumps(settings, sort_keys=True)
