"""What a close reads of the files of rounds."""

from collections import Counter
from pathlib import Path

import pytest

from labelcycle.campaign.records import record_files


@pytest.mark.slow
def test_a_close_reads_the_answers_of_each_round_once(
    closed, flows, answer_all, monkeypatch: pytest.MonkeyPatch
) -> None:
    root = str(closed.root)
    flows.open_now(root)
    answer_all()
    times: Counter[str] = Counter()
    lines = record_files.json_lines

    def counting(path: Path):
        times[str(path.relative_to(closed.root))] += 1
        return lines(path)

    monkeypatch.setattr(record_files, "json_lines", counting)
    flows.close_now(root)
    assert times == {
        f"rounds/{number}/{name}.jsonl": 1
        for number in ("000", "001")
        for name in ("annotations", "corrections")
    }
