"""Every error of the core in its whole text: a part of it would not show what is around it."""

import warnings
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import scipy.sparse
from numpy.typing import NDArray
from raised import told

from labelcycle.core import (
    array_input,
    class_migrations,
    class_names,
    consensus,
    csv_tables,
    dawid_skene,
    one_line_warnings,
    registry,
    run_strategy,
    strategies,
    valid_answers,
)
from labelcycle.core.clusterers import hdbscan
from labelcycle.core.consensus import Verdict
from labelcycle.core.pool import Head, Pool
from labelcycle.core.skip_reasons import Skip
from labelcycle.core.strategies import supclust
from labelcycle.errors import DataError, LabelcycleError, PoolExhausted, SettingsError

# --- arrays ---------------------------------------------------------------------------------

MASKED = np.ma.masked_array([1.0, 2.0], [False, True])
NUMBERS = "numpy.unique(labels, return_inverse=True)[1] numbers classes"


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (0, "k must be a whole number, at least 1, at most 9 (got 0)"),
        (10, "k must be a whole number, at least 1, at most 9 (got 10)"),
        (True, "k must be a whole number, at least 1, at most 9 (got True)"),
        (2.0, "k must be a whole number, at least 1, at most 9 (got 2.0)"),
    ],
)
def test_a_whole_number(value: object, text: str) -> None:
    assert told(SettingsError, lambda: array_input.whole_number(value, "k", 1, 9)) == text
    assert [array_input.whole_number(n, "k", 1, 9) for n in (1, np.int64(9))] == [1, 9]
    assert (
        told(SettingsError, lambda: array_input.whole_number(1, "k", 2))
        == "k must be a whole number, at least 2 (got 1)"
    )


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (
            scipy.sparse.eye(2, format="csr"),
            "x must be dense, got a sparse scipy.dia_array; reduce it first, as with"
            " sklearn.decomposition.TruncatedSVD, or make it dense if it fits into memory",
        ),
        (MASKED, "x must not have masked entries; fill them, or leave their rows out"),
        (
            [[1, 2], [3]],
            "x must be an array of numbers, got builtins.list: setting an array element with a"
            " sequence. The requested array has an inhomogeneous shape after 1 dimensions. The"
            " detected shape was (2,) + inhomogeneous part.",
        ),
    ],
)
def test_what_is_no_plain_array(value: object, text: str) -> None:
    found = told(DataError, lambda: array_input.plain(value, "x"))
    assert found.replace("csr_array", "dia_array").replace("csr_matrix", "dia_array") == text


@pytest.mark.parametrize(
    ("value", "what"),
    [
        (np.zeros(3), "(3,) float64); reshape one column to (n, 1), flatten images or embed them"),
        (np.zeros((3, 0)), "(3, 0) float64); reshape one column to (n, 1), flatten images or embe"),
        (np.array([["a"]]), "(1, 1) <U1); drop columns that are not numbers"),
    ],
)
def test_features_of_another_shape(value: NDArray[Any], what: str) -> None:
    found = told(DataError, lambda: array_input.feature_rows(value, True))
    lead = "features must be numbers of shape (n, d >= 1), one row a sample (got "
    assert found.startswith(lead + what)
    assert found.endswith((" first", "numbers"))


@pytest.mark.parametrize(("value", "name"), [(np.nan, "NaN"), (np.inf, "infinity")])
def test_a_number_that_is_not_finite(value: float, name: str) -> None:
    rows = np.zeros((array_input.BLOCK_ROWS + 3, 1))
    rows[-2] = value
    text = (
        f"features must be finite numbers, row {len(rows) - 2} holds {name}; leave that sample out,"
        " or compute its row anew"
    )
    assert told(DataError, lambda: array_input.check_finite(rows, "features")) == text
    array_input.check_finite(rows[:-2], "features")


WANTED = "labels must be (3,) class indices, -1 or NaN where there is none"


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (5, f"{WANTED} (got 5)"),
        ([1, 2], f"{WANTED} (got (2,) int64); {NUMBERS}"),
        ([1, 2, 0.5], f"{WANTED} (got (3,) float64); {NUMBERS}"),
        (
            np.array([0, 255, 1], "u1"),
            "labels are uint8, in which -1 becomes 255, as row 1 has; give them as int64, with -1"
            " where there is none",
        ),
        (
            [0, 1, -2],
            f"{WANTED}, below 100,000; row 2 has -2; {NUMBERS}, -1 stands for no label",
        ),
        (
            [0, 100_000, 1],
            f"{WANTED}, below 100,000; row 1 has 100000; {NUMBERS}, -1 stands for no label",
        ),
    ],
)
def test_labels_that_cannot_be_used(value: object, text: str) -> None:
    assert told(DataError, lambda: array_input.class_indices(value, 3)) == text


def test_labels_that_can() -> None:
    for value in ([0, None, 99_999], np.array([0, np.nan, 99_999]), [0, -1, 99_999]):
        found = array_input.class_indices(value, 3)
        assert (found.tolist(), found.dtype) == ([0, -1, 99_999], np.int64)
    assert array_input.class_indices(np.array([0, 254], "u1"), 2).tolist() == [0, 254]
    assert array_input.class_indices(None, 2).tolist() == [-1, -1]


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (
            [0.5, 1, 2],
            "clusters must be (3,) whole numbers, the cluster of each sample, -1 for noise (got"
            " (3,) float64); numpy.unique(clusters, return_inverse=True)[1] numbers names",
        ),
        (
            [0, 1, -2],
            "clusters must be numbers from 0 to 2147483647, or -1 for noise (row 2 has -2);"
            " numpy.unique(clusters, return_inverse=True)[1] numbers them anew",
        ),
        (
            [0, 2**31, 1],
            "clusters must be numbers from 0 to 2147483647, or -1 for noise (row 1 has 2147483648);"
            " numpy.unique(clusters, return_inverse=True)[1] numbers them anew",
        ),
    ],
)
def test_clusters_that_cannot_be_used(value: object, text: str) -> None:
    assert told(DataError, lambda: array_input.cluster_numbers(value, 3)) == text
    assert array_input.cluster_numbers([0, 2**31 - 1, -1], 3).tolist() == [0, 2**31 - 1, -1]


@pytest.mark.parametrize(
    ("shape", "exactly", "least"),
    [((2, 3), False, "at least 4"), ((2, 5), True, "4"), ((3, 4), True, "4"), ((2,), True, "4")],
)
def test_probabilities_of_another_shape(shape: tuple[int, ...], exactly: bool, least: str) -> None:
    value = np.zeros(shape, "f4")
    text = (
        f"probabilities must be (2, c) numbers, a row a sample and a column for each of {least}"
        f" classes (got {shape} float32)"
    )
    assert told(DataError, lambda: array_input.probability_rows(value, 2, 4, exactly)) == text
    assert array_input.probability_rows(np.zeros((2, 4)), 2, 4, exactly).dtype == np.float32
    assert array_input.probability_rows(np.zeros((2, 5)), 2, 4, False).shape == (2, 5)


# --- pools ----------------------------------------------------------------------------------


def pool(**changes: Any) -> Pool:
    made = Pool(
        np.eye(4, 2, dtype="f4"),
        np.array([-1, 0, -1, -1]),
        np.array([True, False, True, True]),
    )
    return replace(made, **changes)


def head(**changes: Any) -> Head:
    zeros = np.zeros((4, 3), "f4"), np.zeros((3, 2), "f4"), np.zeros(2, "f4")
    return replace(Head(*zeros), **changes)


OTHERS = "; they belong to another pool"


@pytest.mark.parametrize(
    ("made", "text"),
    [
        (
            pool(features=np.zeros((4, 2))),
            "features must be (n, d >= 1) float32 or float16 (got (4, 2) float64)",
        ),
        (
            pool(features=np.zeros((4, 0), "f4")),
            "features must be (n, d >= 1) float32 or float16 (got (4, 0) float32)",
        ),
        (
            pool(labels=np.zeros(3, int)),
            f"labels must be (4,) int64, one row a sample (got (3,) int64){OTHERS}",
        ),
        (
            pool(available=np.zeros(4, int)),
            f"available must be (4,) bool, one row a sample (got (4,) int64){OTHERS}",
        ),
        (
            pool(clusters=np.zeros(4, int)),
            f"clusters must be (4,) int32, one row a sample (got (4,) int64){OTHERS}",
        ),
        (
            pool(probabilities=np.zeros((3, 2), "f4")),
            f"probabilities must be (4, 2) float32, one row a sample (got (3, 2) float32){OTHERS}",
        ),
        (
            pool(probabilities=np.ones((4, 1), "f4")),
            "probabilities must have a column for each of at least 2 classes (got (4, 1) float32)",
        ),
        (
            pool(probabilities=np.full((4, 2), 0.25, "f4")),
            "probabilities must be at least 0 and sum to 1 in each row, row 0 has 0.25 and sums to"
            " 0.5; take the softmax of logits first",
        ),
        (
            pool(probabilities=np.array([[0.5, 0.5], [1.5, -0.5]] * 2, "f4")),
            "probabilities must be at least 0 and sum to 1 in each row, row 1 has -0.5 and sums to"
            " 1; take the softmax of logits first",
        ),
        (
            pool(head=head(hidden=np.zeros((4, 2), "f4"))),
            f"head.hidden must be (4, 3) float32, one row a sample (got (4, 2) float32){OTHERS}",
        ),
        (
            pool(head=head(bias=np.zeros(3, "f4"))),
            f"head.bias must be (2,) float32, one row a sample (got (3,) float32){OTHERS}",
        ),
        (
            pool(head=head(bias=np.array([0, np.nan], "f4"))),
            "head.bias must be finite numbers, row 1 holds NaN; leave that sample out, or compute"
            " its row anew",
        ),
        (
            pool(head=head(weights=np.full((3, 2), np.inf, "f4"))),
            "head.weights must be finite numbers, row 0 holds infinity; leave that sample out, or"
            " compute its row anew",
        ),
        (
            pool(head=head(hidden=np.full((4, 3), np.inf, "f4"))),
            "head.hidden must be finite numbers, row 0 holds infinity; leave that sample out, or"
            " compute its row anew",
        ),
        (
            pool(labels=np.array([-1, 0, -2, -1])),
            "labels must be a class index or -1, row 2 has -2",
        ),
        (
            pool(available=np.ones(4, bool)),
            "a labelled sample must not be available, row 1 has a label and is; take it out of"
            " `available`",
        ),
    ],
)
def test_a_pool_that_cannot_be_used(made: Pool, text: str) -> None:
    assert told(DataError, lambda: run_strategy.check_pool(made)) == text


def test_a_pool_that_can() -> None:
    half = np.array([[0.5, 0.5 + 0.9 * run_strategy.SUM_ERROR]] * 4, "f4")
    clusters = np.zeros(4, "i4")
    run_strategy.check_pool(pool(probabilities=half, head=head(), clusters=clusters))
    run_strategy.check_pool(pool(features=np.zeros((4, 2), "f2")))


@pytest.mark.parametrize(
    ("budget", "left", "kind", "text"),
    [
        (True, 3, SettingsError, "budget must be a whole number (got True)"),
        (1.0, 3, SettingsError, "budget must be a whole number (got 1.0)"),
        (
            1,
            0,
            PoolExhausted,
            "no sample is left to select (got budget 1): wanted at least one without a label that"
            " was not rejected; add new samples",
        ),
        (
            4,
            3,
            PoolExhausted,
            "budget must be in 1..3, the samples left to select (got 4); lower it",
        ),
        (
            0,
            3,
            PoolExhausted,
            "budget must be in 1..3, the samples left to select (got 0); raise it",
        ),
    ],
)
def test_a_budget_that_cannot_be_spent(
    budget: Any, left: int, kind: type[LabelcycleError], text: str
) -> None:
    assert told(kind, lambda: run_strategy.check_budget(budget, left)) == text
    for good in (1, 3, np.int64(2)):
        run_strategy.check_budget(good, 3)  # type: ignore[arg-type]


def test_what_a_strategy_needs_is_named() -> None:
    rng = np.random.default_rng(0)
    for name in strategies.names():
        module = strategies.get(name)
        for need in sorted(module.NEEDS)[:1]:
            text = f"strategy {name} needs {need} of the pool, got none; make them first"
            assert told(DataError, lambda n=name: run_strategy.select(n, pool(), 1, rng)) == text
            needs = "|".join(module.NEEDS)
            lead = rf"({name} needs|wanted a pool with)"
            with pytest.raises(ValueError, match=rf"^{lead} (a )?({needs})$"):
                module.select(pool(), 1, rng, module.Options())


def test_pools_that_are_too_large(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(hdbscan, "MOST_ROWS", 2)
    monkeypatch.setattr(supclust, "MOST_ROWS", 2)
    features, rng = np.eye(3, dtype="f4"), np.random.default_rng(0)
    assert (
        told(SettingsError, lambda: hdbscan.fit(features, 2, rng, hdbscan.Options(), True))
        == "clusterer hdbscan: wanted at most 2 samples, whose distances fit into memory (got 3);"
        " take kmeans"
    )
    options = supclust.Options(neighbourhood="pool")
    assert (
        told(SettingsError, lambda: supclust._whole(features, np.arange(3), options))
        == "supclust with neighbourhood 'pool' computes the distances of all pairs: wanted at most"
        " 2 samples that may be selected (got 3); take neighbourhood 'cluster'"
    )
    assert supclust._whole(features, np.arange(2), options) is not None
    assert supclust._whole(features, np.arange(3), supclust.Options()) is None


# --- classes --------------------------------------------------------------------------------

CLASSES = ("cat", "dog", "emu")


@pytest.mark.parametrize(
    ("work", "text"),
    [
        (
            lambda: class_migrations.rename(CLASSES, "cta", "fox", {}),
            "unknown class 'cta': wanted one of cat, dog, emu (got 'cta'); did you mean 'cat'?",
        ),
        (
            lambda: class_migrations.remove(CLASSES, "zebra"),
            "unknown class 'zebra': wanted one of cat, dog, emu (got 'zebra'); choose one of them",
        ),
        (
            lambda: class_migrations.add(CLASSES, "dog", None, {}),
            "class 'dog' is there already: wanted a new name (got 'dog'); to put two classes"
            " together, merge them",
        ),
        (
            lambda: class_migrations.add(CLASSES, "fox", None, {"fox": "dog"}),
            "class 'fox' was there before, and its labels count as 'dog': wanted a name that means"
            " one thing in all rounds; choose another one",
        ),
        (
            lambda: class_migrations.rename(CLASSES, "dog", "fox", {"fox": None}),
            "class 'fox' was there before, and its labels are rejected: wanted a name that means"
            " one thing in all rounds; choose another one, or add it again",
        ),
        (
            lambda: class_migrations.merge(CLASSES, ["dog"], "dog", {}),
            "wanted a class to merge into another one, got 'dog' alone; name those that are given"
            " up",
        ),
        (
            lambda: class_migrations.merge(CLASSES, CLASSES, "animal", {}),
            "wanted at least 2 classes to be left, got 1: animal; add a class first",
        ),
        (
            lambda: class_migrations.remove(("cat", "dog"), "cat"),
            "wanted at least 2 classes to be left, got 1: dog; add a class first",
        ),
    ],
)
def test_a_change_of_classes_that_cannot_be_made(work: Callable[[], object], text: str) -> None:
    assert told(SettingsError, work) == text


def test_changes_that_can() -> None:
    table = {"fox": None, "hen": "dog"}
    assert class_migrations.add(CLASSES, "fox", "cat", table).after == ("cat", "fox", "dog", "emu")
    assert class_migrations.rename(CLASSES, "dog", "hen", table).table == {"dog": "hen"}
    merged = class_migrations.merge(CLASSES, ["emu", "cat"], "animal", {})
    assert (merged.after, merged.table) == (("animal", "dog"), {"cat": "animal", "emu": "animal"})
    kept = class_migrations.merge(CLASSES, ["dog", "emu"], "emu", {})
    assert (kept.kind, kept.before, kept.after) == ("merge", CLASSES, ("cat", "emu"))


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("", "wanted a class name, got ''"),
        (" b", "wanted class names without outer blanks, got ' b'"),
        (
            "a\u200bb",
            "wanted class names without invisible characters, got U+200B (ZERO WIDTH SPACE) in"
            " 'a\\u200bb'; write the name anew by hand",
        ),
        (
            "a\tb",
            "wanted class names without invisible characters, got U+0009 (a control character) in"
            " 'a\\tb'; write the name anew by hand",
        ),
        ("a  b", "wanted single blanks, for pages show several as one, got 'a  b'"),
        ("x" * 101, f"wanted class names of at most 100 characters, got 101: {'x' * 101!r}"),
        (
            "SKIPPED: x",
            "wanted class names that do not begin with 'skipped: ', which marks skips, got"
            " 'SKIPPED: x'",
        ),
    ],
)
def test_a_class_name_that_cannot_be(name: str, text: str) -> None:
    assert class_names.objection(name) == text
    assert told(ValueError, lambda: class_names.checked(["cat", name])) == text


def test_class_names_that_are_one() -> None:
    assert (
        told(ValueError, lambda: class_names.checked(["b", "a", "b", "a"]))
        == "wanted distinct class names, got ['a', 'b'] more than once (accents composed or"
        " decomposed make no difference)"
    )
    assert (
        told(ValueError, lambda: class_names.checked(["cat", "c\u0430t"]))
        == "wanted class names that people can tell apart, got 'cat' and 'c\u0430t' ('cat' and"
        " 'c\\u0430t'); write one of them another way"
    )
    latin, others = "ABEKMHOPCTYXIJSaeopcyxijs", "АВЕКМНОРСТУХІЈЅаеорсухіјѕ"
    greek = dict(zip("ΑΒΕΖΗΙΚΜΝΟΡΤΥΧο", "ABEZHIKMNOPTYXo", strict=True))
    for one, other in [*zip(others, latin, strict=True), *greek.items()]:
        with pytest.raises(ValueError, match="that people can tell apart"):
            class_names.checked([f"{one}1", f"{other}1"])


# --- tables ---------------------------------------------------------------------------------

NEED = (("label",), ("sample", "file"))


def read(folder: Path, data: bytes) -> list[csv_tables.TableRow]:
    (folder / "t.csv").write_bytes(data)
    return csv_tables.read(folder / "t.csv", NEED)


@pytest.mark.parametrize(
    ("data", "text"),
    [
        (
            b"file,label\n\xff,a\n",
            "line 2 is not UTF-8 (invalid start byte): wanted CSV in UTF-8; save it as"
            ' "CSV UTF-8" in the spreadsheet, or convert it: iconv -f WINDOWS-1252 -t UTF-8 t.csv'
            " > new.csv",
        ),
        (
            b"file,label\na,b,c\n",
            "line 2 has 3 cells: wanted 2, as in line 1; put quotes around a cell that holds a"
            " comma",
        ),
        (
            b"file;label\na;b;c\n",
            "line 2 has 3 cells: wanted 2, as in line 1; put quotes around a cell that holds a"
            " semicolon",
        ),
        (
            b"file\tlabel\na\tb\tc\n",
            "line 2 has 3 cells: wanted 2, as in line 1; put quotes around a cell that holds a tab",
        ),
        (
            b"",
            "wanted a header with `label` and `sample` or `file`, got an empty file; name the"
            " columns in line 1",
        ),
        (
            b"file,class\n",
            "wanted a header with `label` and `sample` or `file`, got file, class; name the columns"
            " in line 1",
        ),
        (
            b"file,label, LABEL,label\n",
            "line 1 has the column `label` 3 times: wanted it once; leave the others out",
        ),
        (
            b'file,label\na,b\n"c"d,e\n',
            "line 3 is no CSV: ',' expected after '\"'; look at its quotes",
        ),
    ],
)
def test_a_table_that_cannot_be_read(tmp_path: Path, data: bytes, text: str) -> None:
    assert told(DataError, lambda: read(tmp_path, data)) == f"{tmp_path / 't.csv'}: {text}"


def test_a_table_that_can(tmp_path: Path) -> None:
    for data in (
        b"\xef\xbb\xbfFILE , Label\na,b, ,\nc\n",
        "file\tlabel\na\tb\nc\n".encode("utf-16"),
        b"file;label;x,y\na;b\nc\n",
    ):
        rows = read(tmp_path, data)
        assert [(row.line, row.cells["file"], row.cells["label"]) for row in rows] == [
            (2, "a", "b"),
            (3, "c", ""),
        ]
    there = csv_tables.dialect(tmp_path / "t.csv", NEED)
    assert there == csv_tables.Dialect("utf-8-sig", ";", ("file", "label", "x,y"))
    missing = tmp_path / "none.csv"
    text = told(DataError, lambda: csv_tables.read(missing, NEED))
    assert text.startswith(f"cannot read {missing}: wanted a CSV in UTF-8, got [Errno 2]")


# --- names and options ----------------------------------------------------------------------


def test_an_unknown_name_is_told_with_the_near_ones(tmp_path: Path) -> None:
    for name in ("alpha", "alpine", "beta", "_own"):
        (tmp_path / f"{name}.py").write_text("A = 1\nB: int = 2\nC = [3]\ndef d(): ...\n")
    paths = [str(tmp_path)]
    assert (
        told(SettingsError, lambda: registry.get("x", paths, "alph", "thing"))
        == "unknown thing 'alph'; did you mean 'alpha'? wanted one of alpha, alpine, beta"
    )
    assert (
        told(SettingsError, lambda: registry.declared(paths, "zzz", "thing"))
        == "unknown thing 'zzz'; wanted one of alpha, alpine, beta"
    )
    assert registry.declared(paths, "beta", "thing") == {"A": 1, "B": 2, "d": None}


@pytest.mark.parametrize(
    ("values", "text"),
    [
        ({"temperatur": 1}, "temperatur: unknown key; did you mean 'temperature'?"),
        ({"neighbourhood": "x"}, "neighbourhood: wanted 'cluster' or 'pool' (got 'x')"),
    ],
)
def test_options_that_cannot_be(values: dict[str, Any], text: str) -> None:
    found = told(
        SettingsError, lambda: registry.parse_options(supclust.Options, values, "strategy s")
    )
    assert found == f"options of strategy s: {text}"


def test_options_of_another_module() -> None:
    other = hdbscan.Options()
    found = told(
        SettingsError, lambda: registry.parse_options(supclust.Options, other, "strategy s")
    )
    assert found == f"options of strategy s: wanted its own Options, got {other!r}"
    own = supclust.Options()
    assert registry.parse_options(supclust.Options, own, "x") is own
    assert registry.parse_options(supclust.Options, None, "x") == own


# --- answers --------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("answers", "more", "verdict"),
    [
        ([("cat",)], {}, Verdict("cat", None, {"cat": 1}, 1.0)),
        (
            [("cat",), ("dog",), ("cat",)],
            {},
            Verdict("cat", None, {"cat": 2, "dog": 1}, 2 / 3),
        ),
        (
            [("dog",), ("cat",)],
            {},
            Verdict(None, "tie between cat, dog", {"cat": 1, "dog": 1}, 0.5, True),
        ),
        (
            [("cat",), Skip()],
            {"people_wanted": 2},
            Verdict(None, "1 valid answer of 2 wanted", {"cat": 1}, 1.0, True),
        ),
        (
            [("cat",), ("dog",), ("cat",)],
            {"least": 0.7},
            Verdict(None, "cat with confidence 0.67, below 0.7", {"cat": 2, "dog": 1}, 2 / 3, True),
        ),
        (
            [("cat",), ("dog",), ("cat",)],
            {"least": 2 / 3, "beliefs": {"cat": 0.1, "dog": 0.9}},
            Verdict("dog", None, {"cat": 2, "dog": 1}, 0.9),
        ),
        ([Skip(), Skip("none of these")], {}, Verdict(None, "skipped: none of these")),
        ([Skip("none of these"), Skip()], {}, Verdict(None, "skipped: none of these")),
        ([Skip()], {}, Verdict(None, "skipped")),
        ([()], {}, Verdict(None, "empty answer")),
        ([("fox", "emu", "cat")], {}, Verdict(None, "unknown class 'emu'")),
        ([("cat", "dog")], {}, Verdict(None, "several classes: cat, dog")),
        (
            [("x" * 41,)],
            {},
            Verdict(None, f"unknown class '{'x' * 40}...'"),
        ),
        ([("x" * 40,)], {}, Verdict(None, f"unknown class '{'x' * 40}'")),
    ],
)
def test_what_becomes_of_answers(
    answers: list[Any], more: dict[str, Any], verdict: Verdict
) -> None:
    assert consensus.accept(answers, ("cat", "dog"), **more) == verdict


@pytest.mark.parametrize(
    ("values", "text"),
    [
        ({"share": 2}, "share: wanted less than or equal to 1 (got 2)"),
        ({"neighbours": 1.5}, "neighbours: wanted a valid integer (got 1.5)"),
        ({"zzz": 1}, "zzz: unknown key; known keys: neighbours, neighbourhood, share, rounding"),
        (
            {"share": 2, "temperature": 0},
            "share: wanted less than or equal to 1 (got 2); temperature: wanted greater than 0",
        ),
    ],
)
def test_options_are_explained(values: dict[str, Any], text: str) -> None:
    found = told(SettingsError, lambda: registry.parse_options(supclust.Options, values, "x"))
    assert found.startswith(f"options of x: {text}")


def test_too_few_answers_to_fit_are_told(monkeypatch: pytest.MonkeyPatch) -> None:
    def given(people: int, samples: int) -> valid_answers.Answers:
        triples = [(f"s{s}", f"p{p}", "cat") for s in range(samples) for p in range(people)]
        return valid_answers.gather(triples, ("cat", "dog"))

    monkeypatch.setattr(dawid_skene, "SHARED", 4)
    assert dawid_skene.lacking(given(2, 9)) == (
        "answers to samples with several came from 2 people, wanted 3"
    )
    assert dawid_skene.lacking(given(3, 3)) == "samples with several answers are 3, wanted 4"
    assert dawid_skene.lacking(given(3, 4)) is None
    assert dawid_skene.lacking(given(1, 9)) == (
        "answers to samples with several came from 0 people, wanted 3"
    )


def test_advice_is_a_line(capsys: pytest.CaptureFixture[str]) -> None:
    others: list[object] = []
    with warnings.catch_warnings():
        warnings.showwarning = lambda *shown, **more: others.append(shown[0])
        one_line_warnings.print_notices()
        for _ in range(2):  # each time, though from one line
            warnings.warn("look here", one_line_warnings.Advice, stacklevel=1)
        warnings.simplefilter("always", UserWarning)
        warnings.warn("of another kind", UserWarning, stacklevel=1)
    assert capsys.readouterr().err == "labelcycle: look here\n" * 2
    assert [str(each) for each in others] == ["of another kind"]
