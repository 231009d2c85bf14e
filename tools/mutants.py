"""Change the code at random, one place at a time, and see whether the quick tests notice.

    python tools/mutants.py [FOLDER ...] [--sample 400] [--seed 1] [--processes 2]

The first run notes which tests run which lines, and a later one does so again for the test files
that changed (`.mutants/`). A mutant is tried with the tests that run its line, the short ones
first. What nobody has to notice stands in `tools/mutants-kept.txt`, with a reason.
"""

import argparse
import ast
import json
import math
import sys
import time
from collections import Counter, defaultdict
from collections.abc import Sequence
from functools import partial
from hashlib import sha256
from pathlib import Path

import mutant_tests
from mutant_operators import Mutant, compiles, mutants
from mutant_tests import KILLED, ROOT, STATE, SURVIVED, TIMEOUT, UNTESTED, Copy, WatchedTests

FOLDERS = (
    "core",
    "campaign",
    "cycle",
    "rounds",
    "people",
    "adapters/annotation",
    "adapters/mlflow",
    "adapters/http.py",
    "adapters/s3.py",
)
KEPT_FILE = ROOT / "tools" / "mutants-kept.txt"
KEPT = "kept"
PATIENCE_S = 60
"""A mutant has three times as long as its tests took, and this."""
FILE_S = 900

Key = tuple[str, str, str, str]


def main() -> int:
    """Run, and print the table; 1 if a survivor is not listed."""
    options = _options()
    copies = [Copy(STATE / f"copy-{number}") for number in range(options.processes)]
    for copy in copies:
        copy.fill()
    source = copies[0].source  # which stays as it is, whoever edits the code meanwhile
    everything = [each for folder in options.folders for each in _in_folder(source, folder)]
    kept = read_kept(KEPT_FILE.read_text(encoding="utf-8"))
    if options.survivors:
        before = {tuple(key) for key, result in _read_results() if result not in (KILLED, TIMEOUT)}
        chosen = [each for each in everything if each.key in before]
    else:
        chosen = sample(everything, options.sample, options.seed, source)
    print(f"{len(chosen)} of {len(everything)} mutants, seed {options.seed}", flush=True)
    started = time.monotonic()
    mutant_tests.import_heavy()
    tests = _watched(copies, options.tests)
    _say(f"{len(tests.seconds)} quick tests, {len(tests.failed)} of them fail", started)
    for name in tests.failed:
        print(f"    left out: {name}")
    results = _tried(chosen, kept, tests, copies)
    _write_results(chosen, results)
    print()
    print(table(chosen, results, options.folders))
    _say(f"seed {options.seed}", started)
    unknown = kept.keys() - {each.key for each in everything}
    for key in sorted(unknown) if tuple(options.folders) == FOLDERS else ():
        print(f"kept, and no mutant any more: {key[0]} {key[1]}: {key[2]}")
    return int(any(each in (SURVIVED, UNTESTED) for each in results.values()))


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("folders", nargs="*", default=list(FOLDERS), metavar="FOLDER")
    parser.add_argument("--sample", type=int, default=400, help="how many mutants")
    parser.add_argument("--seed", default="1")
    parser.add_argument("--tests", nargs="*", default=["tests"], help="folders and files")
    parser.add_argument("--processes", type=int, default=2)
    parser.add_argument("--survivors", action="store_true", help="those of the last run again")
    return parser.parse_args()


def _in_folder(source: Path, folder: str) -> list[Mutant]:
    place = source / folder
    files = [place] if place.is_file() else sorted(place.rglob("*.py"))
    if not files:
        raise SystemExit(f"no Python file in {folder!r}: name a folder or file of src/labelcycle")
    found = (mutants(each.relative_to(source).as_posix(), each.read_bytes()) for each in files)
    return [each for of_file in found for each in of_file]


def sample(everything: Sequence[Mutant], number: int, seed: str, source: Path) -> list[Mutant]:
    """Some mutants at random; a change of one file does not exchange those of the others."""
    ranked = sorted(everything, key=lambda each: sha256(repr((seed, each.key)).encode()).digest())
    chosen: list[Mutant] = []
    for each in ranked:
        if len(chosen) == number:
            break
        if compiles(each.apply((source / each.path).read_bytes())):
            chosen.append(each)
    return chosen


def _watched(copies: Sequence[Copy], places: Sequence[str]) -> WatchedTests:
    """Which tests run which lines, from the files that are up to date and from new runs."""
    folder = STATE / "lines"
    folder.mkdir(parents=True, exist_ok=True)
    names = {
        each.relative_to(ROOT).as_posix()
        for place in places
        for each in [ROOT / place, *(ROOT / place).rglob("test_*.py")]
        if each.is_file()
    }
    files = {name: folder / f"{name.replace('/', '.')}.json" for name in sorted(names)}
    known = {
        name: mutant_tests.read_tests(copies[0].root, name, result)
        for name, result in files.items()
    }
    missing = [name for name, tests in known.items() if tests is None]

    def start(copy: Copy, name: str, log: Path) -> tuple[int, float]:
        files[name].unlink(missing_ok=True)
        watch = partial(mutant_tests.watch, copy, name, files[name])
        return mutant_tests.fork(copy, log, watch), FILE_S

    def done(name: str, status: int | None, log: Path) -> None:
        known[name] = mutant_tests.read_tests(copies[0].root, name, files[name])
        if known[name] is None:
            raise SystemExit(f"{name}: pytest ended with {status}, see {log}")

    mutant_tests.in_turns(copies, missing, start, done)
    seconds: dict[str, float] = {}
    lines: dict[str, dict[int, list[str]]] = defaultdict(lambda: defaultdict(list))
    failed: list[str] = []
    for tests in filter(None, known.values()):
        seconds.update(tests.seconds)
        failed += tests.failed
        for path, of_file in tests.lines.items():
            for line, names in of_file.items():
                lines[path][line] += names
    return WatchedTests(seconds, lines, failed)


def _tests_of(
    each: Mutant, tests: WatchedTests, importers: dict[str, set[str]], inside: dict[str, set[int]]
) -> list[str]:
    """The tests of a mutant, file by file, the shortest file first.

    What runs at an import belongs to no test: all tests that run a function of the module then, or
    of the modules that import it, and those of the test files that import it.

    inside : the lines of functions, by file; a process that a test starts runs the others, too
    """
    found: set[str] = set()
    if not each.at_import:
        lines = tests.lines.get(each.path, {})
        for line in range(each.line, each.last + 1):
            found.update(lines.get(line, ()))
    else:
        files = importers.get(each.path, set())
        found |= _tests_inside({each.path}, tests, inside) or _tests_inside(files, tests, inside)
        found.update(name for name in tests.seconds if name.split("::")[0] in files)
    found -= set(tests.failed)
    cost: Counter[str] = Counter()
    for name in found:
        cost[name.split("::")[0]] += tests.seconds[name]
    places = {name: place for place, name in enumerate(tests.seconds)}
    return sorted(found, key=lambda name: (cost[name.split("::")[0]], places[name]))


def _tests_inside(paths: set[str], tests: WatchedTests, inside: dict[str, set[int]]) -> set[str]:
    """The tests that run a line of a function of one of these files."""
    return {
        name
        for path in paths
        for line, names in tests.lines.get(path, {}).items()
        if line in inside.get(path, ())
        for name in names
    }


def lines_inside(source: bytes) -> set[int]:
    """The lines that run when a function is called.

    >>> lines_inside(b"a = 1\\ndef f(b=2):\\n    return (\\n        b\\n    )\\n")
    {3, 4, 5}
    """
    return {
        line
        for node in ast.walk(ast.parse(source))
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)
        for statement in node.body
        for line in range(statement.lineno, (statement.end_lineno or 0) + 1)
    }


def _importers(copy: Copy) -> dict[str, set[str]]:
    """The files that import a file: of the code by their name there, of the tests by theirs.

    A test that imports one of our tools imports what that imports.
    """
    importers: dict[str, set[str]] = defaultdict(set)
    by_tool = {
        tool.stem: _imported(tool, copy.source) for tool in (copy.root / "tools").glob("*.py")
    }
    for file in copy.source.rglob("*.py"):
        for name in _imported(file, copy.source):
            importers[name].add(file.relative_to(copy.source).as_posix())
    for file in (copy.root / "tests").rglob("test_*.py"):
        names = _imported(file, copy.source)
        for tool in by_tool.keys() & _plain_imports(file):
            names |= by_tool[tool]
        for name in names:
            importers[name].add(file.relative_to(copy.root).as_posix())
    return importers


def _imported(file: Path, source: Path) -> set[str]:
    """The files of labelcycle that a file imports, by their names below `source`.

    A package by its name stands for all of its modules: those of plug-ins are found there.
    """
    names = set()
    for node in ast.walk(ast.parse(file.read_bytes())):
        if isinstance(node, ast.ImportFrom) and (node.module or "").startswith("labelcycle"):
            base = source.joinpath(*(node.module or "").split(".")[1:])
            places = [base.with_suffix(".py"), base / "__init__.py"]
            for alias in node.names:
                places += [base / f"{alias.name}.py", *(base / alias.name).glob("*.py")]
            names |= {p.relative_to(source).as_posix() for p in places if p.is_file()}
    return names


def _plain_imports(file: Path) -> set[str]:
    """The modules that a file imports by a name without a dot."""
    names = set()
    for node in ast.walk(ast.parse(file.read_bytes())):
        if isinstance(node, ast.Import):
            names |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            names.add(node.module or "")
    return names


def _tried(
    chosen: Sequence[Mutant], kept: dict[Key, str], tests: WatchedTests, copies: Sequence[Copy]
) -> dict[Key, str]:
    """What became of each mutant."""
    importers, source = _importers(copies[0]), copies[0].source
    inside = {
        file.relative_to(source).as_posix(): lines_inside(file.read_bytes())
        for file in source.rglob("*.py")
    }
    of_mutant = {each.key: _tests_of(each, tests, importers, inside) for each in chosen}
    results = {each.key: KEPT if each.key in kept else UNTESTED for each in chosen}
    todo = [each for each in chosen if each.key not in kept and of_mutant[each.key]]
    for each in chosen:
        if not of_mutant[each.key]:
            _show(each, results[each.key])

    def start(copy: Copy, each: Mutant, log: Path) -> tuple[int, float]:
        names = of_mutant[each.key]
        limit = PATIENCE_S + 3 * sum(tests.seconds[name] for name in names)
        content = each.apply((copy.source / each.path).read_bytes())
        copy.change(each.path, content)
        return mutant_tests.fork(copy, log, partial(mutant_tests.run_tests, names)), limit

    def done(each: Mutant, status: int | None, _: Path) -> None:
        results[each.key] = TIMEOUT if status is None else SURVIVED if status == 0 else KILLED
        _show(each, results[each.key])

    mutant_tests.in_turns(copies, todo, start, done)
    return results


def _show(each: Mutant, result: str) -> None:
    """What somebody is to look at."""
    if result in (SURVIVED, UNTESTED):
        print(f"\n# {result}, line {each.line}\n{stanza(each)}", flush=True)


# what is kept


def read_kept(text: str) -> dict[Key, str]:
    """The mutants that nobody has to notice, and why.

    >>> read_kept("a.py f\\n- x = 1\\n+ x = 2\\n  any number does\\n")
    {('a.py', 'f', 'x = 1', 'x = 2'): 'any number does'}
    """
    kept: dict[Key, str] = {}
    lines = [line for line in text.splitlines() if not line.startswith("#")]
    for block in "\n".join(lines).split("\n\n"):
        if not block.strip():
            continue
        parts = block.strip("\n").split("\n")
        path, _, where = parts[0].partition(" ")
        marks = [part[:2] for part in parts[1:]]
        if marks != ["- ", "+ ", "  "] or not where:
            raise SystemExit(
                f"{KEPT_FILE.name}: wanted 'FILE FUNCTION', '- before', '+ after', '  reason', "
                f"got: {block}"
            )
        kept[path, where, parts[1][2:], parts[2][2:]] = parts[3].strip()
    return kept


def stanza(each: Mutant) -> str:
    """A mutant as the list of those that are kept has it, without its reason."""
    return f"{each.path} {each.where}\n- {each.before}\n+ {each.after}"


# the table


def table(chosen: Sequence[Mutant], results: dict[Key, str], folders: Sequence[str]) -> str:
    """What became of the mutants, by folder, and the share that was noticed."""
    head = ("", "mutants", KILLED, TIMEOUT, SURVIVED, UNTESTED, KEPT, "share", "95 %")
    rows = [head]
    for folder in [*folders, "all"]:
        found = Counter(
            results[each.key]
            for each in chosen
            if folder == "all" or f"{each.path}/".startswith(f"{folder}/")
        )
        noticed = found[KILLED] + found[TIMEOUT]
        total = found.total() - found[KEPT]
        low, high = interval(noticed, total)
        counts = (found[result] for result in (KILLED, TIMEOUT, SURVIVED, UNTESTED, KEPT))
        share = f"{noticed / total:.1%}" if total else "-"
        rows.append(
            (folder, str(found.total()), *map(str, counts), share, f"{low:.0%} to {high:.0%}")
        )
    wide = [max(map(len, column)) for column in zip(*rows, strict=True)]
    return "\n".join(
        "  ".join(
            cell.rjust(width) if at else cell.ljust(width)
            for at, (cell, width) in enumerate(zip(row, wide, strict=True))
        ).rstrip()
        for row in rows
    )


def interval(noticed: int, total: int) -> tuple[float, float]:
    """Wilson's 95 % interval of a share.

    >>> [round(each, 3) for each in interval(8, 10)]
    [0.49, 0.943]
    """
    if not total:
        return 0.0, 1.0
    z = 1.959964
    share = noticed / total
    middle = share + z * z / (2 * total)
    wide = z * math.sqrt(share * (1 - share) / total + z * z / (4 * total * total))
    return (middle - wide) / (1 + z * z / total), (middle + wide) / (1 + z * z / total)


# the last run


def _write_results(chosen: Sequence[Mutant], results: dict[Key, str]) -> None:
    lines = (json.dumps([each.key, results[each.key]]) for each in chosen)
    (STATE / "results.jsonl").write_text("\n".join(lines) + "\n", encoding="utf-8")


def _read_results() -> list[tuple[list[str], str]]:
    lines = (STATE / "results.jsonl").read_text(encoding="utf-8").splitlines()
    return [(key, result) for key, result in map(json.loads, lines)]


def _say(text: str, started: float) -> None:
    print(f"{text}, {(time.monotonic() - started) / 60:.1f} minutes", flush=True)


if __name__ == "__main__":
    sys.exit(main())
