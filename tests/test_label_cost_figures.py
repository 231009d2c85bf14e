import json
from pathlib import Path
from typing import Any

import label_cost_figures
import pytest

GAINS = {"random": (0.0, 0.0), "up": (0.1, 0.05), "down": (-0.1, 0.05), "open": (0.02, 0.05)}


def row(strategy: str, budget: int, seeds: int = 3) -> dict[str, Any]:
    gain, half = GAINS[strategy]
    return {
        "data": "blobs.npz",
        "strategy": strategy,
        "learner": "linear",
        "budget": budget,
        "seeds": seeds,
        "accuracy": 0.5 + gain,
        "se": 0.01,
        "gain": gain,
        "gain_low": gain - half,
        "gain_high": gain + half,
    }


def file(path: Path, *rows: dict[str, Any]) -> str:
    path.write_text(json.dumps({"where": "", "metric": "accuracy", "rows": rows}))
    return str(path)


def drawn(monkeypatch: pytest.MonkeyPatch, *words: str) -> None:
    monkeypatch.setattr("sys.argv", ["label_cost_figures.py", *words])
    label_cost_figures.main()


@pytest.mark.slow
def test_files_become_one_table_and_one_picture(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    names = [["random", "up"], ["random", "open", "down"]]
    files = [
        file(tmp_path / f"{i}.json", *(row(name, budget) for name in some for budget in (10, 20)))
        for i, some in enumerate(names)
    ]
    drawn(monkeypatch, *files, "--into", str(tmp_path))
    lines = [line for line in capsys.readouterr().out.splitlines() if line.startswith("|")]
    down, up = "40.0 *-10.0 [-15.0, -5.0]*", "**60.0** +10.0 [+5.0, +15.0]"
    assert lines == [
        "| strategy | 10 | 20 labels |",
        "|---|---|---|",
        "| random | 50.0 ± 1.0 | 50.0 ± 1.0 |",
        f"| down | {down} | {down} |",
        "| open | 52.0 +2.0 [-3.0, +7.0] | 52.0 +2.0 [-3.0, +7.0] |",
        f"| up | {up} | {up} |",
    ]
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
