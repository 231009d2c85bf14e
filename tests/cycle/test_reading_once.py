"""What a close reads of the files of a campaign."""

from collections import Counter
from pathlib import Path

import pytest

ONCE = {
    f"rounds/{number}/{name}"
    for number in ("000", "001")
    for name in (
        *("plan.json", "selection.json", "pushed.json", "metrics.json"),
        *("annotations.jsonl", "corrections.jsonl"),
    )
}
"""The records of two rounds, each of which is written once."""


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
    assert {name: times[name] for name in ONCE} == dict.fromkeys(ONCE, 1)
