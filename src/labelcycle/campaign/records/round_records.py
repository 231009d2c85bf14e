"""Reads the records of a campaign's rounds, each file once for as long as it stays the same."""

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any, TypeVar, cast

from labelcycle.campaign import round_states, sample_files
from labelcycle.campaign.campaign_paths import Campaign
from labelcycle.campaign.label_files import Label, read_labels
from labelcycle.campaign.labels import read_all_labels, read_holdout, read_migrations, read_owned
from labelcycle.campaign.records.answer_record import Answer
from labelcycle.campaign.records.cohorts_record import CohortsRecord
from labelcycle.campaign.records.correction_record import Correction, DecidedCorrection
from labelcycle.campaign.records.ending_record import Ending
from labelcycle.campaign.records.journal_record import AlteredTask, SeenTask, read_journal
from labelcycle.campaign.records.metrics_record import Metrics
from labelcycle.campaign.records.plan_record import Plan
from labelcycle.campaign.records.pool_record import PoolRecord
from labelcycle.campaign.records.pushed_record import Pushed
from labelcycle.campaign.records.record_files import read_lines
from labelcycle.campaign.records.rollback_record import Rollback
from labelcycle.campaign.records.selection_record import RoundSelection
from labelcycle.campaign.records.withdrawn_record import WithdrawnRecord
from labelcycle.campaign.sample_files import ManifestCounts, Sample, Which
from labelcycle.core.class_migrations import Migration, Table, counted_as

T = TypeVar("T")
FileState = tuple[int, int, int]
"""What tells whether a file is the one that was read: inode, time of change, size."""


class Memory:
    """What was read of files, which several readers may share.

    No dictionary by itself: Prefect walks through those that its tasks are given.
    """

    def __init__(self) -> None:
        self.files: dict[tuple[Path, str], tuple[FileState, Any]] = {}


class RoundRecords:
    """The records of the rounds of a campaign, by number of the round, and its samples and labels.

    memory : what was read before; what is read is added to it

    Records are written whole, by a rename, and a journal only grows. So a file that was read is
    not read again unless another one took its place or it grew. All raise DataError for a file
    that is missing or odd.
    """

    def __init__(self, campaign: Campaign, memory: Memory) -> None:
        self.campaign = campaign
        self._memory = memory

    def has(self, number: int, name: str) -> bool:
        """Whether a round has the file of that name."""
        return self.path(number, name).exists()

    def path(self, number: int, name: str) -> Path:
        """Path of a file of a round."""
        return self.campaign.round(number) / name

    def plan(self, number: int) -> Plan:
        """What a round was planned with."""
        return self._once(self.path(number, round_states.PLAN), Plan.read)

    def selection(self, number: int) -> RoundSelection:
        """The samples that a round asks for."""
        return self._once(self.path(number, round_states.SELECTION), RoundSelection.read)

    def pushed(self, number: int) -> Pushed:
        """What a round asked of people."""
        return self._once(self.path(number, round_states.PUSHED), Pushed.read)

    def ending(self, number: int) -> Ending | None:
        """How a round is or was ended early, None if it is not."""
        if not self.has(number, round_states.ENDING):
            return None
        return self._once(self.path(number, round_states.ENDING), Ending.read)

    def answers(self, number: int) -> list[Answer]:
        """The answers that a round recorded, as they came."""
        path = self.path(number, round_states.ANNOTATIONS)
        return self._once(path, lambda file: read_lines(Answer, file))

    def corrections(self, number: int) -> list[Correction]:
        """What a round found changed; nothing before its answers are recorded."""
        path = self.path(number, round_states.CORRECTIONS)
        if not path.exists():
            return []
        return self._once(path, lambda file: read_lines(Correction, file))

    def journal(self, path: Path) -> tuple[SeenTask | AlteredTask, ...]:
        """What looks wrote down, in order; a line more is another size, so it is read again."""
        return self._once(path, lambda file: tuple(read_journal(file)))

    def metrics(self, number: int) -> Metrics:
        """The figures of a closed round."""
        return self._once(self.path(number, round_states.METRICS), Metrics.read)

    def decisions(self) -> list[DecidedCorrection]:
        """What was decided on corrections, in order."""
        path = self.campaign.decisions
        if not path.exists():
            return []
        return self._once(path, lambda file: read_lines(DecidedCorrection, file))

    def rollbacks(self) -> list[Rollback]:
        """Where the campaign was rolled back to, in order."""
        path = self.campaign.rollbacks
        if not path.exists():
            return []
        return self._once(path, lambda file: read_lines(Rollback, file))

    def migrations(self) -> tuple[Migration, ...]:
        """What was done to the classes so far, in order."""
        return self._once(self.campaign.schema, lambda _: read_migrations(self.campaign))

    def table(self) -> Table:
        """What earlier class names count as."""
        return counted_as(self.migrations())

    def labels(self) -> dict[str, Label]:
        """The latest word on each sample of the pool, as `read_all_labels`."""
        return read_all_labels(self.campaign, self._labels, self.table())

    def labels_of(self, number: int) -> list[Label]:
        """The labels that a round wrote, in the class names of its time; none before it did."""
        path = self.campaign.label_file(number)
        return self._labels(path) if path.exists() else []

    def owned(self) -> list[Label]:
        """The labels known before round 0, as `read_owned`."""
        return read_owned(self.campaign, self._labels, self.table())

    def holdout(self) -> list[Label]:
        """People's verdicts on the hold-out, as `read_holdout`."""
        return read_holdout(self.campaign, self._labels, self.table())

    def holdout_as_written(self) -> list[Label]:
        """The same in the class names of their time, as the file has them."""
        return self._labels(self.campaign.holdout)

    def samples(self, split: str | None = None, which: Which = "counting") -> list[Sample]:
        """The samples of the manifests, or of one split, as `read_samples`."""
        folder = self.campaign.samples
        numbers = sample_files.counted(folder, which) or [0]  # which is missing, and told so
        return sample_files.merged(map(self.manifest, numbers), split)

    def manifest(self, number: int) -> list[Sample]:
        """The samples of one cohort, sorted by id."""
        path = sample_files.manifest(self.campaign.samples, number)
        return self._once(path, sample_files.read_manifest)

    def manifest_counts(self, number: int) -> ManifestCounts:
        """How many samples of one cohort there are, without reading each."""
        path = sample_files.manifest(self.campaign.samples, number)
        return self._once(path, sample_files.count_manifest, "counts")

    def pool(self) -> PoolRecord | None:
        """The cohorts that count; None before the first round is planned."""
        path = self.campaign.pool
        return self._once(path, PoolRecord.read) if path.exists() else None

    def cohorts(self) -> CohortsRecord:
        """The sources, and the cohorts whose manifest is there."""
        path = self.campaign.cohorts
        record = self._once(path, CohortsRecord.read) if path.exists() else CohortsRecord()
        numbers = sample_files.cohort_numbers(self.campaign.samples)
        there = tuple(cohort for cohort in record.cohorts if cohort.number in numbers)
        return replace(record, cohorts=there)

    def withdrawn(self) -> WithdrawnRecord:
        """The samples that were withdrawn; none before the first was."""
        path = self.campaign.withdrawn
        return self._once(path, WithdrawnRecord.read) if path.exists() else WithdrawnRecord()

    def _labels(self, path: Path) -> list[Label]:
        return self._once(path, read_labels)

    def _once(self, path: Path, read: Callable[[Path], T], what: str = "") -> T:
        """What `read` makes of a file; of the same file only once.

        what : tells several readers of one file apart
        """
        state = _state(path)
        if state is None:
            return read(path)  # which says what is missing
        known = self._memory.files.get((path, what))
        if known is None or known[0] != state:
            known = self._memory.files[path, what] = state, read(path)
        return cast(T, known[1])


def _state(path: Path) -> FileState | None:
    try:
        status = path.stat()
    except FileNotFoundError:
        return None
    return status.st_ino, status.st_mtime_ns, status.st_size
