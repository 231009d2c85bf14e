"""What a mutation run changes, how it draws its sample, and what its table says."""

from pathlib import Path

import mutants
import pytest
from mutant_operators import Mutant, compiles
from mutant_operators import mutants as changes_of
from mutant_tests import ROOT, Copy


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
