"""Finished campaigns in a file, one a line, so that what was interrupted goes on."""

import json
import os
from collections.abc import Callable, Iterable
from dataclasses import asdict
from pathlib import Path
from typing import Any

from labelcycle.campaign.json_files import append_jsonl
from labelcycle.simulate.comparison import Problem
from labelcycle.simulate.trial import Measured, Trial

FIGURES = ("accuracy", "balanced", "picks", "stood_in")
"""Keys of a line that are no settings, but fields of `Measured`."""


class FinishedTrials:
    """Campaigns of one problem, found again by all settings that a figure depends on.

    commit : the code that is at work; it is kept, and `commits` names those of what is there
    code : digest of the code of a campaign, so that changed code makes it another; None: whatever
        code found it, it counts, and `commits` says whose it was

    Without a path nothing is written.
    """

    def __init__(
        self,
        path: Path | None,
        problem: Problem,
        commit: str,
        code: Callable[[Trial], str] | None = None,
    ) -> None:
        self._path = path
        self._commit = commit
        self._code = code
        self._shared = problem.record()
        self._found = {_key(record): record for record in self._read()}

    def get(self, trial: Trial) -> Measured | None:
        """The campaign, if it is there."""
        record = self._found.get(_key(self._settings(trial)))
        return Measured(**{key: record[key] for key in FIGURES}) if record else None

    def add(self, trial: Trial, measured: Measured) -> None:
        """Keep a campaign; it is on the disk when this returns."""
        settings = self._settings(trial)
        record = {**settings, **asdict(measured), "commit": self._commit}
        self._found[_key(settings)] = record
        if self._path:
            append_jsonl(self._path, [record])

    def commits(self, trials: Iterable[Trial]) -> list[str]:
        """Those whose code these campaigns ran."""
        return sorted({self._found[_key(self._settings(trial))]["commit"] for trial in trials})

    def _settings(self, trial: Trial) -> dict[str, Any]:
        code = {"code": self._code(trial)} if self._code else {}
        return {**self._shared, **trial.record(), **code}

    def _read(self) -> list[dict[str, Any]]:
        """All whole lines; half a line, of a program that was ended while it wrote, is cut off."""
        if self._path is None or not self._path.is_file():
            return []
        data = self._path.read_bytes()
        whole = data[: data.rfind(b"\n") + 1]
        if whole != data:
            os.truncate(self._path, len(whole))
        return [json.loads(line) for line in whole.splitlines()]


def _key(record: dict[str, Any]) -> str:
    settings = {key: value for key, value in record.items() if key not in (*FIGURES, "commit")}
    return json.dumps(settings, sort_keys=True)
