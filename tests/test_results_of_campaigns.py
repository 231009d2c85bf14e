"""Tables of results from what `labelcycle simulate` and label_cost.py measured."""

from pathlib import Path
from typing import Any

import label_cost
import pytest
import results_of_campaigns
from results_file import read
from results_text import markdown
from tiny_sets import blobs_in, done

from labelcycle.simulate.run_experiment import TABLE

pytestmark = pytest.mark.slow  # whole campaigns


def lines(text: str) -> list[str]:
    """The lines of the tables, without what marks the best: files keep fewer decimals."""
    return [line.replace("**", "") for line in text.splitlines() if line.startswith("|")]


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A finished experiment."""
    data = {"name": "npz", "path": str(blobs_in(tmp_path))}
    strategies = ["random", "typiclust", "margin"]
    done(tmp_path / "done", tmp_path / "blobs.npz", data=data, strategies=strategies, seeds=3)
    return tmp_path / "done"


def test_a_finished_experiment_becomes_the_table_that_it_printed(
    folder: Path, tmp_path: Path
) -> None:
    path = tmp_path / "table.json"
    command = "labelcycle simulate experiments/blobs.yaml"
    words = [str(folder), "--into", str(path), "--note", "idle", "--command", command]
    results_of_campaigns.main(words)
    table = read("table", tmp_path)
    assert lines(markdown(table, {})) == lines((folder / TABLE).read_text(encoding="utf-8"))
    assert table.command == (command,)
    assert (table.title, table.seeds, table.note) == (
        "blobs: accuracy in per cent, gain over random",
        "seeds 0 to 2",
        "idle",
    )


def test_what_is_no_finished_experiment_is_named(folder: Path, tmp_path: Path) -> None:
    into = ["--into", str(tmp_path / "table.json")]
    with pytest.raises(SystemExit, match=r"no experiments/blobs\.yaml: wanted .* by --command"):
        results_of_campaigns.main([str(folder), *into])
    with pytest.raises(SystemExit, match=r"no results\.json in .*: wanted the folder of a"):
        results_of_campaigns.main([str(tmp_path), *into])
    assert not (tmp_path / "table.json").exists()


def test_label_cost_writes_what_it_prints(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    words = ["--data", str(blobs_in(tmp_path)), "--strategies", "typiclust", "--budgets", "3,8"]
    words += ["--seeds", "3", "--pool", "60", "--jobs", "1", "--into", str(tmp_path / "t.json")]
    label_cost.main(words)
    printed = capsys.readouterr().out
    rows: dict[tuple[Any, Any], Any] = {
        (row["strategy"], row["budget"]): row for row in read("t", tmp_path).rows
    }
    assert list(rows) == [("random", 3), ("random", 8), ("typiclust", 3), ("typiclust", 8)]
    assert "gain" not in rows["random", 3]
    row = rows["typiclust", 8]
    figures = f"{100 * row['accuracy']:.1f}{100 * row['accuracy_se']:>6.1f}"
    interval = f"{100 * row['gain']:>+8.1f} [{100 * row['gain_low']:+.1f}"
    assert figures + interval in printed
    assert row["metric"] == "accuracy"
