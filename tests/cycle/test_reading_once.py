"""What a close reads of the files of a campaign."""

from collections import Counter
from pathlib import Path
from typing import Any

import pytest

from labelcycle.adapters.dvc import commands

TIMES = {
    f"rounds/{number}/{name}": 1
    for number in ("000", "001")
    for name in (
        *("plan.json", "selection.json", "pushed.json", "metrics.json"),
        *("annotations.jsonl", "corrections.jsonl"),
    )
} | {"schema.json": 1, "data/samples/000.jsonl": 1, "data/holdout.jsonl": 2}
"""Each record of two rounds is written once, and read once. The close writes the hold-out."""


@pytest.fixture
def times(closed, flows, monkeypatch: pytest.MonkeyPatch) -> Counter[str]:
    """How often each file of the campaign is read, by all but the stages.

    Digests read its bytes as a stream. Stages are programs of their own, but not in these tests.
    """
    found: Counter[str] = Counter()
    opened, read_bytes = Path.open, Path.read_bytes

    def count(path: Path) -> None:
        if path.is_relative_to(closed.root):
            found[str(path.relative_to(closed.root))] += 1

    def text(path: Path, mode: str = "r", *given: Any, **named: Any) -> Any:
        if mode == "r":
            count(path)
        return opened(path, mode, *given, **named)

    def data(path: Path) -> bytes:
        count(path)
        return read_bytes(path)

    def repro(root: Path, *stages: str) -> None:
        before = dict(found)
        reproduce(root, *stages)
        found.clear()
        found.update(before)

    reproduce = commands.repro
    monkeypatch.setattr(commands, "repro", repro)
    monkeypatch.setattr(Path, "open", text)
    monkeypatch.setattr(Path, "read_bytes", data)
    return found


@pytest.mark.slow
def test_a_close_reads_each_record_once(closed, flows, answer_all, times) -> None:
    root = str(closed.root)
    flows.open_now(root)
    answer_all()
    times.clear()
    flows.close_now(root)
    assert {name: times[name] for name in TIMES} == TIMES


@pytest.mark.slow
def test_an_opening_reads_the_samples_once(closed, flows, times) -> None:
    flows.open_now(str(closed.root))
    assert (times["data/samples/000.jsonl"], times["data/holdout.jsonl"]) == (1, 1)


@pytest.mark.slow
def test_a_look_reads_the_journal_once_before_and_once_after_it_writes(
    closed, flows, backend, truth, times
) -> None:
    root = str(closed.root)
    flows.open_now(root)
    reads = []
    for key in sorted(key for key in backend.tasks if "/001/" in key)[:2]:
        backend.answer(key, truth[backend.tasks[key].sample])
        times.clear()
        flows.collect_now(root)
        reads.append(times[".labelcycle/answers/001.jsonl"])
    assert reads == [1, 2]  # at first there is none before
