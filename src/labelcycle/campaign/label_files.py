"""The files of labels as they were written; `labels.py` reads them as they count now."""

from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass, field
from pathlib import Path

from labelcycle.campaign.json_files import read_jsonl, typed_line, write_jsonl


@dataclass(frozen=True)
class Label:
    """What was made of the answers for one sample.

    label : the accepted class name, or None if the sample was rejected
    reason : why it was rejected ("skipped", "empty answer", "unknown class 'x'"), else None
    votes, confidence, adjudicate : as in `core.consensus.Verdict`
    """

    sample: str
    label: str | None
    reason: str | None = None
    votes: Mapping[str, int] = field(default_factory=dict)
    source: str = ""
    confidence: float | None = None
    adjudicate: bool = False


def write_labels(path: Path, labels: Iterable[Label]) -> None:
    """Write a label file, sorted by sample id."""
    write_jsonl(path, (asdict(label) for label in sorted(labels, key=lambda x: x.sample)))


def read_labels(path: Path) -> list[Label]:
    """The labels of one file as they were written; `labels.py` reads them as they count now.

    Raises DataError for a line that has other fields than a label, or of other types.
    """
    return [
        typed_line(Label, record, f"{path}, line {line}")
        for line, record in enumerate(read_jsonl(path), start=1)
    ]
