"""What a close reads of the files of a campaign."""

from collections import Counter
from pathlib import Path

import pytest

TIMES = {
    f"rounds/{number}/{name}": 1
    for number in ("000", "001")
    for name in (
        *("plan.json", "selection.json", "pushed.json", "metrics.json"),
        *("annotations.jsonl", "corrections.jsonl"),
    )
} | {"schema.json": 3}
"""Each record of two rounds is written once, and read once. So are the changes of the classes, and
again by `train` and by `evaluate`: stages are handed files alone."""


@pytest.mark.slow
def test_a_close_reads_each_record_once(
    closed, flows, answer_all, monkeypatch: pytest.MonkeyPatch
) -> None:
    """All that is read as text: bytes are read for digests too, which no record replaces."""
    root = str(closed.root)
    flows.open_now(root)
    answer_all()
    times: Counter[str] = Counter()
    read_text = Path.read_text

    def counting(path: Path, *given: object, **named: object) -> str:
        if path.is_relative_to(closed.root):
            times[str(path.relative_to(closed.root))] += 1
        return read_text(path, *given, **named)  # type: ignore[arg-type]

    monkeypatch.setattr(Path, "read_text", counting)
    flows.close_now(root)
    assert {name: times[name] for name in TIMES} == TIMES
