"""`make faults`: every step of push and pull under every fault, as a table.

The double first, every request of every command; then the real Label Studio, where its
environment is, every step of a whole round once. A try is a step that met the fault. Ends with a
status of 1 if anything was there twice or lost.
"""

import argparse
import sys
import tempfile
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from typing import Any

from results_file import Figure, Layout, add_into, save

from faults import real
from faults.counting import Left
from faults.killed import killed_pushes
from faults.transport import FAULTS
from faults.trials import COMMANDS, Doubles, Outcome, every_request, faults_of, for_ever
from labelcycle.adapters.local import server_programs
from labelcycle.errors import ToolFailed

FOR_EVER = ", for ever"
COUNTED = ("faults", "tries", "duplicates", "lost")
LAYOUT = Layout(
    "Tries under faults",
    ["against"],
    [Figure(key) for key in ("of", *COUNTED)],
    names={"of": "tries of"},
)
TRIED = {
    "the double": "every fault at every request of five commands, faults that never end, pushes"
    " killed",
    "Label Studio": "every fault at every step of two whole rounds",
}


def on_the_double(root: Path) -> Iterator[Outcome]:
    """Every fault at every request of every command, and every fault that does not end."""
    rounds = Doubles(root)
    for command in COMMANDS:
        for name in faults_of(command):
            yield from every_request(rounds, command, name)
        for name in FAULTS:
            for outcome in for_ever(rounds, command, name):
                outcome.fault += FOR_EVER
                del outcome.steps[1:]  # told where it began
                yield outcome
    yield from killed_pushes(rounds)


def on_the_server() -> Iterator[Outcome]:
    """Every fault at every step of the real server, once."""
    try:
        server_programs.find_label_studio()
    except ToolFailed as missing:
        print(f"without the real server: {missing}")
        return
    with real.server() as place:
        yield from real.outcomes(place)


def show(title: str, outcomes: Iterator[Outcome]) -> tuple[set[str], int, int, int]:
    """Print a table; faults, tries, duplicates and lost in all."""
    tries: Counter[tuple[str, str]] = Counter()
    duplicates, lost = tries.copy(), tries.copy()
    told = []
    for outcome in outcomes:
        rows = [(outcome.fault, step) for step in outcome.steps]
        tries.update(list(dict.fromkeys(rows)))
        duplicates[rows[0]] += len(outcome.left.duplicates)
        lost[rows[0]] += len(outcome.left.lost)
        told += [_told(outcome)] if outcome.left != Left() else []
    print(f"\n{title}\n\n| fault | step | tries | duplicates | lost |\n|---|---|---|---|---|")
    for row, count in tries.items():
        print(f"| {row[0]} | {row[1]} | {count} | {duplicates[row]} | {lost[row]} |")
    if told:
        print("", *told, sep="\n")
    faults = {fault.removesuffix(FOR_EVER) for fault, _ in tries}
    return faults, tries.total(), duplicates.total(), lost.total()


def _told(outcome: Outcome) -> str:
    """What there is twice and what is lost, by name."""
    twice, lost = ", ".join(outcome.left.duplicates), ", ".join(outcome.left.lost)
    where = f"{outcome.fault}, {outcome.command}, {outcome.steps[0]}"
    return f"{where}: twice {twice or 'nothing'}; lost {lost or 'nothing'}"


def table_rows(found: dict[str, tuple[set[str], int, int, int]]) -> list[dict[str, Any]]:
    """The counts of each table, and their sum."""
    rows: list[dict[str, Any]] = [
        {"against": name, "of": TRIED[name], **_counts([numbers])}
        for name, (_, *numbers) in found.items()
    ]
    faults = len(set().union(*(names for names, *_ in found.values())))
    together = _counts([numbers for _, *numbers in found.values()])
    return [*rows, {"against": "both", "of": None, "faults": faults, **together}]


def _counts(numbers: Iterable[Sequence[int]]) -> dict[str, int]:
    """Tries, duplicates and lost in all."""
    sums = map(sum, zip(*numbers, strict=True))
    return dict(zip(COUNTED[1:], sums, strict=True))


def main() -> int:
    """The status to end with."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--only", choices=("double", "server"), help="one of the two tables")
    add_into(parser)
    options = parser.parse_args()
    found: dict[str, tuple[set[str], int, int, int]] = {}
    with tempfile.TemporaryDirectory() as folder:
        if options.only != "server":
            found["the double"] = show("A double of Label Studio", on_the_double(Path(folder)))
        if options.only != "double":
            found["Label Studio"] = show("Label Studio", on_the_server())
    rows = table_rows(found)
    if options.into:
        save(options.into, LAYOUT, rows, note=options.note, command=["make faults"])
    print("\n" + ", ".join(f"{key} {value}" for key, value in rows[-1].items() if key in COUNTED))
    return int(rows[-1]["duplicates"] + rows[-1]["lost"] > 0)


if __name__ == "__main__":
    sys.exit(main())
