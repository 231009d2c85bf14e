from pathlib import Path
from typing import Any

import label_cost_figures
import pytest
from results_file import save
from results_of_campaigns import layout_of

from labelcycle.simulate.table_page import printed_rows

GAINS = {"random": (0.0, 0.0), "up": (0.1, 0.05), "down": (-0.1, 0.05), "open": (0.02, 0.05)}


def row(strategy: str, budget: int, seeds: int = 3) -> dict[str, Any]:
    gain, half = GAINS[strategy]
    facts = {"data": "blobs.npz", "learner": "linear", "metric": "accuracy", "seeds": seeds}
    row = {**facts, "strategy": strategy, "budget": budget, "accuracy": 0.5 + gain, "se": 0.01}
    return row | {"gain": gain, "gain_low": gain - half, "gain_high": gain + half}


def file(path: Path, *rows: dict[str, Any]) -> str:
    table = printed_rows(rows, "random")
    save(path, layout_of(table, "blobs"), table)
    return str(path)


def drawn(monkeypatch: pytest.MonkeyPatch, *words: str) -> None:
    monkeypatch.setattr("sys.argv", ["label_cost_figures.py", *words])
    label_cost_figures.main()


@pytest.mark.slow
def test_files_become_one_picture(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    names = [["random", "up"], ["random", "open", "down"]]
    files = [
        file(tmp_path / f"{i}.json", *(row(name, budget) for name in some for budget in (10, 20)))
        for i, some in enumerate(names)
    ]
    drawn(monkeypatch, *files, "--into", str(tmp_path))
    assert "label-cost-blobs.svg: written" in capsys.readouterr().out
    picture = (tmp_path / "label-cost-blobs.svg").read_text()
    assert all(f">{name}</text>" in picture for name in ("up", "down", "open"))
    assert "95 % interval shaded" in picture
    drawn(monkeypatch, *files, "--into", str(tmp_path))
    assert (tmp_path / "label-cost-blobs.svg").read_text() == picture


def test_what_was_measured_otherwise_is_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    given = file(tmp_path / "a.json", row("random", 10), row("up", 10, seeds=4))
    with pytest.raises(SystemExit, match="up has other budgets or seeds than random"):
        drawn(monkeypatch, given, "--into", str(tmp_path))
