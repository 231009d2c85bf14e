"""Every results file is written by the program that its command names."""

import importlib
import json
import re
import shlex
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import holdout
import join_results
import processor_time
import pytest
import results_file
import round_speed
import status_speed
from results_file import Layout, read

TOP = Path(__file__).parents[1]
NAMES = sorted(path.stem for path in results_file.FOLDER.glob("*.json"))
CAMPAIGNS = {"data", "metric", "learner", "clusterer", "strategy", "budget", "accuracy", "gain"}
"""Keys of the rows that `labelcycle simulate` and label_cost.py make."""

PREPARING = {"benchmarks/shared_images.py"}
"""Programs whose files other commands of a table read."""


def program_of(line: str) -> str:
    """The file that writes what a command measures. Raises ValueError."""
    words = [word for word in shlex.split(line) if not re.match(r"[A-Z_]+=", word)]
    if words[:2] == ["make", "faults"]:
        return f"tests/faults/{'nth_failure' if 'NTH=' in line else '__main__'}.py"
    if words == ["make", "soak"]:
        return "tests/soak/__main__.py"
    if words[:2] == ["labelcycle", "simulate"]:
        if not (TOP / words[2]).is_file():
            raise ValueError(f"no file {words[2]}")
        return "benchmarks/results_of_campaigns.py"
    if words[:1] != ["python"] or not words[1].startswith("benchmarks/"):
        raise ValueError(f"{line}: wanted python benchmarks/PROGRAM or labelcycle simulate FILE")
    if not (TOP / words[1]).is_file():
        raise ValueError(f"no program {words[1]}")
    if words[1] not in PREPARING and "add_into(" not in (TOP / words[1]).read_text("utf-8"):
        raise ValueError(f"{words[1]} has no --into")
    return words[1]


def problems(table: results_file.Table) -> Iterator[str]:
    """Why no program can write a table."""
    programs = []
    for line in table.command:
        try:
            programs.append(program_of(line))
        except ValueError as error:
            yield str(error)
    if set(programs) <= PREPARING:
        yield "no command measures"
    if not re.search(r"\b[0-9a-f]{7,8}\b", table.commit):
        yield f"commit: wanted that of a clean tree, got {table.commit}"


@pytest.mark.parametrize("name", NAMES)
def test_a_program_writes_the_file(name: str) -> None:
    assert list(problems(read(name))) == []


def keys_of(program: str) -> set[str]:
    """The keys that a program's tables are made of."""
    if program in ("benchmarks/label_cost.py", "benchmarks/results_of_campaigns.py"):
        return CAMPAIGNS | {"gain_with_learner"}
    module = importlib.import_module(
        program.removesuffix(".py")
        .removeprefix("benchmarks/")
        .removeprefix("tests/")
        .replace("/", ".")
    )
    layouts = [value for value in vars(module).values() if isinstance(value, Layout)]
    if not layouts:
        layouts = [module.layout("small")]
    return {
        key
        for layout in layouts
        for key in (*layout.down, *layout.across, *(figure.key for figure in layout.figures))
    }


@pytest.mark.slow  # imports what the programs compare with
@pytest.mark.parametrize("name", NAMES)
def test_the_program_measures_what_the_file_shows(name: str) -> None:
    table = read(name)
    programs = {program_of(line) for line in table.command} - PREPARING
    shown = {*table.down, *table.across, *(figure.key for figure in table.figures)}
    assert shown - set.union(*map(keys_of, programs)) == set()


VALUE: dict[str, Any] = {
    "title": "t",
    "command": ["python benchmarks/holdout.py"],
    "commit": "1234abc",
    "machine": "m",
    "down": ["name"],
    "figures": [{"key": "s"}],
    "rows": [{"name": "a", "s": 1}],
}


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"command": ["time labelcycle stage NAME"]}, "wanted python benchmarks/PROGRAM"),
        ({"command": ["python benchmarks/none.py"]}, "no program benchmarks/none.py"),
        ({"command": ["python benchmarks/blobs.py"]}, "benchmarks/blobs.py has no --into"),
        ({"command": ["labelcycle simulate experiments/x.yaml"]}, "no file experiments/x.yaml"),
        ({"command": ["python benchmarks/shared_images.py x"]}, "no command measures"),
        ({"commit": "not recorded"}, "commit: wanted that of a clean tree, got not recorded"),
    ],
)
def test_a_table_that_no_program_writes_is_found(change: dict[str, Any], said: str) -> None:
    assert list(problems(results_file.table_of(VALUE))) == []
    assert any(said in each for each in problems(results_file.table_of(VALUE | change)))


# --- the programs ---------------------------------------------------------------------------


def written(path: Path, **facts: Any) -> str:
    path.write_text(json.dumps(VALUE | facts), encoding="utf-8")
    return str(path)


def test_tables_are_joined_with_all_their_facts(tmp_path: Path) -> None:
    one = written(tmp_path / "a.json", note="idle")
    other = written(
        tmp_path / "b.json",
        command=["python benchmarks/holdout.py --right 0.8"],
        commit="abc1234",
        older="It grew.",
        rows=[{"name": "b", "s": 2}, {"name": "c", "s": 3}],
    )
    into = tmp_path / "c.json"
    join_results.main([one, other, "--into", str(into)])
    table = read("c", tmp_path)
    assert [row["name"] for row in table.rows] == ["a", "b", "c"]
    assert table.command == (*VALUE["command"], "python benchmarks/holdout.py --right 0.8")
    assert (table.commit, table.machine) == ("1234abc; abc1234", "m")
    assert (table.note, table.older) == ("idle", "It grew.")
    written(into, title="kept", names={"s": "seconds"})
    join_results.main([one, other, "--into", str(into), "--only", "name=b"])
    again = read("c", tmp_path)
    assert (again.title, again.names, len(again.rows)) == ("kept", {"s": "seconds"}, 1)


def test_tables_that_do_not_fit_leave_the_file_as_it_was(tmp_path: Path) -> None:
    one = written(tmp_path / "a.json")
    into = tmp_path / "c.json"
    for words, said in (
        ([one, "--only", "name=z"], "no row has name=z"),
        ([one, one], "wanted one row for"),
        ([str(tmp_path / "none.json")], r"no results file none\.json"),
    ):
        with pytest.raises(SystemExit, match=said):
            join_results.main([*words, "--into", str(into)])
        assert not into.exists()


def test_the_interval_of_a_holdout() -> None:
    row = holdout.row(200, 0.7)
    assert (round(row["low"], 3), round(row["high"], 3)) == (0.633, 0.759)
    assert row["half"] == pytest.approx((row["high"] - row["low"]) / 2)


@pytest.mark.slow  # a second of computing
def test_what_a_command_leaves_running_counts() -> None:
    burn = "import time\nwhile time.process_time() < 0.5: pass"
    used = processor_time.used_by(["sh", "-c", f'{sys.executable} -c "{burn}" &'])
    assert used.cpu_s >= 0.5


@pytest.mark.parametrize(
    ("words", "part"),
    [
        (["-P", "-m", "labelcycle", "-C", "x", "run"], "run"),
        (["-P", "-m", "labelcycle.adapters.dvc.program", "repro"], "dvc"),
        (["x/labelcycle/adapters/dvc/program.py", "repro"], "dvc"),
        (["-P", "-c", "from multiprocessing.forkserver import main; main(7)"], "warm"),
    ],
)
def test_a_process_is_of_a_part(words: list[str], part: str) -> None:
    assert round_speed.part_of(words) == part


def test_a_round_is_told_by_part_and_stage() -> None:
    words = ["-P", "-m", "labelcycle", "-C", "x", "stage", "query"]
    assert (round_speed.part_of(words), round_speed.stage_of(words)) == ("stages", "query")
    first = {"run": 4.0, "stages": 2.0, "stage query": 2.0}
    rounds = [{"run": 8.0, "stage query": 1.0}, {"run": 6.0, "stage query": 2.0, "stage new": 1.0}]
    rows = {row["part"]: row for row in round_speed.table_rows(first, rounds)}
    assert rows["labelcycle run itself"] == {
        "part": "labelcycle run itself",
        "first": 4.0,
        "round": 7.0,
    }
    assert (rows["stage query"]["first"], rows["stage query"]["round"]) == (2.0, 1.5)
    assert (rows["stage new"]["first"], rows["stage new"]["round"]) == (None, 0.5)


@pytest.mark.slow  # imports much
def test_the_tries_under_faults_have_a_sum() -> None:
    fault_table = importlib.import_module("faults.__main__")
    found = {"the double": ({"cut", "late"}, 10, 0, 1), "Label Studio": ({"cut"}, 5, 2, 0)}
    rows = fault_table.table_rows(found)
    assert [row["against"] for row in rows] == ["the double", "Label Studio", "both"]
    assert {key: rows[-1][key] for key in fault_table.COUNTED} == {
        "faults": 2,
        "tries": 15,
        "duplicates": 2,
        "lost": 1,
    }


def test_status_writes_its_seconds(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(status_speed, "least", lambda words, n: {"cpu_s": 0.5, "seconds": 1.5})
    monkeypatch.setattr("results_file.commit", lambda: "abc1234")
    words = ["--campaign", str(tmp_path), "--repeats", "2", "--into", str(tmp_path / "t.json")]
    monkeypatch.setattr("sys.argv", ["status_speed.py", *words])
    status_speed.main()
    table = read("t", tmp_path)
    assert [row["call"] for row in table.rows] == ["labelcycle status", "labelcycle --help"]
    assert (table.rows[0]["samples"], table.rows[1]["samples"]) == (10_000, "")
    assert table.rows[0]["cpu_s"] == 0.5


@pytest.mark.slow  # imports torch
def test_an_encoder_is_named_once_in_the_table_of_seconds() -> None:
    encoders = importlib.import_module("encoders")
    facts = {"data": "d", "pool": 9, "tested": 3}
    rows = [
        {**facts, "encoder": "pixels", "fit_cpu_s": [1.0, 3.0]},
        {**facts, "encoder": "mobilenetv2", "fit_cpu_s": []},  # ready made
    ]
    assert list(encoders.seconds_rows(rows)) == [{**facts, "encoder": "pixels", "fit_cpu_s": 2.0}]
