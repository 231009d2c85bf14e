"""The benchmark of speed on tiny pools: its rows, and that both sides pick the same."""

import json
import subprocess
import sys
from pathlib import Path

import pytest

pytestmark = pytest.mark.slow  # whole campaigns and processes: seconds each

PROGRAM = Path(__file__).parents[1] / "benchmarks" / "select_speed.py"

PROMISED = {
    *("strategy", "n", "d", "ours_cpu_s", "peer", "peer_cpu_s", "ratio"),
    *("ours_peak_mb", "peer_peak_mb", "same_picks", "overlap"),
}


def ran(cache: Path, *options: str) -> tuple[list[dict], str]:
    """Rows printed, and what went to standard error."""
    words = ["--json", "--rows", "500", "--labeled", "20", "--budget", "10", "--repeats", "1"]
    done = subprocess.run(
        [sys.executable, PROGRAM, *words, "--cache", cache, *options],
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout), done.stderr


def test_rows_beside_the_lighter_peer_and_a_picture(tmp_path: Path) -> None:
    picture = tmp_path / "growth.svg"
    rows, told = ran(
        tmp_path, "--strategies", "diversity,no_such_strategy", "--figure", str(picture)
    )
    assert "no strategy no_such_strategy" in told
    (row,) = rows
    assert row.keys() >= PROMISED
    expected = {
        "strategy": "diversity",
        "n": 500,
        "d": 128,
        "peer": "lightly-mundig 0.1.16",
        "same_picks": True,
        "overlap": 10,
        "ratio": pytest.approx(row["peer_cpu_s"] / row["ours_cpu_s"]),
        "factor": pytest.approx(row["ours_wall_s"] / row["floor_s"]),
    }
    assert {name: row[name] for name in expected} == expected
    assert 20 < row["ours_peak_mb"] < 2000
    assert 0 <= row["ours_grown_mb"] < row["ours_peak_mb"]
    assert "diversity" in picture.read_text()


def test_scikit_activeml_picks_the_same(tmp_path: Path) -> None:
    """1,500 rows: in clusters of less than 40, both sides have another K for typiclust."""
    rows, _ = ran(tmp_path, "--rows", "1500", "--strategies", "typiclust,badge")
    found = {row["strategy"]: row for row in rows}
    assert set(found) == {"typiclust", "badge"}
    for name, row in found.items():
        assert row["peer"] == "scikit-activeml 1.0.1"
        assert row["ratio"] == pytest.approx(row["peer_cpu_s"] / row["ours_cpu_s"])
        assert row["same_picks"] is (None if name == "badge" else True)


def test_ours_alone_on_memory_mapped_rows(tmp_path: Path) -> None:
    rows, _ = ran(tmp_path, "--suite", "large", "--strategies", "typiclust")
    found = [(row["strategy"], row["peer"], row["ratio"]) for row in rows]
    assert found == [("typiclust", None, None)]
    assert all(row.keys() >= PROMISED for row in rows)
    assert rows[0]["gflop"].keys() == {"k-means", "search"}
    needed = sum(rows[0]["gflop"].values())
    assert rows[0]["floor_s"] == pytest.approx(needed / rows[0]["gflops"])
