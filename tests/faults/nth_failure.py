"""`python -m faults.nth_failure`: every side effect in a campaign's life fails once, as a table.

SQLite tests itself in this way. Each command of a life (`whole_life`) is given in a copy of the
campaign as it was before. Its n-th side effect fails (`side_effects`), for n = 1, 2, ... Then the
command is given again, without a failure, and what is there then is compared with what is there
after it never failed (`end_state`). Ends with a status of 1 if anything differs.
"""

import argparse
import json
import os
import sys
import tempfile
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from memory_folder import memory_folder
from results_file import Figure, Layout, add_into, save

from faults.failed_commands import Life, Prepared, Trial
from faults.forked_programs import ended, fork
from faults.side_effects import KINDS, Kind, points
from faults.whole_life import LIFE

ONE_OF = 24
"""Of so many points one is tried, unless all are asked for."""

A_TURN = 0
"""Stands for one point of each command, of the kinds by turns."""

WORKERS = 2

COUNTED = ("points", "tried", "differing", "untold")
LAYOUT = Layout(
    "The n-th side effect fails",
    ["failure"],
    [Figure(key) for key in ("of", *COUNTED)],
    names={"of": "what fails", "untold": "errors not in our words"},
)
FAILS: dict[Kind, str] = {
    "error": "the effect is not done, and an error is raised; programs end with 1, before and after"
    " their work",
    "full": "from here on nothing can be written, until the command is given again",
    "kill": "signal 9 to the process and all that it started",
}


def chosen(prepared: Prepared, one_of: int, turn: int) -> Iterator[tuple[Kind, int]]:
    """Kinds and numbers of the effects of a command that are tried; with `turn` others."""
    if one_of == A_TURN:
        kind = KINDS[turn % len(KINDS)]
        there = points(prepared.effects, kind)
        yield kind, there[len(there) * 2 // 3]
        return
    for place, kind in enumerate(KINDS):
        there = points(prepared.effects, kind)
        first = (turn + place * one_of // len(KINDS)) % one_of
        # a command of few effects is tried once at least
        for number in there[first % len(there) :: one_of]:
            yield kind, number


@dataclass(frozen=True)
class Asked:
    """Which points are tried: one of so many, of these commands, or of all."""

    one_of: int = ONE_OF
    commands: tuple[str, ...] = ()


def work(folder: Path, asked: Asked, number: int, workers: int) -> None:
    """Every `workers`-th of the trials; each is a line of a file."""
    life, count = Life(folder / f"{number}"), 0
    with (folder / f"{number}.jsonl").open("w", encoding="utf-8") as file:
        left = {*asked.commands} or {step.name for step in LIFE}
        for turn, prepared in enumerate(life.prepared()):
            there = {kind: len(points(prepared.effects, kind)) for kind in KINDS}
            file.write(json.dumps({"step": prepared.step.name, "points": there}) + "\n")
            if prepared.step.name not in left:
                continue
            left.remove(prepared.step.name)
            for kind, at in chosen(prepared, asked.one_of, turn):
                count += 1
                if count % workers == number:
                    trial = life.trial(prepared, kind, at)
                    file.write(json.dumps(asdict(trial)) + "\n")
                    file.flush()
                    told(trial)
            if not left:
                return


def told(trial: Trial) -> None:
    """Print what a trial found, if anything."""
    if trial.differs or trial.untold:
        print(
            f"{trial.kind} at {trial.number} of {trial.step}, {trial.effect}:",
            *(f"  {line}" for line in trial.differs),
            *(f"  untold: {line}" for line in trial.untold.splitlines()[-3:]),
            sep="\n",
            flush=True,
        )


def run(folder: Path, asked: Asked, workers: int = WORKERS) -> list[dict[str, Any]]:
    """The rows of the table, measured by several processes."""

    def become(number: int) -> int:
        work(folder, asked, number, workers)
        return 0

    pids = [fork(lambda number=number: become(number)) for number in range(workers)]  # type: ignore[misc]
    if any([ended(pid) for pid in pids]):
        sys.exit("a process that tries did not come to its end; its words stand above")
    lines = [
        [json.loads(line) for line in (folder / f"{n}.jsonl").read_text("utf-8").splitlines()]
        for n in range(workers)
    ]
    there = [line["points"] for line in lines[0] if "points" in line]
    trials = [Trial(**line) for found in lines for line in found if "points" not in line]
    return table_rows(there, trials)


def table_rows(there: Iterable[dict[str, int]], trials: Sequence[Trial]) -> list[dict[str, Any]]:
    """The counts of each kind of failure, and their sum.

    there : points of each command, by kind
    """
    all_points: Counter[str] = Counter()
    for each in there:
        all_points.update(each)
    rows = []
    for kind in KINDS:
        own = [trial for trial in trials if trial.kind == kind]
        counts = (
            all_points[kind],
            len(own),
            sum(bool(trial.differs) for trial in own),
            sum(bool(trial.untold) for trial in own),
        )
        rows.append({"failure": kind, "of": FAILS[kind], **dict(zip(COUNTED, counts, strict=True))})
    together = {key: sum(row[key] for row in rows) for key in COUNTED}
    return [*rows, {"failure": "together", "of": None, **together}]


def show(rows: Sequence[dict[str, Any]]) -> None:
    """Print the table."""
    print(f"\nThe n-th side effect fails\n\n| failure | {' | '.join(COUNTED)} |")
    print("|---" * (len(COUNTED) + 1) + "|")
    for row in rows:
        print(f"| {row['failure']} | {' | '.join(str(row[key]) for key in COUNTED)} |")


def _share(text: str) -> int:
    """1 for `all`, n for `1/n`, `A_TURN` for `one`."""
    if text == "one":
        return A_TURN
    one, _, of = text.partition("/")
    if text == "all":
        return 1
    if one != "1" or not of.isdigit() or int(of) < 1:
        raise argparse.ArgumentTypeError(f"wanted all, or a share such as 1/{ONE_OF}")
    return int(of)


def main() -> int:
    """The status to end with."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument(
        "--points",
        type=_share,
        default=ONE_OF,
        metavar="SHARE",
        help=f"all, a share such as 1/{ONE_OF}, the default, or one of each command",
    )
    parser.add_argument("--jobs", type=int, default=WORKERS, help="processes that try")
    parser.add_argument(
        "--command",
        dest="commands",
        action="append",
        default=[],
        choices=[step.name for step in LIFE],
        help="only this one of the life; may be given several times",
    )
    add_into(parser)
    options = parser.parse_args()
    os.environ["GIT_TEMPLATE_DIR"] = ""  # examples of hooks, copied with every campaign
    with tempfile.TemporaryDirectory(dir=memory_folder() or None) as folder:
        asked = Asked(options.points, tuple(options.commands))
        rows = run(Path(folder).resolve(), asked, options.jobs)
    show(rows)
    if options.into:
        share = {A_TURN: "one", 1: "all"}.get(options.points, f"1/{options.points}")
        command = [f"make faults NTH='--points {share}'"]
        save(options.into, LAYOUT, rows, note=options.note, command=command)
    return int(rows[-1]["differing"] > 0)


if __name__ == "__main__":
    sys.exit(main())
