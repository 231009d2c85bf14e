"""What a mutation run changes, how it draws its sample, and what its table says."""

import json
import os
import time
from functools import partial
from pathlib import Path

import mutants
import pytest
from mutant_operators import Mutant, compiles
from mutant_operators import mutants as changes_of
from mutant_tests import ROOT, Copy, WatchedTests, fork, in_turns, read_tests, state


def changes(source: str) -> list[str]:
    return [each.after for each in changes_of("a.py", source.encode())]


@pytest.mark.parametrize(
    ("line", "wanted"),
    [
        ("a = b < c", ["a = None", "a = b <= c"]),
        ("a = b not in c", ["a = None", "a = b in c"]),
        ("a = b is not c", ["a = None", "a = b is c"]),
        ("a = b and (c or d)", ["a = None", "a = (b or (c or d))", "a = b and ((c and d))"]),
        ("a = not b", ["a = None", "a = (b)"]),
        ("a += b", ["a -= b"]),
        ("a = b // c ** d", ["a = None", "a = (b / c ** d)", "a = b // (c * d)"]),
        ("a = 3", ["a = 4"]),
        ("a = True", ["a = False"]),
        (
            "a = 'é' + f'{b}'",
            ["a = None", "a = ('é' - f'{b}')", "a = 'XXéXX' + f'{b}'", "a = 'é' + (\"XX\" f'{b}')"],
        ),
        ("raise E", ["pass"]),
        ("b(c, d=e)", ["pass", "b(None, d=e)", "b(c, )"]),
        ("b(d=e, encoding='utf-8')", ["pass", "b(encoding='utf-8')"]),
        ("b(**c)", ["pass"]),
        ("a: int = cast(int, b)", []),  # what `cast` says is for mypy
        ("'a text alone'", []),
        ("assert a < 3", []),
        ("__all__ = ['b']", []),
    ],
)
def test_one_place_is_changed_at_a_time(line: str, wanted: list[str]) -> None:
    assert sorted(changes(line)) == sorted(wanted)


def test_conditions_are_turned_round() -> None:
    source = "def f(a, b):\n    if a:\n        return 1\n    return [c for c in b if c.d]\n"
    assert "if not (a):" in changes(source)
    assert "return [c for c in b if not (c.d)]" in changes(source)


def test_loops_defaults_and_what_runs_at_the_import() -> None:
    source = "LIMIT = 3\n\n\ndef f(a, b=LIMIT + 1):\n    for c in a:\n        break\n"
    found = {each.after: each for each in changes_of("a.py", source.encode())}
    assert found["LIMIT = 4"].where == "module"
    assert found["LIMIT = 4"].at_import
    assert found["def f(a, b=LIMIT + 2):"].where == "f"
    assert found["def f(a, b=LIMIT + 2):"].at_import
    assert not found["continue"].at_import
    assert found["continue"].line == 6


def test_a_change_of_several_lines_is_told_in_one() -> None:
    source = b"class A:\n    def f(self):\n        return g(\n            'x',\n        )\n"
    whole, text = changes_of("a.py", source)
    assert (whole.where, whole.before, whole.after) == ("A.f", "return g( 'x', )", "return None")
    assert whole.apply(source) == b"class A:\n    def f(self):\n        return None\n"
    assert (text.line, text.last, text.after) == (4, 4, "'XXxXX',")


def test_what_is_no_python_is_known() -> None:
    assert compiles(b"a = 1\n")
    assert not compiles(b"a = = 1\n")


def test_the_sample_hangs_on_the_seed_and_keeps_what_did_not_change(
    tmp_path: Path,
) -> None:
    for name in ("a.py", "b.py"):
        (tmp_path / name).write_text("\n".join(f"x{n} = {n} + y" for n in range(40)))
    everything = [each for name in ("a.py", "b.py") for each in changed(tmp_path, name)]
    first = mutants.sample(everything, 30, "1", tmp_path)
    assert len(first) == 30
    assert mutants.sample(list(reversed(everything)), 30, "1", tmp_path) == first
    assert {each.key for each in mutants.sample(everything, 30, "2", tmp_path)} != {
        e.key for e in first
    }
    (tmp_path / "b.py").write_text("")
    later = mutants.sample(changed(tmp_path, "a.py"), 30, "1", tmp_path)
    assert later[: sum(each.path == "a.py" for each in first)] == [
        each for each in first if each.path == "a.py"
    ]


def changed(folder: Path, name: str) -> list[Mutant]:
    return changes_of(name, (folder / name).read_bytes())


KEPT = "# why\n\na.py f\n- x = 1 | y\n+ x = 2 | y\n  any number does\n"


def test_a_kept_mutant_is_read_as_it_is_printed() -> None:
    kept = mutants.read_kept(KEPT)
    assert kept == {("a.py", "f", "x = 1 | y", "x = 2 | y"): "any number does"}
    (each,) = [
        each
        for each in changes_of("a.py", b"def f(y):\n    x = 1 | y\n")
        if each.after == "x = 2 | y"
    ]
    assert each.key in kept
    assert mutants.stanza(each) in KEPT


@pytest.mark.parametrize("text", ["a.py f\n- x\n+ y\n", "a.py\n- x\n+ y\n  why\n", "- x\n+ y\n"])
def test_a_kept_mutant_without_its_reason_is_refused(text: str) -> None:
    with pytest.raises(SystemExit, match="'  reason', got"):
        mutants.read_kept(text)


def test_the_list_of_kept_mutants_can_be_read() -> None:
    kept = mutants.read_kept(mutants.KEPT_FILE.read_text(encoding="utf-8"))
    assert all(len(reason.split()) > 2 for reason in kept.values())
    for path in {path for path, *_ in kept}:
        assert (ROOT / "src" / "labelcycle" / path).is_file(), path


def test_the_share_leaves_out_what_is_kept() -> None:
    found = changes_of("core/a.py", b"a = 1\nb = 2\nc = 3\nd = 4\n")
    results = dict(
        zip((each.key for each in found), ("killed", "survived", "kept", "timeout"), strict=True)
    )
    lines = mutants.table(found, results, ["core", "cycle"]).splitlines()
    assert lines[1].split() == ["core", "4", "1", "1", "1", "0", "1", "66.7%", "21%", "to", "94%"]
    assert lines[2].split()[:2] == ["cycle", "0"]
    assert lines[3].split()[0] == "all"


def test_a_copy_is_changed_and_comes_back(tmp_path: Path) -> None:
    file = tmp_path / "src" / "labelcycle" / "a.py"
    file.parent.mkdir(parents=True)
    file.write_text("a = 1\n")
    written = file.stat().st_mtime
    copy = Copy(tmp_path)
    times = set()
    for content in (b"a = 2\n", b"a = 3\n"):
        copy.change("a.py", content)
        assert file.read_bytes() == content
        times.add(file.stat().st_mtime)
        copy.restore()
    assert file.read_text() == "a = 1\n"
    assert file.stat().st_mtime == written
    assert len(times | {written}) == 3  # so that no compiled module of another is taken


def test_each_piece_of_work_ends_with_its_code_or_after_its_limit(tmp_path: Path) -> None:
    copies = [Copy(tmp_path / name) for name in ("a", "b")]
    for copy in copies:
        copy.source.mkdir(parents=True)
        (copy.source / "m.py").write_text("a = 1\n")
    seen: dict[str, tuple[int | None, str]] = {}

    def work(copy: Copy, name: str) -> int:
        text = (copy.source / "m.py").read_text()
        os.write(1, f"{name} in {Path.cwd().name}: {text}".encode())  # past pytest's capture
        if name == "slow":
            time.sleep(60)
        if name == "broken":
            raise RuntimeError("no good")
        return 3

    def start(copy: Copy, name: str, log: Path) -> tuple[int, float]:
        copy.change("m.py", f"{name} = 2\n".encode())
        return fork(copy, log, partial(work, copy, name)), 0.3 if name == "slow" else 30

    def done(name: str, status: int | None, log: Path) -> None:
        seen[name] = status, log.read_text()

    in_turns(copies, ["one", "slow", "two", "broken"], start, done)
    assert {name: status for name, (status, _) in seen.items()} == {
        "one": 3,
        "slow": None,
        "two": 3,
        "broken": 70,
    }
    for name, (_, output) in seen.items():
        assert output.startswith((f"{name} in a: {name} = 2\n", f"{name} in b: {name} = 2\n"))
    assert {(copy.source / "m.py").read_text() for copy in copies} == {"a = 1\n"}


def test_which_tests_run_a_mutant() -> None:
    tests = WatchedTests(
        {f"t/{name}": seconds for name, seconds in (
            ("a.py::1", 1.0), ("a.py::2", 9.0), ("b.py::1", 2.0), ("c.py::1", 1.0), ("d.py::1", 4.0)
        )},
        {
            "m.py": {
                1: ["t/d.py::1"],  # it starts a process, which imports the module
                3: ["t/a.py::1"],
                4: ["t/a.py::2", "t/b.py::1", "t/c.py::1"],
            },
            "user.py": {1: ["t/d.py::1"], 2: ["t/b.py::1"]},
        },
        ["t/c.py::1"],
    )  # fmt: skip
    source = b"A = 1\ndef f():\n    b = 2\n    return b\n"
    constant = next(each for each in changes_of("m.py", source) if each.line == 1)
    number = next(each for each in changes_of("m.py", source) if each.line == 3)
    assert (constant.at_import, number.at_import) == (True, False)
    importers = {"k.py": {"user.py"}, "words.py": {"t/a.py"}}
    inside = {"m.py": mutants.lines_inside(source), "user.py": {2}}
    find = partial(mutants._tests_of, tests=tests, importers=importers, inside=inside)
    assert find(number) == ["t/a.py::1"]
    # all tests that run its functions, whole files by their time; one that fails anyway never
    assert find(constant) == ["t/b.py::1", "t/a.py::1", "t/a.py::2"]
    (alone,) = changes_of("k.py", b"A = 1\n")
    assert find(alone) == ["t/b.py::1"]  # of a module without functions: of those that import it
    (words,) = changes_of("words.py", b"A = 1\n")
    assert find(words) == ["t/a.py::1", "t/a.py::2"]  # and of the test files that import it
    importers["m.py"] = {"t/d.py"}
    assert find(constant) == ["t/b.py::1", "t/d.py::1", "t/a.py::1", "t/a.py::2"]
    (unused,) = changes_of("j.py", b"A = 1\n")
    assert find(unused) == []


def test_who_imports_a_file(tmp_path: Path) -> None:
    for name, text in {
        "src/labelcycle/words.py": "A = 1",
        "src/labelcycle/user.py": "from labelcycle import words",
        "tools/printer.py": "from labelcycle.words import A",
        "tests/test_a.py": "import printer",
        "tests/sub/test_b.py": "from labelcycle.words import A",
        "tests/test_c.py": "import json",
        "src/labelcycle/parts/__init__.py": "",
        "src/labelcycle/parts/one.py": "A = 1",
        "tests/test_d.py": "from labelcycle import parts",
        "tests/test_e.py": "from labelcycle.parts import other",
    }.items():
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_text(f"{text}\n")
    importers = mutants._importers(Copy(tmp_path))
    assert importers["words.py"] == {"user.py", "tests/test_a.py", "tests/sub/test_b.py"}
    assert importers["parts/one.py"] == {"tests/test_d.py"}  # by name, as plug-ins are


def test_what_a_test_file_ran_is_of_its_code_alone(tmp_path: Path) -> None:
    for name in ("src/labelcycle/m.py", "tests/test_a.py", "tests/conftest.py"):
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_text("a = 1\n")
    result = tmp_path / "r.json"
    assert read_tests(tmp_path, "tests/test_a.py", result) is None
    found = {
        "state": state(tmp_path, "tests/test_a.py", ["m.py"]),
        "seconds": {"x": 1.5},
        "lines": {"m.py": {"3": ["x"]}},
        "failed": [],
    }
    result.write_text(json.dumps(found))
    wanted = WatchedTests({"x": 1.5}, {"m.py": {3: ["x"]}}, [])
    assert read_tests(tmp_path, "tests/test_a.py", result) == wanted
    (tmp_path / "src" / "labelcycle" / "other.py").touch()
    assert read_tests(tmp_path, "tests/test_a.py", result) == wanted
    for name in ("src/labelcycle/m.py", "tests/test_a.py", "tests/conftest.py"):
        (tmp_path / name).write_text("a = 2\n")
        assert read_tests(tmp_path, "tests/test_a.py", result) is None
        (tmp_path / name).write_text("a = 1\n")
    assert read_tests(tmp_path, "tests/test_a.py", result) == wanted
