"""The pages show what the results files hold, and the files hold tables."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import claims_file
import pytest
import results
import results_file
from results_file import Figure, Layout, OddTable, read, save, table_of, text_of, typed_command
from results_text import markdown, source

NAMES = sorted(path.stem for path in results_file.FOLDER.glob("*.json"))
TEXTS = {
    path.relative_to(results.TOP).as_posix(): path.read_text(encoding="utf-8")
    for path in results.pages()
}
SHOWING = sorted(name for name, text in TEXTS.items() if results.REGION.search(text))


@pytest.mark.parametrize("page", SHOWING)
def test_a_page_shows_what_the_files_hold(page: str) -> None:
    """After a change of a file: `make results`."""
    assert results.printed(TEXTS[page], page) == TEXTS[page]


def test_every_file_is_shown_somewhere() -> None:
    shown = {name for text in TEXTS.values() for name in results.tables_of(text)}
    assert shown == set(NAMES)


@pytest.mark.parametrize("name", NAMES)
def test_a_file_is_written_as_the_programs_write_it(name: str) -> None:
    text = (results_file.FOLDER / f"{name}.json").read_text(encoding="utf-8")
    table = read(name)
    assert text_of(table) == text
    assert "with changes" not in table.commit


@pytest.fixture
def changed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[[str, str, str], None]:
    """Changes a text of a results file, in copies of all that are read from now on."""
    for name in NAMES:
        text = (results_file.FOLDER / f"{name}.json").read_text(encoding="utf-8")
        (tmp_path / f"{name}.json").write_text(text, encoding="utf-8")
    monkeypatch.setattr(results_file, "FOLDER", tmp_path)

    def change(name: str, old: str, new: str) -> None:
        path = tmp_path / f"{name}.json"
        text = path.read_text(encoding="utf-8")
        assert old in text
        path.write_text(text.replace(old, new), encoding="utf-8")

    return change


def test_another_number_in_a_file_is_another_page_and_another_claim(changed: Any) -> None:
    assert results.printed(TEXTS["README.md"], "README.md") == TEXTS["README.md"]
    changed("label-cost-cifar10-features", '"gain": 0.133', '"gain": 0.143')
    for page in ("README.md", "docs/results.md"):
        new = set(results.printed(TEXTS[page], page).splitlines()) - set(TEXTS[page].splitlines())
        assert new
        assert all("+14.3 [" in line for line in new)


def test_another_number_in_a_page_is_printed_anew() -> None:
    page = "docs/results.md"
    odd = TEXTS[page].replace("| random | 23.8 ± 0.9 |", "| random | 33.8 ± 0.9 |")
    assert odd != TEXTS[page]
    assert results.printed(odd, page) == TEXTS[page]


def test_main_names_the_page_that_is_not_up_to_date(
    changed: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    changed("holdout", "0.633", "0.634")
    monkeypatch.setattr("sys.argv", ["results.py", "--check"])
    with pytest.raises(SystemExit, match=r"not what .* says: docs/results\.md; run `make results`"):
        results.main()


@pytest.mark.parametrize(
    ("words", "said"),
    [
        ("table holdout size=3", "docs/x.md: table holdout: no row has size=3"),
        ("table holdout 3", "wanted `table NAME KEY=VALUE"),
        ("table", "wanted `table NAME KEY=VALUE"),
        ("table hold-out", "no results file hold-out.json"),
        ("claims some", "wanted `claims` or `claims all`"),
    ],
)
def test_a_comment_that_names_nothing_is_an_error(words: str, said: str) -> None:
    with pytest.raises((results.OddRegion, OddTable), match=said):
        results.printed(f"<!-- {words} -->\n<!-- end -->\n", "docs/x.md")


@pytest.mark.parametrize(
    ("lost", "said"),
    [
        (
            0,
            "wanted `<!-- end -->` after `<!-- table holdout -->`, got `<!-- claims -->`",
        ),
        (1, "wanted `<!-- end -->` after `<!-- claims -->`, got the page's end"),
    ],
)
def test_a_region_without_its_end_takes_nothing_with_it(lost: int, said: str) -> None:
    parts = ["<!-- table holdout -->\n", "\nProse.\n\n<!-- claims -->\n", "\nMore.\n"]
    ends = ["<!-- end -->\n", "<!-- end -->\n", ""]
    whole = "".join(part + end for part, end in zip(parts, ends, strict=True))
    assert "Prose." in results.printed(whole, "docs/x.md")
    ends[lost] = ""
    broken = "".join(part + end for part, end in zip(parts, ends, strict=True))
    with pytest.raises(results.OddRegion, match=rf"^docs/x\.md: {said}"):
        results.printed(broken, "docs/x.md")


def test_an_end_without_a_region_is_an_error() -> None:
    text = "<!-- tabel holdout -->\n<!-- end -->\n"
    with pytest.raises(results.OddRegion, match=r"docs/x\.md: wanted .* before each .* remove it"):
        results.printed(text, "docs/x.md")


def test_a_claim_of_an_older_table_says_so(changed: Any) -> None:
    page = "README.md"
    changed("crowd", '"note": "busy cores"', '"note": "", "older": "It grew."')
    new = set(results.printed(TEXTS[page], page).splitlines()) - set(TEXTS[page].splitlines())
    commit = read("crowd").commit
    assert [line.endswith(f"`benchmarks/crowd.py` ({commit}, older) |") for line in new] == [True]


def test_where_a_table_was_measured_is_said_once() -> None:
    region = "<!-- table holdout -->\n<!-- end -->\n"
    text = results.printed(region + region, "docs/x.md")
    assert text.count("# commit") == 1
    assert text.count("| 63.3 |") == 2


# --- files ---------------------------------------------------------------------------------

GOOD: dict[str, Any] = {
    "title": "t",
    "command": ["make"],
    "commit": "abc",
    "machine": "m",
    "down": ["name"],
    "figures": [{"key": "s", "best": "least"}],
    "rows": [{"name": "a", "s": 1}, {"name": "b", "s": 2}],
}


def test_a_table_of_figures() -> None:
    table = table_of(GOOD | {"note": "idle", "older": "It grew."})
    assert markdown(table, {}).splitlines() == [
        "| name | s |",
        "|---|---|",
        "| a | **1** |",
        "| b | 2 |",
    ]
    assert source(table) == "    make\n    # commit abc; m; idle\n\n**Older.** It grew."
    text = text_of(table)
    value = json.loads(text)
    assert value == GOOD | {"note": "idle", "older": "It grew.", "digest": value["digest"]}
    assert table_of(value) == table
    by_hand = {"title": text.replace('"t"', '"T"'), "rows": text.replace('"s": 1', '"s": 3')}
    again = {name: text_of(table_of(json.loads(each))) for name, each in by_hand.items()}
    assert again["title"] == by_hand["title"]
    assert again["rows"] != by_hand["rows"]


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"title": 3}, "title: wanted a text, got 3"),
        ({"tittle": "t"}, "tittle: wanted no such field"),
        ({"rows": []}, "rows: wanted at least one"),
        ({"rows": [{"name": "a", "s": [1]}]}, r"rows\.0\.s: wanted a text, a number or null"),
        ({"rows": [{"name": "a", "s": float("nan")}]}, r"rows\.0\.s: wanted a text, a number"),
        ({"rows": [{"s": 1}]}, r"rows\.0: wanted a value for 'name'"),
        ({"rows": GOOD["rows"] * 2}, r"rows\.2: wanted one row for \('a',\), got a second"),
        ({"figures": [{"key": "z"}]}, "figures: no row has 'z'"),
        ({"figures": [{"key": "s", "best": "top"}]}, r"figures\.0\.best: wanted one of"),
        ({"figures": [{"digits": 1}]}, r"figures\.0\.key: wanted this field"),
    ],
)
def test_what_is_no_table_is_refused(change: dict[str, Any], said: str) -> None:
    with pytest.raises(OddTable, match=said):
        table_of(GOOD | change)


LAYOUT = Layout("New", ["name"], [Figure("s"), Figure("never")])


@pytest.mark.slow
def test_new_figures_keep_the_layout_of_the_file(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "t.json"
    monkeypatch.setattr("sys.argv", ["/x/benchmarks/p.py", "--into", str(path), "--seeds", "2"])
    save(path, LAYOUT, [{"name": "a", "s": 1 / 3}])
    first = read("t", tmp_path)
    assert [figure.key for figure in first.figures] == ["s"]
    assert first.rows == ({"name": "a", "s": 0.333333},)
    path.write_text(json.dumps(GOOD | {"older": "It grew."}), encoding="utf-8")
    save(path, LAYOUT, [{"name": "c", "s": 5}], note="idle")
    second = read("t", tmp_path)
    assert (second.title, second.older, second.note) == ("t", None, "idle")
    assert second.command == ("python benchmarks/p.py --seeds 2",)
    assert second.commit == first.commit != "abc"
    with pytest.raises(SystemExit, match=r"t\.json: figures: no row has 's'"):
        save(path, LAYOUT, [{"name": "c", "r": 5}])
    assert read("t", tmp_path) == second


def test_a_command_names_no_place_of_a_computer() -> None:
    words = ["/home/p/benchmarks/label_cost.py", "--data", "/home/p/x y.npz", "--shared", "/home/s"]
    words += ["--json", "--results=r.jsonl", "--seeds", "3", "--into", "t.json", "--jobs", "2"]
    assert typed_command(words) == "python benchmarks/label_cost.py --data 'x y.npz' --seeds 3"


def test_a_claim_without_its_row_is_named(tmp_path: Path) -> None:
    claims = json.loads(claims_file.FILE.read_text(encoding="utf-8"))
    claims[0]["numbers"]["at_10"]["where"]["budget"] = 11
    path = tmp_path / "claims.json"
    path.write_text(json.dumps(claims), encoding="utf-8")
    with pytest.raises(OddTable, match=r"claims.json: claim 0: table label-cost.* got 0 rows"):
        claims_file.read(path)
